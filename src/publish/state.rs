//! What modgraft notes beside the metadata, for the next publication: `repodata/modgraft.json`, which clients never ask for.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::check_id;
use super::current::{REPODATA, bounded, is_plain};
use super::packed::Part;
use crate::hash::sha256;
use crate::profile::MetadataCompression;
use crate::repository::location::beneath;

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
    /// Whether that repomd.xml was published without a signature, as somebody wanted it.
    #[serde(default)]
    pub unsigned: bool,
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
        State {
            format: FORMAT,
            repomd,
            settings,
            unsigned: false,
            parts,
            older: Vec::new(),
            leaving: Vec::new(),
        }
    }

    /// Of a repository; as [`State::read`].
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn of(folder: &Path) -> io::Result<Option<State>> {
        Ok(bounded(&folder.join(REPODATA).join(STATE))?.and_then(|text| State::read(&text)))
    }

    /// Whether it says of a repomd.xml that it was meant to have no signature. Whoever can write there can make it say so; that is no
    /// more than to take away the keys with the signature, and what vouches for packages are keys that are named.
    pub fn is_of_unsigned(&self, repomd: &[u8]) -> bool {
        self.unsigned && self.repomd == sha256(repomd)
    }

    /// Nothing where it is of another form, or names what modgraft does not write: others may write where it lies.
    pub fn read(text: &[u8]) -> Option<State> {
        let state: State = serde_json::from_slice(text).ok()?;
        (state.format == FORMAT && state.is_of_its_folder()).then_some(state)
    }

    /// Whether all that it names lies in the repository.
    fn is_of_its_folder(&self) -> bool {
        let files = self.older.iter().flat_map(|older| &older.files);
        let packages = self.older.iter().flat_map(|older| &older.packages).chain(&self.leaving);
        check_id(&self.settings.name).is_ok()
            && files.into_iter().all(|name| is_plain(name))
            && packages.into_iter().all(|href| beneath(href).is_ok())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_elsewhere_is_not_believed() {
        let named = |name: &str| Settings { name: name.to_owned(), ..Settings::default() };
        let good = State::new(String::new(), named("mods"), Default::default());
        let read = |state: &State| State::read(state.render().as_bytes());
        let older = |files: &[&str], packages: &[&str]| {
            let [files, packages] =
                [files, packages].map(|names| names.iter().map(|name| (*name).to_owned()).collect());
            State { older: vec![Older { files, packages }], ..good.clone() }
        };
        let leaving = |href: &str| State { leaving: vec![href.to_owned()], ..good.clone() };
        for state in [good.clone(), older(&["a.xml.gz"], &["Packages/a.rpm"]), leaving("a.rpm")] {
            assert_eq!(read(&state), Some(state));
        }
        for bad in [
            older(&["../../release.asc"], &[]),
            older(&["/etc/passwd"], &[]),
            older(&["a/b"], &[]),
            older(&[".."], &[]),
            older(&[], &["../a.rpm"]),
            leaving("/home/ci/.ssh/id_rsa"),
            leaving("Packages/../../a"),
            State { settings: named("../mods"), ..good.clone() },
            State { format: FORMAT + 1, ..good.clone() },
        ] {
            assert_eq!(read(&bad), None, "{bad:?}");
        }
    }
}
