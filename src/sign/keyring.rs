//! Public keys to verify with, from a file as distributions publish them (`RPM-GPG-KEY-*`).

mod armor;
mod certified;

pub use armor::armored_signature;

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use pgp::composed::{ArmorOptions, Deserializable, DetachedSignature, SignedPublicKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{Packet, PacketParser, Signature, SignatureType, SignatureVersion};
use pgp::types::{KeyDetails, KeyVersion, VerifyingKey};

use super::validity::{day, now};
use super::{Error, KeyForm, openpgp, rsa};
use certified::{Certified, Signing};

/// A file of keys is some kilobytes; all of a distribution's are some hundred.
const LARGEST: u64 = 4 << 20;

/// Public keys, each of which certifies itself.
#[derive(Debug, Clone)]
pub struct Keyring {
    keys: Vec<Certified>,
    /// The file that they are of.
    path: PathBuf,
}

/// A public key to give out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// Upper-case hexadecimal.
    pub fingerprint: String,
    /// Unix seconds.
    pub created: u64,
    /// In a block of its own.
    pub armored: String,
}

impl PublicKey {
    /// The last eight digits of the fingerprint, as names of key packages have it.
    pub fn short_id(&self) -> &str {
        // Of hexadecimal digits.
        &self.fingerprint[self.fingerprint.len().saturating_sub(8)..]
    }
}

/// Whose signature it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedBy {
    /// Of the primary key, upper-case hexadecimal.
    pub fingerprint: String,
    /// Of the (sub)key that signed: 16 digits, as `rpm -K` shows them.
    pub key_id: String,
    /// The primary key's first user id; may be empty.
    pub user_id: String,
    /// When, Unix seconds.
    pub time: u64,
}

/// Why a signature counts for nothing. Reads on after `its signature`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unverified {
    /// No OpenPGP signature.
    #[error("cannot be read: {0}")]
    Unreadable(String),
    /// By a key that is not in the file.
    #[error("is by the key {key_id}, which is not among those given")]
    UnknownKey {
        /// 16 digits, or what little the signature says.
        key_id: String,
    },
    /// By a key that is there, and it does not hold.
    #[error("by the key {key_id} does not hold: what it covers was changed")]
    Bad {
        /// 16 digits.
        key_id: String,
    },
    /// By an algorithm that anybody can forge.
    #[error("rests on {hash}, which can be forged")]
    Weak {
        /// `MD5`.
        hash: String,
    },
    /// The key was revoked.
    #[error("is by the key {key_id}, which is revoked")]
    Revoked {
        /// 16 digits.
        key_id: String,
    },
    /// Made when the key was no more valid, or not yet.
    #[error("is of {made}, when the key {key_id} was not valid ({validity})")]
    OutOfTime {
        /// 16 digits.
        key_id: String,
        /// A day.
        made: String,
        /// `it expired on 2024-05-31`, `it was made on 2024-05-31`.
        validity: String,
    },
    /// The key is not made yet.
    #[error(
        "is by the key {key_id}, which was made on {made}, in the future by this machine's clock: gpg takes none by such a key"
    )]
    OfTheFuture {
        /// 16 digits.
        key_id: String,
        /// A day.
        made: String,
    },
    /// The key is not for signing.
    #[error("is by the key {key_id}, which may not sign")]
    NotForSigning {
        /// 16 digits.
        key_id: String,
    },
    /// What is signed could not be read.
    #[error("could not be checked: {0}")]
    Data(String),
}

/// A signature that holds, by a key that was neither revoked nor expired and may sign. What an rpm may still take offence at is
/// told here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attested {
    /// Whose it is.
    pub by: SignedBy,
    /// Of the key.
    pub form: KeyForm,
    /// When the (sub)key that signed was made, Unix seconds.
    pub created: u64,
}

impl Attested {
    /// Whether the signature is dated before its key was made.
    pub fn is_early(&self) -> bool {
        self.by.time < self.created
    }

    /// Who signed, where the signature is not dated before its key was made.
    ///
    /// # Errors
    /// [`Unverified::OutOfTime`].
    pub fn in_order(self) -> Result<SignedBy, Unverified> {
        if !self.is_early() {
            return Ok(self.by);
        }
        let (made, validity) = (day(self.by.time), format!("it was made on {}", day(self.created)));
        Err(Unverified::OutOfTime { key_id: self.by.key_id, made, validity })
    }
}

/// What was signed.
#[derive(Clone, Copy)]
enum Message<'a> {
    Data(Data<'a>),
    /// Hashed already, with what the signature itself states; and not hashed, where it is at hand.
    Hashed(&'a [u8], Option<&'a [u8]>),
}

/// Gives what was signed, from its beginning, as often as it is asked for.
pub type Data<'a> = &'a dyn Fn() -> io::Result<Box<dyn Read + 'a>>;

