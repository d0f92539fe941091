//! The packages of the reference module, as one `modgraft build-module` leaves them, before the real rpm.

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use support::rpmbuild::{query, rebuild};
use support::{run, scratch};

const FILES: &str =
    "[%{FILENAMES} %{FILEMODES:perms} %{FILEUSERNAME}:%{FILEGROUPNAME} %{FILEFLAGS:fflags}\\n]";
const PROVIDES: &str = "[%{PROVIDENEVRS}\\n]";
const REQUIRES: &str = "[%{REQUIRENEVRS}\\n]";

/// The output folder, and the packages in the order in which the command names them.
struct Packages {
    out: PathBuf,
    files: Vec<PathBuf>,
}

/// Builds with a development key of the tests' own, once in this binary.
fn packages() -> &'static Packages {
    static PACKAGES: OnceLock<Packages> = OnceLock::new();
    PACKAGES.get_or_init(|| {
        let folder = scratch("reference");
        let out = folder.join("out");
        let printed = run(Command::new(env!("CARGO_BIN_EXE_modgraft"))
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .env("MODGRAFT_CACHE", folder.join("cache"))
            .env("MODGRAFT_DATA", folder.join("data"))
            .args(["build-module", "--offline", "--out"])
            .arg(&out));
        Packages { out, files: printed.lines().map(PathBuf::from).collect() }
    })
}

#[test]
fn rpm_verifies_all_three_with_the_key_beside_them() {
    let Packages { out, files } = packages();
    let database = tempfile::tempdir().unwrap();
    let rpmkeys = || {
        let mut command = Command::new("rpmkeys");
        command.arg("--dbpath").arg(database.path());
        command
    };
    run(rpmkeys().arg("--import").arg(out.join("modgraft-development-key.asc")));
    assert_eq!(files.len(), 3);
    for file in files {
        let said = run(rpmkeys().arg("-Kv").arg(file));
        let verdicts: Vec<&str> =
            said.lines().skip(1).map(|line| line.rsplit(": ").next().unwrap()).collect();
        assert!(verdicts.len() >= 4 && verdicts.iter().all(|verdict| *verdict == "OK"), "{said}");
        assert!(said.contains("V4 RSA/SHA256 Signature"), "{said}");
    }
}

#[test]
fn rpmbuild_makes_the_same_package_without_modgraft() {
    let files = &packages().files;
    let top = tempfile::tempdir().unwrap();
    let made = rebuild(&files[2], top.path());
    for format in [FILES, PROVIDES, REQUIRES] {
        assert_eq!(query(&files[0], format), query(&made[0], format), "{format}");
    }
}

#[test]
fn the_source_package_has_the_patch_as_it_was_given() {
    let files = &packages().files;
    let folder = tempfile::tempdir().unwrap();
    let define = format!("_topdir {}", folder.path().display());
    run(Command::new("rpm").args(["--define", &define, "--nosignature", "-i"]).arg(&files[2]));
    let patch = "0001-mod_proxy_wstunnel.patch";
    let recipe = Path::new(env!("CARGO_MANIFEST_DIR")).join("modules/mod_proxy_wstunnel");
    for name in [patch, "module.toml"] {
        let given = fs_err::read(recipe.join(name)).unwrap();
        assert!(fs_err::read(folder.path().join("SOURCES").join(name)).unwrap() == given, "{name} differs");
    }
}
