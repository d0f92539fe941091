//! The real rpmbuild, as an oracle.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::run;

/// Rebuilds a source package with a topdir of its own; returns the binary and debuginfo packages.
pub fn rebuild(source: &Path, topdir: &Path) -> Vec<PathBuf> {
    rebuild_with(source, topdir, &["--define", "_binary_payload w3.zstdio"])
}

/// The same with more options, such as the macros of a distribution.
pub fn rebuild_with(source: &Path, topdir: &Path, options: &[&str]) -> Vec<PathBuf> {
    // rpmbuild makes debuginfo packages with these; without them there is none to compare with.
    for tool in ["eu-strip", "debugedit", "find-debuginfo"] {
        let known = Command::new(tool).arg("--help").output();
        assert!(known.is_ok(), "`{tool}` is needed by this test (packages elfutils and debugedit)");
    }
    run(Command::new("rpmbuild")
        .args(["--rebuild", "--nodeps"])
        .arg("--define")
        .arg(format!("_topdir {}", topdir.display()))
        .args(["--define", "_buildhost reproducible"])
        .args(["--define", "clamp_mtime_to_source_date_epoch 1"])
        .args(["--define", "use_source_date_epoch_as_buildtime 1"])
        .args(options)
        .env("SOURCE_DATE_EPOCH", super::module::TIME.to_string())
        .arg(source));
    let folder = topdir.join("RPMS/x86_64");
    let mut made: Vec<PathBuf> =
        fs_err::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    made.sort_by_key(|path| path.as_os_str().len());
    made
}

/// A query with rpm's own words, as a set of lines.
pub fn query(package: &Path, format: &str) -> BTreeSet<String> {
    let mut command = Command::new("rpm");
    command.args(["-qp", "--nosignature", "--qf", format]).arg(package);
    run(&mut command).lines().map(str::to_owned).collect()
}
