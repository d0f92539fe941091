//! Adding a target.

use super::clock::stage;
use super::summary;
use crate::paths;
use crate::report::{Downloads, Reporter, Stage};
use crate::target::store::{self, Done, Request, Store};

/// Adds a target, and tells what it is.
///
/// # Errors
/// The target's; the cache is then as it was before.
pub fn add_target(request: &Request, reporter: &dyn Reporter) -> Result<(), crate::Error> {
    let store = Store::of(&paths::cache());
    let progress = Downloads::new(reporter, format!("packages of {}", request.name));
    let add = || store::add(&store, request, &progress);
    let tell = |done: &Done| match done.packages {
        0 => summary::target(&done.target),
        count => format!("{}; {}", summary::target(&done.target), summary::count(count, "package")),
    };
    let done = stage(reporter, Stage::Target, add, tell)?;
    for note in done.notes {
        reporter.detail(note);
    }
    if let Some(lock) = done.lock {
        reporter.note(format!("{} has the packages of {}", lock.display(), request.name));
    }
    Ok(())
}