impl Keyring {
    /// Reads a file of public keys, armored (one block or several) or binary.
    ///
    /// # Errors
    /// [`Error::NoKeyring`], [`Error::NotAKeyring`], [`Error::Io`].
    pub fn open(path: &Path) -> Result<Self, Error> {
        let file = fs_err::File::open(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Error::NoKeyring { path: path.to_owned() },
            _ => Error::Io(error),
        })?;
        let wrong = |reason: String| Error::NotAKeyring { path: path.to_owned(), reason };
        let mut bytes = Vec::new();
        file.take(LARGEST + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > LARGEST {
            return Err(wrong(format!("it has more than {} MiB", LARGEST >> 20)));
        }
        Keyring::parse(&bytes, path)
    }

    /// Reads what such a file has. `path` is the name that errors show.
    ///
    /// # Errors
    /// [`Error::NotAKeyring`].
    pub fn parse(bytes: &[u8], path: &Path) -> Result<Self, Error> {
        let wrong = |reason: String| Error::NotAKeyring { path: path.to_owned(), reason };
        let mut keys = Vec::new();
        if openpgp::has(bytes, openpgp::BEGIN_SECRET) && !openpgp::has(bytes, openpgp::BEGIN_PUBLIC) {
            return Err(wrong("it is a secret key".to_owned()));
        }
        for block in openpgp::blocks(bytes, openpgp::BEGIN_PUBLIC) {
            let unreadable = |error| wrong(openpgp::unreadable(&error, block).to_owned());
            for key in SignedPublicKey::from_reader_many(block).map_err(unreadable)?.0 {
                let key = key.map_err(unreadable)?;
                let name = format!("{:X}", key.primary_key.fingerprint());
                let none = || wrong(format!("the key {name} has no valid self-signature"));
                keys.push(Certified::new(key).ok_or_else(none)?);
            }
        }
        if keys.is_empty() {
            return Err(wrong("there is none in it".to_owned()));
        }
        Ok(Keyring { keys, path: path.to_owned() })
    }

    /// Reads several files of public keys; [`Keyring::path`] is the first of them.
    ///
    /// # Errors
    /// As [`Keyring::open`].
    pub fn of(files: &[PathBuf]) -> Result<Self, Error> {
        let mut all = Keyring { keys: Vec::new(), path: files.first().cloned().unwrap_or_default() };
        for file in files {
            all.keys.extend(Keyring::open(file)?.keys);
        }
        Ok(all)
    }

    /// Each of the keys.
    ///
    /// # Errors
    /// [`Error::NotAKeyring`] for one that cannot be written.
    pub fn public_keys(&self) -> Result<Vec<PublicKey>, Error> {
        let keys = self.keys.iter().map(|Certified { key, .. }| {
            let armored = key.to_armored_string(ArmorOptions::default());
            let wrong =
                |error| Error::NotAKeyring { path: self.path.clone(), reason: openpgp::refused(&error) };
            Ok(PublicKey {
                fingerprint: format!("{:X}", key.primary_key.fingerprint()),
                created: u64::from(key.primary_key.created_at().as_secs()),
                armored: armored.map_err(wrong)?,
            })
        });
        keys.collect()
    }

    /// The file that the keys are of.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Verifies a signature packet, as packages have them. As rpm does it, a signature counts where its key was valid when it
    /// was made: what a distribution signed years ago does not fall with the key's end.
    ///
    /// # Errors
    /// Why it counts for nothing.
    pub fn verify(&self, packet: &[u8], data: Data<'_>) -> Result<SignedBy, Unverified> {
        match PacketParser::new(packet).next() {
            Some(Ok(Packet::Signature(signature))) => self.judge(&signature, data),
            Some(Ok(_)) => Err(Unverified::Unreadable("it is an OpenPGP packet of another kind".to_owned())),
            Some(Err(_)) | None => Err(Unverified::Unreadable("it is no OpenPGP packet".to_owned())),
        }
    }

    /// Verifies a detached signature's file, armored or not: one of its signatures has to count.
    ///
    /// # Errors
    /// Why the last of them counts for nothing.
    pub fn verify_detached(&self, file: &[u8], data: Data<'_>) -> Result<SignedBy, Unverified> {
        self.any_of(file, data, Attested::in_order)
    }

    /// As [`Keyring::verify_detached`], and as gpg does it for clients of a repository today: a key that was made later than it is by
    /// the clock counts for nothing (tried with gpg 2.2.40).
    ///
    /// # Errors
    /// As there; [`Unverified::OfTheFuture`].
    pub fn verify_detached_today(&self, file: &[u8], data: Data<'_>) -> Result<SignedBy, Unverified> {
        let now = now();
        self.any_of(file, data, |attested| match attested.created {
            created if created > now => {
                Err(Unverified::OfTheFuture { key_id: attested.by.key_id, made: day(created) })
            }
            _ => attested.in_order(),
        })
    }

