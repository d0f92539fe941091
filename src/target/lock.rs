//! A folder of the cache that one process at a time makes, beside its place, and puts there whole.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;
use tempfile::TempDir;

use super::Error;
use crate::{locking, process};

/// So often, folders are made again that other processes remove at the same time.
const TRIES: u32 = 1000;

/// The right to change a folder, and the only one. What it needed for that is gone with it, so that a run which fails leaves
/// the cache as it was.
#[derive(Debug)]
pub struct Lock {
    folder: PathBuf,
    /// Held as long as it is open.
    _file: fs_err::File,
    path: PathBuf,
    /// Folders that were not there, the deepest first.
    made: Vec<PathBuf>,
}

impl Lock {
    /// Waits for the lock of a folder, which need not be there, and clears away what a process that was killed has left.
    ///
    /// # Errors
    /// The place may not be written to; or modgraft is asked to stop.
    pub fn of(folder: &Path) -> Result<Self, Error> {
        let parent = folder.parent().unwrap_or(Path::new(""));
        let path = beside(folder, ".lock");
        let (mut made, mut tries) = (Vec::new(), 0);
        let file = loop {
            for missing in parent.ancestors().take_while(|folder| !folder.exists()) {
                if !made.iter().any(|folder| folder == missing) {
                    made.push(missing.to_owned());
                }
            }
            let opened = fs_err::create_dir_all(parent)
                .and_then(|()| fs_err::File::options().create(true).truncate(false).write(true).open(&path));
            let file = match opened {
                // Another process may have removed meanwhile what it had made.
                Err(error)
                    if tries < TRIES
                        && matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::AlreadyExists) =>
                {
                    tries += 1;
                    continue;
                }
                opened => opened?,
            };
            wait(&file)?;
            // Whoever had the lock before has removed the file; its name may be another one's by now.
            if is_at(&file, &path)? {
                break file;
            }
        };
        let lock = Lock { folder: folder.to_owned(), _file: file, path, made };
        let prefix = lock.prefix();
        for entry in fs_err::read_dir(parent)?.flatten() {
            if entry.file_name().to_string_lossy().starts_with(&prefix) {
                remove(&entry.path())?;
            }
        }
        Ok(lock)
    }

    /// A place beside the folder to make it in.
    pub fn stage(&self) -> io::Result<Stage<'_>> {
        let parent = self.folder.parent().unwrap_or(Path::new(""));
        let dir = tempfile::Builder::new().prefix(&self.prefix()).tempdir_in(parent)?;
        fs_err::create_dir(dir.path().join(NEW))?;
        Ok(Stage { dir, lock: self })
    }

    /// Removes the folder.
    pub fn remove(&self) -> io::Result<()> {
        remove(&self.folder)
    }

    fn prefix(&self) -> String {
        format!(".{}~", self.folder.file_name().unwrap_or_default().to_string_lossy())
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Nothing can be done about what stays; the next run uses it.
        let _ = fs_err::remove_file(&self.path);
        for folder in &self.made {
            let _ = fs_err::remove_dir(folder);
        }
    }
}

const NEW: &str = "new";

/// A folder in the making; removed unless it is published.
#[derive(Debug)]
pub struct Stage<'a> {
    dir: TempDir,
    lock: &'a Lock,
}

impl Stage<'_> {
    /// The folder in the making.
    pub fn path(&self) -> PathBuf {
        self.dir.path().join(NEW)
    }

    /// A folder for what is needed meanwhile only.
    pub fn scratch(&self, name: &str) -> io::Result<PathBuf> {
        let folder = self.dir.path().join(format!("scratch-{name}"));
        fs_err::create_dir(&folder)?;
        Ok(folder)
    }

    /// Puts the folder into its place; one that was there before is replaced at once, and stays where that fails.
    pub fn publish(self) -> io::Result<()> {
        let (new, folder) = (self.path(), &self.lock.folder);
        match renameat_with(CWD, &new, CWD, folder, RenameFlags::EXCHANGE) {
            // The old one goes with the stage.
            Ok(()) => Ok(()),
            Err(Errno::NOENT) => fs_err::rename(new, folder),
            // Some file systems cannot exchange.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                let old = self.dir.path().join("old");
                fs_err::rename(folder, &old)?;
                fs_err::rename(new, folder).inspect_err(|_| {
                    let _ = fs_err::rename(&old, folder);
                })
            }
            Err(error) => Err(error.into()),
        }
    }
}

fn beside(folder: &Path, suffix: &str) -> PathBuf {
    let mut name = folder.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Waits for the lock of an open file or folder.
pub fn wait(file: &fs_err::File) -> Result<(), Error> {
    let interrupted = |_| match process::interrupted() {
        true => Err(process::Error::Interrupted.into()),
        false => Ok(()),
    };
    locking::wait(|| file.file().try_lock(), interrupted)
}

/// Whether an open file is the one that has this name.
fn is_at(file: &fs_err::File, path: &Path) -> io::Result<bool> {
    let open = file.metadata()?;
    match fs_err::metadata(path) {
        Ok(named) => Ok((open.dev(), open.ino()) == (named.dev(), named.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn remove(folder: &Path) -> io::Result<()> {
    match fs_err::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_is_there_whole_or_not_at_all() {
        let cache = tempfile::tempdir().unwrap();
        let folder = cache.path().join("a/b");
        let make = |text: &str, publish: bool| {
            let lock = Lock::of(&folder).unwrap();
            let stage = lock.stage().unwrap();
            fs_err::write(stage.path().join("x"), text).unwrap();
            if publish {
                stage.publish().unwrap();
            }
        };
        let left = || walkdir::WalkDir::new(cache.path()).into_iter().count();
        make("1", false);
        assert_eq!(left(), 1, "neither the lock nor the folders above are left");
        make("2", true);
        make("3", false);
        let content = || fs_err::read_to_string(folder.join("x")).unwrap();
        assert_eq!((content().as_str(), left()), ("2", 4));
        make("4", true);
        assert_eq!((content().as_str(), left()), ("4", 4));
        // As a process that was killed leaves it.
        fs_err::create_dir(cache.path().join("a/.b~x")).unwrap();
        fs_err::write(cache.path().join("a/b.lock"), "").unwrap();
        Lock::of(&folder).unwrap();
        assert_eq!(left(), 4);
    }

    #[test]
    fn one_at_a_time_has_the_lock() {
        let cache = tempfile::tempdir().unwrap();
        let folder = cache.path().join("a/b");
        let count = cache.path().join("count");
        fs_err::write(&count, "0").unwrap();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        let _lock = Lock::of(&folder).unwrap();
                        let number: u32 = fs_err::read_to_string(&count).unwrap().parse().unwrap();
                        fs_err::write(&count, (number + 1).to_string()).unwrap();
                    }
                });
            }
        });
        // The folder above may stay: whoever made it cannot remove it while the next one waits there.
        assert_eq!(fs_err::read_to_string(&count).unwrap(), "160");
    }
}
