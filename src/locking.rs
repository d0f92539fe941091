//! Waiting for a file's lock that another process, or another thread, has.

use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::thread;
use std::time::Duration;

/// Between two looks at a lock that somebody else has.
const PAUSE: Duration = Duration::from_millis(20);

/// Asks for a lock until it is there: a call that waits would not notice Ctrl-C. `busy` is asked each time that somebody else
/// has it, and told how often that was before.
///
/// # Errors
/// That of `busy`, which ends the waiting; the file cannot be locked.
pub(crate) fn wait<E: From<io::Error>>(
    try_lock: impl Fn() -> Result<(), TryLockError>,
    busy: impl Fn(usize) -> Result<(), E>,
) -> Result<(), E> {
    for before in 0.. {
        match try_lock() {
            Ok(()) => break,
            Err(TryLockError::Error(error)) => return Err(error.into()),
            Err(TryLockError::WouldBlock) => busy(before)?,
        }
        thread::sleep(PAUSE);
    }
    Ok(())
}

/// Whether a file that was opened is still the one at a path: whoever had its lock may have removed it, and what is locked then is
/// nobody's. A link there is another file.
///
/// # Errors
/// One of the two cannot be looked at.
pub(crate) fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    match fs_err::symlink_metadata(path) {
        Ok(there) => {
            let file = file.metadata()?;
            Ok((file.dev(), file.ino()) == (there.dev(), there.ino()))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn who_waits_gets_it_or_stops() {
        let folder = tempfile::tempdir().unwrap();
        let open = || fs_err::File::create(folder.path().join("lock")).unwrap();
        let (first, second) = (open(), open());
        let never = |_: usize| Err(io::Error::other("busy"));
        wait(|| first.file().try_lock(), never).unwrap();
        assert_eq!(wait(|| second.file().try_lock(), never).unwrap_err().to_string(), "busy");
        // The first lets go once the second has asked twice.
        let first = RefCell::new(Some(first));
        let let_go = |before: usize| {
            if before == 1 {
                first.take();
            }
            Ok::<_, io::Error>(())
        };
        wait(|| second.file().try_lock(), let_go).unwrap();
        assert!(first.borrow().is_none());
    }
}
