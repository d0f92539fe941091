//! Writing beneath a folder, and nowhere else.
//!
//! Each folder on the way is opened relative to the one above and never through a symbolic link, so that neither the names
//! that a stranger chose, nor anybody who writes into the folder meanwhile, can lead out of it. (openat2 with
//! RESOLVE_BENEATH does the same in one call, which kernels before 5.6 and some containers refuse.)

use std::cell::RefCell;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

/// A folder, opened. All paths are relative to it and have plain names only.
#[derive(Debug)]
pub struct Beneath {
    root: Rc<OwnedFd>,
    /// The folder that was opened last: packages list theirs folder by folder.
    last: RefCell<Option<(PathBuf, Rc<OwnedFd>)>>,
}

impl Beneath {
    /// Opens a folder, which has to be there.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root =
            rustix::fs::openat(CWD, folder, flags, Mode::empty()).map_err(|errno| named(folder, errno))?;
        Ok(Beneath { root: Rc::new(root), last: RefCell::new(None) })
    }

    /// Makes a folder, and those above it; they may be there.
    pub fn folder(&self, path: &Path) -> io::Result<()> {
        self.descend(path).map(|_| ())
    }

    /// Makes a file that is not there yet, and the folders above it.
    pub fn create(&self, path: &Path, mode: u32) -> io::Result<File> {
        let (folder, name) = self.parent(path)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&*folder, name, flags, Mode::from_raw_mode(mode));
        file.map(File::from).map_err(|errno| named(path, errno))
    }

    /// Makes a symbolic link that is not there yet, and the folders above it. Where it leads is the caller's to judge.
    pub fn symlink(&self, path: &Path, target: &OsStr) -> io::Result<()> {
        let (folder, name) = self.parent(path)?;
        rustix::fs::symlinkat(target, &*folder, name).map_err(|errno| named(path, errno))
    }

    /// Makes another name of a file, which is no link itself.
    pub fn hard_link(&self, path: &Path, original: &Path) -> io::Result<()> {
        let (from, original_name) = self.parent(original)?;
        let (folder, name) = self.parent(path)?;
        rustix::fs::linkat(&*from, original_name, &*folder, name, AtFlags::empty())
            .map_err(|errno| named(path, errno))
    }

    /// Removes a file or a link, where there is one; nothing beneath a link.
    pub fn remove(&self, path: &Path) -> io::Result<()> {
        self.unlink(path, AtFlags::empty())
    }

    /// Removes a folder in which nothing is, where there is one; nothing beneath a link.
    pub fn remove_folder(&self, path: &Path) -> io::Result<()> {
        self.last.take();
        self.unlink(path, AtFlags::REMOVEDIR)
    }

    fn unlink(&self, path: &Path, flags: AtFlags) -> io::Result<()> {
        let (parent, name) = split(path)?;
        let removed = self.walk(parent, false).and_then(|folder| {
            rustix::fs::unlinkat(&*folder, name, flags).map_err(|errno| named(path, errno))
        });
        removed.or_else(|error| if is_missing(&error) { Ok(()) } else { Err(error) })
    }

    /// What there is; nothing beneath a link.
    pub fn kind(&self, path: &Path) -> io::Result<Option<FileType>> {
        let (parent, name) = split(path)?;
        let found = self.walk(parent, false).and_then(|folder| {
            rustix::fs::statat(&*folder, name, AtFlags::SYMLINK_NOFOLLOW).map_err(|errno| named(path, errno))
        });
        match found {
            Ok(found) => Ok(Some(FileType::from_raw_mode(found.st_mode))),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Moves what is in the folder `from` into the folder `to`, and removes `from`. What both have stays as `to` has it.
    pub fn merge(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.folder(to)?;
        for name in self.names(from)? {
            let (old, new) = (from.join(&name), to.join(&name));
            match (self.kind(&old)?, self.kind(&new)?) {
                (_, None) => {
                    let ((folder, old_name), (into, new_name)) = (self.parent(&old)?, self.parent(&new)?);
                    rustix::fs::renameat(&*folder, old_name, &*into, new_name)
                        .map_err(|errno| named(&old, errno))?;
                    self.last.take();
                }
                (Some(FileType::Directory), Some(FileType::Directory)) => self.merge(&old, &new)?,
                (Some(FileType::Directory), Some(_)) => return Err(named(&new, Errno::NOTDIR)),
                (_, Some(_)) => self.remove(&old)?,
            }
        }
        let (folder, name) = self.parent(from)?;
        self.last.take();
        rustix::fs::unlinkat(&*folder, name, AtFlags::REMOVEDIR).map_err(|errno| named(from, errno))
    }

    fn names(&self, path: &Path) -> io::Result<Vec<OsString>> {
        let folder = self.descend(path)?;
        let entries = Dir::read_from(&*folder).map_err(|errno| named(path, errno))?;
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|errno| named(path, errno))?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                names.push(OsString::from_vec(name.to_owned()));
            }
        }
        Ok(names)
    }

    fn parent<'p>(&self, path: &'p Path) -> io::Result<(Rc<OwnedFd>, &'p OsStr)> {
        let (parent, name) = split(path)?;
        Ok((self.descend(parent)?, name))
    }

    /// Opens a folder, making what is missing on the way.
    fn descend(&self, path: &Path) -> io::Result<Rc<OwnedFd>> {
        self.walk(path, true)
    }

    fn walk(&self, path: &Path, make: bool) -> io::Result<Rc<OwnedFd>> {
        if let Some((known, folder)) = &*self.last.borrow()
            && known == path
        {
            return Ok(folder.clone());
        }
        let mut folder = self.root.clone();
        for component in path.components() {
            let Component::Normal(name) = component else { return Err(named(path, Errno::INVAL)) };
            let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let open = || rustix::fs::openat(&*folder, name, flags, Mode::empty());
            let next = match open() {
                Err(Errno::NOENT) if make => {
                    match rustix::fs::mkdirat(&*folder, name, Mode::from_raw_mode(0o755)) {
                        Ok(()) | Err(Errno::EXIST) => open(),
                        Err(errno) => Err(errno),
                    }
                }
                opened => opened,
            };
            folder = Rc::new(next.map_err(|errno| named(path, errno))?);
        }
        *self.last.borrow_mut() = Some((path.to_owned(), folder.clone()));
        Ok(folder)
    }
}

