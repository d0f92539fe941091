//! What a publication goes by: what is said now, what was said before, and the keys of both.

use std::path::Path;

use super::current::{Current, KEYS, REPODATA};
use super::request::Request;
use super::state::Settings;
use super::{Error, check_id};
use crate::sign::{Key, Keyring, Signer};

/// What counts: what is said now, else what was said before.
pub(super) fn settings(request: &Request, before: Option<&Settings>) -> Result<Settings, Error> {
    let before = before.cloned().unwrap_or_default();
    let name = match (&request.name, before.name.is_empty()) {
        (Some(name), _) => name.clone(),
        (None, false) => before.name,
        (None, true) => name_of(&request.folder)?,
    };
    let (served, zstd) = match &request.serve[..] {
        [] => (before.served, before.zstd),
        profiles => (profiles.iter().map(|profile| profile.name.clone()).collect(), request.reads_zstd()),
    };
    Ok(Settings {
        name,
        base_url: request.base_url.clone().or(before.base_url),
        served,
        zstd,
        packages_signed: false,
    })
}

/// The folder's own name, as far as it can be a repository's.
fn name_of(folder: &Path) -> Result<String, Error> {
    let whole = fs_err::canonicalize(folder)?;
    let name = whole.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let plain =
        |letter: char| if letter.is_ascii_alphanumeric() || "._-".contains(letter) { letter } else { '-' };
    let name: String = name.chars().map(plain).collect();
    let name = name.trim_start_matches(['.', '_', '-']).to_owned();
    check_id(&name)?;
    Ok(name)
}

/// The signer's key, those that are given, and those that were there: what was signed before stays signed.
pub(super) fn keys(
    request: &Request,
    signer: Option<&dyn Signer>,
    current: Option<&Current>,
) -> Result<Option<Keyring>, Error> {
    let shown = Path::new(KEYS);
    let mut rings = Vec::new();
    if let Some(signer) = signer {
        rings.push(Keyring::parse(signer.key().public_key.as_bytes(), shown)?);
    }
    for file in &request.keys {
        rings.push(Keyring::open(file)?);
    }
    if let Some(there) = current.and_then(|current| current.keys.as_deref()) {
        rings.push(Keyring::parse(there, &request.folder.join(REPODATA).join(KEYS))?);
    }
    Ok((!rings.is_empty()).then(|| Keyring::joined(rings, shown).sorted_behind_first()))
}

/// What is to be told where another key signs from now on.
///
/// # Errors
/// [`Error::DevelopmentKey`]: that one was not asked for, and the repository's clients do not know it.
pub(super) fn new_key(folder: &Path, current: &Current, key: &Key) -> Result<Option<String>, Error> {
    let Some(there) = current.keys.as_deref().filter(|_| current.signature.is_some()) else {
        return Ok(None);
    };
    let known = Keyring::parse(there, &folder.join(REPODATA).join(KEYS))?.fingerprints();
    if known.contains(&key.fingerprint) {
        return Ok(None);
    }
    let known = known.join(", ");
    if key.development {
        return Err(Error::DevelopmentKey { path: folder.to_owned(), known });
    }
    Ok(Some(format!(
        "signed by {} from now on, which clients have to import; it was {known}, whose packages stay good",
        key.fingerprint
    )))
}

/// What the keys' file is called, beside the .repo file.
pub(super) fn key_file(name: &str) -> String {
    format!("RPM-GPG-KEY-{name}")
}
