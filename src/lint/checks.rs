//! Lints of what a recipe checks, and of the risks that it takes.

use std::collections::HashSet;

use super::{Found, Subject};
use crate::adapt::pack;
use crate::recipe::check::Action;

pub(super) fn missing(subject: &Subject) -> Vec<Found> {
    if !subject.recipe.checks.is_empty() {
        return Vec::new();
    }
    let help = "add a [[check]]: a directive that httpd accepts, and a request whose answer shows that the module works";
    vec![subject.found(&[], "the recipe has no checks: httpd is only asked to load the module", help)]
}

pub(super) fn only_parsed(subject: &Subject) -> Vec<Found> {
    let parses = |action: &Action| matches!(action, Action::Accepted { .. } | Action::Refused { .. });
    let checks = &subject.recipe.checks;
    if checks.is_empty() || !checks.iter().all(|check| parses(&check.action)) {
        return Vec::new();
    }
    let help = "add a check with a `request` whose answer only the module can give";
    vec![subject.found(
        &["check".into(), 0.into()],
        "no check sends a request: the module is never seen at work",
        help,
    )]
}

pub(super) fn same_name(subject: &Subject) -> Vec<Found> {
    let mut names = HashSet::new();
    let mut found = Vec::new();
    for (number, check) in subject.recipe.checks.iter().enumerate() {
        if !names.insert(check.name.as_str()) {
            let message = format!("another check is called {:?} too", check.name);
            let steps = ["check".into(), number.into(), "name".into()];
            found.push(subject.found(
                &steps,
                message,
                "give it a name of its own: its result is found by it",
            ));
        }
    }
    found
}

pub(super) fn risk_accepted(subject: &Subject) -> Vec<Found> {
    let recipe = &subject.recipe;
    let found = |(number, id): (usize, &String)| {
        let (_, rule) = pack::find(&recipe.compat.packs, id)?;
        let help = "a person has to have decided that: where it is right, allow this lint in the recipe";
        Some(subject.found(
            &["accept-risks".into(), number.into()],
            format!("{id} is accepted: {}", rule.note),
            help,
        ))
    };
    recipe.accept_risks.iter().enumerate().filter_map(found).collect()
}
