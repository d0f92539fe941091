//! Puts a package together: payload first, since the header has its digests, then header and signature in front of it.

use std::io::{self, Write};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rpm::{Header, HeaderEntry, IndexSignatureTag, IndexTag, Lead, PackageMetadata};
use serde::Serialize;
use tempfile::NamedTempFile;

use super::payload::{Data, Payload, Summary};
use super::signature::Digests;
use super::{Error, header, lead, signature};
use crate::hash::sha256_of;
use crate::package::{Package, PackageSet};
use crate::sign::{Signer, check_accepted};
use crate::{parallel, process};

/// Where packages are to be written, exactly. Sources for debuggers, where they are a package, go beside the debug information
/// under their own name.
#[derive(Debug, Clone)]
pub struct Destinations {
    /// The module's package.
    pub binary: PathBuf,
    /// The debug information's.
    pub debuginfo: PathBuf,
    /// The source's.
    pub source: PathBuf,
}

impl Destinations {
    /// Each where `place` says for its file's name.
    pub fn of(set: &PackageSet, place: impl Fn(&str) -> PathBuf) -> Self {
        Destinations {
            binary: place(&set.binary.file_name()),
            debuginfo: place(&set.debuginfo.file_name()),
            source: place(&set.source.file_name()),
        }
    }
}

/// The packages of a module as they were written.
#[derive(Debug, Clone, Serialize)]
pub struct WrittenSet {
    /// The module's package.
    pub binary: Written,
    /// The debug information's.
    pub debuginfo: Written,
    /// The sources for debuggers, where they are a package.
    pub debugsource: Option<Written>,
    /// The source's.
    pub source: Written,
}

impl WrittenSet {
    /// All of them, in the order of [`PackageSet::packages`].
    pub fn packages(&self) -> impl Iterator<Item = &Written> {
        [&self.binary, &self.debuginfo].into_iter().chain(&self.debugsource).chain([&self.source])
    }
}

/// A package as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Written {
    /// Where it is.
    pub path: PathBuf,
    /// `name-version-release.arch`.
    pub nevra: String,
    /// The file name that belongs to it, whatever `path` says.
    pub file_name: String,
    /// Of the file, in bytes.
    pub size: u64,
    /// Of the file, lower-case hexadecimal.
    pub sha256: String,
    /// The key that signed it, as `rpm -K` shows it.
    pub signed_by: Option<String>,
}

/// Writes the packages of a module, side by side. Each file appears whole, or not at all.
///
/// # Errors
/// [`Error::Sign`] where the target's rpm does not accept the key, or it does not sign; [`Error::Changed`] where a file
/// changed meanwhile; [`Error::Io`].
pub fn write_set<'a>(
    set: &'a PackageSet,
    signer: Option<&'a dyn Signer>,
    destinations: &Destinations,
) -> Result<WrittenSet, Error> {
    if let Some(signer) = signer {
        let profile = &set.binary.profile;
        check_accepted(signer.key(), &profile.name, &profile.packaging.keys)?;
    }
    let mut packages = vec![
        (&set.source, destinations.source.clone(), None),
        (&set.binary, destinations.binary.clone(), Some(NO_DIGEST)),
        (&set.debuginfo, destinations.debuginfo.clone(), Some(NO_DIGEST)),
    ];
    if let Some(package) = &set.debugsource {
        let to = destinations.debuginfo.with_file_name(package.file_name());
        packages.push((package, to, Some(NO_DIGEST)));
    }
    let drafts = parallel::map(packages, |(package, to, id)| Draft::new(package, signer, to, id));
    let mut drafts: Vec<Draft<'a>> = drafts.into_iter().collect::<Result<_, _>>()?;
    // The others name the source package by its digest.
    let source = drafts.remove(0).headed(None)?;
    let id = Some(source.digests.md5);
    let others = || parallel::map(drafts, |draft| draft.headed(id)?.written());
    let (others, source) = parallel::both(others, || source.written());
    let mut others = others.into_iter();
    let mut next = || others.next().transpose();
    Ok(WrittenSet {
        binary: next()?.expect("it was drafted"),
        debuginfo: next()?.expect("it was drafted"),
        debugsource: next()?,
        source: source?,
    })
}

