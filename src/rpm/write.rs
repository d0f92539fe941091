//! Puts a package together: payload first, since the header has its digests, then header and signature in front of it.

use std::io::{self, BufWriter, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::thread;

use rpm::{Header, IndexSignatureTag, IndexTag, Lead, PackageMetadata};
use serde::Serialize;

use super::digest::Hashing;
use super::payload::Payload;
use super::{Error, header, lead, signature};
use crate::package::{Package, PackageSet};
use crate::process;
use crate::sign::{Signer, check_accepted};

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
pub fn write_set(
    set: &PackageSet,
    signer: Option<&dyn Signer>,
    destinations: &Destinations,
) -> Result<WrittenSet, Error> {
    if let Some(signer) = signer {
        let profile = &set.binary.profile;
        check_accepted(signer.key(), &profile.name, &profile.packaging.keys)?;
    }
    let (binary, debuginfo, debugsource, source) = thread::scope(|scope| {
        let build = |package| scope.spawn(move || Payload::build(package));
        let (binary, debuginfo) = (build(&set.binary), build(&set.debuginfo));
        let debugsource = set.debugsource.as_ref().map(build);
        let source = Payload::build(&set.source);
        (join(binary), join(debuginfo), debugsource.map(join).transpose(), source)
    });
    // The others name the source package by its digest.
    let source = Ready::new(&set.source, source?, None)?;
    let (binary, debuginfo, debugsource) = (binary?, debuginfo?, debugsource?);
    let id = Some(source.md5);
    thread::scope(|scope| {
        let write = |package, payload, to: PathBuf| {
            scope.spawn(move || Ready::new(package, payload, id)?.write(signer, &to))
        };
        let binary = write(&set.binary, binary, destinations.binary.clone());
        let debuginfo = write(&set.debuginfo, debuginfo, destinations.debuginfo.clone());
        let debugsource = set.debugsource.as_ref().zip(debugsource).map(|(package, payload)| {
            write(package, payload, destinations.debuginfo.with_file_name(package.file_name()))
        });
        let source = source.write(signer, &destinations.source);
        Ok(WrittenSet {
            binary: join(binary)?,
            debuginfo: join(debuginfo)?,
            debugsource: debugsource.map(join).transpose()?,
            source: source?,
        })
    })
}

/// Writes one package to exactly `to`. Use [`write_set`] for all of a module's: there each names its source package.
///
/// # Errors
/// As [`write_set`].
pub fn write(package: &Package, signer: Option<&dyn Signer>, to: &Path) -> Result<Written, Error> {
    if let Some(signer) = signer {
        check_accepted(signer.key(), &package.profile.name, &package.profile.packaging.keys)?;
    }
    Ready::new(package, Payload::build(package)?, None)?.write(signer, to)
}

fn join<T>(thread: thread::ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// A package of which only the signatures are missing.
struct Ready<'a> {
    package: &'a Package,
    payload: Payload,
    header: Header<IndexTag>,
    header_bytes: Vec<u8>,
    md5: [u8; 16],
}

impl<'a> Ready<'a> {
    fn new(
        package: &'a Package,
        mut payload: Payload,
        source_package_id: Option<[u8; 16]>,
    ) -> Result<Self, Error> {
        let entries = header::entries(package, &payload, source_package_id);
        let unsigned = PackageMetadata {
            lead: Lead::new(&package.name),
            signature: Header::<IndexSignatureTag>::new_empty(),
            header: Header::from_entries(entries, IndexTag::RPMTAG_HEADERIMMUTABLE),
        };
        let header_bytes =
            unsigned.header_bytes().map_err(|error| Error::Header { reason: error.to_string() })?;
        let md5 = signature::md5(&header_bytes, &mut payload)?;
        Ok(Ready { package, payload, header: unsigned.header, header_bytes, md5 })
    }

    fn write(mut self, signer: Option<&dyn Signer>, to: &Path) -> Result<Written, Error> {
        let entries =
            signature::entries(self.package, &self.header_bytes, self.md5, &mut self.payload, signer)?;
        let metadata = PackageMetadata {
            lead: Lead::new(&self.package.name),
            signature: Header::from_entries(entries, IndexSignatureTag::HEADER_SIGNATURES),
            header: self.header,
        };
        let mut front = Vec::with_capacity(self.header_bytes.len() + 8 * 1024);
        metadata.write(&mut front).map_err(|error| Error::Header { reason: error.to_string() })?;
        // The crate knows neither the lead's architecture nor its type.
        front[..lead::SIZE].copy_from_slice(&lead::lead(self.package));

        let folder = match to.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let failed = |source: io::Error| Error::Write { path: to.to_owned(), source };
        let file = tempfile::Builder::new().prefix(".modgraft-").tempfile_in(folder).map_err(failed)?;
        let mut out = Hashing::new(BufWriter::with_capacity(256 << 10, file));
        out.write_all(&front).map_err(failed)?;
        io::copy(self.payload.reader()?, &mut out).map_err(failed)?;
        let (out, sha256, size) = out.finish();
        let file = out.into_inner().map_err(|error| failed(error.into_error()))?;
        file.as_file().set_permissions(PermissionsExt::from_mode(0o644)).map_err(failed)?;
        file.as_file().sync_all().map_err(failed)?;
        if process::interrupted() {
            return Err(Error::Interrupted);
        }
        file.persist(to).map_err(|error| failed(error.error))?;
        Ok(Written {
            path: to.to_owned(),
            nevra: self.package.nevra(),
            file_name: self.package.file_name(),
            size,
            sha256,
            signed_by: signer.map(|signer| signer.key().key_id.clone()),
        })
    }
}
