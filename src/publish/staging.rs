//! What is written before it is published, and what is left of a publication that was broken off.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

use super::current::{REPODATA, bounded};
use super::readable;
use crate::beneath::Beneath;
use crate::repository::location::beneath;

/// In the repository's folder, so that publishing is a rename. Whoever has the lock may remove it.
pub(super) const STAGING: &str = ".modgraft-staging";
/// The packages that are about to be put in their places.
const JOURNAL: &str = "arriving.json";
/// Where `repodata` is for a moment, on file systems that cannot exchange folders.
const ASIDE: &str = "aside";

/// A folder for what is on its way. What was put in place is taken back where it is dropped before [`Staging::keep`].
#[derive(Debug)]
pub(super) struct Staging {
    repository: PathBuf,
    root: PathBuf,
    /// Packages that were put in their places.
    placed: Vec<Placed>,
    kept: bool,
}

/// A package that was put in its place.
#[derive(Debug)]
struct Placed {
    /// Where it lies in the repository.
    href: String,
    /// Whether what is published already names it: then it stays whatever comes.
    is_named: bool,
}

/// Puts `repodata` back where a publication in two steps was broken off between them.
pub(super) fn restore(repository: &Path) -> io::Result<()> {
    let (aside, place) = (repository.join(STAGING).join(ASIDE), repository.join(REPODATA));
    if aside.is_dir() && !place.exists() { fs_err::rename(aside, place) } else { Ok(()) }
}

/// Removes what a publication that was broken off has left: packages that arrived and that nothing names.
pub(super) fn clean_up(repository: &Path, named: &[&str]) -> io::Result<bool> {
    let root = repository.join(STAGING);
    if !root.exists() {
        return Ok(false);
    }
    let named: HashSet<&str> = named.iter().copied().collect();
    let journal = bounded(&root.join(JOURNAL))?.unwrap_or_default();
    // Cut off, it was not yet in force.
    let arriving: Vec<String> = serde_json::from_slice(&journal).unwrap_or_default();
    for href in arriving.iter().filter(|href| !named.contains(href.as_str()) && beneath(href).is_ok()) {
        remove(repository, href)?;
    }
    fs_err::remove_dir_all(root)?;
    Ok(true)
}

/// Removes a package, and its folder where that is empty then. It may be gone. Nothing is removed behind a link, which may lead
/// anywhere: which packages these are was noted where others may write.
pub(super) fn remove(repository: &Path, href: &str) -> io::Result<()> {
    let (beneath, path) = (Beneath::open(repository)?, Path::new(href));
    beneath.remove(path)?;
    if let Some(folder) = path.parent() {
        // Fails, rightly, where something else is in it.
        let _ = beneath.remove_folder(folder);
    }
    Ok(())
}

impl Staging {
    /// Makes the folder, in which there is nothing.
    pub fn new(repository: &Path) -> io::Result<Self> {
        let root = repository.join(STAGING);
        // From here on it is removed again, whichever step fails.
        let staging = Staging { repository: repository.to_owned(), root, placed: Vec::new(), kept: false };
        let metadata = staging.root.join(REPODATA);
        readable::create_folder(&metadata)?;
        let old = repository.join(REPODATA);
        if old.is_dir() {
            readable::take_over(&old, &metadata)?;
        }
        Ok(staging)
    }

    /// Of something on its way.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Of a file of the new metadata.
    pub fn metadata(&self, name: &str) -> PathBuf {
        self.root.join(REPODATA).join(name)
    }

    /// Where the old metadata goes for a moment.
    pub fn aside(&self) -> PathBuf {
        self.root.join(ASIDE)
    }

    /// Notes which packages are about to arrive, and returns what has to be on disk before the first of them does.
    pub fn announce(&self, hrefs: &[&str]) -> io::Result<[PathBuf; 2]> {
        let path = self.root.join(JOURNAL);
        readable::write(&path, serde_json::to_string(hrefs).expect("a list of texts").as_bytes())?;
        Ok([path, self.root.clone()])
    }

    /// Puts a package that is on disk in its place. `is_named`: what is published already has it there.
    pub fn place(&mut self, staged: &Path, href: &str, is_named: bool) -> io::Result<()> {
        let to = self.repository.join(href);
        if let Some(folder) = to.parent() {
            readable::create_folder(folder)?;
        }
        fs_err::rename(staged, &to)?;
        self.placed.push(Placed { href: href.to_owned(), is_named });
        Ok(())
    }

    /// The folders in which packages were put in place.
    pub fn folders(&self) -> HashSet<PathBuf> {
        let folder = |placed: &Placed| self.repository.join(&placed.href).parent().map(Path::to_owned);
        self.placed.iter().filter_map(folder).collect()
    }

    /// What was put in place stays: it is published.
    pub fn keep(&mut self) {
        self.kept = true;
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if !self.kept {
            for placed in self.placed.iter().filter(|placed| !placed.is_named) {
                let _ = remove(&self.repository, &placed.href);
            }
        }
        let _ = restore(&self.repository);
        // What could not be put back is the only metadata that there is.
        if self.aside().exists() && !self.repository.join(REPODATA).exists() {
            return;
        }
        // The next publication does it where it fails.
        let _ = fs_err::remove_dir_all(&self.root);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn metadata_that_is_aside_is_not_lost() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join(REPODATA);
        let broken_off = || {
            let staging = Staging::new(folder.path()).unwrap();
            fs_err::create_dir(staging.aside()).unwrap();
            fs_err::write(staging.aside().join("file"), "").unwrap();
            staging
        };
        drop(broken_off());
        assert!(place.join("file").is_file() && !folder.path().join(STAGING).exists());

        fs_err::remove_dir_all(&place).unwrap();
        let staging = broken_off();
        // Nothing can be put there, and nothing is there.
        symlink("nowhere", &place).unwrap();
        drop(staging);
        assert!(restore(folder.path()).is_err());
        fs_err::remove_file(&place).unwrap();
        restore(folder.path()).unwrap();
        assert!(place.join("file").is_file());
    }
}
