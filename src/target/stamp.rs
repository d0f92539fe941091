//! What tells files from what they were before, by their sizes and times. There are ten thousand of them: each is looked up in its
//! open folder, by one call to the kernel.

use std::ffi::{CString, OsStr};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags};

use crate::hash::ListHash;

/// Path, size and time of a file; of a link those of what it leads to.
pub fn stamp(file: &Path) -> String {
    match fs_err::metadata(file) {
        Ok(found) => {
            format!("{} {} {}.{}", file.display(), found.len(), found.mtime(), found.mtime_nsec())
        }
        Err(_) => format!("{} leads nowhere", file.display()),
    }
}

/// What is another one where a file beneath a folder is another.
pub fn stamp_beneath(folder: &Path) -> String {
    format!("{} {}", folder.display(), of_folder(folder, Which::Beneath))
}

/// Which files of a folder count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    /// All beneath it. A link is followed by nobody: it may lead to all of this host.
    Beneath,
    /// Those in it.
    In,
    /// Those in it that a linker or a loader reads.
    Libraries,
}

impl Which {
    fn counts(self, name: &[u8]) -> bool {
        match self {
            Which::Beneath | Which::In => true,
            Which::Libraries => {
                let name = OsStr::from_bytes(name).to_string_lossy();
                name.contains(".so") || name.ends_with(".a") || name.ends_with(".o")
            }
        }
    }
}

/// Lower-case hexadecimal digits that are others where one of these files is another, by its path, size or time. What cannot be
/// read is missing, before and after.
pub(super) fn of_folder(folder: &Path, which: Which) -> String {
    let mut list = ListHash::default();
    let mut path = folder.as_os_str().as_bytes().to_vec();
    if let Some(opened) = open(CWD, folder) {
        add(&mut list, &opened, &mut path, which);
    }
    list.hex()
}

/// The folders in a folder, in order; those that links lead to are none.
pub(super) fn folders(folder: &Path) -> Vec<PathBuf> {
    let entries = open(CWD, folder).map(|opened| entries(&opened)).unwrap_or_default();
    let folders = entries.into_iter().filter(|(_, kind)| kind.is_dir());
    folders.map(|(name, _)| folder.join(OsStr::from_bytes(name.to_bytes()))).collect()
}

fn add(list: &mut ListHash, folder: &OwnedFd, path: &mut Vec<u8>, which: Which) {
    for (name, kind) in entries(folder) {
        let above = path.len();
        path.push(b'/');
        path.extend_from_slice(name.to_bytes());
        if kind.is_dir() {
            if which == Which::Beneath
                && let Some(opened) = open(folder, name.as_c_str())
            {
                add(list, &opened, path, which);
            }
        } else if which.counts(name.to_bytes()) {
            list.add(&*path);
            // A link counts as what it leads to; one that leads nowhere, as nothing.
            let found = rustix::fs::statat(folder, name.as_c_str(), AtFlags::empty());
            list.add(found.map_or_else(
                |_| Vec::new(),
                |found| {
                    let numbers = [found.st_size, found.st_mtime, found.st_mtime_nsec as i64];
                    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
                },
            ));
        }
        path.truncate(above);
    }
}

fn open(above: impl std::os::fd::AsFd, folder: impl rustix::path::Arg) -> Option<OwnedFd> {
    let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::openat(above, folder, flags, Mode::empty()).ok()
}

/// What is in a folder, in order, without following links.
fn entries(folder: &OwnedFd) -> Vec<(CString, FileType)> {
    let mut entries = Vec::new();
    for entry in Dir::read_from(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        let kind = match entry.file_type() {
            // Some file systems do not say it here.
            FileType::Unknown => rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)
                .map_or(FileType::Unknown, |found| FileType::from_raw_mode(found.st_mode)),
            kind => kind,
        };
        entries.push((name.to_owned(), kind));
    }
    entries.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    entries
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::time::{Duration, SystemTime};

    use super::*;

    #[test]
    fn a_file_is_told_by_size_and_time() {
        let here = tempfile::tempdir().unwrap();
        let file = here.path().join("b.h");
        fs_err::write(&file, "1").unwrap();
        let before = stamp(&file);
        fs_err::write(&file, "12").unwrap();
        assert_ne!(before, stamp(&file));
        let link = here.path().join("link");
        symlink("none", &link).unwrap();
        assert!(stamp(&link).ends_with("leads nowhere"));
    }

    #[test]
    fn each_file_beneath_a_folder_counts() {
        let here = tempfile::tempdir().unwrap();
        let (root, outside) = (here.path().join("root"), here.path().join("outside"));
        fs_err::create_dir_all(root.join("a/b")).unwrap();
        fs_err::create_dir_all(&outside).unwrap();
        fs_err::write(root.join("a/b/c.h"), "1").unwrap();
        fs_err::write(outside.join("d.h"), "1").unwrap();
        let hour_ago = SystemTime::now() - Duration::from_secs(3600);
        let age = |file: &Path| {
            fs_err::File::options().write(true).open(file).unwrap().file().set_modified(hour_ago).unwrap();
        };
        let mut seen = Vec::new();
        let mut look = || seen.push(of_folder(&root, Which::Beneath));
        look();
        fs_err::write(root.join("a/b/c.h"), "12").unwrap();
        look();
        age(&root.join("a/b/c.h"));
        look();
        fs_err::rename(root.join("a/b/c.h"), root.join("a/c.h")).unwrap();
        look();
        symlink("../outside/d.h", root.join("d.h")).unwrap();
        look();
        age(&outside.join("d.h"));
        look();
        symlink("../outside", root.join("e")).unwrap();
        look();
        let states = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), states);
        // What a link to a folder leads to is not looked at.
        let before = of_folder(&root, Which::Beneath);
        age(&outside.join("d.h"));
        fs_err::remove_file(root.join("d.h")).unwrap();
        let without = of_folder(&root, Which::Beneath);
        assert_ne!(before, without);
        fs_err::write(outside.join("d.h"), "123").unwrap();
        assert_eq!(without, of_folder(&root, Which::Beneath));
        assert_eq!(folders(&root), [root.join("a")]);
    }

    #[test]
    fn of_a_folder_of_libraries_only_these_count() {
        let here = tempfile::tempdir().unwrap();
        let look = |which| of_folder(here.path(), which);
        let nothing = look(Which::Libraries);
        fs_err::write(here.path().join("README"), "1").unwrap();
        fs_err::create_dir(here.path().join("x.so")).unwrap();
        fs_err::write(here.path().join("x.so/y.so"), "1").unwrap();
        assert_eq!(nothing, look(Which::Libraries));
        assert_ne!(nothing, look(Which::In));
        for name in ["liba.so.1", "crti.o", "libc.a"] {
            let before = look(Which::Libraries);
            fs_err::write(here.path().join(name), "1").unwrap();
            assert_ne!(before, look(Which::Libraries), "{name}");
        }
        assert_eq!(of_folder(&here.path().join("none"), Which::In), nothing);
    }
}
