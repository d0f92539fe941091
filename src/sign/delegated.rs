//! A signer whose secret key is elsewhere and whose certificate is in a file.

use std::io::Read;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use pgp::crypto::hash::HashAlgorithm;
use pgp::crypto::public_key::PublicKeyAlgorithm;
use pgp::types::{
    Fingerprint, KeyDetails, KeyId, KeyVersion, Password, PublicParams, SignatureBytes, SigningKey,
    Timestamp, VerifyingKey,
};

use super::certificate::{Certificate, Part};
use super::raw::{RawSigner, algorithm_name, readings};
use super::{Error, Key, Signer, openpgp, packet};

/// A signer of which only the public half is here.
#[derive(Debug)]
pub(super) struct Delegated {
    key: Key,
    part: Part,
    raw: Box<dyn RawSigner>,
}

impl Delegated {
    /// Takes the (sub)key of the certificate that the secret key belongs to; where the place of the secret does not tell,
    /// the one that signs.
    pub(super) fn open(raw: Box<dyn RawSigner>, certificate: Option<&Path>) -> Result<Self, Error> {
        let Some(path) = certificate else {
            return Err(Error::NoCertificate { key: raw.name().to_owned() });
        };
        let certificate = Certificate::open(path)?;
        let mut parts = certificate.signing_parts()?;
        let chosen = match raw.own() {
            Some(own) => parts.iter().position(|part| own.is(part.details().public_params())),
            None => Some(0),
        };
        let Some(chosen) = chosen.filter(|chosen| *chosen < parts.len()) else {
            return Err(Error::NotItsCertificate { path: path.to_owned(), key: raw.name().to_owned() });
        };
        let part = parts.swap_remove(chosen);
        let key = certificate.describe(&part)?;
        Ok(Delegated { key, part, raw })
    }
}

impl Signer for Delegated {
    fn key(&self) -> &Key {
        &self.key
    }

    fn sign(&self, data: &mut dyn Read, time: u64) -> Result<Vec<u8>, Error> {
        // OpenPGP counts seconds in 32 bits.
        let time = u32::try_from(time.max(self.key.created)).unwrap_or(u32::MAX);
        with(self.raw.as_ref(), self.part.verifying(), |key| packet::sign(key, None, data, time))
    }
}

/// Runs `work` with a key that signs by `raw`, and keeps `raw`'s own words where it fails.
pub(super) fn with<T>(
    raw: &dyn RawSigner,
    public: &dyn VerifyingKey,
    work: impl FnOnce(&Remote<'_>) -> pgp::errors::Result<T>,
) -> Result<T, Error> {
    let remote = Remote { raw, public, refusal: Mutex::new(None) };
    let result = work(&remote);
    match (result, remote.refusal.into_inner().unwrap_or_else(PoisonError::into_inner)) {
        (_, Some(refusal)) => Err(refusal),
        (Err(error), None) => {
            Err(Error::Failed { key: raw.name().to_owned(), reason: openpgp::refused(&error) })
        }
        (Ok(value), None) => Ok(value),
    }
}

/// The library's view of such a key.
#[derive(Debug)]
pub(super) struct Remote<'a> {
    raw: &'a dyn RawSigner,
    public: &'a dyn VerifyingKey,
    refusal: Mutex<Option<Error>>,
}

impl Remote<'_> {
    /// What comes back is verified before it is used.
    fn signature(&self, hash: HashAlgorithm, data: &[u8]) -> Result<SignatureBytes, Error> {
        let name = || self.raw.name().to_owned();
        let params = self.public.public_params();
        let digest = data.try_into().ok().filter(|_| hash == HashAlgorithm::Sha256);
        let (Some(algorithm), Some(digest)) = (algorithm_name(params), digest) else {
            return Err(Error::TokenKey {
                key: name(),
                reason: "it is neither RSA nor Ed25519 nor ECDSA on P-256".to_owned(),
            });
        };
        let fingerprint = format!("{:X}", self.public.fingerprint());
        let raw = self.raw.sign(algorithm, &fingerprint, digest)?;
        let holds = |one: &SignatureBytes| self.public.verify(hash, data, one).is_ok();
        readings(params, &raw).into_iter().find(holds).ok_or(Error::BadAnswer { key: name(), fingerprint })
    }
}

impl SigningKey for Remote<'_> {
    fn sign(&self, _: &Password, hash: HashAlgorithm, data: &[u8]) -> pgp::errors::Result<SignatureBytes> {
        self.signature(hash, data).map_err(|error| {
            *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            std::io::Error::other("refused").into()
        })
    }

    fn hash_alg(&self) -> HashAlgorithm {
        HashAlgorithm::Sha256
    }
}

impl KeyDetails for Remote<'_> {
    fn version(&self) -> KeyVersion {
        self.public.version()
    }
    fn legacy_key_id(&self) -> KeyId {
        self.public.legacy_key_id()
    }
    fn fingerprint(&self) -> Fingerprint {
        self.public.fingerprint()
    }
    fn algorithm(&self) -> PublicKeyAlgorithm {
        self.public.algorithm()
    }
    fn created_at(&self) -> Timestamp {
        self.public.created_at()
    }
    fn legacy_v3_expiration_days(&self) -> Option<u16> {
        self.public.legacy_v3_expiration_days()
    }
    fn public_params(&self) -> &PublicParams {
        self.public.public_params()
    }
}
