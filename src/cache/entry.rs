//! One result: an archive of its files, which begins with what it says of them.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use fs_err::File;
use serde::{Deserialize, Serialize};

use super::lock::Lock;
use super::{Basis, Error, Key};
use crate::hash::{sha256, sha256_of};

/// The file that says what the others are; the first of an archive.
pub(super) const MANIFEST: &str = "entry.json";
/// Of a manifest, in bytes: one that is longer is none.
const LARGEST_MANIFEST: u64 = 4 << 20;

/// What is to be kept.
#[derive(Debug, Clone, Copy)]
pub struct Kept<'a> {
    /// The module.
    pub module: &'a str,
    /// The target.
    pub target: &'a str,
    /// The files, each with a name of its own.
    pub files: &'a [PathBuf],
    /// How many of them, from the first on, are packages.
    pub packages: usize,
    /// What was warned of when they were made.
    pub warnings: &'a [String],
    /// Why there are none, in the caller's words.
    pub refusal: Option<&'a str>,
}

/// What stands in `entry.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    pub module: String,
    pub target: String,
    pub basis: Basis,
    pub packages: usize,
    pub warnings: Vec<String>,
    pub refusal: Option<String>,
    pub files: Vec<Listed>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Listed {
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// Lower-case hexadecimal.
    pub sha256: String,
}

impl Manifest {
    /// Reads it; nothing where there is none.
    ///
    /// # Errors
    /// In words: it is no manifest, or another key's.
    pub fn read(place: &Path, key: &Key) -> Result<Option<Self>, String> {
        let manifest = match Self::load(place)? {
            Some(manifest) => manifest,
            None => return Ok(None),
        };
        if manifest.basis.key() != *key {
            return Err("it was made of other basis than its name says".to_owned());
        }
        Ok(Some(manifest))
    }

    /// As [`read`](Self::read), whatever its key.
    pub fn load(place: &Path) -> Result<Option<Self>, String> {
        let words = |error: io::Error| error.to_string();
        let bytes = match File::open(place) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(words(error)),
            Ok(file) => member(file, MANIFEST, LARGEST_MANIFEST)?,
        };
        let manifest: Manifest =
            serde_json::from_slice(&bytes).map_err(|error| format!("{MANIFEST}: {error}"))?;
        let plain = |name: &str| {
            !name.is_empty() && !name.starts_with('.') && !name.contains('/') && name != MANIFEST
        };
        if manifest.packages > manifest.files.len() || manifest.files.iter().any(|file| !plain(&file.name)) {
            return Err(format!("{MANIFEST} names files that no result has"));
        }
        Ok(Some(manifest))
    }
}

/// The bytes of one file of an archive, of which there are at most `limit`.
fn member(archive: File, name: &str, limit: u64) -> Result<Vec<u8>, String> {
    let words = |error: io::Error| error.to_string();
    let mut archive = tar::Archive::new(archive);
    for entry in archive.entries_with_seek().map_err(words)? {
        let entry = entry.map_err(words)?;
        if entry.path_bytes() == name.as_bytes() {
            let mut bytes = Vec::new();
            entry.take(limit).read_to_end(&mut bytes).map_err(words)?;
            return Ok(bytes);
        }
    }
    Err(format!("it has no {name}"))
}

/// Writes a result.
pub(super) fn write(archive: &mut File, key: &Key, basis: &Basis, kept: &Kept<'_>) -> Result<(), Error> {
    debug_assert_eq!(basis.key(), *key);
    let mut files = Vec::with_capacity(kept.files.len());
    for path in kept.files {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        files.push(Listed { name, size: fs_err::metadata(path)?.len(), sha256: sha256_of(path)? });
    }
    let manifest = Manifest {
        module: kept.module.to_owned(),
        target: kept.target.to_owned(),
        basis: basis.clone(),
        packages: kept.packages,
        warnings: kept.warnings.to_vec(),
        refusal: kept.refusal.map(str::to_owned),
        files,
    };
    let text = serde_json::to_string(&manifest).expect("it is plain data");
    let mut archive = tar::Builder::new(archive);
    append(&mut archive, MANIFEST, text.len() as u64, text.as_bytes())?;
    for (listed, path) in manifest.files.iter().zip(kept.files) {
        append(&mut archive, &listed.name, listed.size, File::open(path)?.take(listed.size))?;
    }
    archive.finish()?;
    Ok(())
}

fn append(archive: &mut tar::Builder<&mut File>, name: &str, size: u64, data: impl Read) -> io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_size(size);
    header.set_mode(0o644);
    archive.append_data(&mut header, name, data)
}

/// Notes that a result was used, or when.
pub(super) fn touch(place: &Path, time: SystemTime) -> io::Result<()> {
    File::options().write(true).open(place)?.file().set_modified(time)
}

/// A result that is there. Nobody removes it as long as it is held.
#[derive(Debug)]
pub struct Entry {
    place: PathBuf,
    manifest: Manifest,
    _lock: Lock,
}

impl Entry {
    pub(super) fn new(place: PathBuf, manifest: Manifest, lock: Lock) -> Self {
        Entry { place, manifest, _lock: lock }
    }

    /// The names of its files; the packages come first.
    pub fn names(&self) -> Vec<String> {
        self.manifest.files.iter().map(|file| file.name.clone()).collect()
    }

    /// How many of them are packages.
    pub fn packages(&self) -> usize {
        self.manifest.packages
    }

    /// What was warned of when they were made.
    pub fn warnings(&self) -> &[String] {
        &self.manifest.warnings
    }

    /// Why there are no files, in the words of whoever kept that.
    pub fn refusal(&self) -> Option<&str> {
        self.manifest.refusal.as_deref()
    }

    /// Whether the file at `path` is this result's of that name.
    pub fn is(&self, name: &str, path: &Path) -> bool {
        let listed = self.manifest.files.iter().find(|file| file.name == name);
        listed.is_some_and(|listed| {
            let as_long =
                fs_err::metadata(path).is_ok_and(|found| found.is_file() && found.len() == listed.size);
            as_long && sha256_of(path).is_ok_and(|sha256| sha256 == listed.sha256)
        })
    }

    /// The bytes of a file, which are those that were kept.
    ///
    /// # Errors
    /// In words: they are not, or there are none.
    pub fn read(&self, name: &str) -> Result<Vec<u8>, String> {
        let listed = self.manifest.files.iter().find(|file| file.name == name);
        let listed = listed.ok_or_else(|| format!("it has no {name}"))?;
        let archive = File::open(&self.place).map_err(|error| error.to_string())?;
        let bytes = member(archive, name, listed.size + 1)?;
        if bytes.len() as u64 != listed.size {
            return Err(format!("{name} has {} bytes, and had {}", bytes.len(), listed.size));
        }
        if sha256(&bytes) != listed.sha256 {
            return Err(format!("{name} has other bytes than were kept"));
        }
        Ok(bytes)
    }
}
