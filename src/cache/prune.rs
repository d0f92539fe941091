//! How large a cache is, and keeping it within bounds.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::Serialize;

use super::entry::{MANIFEST, Manifest};
use super::lock::Lock;
use super::{Cache, Error};

/// How folders are called that are not in their place yet.
pub(super) const STAGED: &str = ".new-";

/// What a cache may hold. What was not used for longest goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes.
    pub size: u64,
    /// Results that were not used for longer than this go; none for that reason where it is missing.
    pub unused: Option<Duration>,
}

/// What is in a cache.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Info {
    /// Where.
    #[serde(serialize_with = "crate::report::path")]
    pub folder: PathBuf,
    /// How many results.
    pub results: usize,
    /// Bytes of their files.
    pub size: u64,
    /// How many results there are of each module, by name.
    pub modules: std::collections::BTreeMap<String, usize>,
    /// Since when the one that was not used for longest was not used: Unix seconds.
    pub oldest: Option<u64>,
}

struct Held {
    folder: PathBuf,
    size: u64,
    used: SystemTime,
    module: String,
}

impl Cache {
    /// What is in it.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn info(&self) -> Result<Info, Error> {
        let mut info = Info { folder: self.folder.clone(), ..Info::default() };
        if !self.folder.exists() {
            return Ok(info);
        }
        let _lock = Lock::shared(&self.folder)?;
        for result in self.results()? {
            info.results += 1;
            info.size += result.size;
            *info.modules.entry(result.module).or_default() += 1;
            let used = result.used.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
            info.oldest = Some(info.oldest.map_or(used, |oldest| oldest.min(used)));
        }
        Ok(info)
    }

    /// Removes what killed processes have left, and results that are beyond the limits: first of all those whose manifest is
    /// damaged, as if they had never been used. Returns how many results went, and their bytes.
    ///
    /// # Errors
    /// It cannot be read or written.
    pub fn prune(&self, limits: Limits, now: SystemTime) -> Result<(usize, u64), Error> {
        if !self.folder.exists() {
            return Ok((0, 0));
        }
        let _lock = Lock::alone(&self.folder)?;
        // Nobody else is at it: none of these is still being written.
        for folder in self.folders()? {
            if folder.file_name().is_some_and(|name| name.to_string_lossy().starts_with(STAGED)) {
                remove(&folder)?;
            }
        }
        let mut results = self.results()?;
        // The newest first.
        results.sort_by(|one, other| other.used.cmp(&one.used).then_with(|| one.folder.cmp(&other.folder)));
        let (mut held, mut gone, mut freed) = (0_u64, 0, 0);
        for result in results {
            let unused = now.duration_since(result.used).unwrap_or_default();
            let too_old = limits.unused.is_some_and(|limit| unused > limit);
            if too_old || held + result.size > limits.size {
                remove(&result.folder)?;
                gone += 1;
                freed += result.size;
            } else {
                held += result.size;
            }
        }
        Ok((gone, freed))
    }

    fn folders(&self) -> Result<Vec<PathBuf>, Error> {
        let entries = self.entries();
        if !entries.exists() {
            return Ok(Vec::new());
        }
        let mut folders = Vec::new();
        for entry in fs_err::read_dir(entries)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            }
        }
        folders.sort();
        Ok(folders)
    }

    fn results(&self) -> Result<Vec<Held>, Error> {
        let mut results = Vec::new();
        for folder in self.folders()? {
            if folder.file_name().is_some_and(|name| name.to_string_lossy().starts_with(STAGED)) {
                continue;
            }
            // Of one whose manifest cannot be read all is known that counts here: it was used never.
            let (module, used) = match Manifest::load(&folder) {
                Ok(Some(manifest)) => (manifest.module, fs_err::metadata(folder.join(MANIFEST))?.modified()?),
                Ok(None) => continue,
                Err(_) => ("damaged".to_owned(), SystemTime::UNIX_EPOCH),
            };
            let mut size = 0;
            for entry in fs_err::read_dir(&folder)? {
                size += entry?.metadata()?.len();
            }
            results.push(Held { folder, size, used, module });
        }
        Ok(results)
    }
}

/// Removes a folder, which may be gone.
pub(super) fn remove(folder: &Path) -> std::io::Result<()> {
    match fs_err::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