/// Writes one package to exactly `to`. Use [`write_set`] for all of a module's: there each names its source package.
///
/// # Errors
/// As [`write_set`].
pub fn write(package: &Package, signer: Option<&dyn Signer>, to: &Path) -> Result<(), Error> {
    if let Some(signer) = signer {
        check_accepted(signer.key(), &package.profile.name, &package.profile.packaging.keys)?;
    }
    Draft::new(package, signer, to.to_owned(), None)?.headed(None)?.write()
}

/// Stands for a source package's digest where that is not known yet.
const NO_DIGEST: [u8; 16] = [0; 16];

/// A package of which only the payload is there.
struct Draft<'a> {
    package: &'a Package,
    signer: Option<&'a dyn Signer>,
    to: PathBuf,
    payload: Payload,
}

impl<'a> Draft<'a> {
    /// `source_package_id` need not be the real one, but is there where the real one will be: the headers' length follows.
    fn new(
        package: &'a Package,
        signer: Option<&'a dyn Signer>,
        to: PathBuf,
        source_package_id: Option<[u8; 16]>,
    ) -> Result<Self, Error> {
        let payload = Payload::build(package, |planned| {
            Ok((temporary(&to)?, planned_front(package, signer, planned, source_package_id)?))
        })?;
        Ok(Draft { package, signer, to, payload })
    }

    /// With its header. Where the payload is on disk, the kernel writes it out meanwhile.
    fn headed(self, source_package_id: Option<[u8; 16]>) -> Result<Ready<'a>, Error> {
        let Draft { package, signer, to, payload } = self;
        let Payload { summary, data } = payload;
        let (header, bytes) = serialized(package, header::entries(package, &summary, source_package_id))?;
        let md5 = match &data {
            Data::Memory(_) => signature::md5(&bytes, &data),
            Data::File { file, .. } => {
                let (synced, md5) =
                    parallel::both(|| file.as_file().sync_data(), || signature::md5(&bytes, &data));
                md5.and_then(|md5| synced.map(|()| md5))
            }
        };
        let md5 = md5.map_err(|source| Error::Write { path: to.clone(), source })?;
        let digests = Digests::new(package, &bytes, md5, &summary)?;
        Ok(Ready { package, signer, to, data, header, header_bytes: bytes, digests })
    }
}

/// A package of which only the signatures are missing.
struct Ready<'a> {
    package: &'a Package,
    signer: Option<&'a dyn Signer>,
    to: PathBuf,
    data: Data,
    header: Header<IndexTag>,
    header_bytes: Vec<u8>,
    digests: Digests,
}

impl Ready<'_> {
    /// Gives it its place.
    fn write(self) -> Result<(), Error> {
        let Ready { package, signer, to, data, header, header_bytes, digests } = self;
        let signatures = match signer {
            Some(signer) => signature::sign(package, &header_bytes, &data, signer)?,
            None => Vec::new(),
        };
        let mut front = Front { package, digests: &digests, signatures: &signatures, header: &header };
        let failed = |source: io::Error| Error::Write { path: to.clone(), source };
        let file = match data {
            Data::Memory(payload) => {
                let mut file = temporary(&to)?;
                file.write_all(&front.bytes(None)?).map_err(failed)?;
                file.write_all(&payload).map_err(failed)?;
                file
            }
            Data::File { file, start } => {
                file.as_file().write_all_at(&front.bytes(Some(start))?, 0).map_err(failed)?;
                file
            }
        };
        file.as_file().sync_all().map_err(failed)?;
        file.as_file().set_permissions(PermissionsExt::from_mode(0o644)).map_err(failed)?;
        if process::interrupted() {
            return Err(Error::Interrupted);
        }
        file.persist(&to).map_err(|error| failed(error.error))?;
        Ok(())
    }

    /// Gives it its place, and says what is there now.
    fn written(self) -> Result<Written, Error> {
        let (package, signer, path) = (self.package, self.signer, self.to.clone());
        self.write()?;
        Ok(Written {
            nevra: package.nevra(),
            file_name: package.file_name(),
            size: fs_err::metadata(&path)?.len(),
            sha256: sha256_of(&path)?,
            signed_by: signer.map(|signer| signer.key().key_id.clone()),
            path,
        })
    }
}

