//! Lints of a package's changelog.

use super::{Found, Subject};

pub(super) fn missing(subject: &Subject) -> Vec<Found> {
    if !subject.recipe.changelog.is_empty() {
        return Vec::new();
    }
    let help = "add a [[changelog]] entry: its day is also the time in the packages";
    vec![subject.found(&[], "the package has no changelog", help)]
}

pub(super) fn order(subject: &Subject) -> Vec<Found> {
    let entries = &subject.recipe.changelog;
    let wrong = entries.windows(2).position(|pair| pair[0].date < pair[1].date);
    let Some(at) = wrong else { return Vec::new() };
    let message = format!("the entry of {} stands above that of {}", entries[at].date, entries[at + 1].date);
    let steps = ["changelog".into(), (at + 1).into(), "date".into()];
    vec![subject.found(&steps, message, "put the newest entry first: rpmbuild refuses another order")]
}

pub(super) fn version(subject: &Subject) -> Vec<Found> {
    let recipe = &subject.recipe;
    let Some(stated) = recipe.changelog.first().and_then(|entry| entry.version.as_ref()) else {
        return Vec::new();
    };
    let own = format!("{}-{}", recipe.version, recipe.release);
    if *stated == own {
        return Vec::new();
    }
    let message = format!("the newest entry is of {stated}, and the package is {own}");
    let help = "add an entry that says what changed, or correct the version";
    vec![subject.found(&["changelog".into(), 0.into(), "version".into()], message, help)]
}

pub(super) fn author(subject: &Subject) -> Vec<Found> {
    let is_right = |author: &str| {
        let address = author.strip_suffix('>').and_then(|rest| rest.rsplit_once('<'));
        address.is_some_and(|(name, address)| !name.trim().is_empty() && address.contains('@'))
    };
    let entries = subject.recipe.changelog.iter().enumerate();
    entries
        .filter(|(_, entry)| !is_right(&entry.author))
        .map(|(number, entry)| {
            let steps = ["changelog".into(), number.into(), "author".into()];
            let message = format!("{:?} is no name with an address", entry.author);
            subject.found(&steps, message, "write it as \"Name <name@example.org>\"")
        })
        .collect()
}
