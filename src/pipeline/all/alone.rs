//! The output folder, for one run alone: two would take away each other's packages.

use std::path::{Path, PathBuf};

use fs_err::os::unix::fs::OpenOptionsExt;
use fs_err::{File, OpenOptions};
use rustix::fs::OFlags;

use crate::pipeline::Error;
use crate::report::Reporter;
use crate::{locking, process};

/// What runs lock. The folder itself is locked by each build that publishes there, for a moment: one that has nothing to do
/// with this run does not wait for its end.
const LOCK: &str = ".modgraft-build-all";

/// The folder is this run's as long as this is there.
pub(super) struct Alone {
    file: PathBuf,
    _lock: File,
}

impl Alone {
    /// Makes the folder where it is missing, and waits until no other run has it.
    ///
    /// # Errors
    /// The folder cannot be written to; a signal.
    pub fn in_folder(out: &Path, reporter: &dyn Reporter) -> Result<Self, Error> {
        fs_err::create_dir_all(out)?;
        let file = out.join(LOCK);
        let busy = |before| {
            if before == 0 {
                reporter.note(format!("another run writes into {}: waiting for it", out.display()));
            }
            if process::interrupted() { Err(Error::Interrupted) } else { Ok(()) }
        };
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true).custom_flags(OFlags::NOFOLLOW.bits().cast_signed());
        loop {
            let lock = options.open(&file)?;
            locking::wait(|| lock.file().try_lock(), busy)?;
            // The run that had it took the file away when it ended: then another one may have made a new one.
            if locking::is_at(lock.file(), &file)? {
                return Ok(Alone { file, _lock: lock });
            }
        }
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        // As long as it is locked it is nobody else's. Where that fails, it is there for the next run.
        let _ = fs_err::remove_file(&self.file);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::pipeline::output::Staging;
    use crate::report::Quiet;

    #[test]
    fn runs_take_turns_and_leave_no_file() {
        let here = tempfile::tempdir().unwrap();
        let at_it = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..4 {
                        let alone = Alone::in_folder(here.path(), &Quiet).unwrap();
                        assert_eq!(at_it.fetch_add(1, Ordering::SeqCst), 0);
                        std::thread::sleep(std::time::Duration::from_millis(1));
                        at_it.fetch_sub(1, Ordering::SeqCst);
                        drop(alone);
                    }
                });
            }
        });
        assert_eq!(fs_err::read_dir(here.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_is_built_into_the_same_folder_does_not_wait_for_the_end_of_a_run() {
        let here = tempfile::tempdir().unwrap();
        let _alone = Alone::in_folder(here.path(), &Quiet).unwrap();
        let staging = Staging::new(here.path()).unwrap();
        fs_err::write(staging.path("x"), "x").unwrap();
        staging.publish(&["x".to_owned()]).unwrap();
        assert!(here.path().join("x").is_file());
    }
}
