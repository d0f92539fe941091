//! The keys that a publication goes by: one of them has to have signed each package, and clients are given them all.

use std::path::Path;

use super::current::{KEYS, REPODATA, Texts};
use super::request::Request;
use super::trust::Trust;
use super::{Error, repomd};
use crate::sign::{Keyring, Signer};

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

/// Those that are named, and those that were there, as far as they are believed: what was signed before stays signed. Where
/// metadata is signed, that is as far as it names them, for no signature covers the keys themselves.
///
/// # Errors
/// [`Error::Key`].
pub(super) fn all(
    folder: &Path,
    named: Option<Keyring>,
    texts: Option<&Texts>,
    trust: &Trust,
) -> Result<Option<Keyring>, Error> {
    let there = texts.filter(|_| trust.doubt().is_none()).and_then(|texts| {
        let ring = Keyring::parse(texts.keys.as_deref()?, &folder.join(REPODATA).join(KEYS));
        Some(match trust {
            Trust::NotAsked => ring,
            _ => ring.map(|ring| ring.only(&repomd::keys(&texts.repomd))),
        })
    });
    let rings: Vec<Keyring> = named.into_iter().chain(there.transpose()?).collect();
    Ok((!rings.is_empty()).then(|| Keyring::joined(rings, Path::new(KEYS)).sorted_behind_first()))
}

/// What is to be told of keys that lie in the repository and are not given out any more.
pub(super) fn note(texts: &Texts, all: Option<&Keyring>) -> Option<String> {
    let there = Keyring::parse(texts.keys.as_deref()?, Path::new(KEYS)).ok()?.fingerprints();
    let all = all.map(Keyring::fingerprints).unwrap_or_default();
    let gone: Vec<String> = there.into_iter().filter(|key| !all.contains(key)).collect();
    let note = || {
        let gone = gone.join(", ");
        format!("not given out any more: {gone}, which no signed metadata names; --key takes it all the same")
    };
    (!gone.is_empty()).then(note)
}
