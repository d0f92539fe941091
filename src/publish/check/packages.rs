//! The packages: each is there, whole, signed, and what the metadata says of it.

use std::path::Path;

use super::metadata::Listed;
use super::said::Said;
use super::{Problem, ProblemKind, View};
use crate::parallel;
use crate::process;
use crate::publish::arrive::{self, digest_of};
use crate::publish::fragment::{self, Lying};
use crate::publish::{Error, KINDS, served};
use crate::rpm;

/// Checks all packages.
///
/// # Errors
/// [`Error::Interrupted`].
pub(super) fn check(view: &View<'_>, listed: &[Listed], problems: &mut Vec<Problem>) -> Result<(), Error> {
    let found = parallel::map(listed, |package| {
        if process::interrupted() { Err(Error::Interrupted) } else { Ok(one(view, package)) }
    });
    for found in found {
        problems.extend(found?);
    }
    Ok(())
}

fn one(view: &View<'_>, listed: &Listed) -> Vec<Problem> {
    let problem = |kind, problem: String| vec![Problem::new(kind, &listed.href, problem)];
    let path = view.folder.join(&listed.href);
    if let Err(what) = is_the_file(&path, listed) {
        return problem(ProblemKind::Package, what);
    }
    let package = match rpm::listing(&path) {
        Ok(package) => package,
        Err(error) => return problem(ProblemKind::Package, error.to_string()),
    };
    if let Err(error) = arrive::judge(&path, &package) {
        return problem(ProblemKind::Package, error.to_string());
    }
    let mut problems = Vec::new();
    let mut keys = view.keys.filter(|_| view.signed_packages);
    if let Some(demanded) = keys
        && let Err(error) = arrive::demand_signature(&path, &package, demanded)
    {
        problems.push(Problem::new(ProblemKind::Untrusted, &listed.href, error.to_string()));
        // Each release would say the same of it.
        keys = None;
    }
    if let Err(error) = served::refusals(&path, &package, keys, &view.served) {
        // What helps is the reason here.
        let reasons = match &error {
            Error::NotServed { reasons, .. } => {
                format!("none of the releases that are served takes it: {reasons}")
            }
            error => error.to_string(),
        };
        problems.push(Problem::new(ProblemKind::NotServed, &listed.href, reasons));
    }
    let lying = Lying { href: &listed.href, sha256: listed.checksum.hex(), time: 0 };
    for ((kind, said), header) in KINDS.iter().zip(&listed.said).zip(fragment::of(&package, lying)) {
        let differs = match (said, Said::of(&header)) {
            (Some(said), Ok(header)) => said.differs(&header),
            (None, _) => None,
            (_, Err(problem)) => Some(problem),
        };
        if let Some(differs) = differs {
            let text = format!("of {}, {kind} is not right: {differs}", listed.nevra);
            problems.push(Problem::new(ProblemKind::Differs, &listed.href, text));
        }
    }
    problems
}

/// Whether the file is there, as long as is said, and has the sum that is said.
fn is_the_file(path: &Path, listed: &Listed) -> Result<(), String> {
    let Ok(found) = fs_err::metadata(path) else {
        return Err(format!("{} is listed, and the file is not there", listed.nevra));
    };
    if found.len() != listed.size {
        return Err(format!("it has {} bytes, and {} are listed", found.len(), listed.size));
    }
    let sum = digest_of(path, listed.checksum.algorithm).map_err(|error| error.to_string())?;
    if sum == listed.checksum { Ok(()) } else { Err("its sum is not the one that is listed".to_owned()) }
}
