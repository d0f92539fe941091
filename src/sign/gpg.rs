//! A key of the user's gpg: the secret part stays with gpg-agent, or on the card that it drives.

use std::io::{BufReader, Read, Seek, Write};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use pgp::composed::{Deserializable, SignedPublicKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{Packet, PacketParser, SignatureType, SignatureVersion};
use zeroize::Zeroizing;

use super::certificate;
use super::validity::{critical_in, day, names, newest_self_signature};
use super::{Environment, Error, Key, Signer, openpgp};
use crate::process;

/// Enough for a person to find the card and type a PIN in pinentry's window.
const PATIENCE: Duration = Duration::from_secs(120);
/// A signature is a kilobyte, and what gpg says about it some lines. Bytes.
const LONGEST: u64 = 1 << 20;

/// A signer that calls gpg.
#[derive(Debug)]
pub(super) struct Gpg {
    key: Key,
    /// The (sub)key that signs.
    signing: certificate::Part,
    environment: Environment,
    /// Whether the passphrase was found to be wrong. It is not tried a second time: it may be the PIN of a card, which counts.
    wrong: Mutex<bool>,
}

impl Gpg {
    pub(super) fn open(name: &str, environment: &Environment) -> Result<Self, Error> {
        let listing = process::output(
            gpg(environment).args(["--with-colons", "--fixed-list-mode", "--list-secret-keys", "--", name]),
            PATIENCE,
        )
        .map_err(Error::Gpg)?;
        // gpg ends with 2 both for "no such key" and for worse; the listing tells them apart.
        let mut keys = parse(&String::from_utf8_lossy(&listing.stdout));
        let found = match (keys.len(), keys.pop()) {
            (1, Some(found)) => found,
            // Which secret keys there are, only the agent knows.
            (0, _) | (_, None) if String::from_utf8_lossy(&listing.stderr).contains("gpg-agent") => {
                return Err(Error::NoAgent { key: name.to_owned() });
            }
            (0, _) | (_, None) => return Err(Error::NoSuchKey { key: name.to_owned() }),
            (count, _) => return Err(Error::Ambiguous { key: name.to_owned(), count }),
        };
        let (part, fingerprint) = (found.signing_part()?, found.fingerprint());
        let export = process::succeed(
            gpg(environment).args([
                "--armor",
                "--export-options",
                "export-minimal",
                "--export",
                "--",
                &fingerprint,
            ]),
            PATIENCE,
        )
        .map_err(Error::Gpg)?;
        let unusable = |reason: String| Error::TokenKey { key: fingerprint.clone(), reason };
        let unreadable = |error| {
            let reason = openpgp::unreadable(&error, &export.stdout);
            unusable(format!("its public key cannot be read: {reason}"))
        };
        let (public, _) =
            SignedPublicKey::from_reader_single(export.stdout.as_slice()).map_err(unreadable)?;
        let own = newest_self_signature(&public.details, &public.primary_key)
            .ok_or_else(|| unusable("it has no valid self-signature".to_owned()))?;
        let signing = certificate::Part::named(&public, &part.fingerprint)
            .ok_or_else(|| unusable("the part that signs is not in its public key".to_owned()))?;
        let key = Key {
            user_id: found.user_id.clone(),
            // As gpg wrote it.
            public_key: String::from_utf8_lossy(&export.stdout).into_owned(),
            ..Key::of(&public, signing.details(), own).map_err(unreadable)?
        };
        Ok(Gpg { key, signing, environment: environment.clone(), wrong: Mutex::new(false) })
    }

    fn call(&self, message: &Path, time: u64) -> Command {
        let mut command = gpg(&self.environment);
        // The exclamation marks: this clock stands still, and this very (sub)key signs.
        command.arg("--faked-system-time").arg(format!("{time}!"));
        command.arg("--local-user").arg(format!("{:X}!", self.signing.details().fingerprint()));
        command.args(["--digest-algo", "SHA256", "--no-armor", "--no-emit-version", "--output", "-"]);
        command.args(["--status-fd", "2"]);
        if self.environment.passphrase.get().is_some() {
            command.args(["--pinentry-mode", "loopback", "--passphrase-fd", "0"]);
        } else if !self.environment.interactive {
            // What the agent remembers is all there is; no window opens on a machine that nobody looks at.
            command.args(["--pinentry-mode", "error"]);
        }
        command.arg("--detach-sign").arg("--").arg(message);
        command
    }

    /// Runs gpg, with the passphrase on its stdin, where no other process can see it.
    fn run(&self, mut command: Command) -> Result<Output, Error> {
        let passphrase = self.environment.passphrase.get().unwrap_or_default();
        let mut input = Zeroizing::new(Vec::with_capacity(passphrase.len() + 1));
        input.extend(passphrase.as_bytes());
        input.push(b'\n');
        process::exchange(&mut command, input, PATIENCE, LONGEST).map_err(Error::Gpg)
    }

    /// Whether gpg gave what it was asked for. Its configuration can have it sign by a second key, or a text, or say what rpm does not
    /// read; and what a package has, nobody looks at before its users do.
    fn check(&self, answer: &[u8], message: impl Read) -> Result<(), Error> {
        let refuse = |reason| Err(Error::GpgAnswer { key: self.key.fingerprint.clone(), reason });
        let mut packets = PacketParser::new(answer);
        let (Some(Ok(Packet::Signature(signature))), None) = (packets.next(), packets.next()) else {
            return refuse("it is not one signature");
        };
        if signature.version() != SignatureVersion::V4 {
            return refuse("it is not a signature of version 4");
        }
        if signature.typ() != Some(SignatureType::Binary) {
            return refuse("it is a signature of a text, not of bytes");
        }
        if signature.hash_alg() != Some(HashAlgorithm::Sha256) {
            return refuse("it is not by SHA-256");
        }
        if !critical_in(&signature).is_empty() {
            return refuse("it has subpackets marked as critical, for which rpm refuses a package");
        }
        if !names(&signature, self.signing.details()) {
            return refuse("it is by another key");
        }
        if !self.signing.made(&signature, message) {
            return refuse("it does not hold");
        }
        Ok(())
    }

    /// Why gpg did not sign. The code that it gives says more than its words, which depend on its release.
    fn refusal(&self, output: &Output) -> Error {
        let stderr = String::from_utf8_lossy(&output.stderr);
        let (status, words): (Vec<&str>, Vec<&str>) =
            stderr.lines().partition(|line| line.starts_with("[GNUPG:]"));
        let key = self.key.fingerprint.clone();
        let code = status.iter().find_map(|line| {
            let number = line.strip_prefix("[GNUPG:] FAILURE sign ")?;
            // The upper byte says which part of gpg it comes from.
            Some(number.trim().parse::<u32>().ok()? & 0xffff)
        });
        match code.unwrap_or_default() {
            // GPG_ERR_BAD_PASSPHRASE, _BAD_PIN.
            11 | 87 => Error::WrongPassphrase { key },
            // GPG_ERR_NO_PIN_ENTRY, _NO_PIN, _NO_PASSPHRASE: there is nobody to ask.
            85 | 86 | 177 | 178 => Error::PassphraseNeeded { key },
            // GPG_ERR_NO_AGENT, _AGENT.
            77 | 78 => Error::NoAgent { key },
            // GPG_ERR_CANCELED, _FULLY_CANCELED.
            99 | 198 => Error::Cancelled { key },
            // GPG_ERR_CARD_REMOVED, _CARD_NOT_PRESENT.
            110 | 112 => Error::Card { key, reason: "it is not plugged in" },
            // GPG_ERR_NO_SCDAEMON, _SCDAEMON.
            119 | 120 => Error::Card { key, reason: "gpg's part for cards (scdaemon) is missing or fails" },
            // GPG_ERR_PIN_BLOCKED.
            130 => Error::Card { key, reason: "its PIN is blocked" },
            _ => Error::Gpg(process::Error::Failed {
                program: "gpg".to_owned(),
                status: output.status.to_string(),
                stderr: words.join("\n"),
            }),
        }
    }
}

impl Signer for Gpg {
    fn key(&self) -> &Key {
        &self.key
    }

    fn sign(&self, data: &mut dyn Read, time: u64) -> Result<Vec<u8>, Error> {
        let mut message = tempfile::NamedTempFile::new()?;
        std::io::copy(data, &mut message)?;
        message.flush()?;
        let command = self.call(message.path(), time.max(self.key.created));
        // One after another: the agent does no better, and a wrong passphrase is to be noticed before it is used again.
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        if *wrong {
            return Err(Error::WrongPassphrase { key: self.key.fingerprint.clone() });
        }
        let output = self.run(command)?;
        if output.status.success() {
            message.rewind()?;
            self.check(&output.stdout, BufReader::with_capacity(256 << 10, message))?;
            return Ok(output.stdout);
        }
        let refusal = self.refusal(&output);
        *wrong = matches!(refusal, Error::WrongPassphrase { .. });
        Err(refusal)
    }
}

fn gpg(environment: &Environment) -> Command {
    let mut command = Command::new("gpg");
    command.env("LC_ALL", "C").args(["--batch", "--no-tty", "--quiet"]);
    if let Some(home) = &environment.gnupg_home {
        command.arg("--homedir").arg(home);
    }
    command
}

/// One line `sec` or `ssb` of gpg's listing with what belongs to it.
#[derive(Debug, Clone)]
struct Part {
    primary: bool,
    validity: char,
    created: u64,
    expires: Option<u64>,
    /// Lower-case letters: what this very (sub)key may do.
    capabilities: String,
    /// Whether gpg has the secret part: `#` says that it has not.
    here: bool,
    fingerprint: String,
}

#[derive(Debug, Default)]
struct Listed {
    parts: Vec<Part>,
    user_id: String,
}

impl Listed {
    fn fingerprint(&self) -> String {
        self.parts.first().map(|part| part.fingerprint.clone()).unwrap_or_default()
    }

    /// The primary key where it may sign, for rpm before 4.14 knows no other; else the newest subkey that may.
    fn signing_part(&self) -> Result<&Part, Error> {
        let key = self.fingerprint();
        let state = self.parts.first().map(|part| (part.validity, part.expires));
        match state {
            Some(('r', _)) => return Err(Error::Revoked { key }),
            Some(('e', expires)) => {
                return Err(Error::Expired { key, date: expires.map(day).unwrap_or_default() });
            }
            _ => {}
        }
        let usable =
            |part: &&Part| part.here && part.capabilities.contains('s') && !"re".contains(part.validity);
        let subkeys =
            || self.parts.iter().filter(|part| !part.primary).filter(usable).max_by_key(|part| part.created);
        self.parts
            .iter()
            .filter(|part| part.primary)
            .find(usable)
            .or_else(subkeys)
            .ok_or(Error::CannotSign { key })
    }
}

/// The format is in gnupg's doc/DETAILS.
fn parse(listing: &str) -> Vec<Listed> {
    let mut keys: Vec<Listed> = Vec::new();
    for line in listing.lines() {
        let fields: Vec<&str> = line.split(':').collect();
        let field = |index: usize| fields.get(index).copied().unwrap_or_default();
        match field(0) {
            kind @ ("sec" | "ssb") => {
                let part = Part {
                    primary: kind == "sec",
                    validity: field(1).chars().next().unwrap_or('-'),
                    created: field(5).parse().unwrap_or(0),
                    expires: field(6).parse().ok(),
                    capabilities: field(11).chars().filter(char::is_ascii_lowercase).collect(),
                    here: field(14) != "#",
                    fingerprint: String::new(),
                };
                if part.primary {
                    keys.push(Listed::default());
                }
                if let Some(key) = keys.last_mut() {
                    key.parts.push(part);
                }
            }
            "fpr" => {
                if let Some(part) = keys.last_mut().and_then(|key| key.parts.last_mut()) {
                    part.fingerprint = field(9).to_uppercase();
                }
            }
            "uid" => {
                if let Some(key) = keys.last_mut().filter(|key| key.user_id.is_empty()) {
                    key.user_id = unescape(field(9));
                }
            }
            _ => {}
        }
    }
    keys
}

/// gpg writes a colon as `\x3a`.
fn unescape(text: &str) -> String {
    text.replace("\\x3a", ":").replace("\\x5c", "\\")
}
