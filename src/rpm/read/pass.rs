//! All digests and all signatures of a package in one reading of its file: what a package states is gathered first, then each
//! byte goes through all of the hashes side by side, and at the same time through the decompressor.

use std::io::{self, Read};

use pgp::packet::{Signature, SignatureConfig, SignatureVersionSpecific};
// Of the release of digest that the OpenPGP library uses, too.
use rsa::signature::digest::DynDigest;
use serde::Serialize;

use super::archive::Archive;
use super::digests::{self, DigestCheck, Hash, Verdict, file_algorithm, hasher, most};
use super::files::Listed;
use super::{Error, Opened, walk};
use crate::hash::hex;
use crate::process;
use crate::profile::acceptance::{Covers, Digest};

/// SHA-256 in rpm's numbering (RFC 9580, 9.5).
const SHA256: u64 = 8;
const CHUNK: usize = 256 << 10;

/// What came of one reading.
pub(super) struct Sums {
    /// Each digest that is stated, checked.
    pub digests: Vec<DigestCheck>,
    /// Each size that is stated.
    pub sizes: Vec<SizeCheck>,
    /// Of each signature that was asked for, what it was made over; nothing where its algorithm is not known.
    pub signed: Vec<Option<Vec<u8>>>,
}

/// A size that the signature header states.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SizeCheck {
    /// 1000 and 270 (where it is large) are of header and payload, 1007 and 271 of the archive.
    pub tag: u32,
    /// Bytes.
    pub stated: u64,
    /// Bytes; nothing where the archive could not be read to its end.
    pub actual: Option<u64>,
}

/// Checks what is stated of header and payload as they lie in the file, without unpacking.
///
/// # Errors
/// Where the file itself cannot be read.
fn stated(package: &Opened) -> Result<Vec<DigestCheck>, Error> {
    Ok(read(package, None, &[])?.digests)
}

/// Refuses a package of which a digest of header or payload does not hold.
///
/// # Errors
/// [`Error::Damaged`], and where the file itself cannot be read.
pub(in crate::rpm) fn demand(package: &Opened) -> Result<(), Error> {
    match stated(package)?.into_iter().find(|check| check.verdict == Verdict::Bad) {
        Some(bad) => {
            Err(package.damaged(format!("the {} of its {} does not hold", bad.algorithm, bad.covers)))
        }
        None => Ok(()),
    }
}

/// Checks all that is stated, what is in the payload only where `files` are given, and hashes what `signatures` cover. What is
/// damaged beyond reading makes its digests unchecked, or bad; it is no error.
///
/// # Errors
/// Where the file itself cannot be read.
pub(super) fn read(
    package: &Opened,
    files: Option<&[Listed]>,
    signatures: &[(Covers, &Signature)],
) -> Result<Sums, Error> {
    let mut stated = header_digests(package)?;
    let of_payload = stated.len();
    payload_digests(package, &mut stated)?;
    let mut signed: Vec<Option<Signed>> =
        signatures.iter().map(|(covers, signature)| Signed::new(package, *covers, signature)).collect();
    let mut raw = Raw {
        input: package.payload()?,
        stated: &mut stated[of_payload..],
        signed: &mut signed,
        failed: None,
    };
    let unpacked = files.map(|files| unpack(package, files, &mut raw)).transpose();
    if process::interrupted() {
        return Err(Error::Interrupted);
    }
    raw.drain()?;
    let unpacked = unpacked?;
    let signed = signed.into_iter().map(|one| one.and_then(Signed::end)).collect();
    let mut digests: Vec<DigestCheck> = stated.into_iter().map(Stated::end).collect();
    let sizes = sizes(package, unpacked.as_ref())?;
    if let (Some(unpacked), Some(files)) = (unpacked, files) {
        digests.extend(unpacked.checks(package, files)?);
    }
    Ok(Sums { digests, sizes, signed })
}

