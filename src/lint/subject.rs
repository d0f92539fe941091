//! What lints look at.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::places::{Step, place};
use super::{Error, Found};
use crate::recipe::Recipe;

/// A recipe, and what stands beside it.
#[derive(Debug)]
pub struct Subject {
    /// The recipe.
    pub recipe: Recipe,
    /// What to call its file.
    pub shown: String,
    /// The files beneath its folder, relative to it. Folders whose names begin with a dot are passed over.
    pub files: BTreeSet<PathBuf>,
}

impl Subject {
    /// The recipe of `file`, with the names of the files in its folder.
    ///
    /// # Errors
    /// [`Error::Io`] where the folder cannot be read.
    pub fn of(recipe: Recipe, file: &Path) -> Result<Subject, Error> {
        let visible = |entry: &walkdir::DirEntry| {
            entry.depth() == 0 || !entry.file_name().to_string_lossy().starts_with('.')
        };
        let mut files = BTreeSet::new();
        for entry in walkdir::WalkDir::new(&recipe.directory).into_iter().filter_entry(visible) {
            let entry = entry.map_err(std::io::Error::from)?;
            if !entry.file_type().is_dir()
                && let Ok(path) = entry.path().strip_prefix(&recipe.directory)
            {
                files.insert(path.to_owned());
            }
        }
        Ok(Subject { recipe, shown: file.display().to_string(), files })
    }

    /// Where the value is that the steps lead to.
    pub(super) fn place(&self, steps: &[Step<'_>]) -> Range<usize> {
        place(&self.recipe.text, steps)
    }

    /// Something found at a value.
    pub(super) fn found(
        &self,
        steps: &[Step<'_>],
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Found {
        Found { at: self.place(steps), message: message.into(), help: help.into() }
    }
}
