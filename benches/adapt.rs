//! How long flattening and adapting take beside one reading of the result by the compiler: `cargo bench --bench adapt`.
//!
//! In each round the two run one after the other, so that a machine whose speed drifts drifts for both; what counts is the
//! ratio of the medians. Before each round all is prepared anew, so that the target's headers and symbols and the upstream
//! tree are read in it, as in a run of the program. `MODGRAFT_BENCH_RECIPE` names a recipe other than the reference module's,
//! `MODGRAFT_BENCH_TARGET` another target than `local`.

mod table;

use std::env;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use modgraft::pipeline::{Prepared, Request};
use modgraft::report::{Event, Reporter};

const ROUNDS: usize = 21;

fn main() {
    let recipe = env::var("MODGRAFT_BENCH_RECIPE").unwrap_or_else(|_| "mod_proxy_wstunnel".to_owned());
    let target = env::var("MODGRAFT_BENCH_TARGET").unwrap_or_else(|_| "local".to_owned());
    let input = modgraft::recipe::find(std::slice::from_ref(&recipe), Path::new(env!("CARGO_MANIFEST_DIR")))
        .unwrap_or_else(|error| panic!("{recipe}: {error}"));
    let request = Request {
        input,
        module: None,
        target: target.clone(),
        requires: Vec::new(),
        base: None,
        accept_risks: Vec::new(),
        offline: false,
        line_directives: false,
        locked: None,
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let prepare = || Prepared::new(&request, &Quiet).unwrap_or_else(|error| panic!("{recipe}: {error}"));
    let (mut reading, mut fitting) = (Vec::new(), Vec::new());
    let mut facts = String::new();
    // The first round fills the caches of the machine, and is not counted.
    for round in 0..=ROUNDS {
        let prepared = prepare();
        let start = Instant::now();
        let adapted = prepared.fit().unwrap_or_else(|error| panic!("{recipe} on {target}: {error}"));
        let fitted = start.elapsed();
        let name = adapted.unit.file_name();
        let text = adapted.unit.render(false);
        fs_err::write(folder.path().join(&name), &text).expect("the C file");
        let mut command = prepared.reading(&name).expect("the compiler");
        command.current_dir(folder.path()).env("LC_ALL", "C");
        let start = Instant::now();
        succeed(&mut command);
        let read = start.elapsed();
        if round > 0 {
            fitting.push(fitted);
            reading.push(read);
        }
        facts = format!(
            "{} lines, {} edits, {} rounds",
            text.lines().count(),
            adapted.edits.len(),
            adapted.rounds
        );
    }
    println!("{recipe} on {target}: {facts}");
    println!("{ROUNDS} times each, milliseconds");
    table::print(&[("cc -fsyntax-only of the result", &reading), ("flatten and adapt", &fitting)]);
}

struct Quiet;

impl Reporter for Quiet {
    fn event(&self, _: Event) {}

    fn failure(&self, _: &modgraft::Error) {}
}

fn succeed(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{stderr}", output.status);
}
