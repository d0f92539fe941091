//! Reads packages that a stranger made: nothing in one is believed before it was checked, and no size that it states is
//! allocated before the file was seen to be that long.

mod archive;
mod compare;
mod digests;
mod examine;
mod extract;
mod files;
mod inspect;
mod inspect_text;
mod limits;
mod listing;
pub(super) mod pass;
mod signatures;
mod verify;
mod walk;

pub use compare::{Difference, Part, differences, sources};
pub use digests::{DigestCheck, Verdict};
pub use examine::{Examination, ExaminedSignature, Judged, PackageForm, examine};
pub use extract::extract;
pub use inspect::{Change, InspectedFile, Inspection, PayloadInfo, RelationGroup, Scriptlet, inspect};
pub(crate) use inspect_text::{digest_line, plain, signature_line};
pub use listing::{FileForm, Listing, ListingFile, listing};
pub use pass::SizeCheck;
pub use signatures::SignatureInfo;
pub use verify::{header_digest, nevra, verify};
pub use walk::{Identity, Packed, each_file, identify};

use std::collections::HashMap;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use fs_err::os::unix::fs::OpenOptionsExt;
use fs_err::{File, OpenOptions};
use rpm::{Header, IndexData, IndexTag, PackageMetadata};
use rustix::fs::OFlags;

use super::{Error, lead};

/// A package whose headers were read and checked.
pub(super) struct Opened {
    pub(super) path: std::path::PathBuf,
    pub(super) file: File,
    pub(super) metadata: PackageMetadata,
    /// The main header's bytes, as digests and signatures cover them.
    pub(super) header_bytes: Vec<u8>,
    /// Where the payload begins.
    pub(super) payload_start: u64,
    /// Of the whole file.
    pub(super) size: u64,
    /// How many tags the signature header has, that of its region included.
    signature_tags: u32,
    /// The signature header's data. Bytes.
    signature_data: u32,
}

impl Opened {
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        // Without O_NONBLOCK the opening of a pipe waits for a writer, perhaps for ever.
        let flags = OFlags::NONBLOCK.bits().cast_signed();
        let file = OpenOptions::new().read(true).custom_flags(flags).open(path);
        let mut file = file.map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Error::NoFile { path: path.to_owned() },
            _ => Error::Io(error),
        })?;
        let metadata = file.metadata()?;
        let not_a_package =
            |reason: &str| Error::NotAPackage { path: path.to_owned(), reason: reason.to_owned() };
        if !metadata.is_file() {
            return Err(not_a_package("it is no regular file"));
        }
        let size = metadata.len();
        let mut front = vec![0; lead::SIZE];
        if size < lead::SIZE as u64 {
            return Err(not_a_package("it is too short"));
        }
        file.read_exact(&mut front)?;
        if front[..4] == *b"drpm" {
            return Err(not_a_package("it is the difference of two: `applydeltarpm` makes a package of it"));
        }
        if front[..4] != lead::MAGIC {
            return Err(not_a_package("it does not begin as one"));
        }
        // All that librpm looks at in the lead (lib/rpmlead.c).
        if !lead::MAJOR_VERSIONS.contains(&front[lead::MAJOR]) {
            return Err(not_a_package("its lead is of an unknown version"));
        }
        if front[lead::SIGNATURE_TYPE] != lead::HEADER_SIGNATURE {
            return Err(not_a_package("its signature is of an unknown type"));
        }
        let damaged = |reason: String| Error::Damaged { path: path.to_owned(), reason };
        let signature = limits::read_header(&mut file, size, limits::Part::Signature)
            .map_err(|error| error.named(path))?;
        front.extend(&signature);
        let number = |at: usize| {
            // A header that was read has an introduction of 16 bytes.
            signature.get(at..at + 4).and_then(|four| four.try_into().ok()).map_or(0, u32::from_be_bytes)
        };
        let (signature_tags, signature_data) = (number(8), number(12));
        // The main header begins on a multiple of eight.
        let padding = (8 - signature.len() % 8) % 8;
        let mut pad = [0; 8];
        file.read_exact(&mut pad[..padding])
            .map_err(|_| damaged("it ends within the signature".to_owned()))?;
        front.extend(&pad[..padding]);
        let header_bytes =
            limits::read_header(&mut file, size, limits::Part::Main).map_err(|error| error.named(path))?;
        front.extend(&header_bytes);
        let payload_start = front.len() as u64;
        let metadata =
            PackageMetadata::parse(&mut front.as_slice()).map_err(|error| damaged(one_line(&error)))?;
        Ok(Opened {
            path: path.to_owned(),
            file,
            metadata,
            header_bytes,
            payload_start,
            size,
            signature_tags,
            signature_data,
        })
    }

    pub(super) fn damaged(&self, reason: impl Into<String>) -> Error {
        Error::Damaged { path: self.path.clone(), reason: reason.into() }
    }

    /// The compressed payload from its start.
    fn payload(&self) -> Result<impl Read + '_, Error> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(self.payload_start))?;
        Ok(file)
    }

    /// Whether the main header has the tag, whatever is in it.
    fn has(&self, tag: IndexTag) -> bool {
        self.metadata.header.entry_is_present(tag as u32)
    }

    /// What the main header has under a tag.
    ///
    /// # Errors
    /// [`Error::Damaged`] where something is there that is not of the kind that the tag has. It is not as if nothing were there:
    /// rpm refuses such a package, or reads out of it what is not seen here. So it is with all that asks for tags.
    fn entry<T: FromEntry>(&self, tag: u32) -> Result<T, Error> {
        self.decoded(&self.metadata.header, tag)
    }

    /// As [`Opened::entry`], in the signature header.
    fn signature_entry<T: FromEntry>(&self, tag: u32) -> Result<T, Error> {
        self.decoded(&self.metadata.signature, tag)
    }

    fn decoded<H: rpm::Tag, T: FromEntry>(&self, header: &Header<H>, tag: u32) -> Result<T, Error> {
        let data = match header.entry(tag) {
            Ok(data) => data,
            Err(rpm::Error::TagNotFound(_)) => return Ok(T::default()),
            Err(error) => return Err(self.damaged(format!("its tag {tag}: {}", one_line(&error)))),
        };
        T::from_entry(data)
            .ok_or_else(|| self.damaged(format!("its tag {tag} is of another type than it has to be")))
    }

    /// Whether the signature header has the tag, whatever is in it.
    pub(super) fn has_signature(&self, tag: u32) -> bool {
        self.metadata.signature.entry_is_present(tag)
    }

    /// Numbers of the main header; none where the tag is not there.
    ///
    /// # Errors
    /// As all that asks for tags.
    pub(super) fn integers_of(&self, tag: u32) -> Result<Vec<u64>, Error> {
        self.entry(tag)
    }

    /// `name-[epoch:]version-release.arch`, with `src` as the arch of a source package.
    pub(super) fn nevra(&self) -> Result<String, Error> {
        let field = |tag| self.text(tag).map(Option::unwrap_or_default);
        let epoch = self.integer(IndexTag::RPMTAG_EPOCH)?.filter(|epoch| *epoch > 0);
        let epoch = epoch.map(|epoch| format!("{epoch}:")).unwrap_or_default();
        let source = self.metadata.is_source_package();
        let arch = if source { "src".to_owned() } else { field(IndexTag::RPMTAG_ARCH)? };
        Ok(format!(
            "{}-{epoch}{}-{}.{arch}",
            field(IndexTag::RPMTAG_NAME)?,
            field(IndexTag::RPMTAG_VERSION)?,
            field(IndexTag::RPMTAG_RELEASE)?
        ))
    }

    fn text(&self, tag: IndexTag) -> Result<Option<String>, Error> {
        self.entry(tag as u32)
    }

    fn texts(&self, tag: IndexTag) -> Result<Vec<String>, Error> {
        self.entry(tag as u32)
    }

    fn integer(&self, tag: IndexTag) -> Result<Option<u64>, Error> {
        self.entry(tag as u32)
    }

    fn integers(&self, tag: IndexTag) -> Result<Vec<u64>, Error> {
        self.entry(tag as u32)
    }
}

