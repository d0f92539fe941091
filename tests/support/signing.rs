//! Packages to sign, the command that signs them, and real programs that say what the signatures are worth.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use modgraft::profile::Profile;
use modgraft::rpm::{self, Destinations, Existing};

use super::gnupg::Gnupg;
use super::module::Module;
use super::run;

/// `modgraft` with no settings of the person who runs the tests.
pub fn modgraft() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_modgraft"));
    for name in [
        "MODGRAFT_SIGN_KEY",
        "MODGRAFT_PUBLIC_KEY",
        "MODGRAFT_PASSPHRASE",
        "MODGRAFT_PASSPHRASE_FILE",
        "MODGRAFT_PASSPHRASE_FD",
        "SOURCE_DATE_EPOCH",
        "GNUPGHOME",
    ] {
        command.env_remove(name);
    }
    command.env("NO_COLOR", "1").stdin(std::process::Stdio::null());
    command
}

/// What a run said, and how it ended.
pub struct Said {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Said {
    pub fn of(command: &mut Command) -> Self {
        let Output { status, stdout, stderr } = command.output().expect("modgraft can be started");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        Said { code: status.code(), stdout: text(stdout), stderr: text(stderr) }
    }

    /// A failure with this exit code, told in one line with these words in it.
    pub fn fails(&self, code: i32, words: &str) {
        assert_eq!(self.code, Some(code), "{}{}", self.stdout, self.stderr);
        let first = self.stderr.lines().find(|line| line.starts_with("error"));
        assert!(first.is_some_and(|line| line.contains(words)), "no {words:?} in: {}", self.stderr);
        assert!(!self.stderr.contains("backtrace") && !self.stderr.contains("panicked"), "{}", self.stderr);
    }
}

/// The packages of a tiny module, unsigned, as they are for a distribution.
pub fn unsigned(profile: &str, folder: &Path) -> [PathBuf; 3] {
    let mut module = Module::new();
    module.target.profile = Profile::named(profile).unwrap();
    let set = module.packages();
    let to = Destinations {
        binary: folder.join(set.binary.file_name()),
        debuginfo: folder.join(set.debuginfo.file_name()),
        source: folder.join(set.source.file_name()),
    };
    rpm::write_set(&set, None, &to).unwrap();
    [to.binary, to.debuginfo, to.source]
}

/// What rpm says of a package, with this public key and no other.
pub fn rpmkeys(package: &Path, public_key: &Path) -> String {
    let database = tempfile::tempdir().unwrap();
    let rpm = || {
        let mut command = Command::new("rpmkeys");
        command.arg("--dbpath").arg(database.path());
        command
    };
    run(rpm().arg("--import").arg(public_key));
    let said = run(rpm().arg("-Kv").arg(package));
    assert!(!said.contains("BAD") && !said.contains("NOKEY"), "{said}");
    said
}

/// What gpg says of the signature of a package's header: for keys that this rpm does not know.
pub fn gpg_verifies(package: &Path, tag: &str, public_key: &Path) -> String {
    let format = format!("%{{{tag}:base64}}");
    let encoded = run(Command::new("rpm").args(["-qp", "--nosignature", "--qf", &format]).arg(package));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("signature");
    fs_err::write(&file, encoded).unwrap();
    let decoded = Command::new("base64").args(["-d", "-i"]).arg(&file).output().unwrap().stdout;
    let public_key = fs_err::read_to_string(public_key).unwrap();
    Gnupg::verifies(&public_key, Existing::open(package).unwrap().header(), &decoded)
}
