//! What modgraft notes beside the metadata, for the next publication: `repodata/modgraft.json`, which clients never ask for.

use serde::{Deserialize, Serialize};

use super::packed::Part;
use crate::profile::MetadataCompression;

/// Its name in `repodata`.
pub(super) const STATE: &str = "modgraft.json";
/// Of this form.
const FORMAT: u32 = 1;

/// What is noted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) format: u32,
    /// SHA-256 of the repomd.xml that it belongs to, lower-case hexadecimal.
    pub repomd: String,
    pub settings: Settings,
    /// Of primary, filelists and other.
    pub parts: [Vec<Part>; 3],
    /// Metadata of before that is still there for clients that have read the repomd.xml of its time, the newest first.
    pub older: Vec<Older>,
    /// Packages that no metadata names any more. They are removed once this is in place; that may have been broken off.
    pub leaving: Vec<String>,
}

/// What was said when it was published, and counts until something else is said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Settings {
    /// The name in brackets in the .repo file.
    pub name: String,
    /// As clients reach it.
    pub base_url: Option<String>,
    /// Profiles whose clients are served; all where there are none.
    pub served: Vec<String>,
    /// Whether all of these read zstd.
    pub zstd: bool,
    /// Whether each package is signed by a key of the repository's.
    pub packages_signed: bool,
}

/// An older state of the metadata.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Older {
    /// Its files in `repodata` that the newer one does not have.
    pub files: Vec<String>,
    /// Packages that it names and the newer one does not.
    pub packages: Vec<String>,
}

impl State {
    pub fn new(repomd: String, settings: Settings, parts: [Vec<Part>; 3]) -> Self {
        State { format: FORMAT, repomd, settings, parts, older: Vec::new(), leaving: Vec::new() }
    }

    /// Nothing where it is of another form.
    pub fn read(text: &[u8]) -> Option<State> {
        serde_json::from_slice(text).ok().filter(|state: &State| state.format == FORMAT)
    }

    /// For comparing: what has left is gone, and nobody asks for it.
    #[must_use]
    pub fn without_leaving(mut self) -> State {
        self.leaving.clear();
        self
    }

    pub fn render(&self) -> String {
        let mut text = serde_json::to_string(self).expect("it is plain data");
        text.push('\n');
        text
    }
}

impl Settings {
    pub fn compression(&self) -> MetadataCompression {
        if self.zstd { MetadataCompression::Zstd } else { MetadataCompression::Gzip }
    }
}
