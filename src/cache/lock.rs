//! Whoever reads or adds holds the lock with others, whoever removes holds it alone.

use std::fs::TryLockError;
use std::path::Path;
use std::thread;
use std::time::Duration;

use super::Error;
use crate::process;

const FILE: &str = "lock";
/// How often another process's lock is asked for.
const PAUSE: Duration = Duration::from_millis(20);

/// Held as long as it is there.
#[derive(Debug)]
pub(super) struct Lock(#[expect(dead_code, reason = "closing it lets go")] fs_err::File);

impl Lock {
    pub fn shared(folder: &Path) -> Result<Self, Error> {
        take(folder, |file| file.try_lock_shared())
    }

    pub fn alone(folder: &Path) -> Result<Self, Error> {
        take(folder, |file| file.try_lock())
    }
}

fn take(folder: &Path, lock: impl Fn(&std::fs::File) -> Result<(), TryLockError>) -> Result<Lock, Error> {
    fs_err::create_dir_all(folder)?;
    let file = fs_err::File::options().create(true).truncate(false).write(true).open(folder.join(FILE))?;
    loop {
        match lock(file.file()) {
            Ok(()) => return Ok(Lock(file)),
            Err(TryLockError::Error(error)) => return Err(error.into()),
            Err(TryLockError::WouldBlock) if process::interrupted() => return Err(Error::Interrupted),
            Err(TryLockError::WouldBlock) => thread::sleep(PAUSE),
        }
    }
}
