//! One publisher at a time.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;

use super::{Error, readable};
use crate::beneath::at;
use crate::{locking, process};

/// The file that is locked. It stays, but where the folder goes with it.
pub(super) const LOCK: &str = ".modgraft-lock";
/// What a holder says of itself, at most.
const LONGEST: u64 = 200;
/// Where Linux tells it.
const HOST_NAME: &str = "/proc/sys/kernel/hostname";

/// Held as long as it lives, and no longer than its process.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
}

/// What is done while one has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum For {
    Publishing,
    /// Several may at once; the file has to be there, and to be one that this user may read.
    Reading,
}

impl Lock {
    /// Takes the lock of a folder; nothing where it is gone, or where it is only read and nobody has ever
    /// published to it, or somebody from whom others may read nothing there: to look at a repository takes no more than its clients have.
    ///
    /// # Errors
    /// [`Error::Locked`] where somebody else has it and `wait` is not asked for; [`Error::Interrupted`].
    pub fn take(folder: &Path, what: For, wait: bool) -> Result<Option<Lock>, Error> {
        let path = folder.join(LOCK);
        let mut file = loop {
            let Some(file) = open(&path, what)? else { return Ok(None) };
            let try_lock = || match what {
                For::Publishing => file.try_lock(),
                For::Reading => file.try_lock_shared(),
            };
            let busy = |_| match wait {
                false => Err(Error::Locked { path: folder.to_owned(), holder: holder(&file) }),
                true if process::interrupted() => Err(Error::Interrupted),
                true => Ok(()),
            };
            locking::wait(try_lock, busy).map_err(|error| match error {
                Error::Io(error) => at(&path, error).into(),
                error => error,
            })?;
            // Whoever had it may have removed it with the folder; the next one's would be another file.
            if locking::is_at(&file, &path)? {
                break file;
            }
        };
        if what == For::Publishing {
            let host = fs_err::read_to_string(HOST_NAME).unwrap_or_default();
            let said = format!("process {} on {}\n", std::process::id(), host.trim());
            // For a person; the lock holds without it.
            let _ = say(&mut file, &said);
            // For whoever only reads. It may be another user's, whose it is to change that.
            let _ = readable::open_up_file(&file);
        }
        Ok(Some(Lock { file }))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing is not enough: a child that another thread is just starting has the file as well until it is the new program.
        let _ = self.file.unlock();
    }
}

/// Opens the file, and nothing that a link leads to: it is written to.
fn open(path: &Path, what: For) -> io::Result<Option<File>> {
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(OFlags::NOFOLLOW.bits().cast_signed());
    if what == For::Publishing {
        options.write(true).create(true).truncate(false);
    }
    match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied && what == For::Reading => Ok(None),
        opened => opened.map(Some).map_err(|error| at(path, error)),
    }
}

/// Writes it in place of what the last holder wrote, which is most often as long: to cut a file costs more than to write it.
fn say(file: &mut File, said: &str) -> io::Result<()> {
    file.write_all(said.as_bytes())?;
    let length = said.len() as u64;
    if file.metadata()?.len() == length { Ok(()) } else { file.set_len(length) }
}

/// Who has the lock, as it wrote there.
fn holder(mut file: &File) -> String {
    let mut said = Vec::new();
    let _ = file.seek(SeekFrom::Start(0)).and_then(|_| file.take(LONGEST).read_to_end(&mut said));
    String::from_utf8_lossy(&said).trim().chars().filter(|letter| !letter.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_second_is_told_who_has_it() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Lock::take(folder.path(), For::Reading, false).unwrap().is_none());
        let first = Lock::take(folder.path(), For::Publishing, false).unwrap();
        for what in [For::Publishing, For::Reading] {
            match Lock::take(folder.path(), what, false) {
                Err(Error::Locked { holder, .. }) => {
                    assert!(holder.starts_with(&format!("process {} on ", std::process::id())), "{holder}");
                }
                other => panic!("{other:?}"),
            }
        }
        drop(first);
        // What a longer-named one wrote goes whole.
        fs_err::write(folder.path().join(LOCK), "x".repeat(150)).unwrap();
        drop(Lock::take(folder.path(), For::Publishing, false).unwrap());
        assert!(!fs_err::read_to_string(folder.path().join(LOCK)).unwrap().contains('x'));
        let readers = [(); 2].map(|()| Lock::take(folder.path(), For::Reading, false).unwrap());
        assert!(Lock::take(folder.path(), For::Publishing, false).is_err());
        drop(readers);
        Lock::take(folder.path(), For::Publishing, false).unwrap();
    }

    #[test]
    fn a_file_that_is_no_more_the_folders_is_no_lock() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(LOCK);
        let first = Lock::take(folder.path(), For::Publishing, false).unwrap();
        let second = std::thread::scope(|scope| {
            let second = scope.spawn(|| Lock::take(folder.path(), For::Publishing, true).unwrap());
            // It waits for the file that is there.
            std::thread::sleep(Duration::from_millis(200));
            fs_err::remove_file(&path).unwrap();
            drop(first);
            second.join().unwrap()
        });
        assert!(matches!(Lock::take(folder.path(), For::Publishing, false), Err(Error::Locked { .. })));
        drop(second);
        assert!(Lock::take(&folder.path().join("gone"), For::Publishing, false).unwrap().is_none());
    }

    #[test]
    fn what_a_link_leads_to_is_not_written_to() {
        let folder = tempfile::tempdir().unwrap();
        let other = folder.path().join("other");
        fs_err::write(&other, "text").unwrap();
        std::os::unix::fs::symlink(&other, folder.path().join(LOCK)).unwrap();
        assert!(Lock::take(folder.path(), For::Publishing, false).is_err());
        assert_eq!(fs_err::read_to_string(other).unwrap(), "text");
    }
}
