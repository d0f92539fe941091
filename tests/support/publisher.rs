//! Somebody who publishes packages: a key, signed packages, folders.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use modgraft::compression::Compression;
use serde_json::Value;

use super::gnupg::{Gnupg, PLAIN, RSA};
use super::repository::{Spec, rpms};
use super::run;

/// A person with a key.
pub struct Publisher {
    gnupg: Gnupg,
    folder: tempfile::TempDir,
    /// The secret key.
    pub key: PathBuf,
    pub public: PathBuf,
    fingerprint: String,
}

/// How a run of modgraft ended.
#[derive(Debug)]
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Publisher {
    pub fn new() -> Self {
        let gnupg = Gnupg::new();
        let fingerprint = gnupg.generate(&format!("{RSA}{PLAIN}"));
        // Not in memory: where packages are published, files are waited for to be on a disk.
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let key = gnupg.export("", &folder.path().join("secret.asc"));
        let public = gnupg.public(&folder.path().join("public.asc"));
        Publisher { gnupg, folder, key, public, fingerprint }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Packages in a folder, not signed.
    pub fn unsigned(&self, name: &str, spec: &Spec) -> PathBuf {
        let folder = self.path(name);
        spec.build(&folder);
        folder
    }

    /// Packages in a folder, signed.
    pub fn packages(&self, name: &str, spec: &Spec) -> PathBuf {
        let folder = self.unsigned(name, spec);
        self.sign(&rpms(&folder));
        folder
    }

    pub fn sign(&self, packages: &[PathBuf]) {
        let home = self.gnupg.home.path().display();
        let gpg = run(Command::new("sh").args(["-c", "command -v gpg"]));
        run(Command::new("rpmsign")
            .arg("--addsign")
            .args(["--define", &format!("_gpg_name {}", self.fingerprint)])
            .args(["--define", &format!("_gpg_path {home}"), "--define", &format!("__gpg {}", gpg.trim())])
            .args(packages));
    }

    /// `modgraft repo …`, whose key is this one's.
    pub fn repo(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_modgraft"));
        command.env("MODGRAFT_SIGN_KEY", &self.key).env("NO_COLOR", "1").env_remove("SOURCE_DATE_EPOCH");
        command.env("MODGRAFT_DATA", self.path("data")).current_dir(self.folder.path());
        command.arg("repo").args(arguments);
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Run {
        finish(&mut self.repo(arguments))
    }

    pub fn good(&self, arguments: &[&str]) -> Run {
        let run = self.run(arguments);
        assert_eq!(run.code, 0, "{arguments:?}: {run:?}");
        run
    }

    /// Fails with this exit code, and one error that has these words.
    pub fn refused(&self, arguments: &[&str], code: i32, words: &str) -> String {
        let run = self.run(arguments);
        assert_eq!(run.code, code, "{arguments:?}: {run:?}");
        assert_eq!(run.stderr.matches("error[").count(), 1, "{}", run.stderr);
        assert!(run.stderr.contains(words), "{words}: {}", run.stderr);
        run.stderr
    }

    /// What `repo check` finds.
    pub fn check(&self, folder: &Path) -> Value {
        let run = self.run(&["check", "--json", text(folder)]);
        let found: Value =
            serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run:?}"));
        let wrong = !found["problems"].as_array().unwrap().is_empty();
        assert_eq!(run.code, if wrong { 3 } else { 0 }, "{run:?}");
        found
    }

    /// Nothing is wrong with a repository.
    pub fn demand_whole(&self, folder: &Path) {
        let found = self.check(folder);
        assert_eq!(found["problems"], serde_json::json!([]), "{found:#}");
    }

    /// The kinds of what is wrong.
    pub fn kinds(&self, folder: &Path) -> Vec<String> {
        let found = self.check(folder);
        let problems = found["problems"].as_array().unwrap().iter();
        problems.map(|problem| problem["kind"].as_str().unwrap().to_owned()).collect()
    }
}

pub fn finish(command: &mut Command) -> Run {
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Run { code: output.status.code().unwrap_or(-1), stdout: text(output.stdout), stderr: text(output.stderr) }
}

pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A file of metadata of a repository, by its kind, decompressed.
pub fn open(folder: &Path, kind: &str) -> String {
    let (path, _) = metadata(folder, kind);
    let bytes = fs_err::read(path).unwrap();
    let mut text = String::new();
    let decoder = Compression::of(&bytes).unwrap().decoder(&bytes[..]).unwrap();
    std::io::BufReader::new(decoder).read_to_string(&mut text).unwrap();
    text
}

/// A file of metadata that repomd.xml names, and its name.
pub fn metadata(folder: &Path, kind: &str) -> (PathBuf, String) {
    let repomd = fs_err::read_to_string(folder.join("repodata/repomd.xml")).unwrap();
    let data = repomd.split(&format!("<data type=\"{kind}\">")).nth(1).unwrap();
    let href = data.split("href=\"").nth(1).unwrap().split('"').next().unwrap();
    (folder.join(href), href.to_owned())
}

/// The packages that a repository lists: each NEVRA that dnf would show, sorted.
pub fn listed(folder: &Path) -> Vec<String> {
    let primary = open(folder, "primary");
    let field = |text: &str, from: &str, to: &str| {
        text.split(from).nth(1).unwrap().split(to).next().unwrap().to_owned()
    };
    let mut names: Vec<String> = primary
        .split("<package ")
        .skip(1)
        .map(|text| {
            let (name, arch) = (field(text, "<name>", "<"), field(text, "<arch>", "<"));
            format!("{name}-{}-{}.{arch}", field(text, " ver=\"", "\""), field(text, " rel=\"", "\""))
        })
        .collect();
    names.sort();
    names
}

/// Every file beneath a folder with its content, but for what is hidden.
pub fn contents(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let hidden = |entry: &walkdir::DirEntry| entry.file_name().to_string_lossy().starts_with('.');
    let entries = walkdir::WalkDir::new(folder).sort_by_file_name().into_iter();
    let entries = entries.filter_entry(|entry| entry.depth() == 0 || !hidden(entry)).map(Result::unwrap);
    let files = entries.filter(|entry| entry.file_type().is_file());
    files
        .map(|entry| {
            let name = entry.path().strip_prefix(folder).unwrap().display().to_string();
            (name, fs_err::read(entry.path()).unwrap())
        })
        .collect()
}
