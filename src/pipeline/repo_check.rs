//! Checking a repository.

use std::path::{Path, PathBuf};

use super::summary;
use crate::publish::{self, Checked, ProblemKind};
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
    if !checked.signed && !checked.problems.iter().any(|problem| problem.kind == ProblemKind::Signature) {
        reporter.note(
            "the metadata is not signed, as it was published: nothing shows whether somebody has changed it",
        );
    }
    let signed = match &checked.signed_by {
        Some(by) => format!("signed by {by}"),
        None if checked.signed => "with a signature that does not count".to_owned(),
        None => "not signed".to_owned(),
    };
    let packages = summary::count(checked.packages, "package");
    let problems = match checked.problems.len() {
        0 => "nothing is wrong".to_owned(),
        count => summary::count(count, "problem"),
    };
    reporter.note(format!("{packages}, revision {}, {signed}; {problems}", checked.revision));
    Ok(checked)
}
