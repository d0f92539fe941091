//! Package repositories of dnf and yum: what is in one, which packages of several are needed, and how they come here.
//!
//! In: places, names, a processor. Out: the packages with all that they need, each with its url, size and checksum, and
//! the files. [`Repository::open`] reads metadata, [`choose`] decides and needs the network only where a file is required
//! that the short list of files does not have, [`fetch`] downloads and verifies.
//!
//! What is believed: over http everything rests on repomd.xml, which has the checksums of the other metadata, which has those
//! of the packages. [`Trust`] says whose signature that, or each package, must have.

mod choose;
mod error;
mod fetch;
pub(crate) mod filelists;
pub(crate) mod location;
pub(crate) mod metadata;
mod package;
mod pool;
mod primary;
mod relation;
pub(crate) mod repomd;
mod rich;
pub(crate) mod xml;

pub use choose::{Choice, Chosen, Unresolved, Wanted, choose};
pub use error::Error;
pub use fetch::fetch;
pub use package::Package;
pub use relation::{Relation, Sense, Version};
pub use rich::Requirement;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::address::shown;
use crate::download::{self, Algorithm, Download, Fetched, Hasher, Progress};
use crate::sign::{Keyring, Unverified};
use location::Root;
use package::Entry;
use primary::Wrong;
use repomd::Record;

/// What a repository has to prove.
#[derive(Debug, Clone)]
pub enum Trust {
    /// Nothing: checksums hold together what the place gives.
    Sums,
    /// Each package is signed by one of these keys (dnf's `gpgcheck`). The metadata may be anybody's: a package is taken by
    /// its own name and version, as signed.
    Packages(Arc<Keyring>),
    /// repomd.xml is signed by one of these keys (dnf's `repo_gpgcheck`), and so, by their checksums, is everything in it.
    Metadata(Arc<Keyring>),
}

/// How a repository is read.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder for metadata that can be fetched again.
    pub cache: PathBuf,
    /// What is demanded.
    pub trust: Trust,
}

/// A repository's packages.
#[derive(Debug)]
pub struct Repository {
    place: Arc<str>,
    root: Root,
    folder: PathBuf,
    entries: Vec<Entry>,
    filelists: Option<Record>,
}

/// Of repomd.xml: some kilobytes everywhere. Bytes.
const LARGEST_REPOMD: u64 = 4 << 20;
/// Of a signature.
const LARGEST_SIGNATURE: u64 = 64 << 10;
const REPOMD: &str = "repodata/repomd.xml";

impl Repository {
    /// Reads a repository's metadata: `place` is the url (`http`, `https`, `file`) or the path of the folder that has
    /// `repodata`. Metadata that did not change is taken from the cache; what is no more in use is removed from there.
    ///
    /// # Errors
    /// [`Error::None`], [`Error::Incomplete`], [`Error::Metadata`], [`Error::Location`]; [`Error::Unsigned`] and
    /// [`Error::Untrusted`] where a signature of the metadata is demanded; [`Error::Download`].
    pub fn open(place: &str, options: &Options, progress: &dyn Progress) -> Result<Repository, Error> {
        let root = Root::parse(place)?;
        let place = &*shown(place);
        let folder = options.cache.join(short_name(&root));
        fs_err::create_dir_all(&folder)?;
        let repomd = repomd(place, &root, &folder, options, progress)?;
        let broken = |file: &str, problem: String| Error::Metadata {
            place: place.to_owned(),
            file: file.to_owned(),
            problem,
        };
        let records =
            repomd::read(&repomd, &["primary", "filelists"]).map_err(|problem| broken(REPOMD, problem))?;
        let record = |kind: &str| records.iter().find(|record| record.kind == kind).cloned();
        let primary = record("primary").ok_or_else(|| broken(REPOMD, "it names no `primary`".to_owned()))?;
        let mut repository = Repository {
            place: place.into(),
            root,
            folder,
            entries: Vec::new(),
            filelists: record("filelists"),
        };
        let file = repository.obtain(&primary, metadata::PRIMARY, progress)?;
        let (root, name) = (&repository.root, &repository.place);
        let read =
            metadata::read(&file.path, &primary, metadata::PRIMARY, |input| primary::read(input, root, name));
        repository.entries = read.map_err(|wrong| {
            // Only what is good is kept; it may not have been the disk's fault, but then it comes again as it is.
            let _ = fs_err::remove_file(&file.path);
            match wrong {
                Wrong::Malformed(problem) => broken(&primary.href, problem),
                Wrong::Location { href, problem } => {
                    Error::Location { place: place.to_owned(), href, problem }
                }
            }
        })?;
        repository.tidy(&records)?;
        Ok(repository)
    }

