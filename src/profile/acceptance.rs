//! What the rpm of a distribution accepts: the rules that keys and packages are judged by. Found by experiment with rpm 4.8,
//! 4.11, 4.14, 4.16, 4.18 and 6.0; what was not tried is marked † in `templates/targets/`.

use serde::{Deserialize, Serialize};

/// Which keys a distribution's rpm takes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Acceptance {
    /// `rsa`, `ed25519`, `ecdsa`, `dsa`.
    pub algorithms: Vec<String>,
    /// Whether a subkey's signature is recognised; else only the primary key's.
    pub subkeys: bool,
    /// Whether a key that certifies itself by SHA-1 can be used.
    pub sha1_self_signature: bool,
    /// The shortest RSA key. Bits.
    pub rsa_bits: usize,
    /// Whether a key is imported that has subpackets marked as critical which rpm's own parser does not know, and a signature read
    /// that has such ones.
    pub critical_subpackets: bool,
    /// Whether keys of version 6 (RFC 9580) are known.
    pub v6: bool,
}

/// Which packages a distribution's rpm takes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PackageRules {
    /// The ways of compressing a payload that it reads, as the tag PAYLOADCOMPRESSOR names them.
    pub compressors: Vec<String>,
    /// Whether packages of rpm 3's form are installed.
    pub v3: bool,
    /// What it makes of packages of version 6.
    pub v6: V6,
    /// Whether the size of the archive has to be stated (tag 1007, or 271 where it is large).
    pub archive_size: bool,
    /// How much a signature header may be.
    pub signature_header: SignatureHeader,
    /// What it does with digests.
    pub digests: Digests,
    /// What it does with signatures.
    pub signatures: Signatures,
}

/// What an rpm makes of packages of version 6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum V6 {
    /// It does not read them.
    Refused,
    /// It installs them, and does not find their signatures.
    Unsigned,
    /// It knows them.
    Known,
}

/// How much a signature header may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SignatureHeader {
    /// Tags.
    pub tags: u32,
    /// Bytes of data.
    pub data: u32,
}

/// What an rpm does with digests.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Digests {
    /// Those that it looks at: a bad one of another kind is not noticed.
    pub read: Vec<Digest>,
    /// Of each group, one has to be there.
    pub needed: Vec<Vec<Digest>>,
}

/// A digest that a package may state of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Digest {
    /// SHA-1 of the header (tag 269).
    HeaderSha1,
    /// SHA-256 of the header (273).
    HeaderSha256,
    /// SHA3-256 of the header (279).
    HeaderSha3,
    /// MD5 of header and payload (1004).
    Md5,
    /// SHA-256 of the payload as it lies in the file (5092).
    Payload,
    /// SHA-512 of the same (5121).
    PayloadSha512,
    /// SHA3-256 of the same (5123).
    PayloadSha3,
    /// SHA-256 of the archive in the payload (5097).
    Archive,
    /// Of each file.
    Files,
}

impl Digest {
    /// Whether it is of the header alone.
    pub fn is_of_header(self) -> bool {
        matches!(self, Digest::HeaderSha1 | Digest::HeaderSha256 | Digest::HeaderSha3)
    }

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Digest::HeaderSha1 => "SHA-1 of its header (tag 269)",
            Digest::HeaderSha256 => "SHA-256 of its header (tag 273)",
            Digest::HeaderSha3 => "SHA3-256 of its header (tag 279)",
            Digest::Md5 => "MD5 of header and payload (tag 1004)",
            Digest::Payload => "SHA-256 of its payload (tag 5092)",
            Digest::PayloadSha512 => "SHA-512 of its payload (tag 5121)",
            Digest::PayloadSha3 => "SHA3-256 of its payload (tag 5123)",
            Digest::Archive => "SHA-256 of its archive (tag 5097)",
            Digest::Files => "digests of its files",
        }
    }
}

/// What an rpm does with signatures.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Signatures {
    /// Whether a package without one is refused.
    pub required: bool,
    /// The tags that it reads them from.
    pub tags: Vec<u32>,
    /// What has to be signed in a package that is signed, each by a signature of its own.
    pub cover: Vec<Covers>,
    /// Whether one by SHA-1 counts.
    pub sha1: bool,
    /// Whether one counts that is dated before its key was made.
    pub earlier_than_key: bool,
    /// Whether one counts that is dated later than it is by the clock of who installs, and some minutes (rpm-sequoia: five).
    pub later_than_clock: bool,
}

/// What a signature is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Covers {
    /// The header, which has the payload's digest in it.
    Header,
    /// Header and payload together.
    HeaderAndPayload,
}

impl Covers {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Covers::Header => "header",
            Covers::HeaderAndPayload => "header and payload",
        }
    }
}
