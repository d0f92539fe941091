//! A key of the user's gpg: the secret part stays with gpg-agent, or on the card that it drives.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use zeroize::Zeroizing;

use super::validity::day;
use super::{Algorithm, Environment, Error, Key, Signer};
use crate::process;

/// Enough for a person to find the card and type a PIN in pinentry's window.
const PATIENCE: Duration = Duration::from_secs(120);
/// A signature is a kilobyte, and what gpg says about it some lines. Bytes.
const LONGEST: u64 = 1 << 20;

/// A signer that calls gpg.
#[derive(Debug)]
pub(super) struct Gpg {
    key: Key,
    /// Of the (sub)key that signs.
    signing_fingerprint: String,
    environment: Environment,
    /// Whether the passphrase was found to be wrong. It is not tried a second time: it may be the PIN of a card, which counts.
    wrong: Mutex<bool>,
}

impl Gpg {
    pub(super) fn open(name: &str, environment: &Environment) -> Result<Self, Error> {
        let listing = process::output(
            gpg(environment).args(["--with-colons", "--fixed-list-mode", "--list-secret-keys", "--", name]),
            PATIENCE,
        )?;
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
        let part = found.signing_part()?;
        let (primary, fingerprint) = (part.primary, found.fingerprint());
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
        )?;
        let public_key = String::from_utf8_lossy(&export.stdout).into_owned();
        let key = Key {
            fingerprint,
            key_id: part.key_id.clone(),
            user_id: found.user_id.clone(),
            algorithm: part.algorithm,
            created: part.created,
            primary,
            sha1_self_signature: self_signature_is_sha1(public_key.as_bytes()),
            development: false,
            public_key,
        };
        Ok(Gpg {
            key,
            signing_fingerprint: part.fingerprint.clone(),
            environment: environment.clone(),
            wrong: Mutex::new(false),
        })
    }

    fn call(&self, message: &Path, time: u64) -> Command {
        let mut command = gpg(&self.environment);
        // The exclamation marks: this clock stands still, and this very (sub)key signs.
        command.arg("--faked-system-time").arg(format!("{time}!"));
        command.arg("--local-user").arg(format!("{}!", self.signing_fingerprint));
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
        Ok(process::exchange(&mut command, input, PATIENCE, LONGEST)?)
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
            _ => process::Error::Failed {
                program: "gpg".to_owned(),
                status: output.status.to_string(),
                stderr: words.join("\n"),
            }
            .into(),
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
    algorithm: Algorithm,
    key_id: String,
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
                    algorithm: algorithm(field(3), field(2)),
                    key_id: field(4).to_uppercase(),
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

/// By the numbers of RFC 9580, 9.1.
fn algorithm(number: &str, bits: &str) -> Algorithm {
    match number {
        "1" | "3" => Algorithm::Rsa { bits: bits.parse().unwrap_or(0) },
        "17" => Algorithm::Dsa,
        "19" => Algorithm::Ecdsa,
        "22" | "27" => Algorithm::Ed25519,
        _ => Algorithm::Other,
    }
}

/// A key that cannot be read here is not blamed for it: gpg has vouched for it.
fn self_signature_is_sha1(armored: &[u8]) -> bool {
    use pgp::composed::{Deserializable, SignedPublicKey};
    use pgp::crypto::hash::HashAlgorithm;
    let Ok((key, _)) = SignedPublicKey::from_reader_single(armored) else { return false };
    let signatures = key.details.users.iter().flat_map(|user| &user.signatures);
    let newest = signatures.max_by_key(|signature| signature.created());
    newest.is_some_and(|signature| signature.hash_alg() == Some(HashAlgorithm::Sha1))
}
