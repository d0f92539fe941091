//! Keys that stay where they are, in a token or with a key management service: all that is asked of them is to sign digests.

use pgp::crypto::public_key::PublicKeyAlgorithm;
use pgp::packet::{PubKeyInner, PublicKey};
use pgp::ser::Serialize;
use pgp::types::{KeyVersion, Mpi, PublicParams, SignatureBytes, Timestamp};
use rsa::pkcs8::der::asn1::UintRef;
use rsa::pkcs8::der::{Decode, Reader, SliceReader};
use rsa::pkcs8::{Document, ObjectIdentifier, SubjectPublicKeyInfoRef};

use super::Error;

/// SHA-256.
pub(crate) type Digest = [u8; 32];

/// A key that stays where it is.
pub(crate) trait RawSigner: std::fmt::Debug + Send + Sync {
    /// As messages call it.
    fn name(&self) -> &str;

    /// The public key, as the place where the secret is tells it.
    fn public(&self) -> Result<RawPublic, Error>;

    /// The same, where that is known without asking.
    fn own(&self) -> Option<&RawPublic>;

    /// Signs a digest. RSA: PKCS#1 v1.5 with SHA-256; Ed25519: the digest is the message, as OpenPGP has it; ECDSA: DER, or
    /// the two numbers side by side. `fingerprint` is that of the OpenPGP key, upper-case hexadecimal.
    fn sign(&self, algorithm: &str, fingerprint: &str, digest: &Digest) -> Result<Vec<u8>, Error>;
}

/// A public key without OpenPGP's frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RawPublic {
    /// Numbers, most significant byte first.
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    Ed25519([u8; 32]),
    /// NIST P-256: the uncompressed point.
    P256(Box<[u8; 65]>),
}

/// OpenPGP's names of curves (RFC 9580, 9.2), with their length in front.
const ED25519_CURVE: [u8; 10] = [9, 0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x0f, 0x01];
const P256_CURVE: [u8; 9] = [8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];

impl RawPublic {
    /// Reads a SubjectPublicKeyInfo, PEM or DER, as `openssl pkey -pubout` and key management services write it.
    pub(crate) fn from_spki(bytes: &[u8]) -> Result<Self, String> {
        let document = match std::str::from_utf8(bytes) {
            Ok(text) if text.contains("-----BEGIN") => Document::from_pem(text.trim()).map(|(_, der)| der),
            _ => Document::from_der(bytes),
        };
        // No words of the library's: what it reads may be anything, a secret key too.
        let document = document.map_err(|_| "its PEM or DER is damaged")?;
        let info: SubjectPublicKeyInfoRef<'_> = document.decode_msg().map_err(|_| "it is of another kind")?;
        let key = info.subject_public_key.as_bytes().ok_or("its key is no whole number of bytes")?;
        let curve = || info.algorithm.parameters_oid().map(|oid| oid.to_string()).unwrap_or_default();
        match info.algorithm.oid {
            oid if oid == ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1") => {
                let key =
                    rsa::pkcs1::RsaPublicKey::from_der(key).map_err(|_| "its RSA numbers are damaged")?;
                let bytes = |number: UintRef<'_>| number.as_bytes().to_vec();
                Ok(RawPublic::Rsa { n: bytes(key.modulus), e: bytes(key.public_exponent) })
            }
            oid if oid == ObjectIdentifier::new_unwrap("1.3.101.112") => {
                key.try_into().map(RawPublic::Ed25519).map_err(|_| "it is no Ed25519 key".to_owned())
            }
            oid if oid == ObjectIdentifier::new_unwrap("1.2.840.10045.2.1")
                && curve() == "1.2.840.10045.3.1.7" =>
            {
                let point = <[u8; 65]>::try_from(key).map_err(|_| "its point has an unknown form")?;
                Ok(RawPublic::P256(Box::new(point)))
            }
            oid => Err(format!("it is neither RSA nor Ed25519 nor ECDSA on P-256 ({oid})")),
        }
    }

    /// As an OpenPGP key's packet, made at `created` (Unix seconds).
    pub(super) fn packet(&self, created: u32) -> pgp::errors::Result<PublicKey> {
        let algorithm = self.algorithm();
        let params = PublicParams::try_from_reader(algorithm, None, self.wire().as_slice())?;
        let created = Timestamp::from_secs(created);
        PublicKey::from_inner(PubKeyInner::new(KeyVersion::V4, algorithm, created, None, params)?)
    }

    /// Whether an OpenPGP key has this public key.
    pub(super) fn is(&self, params: &PublicParams) -> bool {
        let algorithm = match params {
            PublicParams::RSA(_) => PublicKeyAlgorithm::RSA,
            PublicParams::EdDSALegacy(_) => PublicKeyAlgorithm::EdDSALegacy,
            // The same key in the form of RFC 9580.
            PublicParams::Ed25519(_) => {
                return matches!(self, RawPublic::Ed25519(key) if written(params).is_some_and(|own| own == key));
            }
            PublicParams::ECDSA(_) => PublicKeyAlgorithm::ECDSA,
            _ => return false,
        };
        self.algorithm() == algorithm && written(params).is_some_and(|own| own == self.wire())
    }

    fn algorithm(&self) -> PublicKeyAlgorithm {
        match self {
            RawPublic::Rsa { .. } => PublicKeyAlgorithm::RSA,
            RawPublic::Ed25519(_) => PublicKeyAlgorithm::EdDSALegacy,
            RawPublic::P256(_) => PublicKeyAlgorithm::ECDSA,
        }
    }

    /// As packets have it (RFC 9580, 5.5.5).
    fn wire(&self) -> Vec<u8> {
        match self {
            RawPublic::Rsa { n, e } => [integer(n), integer(e)].concat(),
            RawPublic::Ed25519(key) => [&ED25519_CURVE[..], &integer(&[&[0x40], &key[..]].concat())].concat(),
            RawPublic::P256(point) => [&P256_CURVE[..], &integer(&point[..])].concat(),
        }
    }
}

