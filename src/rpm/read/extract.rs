//! Takes the files out of a package, beneath a folder and nowhere else.
//!
//! Each folder on the way is opened relative to the one above and never through a symbolic link, so that nothing in the
//! package, nor anybody who writes into the folder meanwhile, can lead out of it.

use std::io::{BufWriter, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, mkdirat, openat, symlinkat};
use rustix::io::Errno;

use super::archive::{Archive, Name};
use super::digests::{file_algorithm, hasher, most, read_into};
use super::files::{self, GHOST, Listed};
use super::{Error, Opened, index, key};

/// All files together. Bytes.
const MOST: u64 = 4 << 30;

/// Writes all files of a package beneath `directory`, which has to exist, and returns their paths there: regular files
/// and symbolic links, in the order of the payload. Owners are not kept, nor set-id bits; folders have mode 0755.
///
/// # Errors
/// [`Error::Damaged`] for a path or link that leads out, for special files, and where a size or digest does not hold;
/// [`Error::Io`] where something is in the way. What was written before the error stays.
pub fn extract(package: &Path, directory: &Path) -> Result<Vec<PathBuf>, Error> {
    let package = Opened::open(package)?;
    let listed = files::list(&package)?;
    if listed.iter().filter(|file| file.flags & GHOST == 0).map(|file| u128::from(file.size)).sum::<u128>()
        > MOST.into()
    {
        return Err(package.damaged("its files are larger than 4 GiB"));
    }
    let root = openat(CWD, directory, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
        .map_err(|errno| named(directory, errno))?;
    let by_path = index(&listed);
    let mut seen = vec![false; listed.len()];
    let mut written = Vec::new();
    let mut archive = Archive::open(&package, most(&package).min(2 * MOST))?;
    while let Some(entry) = archive.next().map_err(|error| reading(&package, error))? {
        let number = match &entry.name {
            Name::Path(path) => by_path.get(key(path)).copied(),
            Name::Index(index) => usize::try_from(*index).ok(),
        };
        let Some((file, seen)) = number.and_then(|number| listed.get(number).zip(seen.get_mut(number)))
        else {
            return Err(package.damaged("its payload has a file that its header has not"));
        };
        if std::mem::replace(seen, true) {
            return Err(package.damaged(format!("`{}` is in its payload twice", file.path.escape_debug())));
        }
        if entry.links > 1 {
            return Err(package
                .damaged(format!("`{}` is a hard link, which is not read here", file.path.escape_debug())));
        }
        if entry.size.is_some_and(|size| size != file.size) {
            return Err(package.damaged(format!(
                "header and payload differ in the size of `{}`",
                file.path.escape_debug()
            )));
        }
        if let Some(path) = write(&package, &root, file, &mut archive)? {
            written.push(directory.join(path));
        }
    }
    match listed.iter().zip(seen).find(|(file, seen)| !seen && file.flags & GHOST == 0) {
        Some((missing, _)) => {
            Err(package.damaged(format!("`{}` is not in its payload", missing.path.escape_debug())))
        }
        None => Ok(written),
    }
}

/// Writes one file, and returns its path where it is no folder.
fn write(
    package: &Opened,
    root: &OwnedFd,
    file: &Listed,
    archive: &mut Archive<'_>,
) -> Result<Option<PathBuf>, Error> {
    let shown = file.path.escape_debug();
    let path = key(&file.path);
    let parts: Vec<&str> = path.split('/').collect();
    let (Some((name, folders)), true) = (parts.split_last(), parts.iter().all(|part| is_name(part))) else {
        return Err(package.damaged(format!("the path `{shown}` leads out of the folder")));
    };
    match file.mode & 0o170_000 {
        0o040_000 => {
            descend(root, &parts)?;
            Ok(None)
        }
        0o100_000 => {
            let folder = descend(root, folders)?;
            regular(package, &folder, name, file, archive)?;
            Ok(Some(PathBuf::from(path)))
        }
        0o120_000 => {
            let mut target = Vec::new();
            // The size was compared with the header's; a target is a path.
            if file.size > 4096 {
                return Err(package.damaged(format!("the link `{shown}` is too long")));
            }
            read_into(&mut archive.content(file.size), |bytes| target.extend_from_slice(bytes))
                .map_err(|error| unwrapped(package, error))?;
            if !stays_inside(folders.len(), &target) || target != file.target.as_bytes() {
                return Err(package.damaged(format!("the link `{shown}` leads out of the folder")));
            }
            let folder = descend(root, folders)?;
            symlinkat(target.as_slice(), &folder, *name).map_err(|errno| named(Path::new(path), errno))?;
            Ok(Some(PathBuf::from(path)))
        }
        _ => Err(package.damaged(format!("`{shown}` is neither file nor folder nor link"))),
    }
}

fn regular(
    package: &Opened,
    folder: &OwnedFd,
    name: &str,
    file: &Listed,
    archive: &mut Archive<'_>,
) -> Result<(), Error> {
    let shown = file.path.escape_debug();
    let Some((_, mut hash)) = hasher(file_algorithm(package)) else {
        return Err(package.damaged("its files' digests are of an unknown kind"));
    };
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mode = Mode::from_raw_mode(u32::from(file.mode & 0o777));
    let created = openat(folder, name, flags, mode).map_err(|errno| named(Path::new(&file.path), errno))?;
    let mut out = BufWriter::new(std::fs::File::from(created));
    let mut failure = None;
    let read = read_into(&mut archive.content(file.size), |bytes| {
        hash.take(bytes);
        if failure.is_none() {
            failure = out.write_all(bytes).err();
        }
    })
    .map_err(|error| unwrapped(package, error))?;
    match failure.or_else(|| out.flush().err()) {
        Some(error) => {
            return Err(
                std::io::Error::new(error.kind(), format!("{}: {error}", file.path.escape_debug())).into()
            );
        }
        None if read != file.size => return Err(package.damaged(format!("`{shown}` is cut off"))),
        None => {}
    }
    if !hash.end().eq_ignore_ascii_case(&file.digest) {
        return Err(package.damaged(format!("the digest of `{shown}` does not hold")));
    }
    Ok(())
}

/// Opens a folder beneath `root`, making what is missing.
fn descend(root: &OwnedFd, parts: &[&str]) -> Result<OwnedFd, Error> {
    let mut folder = root.try_clone()?;
    for part in parts {
        match mkdirat(&folder, *part, Mode::from_raw_mode(0o755)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(named(Path::new(part), errno)),
        }
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        folder =
            openat(&folder, *part, flags, Mode::empty()).map_err(|errno| named(Path::new(part), errno))?;
    }
    Ok(folder)
}

fn is_name(part: &str) -> bool {
    !part.is_empty() && part != "." && part != ".." && !part.contains('\0')
}

/// Whether a link in a folder `depth` below the root stays beneath it. It may go up first, and then only down: its own folder
/// is no link, so the way up is what it seems, and each link that it passes on the way down keeps the same rule. Going up
/// behind another link could lead anywhere.
fn stays_inside(depth: usize, target: &[u8]) -> bool {
    if target.is_empty() || target.starts_with(b"/") || target.contains(&0) {
        return false;
    }
    let mut parts =
        target.split(|byte| *byte == b'/').filter(|part| !part.is_empty() && *part != b".").peekable();
    let mut above = 0;
    while parts.next_if(|part| *part == b"..").is_some() {
        above += 1;
    }
    above <= depth && parts.all(|part| part != b"..")
}

fn named(path: &Path, errno: Errno) -> Error {
    let error = std::io::Error::from(errno);
    Error::Io(std::io::Error::new(error.kind(), format!("{}: {error}", path.display())))
}

/// A decompressor's complaint is about the package.
fn reading(package: &Opened, error: std::io::Error) -> Error {
    package.damaged(format!("its payload cannot be read: {error}"))
}

fn unwrapped(package: &Opened, error: Error) -> Error {
    match error {
        Error::Io(error) => reading(package, error),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::stays_inside;

    #[test]
    fn links_are_followed_on_paper() {
        assert!(stays_inside(5, b"../../../../../usr/lib/x.so"));
        assert!(stays_inside(0, b"a"));
        for bad in [&b"/etc/passwd"[..], b"..", b"../x", b"a/../b", b""] {
            assert!(!stays_inside(0, bad));
        }
        assert!(!stays_inside(2, b"../../../x"));
    }
}
