//! The digests that a package states, against what it is.

use std::io::Read;

use md5::Md5;
use pgp::crypto::hash::HashAlgorithm;
use serde::Serialize;
use sha1::Sha1;
// Of the release of digest that the OpenPGP library uses, too.
use rsa::signature::digest::DynDigest;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

use super::{Error, Opened};
use crate::hash::hex;
use crate::{process, profile};
use rpm::IndexTag;

/// What came of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As stated.
    Ok,
    /// Not as stated.
    Bad,
    /// Not looked at: the algorithm is not known here, or what it covers could not be read or is too large.
    Unchecked,
}

/// One digest, checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DigestCheck {
    /// Which.
    pub digest: profile::acceptance::Digest,
    /// What it covers: `header`, `payload`, `archive`, `header and payload`, `files`.
    pub covers: &'static str,
    /// `SHA-256`.
    pub algorithm: String,
    /// As stated; empty where there are many.
    pub stated: String,
    /// What came of it.
    pub verdict: Verdict,
}

/// A hash whose kind is known at run time only.
pub(super) trait Hash {
    fn take(&mut self, bytes: &[u8]);
    /// Lower-case hexadecimal.
    fn end(self: Box<Self>) -> String;
}

/// A hash of the OpenPGP library's.
pub(super) struct Foreign(pub Box<dyn DynDigest + Send>);

impl Hash for Foreign {
    fn take(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn end(self: Box<Self>) -> String {
        hex(&self.0.finalize())
    }
}

impl<D: Digest> Hash for D {
    fn take(&mut self, bytes: &[u8]) {
        self.update(bytes);
    }

    fn end(self: Box<Self>) -> String {
        hex(&self.finalize())
    }
}

/// A hash by rpm's number for it (RFC 9580, 9.5).
pub(super) fn hasher(number: u64) -> Option<(&'static str, Box<dyn Hash>)> {
    Some(match number {
        1 => ("MD5", Box::new(Md5::new())),
        2 => ("SHA-1", Box::new(Sha1::new())),
        8 => ("SHA-256", Box::new(Sha256::new())),
        9 => ("SHA-384", Box::new(Sha384::new())),
        10 => ("SHA-512", Box::new(Sha512::new())),
        11 => ("SHA-224", Box::new(Sha224::new())),
        12 => ("SHA3-256", Box::new(Foreign(HashAlgorithm::Sha3_256.new_hasher().ok()?))),
        _ => return None,
    })
}

/// MD5 where nothing is said.
pub(super) fn file_algorithm(package: &Opened) -> Result<u64, Error> {
    Ok(package.integer(IndexTag::RPMTAG_FILEDIGESTALGO)?.unwrap_or(1))
}

/// The most of an archive that is unpacked. A file of 100 MB can state, and mean, several TB. Bytes.
pub(super) const MOST: u64 = 8 << 30;

/// The most that an archive can be: what is stated, or [`MOST`] where nothing is. Bytes.
pub(super) fn most(package: &Opened) -> Result<u64, Error> {
    let stated = package.signature_entry(1007)?;
    let long: Option<u64> = package.signature_entry(271)?;
    let header = package.integer(IndexTag::RPMTAG_ARCHIVESIZE)?;
    Ok(long.or(stated).or(header).unwrap_or(MOST))
}

/// Reads to the end, and returns how much there was.
pub(super) fn read_into(input: &mut dyn Read, mut each: impl FnMut(&[u8])) -> Result<u64, Error> {
    let mut buffer = vec![0; 64 << 10];
    let mut total = 0;
    loop {
        if process::interrupted() {
            return Err(Error::Interrupted);
        }
        match input.read(&mut buffer)? {
            0 => return Ok(total),
            read => {
                each(&buffer[..read]);
                total += read as u64;
            }
        }
    }
}
