//! Results of builds, by the content of all that went into them.
//!
//! In: a [`Basis`], and the files of a result. Out: the same files, for the same basis. `FOLDER/v2/KEY.tar` has them behind
//! `entry.json`, which says what they were made of and their digests; one file, since a result's are many and small. It is made
//! beside its place and renamed. Nothing waits for the disk: what a power cut has torn has other digests, and is made anew.
//! Whoever reads or adds holds the folder's lock with others, whoever removes holds it alone.

mod basis;
mod entry;
mod error;
mod lock;
mod prune;

pub use basis::{Basis, Key};
pub use entry::{Entry, Kept};
pub use error::Error;
pub use prune::{Info, Limits};

use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use entry::Manifest;
use lock::Lock;

/// Of this form.
const FORMAT: &str = "v2";
/// Of a result's file.
const EXTENSION: &str = "tar";
/// Forms that no modgraft reads any more.
const EARLIER: &[&str] = &["v1"];

/// Results, in a folder.
#[derive(Debug, Clone)]
pub struct Cache {
    folder: PathBuf,
}

/// What is found for a key.
#[derive(Debug)]
pub enum Found {
    /// A result, whole as far as its manifest tells; [`Entry::read`] looks at each file.
    Entry(Box<Entry>),
    /// None.
    Nothing,
    /// One that is damaged, and is gone now; in words.
    Damaged(String),
}

impl Cache {
    /// In a folder that need not be there.
    pub fn new(folder: PathBuf) -> Self {
        Cache { folder }
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn place(&self, key: &Key) -> PathBuf {
        self.entries().join(format!("{}.{EXTENSION}", key.hex()))
    }

    fn entries(&self) -> PathBuf {
        self.folder.join(FORMAT)
    }

    /// The result for a key, which counts as used then. It cannot be removed as long as the entry is held.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn find(&self, key: &Key) -> Result<Found, Error> {
        let place = self.place(key);
        if !place.exists() {
            return Ok(Found::Nothing);
        }
        let lock = Lock::shared(&self.folder)?;
        match Manifest::read(&place, key) {
            Ok(Some(manifest)) => {
                // Only the order of removal depends on it.
                let _ = entry::touch(&place, SystemTime::now());
                Ok(Found::Entry(Box::new(Entry::new(place, manifest, lock))))
            }
            Ok(None) => Ok(Found::Nothing),
            Err(reason) => {
                drop(lock);
                self.discard(key)?;
                Ok(Found::Damaged(reason))
            }
        }
    }

    /// Keeps a result: files by their names, of which those in `packages` are the packages.
    ///
    /// # Errors
    /// A file cannot be read, or the folder cannot be written to; what was there is whole then.
    pub fn keep(&self, basis: &Basis, kept: &Kept<'_>) -> Result<(), Error> {
        let key = basis.key();
        let place = self.place(&key);
        fs_err::create_dir_all(self.entries())?;
        let _lock = Lock::shared(&self.folder)?;
        if place.exists() {
            return Ok(());
        }
        let staged = tempfile::Builder::new().prefix(prune::STAGED).tempfile_in(self.entries())?;
        let mut archive = fs_err::File::from_parts(staged.reopen()?, staged.path());
        entry::write(&mut archive, &key, basis, kept)?;
        match staged.persist_noclobber(&place) {
            Ok(_) => Ok(()),
            // Another process had the same, and was faster.
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(error.error.into()),
        }
    }

