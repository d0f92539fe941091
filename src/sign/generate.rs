//! Makes a key that every rpm which knows its algorithm accepts: a primary key that signs, certified by itself with SHA-256,
//! with no subpacket marked as critical (rpm 4.18 refuses keys for that) and no subkey (rpm before 4.14 knows none).

use std::io::Write;
use std::path::{Path, PathBuf};

use pgp::composed::{ArmorOptions, KeyType as Kind, SignedKeyDetails, SignedSecretKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{KeyFlags, PubKeyInner, PublicKey, SecretKey, SignatureType, SubpacketData, UserId};
use pgp::types::{Duration, KeyDetails, KeyVersion, PacketHeaderVersion, Password, Tag, Timestamp};
use rand::rngs::OsRng;
use serde::Serialize;
use zeroize::Zeroizing;

use super::validity::algorithm;
use super::{Algorithm, Error, Passphrase, openpgp, packet};

/// What a key is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyType {
    /// Every rpm knows it.
    Rsa4096,
    /// rpm 4.16 and later know it. In the form of GnuPG (EdDSA), which is the one that rpm's own parser knows.
    Ed25519,
}

/// A key to be made.
#[derive(Debug, Clone)]
pub struct NewKey<'a> {
    /// What it is made of.
    pub key_type: KeyType,
    /// Whose it is: a name, an address.
    pub user_id: &'a str,
    /// Unix seconds.
    pub created: u32,
    /// When it ends, Unix seconds; never where it is missing.
    pub expires: Option<u32>,
}

/// A key that was made.
pub struct Generated {
    secret: Zeroizing<String>,
    /// Armored.
    pub public: String,
    /// Upper-case hexadecimal.
    pub fingerprint: String,
    /// As made.
    pub algorithm: Algorithm,
    /// Whether a passphrase is needed to use it.
    pub is_protected: bool,
}

/// Where a key was written to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyFiles {
    /// The secret key, readable to its owner alone.
    pub secret: PathBuf,
    /// The public key, to give out.
    pub public: PathBuf,
}

/// Makes a key; it is protected by the passphrase where there is one.
///
/// # Errors
/// [`Error::UserId`], [`Error::Expiry`], [`Error::Failed`].
pub fn generate(new: &NewKey<'_>, passphrase: &Passphrase) -> Result<Generated, Error> {
    if new.user_id.trim().is_empty() || new.user_id.chars().any(char::is_control) {
        return Err(Error::UserId);
    }
    let life = match new.expires {
        None => None,
        Some(end) => match end.checked_sub(new.created) {
            Some(life) if life > 0 => Some(life),
            _ => {
                return Err(Error::Expiry {
                    text: super::validity::day(u64::from(end)),
                    reason: "it is not in the future",
                });
            }
        },
    };
    build(new, life, passphrase.get())
        .map_err(|error| Error::Failed { key: new.user_id.to_owned(), reason: openpgp::refused(&error) })
}

fn build(new: &NewKey<'_>, life: Option<u32>, passphrase: Option<&str>) -> pgp::errors::Result<Generated> {
    let kind = match new.key_type {
        KeyType::Rsa4096 => Kind::Rsa(4096),
        KeyType::Ed25519 => Kind::Ed25519Legacy,
    };
    let (public, secret) = kind.generate(OsRng)?;
    let algorithm = algorithm(&public);
    let created = Timestamp::from_secs(new.created);
    let public = PubKeyInner::new(KeyVersion::V4, kind.to_alg(), created, None, public)?;
    let public = PublicKey::from_inner(public)?;
    let mut primary = SecretKey::new(public.clone(), secret)?;

    let mut uses = KeyFlags::default();
    uses.set_certify(true);
    uses.set_sign(true);
    let hashes = [HashAlgorithm::Sha256, HashAlgorithm::Sha512];
    let mut statements = vec![
        SubpacketData::KeyFlags(uses),
        SubpacketData::PreferredHashAlgorithms(hashes.into_iter().collect()),
    ];
    statements.extend(life.map(|life| SubpacketData::KeyExpirationTime(Duration::from_secs(life))));
    let config = packet::config(&primary, SignatureType::CertPositive, new.created, statements)?;
    let user = UserId::from_str(PacketHeaderVersion::New, new.user_id.trim())?;
    let signature = config.sign_certification(&primary, &public, &Password::empty(), Tag::UserId, &user)?;
    if let Some(passphrase) = passphrase {
        primary.set_password(OsRng, &Password::from(passphrase))?;
    }
    let details =
        SignedKeyDetails::new(Vec::new(), Vec::new(), vec![user.into_signed(signature)], Vec::new());
    let key = SignedSecretKey::new(primary, details, Vec::new(), Vec::new());
    Ok(Generated {
        fingerprint: format!("{:X}", key.primary_key.fingerprint()),
        algorithm,
        is_protected: passphrase.is_some(),
        public: key.to_public_key().to_armored_string(ArmorOptions::default())?,
        secret: Zeroizing::new(key.to_armored_string(ArmorOptions::default())?),
    })
}

