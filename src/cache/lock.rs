//! Whoever reads or adds holds the lock with others, whoever removes holds it alone.

use std::fs::TryLockError;
use std::path::Path;

use super::Error;
use crate::{locking, process};

const FILE: &str = "lock";

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
    let interrupted = |_| if process::interrupted() { Err(Error::Interrupted) } else { Ok(()) };
    locking::wait(|| lock(file.file()), interrupted)?;
    Ok(Lock(file))
}
