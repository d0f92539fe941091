//! New signatures for a package that is there: its lead, header and payload stay as they are, byte for byte, and so does
//! all of its signature header that is no signature.

use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use rpm::{Header, HeaderEntry, IndexData, IndexSignatureTag, IndexTag, Lead, PackageMetadata};
use tempfile::TempPath;

use super::digest::Hashing;
use super::read::{Opened, pass};
use super::signature;
use super::write::Written;
use super::{Error, lead};
use crate::process;
use crate::sign::{Algorithm, Signer};

/// All that is a signature: 267 and 268 of the header, 1002, 1005 and 1006 of header and payload, and 278, which rpmsign 4.18
/// leaves as it was when it renews the others, while rpm 6 believes it.
const SIGNATURES: [u32; 6] = [267, 268, 278, 1002, 1005, 1006];
/// The region around the whole, which is made anew.
const REGION: u32 = 62;
/// RPMFORMAT: there since rpm 6, whose own format has its signatures elsewhere.
const FORMAT: u32 = 5114;

/// A package whose digests hold, and which may be signed.
pub struct Existing {
    opened: Opened,
    nevra: String,
    build_time: u64,
    /// Where it is, symbolic links followed: the link is to stay one.
    place: PathBuf,
}

/// A signature to put in.
#[derive(Debug, Clone)]
pub struct NewSignature {
    /// Whether it covers the payload too.
    pub with_payload: bool,
    /// Of the key that made it.
    pub algorithm: Algorithm,
    /// Binary.
    pub packet: Vec<u8>,
}

impl Existing {
    /// Opens a package, and checks the digests that it states: a signature on what is damaged would vouch for the damage.
    ///
    /// # Errors
    /// [`Error::NotAPackage`], [`Error::Damaged`], [`Error::Format`], [`Error::Io`].
    pub fn open(path: &Path) -> Result<Self, Error> {
        let opened = Opened::open(path)?;
        let format = opened.integers_of(FORMAT)?.first().copied().unwrap_or(4);
        if format > 4 {
            return Err(Error::Format { path: path.to_owned(), format });
        }
        pass::demand(&opened)?;
        let nevra = opened.nevra()?;
        let build_time = opened.integers_of(IndexTag::RPMTAG_BUILDTIME as u32)?.first().copied().unwrap_or(0);
        Ok(Existing { opened, nevra, build_time, place: fs_err::canonicalize(path)? })
    }

    /// `name-version-release.arch`.
    pub fn nevra(&self) -> &str {
        &self.nevra
    }

    /// Whether there is any signature.
    pub fn is_signed(&self) -> bool {
        SIGNATURES.iter().any(|tag| self.opened.has_signature(*tag))
    }

    /// Whether a signature covers header and payload.
    pub fn signs_payload(&self) -> bool {
        [1002, 1005, 1006].iter().any(|tag| self.opened.has_signature(*tag))
    }

    /// When it was built, by its header. Unix seconds.
    pub fn build_time(&self) -> u64 {
        self.build_time
    }

    /// What a signature of the header covers.
    pub fn header(&self) -> &[u8] {
        &self.opened.header_bytes
    }

