//! A key from a file: found, checked, unlocked.

use std::io::Read;
use std::path::Path;

use pgp::composed::{PublicOrSecret, SignedSecretKey};
use pgp::packet::{SecretKey, SecretSubkey, Signature};
use pgp::types::{
    EncryptedSecretParams, KeyDetails, Password, PlainSecretParams, PublicParams, S2kParams, SecretParams,
    StringToKey,
};

use zeroize::Zeroizing;

use super::rsa::RsaKey;
use super::validity::{self, algorithm, check_alive, check_subkey, may_sign, newest_self_signature};
use super::{Error, Key, Passphrase, Signer, openpgp, packet};

/// A key file is a few kilobytes; what is larger is something else.
const LARGEST: u64 = 1 << 20;

/// A signer whose secret key was read from a file.
#[derive(Debug)]
pub(super) struct KeyFile {
    key: Key,
    secret: Secret,
    fast: Option<RsaKey>,
}

/// The packet that signs, unlocked. Boxed, since a packet is large.
#[derive(Debug)]
enum Secret {
    Primary(Box<SecretKey>),
    Subkey(Box<SecretSubkey>),
}

impl KeyFile {
    /// Reads the one secret key in the file, and takes its primary key where that may sign, or else the first subkey that may.
    pub(super) fn open(path: &Path, passphrase: &Passphrase) -> Result<Self, Error> {
        let file = fs_err::File::open(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Error::NoFile { path: path.to_owned() },
            _ => Error::Io(error),
        })?;
        // A key without a passphrase is a secret itself.
        let mut bytes = Zeroizing::new(Vec::with_capacity(64 << 10));
        file.take(LARGEST + 1).read_to_end(&mut bytes)?;
        KeyFile::from_bytes(&bytes, path, passphrase)
    }

    /// As [`KeyFile::open`]; `path` is for messages only.
    pub(super) fn from_bytes(bytes: &[u8], path: &Path, passphrase: &Passphrase) -> Result<Self, Error> {
        let key = parse(bytes, path)?;
        let Some(self_signature) = newest_self_signature(&key.details, key.primary_key.public_key()) else {
            return Err(Error::NotAKey {
                path: path.to_owned(),
                reason: "it has no valid self-signature".to_owned(),
            });
        };
        let name = format!("{:X}", key.primary_key.fingerprint());
        check_alive(&key.details, key.primary_key.public_key(), self_signature, &name, validity::now())?;
        let secret = choose(&key, self_signature, &name, passphrase)?;
        let (details, fast): (&dyn KeyDetails, _) = match &secret {
            Secret::Primary(key) => (&**key, fast(key.public_key().public_params(), key.secret_params())),
            Secret::Subkey(key) => (&**key, fast(key.public_key().public_params(), key.secret_params())),
        };
        let described = Key::of(&key.to_public_key(), details, self_signature)
            .map_err(|error| Error::NotAKey { path: path.to_owned(), reason: openpgp::refused(&error) })?;
        Ok(KeyFile { key: described, secret, fast })
    }

    /// Marks the key as the one that modgraft made.
    pub(super) fn into_development(mut self) -> Self {
        self.key.development = true;
        self
    }
}

impl Signer for KeyFile {
    fn key(&self) -> &Key {
        &self.key
    }

    fn sign(&self, data: &mut dyn Read, time: u64) -> Result<Vec<u8>, Error> {
        // OpenPGP counts seconds in 32 bits.
        let time = u32::try_from(time.max(self.key.created)).unwrap_or(u32::MAX);
        match &self.secret {
            Secret::Primary(key) => packet::sign(&**key, self.fast.as_ref(), data, time),
            Secret::Subkey(key) => packet::sign(&**key, self.fast.as_ref(), data, time),
        }
        .map_err(|error| Error::Failed {
            key: self.key.fingerprint.clone(),
            reason: openpgp::refused(&error),
        })
    }
}

