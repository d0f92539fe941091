//! The public half of a key that signs, from a file: for secrets that are in a token, with a service or on another machine.

use std::io::Read;
use std::path::{Path, PathBuf};

use pgp::composed::{Deserializable, DetachedSignature, SignedPublicKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{PublicKey, PublicSubkey, Signature, SignatureType};
use pgp::types::{KeyDetails, VerifyingKey};

use super::validity::{self, algorithm, critical_in, may_sign, names, newest_self_signature};
use super::{Error, Key, openpgp};

/// A certificate is a few kilobytes; what is larger is something else.
const LARGEST: u64 = 1 << 20;
/// A detached signature is a kilobyte at most.
const LONGEST_SIGNATURE: usize = 64 << 10;

/// A public key that certifies itself.
#[derive(Debug)]
pub struct Certificate {
    path: PathBuf,
    key: SignedPublicKey,
}

/// The packet that signs. Boxed, since a packet is large.
#[derive(Debug, Clone)]
pub(super) enum Part {
    Primary(Box<PublicKey>),
    Subkey(Box<PublicSubkey>),
}

impl Part {
    pub(super) fn details(&self) -> &dyn KeyDetails {
        match self {
            Part::Primary(key) => key.as_ref(),
            Part::Subkey(key) => key.as_ref(),
        }
    }

    /// The part with this fingerprint, in upper-case hexadecimal.
    pub(super) fn named(key: &SignedPublicKey, fingerprint: &str) -> Option<Self> {
        let is = |part: &dyn KeyDetails| format!("{:X}", part.fingerprint()) == fingerprint;
        if is(&key.primary_key) {
            return Some(Part::Primary(Box::new(key.primary_key.clone())));
        }
        let subkey = key.public_subkeys.iter().find(|subkey| is(&subkey.key))?;
        Some(Part::Subkey(Box::new(subkey.key.clone())))
    }

    /// Whether it made the signature over `data`.
    pub(super) fn made(&self, signature: &Signature, data: impl Read) -> bool {
        match self {
            Part::Primary(key) => signature.verify(key.as_ref(), data).is_ok(),
            Part::Subkey(key) => signature.verify(key.as_ref(), data).is_ok(),
        }
    }

    pub(super) fn verifying(&self) -> &dyn VerifyingKey {
        match self {
            Part::Primary(key) => key.as_ref(),
            Part::Subkey(key) => key.as_ref(),
        }
    }
}

/// A detached signature that holds.
#[derive(Debug, Clone)]
pub struct Detached {
    /// The packet, binary.
    pub packet: Vec<u8>,
    /// The key that made it.
    pub key: Key,
}

impl Certificate {
    /// Reads the one public key in a file, armored or binary.
    ///
    /// # Errors
    /// [`Error::NoKeyring`], [`Error::NotACertificate`], [`Error::Io`].
    pub fn open(path: &Path) -> Result<Self, Error> {
        let file = fs_err::File::open(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Error::NoKeyring { path: path.to_owned() },
            _ => Error::Io(error),
        })?;
        let mut bytes = Vec::new();
        file.take(LARGEST + 1).read_to_end(&mut bytes)?;
        let wrong = |reason: String| Error::NotACertificate { path: path.to_owned(), reason };
        if bytes.len() as u64 > LARGEST {
            return Err(wrong("it is larger than a mebibyte".to_owned()));
        }
        let unreadable = |error| wrong(openpgp::unreadable(&error, &bytes).to_owned());
        let (keys, _) = SignedPublicKey::from_reader_many(bytes.as_slice()).map_err(unreadable)?;
        let mut keys: Vec<_> = keys.collect::<Result<_, _>>().map_err(unreadable)?;
        match (keys.len(), keys.pop()) {
            (1, Some(key)) => Ok(Certificate { path: path.to_owned(), key }),
            (0, _) | (_, None) => Err(wrong("there is none in it".to_owned())),
            (count, _) => Err(wrong(format!("there are {count} in it"))),
        }
    }

    fn name(&self) -> String {
        format!("{:X}", self.key.primary_key.fingerprint())
    }

    fn self_signature(&self) -> Result<&Signature, Error> {
        newest_self_signature(&self.key.details, &self.key.primary_key).ok_or_else(|| {
            Error::NotACertificate {
                path: self.path.clone(),
                reason: "it has no valid self-signature".to_owned(),
            }
        })
    }

    /// What may sign today: the primary key first, since rpm before 4.14 knows no other, then subkeys. At least one.
    pub(super) fn signing_parts(&self) -> Result<Vec<Part>, Error> {
        let (own, name, primary) = (self.self_signature()?, self.name(), &self.key.primary_key);
        let now = validity::now();
        validity::check_alive(&self.key.details, primary, own, &name, now)?;
        let mut parts = Vec::new();
        if may_sign(own, algorithm(primary.public_params())) {
            parts.push(Part::Primary(Box::new(primary.clone())));
        }
        let mut refusal = Error::CannotSign { key: name.clone() };
        for subkey in &self.key.public_subkeys {
            match validity::check_subkey(primary, &subkey.key, &subkey.signatures, &name, now) {
                Ok(true) => parts.push(Part::Subkey(Box::new(subkey.key.clone()))),
                Ok(false) => {}
                Err(error) => refusal = error,
            }
        }
        if parts.is_empty() { Err(refusal) } else { Ok(parts) }
    }

    /// What there is to say of the key when this part of it signs.
    pub(super) fn describe(&self, part: &Part) -> Result<Key, Error> {
        Key::of(&self.key, part.details(), self.self_signature()?).map_err(|error| Error::NotACertificate {
            path: self.path.clone(),
            reason: openpgp::refused(&error),
        })
    }

    /// The key that would sign: the primary key where it may, or else the first subkey that may.
    ///
    /// # Errors
    /// [`Error::Revoked`], [`Error::Expired`], [`Error::NotYet`], [`Error::CannotSign`].
    pub fn signing_key(&self) -> Result<Key, Error> {
        match self.signing_parts()?.first() {
            Some(part) => self.describe(part),
            None => Err(Error::CannotSign { key: self.name() }),
        }
    }

    /// Verifies a detached signature's file, armored or not, made by a key of this certificate that may sign today: over
    /// bytes, by SHA-256 or better, not older than its key. `file` is for messages.
    ///
    /// # Errors
    /// [`Error::Imported`] with the reason; as [`Certificate::signing_key`].
    pub fn verify_detached(&self, file: &Path, bytes: &[u8], data: impl Read) -> Result<Detached, Error> {
        let refuse = |reason: String| Error::Imported { file: file.to_owned(), reason };
        if bytes.len() > LONGEST_SIGNATURE {
            return Err(refuse("it is too long for a signature".to_owned()));
        }
        let unreadable = |error| refuse(openpgp::unreadable(&error, bytes).to_owned());
        let (found, _) = DetachedSignature::from_reader_many(bytes).map_err(unreadable)?;
        let mut found: Vec<_> = found.collect::<Result<_, _>>().map_err(unreadable)?;
        let signature = match (found.len(), found.pop()) {
            (1, Some(found)) => found.signature,
            (0, _) | (_, None) => return Err(refuse("there is no signature in it".to_owned())),
            (count, _) => return Err(refuse(format!("there are {count} signatures in it"))),
        };
        if signature.typ() != Some(SignatureType::Binary) {
            return Err(refuse("it is a signature of a text, not of bytes".to_owned()));
        }
        if !matches!(
            signature.hash_alg(),
            Some(HashAlgorithm::Sha256 | HashAlgorithm::Sha384 | HashAlgorithm::Sha512)
        ) {
            return Err(refuse("it is by none of SHA-256, SHA-384 and SHA-512".to_owned()));
        }
        if !critical_in(&signature).is_empty() {
            return Err(refuse(
                "it has subpackets marked as critical, for which rpm refuses a package".to_owned(),
            ));
        }
        let parts = self.signing_parts()?;
        let Some(part) = parts.iter().find(|part| names(&signature, part.details())) else {
            return Err(refuse(format!("it is by no key of {} that may sign", self.path.display())));
        };
        if signature.created() < Some(part.details().created_at()) {
            return Err(refuse("it is older than its key".to_owned()));
        }
        if !part.made(&signature, data) {
            return Err(refuse("it does not hold: it is of something else".to_owned()));
        }
        let mut packet = Vec::new();
        pgp::packet::PacketTrait::to_writer_with_header(&signature, &mut packet)
            .map_err(|error| refuse(openpgp::refused(&error)))?;
        Ok(Detached { packet, key: self.describe(part)? })
    }
}
