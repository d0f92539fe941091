//! The key of one or more builds: opened when the first package is there to be signed, and once.

use std::sync::{Mutex, OnceLock, PoisonError};

use super::{Error, Packaging};
use crate::paths;
use crate::report::Reporter;
use crate::sign::{self, BoxedSigner, KeySpec, Signer};

/// What signs, as it was asked for.
pub struct SigningKey {
    spec: KeySpec,
    /// Held while the key is opened: to unlock and check it takes as long as half a build, and may ask a person.
    opening: Mutex<()>,
    opened: OnceLock<Option<BoxedSigner>>,
}

impl SigningKey {
    /// The key that was asked for; nothing is opened yet.
    ///
    /// # Errors
    /// [`Error::Provisional`] where the packages are for others, and the key is not one to be known by.
    pub fn of(packaging: &Packaging) -> Result<Self, Error> {
        demand_release_key(packaging)?;
        let spec = packaging.key.clone();
        Ok(SigningKey { spec, opening: Mutex::default(), opened: OnceLock::new() })
    }

    /// The key, open; nothing where packages are to stay unsigned.
    ///
    /// # Errors
    /// As [`sign::open`].
    pub fn open(&self, reporter: &dyn Reporter) -> Result<Option<&dyn Signer>, crate::Error> {
        let _opening = self.opening.lock().unwrap_or_else(PoisonError::into_inner);
        let signer = match self.opened.get() {
            Some(signer) => signer,
            None => {
                let signer = open_signer(&self.spec, reporter)?;
                self.opened.get_or_init(|| signer)
            }
        };
        Ok(signer.as_deref().map(|signer| signer as &dyn Signer))
    }
}

fn demand_release_key(packaging: &Packaging) -> Result<(), Error> {
    let (what, help) = match packaging.key {
        _ if !packaging.release => return Ok(()),
        KeySpec::Development => {
            ("the development key", "name the key that the packages' users know with --sign-key")
        }
        KeySpec::None => ("unsigned packages", "name the key that the packages' users know with --sign-key"),
        KeySpec::File(_) | KeySpec::Gpg(_) => return Ok(()),
    };
    Err(Error::Provisional { what: what.to_owned(), help: help.to_owned() })
}

fn open_signer(key: &KeySpec, reporter: &dyn Reporter) -> Result<Option<BoxedSigner>, crate::Error> {
    let data = paths::data();
    let first = *key == KeySpec::Development && !sign::development_key_exists(&data);
    if first {
        reporter.note("no key is configured: making a development key (RSA-4096), once");
    }
    let signer = sign::open(key, &data)?;
    if let (true, Some(signer)) = (first, &signer) {
        let key = signer.key();
        reporter.note(format!(
            "development key {} is in {}; --sign-key names another",
            key.short_id(),
            data.display()
        ));
    }
    Ok(signer)
}