fn sizes(package: &Opened, unpacked: Option<&Unpacked>) -> Result<Vec<SizeCheck>, Error> {
    // The header is in memory, and the file was found to be longer than all that is in front of the payload.
    let all = (package.size - package.payload_start) + package.header_bytes.len() as u64;
    let archive = unpacked.and_then(|unpacked| unpacked.archive_size);
    let kinds = [(1000, Some(all)), (270, Some(all)), (1007, archive), (271, archive)];
    let mut checks = Vec::new();
    for (tag, actual) in kinds {
        let stated: Option<u64> = package.signature_entry(tag)?;
        checks.extend(stated.map(|stated| SizeCheck { tag, stated, actual }));
    }
    Ok(checks)
}

/// A digest that is stated, on its way.
struct Stated {
    digest: Digest,
    covers: &'static str,
    algorithm: String,
    stated: String,
    /// Nothing where the algorithm is not known here.
    hash: Option<Box<dyn Hash>>,
}

impl Stated {
    fn new(digest: Digest, covers: &'static str, algorithm: Option<u64>, stated: String) -> Self {
        let (algorithm, hash) = match algorithm.and_then(hasher) {
            Some((name, hash)) => (name.to_owned(), Some(hash)),
            None => (unknown(algorithm), None),
        };
        Stated { digest, covers, algorithm, stated, hash }
    }

    fn take(mut self, bytes: &[u8]) -> Self {
        if let Some(hash) = &mut self.hash {
            hash.take(bytes);
        }
        self
    }

    fn end(self) -> DigestCheck {
        let verdict = match self.hash.map(Hash::end) {
            Some(actual) => verdict(self.stated.eq_ignore_ascii_case(&actual)),
            None => Verdict::Unchecked,
        };
        let Stated { digest, covers, algorithm, stated, .. } = self;
        DigestCheck { digest, covers, algorithm, stated, verdict }
    }
}

fn verdict(good: bool) -> Verdict {
    if good { Verdict::Ok } else { Verdict::Bad }
}

fn unknown(algorithm: Option<u64>) -> String {
    format!("algorithm {}", algorithm.unwrap_or(0))
}

fn header_digests(package: &Opened) -> Result<Vec<Stated>, Error> {
    let kinds =
        [(269, Digest::HeaderSha1, 2), (273, Digest::HeaderSha256, SHA256), (279, Digest::HeaderSha3, 12)];
    let mut all = Vec::new();
    for (tag, digest, algorithm) in kinds {
        if let Some(stated) = package.signature_entry(tag)? {
            all.push(Stated::new(digest, "header", Some(algorithm), stated).take(&package.header_bytes));
        }
    }
    Ok(all)
}

fn payload_digests(package: &Opened, all: &mut Vec<Stated>) -> Result<(), Error> {
    if let Some(stated) = package.signature_entry::<Option<Vec<u8>>>(1004)? {
        let md5 = Stated::new(Digest::Md5, "header and payload", Some(1), hex(&stated));
        all.push(md5.take(&package.header_bytes));
    }
    let kinds = [
        (5092, Digest::Payload, Some(payload_algorithm(package)?)),
        (5121, Digest::PayloadSha512, Some(10)),
        (5123, Digest::PayloadSha3, Some(12)),
    ];
    for (tag, digest, algorithm) in kinds {
        let stated: Option<String> = package.entry(tag)?;
        all.extend(stated.map(|stated| Stated::new(digest, "payload", algorithm, stated)));
    }
    Ok(())
}

/// Of the tags 5092 and 5097. rpm has never written another one than SHA-256; its newer releases take it for granted.
fn payload_algorithm(package: &Opened) -> Result<u64, Error> {
    let stated: Option<u64> = package.entry(5093)?;
    Ok(stated.unwrap_or(SHA256))
}

/// What a signature is made over, on its way.
struct Signed {
    covers: Covers,
    config: SignatureConfig,
    hash: Box<dyn DynDigest + Send>,
}

impl Signed {
    fn new(package: &Opened, covers: Covers, signature: &Signature) -> Option<Self> {
        let config = signature.config()?.clone();
        let mut hash = config.hash_alg.new_hasher().ok()?;
        if let SignatureVersionSpecific::V6 { salt } = &config.version_specific {
            if config.hash_alg.salt_len() != Some(salt.len()) {
                return None;
            }
            hash.update(salt);
        }
        hash.update(&package.header_bytes);
        Some(Signed { covers, config, hash })
    }

