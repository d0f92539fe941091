//! What the tests with real programs share. A program that is missing fails the test with its name.
#![allow(dead_code, reason = "each test binary uses a part of it")]

pub mod built;
pub mod debian;
pub mod el;
pub mod gnupg;
pub mod made;
pub mod module;
pub mod npm;
pub mod prefix;
pub mod processes;
pub mod publisher;
pub mod python;
pub mod recipes;
pub mod repository;
pub mod rpmbuild;
pub mod server;
pub mod signing;
pub mod softhsm;
pub mod tags;
pub mod tls;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::time::Duration;

use modgraft::check::{Httpd, Plan};
use modgraft::sign::{self, BoxedSigner, KeySpec};
use modgraft::target::Runner;

/// A development key, made once in a test binary: an RSA-4096 key takes seconds.
pub fn key() -> &'static BoxedSigner {
    static KEY: OnceLock<BoxedSigner> = OnceLock::new();
    KEY.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        sign::open(&KeySpec::Development, folder.path()).unwrap().unwrap()
    })
}

fn output(command: &mut Command) -> Output {
    let program = command.get_program().to_string_lossy().into_owned();
    command
        .env("LC_ALL", "C.UTF-8")
        .output()
        .unwrap_or_else(|error| panic!("`{program}` is needed by this test: {error}"))
}

/// Runs a program that has to succeed, and returns its stdout.
pub fn run(command: &mut Command) -> String {
    let output = output(command);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "{command:?} failed ({})\n{}\n{}",
        output.status,
        text(&output.stdout),
        text(&output.stderr)
    );
    text(&output.stdout)
}

/// Runs a program that has to fail, and returns all that it said.
pub fn run_fails(command: &mut Command) -> String {
    let output = output(command);
    assert!(!output.status.success(), "{command:?} succeeded");
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A variable of the httpd that is installed here.
pub fn apxs(variable: &str) -> String {
    run(Command::new("apxs").args(["-q", variable])).trim().to_owned()
}

/// The httpd that is installed here.
pub fn local_httpd() -> Httpd {
    static HTTPD: OnceLock<Httpd> = OnceLock::new();
    HTTPD
        .get_or_init(|| {
            let program = Path::new(&apxs("SBINDIR")).join(apxs("PROGNAME"));
            let said = run(Command::new(&program).arg("-v"));
            let version = said.split_once("Apache/").and_then(|(_, rest)| rest.split_whitespace().next());
            Httpd {
                runner: Runner::native(program),
                modules_dir: apxs("LIBEXECDIR").into(),
                version: version.expect("httpd -v says `Apache/` and its version").to_owned(),
            }
        })
        .clone()
}

/// A plan for a module with no package around it.
pub fn plan(module_file: &Path, symbol: &str) -> Plan {
    Plan {
        httpd: local_httpd(),
        module_file: module_file.to_owned(),
        symbol: symbol.to_owned(),
        load_after: Vec::new(),
        beside: Vec::new(),
        drop_ins: Vec::new(),
        limit: Duration::from_secs(60),
        keep_in: None,
    }
}

/// Compiles one C file to a module, at the path `output`.
pub fn compile_module(source: &Path, output: &Path, more: &[&str]) {
    let mut command = Command::new("cc");
    command.args(["-shared", "-fPIC", "-g", "-O1", "-Wall", "-D_GNU_SOURCE", "-D_FILE_OFFSET_BITS=64"]);
    for variable in ["EXTRA_CPPFLAGS", "CFLAGS"] {
        let flags = apxs(variable);
        command.args(flags.split_whitespace().filter(|flag| flag.starts_with("-D")));
    }
    for variable in ["INCLUDEDIR", "APR_INCLUDEDIR", "APU_INCLUDEDIR"] {
        command.arg(format!("-I{}", apxs(variable)));
    }
    run(command.args(more).arg(source).arg("-o").arg(output));
}

/// A folder for what one test binary keeps while it runs; beneath Cargo's own, so that it is never in the way. What runs
/// before this one have left is removed.
pub fn scratch(name: &str) -> PathBuf {
    let parent = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let folder = parent.join(std::process::id().to_string());
    fs_err::create_dir_all(&folder).unwrap();
    for other in fs_err::read_dir(&parent).unwrap().flatten() {
        if !Path::new("/proc").join(other.file_name()).exists() {
            // Another run may be removing it as well.
            let _ = fs_err::remove_dir_all(other.path());
        }
    }
    folder
}

/// How a mount namespace is had here: as anybody, or, where user namespaces are not allowed, as root.
pub fn mount_namespace() -> &'static [&'static str] {
    let ways: [&[&str]; 2] = [&["--user", "--map-root-user", "--mount"], &["--mount"]];
    let works = |way: &&&[&str]| {
        let done = Command::new("unshare").args(**way).arg("true").output();
        done.expect("unshare (util-linux) is needed").status.success()
    };
    ways.iter().find(works).expect("the test needs a mount namespace: user namespaces, or root")
}
