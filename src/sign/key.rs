//! What there is to say of a key that signs.

use pgp::composed::{ArmorOptions, SignedPublicKey};
use pgp::packet::Signature;
use pgp::types::{KeyDetails, KeyVersion};
use serde::Serialize;

use super::validity::{self, critical_subpackets, is_sha1};

/// A signing key's algorithm, as far as rpm makes a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Algorithm {
    /// RSA, of this many bits.
    Rsa {
        /// Of the modulus.
        bits: usize,
    },
    /// EdDSA.
    Ed25519,
    /// ECDSA on any curve.
    Ecdsa,
    /// DSA.
    Dsa,
    /// Anything else that OpenPGP knows.
    Other,
}

impl Algorithm {
    /// As profiles name it.
    pub fn word(self) -> &'static str {
        match self {
            Algorithm::Rsa { .. } => "rsa",
            Algorithm::Ed25519 => "ed25519",
            Algorithm::Ecdsa => "ecdsa",
            Algorithm::Dsa => "dsa",
            Algorithm::Other => "another algorithm",
        }
    }
}

/// The public side of a key that signs.
#[derive(Debug, Clone, Serialize)]
pub struct Key {
    /// Of the primary key, upper-case hexadecimal: what a person compares.
    pub fingerprint: String,
    /// The 16 last digits of the fingerprint of the (sub)key that signs: what `rpm -K` shows, upper-case hexadecimal.
    pub key_id: String,
    /// The first user id; may be empty.
    pub user_id: String,
    /// Of the (sub)key that signs.
    pub algorithm: Algorithm,
    /// When the (sub)key that signs was made, Unix seconds.
    pub created: u64,
    /// Whether it is the primary key that signs; rpm before 4.14 knows no other.
    pub primary: bool,
    /// Whether the key certifies itself by SHA-1 or MD5, which newer rpms refuse.
    pub sha1_self_signature: bool,
    /// Whether the key has subpackets marked as critical that rpm's own parser does not know.
    pub critical_subpackets: bool,
    /// Whether the key is of version 6.
    pub v6: bool,
    /// Whether this is the key that modgraft made for itself.
    pub development: bool,
    /// The public key, armored, to import on the machines that install the packages.
    #[serde(skip)]
    pub public_key: String,
}

/// What an rpm looks at before it takes signatures by a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyForm {
    /// Of the (sub)key that signs.
    pub algorithm: Algorithm,
    /// Whether it is the primary key that signs.
    pub primary: bool,
    /// Whether the key certifies itself by SHA-1 or MD5, and by nothing newer.
    pub sha1_self_signature: bool,
    /// Whether the key has subpackets marked as critical that rpm's own parser does not know.
    pub critical_subpackets: bool,
    /// Whether the key is of version 6.
    pub v6: bool,
}

impl KeyForm {
    /// Of a public key, when `part` of it signs. `own` is its newest self-signature.
    pub(super) fn of(key: &SignedPublicKey, part: &dyn KeyDetails, own: &Signature) -> Self {
        KeyForm {
            algorithm: validity::algorithm(part.public_params()),
            primary: part.fingerprint() == key.primary_key.fingerprint(),
            sha1_self_signature: is_sha1(own),
            critical_subpackets: !critical_subpackets(key).is_empty(),
            v6: key.primary_key.version() == KeyVersion::V6,
        }
    }

    /// Of a primary key that signs and has nothing that any rpm takes offence at, its algorithm apart.
    pub fn plain(algorithm: Algorithm) -> Self {
        KeyForm {
            algorithm,
            primary: true,
            sha1_self_signature: false,
            critical_subpackets: false,
            v6: false,
        }
    }
}

impl Key {
    /// Of a public key, when `part` of it signs. `own` is its newest self-signature.
    ///
    /// # Errors
    /// Where the key cannot be written.
    pub(super) fn of(
        key: &SignedPublicKey,
        part: &dyn KeyDetails,
        own: &Signature,
    ) -> pgp::errors::Result<Self> {
        let KeyForm { algorithm, primary, sha1_self_signature, critical_subpackets, v6 } =
            KeyForm::of(key, part, own);
        let user = key.details.users.first();
        Ok(Key {
            fingerprint: format!("{:X}", key.primary_key.fingerprint()),
            key_id: format!("{}", part.legacy_key_id()).to_uppercase(),
            user_id: user.map(|user| String::from_utf8_lossy(user.id.id()).into_owned()).unwrap_or_default(),
            algorithm,
            created: u64::from(part.created_at().as_secs()),
            primary,
            sha1_self_signature,
            critical_subpackets,
            v6,
            development: false,
            public_key: key.to_armored_string(ArmorOptions::default())?,
        })
    }

    /// What an rpm looks at.
    pub fn form(&self) -> KeyForm {
        let &Key { algorithm, primary, sha1_self_signature, critical_subpackets, v6, .. } = self;
        KeyForm { algorithm, primary, sha1_self_signature, critical_subpackets, v6 }
    }

    /// The short name for a summary: the last eight digits of the primary key, in two groups (`4F2A 91C0`).
    pub fn short_id(&self) -> String {
        let digits: Vec<char> = self.fingerprint.chars().collect();
        let tail = &digits[digits.len().saturating_sub(8)..];
        tail.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_id_is_the_end_of_the_fingerprint() {
        let key = Key {
            fingerprint: "0123456789ABCDEF0123456789ABCDEF4F2A91C0".into(),
            key_id: String::new(),
            user_id: String::new(),
            algorithm: Algorithm::Rsa { bits: 4096 },
            created: 0,
            primary: true,
            sha1_self_signature: false,
            critical_subpackets: false,
            v6: false,
            development: true,
            public_key: String::new(),
        };
        assert_eq!(key.short_id(), "4F2A 91C0");
    }
}
