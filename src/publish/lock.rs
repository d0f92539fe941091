//! One publisher at a time.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::Error;
use crate::beneath::at;
use crate::{locking, process};

/// The file that is locked. It stays: to remove it would let two hold one each.
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
    /// Several may at once; the file has to be there.
    Reading,
}

impl Lock {
    /// Takes the lock of a folder; nothing where it is only read and nobody has ever published to it.
    ///
    /// # Errors
    /// [`Error::Locked`] where somebody else has it and `wait` is not asked for; [`Error::Interrupted`].
    pub fn take(folder: &Path, what: For, wait: bool) -> Result<Option<Lock>, Error> {
        let path = folder.join(LOCK);
        let mut options = OpenOptions::new();
        options.read(true);
        if what == For::Publishing {
            options.write(true).create(true).truncate(false);
        }
        let mut file = match options.open(&path) {
            Err(error) if what == For::Reading && error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(|error| at(&path, error))?,
        };
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
        if what == For::Publishing {
            let host = fs_err::read_to_string(HOST_NAME).unwrap_or_default();
            let said = format!("process {} on {}\n", std::process::id(), host.trim());
            // For a person; the lock holds without it.
            let _ = say(&mut file, &said);
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
}