/// The folder and the name in it.
fn split(path: &Path) -> io::Result<(&Path, &OsStr)> {
    match (path.parent(), path.components().next_back()) {
        (Some(parent), Some(Component::Normal(name))) => Ok((parent, name)),
        _ => Err(named(path, Errno::INVAL)),
    }
}

/// Whether there is nothing at a path, or a link or a file on the way to it.
fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn named(path: &Path, errno: Errno) -> io::Error {
    at(path, errno.into())
}

/// An error of the operating system with the file that it is about.
pub fn at(path: &Path, source: io::Error) -> io::Error {
    let path = String::from_utf8_lossy(path.as_os_str().as_bytes()).escape_debug().to_string();
    io::Error::new(source.kind(), At { path, source })
}

/// Keeps the cause apart from the words: what helps against a full disk is known by the cause.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {source}")]
struct At {
    path: String,
    source: io::Error,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn no_name_and_no_link_leads_out() {
        let outer = tempfile::tempdir().unwrap();
        let root = outer.path().join("root");
        fs_err::create_dir(&root).unwrap();
        symlink(outer.path(), root.join("out")).unwrap();
        symlink(outer.path().join("file"), root.join("link")).unwrap();
        let beneath = Beneath::open(&root).unwrap();
        for path in ["../x", "/x", "a/../../x", "out/x", "link", "", "."] {
            assert!(beneath.create(Path::new(path), 0o644).is_err(), "{path}");
            assert!(beneath.symlink(Path::new(path), OsStr::new("y")).is_err(), "{path}");
        }
        assert!(beneath.hard_link(Path::new("y"), Path::new("out/root")).is_err());
        assert!(beneath.folder(Path::new("out")).is_err() && beneath.folder(Path::new("a/b")).is_ok());
        assert_eq!(fs_err::read_dir(outer.path()).unwrap().count(), 1);
        beneath.create(Path::new("c/d/e"), 0o600).unwrap();
        beneath.hard_link(Path::new("f"), Path::new("c/d/e")).unwrap();
        assert!(root.join("f").is_file());
        // Neither is anything removed behind a link, nor made for what is not there.
        fs_err::write(outer.path().join("file"), "").unwrap();
        for path in ["out/file", "no/file", "f/file", "no"] {
            beneath.remove(Path::new(path)).unwrap();
            beneath.remove_folder(Path::new(path)).unwrap();
        }
        assert!(outer.path().join("file").is_file() && !root.join("no").exists());
        assert!(beneath.remove_folder(Path::new("c")).is_err());
        beneath.remove(Path::new("c/d/e")).unwrap();
        beneath.remove_folder(Path::new("c/d")).unwrap();
        assert!(root.join("c").is_dir() && !root.join("c/d").exists());
    }

    #[test]
    fn folders_are_merged() {
        let root = tempfile::tempdir().unwrap();
        let beneath = Beneath::open(root.path()).unwrap();
        for (path, text) in [("lib/a", "1"), ("lib/x/b", "2"), ("usr/lib/a", "3"), ("usr/lib/x/c", "4")] {
            let mut file = beneath.create(Path::new(path), 0o644).unwrap();
            io::Write::write_all(&mut file, text.as_bytes()).unwrap();
        }
        beneath.merge(Path::new("lib"), Path::new("usr/lib")).unwrap();
        for (path, text) in [("usr/lib/a", "3"), ("usr/lib/x/b", "2"), ("usr/lib/x/c", "4")] {
            assert_eq!(fs_err::read_to_string(root.path().join(path)).unwrap(), text, "{path}");
        }
        assert!(!root.path().join("lib").exists());
    }
}
