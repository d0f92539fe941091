//! What the integration tests of packages and keys share.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::process::{Command, Output};

fn output(command: &mut Command) -> Output {
    let program = command.get_program().to_string_lossy().into_owned();
    command.env("LC_ALL", "C.UTF-8").output().unwrap_or_else(|error| panic!("`{program}` is needed by this test: {error}"))
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
