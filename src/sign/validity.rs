//! What a key says of itself: since when, until when and for what it is good.

use pgp::composed::{SignedKeyDetails, SignedPublicKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{PublicKey, PublicSubkey, Signature, SignatureType, SubpacketData};
use pgp::types::{KeyDetails, PublicParams};
use rsa::traits::PublicKeyParts;

use std::time::{SystemTime, UNIX_EPOCH};

use super::{Algorithm, Error};

/// The newest valid certification of the key by itself: it says what the key may do, and until when. What others certify
/// is beside the point here.
pub(super) fn newest_self_signature<'a>(
    details: &'a SignedKeyDetails,
    primary: &PublicKey,
) -> Option<&'a Signature> {
    let of_users = details.users.iter().flat_map(|user| {
        user.signatures.iter().filter(move |signature| {
            signature.typ() != Some(SignatureType::CertRevocation)
                && signature
                    .verify_certification(primary, pgp::packet::PacketTrait::tag(&user.id), &user.id)
                    .is_ok()
        })
    });
    let direct = details.direct_signatures.iter().filter(|signature| signature.verify_key(primary).is_ok());
    of_users.chain(direct).max_by_key(|signature| signature.created())
}

/// Whether a self-signature lets its key sign data. Where it says nothing of uses, the algorithm decides.
pub(super) fn may_sign(signature: &Signature, algorithm: Algorithm) -> bool {
    let stated = signature.config().is_some_and(|config| {
        config.hashed_subpackets().any(|one| matches!(one.data, SubpacketData::KeyFlags(_)))
    });
    if stated { signature.key_flags().sign() } else { algorithm != Algorithm::Other }
}

/// Whether the signature says to be by this key.
pub(super) fn names(signature: &Signature, key: &(impl KeyDetails + ?Sized)) -> bool {
    let (fingerprint, id) = (key.fingerprint(), key.legacy_key_id());
    signature.issuer_fingerprint().into_iter().any(|issuer| *issuer == fingerprint)
        || signature.issuer_key_id().into_iter().any(|issuer| *issuer == id)
}

/// Whether a self-signature rests on a hash that can be forged.
pub(super) fn is_sha1(signature: &Signature) -> bool {
    matches!(signature.hash_alg(), Some(HashAlgorithm::Sha1 | HashAlgorithm::Md5))
}

/// Subpackets that rpm's own parser knows, so that these do no harm where they are marked as critical: the times of
/// signatures, issuers' ids and what a key is for. Tried one by one with rpm 4.18; with older ones it was not (†).
const KNOWN: [u8; 3] = [2, 16, 27];

/// The subpackets of a key's signatures, all of which rpm's own parser reads at once, that are marked as critical and that it
/// does not know: by number (RFC 9580, 5.2.3.7), each once.
pub(super) fn critical_subpackets(key: &SignedPublicKey) -> Vec<u8> {
    let details = &key.details;
    let all = details
        .revocation_signatures
        .iter()
        .chain(&details.direct_signatures)
        .chain(details.users.iter().flat_map(|user| &user.signatures))
        .chain(details.user_attributes.iter().flat_map(|attribute| &attribute.signatures))
        .chain(key.public_subkeys.iter().flat_map(|subkey| &subkey.signatures));
    let mut numbers: Vec<u8> = all.flat_map(critical_in).collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

/// As [`critical_subpackets`], of one signature of a key or of data, as often as they are there: the parser is the same.
pub(crate) fn critical_in(signature: &Signature) -> Vec<u8> {
    let all = signature.config().into_iter();
    let all = all.flat_map(|config| config.hashed_subpackets().chain(config.unhashed_subpackets()));
    let critical = all.filter(|one| one.is_critical).map(|one| one.typ().as_u8(false));
    critical.filter(|number| !KNOWN.contains(number)).collect()
}

/// The end of a key that was made at `created`, by its self-signature; both in Unix seconds. Nothing where it has none.
pub(super) fn end(created: u64, self_signature: &Signature) -> Option<u64> {
    let life = self_signature.key_expiration_time().map(|life| u64::from(life.as_secs()));
    life.filter(|life| *life > 0).map(|life| created + life)
}

/// A day as `2024-05-31`; `time` is in Unix seconds.
pub(super) fn day(time: u64) -> String {
    i64::try_from(time)
        .ok()
        .and_then(|time| jiff::Timestamp::from_second(time).ok())
        .map(|time| time.strftime("%Y-%m-%d").to_string())
        .unwrap_or_default()
}

pub(super) fn algorithm(params: &PublicParams) -> Algorithm {
    match params {
        PublicParams::RSA(rsa) => Algorithm::Rsa { bits: rsa.key.n().bits() },
        PublicParams::EdDSALegacy(_) | PublicParams::Ed25519(_) => Algorithm::Ed25519,
        PublicParams::ECDSA(_) => Algorithm::Ecdsa,
        PublicParams::DSA(_) => Algorithm::Dsa,
        _ => Algorithm::Other,
    }
}

/// The clock's time, in Unix seconds, and not SOURCE_DATE_EPOCH: whether a key may still be used is a question of today. No byte of
/// the output depends on it.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Whether the key may be used at `now`, in Unix seconds; `name` is for messages.
pub(super) fn check_alive(
    details: &SignedKeyDetails,
    primary: &PublicKey,
    self_signature: &Signature,
    name: &str,
    now: u64,
) -> Result<(), Error> {
    if details.revocation_signatures.iter().any(|signature| signature.verify_key(primary).is_ok()) {
        return Err(Error::Revoked { key: name.to_owned() });
    }
    let created = u64::from(primary.created_at().as_secs());
    check_time(created, end(created, self_signature), name, now)
}

/// Whether `now` is from a key's beginning up to its end, where it has one.
fn check_time(created: u64, end: Option<u64>, name: &str, now: u64) -> Result<(), Error> {
    let key = name.to_owned();
    match end {
        _ if created > now => Err(Error::NotYet { key, date: day(created), today: day(now) }),
        Some(end) if end <= now => Err(Error::Expired { key, date: day(end) }),
        _ => Ok(()),
    }
}

/// Whether a subkey may sign at `now`, in Unix seconds; an error where it might, were it not revoked, expired or of the future.
pub(super) fn check_subkey(
    primary: &PublicKey,
    subkey: &PublicSubkey,
    signatures: &[Signature],
    name: &str,
    now: u64,
) -> Result<bool, Error> {
    let valid = |kind: SignatureType| {
        signatures.iter().filter(move |signature| {
            signature.typ() == Some(kind) && signature.verify_subkey_binding(primary, subkey).is_ok()
        })
    };
    let binding = valid(SignatureType::SubkeyBinding).max_by_key(|signature| signature.created());
    // A subkey has to be given the right to sign expressly.
    if !binding.is_some_and(|binding| binding.key_flags().sign()) {
        return Ok(false);
    }
    if valid(SignatureType::SubkeyRevocation).next().is_some() {
        return Err(Error::Revoked { key: name.to_owned() });
    }
    let created = u64::from(subkey.created_at().as_secs());
    check_time(created, binding.and_then(|binding| end(created, binding)), name, now)?;
    Ok(true)
}
