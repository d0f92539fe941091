//! Folders and files that a web server is to serve: whoever publishes, and with whatever umask, everybody can read them.

use std::fs::Permissions;
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use fs_err::os::unix::fs::OpenOptionsExt;
use fs_err::{File, OpenOptions};

/// What everybody may do with a folder at least. What a umask or the folder above gives beyond that stays: a group that writes, and
/// the bit by which files get the folder's group.
const FOLDER: u32 = 0o755;
/// Of a file.
const FILE: u32 = 0o644;
/// The bits of a mode that say who may do what.
const BITS: u32 = 0o7777;

/// The folders that are missing on a way, the innermost first.
pub(super) fn missing(path: &Path) -> Vec<PathBuf> {
    let is_missing = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.exists();
    path.ancestors().take_while(is_missing).map(Path::to_owned).collect()
}

/// Makes a folder, and those above it that are missing.
pub(super) fn create_folder(path: &Path) -> io::Result<()> {
    for folder in missing(path).iter().rev() {
        match fs_err::create_dir(folder) {
            Ok(()) => open_up(folder)?,
            // Somebody else has made it in the meantime.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    // Says what is in the way where it is no folder.
    fs_err::create_dir_all(path)
}

/// Gives a file that may have been there what everybody may do with one at least.
pub(super) fn open_up_file(file: &std::fs::File) -> io::Result<()> {
    let mode = file.metadata()?.mode() & BITS;
    if mode & FILE == FILE { Ok(()) } else { file.set_permissions(Permissions::from_mode(mode | FILE)) }
}

fn open_up(folder: &Path) -> io::Result<()> {
    let mode = fs_err::metadata(folder)?.mode() & BITS;
    if mode & FOLDER == FOLDER {
        return Ok(());
    }
    fs_err::set_permissions(folder, Permissions::from_mode(mode | FOLDER))
}

/// Gives a new folder the mode and the group of the one whose place it takes: somebody may have chosen them. The group is not
/// everybody's to give, and then it stays as it is.
pub(super) fn take_over(old: &Path, new: &Path) -> io::Result<()> {
    let (old, now) = (fs_err::metadata(old)?, fs_err::metadata(new)?);
    let same_group = old.gid() == now.gid() || std::os::unix::fs::chown(new, None, Some(old.gid())).is_ok();
    // Without the group, its bit would give files another one than there.
    let mode = if same_group { old.mode() & BITS } else { old.mode() & BITS & !0o2000 };
    // Behind the change of the group, which may take bits away.
    if mode == now.mode() & BITS && old.gid() == now.gid() {
        return Ok(());
    }
    fs_err::set_permissions(new, Permissions::from_mode(mode))
}

/// Writes a new file that anybody may read.
pub(super) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    create(path)?.write_all(bytes)
}

/// Makes a new file that anybody may read.
pub(super) fn create(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(FILE).open(path)?;
    file.set_permissions(Permissions::from_mode(FILE))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs_err::metadata(path).unwrap().mode() & BITS
    }

    #[test]
    fn a_folder_is_as_the_one_before() {
        let folder = tempfile::tempdir().unwrap();
        let [old, new] = ["old", "new"].map(|name| folder.path().join(name));
        create_folder(&old).unwrap();
        for bits in [0o2775, 0o750, 0o755] {
            fs_err::set_permissions(&old, Permissions::from_mode(bits)).unwrap();
            let _ = fs_err::remove_dir(&new);
            create_folder(&new).unwrap();
            take_over(&old, &new).unwrap();
            assert_eq!(mode(&new), bits);
        }
    }

    #[test]
    fn what_the_folder_above_gives_stays() {
        let folder = tempfile::tempdir().unwrap();
        fs_err::set_permissions(folder.path(), Permissions::from_mode(0o2700)).unwrap();
        let inner = folder.path().join("a/b");
        create_folder(&inner).unwrap();
        for made in [inner.parent().unwrap(), &inner] {
            assert_eq!(mode(made) & (FOLDER | 0o2000), FOLDER | 0o2000);
        }
        assert!(missing(&inner).is_empty());
    }
}
