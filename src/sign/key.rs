//! What there is to say of a key that signs.

use serde::Serialize;

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
    /// Whether the key certifies itself by SHA-1, which newer rpms refuse.
    pub sha1_self_signature: bool,
    /// Whether this is the key that modgraft made for itself.
    pub development: bool,
    /// The public key, armored, to import on the machines that install the packages.
    #[serde(skip)]
    pub public_key: String,
}

impl Key {
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
            development: true,
            public_key: String::new(),
        };
        assert_eq!(key.short_id(), "4F2A 91C0");
    }
}
