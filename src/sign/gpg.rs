//! A key of the user's gpg: the secret part stays with gpg-agent, or on the card that it drives.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::process::{self, Running};

use super::{Algorithm, Environment, Error, Key, Signer};

/// Enough for a person to find the card and type a PIN in pinentry's window.
const PATIENCE: Duration = Duration::from_secs(120);

/// A signer that calls gpg.
#[derive(Debug)]
pub(super) struct Gpg {
    key: Key,
    /// Of the (sub)key that signs.
    signing_fingerprint: String,
    environment: Environment,
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
        Ok(Gpg { key, signing_fingerprint: part.fingerprint.clone(), environment: environment.clone() })
    }

    fn call(&self, message: &Path, time: u64) -> Command {
        let mut command = gpg(&self.environment);
        // The exclamation marks: this clock stands still, and this very (sub)key signs.
        command.arg("--faked-system-time").arg(format!("{time}!"));
        command.arg("--local-user").arg(format!("{}!", self.signing_fingerprint));
        command.args(["--digest-algo", "SHA256", "--no-armor", "--no-emit-version", "--output", "-"]);
        if self.environment.passphrase.get().is_some() {
            command.args(["--pinentry-mode", "loopback", "--passphrase-fd", "0"]);
        }
        command.arg("--detach-sign").arg("--").arg(message);
        command
    }

    /// Runs gpg with the passphrase on its stdin, where no other process can see it.
    fn run_with_passphrase(&self, mut command: Command, passphrase: &str) -> Result<Vec<u8>, Error> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut running = Running::start(&mut command)?;
        let child = running.child();
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        if let Some(mut stdin) = stdin {
            // Where gpg ended early, its own message says why.
            let _ = stdin.write_all(passphrase.as_bytes()).and_then(|()| stdin.write_all(b"\n"));
        }
        let stderr = thread::spawn(move || {
            let mut text = String::new();
            stderr.map_or(Ok(0), |mut stderr| stderr.read_to_string(&mut text)).map(|_| text)
        });
        let mut signature = Vec::new();
        if let Some(mut stdout) = stdout {
            stdout.read_to_end(&mut signature)?;
        }
        let status = running.child().wait()?;
        let stderr = stderr.join().unwrap_or_else(|_| Ok(String::new()))?;
        if status.success() {
            return Ok(signature);
        }
        if process::interrupted() {
            return Err(process::Error::Interrupted.into());
        }
        if stderr.contains("Bad passphrase") {
            return Err(Error::WrongPassphrase { key: self.key.fingerprint.clone() });
        }
        Err(process::Error::Failed { program: "gpg".to_owned(), status: status.to_string(), stderr }.into())
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
        let mut command = self.call(message.path(), time.max(self.key.created));
        match self.environment.passphrase.get() {
            Some(passphrase) => self.run_with_passphrase(command, passphrase),
            None => match process::succeed(&mut command, PATIENCE) {
                Ok(output) => Ok(output.stdout),
                // Without a terminal or a window, the agent has nobody to ask.
                Err(process::Error::Failed { stderr, .. })
                    if ["No pinentry", "Inappropriate ioctl", "No passphrase given"]
                        .iter()
                        .any(|words| stderr.contains(words)) =>
                {
                    Err(Error::PassphraseNeeded { key: self.key.fingerprint.clone() })
                }
                Err(error) => Err(error.into()),
            },
        }
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
            Some(('e', expires)) => return Err(Error::Expired { key, date: day(expires) }),
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

fn day(seconds: Option<u64>) -> String {
    seconds
        .and_then(|seconds| i64::try_from(seconds).ok())
        .and_then(|seconds| jiff::Timestamp::from_second(seconds).ok())
        .map(|time| time.strftime("%Y-%m-%d").to_string())
        .unwrap_or_default()
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
