//! How large a cache is, and keeping it within bounds.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::Serialize;

use super::entry::Manifest;
use super::lock::Lock;
use super::{Cache, EARLIER, EXTENSION, Error};

/// How files are called that are not in their place yet.
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
    place: PathBuf,
    size: u64,
    used: SystemTime,
}

impl Cache {
    /// What is in it.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn info(&self) -> Result<Info, Error> {
        let mut info = Info { folder: self.folder.clone(), ..Info::default() };
        if !self.is_there() {
            return Ok(info);
        }
        let _lock = Lock::shared(&self.folder)?;
        for result in self.results()? {
            info.results += 1;
            info.size += result.size;
            // What is wrong with it is said when it is used.
            let module = Manifest::load(&result.place).ok().flatten();
            let module = module.map_or("damaged".to_owned(), |manifest| manifest.module);
            *info.modules.entry(module).or_default() += 1;
            let used = result.used.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
            info.oldest = Some(info.oldest.map_or(used, |oldest| oldest.min(used)));
        }
        Ok(info)
    }

    /// Removes what killed processes and earlier releases of modgraft have left, and results that are beyond the limits. Returns
    /// how many results went, and their bytes.
    ///
    /// # Errors
    /// It cannot be read or written.
    pub fn prune(&self, limits: Limits, now: SystemTime) -> Result<(usize, u64), Error> {
        if !self.is_there() {
            return Ok((0, 0));
        }
        let _lock = Lock::alone(&self.folder)?;
        for form in EARLIER {
            gone(fs_err::remove_dir_all(self.folder.join(form)))?;
        }
        // Nobody else is at it: none of these is still being written.
        for file in self.files()?.iter().filter(|file| is_staged(file)) {
            remove(file)?;
        }
        let mut results = self.results()?;
        // The newest first.
        results.sort_by(|one, other| other.used.cmp(&one.used).then_with(|| one.place.cmp(&other.place)));
        let (mut held, mut gone, mut freed) = (0_u64, 0, 0);
        for result in results {
            let unused = now.duration_since(result.used).unwrap_or_default();
            let too_old = limits.unused.is_some_and(|limit| unused > limit);
            if too_old || held + result.size > limits.size {
                remove(&result.place)?;
                gone += 1;
                freed += result.size;
            } else {
                held += result.size;
            }
        }
        Ok((gone, freed))
    }

    /// Whether anything was ever kept here: of a folder that is something else, nothing is touched.
    fn is_there(&self) -> bool {
        self.entries().is_dir() || EARLIER.iter().any(|form| self.folder.join(form).is_dir())
    }

    fn files(&self) -> Result<Vec<PathBuf>, Error> {
        let entries = self.entries();
        if !entries.exists() {
            return Ok(Vec::new());
        }
        let files: std::io::Result<Vec<PathBuf>> =
            fs_err::read_dir(entries)?.map(|entry| Ok(entry?.path())).collect();
        Ok(files?)
    }

    fn results(&self) -> Result<Vec<Held>, Error> {
        let mut results = Vec::new();
        for place in self.files()? {
            if place.extension().is_none_or(|extension| extension != EXTENSION) || is_staged(&place) {
                continue;
            }
            let found = fs_err::metadata(&place)?;
            results.push(Held { place, size: found.len(), used: found.modified()? });
        }
        Ok(results)
    }
}

fn is_staged(file: &Path) -> bool {
    file.file_name().is_some_and(|name| name.to_string_lossy().starts_with(STAGED))
}

/// Removes a result, which may be gone.
pub(super) fn remove(place: &Path) -> std::io::Result<()> {
    gone(fs_err::remove_file(place))
}

fn gone(removed: std::io::Result<()>) -> std::io::Result<()> {
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
