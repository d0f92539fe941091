//! The output folder: a build that fails leaves nothing in it.
//!
//! A build writes into a hidden folder inside the output folder, so that publishing is a rename of each file within one file
//! system, once all are whole and on disk. Each file that is there is whole, therefore; that all are there is what only a power
//! cut or SIGKILL between two renames prevents. Two builds into one folder take turns at publishing, so the files of two runs
//! never mix.

use std::io;
use std::path::{Path, PathBuf};

use fs_err::File;
use tempfile::TempDir;

use super::Error;
use crate::{locking, parallel, process};

/// A build's files on their way into the output folder.
#[derive(Debug)]
pub struct Staging {
    /// Dropped first: the staged files go before the folder is looked at.
    staged: Option<TempDir>,
    out: PathBuf,
    /// Folders that did not exist before, outermost first; removed again if nothing is published.
    made: Vec<PathBuf>,
}

/// How the hidden folders are called.
const HIDDEN: &str = ".modgraft-";

/// Removes what builds that were killed have left in the output folder. For whoever knows that no other is at it.
///
/// # Errors
/// Where the folder cannot be read or written to.
pub fn clear(out: &Path) -> io::Result<()> {
    let entries = match fs_err::read_dir(out) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() && entry.file_name().to_string_lossy().starts_with(HIDDEN) {
            fs_err::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

impl Staging {
    /// Makes the output folder where it is missing, and a hidden folder inside it.
    ///
    /// # Errors
    /// Where it cannot be made or written to.
    pub fn new(out: &Path) -> io::Result<Self> {
        let made = missing(out);
        // From here on the folders are removed again, whichever step fails.
        let mut staging = Staging { staged: None, out: out.to_owned(), made };
        fs_err::create_dir_all(out)?;
        let folder = tempfile::Builder::new().prefix(HIDDEN).tempdir_in(out);
        staging.staged = Some(folder.map_err(|error| at(out, error))?);
        Ok(staging)
    }

    /// Where the file `name` is to be written.
    pub fn path(&self, name: &str) -> PathBuf {
        self.staged.as_ref().map_or_else(|| self.out.clone(), |folder| folder.path().to_owned()).join(name)
    }

    /// Renames `names` into the output folder, each replacing what was there, and returns their paths there in the same
    /// order. All are on disk before the first is renamed. A name may have a folder in front, which is made where it is missing.
    ///
    /// # Errors
    /// Where a file was not staged, or cannot be written to disk or renamed; a signal while another build publishes.
    pub fn publish(mut self, names: &[String]) -> Result<Vec<PathBuf>, Error> {
        let staged: Vec<PathBuf> = names.iter().map(|name| self.path(name)).collect();
        parallel::sync(&staged)?;
        // The folder itself is the lock: no file of ours stays behind.
        let folder = File::open(&self.out)?;
        let interrupted = |_| if process::interrupted() { Err(Error::Interrupted) } else { Ok(()) };
        locking::wait(|| folder.file().try_lock(), interrupted)?;
        let mut published = Vec::new();
        for name in names {
            let place = self.out.join(name);
            if let Some(parent) = place.parent().filter(|parent| *parent != self.out) {
                fs_err::create_dir_all(parent)?;
            }
            fs_err::rename(self.path(name), &place)?;
            self.made.clear();
            published.push(place);
        }
        folder.sync_all()?;
        Ok(published)
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        drop(self.staged.take());
        for folder in self.made.iter().rev() {
            // Fails, rightly, where another build has put something there in the meantime.
            let _ = fs_err::remove_dir(folder);
        }
    }
}

/// The folders of `path` that do not exist, outermost first.
fn missing(path: &Path) -> Vec<PathBuf> {
    let mut missing: Vec<PathBuf> = path
        .ancestors()
        .take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists())
        .map(Path::to_owned)
        .collect();
    missing.reverse();
    missing
}

fn at(path: &Path, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs_err::read_dir(folder).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_build_that_fails_leaves_nothing() {
        let here = tempfile::tempdir().unwrap();
        let out = here.path().join("a/b");
        let staging = Staging::new(&out).unwrap();
        fs_err::write(staging.path("x"), "x").unwrap();
        drop(staging);
        assert!(!here.path().join("a").exists());
    }

    #[test]
    fn published_files_replace_older_ones_and_spare_others() {
        let here = tempfile::tempdir().unwrap();
        fs_err::write(here.path().join("x"), "old").unwrap();
        fs_err::write(here.path().join("y"), "mine").unwrap();
        let staging = Staging::new(here.path()).unwrap();
        fs_err::write(staging.path("x"), "new").unwrap();
        let published = staging.publish(&["x".to_owned()]).unwrap();
        assert_eq!(published, [here.path().join("x")]);
        assert_eq!(fs_err::read_to_string(here.path().join("x")).unwrap(), "new");
        assert_eq!(fs_err::read_to_string(here.path().join("y")).unwrap(), "mine");
        assert_eq!(names(here.path()), ["x", "y"]);
    }

    #[test]
    fn what_a_killed_build_has_left_is_cleared_away() {
        let here = tempfile::tempdir().unwrap();
        let mut staging = Staging::new(here.path()).unwrap();
        fs_err::write(staging.path("x"), "x").unwrap();
        // As if nobody had come to remove it.
        let left = staging.staged.take().unwrap().keep();
        fs_err::write(here.path().join("y"), "mine").unwrap();
        assert!(left.is_dir());
        clear(here.path()).unwrap();
        assert_eq!(names(here.path()), ["y"]);
        clear(&here.path().join("none")).unwrap();
    }

    #[test]
    fn a_missing_file_publishes_none() {
        let here = tempfile::tempdir().unwrap();
        let staging = Staging::new(here.path()).unwrap();
        fs_err::write(staging.path("x"), "x").unwrap();
        assert!(staging.publish(&["x".to_owned(), "y".to_owned()]).is_err());
        assert_eq!(names(here.path()), [] as [&str; 0]);
    }

    #[test]
    fn builds_into_one_folder_take_turns() {
        let here = tempfile::tempdir().unwrap();
        let all: Vec<String> = (0..20).map(|number| format!("file{number}")).collect();
        std::thread::scope(|scope| {
            for build in 0..8 {
                let (here, all) = (here.path(), &all);
                scope.spawn(move || {
                    let staging = Staging::new(here).unwrap();
                    for name in all {
                        fs_err::write(staging.path(name), build.to_string()).unwrap();
                    }
                    staging.publish(all).unwrap();
                });
            }
        });
        let read = |name: &String| fs_err::read_to_string(here.path().join(name)).unwrap();
        let first = read(&all[0]);
        assert!(all.iter().all(|name| read(name) == first), "files of several builds are mixed");
    }
}