impl Generated {
    /// Writes the secret key to `to`, readable to its owner alone, and the public key beside it (`release.asc` and
    /// `release.pub.asc`). What is there already is never overwritten.
    ///
    /// # Errors
    /// [`Error::Exists`], [`Error::Io`]. Nothing is left behind then.
    pub fn write(&self, to: &Path) -> Result<KeyFiles, Error> {
        let files = KeyFiles { secret: to.to_owned(), public: public_path(to) };
        // Before anything is written; what comes between is found out below.
        if let Some(there) =
            [&files.secret, &files.public].into_iter().find(|path| path.symlink_metadata().is_ok())
        {
            return Err(Error::Exists { path: there.clone() });
        }
        place(&files.public, self.public.as_bytes(), 0o644)?;
        if let Err(error) = place(&files.secret, self.secret.as_bytes(), 0o600) {
            // It belongs to no key that anybody has.
            let _ = fs_err::remove_file(&files.public);
            return Err(error);
        }
        Ok(files)
    }

    /// Writes the secret key alone, in the same way.
    ///
    /// # Errors
    /// As [`Generated::write`].
    pub(super) fn write_secret(&self, to: &Path) -> Result<(), Error> {
        place(to, self.secret.as_bytes(), 0o600)
    }
}

fn public_path(secret: &Path) -> PathBuf {
    let stem = secret.file_stem().unwrap_or_default().to_string_lossy();
    secret.with_file_name(format!("{stem}.pub.asc"))
}

/// Writes a file beside its place and links it there, which fails where something is there already.
fn place(to: &Path, bytes: &[u8], mode: u32) -> Result<(), Error> {
    use std::os::unix::fs::PermissionsExt;
    let folder = match to.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    // tempfile makes its files with mode 0600.
    let mut file = tempfile::Builder::new().prefix(".modgraft-key-").tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().set_permissions(PermissionsExt::from_mode(mode))?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(to) {
        Ok(_) => Ok(fs_err::File::open(folder)?.sync_all()?),
        Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => {
            Err(Error::Exists { path: to.to_owned() })
        }
        Err(error) => Err(error.error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_key_lies_beside_the_secret_one() {
        for (secret, public) in [("a/release.asc", "a/release.pub.asc"), ("release", "release.pub.asc")] {
            assert_eq!(public_path(Path::new(secret)), Path::new(public));
        }
    }

    #[test]
    fn what_is_no_name_and_no_end_is_refused() {
        let new = |user_id, expires| NewKey { key_type: KeyType::Ed25519, user_id, created: 1000, expires };
        for user_id in ["", "  ", "a\nb", "a\u{1b}[2J"] {
            let made = generate(&new(user_id, None), &Passphrase::default());
            assert!(matches!(made, Err(Error::UserId)), "{user_id:?}");
        }
        let made = generate(&new("a", Some(1000)), &Passphrase::default());
        assert!(matches!(made, Err(Error::Expiry { .. })));
    }
}