fn written(params: &PublicParams) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    params.to_writer(&mut bytes).ok()?;
    Some(bytes)
}

/// A multiprecision integer: its bits, then its bytes.
fn integer(bytes: &[u8]) -> Vec<u8> {
    let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
    let bytes = &bytes[start..];
    let bits = bytes.first().map_or(0, |first| bytes.len() * 8 - first.leading_zeros() as usize);
    // A key of more than 65535 bits is refused when it is read back.
    let mut integer = u16::try_from(bits).unwrap_or(u16::MAX).to_be_bytes().to_vec();
    integer.extend(bytes);
    integer
}

/// What a key's signature is called where an algorithm has to be named; nothing for those that are not for packages.
pub(super) fn algorithm_name(params: &PublicParams) -> Option<&'static str> {
    match params {
        PublicParams::RSA(_) => Some("rsa-pkcs1-sha256"),
        PublicParams::EdDSALegacy(_) | PublicParams::Ed25519(_) => Some("ed25519"),
        PublicParams::ECDSA(pgp::types::EcdsaPublicParams::P256 { .. }) => Some("ecdsa-p256-sha256"),
        _ => None,
    }
}

/// What a raw signature may mean; which of them, verifying tells.
pub(super) fn readings(params: &PublicParams, raw: &[u8]) -> Vec<SignatureBytes> {
    let pair = |bytes: &[u8]| {
        let (first, second) = bytes.split_at(bytes.len() / 2);
        SignatureBytes::Mpis(vec![Mpi::from_slice(first), Mpi::from_slice(second)])
    };
    match params {
        PublicParams::RSA(_) => vec![SignatureBytes::Mpis(vec![Mpi::from_slice(raw)])],
        PublicParams::EdDSALegacy(_) if raw.len() == 64 => vec![pair(raw)],
        PublicParams::Ed25519(_) if raw.len() == 64 => vec![SignatureBytes::Native(raw.to_vec().into())],
        PublicParams::ECDSA(_) => {
            let side_by_side = (raw.len() == 64).then(|| pair(raw));
            side_by_side.into_iter().chain(sequence(raw)).collect()
        }
        _ => Vec::new(),
    }
}

/// The two numbers of a DER sequence.
fn sequence(der: &[u8]) -> Option<SignatureBytes> {
    let mut reader = SliceReader::new(der).ok()?;
    let numbers = reader.sequence(|inner| {
        let first = UintRef::decode(inner)?;
        Ok([first, UintRef::decode(inner)?])
    });
    let numbers = numbers.ok()?.map(|number| Mpi::from_slice(number.as_bytes()));
    Some(SignatureBytes::Mpis(numbers.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_have_no_leading_zeros() {
        assert_eq!(integer(&[0, 0, 1, 255]), [0, 9, 1, 255]);
        assert_eq!(integer(&[0x80]), [0, 8, 0x80]);
        assert_eq!(integer(&[]), [0, 0]);
    }

    #[test]
    fn what_is_no_public_key_is_refused() {
        for bad in
            [&b""[..], b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", b"\x30\x03\x02\x01\x01"]
        {
            assert!(RawPublic::from_spki(bad).is_err());
        }
    }
}
