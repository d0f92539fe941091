//! A signer that does what modgraft's own never do: SHA-1, dates before the key was made, and statements of its own.

use std::io::Read;
use std::path::Path;

use modgraft::sign::{Error, Key, Signer};
use pgp::composed::{Deserializable, SignedSecretKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{PacketTrait, SignatureConfig, SignatureType, Subpacket, SubpacketData};
use pgp::types::{KeyDetails, Password, Timestamp};

pub struct Odd {
    secret: SignedSecretKey,
    key: Key,
    pub hash: HashAlgorithm,
    /// Seconds after the key's creation.
    pub after: i64,
    /// Subpackets besides the usual ones.
    pub more: Vec<Subpacket>,
}

impl Odd {
    /// Of a key file that `key` describes.
    pub fn of(file: &Path, key: &Key) -> Self {
        let text = fs_err::read_to_string(file).unwrap();
        let (secret, _) = SignedSecretKey::from_string(&text).unwrap();
        Odd { secret, key: key.clone(), hash: HashAlgorithm::Sha256, after: 0, more: Vec::new() }
    }
}

impl Signer for Odd {
    fn key(&self) -> &Key {
        &self.key
    }

    fn sign(&self, data: &mut dyn Read, _: u64) -> Result<Vec<u8>, Error> {
        let primary = &self.secret.primary_key;
        let time = u32::try_from(i64::try_from(self.key.created).unwrap() + self.after).unwrap();
        let mut config = SignatureConfig::v4(SignatureType::Binary, primary.algorithm(), self.hash);
        config.hashed_subpackets = [
            SubpacketData::IssuerFingerprint(primary.fingerprint()),
            SubpacketData::SignatureCreationTime(Timestamp::from_secs(time)),
        ]
        .into_iter()
        .map(|data| Subpacket::regular(data).unwrap())
        .chain(self.more.iter().cloned())
        .collect();
        let issuer = SubpacketData::IssuerKeyId(primary.legacy_key_id());
        config.unhashed_subpackets = vec![Subpacket::regular(issuer).unwrap()];
        let mut bytes = Vec::new();
        let signature = config.sign(primary, &Password::empty(), data).unwrap();
        signature.to_writer_with_header(&mut bytes).unwrap();
        Ok(bytes)
    }
}
