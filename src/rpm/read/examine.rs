//! All of a package that decides on whether an rpm accepts it: form, digests, signatures, what it requires of rpm.

use std::path::Path;

use rpm::IndexTag;
use serde::Serialize;

use super::digests::DigestCheck;
use super::pass::SizeCheck;
use super::signatures::{self, SignatureInfo};
use super::verify::judge;
use super::{Error, Opened, files};
use crate::package::Relation;
use crate::profile::acceptance::Covers;
use crate::sign::{Attested, Keyring, Unverified, critical_in, now};

/// RPMFORMAT, in packages of version 6.
const FORMAT: u32 = 5114;

/// What a package is, as far as it matters to who would install it.
#[derive(Debug, Clone, Serialize)]
pub struct Examination {
    /// `name-[epoch:]version-release.arch`.
    pub nevra: String,
    /// What it is.
    pub form: PackageForm,
    /// Of the package's form: 3, 4 or 6.
    pub version: u32,
    /// As stated (tag PAYLOADCOMPRESSOR).
    pub compressor: String,
    /// Each size that its signature header states.
    pub sizes: Vec<SizeCheck>,
    /// In the signature header.
    pub signature_tags: u32,
    /// Of the signature header. Bytes.
    pub signature_data: u32,
    /// What it requires, all of it.
    #[serde(skip)]
    pub requires: Vec<Relation>,
    /// Whether it recommends, suggests, supplements or enhances anything.
    pub weak_dependencies: bool,
    /// Each digest that it states, checked.
    pub digests: Vec<DigestCheck>,
    /// Each signature.
    pub signatures: Vec<ExaminedSignature>,
}

/// What a package is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PackageForm {
    /// To be installed.
    Binary,
    /// To be built.
    Source,
    /// The difference of two packages, of which `applydeltarpm` makes one.
    Delta,
}

/// One signature, and what keys say of it.
#[derive(Debug, Clone, Serialize)]
pub struct ExaminedSignature {
    /// Who says to have made it.
    #[serde(flatten)]
    pub info: SignatureInfo,
    /// What it is of.
    #[serde(skip)]
    pub of: Covers,
    /// As profiles name it; empty where the packet cannot be read.
    #[serde(skip)]
    pub algorithm: &'static str,
    /// The numbers of its subpackets that are marked as critical and that rpm's own parser does not know.
    #[serde(skip)]
    pub critical: Vec<u8>,
    /// By how many seconds it is dated later than it was by the clock when it was examined.
    #[serde(skip)]
    pub ahead: u64,
    /// What came of it.
    pub judged: Judged,
}

/// What keys say of a signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "verdict")]
pub enum Judged {
    /// There were none to judge it.
    NoKeys,
    /// It holds.
    Good {
        /// By whom.
        #[serde(skip)]
        by: Box<Attested>,
    },
    /// It counts for nothing.
    Refused {
        /// Why, to be read on after `its signature`.
        reason: String,
        /// Whether it is by a key that is given and does not hold, or cannot be read at all: worse than none.
        damaged: bool,
    },
}

/// Examines a package: all digests and signatures, in one reading of the file.
///
/// # Errors
/// [`Error::NotAPackage`], [`Error::Damaged`], [`Error::Io`]. A digest or signature that does not hold is no error but a
/// finding.
pub fn examine(path: &Path, keys: Option<&Keyring>) -> Result<Examination, Error> {
    let package = Opened::open(path)?;
    let listed = files::list(&package)?;
    let format = package.text(IndexTag::RPMTAG_PAYLOADFORMAT)?.unwrap_or_else(|| "cpio".to_owned());
    let form = match format.as_str() {
        "drpm" => PackageForm::Delta,
        _ if package.metadata.is_source_package() => PackageForm::Source,
        _ => PackageForm::Binary,
    };
    // What is in a difference is no archive.
    let files = (form != PackageForm::Delta).then_some(listed.as_slice());
    let found = signatures::packets(&package)?;
    let (judged, sums) = judge(&package, &found, files, keys)?;
    let now = now();
    let signatures = found.iter().zip(judged).map(|(found, judged)| ExaminedSignature {
        ahead: found.info().time.map_or(0, |time| time.saturating_sub(now)),
        info: found.info(),
        of: found.covers,
        algorithm: found.packet.as_ref().map_or("", |packet| signatures::kind(packet)),
        critical: found.packet.as_ref().map(|packet| critical_in(packet)).unwrap_or_default(),
        judged: match (judged, &found.packet) {
            (Some(Ok(by)), _) => Judged::Good { by: Box::new(by) },
            (Some(Err(error)), _) => refused(&error),
            (None, Err(problem)) => refused(&Unverified::Unreadable((*problem).to_owned())),
            (None, Ok(_)) => Judged::NoKeys,
        },
    });
    Ok(Examination {
        nevra: package.nevra()?,
        form,
        version: version(&package)?,
        compressor: package.text(IndexTag::RPMTAG_PAYLOADCOMPRESSOR)?.unwrap_or_else(|| "gzip".to_owned()),
        signature_tags: package.signature_tags,
        signature_data: package.signature_data,
        requires: requires(&package)?,
        weak_dependencies: weak(&package),
        signatures: signatures.collect(),
        digests: sums.digests,
        sizes: sums.sizes,
    })
}

fn refused(error: &Unverified) -> Judged {
    let damaged = matches!(error, Unverified::Bad { .. } | Unverified::Unreadable(_));
    Judged::Refused { reason: error.to_string(), damaged }
}

/// Packages of rpm 3 do not mark the bounds of what their header's digests cover.
fn version(package: &Opened) -> Result<u32, Error> {
    Ok(match package.integers_of(FORMAT)?.first() {
        Some(version) => u32::try_from(*version).unwrap_or(u32::MAX),
        None if package.has(IndexTag::RPMTAG_HEADERIMMUTABLE) => 4,
        None => 3,
    })
}

fn requires(package: &Opened) -> Result<Vec<Relation>, Error> {
    let flags = package.integers(IndexTag::RPMTAG_REQUIREFLAGS)?;
    let versions = package.texts(IndexTag::RPMTAG_REQUIREVERSION)?;
    let names = package.texts(IndexTag::RPMTAG_REQUIRENAME)?.into_iter().enumerate();
    let relations = names.map(|(index, name)| Relation {
        name,
        version: versions.get(index).cloned().unwrap_or_default(),
        flags: flags.get(index).map_or(0, |flags| *flags as u32),
    });
    Ok(relations.collect())
}

fn weak(package: &Opened) -> bool {
    let tags = [
        IndexTag::RPMTAG_RECOMMENDNAME,
        IndexTag::RPMTAG_SUGGESTNAME,
        IndexTag::RPMTAG_SUPPLEMENTNAME,
        IndexTag::RPMTAG_ENHANCENAME,
    ];
    tags.into_iter().any(|tag| package.has(tag))
}