    /// With what the signature itself states (RFC 9580, 5.2.4).
    fn end(mut self) -> Option<Vec<u8>> {
        let length = self.config.hash_signature_data(&mut self.hash).ok()?;
        self.hash.update(&self.config.trailer(length).ok()?);
        Some(self.hash.finalize().into_vec())
    }
}

/// The payload as it lies in the file: whoever reads it feeds all hashes.
struct Raw<'a, R> {
    input: R,
    stated: &'a mut [Stated],
    signed: &'a mut [Option<Signed>],
    failed: Option<io::Error>,
}

impl<R: Read> Raw<'_, R> {
    /// Reads what is left.
    fn drain(mut self) -> Result<(), Error> {
        let mut buffer = vec![0; CHUNK];
        while self.failed.is_none() && self.read(&mut buffer).is_ok_and(|read| read > 0) {}
        match self.failed {
            _ if process::interrupted() => Err(Error::Interrupted),
            Some(error) => Err(Error::Io(error)),
            None => Ok(()),
        }
    }
}

impl<R: Read> Read for Raw<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let failed = |error: &io::Error| io::Error::new(error.kind(), error.to_string());
        if process::interrupted() {
            return Err(io::Error::other("interrupted"));
        }
        if let Some(error) = &self.failed {
            return Err(failed(error));
        }
        let read = match self.input.read(buffer) {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
            Err(error) => {
                let told = failed(&error);
                self.failed = Some(error);
                return Err(told);
            }
        };
        let bytes = &buffer[..read];
        for stated in self.stated.iter_mut() {
            if let Some(hash) = &mut stated.hash {
                hash.take(bytes);
            }
        }
        for signed in self.signed.iter_mut().flatten().filter(|one| one.covers == Covers::HeaderAndPayload) {
            signed.hash.update(bytes);
        }
        Ok(read)
    }
}

/// What is in the payload.
struct Unpacked {
    /// The archive's digest, where it could be read to its end.
    archive: Option<String>,
    /// As above. Bytes.
    archive_size: Option<u64>,
    files: Verdict,
}

impl Unpacked {
    fn checks(self, package: &Opened, files: &[Listed]) -> Result<Vec<DigestCheck>, Error> {
        let name =
            |number: u64| hasher(number).map_or_else(|| unknown(Some(number)), |(name, _)| name.to_owned());
        let mut checks = Vec::new();
        if let Some(stated) = package.entry::<Option<String>>(5097)? {
            let verdict = match &self.archive {
                Some(actual) => verdict(stated.eq_ignore_ascii_case(actual)),
                None => Verdict::Unchecked,
            };
            let algorithm = name(payload_algorithm(package)?);
            checks.push(DigestCheck {
                digest: Digest::Archive,
                covers: "archive",
                algorithm,
                stated,
                verdict,
            });
        }
        if files.iter().any(|file| !file.digest.is_empty()) {
            checks.push(DigestCheck {
                digest: Digest::Files,
                covers: "files",
                algorithm: name(file_algorithm(package)?),
                stated: String::new(),
                verdict: self.files,
            });
        }
        Ok(checks)
    }
}

fn unpack<R: Read>(package: &Opened, files: &[Listed], raw: &mut Raw<'_, R>) -> Result<Unpacked, Error> {
    let unread = |files| Ok(Unpacked { archive: None, archive_size: None, files });
    let most = most(package)?;
    if most > digests::MOST {
        return unread(Verdict::Unchecked);
    }
    let Ok(mut archive) = Archive::of(package, raw, most) else { return unread(Verdict::Bad) };
    if let Some((_, hash)) = hasher(payload_algorithm(package)?) {
        archive.hash(hash);
    }
    let files = walk::verdict(package, files, &mut archive)?;
    let (archive, archive_size) =
        archive.digest().map_or((None, None), |(digest, size)| (digest, Some(size)));
    Ok(Unpacked { archive, archive_size, files })
}
