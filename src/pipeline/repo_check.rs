//! Checking a repository.

use std::path::{Path, PathBuf};

use super::summary;
use crate::publish::{self, Checked};
use crate::report::Reporter;

/// Checks a repository, and tells what was looked at; what is wrong is in the result.
///
/// # Errors
/// What is no repository, or cannot be read.
pub fn check_repository(
    folder: &Path,
    keys: &[PathBuf],
    wait: bool,
    reporter: &dyn Reporter,
) -> Result<Checked, crate::Error> {
    let checked = publish::check(folder, keys, wait)?;
    if checked.own_keys {
        reporter.note("signatures were checked with the repository's own keys; --key FILE checks with yours");
    }
    let signed =
        checked.signed_by.as_ref().map_or_else(|| "not signed".to_owned(), |by| format!("signed by {by}"));
    let packages = summary::count(checked.packages, "package");
    let problems = match checked.problems.len() {
        0 => "nothing is wrong".to_owned(),
        count => summary::count(count, "problem"),
    };
    reporter.note(format!("{packages}, revision {}, {signed}; {problems}", checked.revision));
    Ok(checked)
}
