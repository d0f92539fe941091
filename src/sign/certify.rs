//! The OpenPGP certificate of a key that stays where it is: without one, no rpm could know it.

use pgp::composed::{ArmorOptions, SignedKeyDetails, SignedPublicKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{KeyFlags, SignatureType, SubpacketData, UserId};
use pgp::types::{PacketHeaderVersion, Password, Tag};

use super::command::ExternalCommand;
use super::delegated::with;
use super::pkcs11::Token;
use super::raw::RawSigner;
use super::{Environment, Error, KeySpec, openpgp, packet};

/// Makes the OpenPGP public key, armored, whose secret is the key that `spec` names: a primary key that signs, with one
/// user id, certified by itself with SHA-256, as [`super::KeySpec::Development`] has it. `created` (Unix seconds) is part of
/// what the key is: with another one it is another key to everybody.
///
/// # Errors
/// [`Error::HasCertificate`] for a key that is an OpenPGP key already; the errors of opening it.
pub fn certify(
    spec: &KeySpec,
    environment: &Environment,
    user_id: &str,
    created: u64,
) -> Result<String, Error> {
    let raw: Box<dyn RawSigner> = match spec {
        KeySpec::Pkcs11(uri) => Box::new(Token::open(uri, environment)?),
        KeySpec::Command(words) => Box::new(ExternalCommand::new(words)),
        KeySpec::File(_) | KeySpec::Gpg(_) | KeySpec::Development | KeySpec::None => {
            return Err(Error::HasCertificate);
        }
    };
    let user_id = user_id.trim();
    if user_id.is_empty() || user_id.chars().any(char::is_control) {
        return Err(Error::UserId);
    }
    // OpenPGP counts seconds in 32 bits.
    let created = u32::try_from(created).unwrap_or(u32::MAX);
    let failed = |error: pgp::errors::Error| Error::Failed {
        key: raw.name().to_owned(),
        reason: openpgp::refused(&error),
    };
    let public = raw.public()?.packet(created).map_err(failed)?;
    let certificate = with(raw.as_ref(), &public, |key| {
        let mut uses = KeyFlags::default();
        uses.set_certify(true);
        uses.set_sign(true);
        let hashes = [HashAlgorithm::Sha256, HashAlgorithm::Sha512];
        let statements = vec![
            SubpacketData::KeyFlags(uses),
            SubpacketData::PreferredHashAlgorithms(hashes.into_iter().collect()),
        ];
        let config = packet::config(key, SignatureType::CertPositive, created, statements)?;
        let user = UserId::from_str(PacketHeaderVersion::New, user_id)?;
        let signature = config.sign_certification(key, &public, &Password::empty(), Tag::UserId, &user)?;
        let details =
            SignedKeyDetails::new(Vec::new(), Vec::new(), vec![user.into_signed(signature)], Vec::new());
        SignedPublicKey::new(public.clone(), details, Vec::new()).to_armored_string(ArmorOptions::default())
    })?;
    Ok(certificate)
}