    /// The first of a detached signature's file that holds and that `judge` lets count.
    fn any_of(
        &self,
        file: &[u8],
        data: Data<'_>,
        judge: impl Fn(Attested) -> Result<SignedBy, Unverified>,
    ) -> Result<SignedBy, Unverified> {
        let unreadable = |error| Unverified::Unreadable(openpgp::unreadable(&error, file).to_owned());
        let (signatures, _) = DetachedSignature::from_reader_many(file).map_err(unreadable)?;
        let mut refusal = Unverified::Unreadable("there is none in it".to_owned());
        for signature in signatures {
            let attest = |one: DetachedSignature| self.by_any(&one.signature, Message::Data(data));
            match signature.map_err(unreadable).and_then(attest).and_then(&judge) {
                Ok(by) => return Ok(by),
                Err(error) => refusal = error,
            }
        }
        Err(refusal)
    }

    /// Verifies a signature by the hash of what it covers. As [`Keyring::verify`], but that one dated before its key was made is
    /// not refused. With what it covers itself, `whole`, it is ten times as fast.
    ///
    /// # Errors
    /// Why it counts for nothing.
    pub(crate) fn attest(
        &self,
        signature: &Signature,
        hash: &[u8],
        whole: Option<&[u8]>,
    ) -> Result<Attested, Unverified> {
        self.by_any(signature, Message::Hashed(hash, whole))
    }

    fn judge(&self, signature: &Signature, data: Data<'_>) -> Result<SignedBy, Unverified> {
        self.by_any(signature, Message::Data(data)).and_then(Attested::in_order)
    }

    fn by_any(&self, signature: &Signature, data: Message<'_>) -> Result<Attested, Unverified> {
        if let Some(hash) = signature.hash_alg().filter(|hash| *hash == HashAlgorithm::Md5) {
            return Err(Unverified::Weak { hash: hash.to_string() });
        }
        if !matches!(signature.typ(), Some(SignatureType::Binary | SignatureType::Text)) {
            return Err(Unverified::Unreadable("it is no signature of data".to_owned()));
        }
        let mut refusal = None;
        for key in &self.keys {
            let Some(signing) = key.named_by(signature) else { continue };
            let holds = match signing {
                Signing::Primary => check_with(signature, &key.key.primary_key, data),
                Signing::Subkey(subkey) => check_with(signature, &subkey.key, data),
            };
            match holds.and_then(|()| key.demand_good(signing, signature)) {
                Ok(()) => return Ok(key.attested(signing, signature)),
                Err(error) => refusal = Some(error),
            }
        }
        Err(refusal.unwrap_or_else(|| Unverified::UnknownKey { key_id: issuer(signature) }))
    }
}

/// 16 digits, as rpm shows them.
fn id(key: &(impl KeyDetails + ?Sized)) -> String {
    format!("{}", key.legacy_key_id()).to_uppercase()
}

fn issuer(signature: &Signature) -> String {
    let fingerprint = || Some(format!("{:X}", signature.issuer_fingerprint().first()?));
    let id = signature.issuer_key_id().first().map(|id| format!("{id}").to_uppercase());
    id.or_else(fingerprint).unwrap_or_else(|| "that it does not name".to_owned())
}

fn time(signature: &Signature) -> u64 {
    signature.created().map_or(0, |time| u64::from(time.as_secs()))
}

fn check_with(
    signature: &Signature,
    key: &impl VerifyingKey,
    message: Message<'_>,
) -> Result<(), Unverified> {
    let bad = || Unverified::Bad { key_id: id(key) };
    match message {
        Message::Data(data) => {
            let data = data().map_err(|error| Unverified::Data(error.to_string()))?;
            signature.verify(key, data).map_err(|_| bad())
        }
        Message::Hashed(hash, whole) => {
            let (Some(start), Some(algorithm), Some(bytes)) =
                (signature.signed_hash_value(), signature.hash_alg(), signature.signature())
            else {
                return Err(Unverified::Unreadable("it is of an unknown version".to_owned()));
            };
            // RFC 9580, 5.2.3: keys of version 6 make signatures of version 6, and no others do.
            let fits = (key.version() == KeyVersion::V6) == (signature.version() == SignatureVersion::V6);
            if !fits || hash.get(..2) != Some(&start) {
                return Err(bad());
            }
            match whole.and_then(|whole| rsa::holds(key.public_params(), signature, whole)) {
                Some(true) => Ok(()),
                Some(false) => Err(bad()),
                None => key.verify(algorithm, hash, bytes).map_err(|_| bad()),
            }
        }
    }
}
