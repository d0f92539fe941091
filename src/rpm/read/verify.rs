//! Whether a package is what somebody whose key is given has signed, in every byte.

use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use rpm::IndexTag;
use sha2::{Digest, Sha256};

use super::signatures::{self, Covers};
use super::{Error, Opened, text};
use crate::rpm::digest::hex;
use crate::sign::{Keyring, SignedBy, Unverified};

/// The payload's digest, in the header that is signed.
const PAYLOAD_DIGEST: u32 = 5092;
const PAYLOAD_DIGEST_ALGORITHM: u32 = 5093;
/// SHA-256, the only one that rpm writes there.
const SHA256: u64 = 8;

/// Verifies a package's signatures with the keys given. One of them has to cover every byte: header and payload together,
/// or the header with the payload's digest in it. None may be by a key that is given and not hold. Signatures by other
/// keys count for nothing.
///
/// # Errors
/// [`Error::Unsigned`]; [`Error::Untrusted`] where no signature counts; [`Error::Damaged`] where the payload is not the one
/// that the signed header names; and as [`inspect`](super::inspect).
pub fn verify(path: &Path, keys: &Keyring) -> Result<SignedBy, Error> {
    let package = Opened::open(path)?;
    let packets = signatures::packets(&package);
    if packets.is_empty() {
        return Err(Error::Unsigned { path: path.to_owned() });
    }
    let untrusted = |reason: String| Error::Untrusted { path: path.to_owned(), reason };
    let (mut of_header, mut of_all, mut refusal) = (None, None, None);
    for (_, covers, packet) in packets {
        let judged = match packet {
            Ok(packet) => match covers {
                Covers::Header => keys.verify(&packet, &|| Ok(Box::new(package.header_bytes.as_slice()))),
                Covers::All => keys.verify(&packet, &|| package.signed()),
            },
            Err(problem) => Err(Unverified::Unreadable(problem.to_owned())),
        };
        match (judged, covers) {
            (Ok(by), Covers::Header) => of_header = Some(by),
            (Ok(by), Covers::All) => of_all = Some(by),
            (Err(error @ Unverified::Bad { .. }), _) => {
                return Err(untrusted(format!("its signature {error}")));
            }
            // A reason that has to do with a key that is given says more than that others are not.
            (Err(Unverified::UnknownKey { .. }), _) if refusal.is_some() => {}
            (Err(error), _) => refusal = Some(error),
        }
    }
    match (of_all, of_header) {
        (Some(by), _) => Ok(by),
        (None, Some(by)) => match payload_is_the_one(&package)? {
            Some(true) => Ok(by),
            Some(false) => Err(package.damaged("its payload is not the one that its signed header names")),
            None => Err(untrusted(
                "its signature covers the header only, and says nothing of the payload".to_owned(),
            )),
        },
        (None, None) => {
            let reason = refusal.map(|error| format!("its signature {error}"));
            Err(untrusted(reason.unwrap_or_default()))
        }
    }
}

/// What package a file is: `name-1:version-release.arch`, the epoch only where it is not 0.
///
/// # Errors
/// As [`inspect`](super::inspect).
pub fn nevra(path: &Path) -> Result<String, Error> {
    let package = Opened::open(path)?;
    let field = |tag| package.text(tag).unwrap_or_default();
    let epoch = package.integers(IndexTag::RPMTAG_EPOCH).first().copied().filter(|epoch| *epoch > 0);
    let epoch = epoch.map(|epoch| format!("{epoch}:")).unwrap_or_default();
    let arch =
        if package.metadata.is_source_package() { "src".to_owned() } else { field(IndexTag::RPMTAG_ARCH) };
    Ok(format!(
        "{}-{epoch}{}-{}.{arch}",
        field(IndexTag::RPMTAG_NAME),
        field(IndexTag::RPMTAG_VERSION),
        field(IndexTag::RPMTAG_RELEASE)
    ))
}

/// Whether the payload has the digest that the header states; nothing where it states none that is known.
fn payload_is_the_one(package: &Opened) -> Result<Option<bool>, Error> {
    let algorithm = super::integers(package.number(PAYLOAD_DIGEST_ALGORITHM)).first().copied();
    let Some(stated) = text(package.number(PAYLOAD_DIGEST)) else { return Ok(None) };
    if algorithm.is_some_and(|algorithm| algorithm != SHA256) {
        return Ok(None);
    }
    let mut hash = Sha256::new();
    let mut payload = package.payload()?;
    let mut buffer = vec![0; 64 << 10];
    loop {
        match payload.read(&mut buffer)? {
            0 => return Ok(Some(hex(&hash.finalize()).eq_ignore_ascii_case(&stated))),
            read => hash.update(&buffer[..read]),
        }
    }
}

impl Opened {
    /// Header and payload, as the signatures of old cover them.
    pub(in crate::rpm) fn signed(&self) -> io::Result<Box<dyn Read + '_>> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(self.payload_start))?;
        Ok(Box::new(self.header_bytes.as_slice().chain(file)))
    }
}