/// What a tag can be read as; the default where it is not there.
trait FromEntry: Default {
    /// Nothing where it is of another type.
    fn from_entry(data: IndexData) -> Option<Self>;
}

impl FromEntry for Vec<String> {
    fn from_entry(data: IndexData) -> Option<Self> {
        match data {
            IndexData::StringTag(text) => Some(vec![text]),
            IndexData::StringArray(texts) | IndexData::I18NString(texts) => Some(texts),
            _ => None,
        }
    }
}

/// The first text.
impl FromEntry for Option<String> {
    fn from_entry(data: IndexData) -> Option<Self> {
        Vec::from_entry(data).map(|texts: Vec<String>| texts.into_iter().next())
    }
}

impl FromEntry for Vec<u64> {
    fn from_entry(data: IndexData) -> Option<Self> {
        Some(match data {
            IndexData::Char(values) | IndexData::Int8(values) => values.into_iter().map(u64::from).collect(),
            IndexData::Int16(values) => values.into_iter().map(u64::from).collect(),
            IndexData::Int32(values) => values.into_iter().map(u64::from).collect(),
            IndexData::Int64(values) => values,
            _ => return None,
        })
    }
}

/// The first number.
impl FromEntry for Option<u64> {
    fn from_entry(data: IndexData) -> Option<Self> {
        Vec::from_entry(data).map(|numbers: Vec<u64>| numbers.first().copied())
    }
}

impl FromEntry for Option<Vec<u8>> {
    fn from_entry(data: IndexData) -> Option<Self> {
        match data {
            IndexData::Bin(bytes) => Some(Some(bytes)),
            _ => None,
        }
    }
}

/// The files by what they are called in a payload.
fn index(files: &[files::Listed]) -> HashMap<&str, usize> {
    files.iter().enumerate().map(|(number, file)| (key(&file.path), number)).collect()
}

/// A path as header and payload agree on it: without `./` or `/` in front.
fn key(path: &str) -> &str {
    path.strip_prefix('.').filter(|rest| rest.starts_with('/')).unwrap_or(path).trim_start_matches('/')
}

pub(super) fn one_line(error: &dyn std::fmt::Display) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}
