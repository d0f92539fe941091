//! A key that an external command signs with: a key management service, a signing server.
//!
//! The protocol, version 1; README.md documents it for those who write such commands. The program is run for each request,
//! with the request's name (`sign`, `public-key`) as its last argument and the request as one line of JSON on stdin. It
//! answers on stdout, with base 64 for a signature and with a public key in PEM (or base 64 of its DER) for `public-key`; a
//! failure is an exit status that is not 0, with the reason on stderr.

use std::io::Read;
use std::process::Command;
use std::time::Duration;

use pgp::base64::Base64Decoder;
use serde::Serialize;
use zeroize::Zeroizing;

use super::Error;
use super::raw::{Digest, RawPublic, RawSigner};
use crate::process;

/// Enough for a service that asks somebody to approve.
const PATIENCE: Duration = Duration::from_secs(120);
/// An RSA signature is a kilobyte, a public key less. Bytes.
const LONGEST: u64 = 64 << 10;
const PROTOCOL: u32 = 1;

/// A command that signs.
#[derive(Debug)]
pub(super) struct ExternalCommand {
    words: Vec<String>,
}

#[derive(Serialize)]
struct Request<'a> {
    modgraft: u32,
    request: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    algorithm: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hash: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
}

impl ExternalCommand {
    pub(super) fn new(words: &[String]) -> Self {
        ExternalCommand { words: words.to_vec() }
    }

    fn ask(&self, request: &Request<'_>) -> Result<Vec<u8>, Error> {
        let (program, arguments) =
            self.words.split_first().map_or(("", &[][..]), |(first, rest)| (first, rest));
        let mut line = serde_json::to_vec(request).expect("a request is plain data");
        line.push(b'\n');
        let mut command = Command::new(program);
        command.args(arguments).arg(request.request);
        let output = process::exchange(&mut command, Zeroizing::new(line), PATIENCE, LONGEST)
            .map_err(Error::Command)?;
        if !output.status.success() {
            return Err(Error::Command(process::Error::Failed {
                program: program.to_owned(),
                status: output.status.to_string(),
                stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            }));
        }
        Ok(output.stdout)
    }

    fn unreadable(&self, reason: impl Into<String>) -> Error {
        Error::Answer { program: self.name().to_owned(), reason: reason.into() }
    }
}

impl RawSigner for ExternalCommand {
    fn name(&self) -> &str {
        self.words.first().map_or("", String::as_str)
    }

    fn public(&self) -> Result<RawPublic, Error> {
        let request = Request {
            modgraft: PROTOCOL,
            request: "public-key",
            algorithm: None,
            hash: None,
            digest: None,
            key: None,
        };
        let answer = self.ask(&request)?;
        let der;
        let key = if answer.windows(10).any(|window| window == b"-----BEGIN") {
            &answer
        } else {
            der = base64(&answer).ok_or_else(|| self.unreadable("it is neither PEM nor base 64"))?;
            &der
        };
        RawPublic::from_spki(key).map_err(|reason| self.unreadable(format!("it is no public key: {reason}")))
    }

    fn own(&self) -> Option<&RawPublic> {
        None
    }

    fn sign(&self, algorithm: &str, fingerprint: &str, digest: &Digest) -> Result<Vec<u8>, Error> {
        let request = Request {
            modgraft: PROTOCOL,
            request: "sign",
            algorithm: Some(algorithm),
            hash: Some("sha256"),
            digest: Some(crate::hash::hex(digest)),
            key: Some(fingerprint),
        };
        base64(&self.ask(&request)?).ok_or_else(|| self.unreadable("it is no base 64"))
    }
}

/// Base 64 in either alphabet, broken into lines or not.
fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::with_capacity(text.len());
    for byte in text {
        match byte {
            b'-' => plain.push(b'+'),
            b'_' => plain.push(b'/'),
            byte if byte.is_ascii_whitespace() || *byte == b'=' => {}
            byte if byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/') => plain.push(*byte),
            _ => return None,
        }
    }
    // A rest of one digit is less than a byte.
    if plain.len() % 4 == 1 {
        return None;
    }
    plain.resize(plain.len().next_multiple_of(4), b'=');
    let mut bytes = Vec::new();
    Base64Decoder::new(plain.as_slice()).read_to_end(&mut bytes).ok()?;
    (!bytes.is_empty()).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_in_every_form() {
        for text in ["+/+/AQ==", "-_-_AQ", "+/+/\nAQ==\n", " +/+/AQ "] {
            assert_eq!(base64(text.as_bytes()).unwrap(), [0xfb, 0xff, 0xbf, 1], "{text}");
        }
        for bad in ["", "\n", "{}", "AAAAA"] {
            assert_eq!(base64(bad.as_bytes()), None, "{bad}");
        }
    }
}
