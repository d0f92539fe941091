//! What differs between two packages that should be the same: file by file, tag by tag, and then the bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;

use num_traits::FromPrimitive;
use rpm::{IndexData, IndexTag};
use serde::Serialize;

use super::files::{self, Listed};
use super::{Error, FromEntry, Opened, pass};
use crate::hash::hex;
use crate::rpm::lead;

/// A value is cut to this many characters.
const SHOWN: usize = 120;

/// The region around a header, which only says how long it is.
const REGION: u32 = IndexTag::RPMTAG_HEADERIMMUTABLE as u32;

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What it is in.
    pub part: Part,
    /// The file's path or the tag's name; empty where there is only one of the kind.
    pub name: String,
    /// As the first package has it; nothing where it has none.
    pub one: Option<String>,
    /// As the second one has it.
    pub other: Option<String>,
}

/// A part of a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// The first 96 bytes.
    Lead,
    /// A file in the payload.
    File,
    /// A tag of the main header.
    Tag,
    /// The order or the layout of the main header.
    Header,
    /// The compressed payload.
    Payload,
}

/// Tags that have a value for each file, or for all of them together.
const OF_FILES: &[&str] = &["FILE", "DIR", "BASENAMES", "SIZE", "PAYLOAD"];

impl Difference {
    /// Whether it is no more than a file's difference shows: a list with a value for each file, the payload's digest.
    pub fn follows_from_files(&self) -> bool {
        match self.part {
            Part::Tag => OF_FILES.iter().any(|start| self.name.starts_with(start)),
            Part::Payload => true,
            Part::Lead | Part::File | Part::Header => false,
        }
    }
}

/// All in which two packages differ, but for their signature headers; what is damaged is refused first.
///
/// # Errors
/// [`Error::NotAPackage`], [`Error::Damaged`], [`Error::Io`].
pub fn differences(one: &Path, other: &Path) -> Result<Vec<Difference>, Error> {
    let (one, other) = (Opened::open(one)?, Opened::open(other)?);
    pass::demand(&one)?;
    pass::demand(&other)?;
    let mut found = Vec::new();
    let mut differ = |part, name: &str, one: Option<String>, other: Option<String>| {
        found.push(Difference { part, name: name.to_owned(), one, other });
    };
    if lead(&one)? != lead(&other)? {
        differ(Part::Lead, "", None, None);
    }
    let (old, new) = (by_path(&one)?, by_path(&other)?);
    for path in old.keys().chain(new.keys()).collect::<BTreeSet<_>>() {
        let (old, new) = (old.get(path), new.get(path));
        if old != new {
            differ(Part::File, path, old.map(shown_file), new.map(shown_file));
        }
    }
    let (old, new) = (tags(&one)?, tags(&other)?);
    for number in old.keys().chain(new.keys()).collect::<BTreeSet<_>>() {
        let (old, new) = (old.get(number), new.get(number));
        if *number != REGION && old != new {
            differ(Part::Tag, &tag_name(*number), old.map(shown), new.map(shown));
        }
    }
    if one.header_bytes != other.header_bytes && old == new {
        differ(Part::Header, "", None, None);
    }
    if payload(&one)? != payload(&other)? {
        differ(Part::Payload, "", None, None);
    }
    found.sort_by_key(|difference| difference.part);
    Ok(found)
}

/// The sources of a source package, in the spec's order.
///
/// # Errors
/// [`Error::NotAPackage`], [`Error::Damaged`] where it is no source package or a digest does not hold, [`Error::Io`].
pub fn sources(path: &Path) -> Result<Vec<String>, Error> {
    let package = Opened::open(path)?;
    if !package.metadata.is_source_package() {
        return Err(package.damaged("it is no source package"));
    }
    pass::demand(&package)?;
    let mut sources = package.texts(IndexTag::RPMTAG_SOURCE)?;
    // rpmbuild puts each new source in front.
    sources.reverse();
    Ok(sources)
}

fn lead(package: &Opened) -> Result<[u8; lead::SIZE], Error> {
    use std::os::unix::fs::FileExt;
    let mut lead = [0; lead::SIZE];
    package.file.file().read_exact_at(&mut lead, 0)?;
    Ok(lead)
}

fn payload(package: &Opened) -> Result<Vec<u8>, Error> {
    let mut hash = sha2::Sha256::default();
    let mut reader = package.payload()?;
    let mut buffer = vec![0; 256 << 10];
    loop {
        match reader.read(&mut buffer)? {
            0 => break,
            read => sha2::Digest::update(&mut hash, &buffer[..read]),
        }
    }
    Ok(sha2::Digest::finalize(hash).to_vec())
}

fn by_path(package: &Opened) -> Result<BTreeMap<String, Listed>, Error> {
    Ok(files::list(package)?.into_iter().map(|file| (file.path.clone(), file)).collect())
}

fn tags(package: &Opened) -> Result<BTreeMap<u32, IndexData>, Error> {
    let all = package.metadata.header.get_all_entries();
    let all = all.map_err(|error| package.damaged(super::one_line(&error)))?;
    Ok(all.into_iter().collect())
}

/// rpm's name of a tag, as `--queryformat` takes it; its number where it has none here.
fn tag_name(number: u32) -> String {
    match IndexTag::from_u32(number) {
        Some(tag) => tag.to_string().trim_start_matches("RPMTAG_").to_owned(),
        None => number.to_string(),
    }
}

fn shown_file(file: &Listed) -> String {
    let digest = if file.digest.is_empty() { &file.target } else { &file.digest };
    let digest = digest.get(..16).unwrap_or(digest);
    format!("{:o} {}:{} {} bytes, {digest}", file.mode, file.user, file.group, file.size)
}

fn shown(data: &IndexData) -> String {
    let text = match data {
        IndexData::StringTag(text) => text.clone(),
        IndexData::StringArray(texts) | IndexData::I18NString(texts) => texts.join(", "),
        IndexData::Bin(bytes) => hex(bytes),
        other => <Vec<u64> as FromEntry>::from_entry(other.clone())
            .unwrap_or_default()
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(", "),
    };
    let text = text.escape_debug().to_string();
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
