//! The signature packet: version 4, binary, SHA-256, with the issuer's fingerprint, as gpg makes them.

use std::io::Read;

use pgp::crypto::hash::HashAlgorithm;
use pgp::crypto::public_key::PublicKeyAlgorithm;
use pgp::packet::{PacketTrait, Signature, SignatureConfig, SignatureType, Subpacket, SubpacketData};
use pgp::ser::Serialize;
use pgp::types::{KeyDetails, Password, SigningKey, Timestamp};

use super::rsa::RsaKey;

/// Messages up to this size are read whole, since the fast signer takes them in one piece; longer ones are hashed as they
/// come, which takes longer than the slow signer loses. 8 MiB.
const WHOLE: u64 = 8 << 20;

/// What a signature says beside the mathematics. Subpackets are not critical: rpm 4.18 refuses what it does not know
/// where that is marked critical.
pub(super) fn config(
    key: &impl KeyDetails,
    kind: SignatureType,
    time: u32,
    more: Vec<SubpacketData>,
) -> pgp::errors::Result<SignatureConfig> {
    let algorithm: PublicKeyAlgorithm = key.algorithm();
    let mut config = SignatureConfig::v4(kind, algorithm, HashAlgorithm::Sha256);
    let hashed = [
        SubpacketData::IssuerFingerprint(key.fingerprint()),
        SubpacketData::SignatureCreationTime(Timestamp::from_secs(time)),
    ];
    config.hashed_subpackets =
        hashed.into_iter().chain(more).map(Subpacket::regular).collect::<pgp::errors::Result<_>>()?;
    config.unhashed_subpackets = vec![Subpacket::regular(SubpacketData::IssuerKeyId(key.legacy_key_id()))?];
    Ok(config)
}

/// Signs all that `data` yields.
pub(super) fn sign<K: SigningKey>(
    key: &K,
    fast: Option<&RsaKey>,
    data: &mut dyn Read,
    time: u32,
) -> pgp::errors::Result<Vec<u8>> {
    let config = config(key, SignatureType::Binary, time, Vec::new())?;
    let Some(fast) = fast else {
        return serialize(&config.sign(key, &Password::empty(), data)?);
    };
    let mut message = Vec::new();
    data.take(WHOLE).read_to_end(&mut message)?;
    if message.len() as u64 == WHOLE {
        return serialize(&config.sign(key, &Password::empty(), message.as_slice().chain(data))?);
    }
    message.extend(suffix(&config)?);
    let (start, bytes) = fast.sign(&message)?;
    serialize(&Signature::from_config(config, start, bytes)?)
}

/// What is hashed after the message, of a signature of version 4: the hashed part of the packet, and the trailer (RFC 4880,
/// 5.2.4).
pub(super) fn suffix(config: &SignatureConfig) -> pgp::errors::Result<Vec<u8>> {
    let mut hashed = Vec::new();
    for subpacket in &config.hashed_subpackets {
        subpacket.to_writer(&mut hashed)?;
    }
    let mut bytes = vec![4, config.typ.into(), config.pub_alg.into(), config.hash_alg.into()];
    bytes.extend(u16::try_from(hashed.len()).map_err(too_long)?.to_be_bytes());
    bytes.extend(hashed);
    let length = u32::try_from(bytes.len()).map_err(too_long)?;
    bytes.extend([4, 0xff]);
    bytes.extend(length.to_be_bytes());
    Ok(bytes)
}

fn too_long(_: std::num::TryFromIntError) -> std::io::Error {
    std::io::Error::other("the signature states more than one can")
}

fn serialize(signature: &Signature) -> pgp::errors::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    signature.to_writer_with_header(&mut bytes)?;
    Ok(bytes)
}
