//! The compiler's calls that a build cannot do without, run on as many cores.

use std::num::NonZero;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use modgraft::pipeline::{Call, Request};
use modgraft::recipe::Input;
use modgraft::report::{Event, Reporter};

use super::support;

pub fn call(input: Input, target: &str) -> Call {
    let request = Request {
        input,
        module: None,
        target: target.to_owned(),
        requires: Vec::new(),
        base: None,
        accept_risks: Vec::new(),
        offline: true,
        line_directives: true,
        locked: None,
    };
    Call::new(&request, &Quiet).unwrap_or_else(|error| panic!("{target}: {error}"))
}

/// Runs all, as many at a time as there are cores.
pub fn each<'a>(commands: impl Iterator<Item = &'a mut Command>) {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let next = AtomicUsize::new(0);
    let commands: Vec<Mutex<&mut Command>> = commands.map(Mutex::new).collect();
    thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while let Some(command) = commands.get(next.fetch_add(1, Ordering::Relaxed)) {
                    support::run(&mut command.lock().expect("no call panics"));
                }
            });
        }
    });
}

struct Quiet;

impl Reporter for Quiet {
    fn event(&self, _: Event) {}

    fn failure(&self, _: &modgraft::Error) {}
}
