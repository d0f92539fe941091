//! What is published already.

use std::io::{self, Read};
use std::path::Path;

use super::own::{self, Package};
use super::state::State;
use super::trust::Trust;
use super::{Error, KINDS, repomd};
use crate::compression::Bounded;
use crate::hash::sha256;
use crate::repository::location::beneath;
use crate::repository::metadata;
use crate::repository::repomd::{Record, read_where};
use crate::repository::xml::{self, Item};

/// The folder with the metadata.
pub(super) const REPODATA: &str = "repodata";
pub(super) const REPOMD: &str = "repomd.xml";
/// Its signature.
pub(super) const SIGNATURE: &str = "repomd.xml.asc";
/// The public keys, where zypper looks for them.
pub(super) const KEYS: &str = "repomd.xml.key";
/// Of repomd.xml and of what is noted beside it. Bytes.
const LARGEST: u64 = 64 << 20;

/// What says whose the metadata is, as it lies there.
#[derive(Debug)]
pub(super) struct Texts {
    /// repomd.xml.
    pub repomd: Vec<u8>,
    pub signature: Option<Vec<u8>>,
    /// The keys' file.
    pub keys: Option<Vec<u8>>,
}

/// A repository as it is.
#[derive(Debug)]
pub(super) struct Current {
    pub texts: Texts,
    pub revision: u64,
    /// All that repomd.xml names.
    pub records: Vec<Record>,
    /// What modgraft has noted, whoever has written the metadata since: nothing in it is believed of packages.
    pub state: Option<State>,
    pub packages: Packages,
}

/// The packages that are published.
#[derive(Debug)]
pub(super) enum Packages {
    /// As modgraft has written of them, and nobody has changed since.
    Known(Vec<Package>),
    /// Nothing is known of them but where they lie.
    Unread {
        hrefs: Vec<String>,
        /// In words.
        why: String,
    },
}

/// Metadata by another program that is taken over as it is: groups, updates, modules. Databases and the like are of the old
/// list of packages.
pub(super) fn is_foreign(kind: &str) -> bool {
    !KINDS.contains(&kind)
        && !kind.ends_with("_db")
        && !kind.ends_with("_zck")
        && !["filelists-ext", "filelists_ext", "prestodelta", "deltainfo"].contains(&kind)
}

impl Texts {
    /// Reads them; nothing where nothing is published there.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn read(folder: &Path) -> io::Result<Option<Texts>> {
        let file = |name: &str| bounded(&folder.join(REPODATA).join(name));
        let Some(repomd) = file(REPOMD)? else { return Ok(None) };
        Ok(Some(Texts { repomd, signature: file(SIGNATURE)?, keys: file(KEYS)? }))
    }
}

impl Current {
    /// Reads the rest of it, as far as it is believed.
    ///
    /// # Errors
    /// [`Error::Metadata`].
    pub fn read(folder: &Path, texts: Texts, trust: &Trust) -> Result<Current, Error> {
        let broken = |file: &str, problem: String| Error::Metadata {
            path: folder.to_owned(),
            file: file.to_owned(),
            problem,
        };
        let records = read_where(&texts.repomd, &|_| true).map_err(|problem| broken(REPOMD, problem))?;
        let state = State::of(folder)?;
        let known = match (trust.doubt(), &state) {
            (_, None) => Err("the metadata was written by another program".to_owned()),
            (Some(doubt), _) => Err(doubt.to_owned()),
            (None, Some(state)) if state.repomd != sha256(&texts.repomd) => {
                Err("another program has changed the metadata".to_owned())
            }
            (None, Some(state)) => own::read(folder, &records, &state.parts)
                .map_err(|problem| format!("the metadata is damaged: {problem}")),
        };
        let packages = match known {
            Ok(packages) => Packages::Known(packages),
            Err(why) => {
                let primary = records.iter().find(|record| record.kind == KINDS[0]);
                let primary = primary.ok_or_else(|| broken(REPOMD, "it names no `primary`".to_owned()))?;
                let hrefs = hrefs(folder, primary).map_err(|problem| broken(&primary.href, problem))?;
                Packages::Unread { hrefs, why }
            }
        };
        Ok(Current { revision: repomd::revision(&texts.repomd), texts, records, state, packages })
    }

    /// All packages that its metadata names, older metadata included.
    pub fn named(&self) -> Vec<&str> {
        self.packages().chain(self.older()).collect()
    }

    /// Packages that lie there and that its newest metadata does not name: clients may still ask for them, or they are about to go.
    pub fn left(&self) -> impl Iterator<Item = &str> {
        let leaving = self.state.iter().flat_map(|state| &state.leaving);
        self.older().chain(leaving.map(String::as_str))
    }

    /// The packages that only its older metadata names.
    fn older(&self) -> impl Iterator<Item = &str> {
        let older = self.state.iter().flat_map(|state| &state.older);
        older.flat_map(|older| &older.packages).map(String::as_str)
    }

    /// The packages that its newest metadata names.
    pub fn packages(&self) -> impl Iterator<Item = &str> {
        let unread = match &self.packages {
            Packages::Known(_) => &[][..],
            Packages::Unread { hrefs, .. } => hrefs,
        };
        self.known().iter().map(|package| &package.entry.href).chain(unread).map(String::as_str)
    }

    /// The packages of which all is known that was published.
    pub fn known(&self) -> &[Package] {
        match &self.packages {
            Packages::Known(packages) => packages,
            Packages::Unread { .. } => &[],
        }
    }

    /// The names in `repodata` of the files that repomd.xml names.
    pub fn files(&self) -> Vec<String> {
        self.records.iter().filter_map(|record| file_name(record)).map(str::to_owned).collect()
    }
}

/// The name in `repodata` of a file of metadata; nothing where it lies elsewhere.
pub(super) fn file_name(record: &Record) -> Option<&str> {
    let name = record.href.strip_prefix("repodata/").filter(|_| record.base.is_none())?;
    is_plain(name).then_some(name)
}

/// Whether a name is one of a file in `repodata`, and of nothing elsewhere.
pub(super) fn is_plain(name: &str) -> bool {
    !name.contains('/') && beneath(name).is_ok()
}

/// A small file, where there is one.
pub(super) fn bounded(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match read(path, LARGEST) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        read => read.map(Some),
    }
}

/// A file of at most so many bytes.
pub(super) fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let file = fs_err::File::open(path)?;
    // One more than there are: who asks for what is left finds the end at once.
    let size = file.metadata()?.len().min(limit) + 1;
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
    Bounded::new(file, limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Where the packages lie that any primary.xml lists.
fn hrefs(folder: &Path, primary: &Record) -> Result<Vec<String>, String> {
    let name = file_name(primary).ok_or("it lies elsewhere")?;
    let mut hrefs = Vec::new();
    let path = folder.join(REPODATA).join(name);
    metadata::read(&path, primary, metadata::PRIMARY, |input| {
        xml::walk(input, "metadata", &mut |item| {
            if let Item::Start("location", element) = item {
                let href = xml::required(element, "href")?;
                if xml::attribute(element, "xml:base")?.is_some_and(|base| !base.is_empty()) {
                    return Err(format!("the package {} lies elsewhere", xml::shortened(&href)));
                }
                beneath(&href).map_err(|problem| format!("{}: {problem}", xml::shortened(&href)))?;
                hrefs.push(href.strip_prefix("./").unwrap_or(&href).to_owned());
            }
            Ok(())
        })
    })?;
    Ok(hrefs)
}
