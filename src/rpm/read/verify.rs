//! Whether a package is what somebody whose key is given has signed, in every byte.

use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::digests::Verdict;
use super::files::Listed;
use super::pass::{self, Sums};
use super::signatures::{self, Found};
use super::{Error, Opened};
use crate::hash::hex;
use crate::profile::acceptance::{Covers, Digest};
use crate::sign::{Attested, Keyring, SignedBy, Unverified};

/// Verifies a package's signatures with the keys given. One of them has to cover every byte: header and payload together,
/// or the header with the payload's digest in it. None may be by a key that is given and not hold. Signatures by other
/// keys count for nothing.
///
/// # Errors
/// [`Error::Unsigned`]; [`Error::Untrusted`] where no signature counts; [`Error::Damaged`] where the payload is not the one
/// that the signed header names; and as [`inspect`](super::inspect).
pub fn verify(path: &Path, keys: &Keyring) -> Result<SignedBy, Error> {
    let package = Opened::open(path)?;
    let found = signatures::packets(&package)?;
    if found.is_empty() {
        return Err(Error::Unsigned { path: path.to_owned() });
    }
    let untrusted = |reason: String| Error::Untrusted { path: path.to_owned(), reason };
    let (mut of_header, mut of_all, mut refusal) = (None, None, None);
    let (judged, sums) = judge(&package, &found, None, Some(keys))?;
    for (found, judged) in found.iter().zip(judged) {
        let judged = judged.unwrap_or_else(|| Err(Unverified::Unreadable("it is not known".to_owned())));
        match (judged.and_then(Attested::in_order), found.covers) {
            (Ok(by), Covers::Header) => of_header = Some(by),
            (Ok(by), Covers::HeaderAndPayload) => of_all = Some(by),
            (Err(error @ Unverified::Bad { .. }), _) => {
                return Err(untrusted(format!("its signature {error}")));
            }
            // A reason that has to do with a key that is given says more than that others are not.
            (Err(Unverified::UnknownKey { .. }), _) if refusal.is_some() => {}
            (Err(error), _) => refusal = Some(error),
        }
    }
    // In the header that is signed.
    let of_payload =
        sums.digests.iter().find(|check| check.digest == Digest::Payload).map(|check| check.verdict);
    match (of_all, of_header, of_payload) {
        (Some(by), ..) | (None, Some(by), Some(Verdict::Ok)) => Ok(by),
        (None, Some(_), Some(Verdict::Bad)) => {
            Err(package.damaged("its payload is not the one that its signed header names"))
        }
        (None, Some(_), Some(Verdict::Unchecked) | None) => {
            Err(untrusted("its signature covers the header only, and says nothing of the payload".to_owned()))
        }
        (None, None, _) => {
            let reason = refusal.map(|error| format!("its signature {error}"));
            Err(untrusted(reason.unwrap_or_default()))
        }
    }
}

/// What keys say of a signature.
pub(super) type Judgement = Result<Attested, Unverified>;

/// Judges all signatures and checks all digests, in one reading of the file. `files` are looked at where they are given. A
/// signature is judged where there are keys to do so.
///
/// # Errors
/// Where the file cannot be read.
pub(super) fn judge(
    package: &Opened,
    found: &[Found],
    files: Option<&[Listed]>,
    keys: Option<&Keyring>,
) -> Result<(Vec<Option<Judgement>>, Sums), Error> {
    let readable: Vec<_> = match keys {
        Some(_) => found.iter().filter_map(|one| Some((one.covers, &**one.packet.as_ref().ok()?))).collect(),
        None => Vec::new(),
    };
    let sums = pass::read(package, files, &readable)?;
    let mut signed = sums.signed.iter();
    let judged = found.iter().map(|one| {
        let keys = keys?;
        Some(match &one.packet {
            Err(problem) => Err(Unverified::Unreadable((*problem).to_owned())),
            Ok(packet) => match signed.next().and_then(Option::as_ref) {
                Some(hash) => {
                    let whole = (one.covers == Covers::Header).then_some(&package.header_bytes[..]);
                    keys.attest(packet, hash, whole)
                }
                None => Err(Unverified::Unreadable("its hash is not known".to_owned())),
            },
        })
    });
    Ok((judged.collect(), sums))
}

/// The SHA-256 of a package's main header, in lower-case hexadecimal digits. It has the payload's digest in it, so packages
/// in which it is the same differ in their signatures only.
///
/// # Errors
/// [`Error::NotAPackage`], [`Error::Damaged`], [`Error::Io`].
pub fn header_digest(path: &Path) -> Result<String, Error> {
    Ok(hex(&Sha256::digest(&Opened::open(path)?.header_bytes)))
}

/// What package a file is: `name-1:version-release.arch`, the epoch only where it is not 0.
///
/// # Errors
/// As [`inspect`](super::inspect).
pub fn nevra(path: &Path) -> Result<String, Error> {
    Opened::open(path)?.nevra()
}

impl Opened {
    /// Header and payload, as the signatures of old cover them.
    pub(in crate::rpm) fn signed(&self) -> io::Result<Box<dyn Read + '_>> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(self.payload_start))?;
        Ok(Box::new(self.header_bytes.as_slice().chain(file)))
    }
}
