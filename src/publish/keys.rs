//! The keys that a publication goes by.

use std::path::Path;

use super::Error;
use super::current::{KEYS, REPODATA};
use super::request::Request;
use crate::sign::{Keyring, Signer};

/// Whose signatures count, and what clients are given.
#[derive(Debug)]
pub(super) struct Keys {
    /// One of these has to have signed what comes.
    pub judging: Keyring,
    /// Those and the ones that lie in the repository, where these are believed: what was published before stays good.
    pub all: Keyring,
}

/// The signer's key, and those that are named beside it.
///
/// # Errors
/// [`Error::Key`].
pub(super) fn named(request: &Request, signer: Option<&dyn Signer>) -> Result<Option<Keyring>, Error> {
    let shown = Path::new(KEYS);
    let mut rings = Vec::new();
    if let Some(signer) = signer {
        rings.push(Keyring::parse(signer.key().public_key.as_bytes(), shown)?);
    }
    for file in &request.keys {
        rings.push(Keyring::open(file)?);
    }
    Ok((!rings.is_empty()).then(|| Keyring::joined(rings, shown)))
}

impl Keys {
    /// Those that are named, and those that lie in the repository, `there`. The latter judge where nothing is signed now: anybody
    /// may have put them there, and then nothing vouches for what they let in but themselves.
    ///
    /// # Errors
    /// [`Error::Key`].
    pub fn of(
        folder: &Path,
        named: Option<Keyring>,
        there: Option<&[u8]>,
        is_signed: bool,
    ) -> Result<Option<Keys>, Error> {
        let there = there.map(|keys| Keyring::parse(keys, &folder.join(REPODATA).join(KEYS))).transpose()?;
        let rings: Vec<Keyring> = named.iter().cloned().chain(there).collect();
        if rings.is_empty() {
            return Ok(None);
        }
        let all = Keyring::joined(rings, Path::new(KEYS)).sorted_behind_first();
        let judging = named.filter(|_| is_signed).unwrap_or_else(|| all.clone());
        Ok(Some(Keys { judging, all }))
    }
}
