//! How long the metadata of 2,000 packages takes, and of one more among them, beside createrepo_c on as many threads:
//! `cargo bench --bench repository`.
//!
//! In each round all run one after the other, each when nothing is left to be written of what ran before, so that a machine
//! whose speed drifts drifts for all; what counts are the ratios. Both take until all is on disk, which modgraft waits for
//! itself. createrepo_c writes primary, filelists and other by gzip, as modgraft does. modgraft checks the digests of each
//! package that it reads, and writes the .repo file and the page besides.

#[path = "../tests/support/mod.rs"]
mod support;
mod table;

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use support::repository::Size;

const ROUNDS: usize = 11;
const PACKAGES: usize = 2000;

fn main() {
    // The smallest packages spare createrepo_c most of what it does with each.
    for (what, size) in [("the smallest packages", Size::LEAST), ("packages as a module's are", Size::MODULE)]
    {
        println!("{what}:");
        // Where packages are kept: on a disk, not in memory.
        let work = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a temporary folder");
        let [theirs, ours] = ["theirs", "ours"].map(|name| {
            let folder = work.path().join(name);
            fs_err::create_dir(&folder).expect("a folder");
            folder
        });
        support::repository::fill(&theirs, 0..PACKAGES, size);
        copy(&theirs, &ours);
        all(&theirs, &ours);
        one_more(&theirs, &ours, work.path(), size);
    }
}

/// From nothing.
fn all(theirs: &Path, ours: &Path) {
    let (mut by_createrepo, mut by_modgraft) = (Vec::new(), Vec::new());
    // The first round fills the caches of the machine, and is not counted.
    for round in 0..=ROUNDS {
        for folder in [theirs, ours] {
            let _ = fs_err::remove_dir_all(folder.join("repodata"));
        }
        let createrepo = time(|| createrepo(theirs, &[]));
        let modgraft = time(|| publish(ours, ours, "none"));
        if round > 0 {
            by_createrepo.push(createrepo);
            by_modgraft.push(modgraft);
        }
    }
    println!("metadata of {PACKAGES} packages; {ROUNDS} rounds, whole processes, milliseconds");
    table::print(&[("createrepo_c", &by_createrepo), ("modgraft repo publish DIR DIR", &by_modgraft)]);
}

/// One more package each time.
fn one_more(theirs: &Path, ours: &Path, work: &Path, size: Size) {
    let (mut whole, mut update, mut incremental) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let folder = work.join(format!("new-{round}"));
        fs_err::create_dir(&folder).expect("a folder");
        let number = PACKAGES + round;
        support::repository::fill(&folder, number..number + 1, size);
        let package = support::repository::rpms(&folder).pop().expect("a package");
        // What createrepo_c leaves to whoever calls it.
        let to = theirs.join(package.file_name().expect("it has a name"));
        let updated = time(|| {
            fs_err::copy(&package, &to).expect("a package");
            createrepo(theirs, &["--update"]);
        });
        let anew = time(|| createrepo(theirs, &[]));
        let published = time(|| publish(ours, &package, "none"));
        if round > 0 {
            whole.push(anew);
            update.push(updated);
            incremental.push(published);
        }
    }
    println!("one more package among them; {ROUNDS} rounds, whole processes, milliseconds");
    table::print(&[
        ("createrepo_c", &whole),
        ("createrepo_c --update", &update),
        ("modgraft repo publish DIR PACKAGE", &incremental),
    ]);
}

fn createrepo(folder: &Path, options: &[&str]) {
    let threads = thread::available_parallelism().map_or(1, NonZero::get).to_string();
    let mut command = Command::new("createrepo_c");
    command.args(["-q", "--no-database", "--workers", &threads]).args(options);
    support::run(command.arg(folder));
    rustix::fs::sync();
}

fn publish(folder: &Path, packages: &Path, key: &str) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_modgraft"));
    command.args(["repo", "publish", "--base-url", "https://repository.example", "--sign-key", key]);
    support::run(command.arg(folder).arg(packages));
}

fn copy(from: &Path, to: &Path) {
    for package in support::repository::rpms(from) {
        let name: PathBuf = package.file_name().expect("it has a name").into();
        fs_err::copy(&package, to.join(name)).expect("a package");
    }
}

fn time(work: impl FnOnce()) -> Duration {
    rustix::fs::sync();
    let start = Instant::now();
    work();
    start.elapsed()
}
