//! The key that modgraft makes for itself where none is configured: RSA-4096, a primary key that signs, certified by itself
//! with SHA-256, without a passphrase. Every rpm from 4.8 to 6 accepts such a key.

use std::path::{Path, PathBuf};

use super::generate::{KeyType, NewKey, generate};
use super::keyfile::KeyFile;
use super::validity::now;
use super::{Error, Passphrase};

/// Tells nothing of the user or the machine.
const USER_ID: &str = "modgraft development key";

/// Where the key is kept.
pub(super) fn path(data_dir: &Path) -> PathBuf {
    data_dir.join("development-key.asc")
}

/// Opens the key, and makes it first where there is none.
pub(super) fn open(data_dir: &Path) -> Result<KeyFile, Error> {
    let path = path(data_dir);
    if !path.exists() {
        create(&path, data_dir)?;
    }
    Ok(KeyFile::open(&path, &Passphrase::default())?.into_development())
}

/// Makes a key; where another process was first, its key is the one.
fn create(path: &Path, data_dir: &Path) -> Result<(), Error> {
    fs_err::create_dir_all(data_dir)?;
    let created = u32::try_from(now()).unwrap_or(u32::MAX);
    let new = NewKey { key_type: KeyType::Rsa4096, user_id: USER_ID, created, expires: None };
    match generate(&new, &Passphrase::default())?.write_secret(path) {
        Err(Error::Exists { .. }) => Ok(()),
        other => other,
    }
}