    /// What a signature of header and payload covers. One reader at a time: all read the same file.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn header_and_payload(&self) -> io::Result<impl Read + '_> {
        self.opened.signed()
    }

    /// Signs the header, and where it is asked for, header and payload together. `time` is in Unix seconds.
    ///
    /// # Errors
    /// [`Error::Sign`]; [`Error::Io`].
    pub fn sign(&self, signer: &dyn Signer, time: u64, payload: bool) -> Result<Vec<NewSignature>, Error> {
        let algorithm = signer.key().algorithm;
        let packet = signer.sign(&mut self.header(), time)?;
        let mut signatures = vec![NewSignature { with_payload: false, algorithm, packet }];
        if payload {
            let packet = signer.sign(&mut self.header_and_payload()?, time)?;
            signatures.push(NewSignature { with_payload: true, algorithm, packet });
        }
        Ok(signatures)
    }

    /// Writes the package with these signatures in place of those that it has, beside it; [`Staged::publish`] puts it there.
    ///
    /// # Errors
    /// [`Error::Write`], [`Error::Header`], [`Error::Interrupted`], [`Error::Io`].
    pub fn stage(&self, signatures: &[NewSignature], signed_by: Option<String>) -> Result<Staged, Error> {
        let front = self.front(signatures)?;
        let to = &self.place;
        let folder = to.parent().unwrap_or(Path::new("/"));
        let failed = |source: io::Error| Error::Write { path: to.clone(), source };
        let old = self.opened.file.metadata()?;
        let file = tempfile::Builder::new().prefix(".modgraft-").tempfile_in(folder).map_err(failed)?;
        let mut out = Hashing::new(BufWriter::with_capacity(256 << 10, file));
        out.write_all(&front).map_err(failed)?;
        let copied = io::copy(&mut self.header_and_payload()?, &mut out).map_err(failed)?;
        let (out, sha256, size) = out.finish();
        let file = out.into_inner().map_err(|error| failed(error.into_error()))?;
        if copied != self.opened.size - self.opened.payload_start + self.header().len() as u64 {
            return Err(Error::Changed { path: to.clone() });
        }
        file.as_file().set_permissions(old.permissions()).map_err(failed)?;
        // Only root can give files away; for others the new file is theirs as the old one was.
        let owner = |metadata: &std::fs::Metadata| {
            use std::os::unix::fs::MetadataExt;
            (metadata.uid(), metadata.gid())
        };
        let (user, group) = owner(&old);
        if owner(&file.as_file().metadata().map_err(failed)?) != (user, group) {
            let _ = std::os::unix::fs::fchown(file.as_file(), Some(user), Some(group));
        }
        file.as_file().sync_all().map_err(failed)?;
        if process::interrupted() {
            return Err(Error::Interrupted);
        }
        let written = Written {
            path: self.opened.path.clone(),
            nevra: self.nevra.clone(),
            file_name: to.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            size,
            sha256,
            signed_by,
        };
        Ok(Staged { file: file.into_temp_path(), to: to.clone(), written })
    }

    /// Lead and signature header, up to the header.
    fn front(&self, signatures: &[NewSignature]) -> Result<Vec<u8>, Error> {
        let damaged = |error: rpm::Error| self.opened.damaged(super::read::one_line(&error));
        let old = self.opened.metadata.signature.get_all_entries().map_err(damaged)?;
        let mut entries: Vec<HeaderEntry> = Vec::new();
        for (tag, data) in old {
            if tag == REGION || SIGNATURES.contains(&tag) {
                continue;
            }
            let data = match tag {
                // What is free for signatures to come is as much as before the first one.
                signature::RESERVED => IndexData::Bin(vec![0; signature::RESERVED_SIZE]),
                _ => data,
            };
            entries.push(HeaderEntry::new(tag, data));
        }
        for one in signatures {
            let tag = signature::tag(one.algorithm, one.with_payload);
            entries.push(HeaderEntry::new(tag, IndexData::Bin(one.packet.clone())));
        }
        let metadata = PackageMetadata {
            lead: Lead::new(""),
            signature: Header::from_entries(entries, IndexSignatureTag::HEADER_SIGNATURES),
            header: Header::<IndexTag>::from_entries(Vec::new(), IndexTag::RPMTAG_HEADERIMMUTABLE),
        };
        let failed = |error: rpm::Error| Error::Header { reason: error.to_string() };
        let mut front = Vec::new();
        metadata.write(&mut front).map_err(failed)?;
        // The header itself follows as it is.
        front.truncate(front.len() - metadata.header_bytes().map_err(failed)?.len());
        let mut file = &self.opened.file;
        file.seek(SeekFrom::Start(0))?;
        file.read_exact(&mut front[..lead::SIZE])?;
        Ok(front)
    }
}

/// A package that was signed anew and waits beside the old one. Dropping it removes it.
pub struct Staged {
    file: TempPath,
    to: PathBuf,
    written: Written,
}

impl Staged {
    /// Where it lies until then.
    pub fn path(&self) -> &Path {
        &self.file
    }

    /// Renames it over the old one.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn publish(self) -> Result<Written, Error> {
        let Staged { file, to, written } = self;
        file.persist(&to).map_err(|error| Error::Write { path: to.clone(), source: error.error })?;
        if let Some(folder) = to.parent() {
            fs_err::File::open(folder)?.sync_all()?;
        }
        Ok(written)
    }
}
