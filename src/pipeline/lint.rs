//! Recipes that are looked at.

use std::path::{Path, PathBuf};

use super::summary;
use crate::lint::{self, Finding, Severity};
use crate::recipe::{self, Input};
use crate::report::Reporter;

/// What makes a finding an error.
#[derive(Debug, Clone, Default)]
pub struct Deny {
    /// Whatever is a warning.
    pub warnings: bool,
    /// Whatever is a note or a warning.
    pub notes: bool,
    /// These lints.
    pub names: Vec<&'static str>,
}

impl Deny {
    /// Understands `warnings`, `notes` and names of lints.
    ///
    /// # Errors
    /// [`lint::Error::Unknown`].
    pub fn parse(words: &[String]) -> Result<Deny, lint::Error> {
        let mut deny = Deny::default();
        for word in words {
            match (word.as_str(), lint::find(word)) {
                ("warnings", _) => deny.warnings = true,
                ("notes", _) => (deny.warnings, deny.notes) = (true, true),
                (_, Some(lint)) => deny.names.push(lint.name),
                (_, None) => {
                    return Err(lint::Error::Unknown { name: word.clone(), help: lint::nearest(word) });
                }
            }
        }
        Ok(deny)
    }

    fn severity(&self, finding: &Finding) -> Severity {
        let denied = self.names.contains(&finding.lint.name)
            || match finding.severity {
                Severity::Error => true,
                Severity::Warning => self.warnings,
                Severity::Note => self.notes,
            };
        if denied { Severity::Error } else { finding.severity }
    }
}

/// The recipes that are meant by words on the command line; without any, those beneath `modules/` in `directory`.
///
/// # Errors
/// [`recipe::Error`] for a word that means no recipe, [`lint::Error::Nothing`].
pub fn recipes(words: &[String], directory: &Path) -> Result<Vec<PathBuf>, crate::Error> {
    if words.is_empty() {
        // Where there is no such folder, nothing is found.
        let found = recipe::beneath(&directory.join(recipe::MODULES)).unwrap_or_default();
        return if found.is_empty() { Err(lint::Error::Nothing.into()) } else { Ok(found) };
    }
    words
        .iter()
        .map(|word| match recipe::find(std::slice::from_ref(word), directory)? {
            Input::Recipe(file) => Ok(file),
            Input::Reference | Input::Patches(_) | Input::Files { .. } => {
                let help = "a recipe is a folder with a module.toml, or that file; `modgraft new` starts one from a patch";
                Err(recipe::Error::Unknown { asked: word.clone(), help: help.to_owned() }.into())
            }
        })
        .collect()
}

/// Looks at each recipe, and hands out what is found. Whether none of it is an error.
///
/// # Errors
/// A recipe that cannot be read; what `each` fails with.
pub fn lint(
    files: &[PathBuf],
    deny: &Deny,
    reporter: &dyn Reporter,
    each: &mut dyn FnMut(&Finding) -> Result<(), crate::Error>,
) -> Result<bool, crate::Error> {
    let mut counts = [0_usize; 3];
    for file in files {
        for mut finding in lint::recipe(file)? {
            finding.severity = deny.severity(&finding);
            counts[finding.severity as usize] += 1;
            each(&finding)?;
        }
    }
    let [errors, warnings, notes] = counts;
    let found = [(errors, "error"), (warnings, "warning"), (notes, "note")];
    let found: Vec<String> = found
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| summary::count(*count, word))
        .collect();
    let found = if found.is_empty() { "nothing to tell of".to_owned() } else { found.join(", ") };
    reporter.note(format!("{}: {found}", summary::count(files.len(), "recipe")));
    Ok(errors == 0)
}