/// The one secret key in these bytes. Public keys beside it, as gpg's exports can be joined, say nothing new.
fn parse(bytes: &[u8], path: &Path) -> Result<SignedSecretKey, Error> {
    let not_a_key = |reason: &str| Error::NotAKey { path: path.to_owned(), reason: reason.to_owned() };
    if bytes.len() as u64 > LARGEST {
        return Err(not_a_key("it is larger than a mebibyte"));
    }
    let text = openpgp::plain(bytes);
    if openpgp::has(&text, openpgp::BEGIN_PUBLIC) && !openpgp::has(&text, openpgp::BEGIN_SECRET) {
        return Err(not_a_key("it is a public key"));
    }
    let (mut keys, mut public) = (Vec::new(), false);
    for block in openpgp::blocks(&text, openpgp::BEGIN) {
        if block.starts_with(openpgp::BEGIN_PUBLIC.as_bytes()) {
            continue;
        }
        let unreadable = |error| not_a_key(openpgp::unreadable(&error, block));
        for key in PublicOrSecret::from_reader_many(block).map_err(unreadable)?.0 {
            match key.map_err(unreadable)? {
                PublicOrSecret::Secret(key) => keys.push(key),
                PublicOrSecret::Public(_) => public = true,
            }
        }
    }
    match (keys.len(), keys.pop()) {
        (1, Some(key)) => Ok(key),
        (0, _) | (_, None) if public => Err(not_a_key("it is a public key")),
        (0, _) | (_, None) => Err(not_a_key("there is none in it")),
        (count, _) => Err(Error::SeveralKeys { path: path.to_owned(), count }),
    }
}

/// The packet that signs, unlocked.
fn choose(
    key: &SignedSecretKey,
    self_signature: &Signature,
    name: &str,
    passphrase: &Passphrase,
) -> Result<Secret, Error> {
    let (primary, now) = (&key.primary_key, validity::now());
    let allowed = may_sign(self_signature, algorithm(primary.public_key().public_params()));
    if allowed && is_here(primary.secret_params()) {
        let mut unlocked = primary.clone();
        unlock(primary.secret_params(), name, passphrase, |password| unlocked.remove_password(password))?;
        return Ok(Secret::Primary(Box::new(unlocked)));
    }
    let mut refusal = Error::CannotSign { key: name.to_owned() };
    for subkey in key.secret_subkeys.iter().filter(|subkey| is_here(subkey.key.secret_params())) {
        match check_subkey(primary.public_key(), subkey.key.public_key(), &subkey.signatures, name, now) {
            Err(error) => refusal = error,
            Ok(false) => {}
            Ok(true) => {
                let mut unlocked = subkey.key.clone();
                unlock(subkey.key.secret_params(), name, passphrase, |password| {
                    unlocked.remove_password(password)
                })?;
                return Ok(Secret::Subkey(Box::new(unlocked)));
            }
        }
    }
    Err(refusal)
}

/// gpg exports a key whose secret part is elsewhere (on a card, or left out) with a private form of S2K.
fn is_here(params: &SecretParams) -> bool {
    let s2k = match params {
        SecretParams::Plain(_) => return true,
        SecretParams::Encrypted(params) => EncryptedSecretParams::string_to_key_params(params),
    };
    let specifier = match s2k {
        S2kParams::Cfb { s2k, .. } | S2kParams::MalleableCfb { s2k, .. } | S2kParams::Aead { s2k, .. } => s2k,
        S2kParams::Unprotected | S2kParams::LegacyCfb { .. } => return true,
    };
    !matches!(specifier, StringToKey::Private { .. })
}

fn unlock(
    params: &SecretParams,
    name: &str,
    passphrase: &Passphrase,
    remove: impl FnOnce(&Password) -> pgp::errors::Result<()>,
) -> Result<(), Error> {
    if !params.is_encrypted() {
        return Ok(());
    }
    let Some(passphrase) = passphrase.get() else {
        return Err(Error::PassphraseNeeded { key: name.to_owned() });
    };
    // The library's own message carries a backtrace, and says no more than this.
    remove(&Password::from(passphrase)).map_err(|_| Error::WrongPassphrase { key: name.to_owned() })
}

fn fast(public: &PublicParams, secret: &SecretParams) -> Option<RsaKey> {
    match (public, secret) {
        (PublicParams::RSA(public), SecretParams::Plain(PlainSecretParams::RSA(secret))) => {
            RsaKey::new(public, secret)
        }
        _ => None,
    }
}
