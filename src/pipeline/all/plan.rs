//! Which recipes are meant.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::{Reason, basis};
use crate::cache::Basis;
use crate::pipeline::Error;
use crate::recipe::{self, Input, Recipe};

/// Where recipes are, when nothing is said.
const MODULES: &str = "modules";
const MANIFEST: &str = "module.toml";

/// A recipe that is to be built.
#[derive(Debug)]
pub(super) struct Planned {
    /// What it calls itself; of one that cannot be read its folder's name.
    pub name: String,
    /// Its `module.toml`.
    pub file: PathBuf,
    /// What stands there, or what is wrong with it.
    pub recipe: Result<Recipe, Reason>,
    brought: OnceLock<Brought>,
}

/// What a recipe brings, or why that cannot be kept.
pub(super) type Brought = Result<Basis, String>;

impl Planned {
    /// What the recipe brings, found once for all targets; who comes meanwhile waits.
    ///
    /// # Errors
    /// What is wrong with the recipe.
    pub fn brought(&self) -> Result<&Brought, Reason> {
        let recipe = self.recipe.as_ref().map_err(Clone::clone)?;
        Ok(self.brought.get_or_init(|| basis::of_recipe(recipe, &self.file)))
    }
}

/// The recipes that `words` mean: a folder with recipes in folders of their own, a recipe's folder or file, or a name in
/// `modules`; `modules` where there are none. In the order in which they are named, those of a folder by name.
///
/// # Errors
/// [`Error::NoRecipes`], [`Error::SameModule`]; a word that means nothing.
pub(super) fn recipes(words: &[String]) -> Result<Vec<Planned>, crate::Error> {
    let default = [MODULES.to_owned()];
    let words = if words.is_empty() { &default[..] } else { words };
    let mut files = Vec::new();
    for word in words {
        let path = Path::new(word);
        if path.is_dir() && !path.join(MANIFEST).is_file() {
            files.extend(recipes_in(path)?);
            continue;
        }
        match recipe::find(std::slice::from_ref(word), Path::new(""))? {
            Input::Recipe(file) => files.push(file),
            _ => return Err(Error::NoRecipes { folder: path.to_owned() }.into()),
        }
    }
    let mut planned: Vec<Planned> = Vec::new();
    let mut known: BTreeMap<String, PathBuf> = BTreeMap::new();
    let mut seen = std::collections::BTreeSet::new();
    for file in files {
        // One that is named twice is meant once.
        if !seen.insert(fs_err::canonicalize(&file).map_err(Error::from)?) {
            continue;
        }
        let recipe = recipe::read(&file).map_err(|error| Reason::of(&error.into()));
        let name = recipe.as_ref().map_or_else(|_| folder_name(&file), |recipe| recipe.name.clone());
        if let Some(first) = known.insert(name.clone(), file.clone()) {
            return Err(Error::SameModule { name, first, second: file }.into());
        }
        planned.push(Planned { name, file, recipe, brought: OnceLock::new() });
    }
    Ok(planned)
}

/// One below the other would be a recipe's own.
fn recipes_in(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut files = Vec::new();
    for entry in fs_err::read_dir(folder)? {
        let file = entry?.path().join(MANIFEST);
        if file.is_file() {
            files.push(file);
        }
    }
    if files.is_empty() {
        return Err(Error::NoRecipes { folder: folder.to_owned() });
    }
    files.sort();
    Ok(files)
}

fn folder_name(file: &Path) -> String {
    let folder = fs_err::canonicalize(file).ok().and_then(|file| file.parent().map(Path::to_owned));
    folder
        .as_deref()
        .and_then(Path::file_name)
        .map_or_else(|| MANIFEST.to_owned(), |name| name.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(here: &Path, words: &[&str]) -> Result<Vec<String>, String> {
        let words: Vec<String> = words.iter().map(|word| here.join(word).display().to_string()).collect();
        let planned = recipes(&words).map_err(|error| error.to_string())?;
        Ok(planned.into_iter().map(|planned| planned.name).collect())
    }

    #[test]
    fn folders_are_listed_and_each_recipe_is_meant_once() {
        let here = tempfile::tempdir().unwrap();
        for folder in ["a/mod_b", "a/mod_a", "c/mod_b", "empty", "a/no_recipe", "a/mod_a/mod_inner"] {
            fs_err::create_dir_all(here.path().join(folder)).unwrap();
            if folder.contains("mod_") {
                // It cannot be read: that is told when it is built.
                fs_err::write(here.path().join(folder).join("module.toml"), "").unwrap();
            }
        }
        let here = here.path();
        assert_eq!(names(here, &["a"]).unwrap(), ["mod_a", "mod_b"]);
        assert_eq!(names(here, &["a/mod_b", "a/mod_b/module.toml", "a"]).unwrap(), ["mod_b", "mod_a"]);
        let twice = names(here, &["a", "c"]).unwrap_err();
        assert!(twice.contains("`mod_b`"), "{twice}");
        assert!(names(here, &["empty"]).unwrap_err().contains("empty"));
        assert!(names(here, &["none"]).is_err());
    }
}