    /// As it was named.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// All its packages but sources, as they stand in its metadata.
    pub fn packages(&self) -> impl Iterator<Item = &Package> {
        self.entries.iter().map(|entry| &entry.package)
    }

    /// Which packages, by their checksums, have these files.
    fn owners(
        &self,
        paths: &HashSet<&str>,
        progress: &dyn Progress,
    ) -> Result<HashMap<String, Vec<String>>, Error> {
        let Some(record) = &self.filelists else { return Ok(HashMap::new()) };
        let file = self.obtain(record, metadata::FILELISTS, progress)?;
        metadata::read(&file.path, record, metadata::FILELISTS, |input| filelists::read(input, paths))
            .map_err(|problem| {
                let _ = fs_err::remove_file(&file.path);
                Error::Metadata { place: self.place.to_string(), file: record.href.clone(), problem }
            })
    }

    /// A file of metadata, from the cache or from its place.
    fn obtain(
        &self,
        record: &Record,
        limits: metadata::Limits,
        progress: &dyn Progress,
    ) -> Result<Fetched, Error> {
        let place = self.place.to_string();
        let url = self.root.of(&record.href, record.base.as_deref()).map_err(|problem| Error::Location {
            place: place.clone(),
            href: record.href.clone(),
            problem,
        })?;
        let wanted = Download {
            url,
            to: self.folder.join(file_name(record)),
            size: record.size,
            digest: Some(record.digest.clone()),
            limit: limits.packed,
        };
        download::one(&wanted, progress).map_err(|error| match error {
            download::Error::Missing { .. } => {
                Error::Incomplete { place, problem: format!("repomd.xml names a file, and {error}") }
            }
            download::Error::Digest { .. } | download::Error::Size { .. } => {
                Error::Incomplete { place, problem: error.to_string() }
            }
            other => other.into(),
        })
    }

    /// Removes from the cache what the repository no more names.
    fn tidy(&self, records: &[Record]) -> Result<(), Error> {
        let current: HashSet<String> = records.iter().map(file_name).collect();
        for entry in fs_err::read_dir(&self.folder)?.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if !current.contains(name.trim_end_matches(".part")) && name.contains('-') {
                // Another run may be removing it as well.
                let _ = fs_err::remove_file(entry.path());
            }
        }
        Ok(())
    }
}

/// Reads `data` as each of the files that a repository has; for what it finds, see [`Repository::open`].
pub(crate) fn parse(data: &[u8]) {
    let root = Root::Folder(PathBuf::new());
    let _ = repomd::read(data, &["primary", "filelists"]);
    let _ = primary::read(data, &root, &Arc::from(""));
    let _ = filelists::read(data, &HashSet::from(["/usr/bin/file"]));
}

/// What a file of metadata is called in the cache.
fn file_name(record: &Record) -> String {
    format!("{}-{}", record.kind, record.digest.hex())
}

/// A place's name in the cache.
fn short_name(root: &Root) -> String {
    let mut hasher = Hasher::new(Algorithm::Sha256);
    hasher.update(root.to_string().as_bytes());
    hasher.finish().hex()[..16].to_owned()
}

/// repomd.xml, which is asked for each time, and its signature where that is demanded. Nothing of it is kept.
fn repomd(
    place: &str,
    root: &Root,
    folder: &Path,
    options: &Options,
    progress: &dyn Progress,
) -> Result<Vec<u8>, Error> {
    let scratch = tempfile::Builder::new().prefix(".new-").tempdir_in(folder)?;
    let get = |name: &str, limit: u64| -> Result<(String, Vec<u8>), Error> {
        let url = root.of(name, None).expect("the two names have no way out");
        let to = scratch.path().join("file");
        let wanted = Download { url: url.clone(), to, size: None, digest: None, limit };
        let fetched = download::one(&wanted, progress)?;
        Ok((shown(&url), fs_err::read(fetched.path)?))
    };
    let (url, text) = get(REPOMD, LARGEST_REPOMD).map_err(|error| match error {
        Error::Download(download::Error::Missing { url, .. } | download::Error::NoFile { path: url, .. }) => {
            Error::None { place: place.to_owned(), url }
        }
        other => other,
    })?;
    if let Trust::Metadata(keys) = &options.trust {
        let (_, signature) =
            get(&format!("{REPOMD}.asc"), LARGEST_SIGNATURE).map_err(|error| match error {
                Error::Download(download::Error::Missing { .. }) => {
                    Error::Unsigned { what: url.clone(), metadata: true }
                }
                other => other,
            })?;
        keys.verify_detached(&signature, &|| Ok(Box::new(text.as_slice()))).map_err(
            |error: Unverified| Error::Untrusted { what: url, reason: format!("its signature {error}") },
        )?;
    }
    Ok(text)
}
