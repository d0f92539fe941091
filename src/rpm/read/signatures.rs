//! The signatures of a package: who says to have made them. Whether that is true, only a keyring can tell.

use std::io::Read;

use pgp::base64::Base64Decoder;
use pgp::crypto::public_key::PublicKeyAlgorithm;
use pgp::packet::{Packet, PacketParser, Signature, SignatureType};
use serde::Serialize;

use super::{Error, Opened};
use crate::profile::acceptance::Covers;

/// A longer one is none. Bytes.
const LONGEST: usize = 16 << 10;
/// A package has one or two; each further one of the tag 278 costs another hashing of the header.
const MOST: usize = 16;

/// One signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SignatureInfo {
    /// The tag it is under.
    pub tag: u32,
    /// `header`, or `header and payload`.
    pub covers: &'static str,
    /// `RSA`; empty where the packet cannot be read.
    pub algorithm: String,
    /// `SHA256`.
    pub hash: String,
    /// 16 hexadecimal digits.
    pub key_id: Option<String>,
    /// Of the (sub)key, hexadecimal.
    pub fingerprint: Option<String>,
    /// Unix seconds.
    pub time: Option<u64>,
    /// Why it cannot be read, where it cannot.
    pub problem: Option<String>,
}

/// All that are there.
///
/// # Errors
/// As [`packets`].
pub(super) fn list(package: &Opened) -> Result<Vec<SignatureInfo>, Error> {
    Ok(packets(package)?.iter().map(Found::info).collect())
}

/// A signature's packet, or why there is none under the tag.
pub(super) struct Found {
    pub tag: u32,
    pub covers: Covers,
    pub packet: Result<Box<Signature>, &'static str>,
}

impl Found {
    pub(super) fn info(&self) -> SignatureInfo {
        match &self.packet {
            Ok(signature) => describe(self.tag, self.covers.words(), signature),
            Err(problem) => unreadable(self.tag, self.covers.words(), problem),
        }
    }
}

/// Each one's packet, or why there is none under the tag.
///
/// # Errors
/// [`Error::Damaged`] where what is under a tag is not of the tag's type.
pub(super) fn packets(package: &Opened) -> Result<Vec<Found>, Error> {
    let mut found = Vec::new();
    let single = [
        (267, Covers::Header),
        (268, Covers::Header),
        (1002, Covers::HeaderAndPayload),
        (1005, Covers::HeaderAndPayload),
    ];
    for (tag, covers) in single {
        if let Some(bytes) = package.signature_entry::<Option<Vec<u8>>>(tag)? {
            found.push(Found { tag, covers, packet: parse(&bytes) });
        }
    }
    // OPENPGP: any number of them, in base 64.
    for text in package.signature_entry::<Vec<String>>(278)? {
        let packet = if found.len() < MOST { decode(&text) } else { Err("there are too many to be read") };
        let too_many = found.len() == MOST;
        found.push(Found { tag: 278, covers: Covers::Header, packet });
        if too_many {
            break;
        }
    }
    Ok(found)
}

fn decode(text: &str) -> Result<Box<Signature>, &'static str> {
    let mut packet = Vec::new();
    let decoder = Base64Decoder::new(text.as_bytes());
    decoder.take(LONGEST as u64 + 1).read_to_end(&mut packet).map_err(|_| "it is no base 64")?;
    parse(&packet)
}

fn parse(packet: &[u8]) -> Result<Box<Signature>, &'static str> {
    if packet.len() > LONGEST {
        return Err("it is too long");
    }
    let mut packets = PacketParser::new(packet);
    let signature = match packets.next() {
        Some(Ok(Packet::Signature(signature))) => Box::new(signature),
        Some(Ok(_)) => return Err("it is an OpenPGP packet of another kind"),
        Some(Err(_)) | None => return Err("it is no OpenPGP packet"),
    };
    // What follows is not looked at by anybody, and so can be anything.
    if packets.next().is_some() {
        return Err("something follows it");
    }
    if signature.typ() != Some(SignatureType::Binary) {
        return Err("it is no signature of data");
    }
    Ok(signature)
}

fn describe(tag: u32, covers: &'static str, signature: &Signature) -> SignatureInfo {
    SignatureInfo {
        tag,
        covers,
        algorithm: signature.config().map(|config| algorithm(config.pub_alg)).unwrap_or_default(),
        hash: signature.hash_alg().map(|hash| hash.to_string()).unwrap_or_default(),
        key_id: signature.issuer_key_id().first().map(|id| format!("{id}").to_uppercase()),
        fingerprint: signature.issuer_fingerprint().first().map(|fingerprint| format!("{fingerprint:X}")),
        time: signature.created().map(|time| u64::from(time.as_secs())),
        problem: None,
    }
}

/// A signature's algorithm as profiles name it.
pub(super) fn kind(signature: &Signature) -> &'static str {
    match signature.config().map(|config| config.pub_alg) {
        Some(PublicKeyAlgorithm::RSA | PublicKeyAlgorithm::RSASign) => "rsa",
        Some(PublicKeyAlgorithm::EdDSALegacy | PublicKeyAlgorithm::Ed25519) => "ed25519",
        Some(PublicKeyAlgorithm::ECDSA) => "ecdsa",
        Some(PublicKeyAlgorithm::DSA) => "dsa",
        _ => "another algorithm",
    }
}

fn algorithm(algorithm: PublicKeyAlgorithm) -> String {
    match algorithm {
        PublicKeyAlgorithm::RSA | PublicKeyAlgorithm::RSASign | PublicKeyAlgorithm::RSAEncrypt => {
            "RSA".to_owned()
        }
        PublicKeyAlgorithm::EdDSALegacy => "EdDSA".to_owned(),
        other => format!("{other:?}"),
    }
}

fn unreadable(tag: u32, covers: &'static str, problem: &str) -> SignatureInfo {
    SignatureInfo {
        tag,
        covers,
        algorithm: String::new(),
        hash: String::new(),
        key_id: None,
        fingerprint: None,
        time: None,
        problem: Some(problem.to_owned()),
    }
}
