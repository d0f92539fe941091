//! The signatures of a package: who says to have made them. Whether that is true, only a keyring can tell.

use std::io::Read;

use pgp::base64::Base64Decoder;
use pgp::crypto::public_key::PublicKeyAlgorithm;
use pgp::packet::{Packet, PacketParser, Signature};
use serde::Serialize;

use super::{Opened, bytes, texts};

/// A longer one is none. Bytes.
const LONGEST: usize = 16 << 10;

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
pub(super) fn list(package: &Opened) -> Vec<SignatureInfo> {
    let mut found = Vec::new();
    let single =
        [(267, "header"), (268, "header"), (1002, "header and payload"), (1005, "header and payload")];
    for (tag, covers) in single {
        if let Some(packet) = bytes(package.signature(tag)) {
            found.push(read(tag, covers, &packet));
        }
    }
    // OPENPGP: any number of them, in base 64.
    for text in texts(package.signature(278)) {
        let mut packet = Vec::new();
        let decoded = Base64Decoder::new(text.as_bytes()).take(LONGEST as u64).read_to_end(&mut packet);
        match decoded {
            Ok(_) => found.push(read(278, "header", &packet)),
            Err(_) => found.push(unreadable(278, "header", "it is no base 64")),
        }
    }
    found
}

fn read(tag: u32, covers: &'static str, packet: &[u8]) -> SignatureInfo {
    if packet.len() > LONGEST {
        return unreadable(tag, covers, "it is too long");
    }
    match PacketParser::new(packet).next() {
        Some(Ok(Packet::Signature(signature))) => describe(tag, covers, &signature),
        Some(Ok(_)) => unreadable(tag, covers, "it is an OpenPGP packet of another kind"),
        Some(Err(_)) | None => unreadable(tag, covers, "it is no OpenPGP packet"),
    }
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
