//! Adding a target, and packing one.

use std::path::Path;

use super::clock::stage;
use super::diff::layouts;
use super::prepare::resolve;
use super::summary;
use crate::paths;
use crate::report::{Downloads, Event, Reporter, Stage};
use crate::target::pack;
use crate::target::store::{self, Done, Request, Store};
use crate::target::{LIBGCC, LIBGCC_PACKAGES};

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
    // A module can be built without it, and an httpd of MPM prefork does without.
    let own_libraries = done.target.runner().is_ok_and(|runner| runner.loader.is_some());
    if own_libraries && done.target.libraries.find(LIBGCC).is_none() {
        reporter.warning(format!(
            "the target has no {LIBGCC}, without which its C library ends an httpd that has threads, and no check can pass; the package that has it: {LIBGCC_PACKAGES}"
        ));
    }
    if let Some(lock) = done.lock {
        reporter.note(format!("{} has the packages of {}", lock.display(), request.name));
    }
    Ok(())
}

/// Writes the pack of a target, and tells its path as [`Event::Results`].
///
/// # Errors
/// A target that is none or cannot be packed; there is no file then that was not there before.
pub fn pack_target(name: &str, out: &Path, reporter: &dyn Reporter) -> Result<(), crate::Error> {
    let target = resolve(name, true, reporter)?;
    let (found, _) = layouts(&target, reporter)?;
    // Of a folder the last part: a file is named by it.
    let called = Path::new(name).file_name().map_or_else(|| "target".into(), |name| name.to_string_lossy());
    let written = pack::write(&target, &called, &found.layouts, out).map_err(crate::target::Error::from)?;
    let size = written.size.div_ceil(1000);
    reporter.note(format!(
        "{} files in {size} kB; types: {}, of which the program told {}",
        written.files,
        found.layouts.types.len(),
        found.from_program
    ));
    reporter.note(format!("SHA-256 {}", written.sha256));
    reporter.event(Event::Results { files: vec![written.file] });
    Ok(())
}
