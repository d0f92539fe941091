//! Targets that were added: httpds of other machines, in modgraft's cache.
//!
//! `CACHE/targets/NAME/` has `target.toml`, which says what it is and where it came from, and `root`, its sysroot. It is made
//! beside its place and renamed, so that it is there whole or not at all.

mod add;
mod downloads;
mod error;
mod given;
mod lockfile;
mod manifest;
mod name;
mod newer;
mod repositories;

pub use add::{Done, Request, Source, add};
pub use error::Error;
pub use given::machine_named;
pub use lockfile::{Change, FILE as LOCK_FILE, LockFile, Locked};
pub use manifest::{FILE as MANIFEST_FILE, Found, Manifest, Origin, Pinned};
pub use name::Name;
pub use newer::{NewPackage, newer};

use std::io;
use std::path::{Path, PathBuf};

use super::lock::Lock;
use super::{Packed, Provenance, Target, folder, pack};

/// The folder in the cache that targets are in.
const TARGETS: &str = "targets";

/// The folder in a target's that its packages were unpacked into.
const ROOT: &str = "root";

/// The added targets of a cache.
#[derive(Debug, Clone)]
pub struct Store {
    cache: PathBuf,
}

/// One that there is.
#[derive(Debug, Clone)]
pub struct Added {
    /// What is known of it.
    pub manifest: Manifest,
    folder: PathBuf,
}

/// A target of a list.
#[derive(Debug)]
pub struct Listed {
    /// Its name.
    pub name: Name,
    /// What is known of it, or what is wrong with it.
    pub found: Result<Added, Error>,
}

impl Store {
    /// Beneath modgraft's cache folder, which need not be there.
    pub fn of(cache: &Path) -> Self {
        Store { cache: cache.to_owned() }
    }

    /// The names, sorted.
    ///
    /// # Errors
    /// The cache cannot be read.
    pub fn names(&self) -> Result<Vec<Name>, Error> {
        let entries = match fs_err::read_dir(self.cache.join(TARGETS)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry?;
            // What is fetched for `local` lies there too.
            if let Some(name) = entry.file_name().to_str().and_then(|name| Name::parse(name).ok())
                && entry.path().join(manifest::FILE).exists()
            {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    /// All targets, by name.
    ///
    /// # Errors
    /// The cache cannot be read; of one that is damaged, its error stands in its place.
    pub fn list(&self) -> Result<Vec<Listed>, Error> {
        let listed = |name: Name| self.find(&name).transpose().map(|found| Listed { name, found });
        Ok(self.names()?.into_iter().filter_map(listed).collect())
    }

    /// The target of this name.
    ///
    /// # Errors
    /// [`Error::Manifest`].
    pub fn find(&self, name: &Name) -> Result<Option<Added>, Error> {
        let folder = self.folder(name);
        Ok(Manifest::read(&folder)?.map(|manifest| Added { manifest, folder }))
    }

    /// Removes a target; whether there was one. A lock file keeps what it says of it.
    ///
    /// # Errors
    /// The cache cannot be written to; modgraft is asked to stop.
    pub fn remove(&self, name: &Name) -> Result<bool, super::Error> {
        let folder = self.folder(name);
        if !folder.join(manifest::FILE).exists() {
            return Ok(false);
        }
        Lock::of(&folder)?.remove()?;
        Ok(true)
    }

    /// The error for a name that no target has; `lock` is the lock file, which may be missing.
    ///
    /// # Errors
    /// The cache cannot be read.
    pub fn unknown(&self, name: &str, lock: Option<&Path>) -> Result<super::Error, Error> {
        let mut known = vec!["local".to_owned()];
        known.extend(self.names()?.iter().map(Name::to_string));
        // What is wrong with a lock file is told where it is used.
        let content = lock.and_then(|lock| LockFile::read(lock).ok().flatten());
        let locked =
            Name::parse(name).is_ok_and(|name| content.is_some_and(|content| content.get(&name).is_some()));
        let how = match lock {
            Some(lock) if locked => format!("{} has it: modgraft target add {name}", lock.display()),
            _ => "`modgraft target add` adds another".to_owned(),
        };
        Ok(super::Error::Unknown { name: name.to_owned(), known, how })
    }

    fn folder(&self, name: &Name) -> PathBuf {
        self.cache.join(TARGETS).join(name.as_str())
    }
}

impl Added {
    fn sysroot(&self) -> Result<Target, super::Error> {
        let (name, root) = (&self.manifest.name, self.folder.join(ROOT));
        folder::sysroot(name, root, Some(self.manifest.profile()?), folder::Given::Added)
    }

    /// The target.
    ///
    /// # Errors
    /// The cache, or a prefix, was changed since.
    pub fn resolve(&self) -> Result<Target, super::Error> {
        match &self.manifest.origin {
            Origin::Prefix { folder } => {
                folder::prefix(&self.manifest.name, folder.clone(), Some(self.manifest.profile()?))
            }
            Origin::Packages | Origin::Repository { .. } => self.sysroot(),
            Origin::Pack { sha256 } => Ok(packed(self.sysroot()?, sha256)),
        }
    }
}

/// The target, which came from a pack.
fn packed(target: Target, id: &str) -> Target {
    let provenance = match target.provenance {
        Provenance::Sysroot { root, .. } => {
            let layouts = pack::layouts_of(&root);
            Provenance::Sysroot { root, pack: Some(Packed { id: id.to_owned(), layouts }) }
        }
        other => other,
    };
    Target { provenance, ..target }
}
