//! Whether metadata that is there already may be believed. What is signed now vouches for what it is made of, and whoever can write
//! to the folder can change all that lies there, the keys too: so only keys that are named now say whose it is.

use std::io;
use std::path::Path;

use super::Error;
use super::current::Texts;
use super::state::State;
use crate::sign::{Key, Keyring};

/// What the metadata that is there is taken for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trust {
    /// As it is: nothing is signed that would vouch for it.
    NotAsked,
    /// Signed by a key that is named: its fingerprint.
    SignedBy(String),
    /// Not signed, and not by anybody: there are no keys to check a signature by, or it is noted that there was to be none.
    Unsigned,
    /// By nobody who is named, and taken over all the same, as somebody asked for.
    TakenOver {
        /// Whether clients do not know the signer's key, as far as the folder tells.
        is_new_key: bool,
    },
}

impl Trust {
    /// Why nothing that it says of packages is believed, nor the keys beside it; nothing where both are.
    pub fn doubt(&self) -> Option<&'static str> {
        match self {
            Trust::NotAsked | Trust::SignedBy(_) => None,
            Trust::Unsigned => Some("the metadata was not signed"),
            Trust::TakenOver { .. } => Some("the metadata is not signed by a key that is named"),
        }
    }

    /// What is to be told where another key signs from now on.
    pub fn note(&self, key: &Key) -> Option<String> {
        let from_now_on = format!("signed by {} from now on, which clients have to import", key.fingerprint);
        match self {
            Trust::SignedBy(before) if *before != key.fingerprint => {
                Some(format!("{from_now_on}; it was {before}, whose packages stay good"))
            }
            Trust::TakenOver { is_new_key: true } => Some(from_now_on),
            _ => None,
        }
    }
}

/// Says whose the metadata is. `named` are the signer's key and those that are named beside it.
///
/// # Errors
/// [`Error::DevelopmentKey`]: that one was not asked for, and the repository's clients do not know it. [`Error::NotTrusted`]
/// without `take_over`.
pub(super) fn judge(
    folder: &Path,
    texts: &Texts,
    key: &Key,
    named: &Keyring,
    take_over: bool,
) -> Result<Trust, Error> {
    let problem = match &texts.signature {
        None if is_unsigned(folder, texts)? => None,
        None => Some("it is not there, and there are keys to check it by".to_owned()),
        Some(signature) => match named.verify_detached(signature, &|| Ok(Box::new(&texts.repomd[..]))) {
            Ok(by) => return Ok(Trust::SignedBy(by.fingerprint)),
            Err(reason) => Some(format!("its signature {reason}")),
        },
    };
    let known = known(texts);
    let is_new_key = !known.contains(&key.fingerprint);
    if key.development && !known.is_empty() && is_new_key {
        return Err(Error::DevelopmentKey { path: folder.to_owned(), known: known.join(", ") });
    }
    match problem {
        None => Ok(Trust::Unsigned),
        Some(_) if take_over => Ok(Trust::TakenOver { is_new_key }),
        Some(problem) => Err(Error::NotTrusted { path: folder.to_owned(), problem }),
    }
}

/// Whether a missing signature is none that somebody took away, as far as the folder tells: nothing more is believed then.
fn is_unsigned(folder: &Path, texts: &Texts) -> io::Result<bool> {
    let noted = || Ok(State::of(folder)?.is_some_and(|state| state.is_of_unsigned(&texts.repomd)));
    if texts.keys.is_none() { Ok(true) } else { noted() }
}

/// The keys that lie beside the metadata, by their fingerprints: for people, and no more than what the folder says.
fn known(texts: &Texts) -> Vec<String> {
    let there = texts.keys.as_deref().and_then(|keys| Keyring::parse(keys, Path::new("")).ok());
    there.map(|keys| keys.fingerprints()).unwrap_or_default()
}
