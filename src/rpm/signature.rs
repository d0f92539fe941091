//! The signature header: digests and signatures of the header, and of header and payload together.

use std::io::{self, Read};

use rpm::{HeaderEntry, IndexData};
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::Error;
use super::digest;
use super::payload::{Data, Summary};
use crate::hash::hex;
use crate::package::Package;
use crate::sign::{Algorithm, Signer};

/// Signature over the header by DSA, ECDSA or EdDSA.
const DSA_HEADER: u32 = 267;
/// Signature over the header by RSA.
const RSA_HEADER: u32 = 268;
const SHA1_HEADER: u32 = 269;
const SHA256_HEADER: u32 = 273;
/// Size of header and payload.
const SIZE: u32 = 1000;
/// Signature over header and payload by RSA.
const PGP: u32 = 1002;
/// MD5 of header and payload.
const MD5: u32 = 1004;
/// Signature over header and payload by anything else.
const GPG: u32 = 1005;
/// Size of the archive.
const PAYLOAD_SIZE: u32 = 1007;
/// Room for later signatures, so that rpmsign need not move the payload.
pub(super) const RESERVED: u32 = 1008;
/// As rpmbuild reserves: 4096 and two index entries.
pub(super) const RESERVED_SIZE: usize = 4128;

/// Where a signature by such a key goes.
pub(super) fn tag(algorithm: Algorithm, with_payload: bool) -> u32 {
    match (algorithm, with_payload) {
        (Algorithm::Rsa { .. }, false) => RSA_HEADER,
        (Algorithm::Rsa { .. }, true) => PGP,
        (_, false) => DSA_HEADER,
        (_, true) => GPG,
    }
}

/// How much room a signature gets where its length has to be known before it is: RSA-4096's packets have some 570 bytes. What it
/// does not take is reserved.
const ROOM: usize = 1024;

/// The MD5 of header and payload: a source package's identity, too.
pub(super) fn md5(header: &[u8], payload: &Data) -> io::Result<[u8; 16]> {
    digest::md5(header, &mut *payload.reader()?)
}

/// What is known before anything is signed, and may not have a value yet.
pub(super) struct Digests {
    pub sha1: String,
    pub sha256: String,
    pub md5: [u8; 16],
    /// Of header and payload.
    pub size: u32,
    /// Of the archive.
    pub archive_size: u32,
}

impl Digests {
    /// As long as the real ones.
    pub(super) fn planned() -> Self {
        Digests { sha1: hex(&[0; 20]), sha256: hex(&[0; 32]), md5: [0; 16], size: 0, archive_size: 0 }
    }

    pub(super) fn new(
        package: &Package,
        header: &[u8],
        md5: [u8; 16],
        payload: &Summary,
    ) -> Result<Self, Error> {
        let size = header.len() as u64 + payload.size;
        let size = u32::try_from(size).map_err(|_| Error::TooLarge { what: package.nevra(), size })?;
        let (sha1, sha256) = (hex(&Sha1::digest(header)), hex(&Sha256::digest(header)));
        Ok(Digests { sha1, sha256, md5, size, archive_size: payload.archive_size })
    }

    /// The signature header's entries, with as many bytes `more` (or less) reserved than rpmbuild reserves. Tag 278 (OPENPGP) is
    /// left out on purpose: rpmsign 4.18 does not renew it, and rpm 6 reads it all the same. `None` where less than nothing
    /// would be reserved.
    pub(super) fn entries(&self, signatures: &[(u32, Vec<u8>)], more: i64) -> Option<Vec<HeaderEntry>> {
        let reserved = usize::try_from(RESERVED_SIZE as i64 + more).ok()?;
        let mut entries = vec![
            HeaderEntry::new(SHA1_HEADER, IndexData::StringTag(self.sha1.clone())),
            HeaderEntry::new(SHA256_HEADER, IndexData::StringTag(self.sha256.clone())),
            HeaderEntry::new(SIZE, IndexData::Int32(vec![self.size])),
            HeaderEntry::new(MD5, IndexData::Bin(self.md5.to_vec())),
            HeaderEntry::new(PAYLOAD_SIZE, IndexData::Int32(vec![self.archive_size])),
            HeaderEntry::new(RESERVED, IndexData::Bin(vec![0; reserved])),
        ];
        let signed = |(tag, bytes): &(u32, Vec<u8>)| HeaderEntry::new(*tag, IndexData::Bin(bytes.clone()));
        entries.extend(signatures.iter().map(signed));
        Some(entries)
    }
}

/// The tags of a package's signatures: over the header, and where the profile's rpm needs it over header and payload.
fn tags(package: &Package, signer: &dyn Signer) -> (u32, Option<u32>) {
    let tag = |with_payload| tag(signer.key().algorithm, with_payload);
    (tag(false), package.profile.packaging.payload_signature.then(|| tag(true)))
}

/// Signatures as long as any may be, by their tags.
pub(super) fn planned(package: &Package, signer: &dyn Signer) -> Vec<(u32, Vec<u8>)> {
    let (header, whole) = tags(package, signer);
    [header].into_iter().chain(whole).map(|tag| (tag, vec![0; ROOM])).collect()
}

/// The signatures, by their tags.
pub(super) fn sign(
    package: &Package,
    header: &[u8],
    payload: &Data,
    signer: &dyn Signer,
) -> Result<Vec<(u32, Vec<u8>)>, Error> {
    let (of_header, of_whole) = tags(package, signer);
    let mut signatures = vec![(of_header, signer.sign(&mut &header[..], package.time)?)];
    if let Some(tag) = of_whole {
        signatures.push((tag, signer.sign(&mut header.chain(payload.reader()?), package.time)?));
    }
    Ok(signatures)
}
