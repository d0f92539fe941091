//! Folders for what is needed during one run and is no result.
//!
//! A run that is killed cannot remove its own. So each has its folder locked for as long as it lives, which the system ends with the
//! process, and the next run removes those that nobody has locked.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::time::{Duration, SystemTime};

use rustix::fs::OFlags;
use tempfile::TempDir;

use crate::environment;
use crate::report::Reporter;

/// What the names of those begin with that are locked, and of no others: what has no lock says nothing by being unlocked.
const LOCKED: &str = "modgraft-work-";
/// Of those that are not.
const NOT_LOCKED: &str = "modgraft-";
/// What was made within this time is nobody's leftover: it may not be locked yet, or by another machine, where the folder is shared and
/// its locks are not.
const FRESH: Duration = Duration::from_secs(24 * 60 * 60);

/// A folder that goes with the value.
#[derive(Debug)]
pub(super) struct Work {
    path: PathBuf,
    // Goes first, while it is still locked.
    _folder: TempDir,
    _lock: Option<File>,
}

impl Work {
    /// The folder to work in. The lock is of the one above: an output folder, which this may be, is locked by whoever writes to it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn new(folder: TempDir, lock: Option<File>) -> io::Result<Self> {
        let path = folder.path().join("in");
        fs_err::create_dir(&path)?;
        Ok(Work { path, _folder: folder, _lock: lock })
    }
}

/// One that goes with the value.
pub(super) fn folder() -> io::Result<Work> {
    static ONCE: Once = Once::new();
    let place = environment::temporary();
    // To tidy up is nothing that a run could fail for.
    ONCE.call_once(|| drop(remove_left(&place, SystemTime::now())));
    locked(&place)
}

/// A folder that may stay.
pub(super) struct MayStay<'a> {
    work: Work,
    /// Who is told, where it stays.
    told: Option<&'a dyn Reporter>,
}

impl MayStay<'_> {
    /// The folder to work in.
    pub fn path(&self) -> &Path {
        self.work.path()
    }
}

impl Drop for MayStay<'_> {
    fn drop(&mut self) {
        let Some(reporter) = self.told else { return };
        // It goes only where it is empty: what ended before anything was put there has left nothing to look at.
        reporter.note(match fs_err::remove_dir(self.path()) {
            Ok(()) => "no work folder stays: the run ended before it needed one".to_owned(),
            Err(_) => format!("the work folder stays: {}", self.path().display()),
        });
    }
}

/// One that stays where `keep` says so, which is told when the run is over.
pub(super) fn folder_kept(keep: bool, reporter: &dyn Reporter) -> io::Result<MayStay<'_>> {
    if !keep {
        return Ok(MayStay { work: folder()?, told: None });
    }
    let folder = tempfile::Builder::new().prefix(NOT_LOCKED).disable_cleanup(true).tempdir()?;
    let work = Work { path: folder.path().to_owned(), _folder: folder, _lock: None };
    Ok(MayStay { work, told: Some(reporter) })
}

fn locked(place: &Path) -> io::Result<Work> {
    let folder = tempfile::Builder::new().prefix(LOCKED).tempdir_in(place)?;
    if let Some(lock) = lock(folder.path())? {
        return Work::new(folder, Some(lock));
    }
    // Where folders cannot be locked, as on NFS, none may look as if it were.
    drop(folder);
    Work::new(tempfile::Builder::new().prefix(NOT_LOCKED).tempdir_in(place)?, None)
}

/// Locks a folder; nothing where somebody has it, or where that cannot be done there.
fn lock(folder: &Path) -> io::Result<Option<File>> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW;
    let file = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(folder)?;
    Ok(file.try_lock().is_ok().then_some(file))
}

/// Removes the folders that runs of the same user have left in a place.
fn remove_left(place: &Path, now: SystemTime) -> io::Result<()> {
    let me = rustix::process::geteuid().as_raw();
    for entry in fs_err::read_dir(place)?.flatten() {
        if !entry.file_name().to_string_lossy().starts_with(LOCKED) {
            continue;
        }
        // What is gone by now was another one's to remove.
        let Ok(found) = fs_err::symlink_metadata(entry.path()) else { continue };
        let age = found.modified().ok().and_then(|made| now.duration_since(made).ok());
        if !found.is_dir() || found.uid() != me || age.is_none_or(|age| age < FRESH) {
            continue;
        }
        if let Ok(Some(_lock)) = lock(&entry.path()) {
            let _ = fs_err::remove_dir_all(entry.path());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_killed_run_left_is_removed() {
        let place = tempfile::tempdir().unwrap();
        let running = locked(place.path()).unwrap();
        let killed = locked(place.path()).unwrap();
        // As the system does it.
        let Work { _folder, _lock, .. } = killed;
        drop(_lock);
        let left = _folder.keep();
        fs_err::write(left.join("file"), "").unwrap();
        let other = place.path().join("modgraft-kept");
        fs_err::create_dir(&other).unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        let link = place.path().join(format!("{LOCKED}link"));
        std::os::unix::fs::symlink(elsewhere.path(), &link).unwrap();

        remove_left(place.path(), SystemTime::now()).unwrap();
        assert!(left.exists(), "it may not be locked yet");
        remove_left(place.path(), SystemTime::now() + 2 * FRESH).unwrap();
        assert!(!left.exists());
        assert!(running.path().exists() && other.exists() && link.exists() && elsewhere.path().exists());
        let path = running.path().to_owned();
        drop(running);
        assert!(!path.exists());
    }
}
