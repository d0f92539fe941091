//! What is to be published, and what came of it.

use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;

use crate::profile::{MetadataCompression, Profile};

/// What is to be published, and how.
#[derive(Debug, Clone)]
pub struct Request {
    /// The folder that a web server serves; it is made where it is missing.
    pub folder: PathBuf,
    /// Files, and folders of files. What lies in `folder` stays where it is, the rest is copied.
    pub packages: Vec<PathBuf>,
    /// What is to be taken out: `name-version-release.arch`, or the name of a file.
    pub remove: Vec<String>,
    /// Profiles whose clients are to be served; nothing: as before, at first all of them.
    pub serve: Vec<Arc<Profile>>,
    /// Where clients reach the folder; nothing: as before, at first the folder itself.
    pub base_url: Option<String>,
    /// The name in brackets in the .repo file; nothing: as before, at first the folder's.
    pub name: Option<String>,
    /// Public keys beside the signer's that packages, and the metadata that is there, may be signed with.
    pub keys: Vec<PathBuf>,
    /// How many older states of the metadata are kept for clients that have begun to read one.
    pub keep: usize,
    /// Read each package, also those of which size and time are as they were.
    pub full: bool,
    /// Publish another file of a package's name and version in place of the one that is there.
    pub replace: bool,
    /// Publish what is not signed; clients do not check signatures of packages then.
    pub allow_unsigned: bool,
    /// Take over what is published, though no key that is named has signed it: each package is read and judged, and no key that
    /// lies there counts.
    pub take_over: bool,
    /// Wait while somebody else is publishing.
    pub wait: bool,
    /// `SOURCE_DATE_EPOCH`, Unix seconds; the time of the newest package where it is missing.
    pub time: Option<u64>,
}

/// What was published.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Published {
    /// How many packages there are.
    pub packages: usize,
    /// Those that came.
    pub added: Vec<String>,
    /// Those of which there is another file now.
    pub replaced: Vec<String>,
    /// Where those lie that were gone or damaged, and are there again.
    pub repaired: Vec<String>,
    /// Those that went.
    pub removed: Vec<String>,
    /// Whether there is new metadata; what was there says the same otherwise.
    pub changed: bool,
    /// Of the metadata, Unix seconds.
    pub revision: u64,
    /// What a person should know, one line each.
    pub notes: Vec<String>,
    /// The .repo file.
    pub repo_file: PathBuf,
}

impl Request {
    /// How the metadata is compressed: as all that are served can read it.
    pub(super) fn reads_zstd(&self) -> bool {
        !self.serve.is_empty()
            && self.serve.iter().all(|profile| profile.repodata.compression == MetadataCompression::Zstd)
    }
}