    /// Removes the result for a key, if there is one.
    ///
    /// # Errors
    /// The folder cannot be written to.
    pub fn discard(&self, key: &Key) -> Result<(), Error> {
        let _lock = Lock::alone(&self.folder)?;
        prune::remove(&self.place(key))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn basis(value: &str) -> Basis {
        let mut basis = Basis::default();
        basis.state("a", value);
        basis
    }

    /// A cache with a result of two files for each value.
    fn cache(folder: &Path, values: &[&str]) -> Cache {
        let cache = Cache::new(folder.join("cache"));
        for value in values {
            let files = ["x.rpm", "y.json"].map(|name| folder.join(name));
            files.iter().for_each(|file| fs_err::write(file, format!("{value} {file:?}")).unwrap());
            let kept = Kept {
                module: "mod_x",
                target: "local",
                files: &files,
                packages: 1,
                warnings: &[],
                refusal: None,
            };
            cache.keep(&basis(value), &kept).unwrap();
        }
        cache
    }

    fn found(cache: &Cache, value: &str) -> Box<Entry> {
        match cache.find(&basis(value).key()).unwrap() {
            Found::Entry(entry) => entry,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_was_kept_is_found_by_its_inputs_alone() {
        let here = tempfile::tempdir().unwrap();
        let cache = cache(here.path(), &["1", "2"]);
        let entry = found(&cache, "1");
        assert_eq!((entry.names(), entry.packages()), (vec!["x.rpm".to_owned(), "y.json".to_owned()], 1));
        let text = format!("1 {:?}", here.path().join("x.rpm"));
        assert_eq!(entry.read("x.rpm").unwrap(), text.as_bytes());
        fs_err::write(here.path().join("copy"), &text).unwrap();
        assert!(
            entry.is("x.rpm", &here.path().join("copy")) && !entry.is("y.json", &here.path().join("copy"))
        );
        assert!(!entry.is("x.rpm", &here.path().join("none")));
        assert!(matches!(cache.find(&basis("3").key()).unwrap(), Found::Nothing));
        // Another result for the same basis changes nothing.
        let other = here.path().join("x.rpm");
        fs_err::write(&other, "other").unwrap();
        let kept = Kept {
            module: "mod_x",
            target: "local",
            files: &[other],
            packages: 1,
            warnings: &[],
            refusal: None,
        };
        cache.keep(&basis("1"), &kept).unwrap();
        assert_eq!(found(&cache, "1").read("x.rpm").unwrap(), text.as_bytes());
    }

    #[test]
    fn what_is_damaged_is_noticed() {
        let here = tempfile::tempdir().unwrap();
        let cache = cache(here.path(), &["1", "2", "3", "4"]);
        let place = |value: &str| cache.place(&basis(value).key());
        let whole = fs_err::read(place("1")).unwrap();
        let at = whole.windows(3).rposition(|bytes| bytes == b"1 \"").unwrap();
        let flipped = [&whole[..at], b"2", &whole[at + 1..]].concat();
        for bytes in [&whole[..at + 3], &whole[..at], &flipped] {
            fs_err::write(place("1"), bytes).unwrap();
            let entry = found(&cache, "1");
            assert!(entry.read("x.rpm").is_ok());
            assert!(entry.read("y.json").unwrap_err().contains("y.json"));
        }

        let manifest = fs_err::read(place("2")).unwrap();
        let text = String::from_utf8(manifest.clone()).unwrap();
        let outside = text.replace("\"x.rpm\"", "\"/.rpm\"").into_bytes();
        for (value, bytes) in [("2", &manifest[..600]), ("3", &manifest), ("4", &outside), ("1", &[])] {
            fs_err::write(place(value), bytes).unwrap();
            let damaged = cache.find(&basis(value).key()).unwrap();
            assert!(matches!(damaged, Found::Damaged(_)), "{value}: {damaged:?}");
            // It is gone, and can be kept anew.
            assert!(matches!(cache.find(&basis(value).key()).unwrap(), Found::Nothing));
        }
    }

    #[test]
    fn what_was_not_used_for_longest_goes_first() {
        let here = tempfile::tempdir().unwrap();
        let cache = cache(here.path(), &["1", "2", "3"]);
        let now = SystemTime::now();
        for (value, days) in [("1", 3), ("2", 1), ("3", 2)] {
            let used = now - Duration::from_secs(days * 86400);
            entry::touch(&cache.place(&basis(value).key()), used).unwrap();
        }
        fs_err::write(cache.entries().join(".new-abc"), "").unwrap();
        fs_err::create_dir_all(cache.folder().join("v1/abc")).unwrap();
        let info = cache.info().unwrap();
        assert_eq!((info.results, info.modules["mod_x"]), (3, 3));
        let one = info.size / 3;
        let limits = Limits { size: 2 * one + one / 2, unused: None };
        assert_eq!(cache.prune(limits, now).unwrap().0, 1);
        assert!(matches!(cache.find(&basis("1").key()).unwrap(), Found::Nothing));
        let limits = Limits { size: u64::MAX, unused: Some(Duration::from_secs(36 * 3600)) };
        assert_eq!(cache.prune(limits, now).unwrap().0, 1);
        assert_eq!(fs_err::read_dir(cache.entries()).unwrap().count(), 1);
        assert!(!cache.folder().join("v1").exists());
        // To use it keeps it.
        found(&cache, "2");
        assert_eq!(cache.prune(limits, now + Duration::from_secs(30 * 3600)).unwrap(), (0, 0));
        assert_eq!(cache.prune(Limits { size: 0, unused: None }, now).unwrap().0, 1);
        // What is something else is left alone.
        let other = Cache::new(here.path().to_owned());
        assert_eq!((other.prune(limits, now).unwrap(), other.info().unwrap().results), ((0, 0), 0));
        assert!(!here.path().join("lock").exists());
    }

    #[test]
    fn what_is_held_is_not_removed() {
        let here = tempfile::tempdir().unwrap();
        let cache = cache(here.path(), &["1"]);
        let entry = found(&cache, "1");
        std::thread::scope(|scope| {
            let pruning = scope.spawn(|| cache.prune(Limits { size: 0, unused: None }, SystemTime::now()));
            // It waits: what is held can be read meanwhile.
            assert!(entry.read("x.rpm").is_ok());
            drop(entry);
            assert_eq!(pruning.join().unwrap().unwrap().0, 1);
        });
    }
}
