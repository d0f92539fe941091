//! How long a whole build takes beside its compiler call alone, and beside rpmbuild: `cargo bench`.
//!
//! In each round the three run one after the other, so that a machine whose speed drifts drifts for all of them; what
//! counts are the ratios. The check in a real httpd is left out, since rpmbuild has none; signing is in.

mod table;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const ROUNDS: usize = 15;

fn main() {
    let work = tempfile::tempdir().expect("a temporary folder");
    let out = work.path().join("out");
    // The first run makes the development key and fills the caches.
    build(&out);
    let report: serde_json::Value =
        serde_json::from_slice(&fs_err::read(out.join("report.json")).expect("report.json")).expect("JSON");
    let call = CompilerCall::read(&report, &out, work.path());
    let top = work.path().join("rpmbuild");
    let spec = unpack_source_package(&out, &top);

    let (mut bare, mut whole, mut rpmbuild) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        bare.push(time(|| call.run()));
        whole.push(time(|| build(&out)));
        rpmbuild.push(time(|| run_rpmbuild(&top, &spec)));
    }
    println!("{ROUNDS} rounds; whole processes, milliseconds");
    table::print(&[
        ("cc: compile and link alone", &bare),
        ("modgraft build-module, signed", &whole),
        ("rpmbuild -ba, unsigned", &rpmbuild),
    ]);
}

/// The compiler call of the build, as report.json has it, with the same flat file.
struct CompilerCall {
    program: String,
    arguments: Vec<String>,
    directory: PathBuf,
}

impl CompilerCall {
    fn read(report: &serde_json::Value, out: &Path, work: &Path) -> Self {
        let call = &report["compile"]["call"];
        let arguments = call["arguments"].as_array().expect("arguments").iter();
        let arguments = arguments.map(|argument| argument.as_str().expect("a text").to_owned()).collect();
        let directory = work.join("bare");
        fs_err::create_dir_all(&directory).expect("a folder");
        fs_err::copy(out.join("mod_proxy_wstunnel.c"), directory.join("mod_proxy_wstunnel.c"))
            .expect("the flat file");
        let symbol = report["module"]["symbol"].as_str().expect("a text");
        // The one file that the call names besides the source: which symbols are exported.
        fs_err::write(directory.join("exports.map"), format!("{{ global: {symbol}; local: *; }};\n"))
            .expect("a file");
        CompilerCall { program: call["program"].as_str().expect("a text").to_owned(), arguments, directory }
    }

    fn run(&self) {
        succeed(Command::new(&self.program).args(&self.arguments).current_dir(&self.directory));
    }
}

fn build(out: &Path) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_modgraft"));
    succeed(command.args(["build-module", "--no-check", "--out"]).arg(out));
}

fn unpack_source_package(out: &Path, top: &Path) -> PathBuf {
    let source = fs_err::read_dir(out)
        .expect("the output folder")
        .map(|entry| entry.expect("an entry").path())
        .find(|path| path.to_string_lossy().ends_with(".src.rpm"))
        .expect("a source package");
    let define = format!("_topdir {}", top.display());
    succeed(Command::new("rpm").args(["--define", &define, "--nodeps", "-i"]).arg(source));
    top.join("SPECS/mod_proxy_wstunnel.spec")
}

fn run_rpmbuild(top: &Path, spec: &Path) {
    let define = format!("_topdir {}", top.display());
    succeed(Command::new("rpmbuild").args(["--define", &define, "--nodeps", "-ba"]).arg(spec));
}

fn succeed(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{stderr}", output.status);
}

fn time(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}
