//! Packages and keys to judge.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::Arc;

use modgraft::package::Package;
use modgraft::profile::Profile;
use modgraft::sign::{Algorithm, BoxedSigner, Environment, Key, KeySpec, Keyring, Signer, open_with};
use modgraft::verify::Verified;

use crate::support::gnupg::{Gnupg, PLAIN};
use crate::support::module::Module;
use crate::support::{key, run};

/// The releases that a package is judged for where none is named.
pub const RELEASES: [&str; 6] = ["el6", "el7", "el8", "el9", "el10", "fedora"];

pub struct Place {
    pub folder: tempfile::TempDir,
    /// Public keys of the signer.
    pub keys: PathBuf,
}

impl Place {
    pub fn new() -> Self {
        Place::with(&**key())
    }

    pub fn with(signer: &dyn Signer) -> Self {
        Place::of(signer.key())
    }

    pub fn of(key: &Key) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let keys = folder.path().join("keys.asc");
        fs_err::write(&keys, &key.public_key).unwrap();
        Place { folder, keys }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The module's package in the form of a profile, signed.
    pub fn package(&self, profile: &Arc<Profile>, signer: Option<&dyn Signer>) -> PathBuf {
        let mut module = Module::new();
        module.target.profile = profile.clone();
        self.write(&module.packages().binary, signer)
    }

    pub fn write(&self, package: &Package, signer: Option<&dyn Signer>) -> PathBuf {
        let to = self.path("package.rpm");
        modgraft::rpm::write(package, signer, &to).unwrap();
        to
    }

    pub fn keyring(&self) -> Keyring {
        Keyring::open(&self.keys).unwrap()
    }

    /// The verdicts of all profiles.
    pub fn verified(&self, package: &Path, with_keys: bool) -> Verified {
        let keys = with_keys.then(|| self.keyring());
        let examined = modgraft::rpm::examine(package, keys.as_ref()).unwrap();
        Verified::of(package.to_owned(), examined, with_keys, Profile::all().map(Arc::as_ref))
    }

    /// What the rpm of this machine says, where everything has to be signed: whether it accepts, and its words.
    pub fn real(&self, package: &Path) -> (bool, String) {
        let database = self.path("rpmdb");
        if !database.exists() {
            // A key that it cannot use, it does not import.
            let import = rpmkeys(&database).arg("--import").arg(&self.keys).output();
            import.unwrap_or_else(|error| panic!("`rpmkeys` is needed by this test: {error}"));
        }
        let (status, said) = real(&database, &[package.to_owned()]);
        (status.success(), said)
    }
}

fn rpmkeys(database: &Path) -> Command {
    let mut command = Command::new("rpmkeys");
    command.arg("--dbpath").arg(database);
    command
}

/// What `rpmkeys -K` says of packages.
pub fn real(database: &Path, packages: &[PathBuf]) -> (ExitStatus, String) {
    let mut command = rpmkeys(database);
    command.args(["-K", "--define", "_pkgverify_level all"]).args(packages).env("LC_ALL", "C.UTF-8");
    let output = command.output().unwrap_or_else(|error| panic!("`rpmkeys` is needed by this test: {error}"));
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    (output.status, said.concat())
}

/// A profile with something else in it.
pub fn profile(name: &str, change: impl FnOnce(&mut Profile)) -> Arc<Profile> {
    let mut profile = (*Profile::named(name).unwrap()).clone();
    change(&mut profile);
    Arc::new(profile)
}

/// A key by gpg, with its file.
pub struct Made {
    pub gnupg: Gnupg,
    pub file: PathBuf,
    pub signer: BoxedSigner,
}

pub fn made(parameters: &str) -> Made {
    let gnupg = Gnupg::new();
    gnupg.generate(&format!("{parameters}Name-Real: R\nExpire-Date: 0\n{PLAIN}"));
    let file = gnupg.export("", &gnupg.home.path().join("secret.asc"));
    let nowhere = gnupg.home.path().join("data");
    let signer = open_with(&KeySpec::File(file.clone()), &nowhere, &Environment::default()).unwrap().unwrap();
    Made { gnupg, file, signer }
}

pub const RSA: &str = "Key-Type: RSA\nKey-Length: 2048\nKey-Usage: sign,cert\n";
pub const ED25519: &str = "Key-Type: EDDSA\nKey-Curve: ed25519\nKey-Usage: sign,cert\n";
pub const ECDSA: &str = "Key-Type: ECDSA\nKey-Curve: nistp256\nKey-Usage: sign,cert\n";
pub const SUBKEY: &str = "Key-Type: RSA\nKey-Length: 2048\nKey-Usage: cert\nSubkey-Type: RSA\nSubkey-Length: 2048\nSubkey-Usage: sign\n";

/// A key of another time, which modgraft itself does not sign with.
pub struct Old {
    _gnupg: Gnupg,
    pub file: PathBuf,
    pub key: Key,
}

/// A key made at `time`, with an end.
pub fn made_with(parameters: &str, time: &str, end: &str) -> Old {
    let gnupg = Gnupg::new();
    let text = gnupg.home.path().join("parameters");
    fs_err::write(&text, format!("{parameters}Name-Real: R\nExpire-Date: {end}\n{PLAIN}")).unwrap();
    run(gnupg.command().args(["--faked-system-time", time, "--generate-key"]).arg(&text));
    let file = gnupg.export("", &gnupg.home.path().join("secret.asc"));
    let public_key = fs_err::read_to_string(gnupg.public(&gnupg.home.path().join("public.asc"))).unwrap();
    let listed = run(gnupg.command().args(["--with-colons", "--list-keys"]));
    let primary: Vec<&str> =
        listed.lines().find(|line| line.starts_with("pub:")).unwrap().split(':').collect();
    let key = Key {
        fingerprint: String::new(),
        key_id: primary[4].to_owned(),
        user_id: "R".into(),
        algorithm: Algorithm::Rsa { bits: 2048 },
        created: primary[5].parse().unwrap(),
        primary: true,
        sha1_self_signature: false,
        critical_subpackets: false,
        v6: false,
        development: false,
        public_key,
    };
    Old { _gnupg: gnupg, file, key }
}
