//! Publishing packages.

use super::{SigningKey, epoch, summary};
use crate::publish::{self, Published, Request};
use crate::report::{Event, Reporter};

/// Publishes packages, signed by `key`, tells what came of it, and the .repo file's path as [`Event::Results`].
///
/// # Errors
/// The stages'; clients see the repository as it was then.
pub fn publish(
    mut request: Request,
    key: &SigningKey,
    reporter: &dyn Reporter,
) -> Result<Published, crate::Error> {
    request.time = epoch::stated()?;
    let published = publish::publish(&request, key.open(reporter)?)?;
    for (what, packages) in counted(&published) {
        for package in packages {
            reporter.detail(format!("{what} {package}"));
        }
    }
    for note in &published.notes {
        reporter.note(note.clone());
    }
    reporter.note(told(&published));
    reporter.event(Event::Results { files: vec![published.repo_file.clone()] });
    Ok(published)
}

/// What became of which packages.
fn counted(published: &Published) -> [(&'static str, &Vec<String>); 4] {
    [
        ("added", &published.added),
        ("replaced", &published.replaced),
        ("repaired", &published.repaired),
        ("removed", &published.removed),
    ]
}

fn told(published: &Published) -> String {
    let packages = summary::count(published.packages, "package");
    let counts = counted(published).into_iter().filter(|(_, packages)| !packages.is_empty());
    let counts: Vec<String> = counts.map(|(what, packages)| format!("{} {what}", packages.len())).collect();
    match &counts[..] {
        [] if published.changed => packages,
        [] => format!("{packages}; nothing to publish"),
        counts => format!("{packages}; {}", counts.join(", ")),
    }
}
