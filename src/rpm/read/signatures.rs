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

/// What a signature is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Covers {
    Header,
    /// Header and payload.
    All,
}

impl Covers {
    fn words(self) -> &'static str {
        match self {
            Covers::Header => "header",
            Covers::All => "header and payload",
        }
    }
}

/// All that are there.
pub(super) fn list(package: &Opened) -> Vec<SignatureInfo> {
    let described = packets(package).into_iter().map(|(tag, covers, packet)| match packet {
        Ok(packet) => read(tag, covers.words(), &packet),
        Err(problem) => unreadable(tag, covers.words(), problem),
    });
    described.collect()
}

/// A signature's bytes, or why there are none that can be read.
type Raw = Result<Vec<u8>, &'static str>;

/// Each one's tag and packet, or why there is none under the tag.
pub(super) fn packets(package: &Opened) -> Vec<(u32, Covers, Raw)> {
    let mut found = Vec::new();
    let single = [(267, Covers::Header), (268, Covers::Header), (1002, Covers::All), (1005, Covers::All)];
    for (tag, covers) in single {
        if let Some(packet) = bytes(package.signature(tag)) {
            let packet = if packet.len() > LONGEST { Err("it is too long") } else { Ok(packet) };
            found.push((tag, covers, packet));
        }
    }
    // OPENPGP: any number of them, in base 64.
    for text in texts(package.signature(278)) {
        let mut packet = Vec::new();
        let decoded = Base64Decoder::new(text.as_bytes()).take(LONGEST as u64).read_to_end(&mut packet);
        found.push((278, Covers::Header, decoded.map(|_| packet).map_err(|_| "it is no base 64")));
    }
    found
}

fn read(tag: u32, covers: &'static str, packet: &[u8]) -> SignatureInfo {
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
