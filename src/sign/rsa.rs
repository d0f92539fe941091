//! RSA by ring: four times as fast as the pure Rust implementation (6.5 ms against 27 ms for RSA-4096 on a busy machine),
//! and in constant time. A build signs three packages, some of them twice, so this is most of what signing costs. What is
//! built already is verified with each run, and a repository verifies each package that comes.

use pgp::crypto::hash::HashAlgorithm;
use pgp::crypto::rsa::SecretKey;
use pgp::packet::{Signature, SignatureVersion};
use pgp::types::{Mpi, PublicParams, RsaPublicParams, SignatureBytes};
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PKCS1_SHA256,
};
use rsa::pkcs8::EncodePrivateKey;
use rsa::traits::PublicKeyParts;
use rsa::{BigUint, RsaPrivateKey};
use zeroize::Zeroizing;

use super::packet::suffix;

/// A key in ring's form.
#[derive(Debug)]
pub(super) struct RsaKey(ring::rsa::KeyPair);

impl RsaKey {
    /// `None` where ring does not take the key: it wants 2048 to 4096 bits and an exponent of at least 65537.
    pub(super) fn new(public: &RsaPublicParams, secret: &SecretKey) -> Option<Self> {
        let (d, p, q, u) = secret.to_bytes();
        // The numbers of the key wipe themselves; these copies of them would not.
        let [d, p, q, _] = [d, p, q, u].map(Zeroizing::new);
        let number = |bytes: &[u8]| BigUint::from_bytes_be(bytes);
        // OpenPGP has the smaller prime first, PKCS#8 by habit the larger.
        let mut primes = vec![number(&p), number(&q)];
        primes.sort();
        primes.reverse();
        let key = RsaPrivateKey::from_components(
            public.key.n().clone(),
            public.key.e().clone(),
            number(&d),
            primes,
        )
        .ok()?;
        let der = key.to_pkcs8_der().ok()?;
        ring::rsa::KeyPair::from_pkcs8(der.as_bytes()).ok().map(RsaKey)
    }

    /// The first two bytes of the SHA-256 of `message`, and its PKCS#1 v1.5 signature.
    pub(super) fn sign(&self, message: &[u8]) -> pgp::errors::Result<([u8; 2], SignatureBytes)> {
        let digest = ring::digest::digest(&ring::digest::SHA256, message);
        let mut bytes = vec![0; self.0.public().modulus_len()];
        self.0
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut bytes)
            .map_err(|_| std::io::Error::other("the RSA key is inconsistent"))?;
        let start = [digest.as_ref()[0], digest.as_ref()[1]];
        Ok((start, SignatureBytes::Mpis(vec![Mpi::from_slice(&bytes)])))
    }
}

/// Whether a signature of a message holds. Nothing where ring cannot tell: it knows RSA of 2048 to 8192 bits with SHA-2, and
/// only what is at hand as a whole.
pub(super) fn holds(key: &PublicParams, signature: &Signature, message: &[u8]) -> Option<bool> {
    let PublicParams::RSA(public) = key else { return None };
    let (config, bytes) = (signature.config()?, signature.signature()?);
    let SignatureBytes::Mpis(numbers) = bytes else { return None };
    let [number] = &numbers[..] else { return None };
    let parameters = match config.hash_alg {
        HashAlgorithm::Sha256 => &RSA_PKCS1_2048_8192_SHA256,
        HashAlgorithm::Sha384 => &RSA_PKCS1_2048_8192_SHA384,
        HashAlgorithm::Sha512 => &RSA_PKCS1_2048_8192_SHA512,
        _ => return None,
    };
    let (bits, size) = (public.key.n().bits(), public.key.size());
    if signature.version() != SignatureVersion::V4 || !(2048..=8192).contains(&bits) {
        return None;
    }
    // OpenPGP leaves zeros in front of numbers out.
    let number = number.as_ref();
    let mut padded = vec![0; size.checked_sub(number.len())?];
    padded.extend(number);
    let message = [message, &suffix(config).ok()?].concat();
    let key = PublicKeyComponents { n: public.key.n().to_bytes_be(), e: public.key.e().to_bytes_be() };
    Some(key.verify(parameters, &message, &padded).is_ok())
}
