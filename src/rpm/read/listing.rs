//! What a repository's metadata says of a package.

use std::path::Path;

use rpm::IndexTag as T;

use super::files::GHOST;
use super::inspect::{Change, changelog};
use super::{Error, Opened, files, pass, signatures};
use crate::package::Relation;

/// A package as metadata lists it.
#[derive(Debug, Clone)]
pub struct Listing {
    /// Name.
    pub name: String,
    /// 0 where it has none.
    pub epoch: u64,
    /// Version.
    pub version: String,
    /// Release.
    pub release: String,
    /// `x86_64`, `noarch`; `src` for a source package.
    pub arch: String,
    /// Whether it is a source package.
    pub is_source: bool,
    /// One line.
    pub summary: String,
    /// Lines.
    pub description: String,
    /// Who made it.
    pub packager: String,
    /// The project's page.
    pub url: String,
    /// As stated.
    pub license: String,
    /// Who gives it out.
    pub vendor: String,
    /// RPM group.
    pub group: String,
    /// Where it was built.
    pub build_host: String,
    /// The source package's file name.
    pub source_rpm: String,
    /// Unix seconds.
    pub build_time: u64,
    /// Of the file, in bytes.
    pub file_size: u64,
    /// Of all files that it installs, in bytes.
    pub installed_size: u64,
    /// Of the archive in the payload, in bytes.
    pub archive_size: u64,
    /// Where the main header begins and ends in the file.
    pub header_range: (u64, u64),
    /// Provides.
    pub provides: Vec<Relation>,
    /// Requires.
    pub requires: Vec<Relation>,
    /// Conflicts.
    pub conflicts: Vec<Relation>,
    /// Obsoletes.
    pub obsoletes: Vec<Relation>,
    /// Suggests.
    pub suggests: Vec<Relation>,
    /// Enhances.
    pub enhances: Vec<Relation>,
    /// Recommends.
    pub recommends: Vec<Relation>,
    /// Supplements.
    pub supplements: Vec<Relation>,
    /// In the header's order.
    pub files: Vec<ListingFile>,
    /// Newest first.
    pub changelog: Vec<Change>,
    /// Whether it has a signature; by whom is not looked at.
    pub signed: bool,
}

/// A file as metadata lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListingFile {
    /// As the header has it: absolute, in a source package the bare name, and anything that a stranger may have put there.
    pub path: String,
    /// What it is.
    pub kind: FileForm,
}

/// The kinds of files that metadata tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileForm {
    /// Any but the others.
    File,
    /// A folder.
    Folder,
    /// `%ghost`.
    Ghost,
}

/// Reads what metadata says of a package, once its digests of header and payload were checked.
///
/// # Errors
/// [`Error::NotAPackage`], [`Error::Damaged`], [`Error::Io`].
pub fn listing(path: &Path) -> Result<Listing, Error> {
    let package = Opened::open(path)?;
    pass::demand(&package)?;
    let field = |tag| package.text(tag).map(Option::unwrap_or_default);
    let required = |tag, what: &str| {
        let text = package.text(tag)?.filter(|text| !text.is_empty());
        text.ok_or_else(|| package.damaged(format!("its header does not state its {what}")))
    };
    let number = |tag| package.integer(tag);
    let relations = |names, flags, versions| {
        let (flags, versions) = (package.integers(flags)?, package.texts(versions)?);
        let names = package.texts(names)?;
        // As librpm, which stops where one of the three ends.
        let triples = names.into_iter().zip(flags).zip(versions);
        let relations =
            triples.map(|((name, flags), version)| Relation { name, version, flags: flags as u32 });
        Ok::<_, Error>(relations.collect())
    };
    let is_source = package.metadata.is_source_package();
    let arch = required(T::RPMTAG_ARCH, "architecture")?;
    let signature = |tag| package.signature_entry::<Option<u64>>(tag);
    Ok(Listing {
        name: required(T::RPMTAG_NAME, "name")?,
        epoch: number(T::RPMTAG_EPOCH)?.unwrap_or(0),
        version: required(T::RPMTAG_VERSION, "version")?,
        release: required(T::RPMTAG_RELEASE, "release")?,
        arch: if is_source { "src".to_owned() } else { arch },
        is_source,
        summary: field(T::RPMTAG_SUMMARY)?,
        description: field(T::RPMTAG_DESCRIPTION)?,
        packager: field(T::RPMTAG_PACKAGER)?,
        url: field(T::RPMTAG_URL)?,
        license: field(T::RPMTAG_LICENSE)?,
        vendor: field(T::RPMTAG_VENDOR)?,
        group: field(T::RPMTAG_GROUP)?,
        build_host: field(T::RPMTAG_BUILDHOST)?,
        source_rpm: field(T::RPMTAG_SOURCERPM)?,
        build_time: number(T::RPMTAG_BUILDTIME)?.unwrap_or(0),
        file_size: package.size,
        installed_size: number(T::RPMTAG_LONGSIZE)?.or(number(T::RPMTAG_SIZE)?).unwrap_or(0),
        // LONGARCHIVESIZE, PAYLOADSIZE.
        archive_size: signature(271)?.or(signature(1007)?).unwrap_or(0),
        header_range: (package.payload_start - package.header_bytes.len() as u64, package.payload_start),
        provides: relations(T::RPMTAG_PROVIDENAME, T::RPMTAG_PROVIDEFLAGS, T::RPMTAG_PROVIDEVERSION)?,
        requires: relations(T::RPMTAG_REQUIRENAME, T::RPMTAG_REQUIREFLAGS, T::RPMTAG_REQUIREVERSION)?,
        conflicts: relations(T::RPMTAG_CONFLICTNAME, T::RPMTAG_CONFLICTFLAGS, T::RPMTAG_CONFLICTVERSION)?,
        obsoletes: relations(T::RPMTAG_OBSOLETENAME, T::RPMTAG_OBSOLETEFLAGS, T::RPMTAG_OBSOLETEVERSION)?,
        suggests: relations(T::RPMTAG_SUGGESTNAME, T::RPMTAG_SUGGESTFLAGS, T::RPMTAG_SUGGESTVERSION)?,
        enhances: relations(T::RPMTAG_ENHANCENAME, T::RPMTAG_ENHANCEFLAGS, T::RPMTAG_ENHANCEVERSION)?,
        recommends: relations(T::RPMTAG_RECOMMENDNAME, T::RPMTAG_RECOMMENDFLAGS, T::RPMTAG_RECOMMENDVERSION)?,
        supplements: relations(
            T::RPMTAG_SUPPLEMENTNAME,
            T::RPMTAG_SUPPLEMENTFLAGS,
            T::RPMTAG_SUPPLEMENTVERSION,
        )?,
        files: listed(&package)?,
        changelog: changelog(&package)?,
        signed: !signatures::packets(&package)?.is_empty(),
    })
}

fn listed(package: &Opened) -> Result<Vec<ListingFile>, Error> {
    let files = files::list(package)?.into_iter().map(|file| ListingFile {
        kind: match () {
            () if file.is_folder() => FileForm::Folder,
            () if file.flags & GHOST != 0 => FileForm::Ghost,
            () => FileForm::File,
        },
        path: file.path,
    });
    Ok(files.collect())
}
