//! The key of one or more builds: opened when the first package is there to be signed, and once.

use std::sync::{Mutex, OnceLock, PoisonError};

use super::{Error, Packaging};
use crate::paths;
use crate::report::Reporter;
use crate::sign::{self, BoxedSigner, Environment, KeySpec, Signer};

/// The public half of the development key, beside the packages that it signed.
pub(super) const DEVELOPMENT_KEY: &str = "modgraft-development-key.asc";

/// What signs, as it was asked for.
pub struct SigningKey {
    spec: KeySpec,
    environment: Environment,
    /// Held while the key is opened: to unlock and check it takes as long as half a build, and may ask a person. Whether that
    /// failed: it is not tried twice, since a token counts how often its PIN was wrong.
    opening: Mutex<bool>,
    opened: OnceLock<Option<BoxedSigner>>,
}

impl SigningKey {
    /// The key that was asked for; nothing is opened yet.
    ///
    /// # Errors
    /// [`Error::Provisional`] where the packages are for others, and the key is not one to be known by.
    pub fn of(packaging: &Packaging) -> Result<Self, Error> {
        demand_release_key(packaging)?;
        Ok(SigningKey::new(packaging.key.clone(), packaging.environment.clone()))
    }

    /// A key for what is not built here; nothing is opened yet.
    pub fn new(spec: KeySpec, environment: Environment) -> Self {
        SigningKey { spec, environment, opening: Mutex::default(), opened: OnceLock::new() }
    }

    /// What was asked for.
    pub fn spec(&self) -> &KeySpec {
        &self.spec
    }

    /// The key, open; nothing where packages are to stay unsigned.
    ///
    /// # Errors
    /// As [`sign::open`]; [`Error::KeyFailed`] where that failed before.
    pub fn open(&self, reporter: &dyn Reporter) -> Result<Option<&dyn Signer>, crate::Error> {
        let mut failed = self.opening.lock().unwrap_or_else(PoisonError::into_inner);
        let signer = match self.opened.get() {
            Some(signer) => signer,
            None if *failed => return Err(Error::KeyFailed.into()),
            None => {
                *failed = true;
                let signer = open_signer(&self.spec, &self.environment, reporter)?;
                *failed = false;
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
        KeySpec::File(_) | KeySpec::Gpg(_) | KeySpec::Pkcs11(_) | KeySpec::Command(_) => return Ok(()),
    };
    Err(Error::Provisional { what: what.to_owned(), help: help.to_owned() })
}

/// Opens the key, and tells of it where it is made for the first time.
pub(super) fn open_signer(
    key: &KeySpec,
    environment: &Environment,
    reporter: &dyn Reporter,
) -> Result<Option<BoxedSigner>, crate::Error> {
    let data = paths::data();
    let first = *key == KeySpec::Development && !sign::development_key_exists(&data);
    if first {
        reporter.note("no key is configured: making a development key (RSA-4096), once");
    }
    let signer = sign::open_with(key, &data, environment)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Quiet;

    #[test]
    fn a_key_that_could_not_be_opened_is_not_tried_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key.asc");
        let key = SigningKey::new(KeySpec::File(file.clone()), Environment::default());
        let error = key.open(&Quiet).map(|_| ()).unwrap_err();
        assert!(error.to_string().contains("there is no key file"), "{error}");
        // Even where it is there by now.
        fs_err::write(&file, "").unwrap();
        let error = key.open(&Quiet).map(|_| ()).unwrap_err();
        assert!(error.to_string().contains("not tried again") && error.kind() == crate::Kind::Key, "{error}");
        let none = SigningKey::new(KeySpec::None, Environment::default());
        assert!((0..2).all(|_| none.open(&Quiet).unwrap().is_none()));
    }
}
