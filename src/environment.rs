//! Environment variables.
//!
//! One that is set and empty counts as one that is not set, as POSIX and the XDG base directory specification have it: it is
//! what a CI system gives for a setting or a secret that it does not have, and an empty path would be the current folder.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{Arg, Command};

/// What the variable says; `None` where it is not set, or empty.
pub fn var(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

/// [`var`], where it is UTF-8.
pub fn text(name: &str) -> Option<String> {
    var(name)?.into_string().ok()
}

/// The folder for temporary files: `$TMPDIR`, or the system's.
pub fn temporary() -> PathBuf {
    tempfile::env::temp_dir()
}

/// Has temporary files go to the system's folder where `TMPDIR` is empty: the standard library takes that for the current
/// one. To be called once, before there are any.
pub fn settle() {
    if var("TMPDIR").is_none() {
        // It fails where the folder was chosen before, which nothing does.
        let _ = tempfile::env::override_temp_dir(Path::new("/tmp"));
    }
}

/// The command without the variables of its options that are empty: clap takes them for options without their value.
pub fn without_empty(command: Command) -> Command {
    let set = |arg: Arg| match arg.get_env().and_then(|name| name.to_str()) {
        Some(name) if var(name).is_none() && env::var_os(name).is_some() => arg.env(None::<&'static str>),
        _ => arg,
    };
    command.mut_args(set).mut_subcommands(without_empty)
}
