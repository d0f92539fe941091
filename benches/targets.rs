//! How long a target takes to add from a repository of 2,000 packages, beside dnf; and how long one module takes to build
//! for six targets, beside their six compiler calls alone, run on the same cores: `cargo bench --bench targets`.
//!
//! In each round the two run one after the other, so that a machine whose speed drifts drifts for both; what counts are the
//! ratios. The checks in a real httpd are left out; signing is in.

mod calls;
#[path = "../tests/support/mod.rs"]
mod support;
mod table;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use modgraft::pipeline::Call;
use modgraft::profile::Profile;
use modgraft::recipe::Input;
use support::debian::Release as Debian;
use support::el::{Release, Repository};

const ROUNDS: usize = 11;
const PACKAGES: usize = 2000;

fn main() {
    let work = tempfile::tempdir().expect("a temporary folder");
    adding(work.path());
    building(work.path());
}

/// `target add`, with an empty cache each time, and what dnf and rpm2archive do for the same.
fn adding(work: &Path) {
    let Repository { folder, .. } = Release::El9.repository();
    let repository = filled(&folder, &work.join("repository"));
    let (mut by_dnf, mut by_modgraft) = (Vec::new(), Vec::new());
    // The first round fills the caches of the machine, and is not counted.
    for round in 0..=ROUNDS {
        let folder = tempfile::tempdir_in(work).expect("a temporary folder");
        let dnf = time(|| download(&repository, &folder.path().join("dnf")));
        let add = time(|| {
            let mut command = modgraft(&folder.path().join("cache"));
            command
                .args(["target", "add", "el9", "--profile", "el9", "--no-lock", "--repo"])
                .arg(&repository);
            support::run(&mut command);
        });
        if round > 0 {
            by_dnf.push(dnf);
            by_modgraft.push(add);
        }
    }
    println!(
        "a target from a repository of {PACKAGES} packages; {ROUNDS} rounds, whole processes, milliseconds"
    );
    table::print(&[
        ("dnf download --resolve, rpm2archive", &by_dnf),
        ("modgraft target add --repo", &by_modgraft),
    ]);
}

/// The packages of a repository among as many others as make up [`PACKAGES`], which provide and require each other.
fn filled(repository: &Path, to: &Path) -> PathBuf {
    fs_err::create_dir(to).expect("a folder");
    let mut count = 0;
    for package in fs_err::read_dir(repository.join("Packages")).expect("the packages").flatten() {
        fs_err::copy(package.path(), to.join(package.file_name())).expect("a package");
        count += 1;
    }
    support::repository::fill(to, count..PACKAGES, support::repository::Size::LEAST);
    support::run(Command::new("createrepo_c").arg("-q").arg(to));
    to.to_owned()
}

fn download(repository: &Path, to: &Path) {
    fs_err::create_dir_all(to).expect("a folder");
    let packages = &Profile::named("el9").expect("it is built in").packages;
    let mut dnf = Command::new("dnf");
    dnf.args(["-q", "download", "--resolve", "--arch=x86_64", "--arch=noarch", "--releasever=9"])
        .arg(format!("--repofrompath=bench,file://{}", repository.display()))
        .args(["--repo=bench", "--setopt=reposdir=/nonexistent", "--setopt=bench.gpgcheck=0"])
        .args(["--setopt=install_weak_deps=False", "--destdir"])
        .arg(to.join("packages"))
        .arg(format!("--setopt=cachedir={}", to.join("cache").display()));
    for package in [
        &packages.httpd,
        &packages.httpd_headers,
        &packages.apr_headers,
        &packages.apr_util_headers,
        &packages.libc,
        &packages.libc_headers,
        &packages.kernel_headers,
    ] {
        dnf.arg(package);
    }
    support::run(&mut dnf);
    fs_err::create_dir(to.join("root")).expect("a folder");
    support::el::machine::unpack(&to.join("packages"), &to.join("root"));
}

/// Six targets, two of them with a C library of their own release, three laid out as Enterprise Linux is.
fn building(work: &Path) {
    let cache = work.join("cache");
    let mut targets = vec!["local".to_owned()];
    let mut add = |name: &str, given: &str, from: &Path| {
        let mut command = modgraft(&cache);
        command.args(["target", "add", name, "--no-lock", given]).arg(from);
        if given == "--repo" {
            command.args(["--profile", name]);
        }
        support::run(&mut command);
        targets.push(name.to_owned());
    };
    add("bullseye", "--packages", &Debian::Bullseye.packages());
    add("trixie", "--packages", &Debian::Trixie.packages());
    for release in [Release::El7, Release::El8, Release::El9] {
        add(&release.profile(), "--repo", &release.repository().folder);
    }

    // The same roots, by their folders: this process has another cache.
    let root = |target: &String| match target.as_str() {
        "local" => target.clone(),
        name => cache.join("targets").join(name).join("root").display().to_string(),
    };
    let mut calls: Vec<Call> =
        targets.iter().map(|target| calls::call(Input::Reference, &root(target))).collect();
    let (mut bare, mut whole) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let compiled = time(|| calls::each(calls.iter_mut().map(|call| &mut call.command)));
        let built = time(|| {
            let mut command = modgraft(&cache);
            command.args(["build-module", "--no-check", "--out"]).arg(work.join("out"));
            for target in &targets {
                command.arg("--target").arg(target);
            }
            support::run(&mut command);
        });
        if round > 0 {
            bare.push(compiled);
            whole.push(built);
        }
    }
    println!("one module for {} targets; {ROUNDS} rounds, milliseconds", targets.len());
    table::print(&[("cc: six compiler calls alone", &bare), ("modgraft build-module, signed", &whole)]);
}

fn modgraft(cache: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_modgraft"));
    command.env("MODGRAFT_CACHE", cache);
    command
}

fn time(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}
