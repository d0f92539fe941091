//! A folder with recipes, a home of its own, and what runs there say.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use modgraft::sign::{KeySpec, development_key_exists};
use serde_json::Value;

use crate::support;
use crate::support::recipes::Answering;

pub struct Place {
    folder: tempfile::TempDir,
}

/// How a run ended.
pub struct Run {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Place {
    /// With a recipe for each name.
    pub fn new(names: &[&str]) -> Self {
        let place = Place { folder: tempfile::tempdir().unwrap() };
        fs_err::create_dir(place.modules()).unwrap();
        for name in names {
            Answering::new(name).write(&place.modules());
        }
        place
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn modules(&self) -> PathBuf {
        self.path("modules")
    }

    /// `modgraft build-all` in the folder, with its own cache, and a key that all tests share: one takes seconds to make.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_modgraft"));
        command.current_dir(self.folder.path()).arg("build-all").args(arguments);
        command.env("MODGRAFT_CACHE", self.path("cache")).env("MODGRAFT_DATA", keys());
        for name in ["MAKEFLAGS", "GITHUB_STEP_SUMMARY", "CI_JOB_URL"] {
            command.env_remove(name);
        }
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Run {
        finish(&mut self.command(arguments))
    }

    /// The outcome of each job, as `MODULE TARGET OUTCOME`, sorted.
    pub fn outcomes(&self, arguments: &[&str]) -> Vec<String> {
        outcomes(&self.run(&[arguments, &["--json"]].concat()))
    }

    /// Names and digests of all packages beneath a folder, sorted.
    pub fn packages(&self, folder: &str) -> Vec<(String, String)> {
        packages(&self.path(folder))
    }
}

pub fn packages(folder: &Path) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = walkdir::WalkDir::new(folder)
        .into_iter()
        .map(|entry| entry.unwrap().into_path())
        .filter(|path| path.extension().is_some_and(|end| end == "rpm"))
        .map(|path| {
            let name = path.strip_prefix(folder).unwrap().display().to_string();
            (name, support::repository::sha256(&fs_err::read(path).unwrap()))
        })
        .collect();
    all.sort();
    all
}

pub fn finish(command: &mut Command) -> Run {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Run { code: status.code(), stdout: text(stdout), stderr: text(stderr) }
}

/// The lines of a run with `--json` that tell of jobs.
pub fn jobs(run: &Run) -> Vec<Value> {
    let lines = run.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["event"] == "job").collect()
}

pub fn outcomes(run: &Run) -> Vec<String> {
    let text = |job: &Value, name: &str| job[name].as_str().unwrap_or_default().to_owned();
    let mut all: Vec<String> = jobs(run)
        .iter()
        .map(|job| format!("{} {} {}", text(job, "module"), text(job, "target"), text(job, "outcome")))
        .collect();
    all.sort();
    assert!(!all.is_empty(), "{}{}", run.stdout, run.stderr);
    all
}

/// A data folder with a development key.
fn keys() -> &'static Path {
    static KEYS: OnceLock<PathBuf> = OnceLock::new();
    KEYS.get_or_init(|| {
        let folder = support::scratch("build_all_keys");
        if !development_key_exists(&folder) {
            modgraft::sign::open(&KeySpec::Development, &folder).unwrap();
        }
        folder
    })
}

/// A new key, protected where there is a passphrase.
pub fn key(folder: &Path, passphrase: Option<&str>) -> PathBuf {
    let file = folder.join("signing-key.asc");
    let mut command = Command::new(env!("CARGO_BIN_EXE_modgraft"));
    command.args(["key", "new", "--type", "ed25519", "--out"]).arg(&file);
    command.envs(passphrase.map(|passphrase| ("MODGRAFT_PASSPHRASE", passphrase)));
    support::run(&mut command);
    file
}
