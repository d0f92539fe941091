//! Digests of files, by the algorithms that metadata states them in.

use std::fmt;

use sha1::Sha1;
use sha2::{Digest as _, Sha224, Sha256, Sha384, Sha512};

use crate::hash::hex;

/// An algorithm that a digest is made by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// `sha1`, or `sha` in metadata of old.
    Sha1,
    /// `sha224`.
    Sha224,
    /// `sha256`.
    Sha256,
    /// `sha384`.
    Sha384,
    /// `sha512`.
    Sha512,
}

impl Algorithm {
    /// By its name in metadata. Nothing for MD5: it guards against nobody.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "sha" | "sha1" => Algorithm::Sha1,
            "sha224" => Algorithm::Sha224,
            "sha256" => Algorithm::Sha256,
            "sha384" => Algorithm::Sha384,
            "sha512" => Algorithm::Sha512,
            _ => return None,
        })
    }

    /// `sha256`.
    pub fn name(self) -> &'static str {
        match self {
            Algorithm::Sha1 => "sha1",
            Algorithm::Sha224 => "sha224",
            Algorithm::Sha256 => "sha256",
            Algorithm::Sha384 => "sha384",
            Algorithm::Sha512 => "sha512",
        }
    }

    /// Hexadecimal digits.
    fn digits(self) -> usize {
        match self {
            Algorithm::Sha1 => 40,
            Algorithm::Sha224 => 56,
            Algorithm::Sha256 => 64,
            Algorithm::Sha384 => 96,
            Algorithm::Sha512 => 128,
        }
    }
}

/// A digest: what a file has to be.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Digest {
    /// What it is made by.
    pub algorithm: Algorithm,
    hex: String,
}

impl Digest {
    /// Nothing where `hex` is no digest of that algorithm.
    pub fn new(algorithm: Algorithm, hex: &str) -> Option<Self> {
        let hex = hex.trim();
        let good = hex.len() == algorithm.digits() && hex.bytes().all(|digit| digit.is_ascii_hexdigit());
        good.then(|| Digest { algorithm, hex: hex.to_ascii_lowercase() })
    }

    /// Lower-case hexadecimal.
    pub fn hex(&self) -> &str {
        &self.hex
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.algorithm.name(), self.hex)
    }
}

/// A digest in the making.
#[derive(Debug, Clone)]
pub enum Hasher {
    /// SHA-1.
    Sha1(Sha1),
    /// SHA-224.
    Sha224(Sha224),
    /// SHA-256.
    Sha256(Sha256),
    /// SHA-384.
    Sha384(Sha384),
    /// SHA-512.
    Sha512(Sha512),
}

impl Hasher {
    /// Of nothing so far.
    pub fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Sha1 => Hasher::Sha1(Sha1::new()),
            Algorithm::Sha224 => Hasher::Sha224(Sha224::new()),
            Algorithm::Sha256 => Hasher::Sha256(Sha256::new()),
            Algorithm::Sha384 => Hasher::Sha384(Sha384::new()),
            Algorithm::Sha512 => Hasher::Sha512(Sha512::new()),
        }
    }

    /// Takes more bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match self {
            Hasher::Sha1(hash) => hash.update(bytes),
            Hasher::Sha224(hash) => hash.update(bytes),
            Hasher::Sha256(hash) => hash.update(bytes),
            Hasher::Sha384(hash) => hash.update(bytes),
            Hasher::Sha512(hash) => hash.update(bytes),
        }
    }

    /// The digest of all bytes taken.
    pub fn finish(self) -> Digest {
        let (algorithm, bytes) = match self {
            Hasher::Sha1(hash) => (Algorithm::Sha1, hash.finalize().to_vec()),
            Hasher::Sha224(hash) => (Algorithm::Sha224, hash.finalize().to_vec()),
            Hasher::Sha256(hash) => (Algorithm::Sha256, hash.finalize().to_vec()),
            Hasher::Sha384(hash) => (Algorithm::Sha384, hash.finalize().to_vec()),
            Hasher::Sha512(hash) => (Algorithm::Sha512, hash.finalize().to_vec()),
        };
        Digest { algorithm, hex: hex(&bytes) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_algorithm_is_known_by_its_name_and_makes_its_digest() {
        for (name, begins) in [
            ("sha", "da39a3ee"),
            ("sha1", "da39a3ee"),
            ("sha224", "d14a028c"),
            ("sha256", "e3b0c442"),
            ("sha384", "38b060a7"),
            ("sha512", "cf83e135"),
        ] {
            let algorithm = Algorithm::parse(name).unwrap();
            let digest = Hasher::new(algorithm).finish();
            assert!(digest.hex().starts_with(begins), "{digest}");
            assert_eq!(Digest::new(algorithm, &digest.hex().to_uppercase()), Some(digest));
        }
        assert_eq!(Algorithm::parse("md5"), None);
    }

    #[test]
    fn what_is_no_digest_is_none() {
        for hex in ["", "abc", &"g".repeat(64), &"a".repeat(63)] {
            assert_eq!(Digest::new(Algorithm::Sha256, hex), None, "{hex}");
        }
    }
}
