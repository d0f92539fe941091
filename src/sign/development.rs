//! The key that modgraft makes for itself where none is configured: RSA-4096, a primary key that signs, certified by itself
//! with SHA-256, without a passphrase. Every rpm from 4.8 to 6 accepts such a key.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use pgp::composed::{ArmorOptions, SignedKeyDetails, SignedSecretKey};
use pgp::crypto::public_key::PublicKeyAlgorithm;
use pgp::crypto::{hash::HashAlgorithm, rsa};
use pgp::packet::{KeyFlags, PubKeyInner, PublicKey, SecretKey, SignatureType, SubpacketData, UserId};
use pgp::types::{
    KeyVersion, PacketHeaderVersion, Password, PlainSecretParams, PublicParams, RsaPublicParams,
    SecretParams, Tag, Timestamp,
};
use rand::rngs::OsRng;
use zeroize::Zeroizing;

use super::keyfile::{KeyFile, one_line};
use super::{Error, Passphrase, packet};

/// Tells nothing of the user or the machine.
const USER_ID: &str = "modgraft development key";
const BITS: usize = 4096;

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

/// Writes a new key beside the final place and links it there, which fails where another process was first: then its
/// key is the one.
fn create(path: &Path, data_dir: &Path) -> Result<(), Error> {
    fs_err::create_dir_all(data_dir)?;
    let key = Zeroizing::new(generate()?);
    // tempfile makes its files with mode 0600.
    let mut file = tempfile::NamedTempFile::with_prefix_in(".development-key", data_dir)?;
    file.write_all(key.as_bytes())?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Ok(_) => {
            fs_err::File::open(data_dir)?.sync_all()?;
            Ok(())
        }
        Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error.error.into()),
    }
}

fn generate() -> Result<String, Error> {
    let created = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    build(Timestamp::from_secs(u32::try_from(created).unwrap_or(u32::MAX)))
        .map_err(|error| Error::Failed { key: USER_ID.to_owned(), reason: one_line(&error) })
}

fn build(created: Timestamp) -> pgp::errors::Result<String> {
    let secret = rsa::SecretKey::generate(OsRng, BITS)?;
    let public = PublicParams::RSA(RsaPublicParams::from(&secret));
    let public = PubKeyInner::new(KeyVersion::V4, PublicKeyAlgorithm::RSA, created, None, public)?;
    let public = PublicKey::from_inner(public)?;
    let primary = SecretKey::new(public.clone(), SecretParams::Plain(PlainSecretParams::RSA(secret)))?;

    let mut uses = KeyFlags::default();
    uses.set_certify(true);
    uses.set_sign(true);
    let hashes = [HashAlgorithm::Sha256, HashAlgorithm::Sha512];
    let statements = vec![
        SubpacketData::KeyFlags(uses),
        SubpacketData::PreferredHashAlgorithms(hashes.into_iter().collect()),
    ];
    let config = packet::config(&primary, SignatureType::CertPositive, created.as_secs(), statements)?;
    let user = UserId::from_str(PacketHeaderVersion::New, USER_ID)?;
    let signature = config.sign_certification(&primary, &public, &Password::empty(), Tag::UserId, &user)?;
    let details =
        SignedKeyDetails::new(Vec::new(), Vec::new(), vec![user.into_signed(signature)], Vec::new());
    SignedSecretKey::new(primary, details, Vec::new(), Vec::new()).to_armored_string(ArmorOptions::default())
}
