//! Signers behind one trait, the development key, and the public keys that others' signatures are verified with.
//!
//! In: a [`KeySpec`]. Out: a [`Signer`] that is ready to sign: its key was found, unlocked and checked.

mod accepted;
mod certificate;
mod certify;
mod command;
mod delegated;
mod development;
mod error;
mod generate;
mod gpg;
mod key;
mod keyfile;
mod keyring;
mod lint;
mod lint_text;
mod openpgp;
mod packet;
mod passphrase;
mod pkcs11;
mod raw;
mod rsa;
mod spec;
mod validity;

pub use accepted::{check_accepted, refusal, takes};
pub use certificate::{Certificate, Detached};
pub use certify::certify;
pub use error::Error;
pub use generate::{Generated, KeyFiles, KeyType, NewKey, generate};
pub use key::{Algorithm, Key, KeyForm};
pub use keyring::{Attested, Keyring, PublicKey, SignedBy, Unverified, armored_signature};
pub use lint::{Finding, Lint, LintedKey, LintedRelease, Severity, lint};
pub use passphrase::Passphrase;
pub use pkcs11::{Error as TokenError, TokenUri};
pub use spec::{KeySpec, check_words};
pub(crate) use validity::{critical_in, now};

use std::io::Read;
use std::path::{Path, PathBuf};

use command::ExternalCommand;
use delegated::Delegated;

/// Makes OpenPGP signatures.
pub trait Signer: Send + Sync {
    /// The key that signs.
    fn key(&self) -> &Key;

    /// A detached version 4 binary OpenPGP signature packet over all that `data` yields, by SHA-256, dated `time` (Unix
    /// seconds) or the key's creation, whichever is later: a signature that is older than its key is a bad one to rpm 6.
    /// The same input gives the same bytes; DSA and ECDSA excepted where a token or a command signs, since those choose at random.
    ///
    /// # Errors
    /// Where `data` cannot be read or the key cannot be used.
    fn sign(&self, data: &mut dyn Read, time: u64) -> Result<Vec<u8>, Error>;
}

/// A signer that can be shared between threads.
pub type BoxedSigner = Box<dyn Signer + Send + Sync>;

/// What the process's environment says of keys.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// Opens the secret key.
    pub passphrase: Passphrase,
    /// Where gpg keeps its keys; `None`: where it does by itself (`$GNUPGHOME`, `~/.gnupg`).
    pub gnupg_home: Option<PathBuf>,
    /// The OpenPGP public key of a key that is in a token or with an external command; others bring their own.
    pub public_key: Option<PathBuf>,
    /// Whether there is somebody to ask: without, gpg's agent and readers with keys of their own ask nobody.
    pub interactive: bool,
}

/// Opens the key that `spec` names; `None` where packages are to stay unsigned. The passphrase comes from the
/// environment, see [`Passphrase::from_environment`].
///
/// `data_dir` is where the development key lives. Where there is none yet, it is made, which takes a second or two:
/// [`development_key_exists`] tells beforehand.
///
/// # Errors
/// Where there is no such key, it cannot be read or unlocked, or it may not sign (any more).
pub fn open(spec: &KeySpec, data_dir: &Path) -> Result<Option<BoxedSigner>, Error> {
    let passphrase = Passphrase::from_environment()?;
    open_with(spec, data_dir, &Environment { passphrase, ..Environment::default() })
}

/// As [`open`], with the environment given.
///
/// # Errors
/// As [`open`].
pub fn open_with(
    spec: &KeySpec,
    data_dir: &Path,
    environment: &Environment,
) -> Result<Option<BoxedSigner>, Error> {
    Ok(match spec {
        KeySpec::None => None,
        KeySpec::Development => Some(Box::new(development::open(data_dir)?)),
        KeySpec::File(path) => Some(Box::new(keyfile::KeyFile::open(path, &environment.passphrase)?)),
        KeySpec::Gpg(name) => Some(Box::new(gpg::Gpg::open(name, environment)?)),
        KeySpec::Pkcs11(uri) => {
            let token = Box::new(pkcs11::Token::open(uri, environment)?);
            Some(Box::new(Delegated::open(token, environment.public_key.as_deref())?))
        }
        KeySpec::Command(words) => {
            let command = Box::new(ExternalCommand::new(words));
            Some(Box::new(Delegated::open(command, environment.public_key.as_deref())?))
        }
    })
}

/// Whether the development key is there already.
pub fn development_key_exists(data_dir: &Path) -> bool {
    development::path(data_dir).is_file()
}
