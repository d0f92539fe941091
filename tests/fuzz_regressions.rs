//! What the fuzzers once found, and what they began with: each input read once more, by the same code.

use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use modgraft::fuzz::{TARGETS, Target};

/// A fuzzer gives up after ten seconds; here the machine may be busy, and the reader is not optimised.
const PATIENCE: Duration = Duration::from_secs(120);

fn inputs(target: &Target) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/regressions").join(target.name);
    let entries = fs_err::read_dir(folder).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn what_was_found_once_is_read() {
    for target in TARGETS {
        let inputs = inputs(target);
        assert!(!inputs.is_empty(), "fuzz/regressions/{} is empty", target.name);
        for input in inputs {
            let data = fs_err::read(&input).unwrap();
            let (done, wait) = mpsc::channel();
            let read = target.read;
            let thread = thread::Builder::new().stack_size(8 << 20);
            let thread = thread.spawn(move || {
                read(&data);
                done.send(()).unwrap();
            });
            let outcome = wait.recv_timeout(PATIENCE);
            assert!(outcome != Err(mpsc::RecvTimeoutError::Timeout), "{} takes for ever", input.display());
            thread.unwrap().join().unwrap_or_else(|_| panic!("{} makes the reader panic", input.display()));
        }
    }
}

#[test]
fn each_fuzzer_has_its_target() {
    let manifest =
        fs_err::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    let names = manifest["bin"].as_array().unwrap().iter().map(|bin| bin["name"].as_str().unwrap());
    assert!(names.eq(TARGETS.iter().map(|target| target.name)));
}
