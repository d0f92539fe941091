//! What is not right with a recipe, or could be better: what `modgraft lint` tells.
//!
//! In: the text of a `module.toml` and the names of the files beside it. Out: [`Finding`]s, each with its place. [`LINTS`] is the one
//! list of what is looked for; the functions that look are in `words`, `source`, `checks` and `history`.

mod catalog;
mod checks;
mod error;
mod finding;
mod history;
mod places;
mod source;
mod subject;
mod words;

pub use catalog::{LINTS, Lint, UNREADABLE, find, nearest};
pub use error::Error;
pub use finding::{Finding, Severity};
pub use subject::Subject;
pub(crate) use words::{LEFT, LEFT_HELP, left};

use std::path::Path;
use std::sync::Arc;

use crate::recipe::{self, Recipe};

/// Reads the recipe in `file` and looks at it.
///
/// # Errors
/// [`Error::Recipe`] where the file cannot be read; a recipe that is read and not understood has a finding.
pub fn recipe(file: &Path) -> Result<Vec<Finding>, Error> {
    match recipe::read(file) {
        Ok(recipe) => Ok(findings(&Subject::of(recipe, file)?)),
        Err(error) => Finding::of_error(error, file).map(|finding| vec![finding]),
    }
}

/// All findings that the recipe does not allow, in the order of their places.
pub fn findings(subject: &Subject) -> Vec<Finding> {
    let Recipe { text, allowed_lints, .. } = &subject.recipe;
    let wanted = LINTS.iter().filter(|lint| !allowed_lints.iter().any(|name| name == lint.name));
    let mut all: Vec<Finding> = wanted
        .flat_map(|lint| {
            let found = (lint.look)(subject);
            found.into_iter().map(|found| Finding::new(lint, found, &subject.shown, &Arc::clone(text)))
        })
        .collect();
    all.sort_by_key(Finding::offset);
    all
}

/// What a lint found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Bytes of the recipe.
    pub at: std::ops::Range<usize>,
    /// What is wrong, in one line.
    pub message: String,
    /// What to do.
    pub help: String,
}

#[cfg(test)]
mod tests;
