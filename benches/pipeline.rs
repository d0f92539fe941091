//! How long 40 small modules take from nothing, beside their 40 compiler calls alone and beside a loop of apxs and rpmbuild on the
//! same cores; and how long they take again, when nothing has changed: `cargo bench --bench pipeline`.
//!
//! In each round all run one after the other, so that a machine whose speed drifts drifts for all; what counts are the
//! ratios. The checks in a real httpd are left out, since rpmbuild has none. rpmbuild does not sign: beside modgraft's row
//! without signatures is one with them, 120 by RSA-4096. Each run has folders of its own, which stay until the end: ext4
//! looks long for a number for a new file where many were removed a moment ago.

mod calls;
#[path = "../tests/support/mod.rs"]
mod support;
mod table;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use modgraft::pipeline::Call;
use modgraft::recipe::Input;
use support::recipes::Answering;

const ROUNDS: usize = 5;
const MODULES: usize = 40;

fn main() {
    let work = tempfile::tempdir().expect("a temporary folder");
    let work = work.path();
    let names: Vec<String> = (0..MODULES).map(|number| format!("small{number:02}")).collect();
    let recipes: Vec<PathBuf> =
        names.iter().map(|name| Answering::new(name).write(&work.join("modules"))).collect();
    let mut calls: Vec<Call> = recipes
        .iter()
        .map(|folder| calls::call(Input::Recipe(folder.join("module.toml")), "local"))
        .collect();
    let mut loops: Vec<Command> = names.iter().map(|name| rpmbuild(work, name)).collect();

    let mut times: [Vec<Duration>; 5] = Default::default();
    // The first round makes the key and fills the caches of the machine, and is not counted.
    for round in 0..=ROUNDS {
        let unsigned = work.join(format!("unsigned-{round}"));
        let signed = work.join(format!("signed-{round}"));
        let took = [
            time(|| calls::each(calls.iter_mut().map(|call| &mut call.command))),
            time(|| build_all(work, &unsigned, &["--sign-key", "none"])),
            time(|| build_all(work, &signed, &[])),
            time(|| build_all(work, &signed, &[])),
            time(|| calls::each(loops.iter_mut())),
        ];
        if round > 0 {
            times.iter_mut().zip(took).for_each(|(times, took)| times.push(took));
        }
    }
    println!("{MODULES} small modules; {ROUNDS} rounds, milliseconds");
    let [bare, unsigned, signed, again, by_rpmbuild] = &times;
    table::print(&[
        ("cc: 40 compiler calls alone", bare),
        ("modgraft build-all, unsigned", unsigned),
        ("modgraft build-all, signed", signed),
        ("modgraft build-all again", again),
        ("apxs and rpmbuild -ba, unsigned", by_rpmbuild),
    ]);
}

/// Builds all into a folder, beside which results are kept.
fn build_all(work: &Path, folder: &Path, arguments: &[&str]) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_modgraft"));
    command.env("MODGRAFT_CACHE", work.join("cache")).env("MODGRAFT_DATA", work.join("data"));
    command.current_dir(work).args(["build-all", "--no-check"]).args(arguments);
    support::run(command.arg("--out").arg(folder.join("out")).arg("--cache").arg(folder.join("cache")));
}

/// What a loop of a shell would do for a module: its C file by apxs, packaged by rpmbuild.
fn rpmbuild(work: &Path, name: &str) -> Command {
    let top = work.join("rpmbuild").join(name);
    fs_err::create_dir_all(top.join("SOURCES")).expect("a folder");
    let patch = fs_err::read_to_string(work.join(format!("modules/mod_{name}/0001.patch"))).expect("a patch");
    let lines = patch.lines().skip_while(|line| !line.starts_with("@@")).skip(1);
    let source: String =
        lines.filter_map(|line| line.strip_prefix('+')).flat_map(|line| [line, "\n"]).collect();
    fs_err::write(top.join(format!("SOURCES/mod_{name}.c")), source).expect("a file");
    let spec = format!(
        "Name: mod_{name}\nVersion: 1.0\nRelease: 1\nSummary: Answers\nLicense: Apache-2.0\nSource0: mod_{name}.c\n\
         %description\nAnswers.\n%prep\ncp %{{SOURCE0}} .\n%build\napxs -c mod_{name}.c\n%install\n\
         install -D -m 755 .libs/mod_{name}.so %{{buildroot}}%{{_libdir}}/apache2/modules/mod_{name}.so\n\
         %files\n%{{_libdir}}/apache2/modules/mod_{name}.so\n"
    );
    fs_err::write(top.join("mod.spec"), spec).expect("a file");
    let mut command = Command::new("rpmbuild");
    command.arg("--define").arg(format!("_topdir {}", top.display()));
    // A folder of its own: rpm 4.18 builds in one for all.
    command.arg("--define").arg(format!("_builddir {}", top.join("build").display()));
    fs_err::create_dir_all(top.join("build")).expect("a folder");
    command.args(["--quiet", "--nodeps", "-ba"]).arg(top.join("mod.spec"));
    command
}

fn time(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}
