//! The public half of a key that signs, from a file: for secrets that are in a token, with a service or on another machine.

use std::io::Read;
use std::path::{Path, PathBuf};

use pgp::composed::{ArmorOptions, Deserializable, DetachedSignature, SignedPublicKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{PublicKey, PublicSubkey, Signature, SignatureType};
use pgp::types::{KeyDetails, VerifyingKey};

use super::keyfile::one_line;
use super::validity::{self, algorithm, may_sign, newest_self_signature};
use super::{Error, Key};

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
        let (keys, _) =
            SignedPublicKey::from_reader_many(bytes.as_slice()).map_err(|error| wrong(one_line(&error)))?;
        let mut keys: Vec<_> = keys.collect::<Result<_, _>>().map_err(|error| wrong(one_line(&error)))?;
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
        validity::check_alive(&self.key.details, primary, own, &name)?;
        let mut parts = Vec::new();
        if may_sign(own, algorithm(primary.public_params())) {
            parts.push(Part::Primary(Box::new(primary.clone())));
        }
        let mut refusal = Error::CannotSign { key: name.clone() };
        for subkey in &self.key.public_subkeys {
            match validity::check_subkey(primary, &subkey.key, &subkey.signatures, &name) {
                Ok(true) => parts.push(Part::Subkey(Box::new(subkey.key.clone()))),
                Ok(false) => {}
                Err(error) => refusal = error,
            }
        }
        if parts.is_empty() { Err(refusal) } else { Ok(parts) }
    }

    /// What there is to say of the key when this part of it signs.
    pub(super) fn describe(&self, part: &Part) -> Result<Key, Error> {
        let details = part.details();
        let user = self.key.details.users.first();
        let public_key = self
            .key
            .to_armored_string(ArmorOptions::default())
            .map_err(|error| Error::NotACertificate { path: self.path.clone(), reason: one_line(&error) })?;
        Ok(Key {
            fingerprint: self.name(),
            key_id: format!("{}", details.legacy_key_id()).to_uppercase(),
            user_id: user.map(|user| String::from_utf8_lossy(user.id.id()).into_owned()).unwrap_or_default(),
            algorithm: algorithm(details.public_params()),
            created: u64::from(details.created_at().as_secs()),
            primary: matches!(part, Part::Primary(_)),
            sha1_self_signature: self.self_signature()?.hash_alg() == Some(HashAlgorithm::Sha1),
            development: false,
            public_key,
        })
    }

    /// The key that would sign: the primary key where it may, or else the first subkey that may.
    ///
    /// # Errors
    /// [`Error::Revoked`], [`Error::Expired`], [`Error::CannotSign`].
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
        let (found, _) =
            DetachedSignature::from_reader_many(bytes).map_err(|error| refuse(one_line(&error)))?;
        let mut found: Vec<_> = found.collect::<Result<_, _>>().map_err(|error| refuse(one_line(&error)))?;
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
        let parts = self.signing_parts()?;
        let named = |part: &&Part| {
            let (fingerprint, id) = (part.details().fingerprint(), part.details().legacy_key_id());
            signature.issuer_fingerprint().into_iter().any(|issuer| *issuer == fingerprint)
                || signature.issuer_key_id().into_iter().any(|issuer| *issuer == id)
        };
        let Some(part) = parts.iter().find(named) else {
            return Err(refuse(format!("it is by no key of {} that may sign", self.path.display())));
        };
        if signature.created() < Some(part.details().created_at()) {
            return Err(refuse("it is older than its key".to_owned()));
        }
        let holds = match part {
            Part::Primary(key) => signature.verify(key.as_ref(), data),
            Part::Subkey(key) => signature.verify(key.as_ref(), data),
        };
        holds.map_err(|_| refuse("it does not hold: it is of something else".to_owned()))?;
        let mut packet = Vec::new();
        pgp::packet::PacketTrait::to_writer_with_header(&signature, &mut packet)
            .map_err(|error| refuse(one_line(&error)))?;
        Ok(Detached { packet, key: self.describe(part)? })
    }
}
