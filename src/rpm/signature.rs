//! The signature header: digests and signatures of the header, and of header and payload together.

use std::io::Read;

use md5::Md5;
use rpm::{HeaderEntry, IndexData};
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::Error;
use super::digest::hex;
use super::payload::Payload;
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

/// The MD5 of header and payload: a source package's identity, too.
pub(super) fn md5(header: &[u8], payload: &mut Payload) -> Result<[u8; 16], Error> {
    let mut hash = Md5::new();
    hash.update(header);
    let reader = payload.reader()?;
    let mut buffer = vec![0; 64 << 10];
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok(hash.finalize().into()),
            read => hash.update(&buffer[..read]),
        }
    }
}

/// The signature header's entries. Tag 278 (OPENPGP) is left out on purpose: rpmsign 4.18 does not renew it, and rpm 6
/// reads it all the same.
pub(super) fn entries(
    package: &Package,
    header: &[u8],
    md5: [u8; 16],
    payload: &mut Payload,
    signer: Option<&dyn Signer>,
) -> Result<Vec<HeaderEntry>, Error> {
    let size = header.len() as u64 + payload.size;
    let size = u32::try_from(size).map_err(|_| Error::TooLarge { what: package.nevra(), size })?;
    let mut entries = vec![
        HeaderEntry::new(SHA1_HEADER, IndexData::StringTag(hex(&Sha1::digest(header)))),
        HeaderEntry::new(SHA256_HEADER, IndexData::StringTag(hex(&Sha256::digest(header)))),
        HeaderEntry::new(SIZE, IndexData::Int32(vec![size])),
        HeaderEntry::new(MD5, IndexData::Bin(md5.to_vec())),
        HeaderEntry::new(PAYLOAD_SIZE, IndexData::Int32(vec![payload.archive_size])),
        HeaderEntry::new(RESERVED, IndexData::Bin(vec![0; RESERVED_SIZE])),
    ];
    if let Some(signer) = signer {
        let tag = |with_payload| tag(signer.key().algorithm, with_payload);
        let signature = signer.sign(&mut &header[..], package.time)?;
        entries.push(HeaderEntry::new(tag(false), IndexData::Bin(signature)));
        if package.profile.packaging.payload_signature {
            let signature = signer.sign(&mut header.chain(payload.reader()?), package.time)?;
            entries.push(HeaderEntry::new(tag(true), IndexData::Bin(signature)));
        }
    }
    Ok(entries)
}
