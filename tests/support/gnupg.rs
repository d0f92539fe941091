//! The real gpg, with a home of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

use modgraft::sign::Environment;

use super::run;

/// A gpg home of its own, whose agent ends with it.
pub struct Gnupg {
    pub home: tempfile::TempDir,
}

impl Gnupg {
    pub fn new() -> Self {
        // Short, since the agent's socket is in it.
        Gnupg { home: tempfile::Builder::new().prefix("g").tempdir_in("/tmp").unwrap() }
    }

    pub fn command(&self) -> Command {
        let mut command = Command::new("gpg");
        command.arg("--homedir").arg(self.home.path()).args(["--batch", "--no-tty", "--quiet"]);
        command
    }

    /// Makes a key and returns its fingerprint.
    pub fn generate(&self, parameters: &str) -> String {
        let file = self.home.path().join("parameters");
        fs_err::write(&file, parameters).unwrap();
        run(self.command().args(["--pinentry-mode", "loopback", "--generate-key"]).arg(&file));
        let listing = run(self.command().args(["--with-colons", "--list-secret-keys"]));
        let fingerprints = listing.lines().filter(|line| line.starts_with("fpr:"));
        fingerprints.map(|line| line.split(':').nth(9).unwrap().to_owned()).next().unwrap()
    }

    pub fn export(&self, passphrase: &str, to: &Path) -> PathBuf {
        run(self
            .command()
            .args(["--pinentry-mode", "loopback", "--passphrase", passphrase, "--armor", "--yes", "--output"])
            .arg(to)
            .arg("--export-secret-keys"));
        to.to_owned()
    }

    /// The public keys, armored.
    pub fn public(&self, to: &Path) -> PathBuf {
        run(self.command().args(["--armor", "--yes", "--output"]).arg(to).arg("--export"));
        to.to_owned()
    }

    pub fn environment(&self, passphrase: Option<&str>) -> Environment {
        Environment {
            passphrase: passphrase.map(Into::into).unwrap_or_default(),
            gnupg_home: Some(self.home.path().to_owned()),
            ..Environment::default()
        }
    }

    /// Whether gpg, with only this public key, takes the signature.
    pub fn verifies(public_key: &str, message: &[u8], signature: &[u8]) -> String {
        let verifier = Gnupg::new();
        let path = |name: &str| verifier.home.path().join(name);
        fs_err::write(path("key.asc"), public_key).unwrap();
        fs_err::write(path("message"), message).unwrap();
        fs_err::write(path("signature"), signature).unwrap();
        run(verifier.command().arg("--import").arg(path("key.asc")));
        run(verifier
            .command()
            .args(["--status-fd", "1", "--verify"])
            .arg(path("signature"))
            .arg(path("message")))
    }
}

impl Drop for Gnupg {
    fn drop(&mut self) {
        let _ =
            Command::new("gpgconf").arg("--homedir").arg(self.home.path()).args(["--kill", "all"]).status();
    }
}

/// Parameters of a key that signs.
pub const RSA: &str =
    "Key-Type: RSA\nKey-Length: 2048\nKey-Usage: sign,cert\nName-Real: Release\nExpire-Date: 0\n";
/// What ends parameters: no passphrase.
pub const PLAIN: &str = "%no-protection\n%commit\n";
