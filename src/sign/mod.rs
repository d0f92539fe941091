//! Signers behind one trait, the development key, and the public keys that others' signatures are verified with.
//!
//! In: a [`KeySpec`]. Out: a [`Signer`] that is ready to sign: its key was found, unlocked and checked.

mod accepted;
mod development;
mod error;
mod gpg;
mod key;
mod keyfile;
mod keyring;
mod packet;
mod passphrase;
mod rsa;
mod validity;

pub use accepted::check_accepted;
pub use error::Error;
pub use key::{Algorithm, Key};
pub use keyring::{Keyring, SignedBy, Unverified};
pub use passphrase::Passphrase;

use std::io::Read;
use std::path::{Path, PathBuf};

/// Makes OpenPGP signatures.
pub trait Signer: Send + Sync {
    /// The key that signs.
    fn key(&self) -> &Key;

    /// A detached version 4 binary OpenPGP signature packet over all that `data` yields, by SHA-256, dated `time` (Unix
    /// seconds) or the key's creation, whichever is later: a signature that is older than its key is a bad one to rpm 6.
    /// The same input gives the same bytes (DSA and ECDSA through gpg excepted).
    ///
    /// # Errors
    /// Where `data` cannot be read or the key cannot be used.
    fn sign(&self, data: &mut dyn Read, time: u64) -> Result<Vec<u8>, Error>;
}

/// Which key signs, as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySpec {
    /// Nothing was configured: the development key, which is made where there is none yet.
    Development,
    /// A file with an OpenPGP secret key, armored or binary.
    File(PathBuf),
    /// A key of the user's gpg, by anything that gpg takes as a key's name.
    Gpg(String),
    /// The packages stay unsigned.
    None,
}

impl KeySpec {
    /// Reads `FILE`, `gpg:KEYID` or `none`.
    ///
    /// # Errors
    /// [`Error::Spec`] where nothing, or nothing usable, stands there.
    pub fn parse(text: &str) -> Result<Self, Error> {
        match text.strip_prefix("gpg:") {
            // A leading dash would be an option to gpg; the rest of what gpg takes as a name is gpg's to judge.
            Some(key) if key.trim().is_empty() || key.starts_with('-') || key.contains(['\n', '\0']) => {
                Err(Error::Spec { spec: text.to_owned() })
            }
            Some(key) => Ok(KeySpec::Gpg(key.trim().to_owned())),
            None if text.is_empty() => Err(Error::Spec { spec: text.to_owned() }),
            None if text == "none" => Ok(KeySpec::None),
            None => Ok(KeySpec::File(PathBuf::from(text))),
        }
    }
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
    open_with(spec, data_dir, &Environment { passphrase, gnupg_home: None })
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
    })
}

/// Whether the development key is there already.
pub fn development_key_exists(data_dir: &Path) -> bool {
    development::path(data_dir).is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specs_are_read() {
        assert_eq!(KeySpec::parse("none").unwrap(), KeySpec::None);
        assert_eq!(KeySpec::parse("gpg:4F2A91C0").unwrap(), KeySpec::Gpg("4F2A91C0".into()));
        assert_eq!(KeySpec::parse("keys/release.asc").unwrap(), KeySpec::File("keys/release.asc".into()));
        for bad in ["", "gpg:", "gpg: ", "gpg:--output", "gpg:a\nb"] {
            assert!(matches!(KeySpec::parse(bad), Err(Error::Spec { .. })), "{bad:?}");
        }
    }
}