/// What comes before the payload: lead, signature header and header.
struct Front<'a> {
    package: &'a Package,
    digests: &'a Digests,
    signatures: &'a [(u32, Vec<u8>)],
    header: &'a Header<IndexTag>,
}

impl Front<'_> {
    /// As rpmbuild would have it, or of exactly `length` bytes, by what is reserved for later signatures.
    fn bytes(&mut self, length: Option<u64>) -> Result<Vec<u8>, Error> {
        let front = self.with(0)?;
        let Some(length) = length.filter(|length| *length != front.len() as u64) else { return Ok(front) };
        // The header is as long as planned, so they differ by a multiple of eight, and the padding stays as it is.
        let front = self.with(length as i64 - front.len() as i64)?;
        if front.len() as u64 == length {
            Ok(front)
        } else {
            Err(defect("the headers have another length than planned"))
        }
    }

    fn with(&self, more: i64) -> Result<Vec<u8>, Error> {
        let entries = self.digests.entries(self.signatures, more);
        let entries = entries.ok_or_else(|| defect("the signatures are longer than any that are known"))?;
        let metadata = PackageMetadata {
            lead: Lead::new(&self.package.name),
            signature: Header::from_entries(entries, IndexSignatureTag::HEADER_SIGNATURES),
            header: self.header.clone(),
        };
        let mut front = Vec::new();
        metadata.write(&mut front).map_err(|error| Error::Header { reason: error.to_string() })?;
        // The crate knows neither the lead's architecture nor its type.
        front[..lead::SIZE].copy_from_slice(&lead::lead(self.package));
        Ok(front)
    }
}

fn defect(reason: &str) -> Error {
    Error::Header { reason: reason.to_owned() }
}

/// How long all will be that comes before the payload.
fn planned_front(
    package: &Package,
    signer: Option<&dyn Signer>,
    planned: &Summary,
    source_package_id: Option<[u8; 16]>,
) -> Result<u64, Error> {
    let (header, _) = serialized(package, header::entries(package, planned, source_package_id))?;
    let signatures = signer.map(|signer| signature::planned(package, signer)).unwrap_or_default();
    let mut front = Front { package, digests: &Digests::planned(), signatures: &signatures, header: &header };
    Ok(front.bytes(None)?.len() as u64)
}

fn serialized(package: &Package, entries: Vec<HeaderEntry>) -> Result<(Header<IndexTag>, Vec<u8>), Error> {
    let unsigned = PackageMetadata {
        lead: Lead::new(&package.name),
        signature: Header::<IndexSignatureTag>::new_empty(),
        header: Header::from_entries(entries, IndexTag::RPMTAG_HEADERIMMUTABLE),
    };
    let bytes = unsigned.header_bytes().map_err(|error| Error::Header { reason: error.to_string() })?;
    Ok((unsigned.header, bytes))
}

/// A file beside the one that it is to become.
fn temporary(to: &Path) -> Result<NamedTempFile, Error> {
    let folder = match to.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let failed = |source: io::Error| Error::Write { path: to.to_owned(), source };
    tempfile::Builder::new().prefix(".modgraft-").tempfile_in(folder).map_err(failed)
}
