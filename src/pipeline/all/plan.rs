//! Which recipes are meant.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::Reason;
use super::basis::{Brought, Look};
use crate::pipeline::Error;
use crate::recipe::{self, Input, MANIFEST, MODULES, Recipe};
use crate::report::Reporter;

/// A recipe that is to be built.
#[derive(Debug)]
pub(super) struct Planned {
    /// What it calls itself; of one that cannot be read its folder's name.
    pub name: String,
    /// Its `module.toml`.
    pub file: PathBuf,
    /// What stands there, or what is wrong with it.
    pub recipe: Result<Recipe, Reason>,
    brought: OnceLock<Result<Brought, String>>,
}

impl Planned {
    /// What the recipe brings, found once for all targets; who comes meanwhile waits. Or, in words, why nothing that is made of
    /// it can be kept.
    ///
    /// # Errors
    /// What is wrong with the recipe.
    pub fn brought(&self, look: &Look) -> Result<Result<&Brought, String>, Reason> {
        let recipe = self.recipe.as_ref().map_err(Clone::clone)?;
        Ok(self.brought.get_or_init(|| look.of_recipe(recipe, &self.file)).as_ref().map_err(String::clone))
    }

    /// Whether all is still as it was when that was found.
    pub fn still_brings(&self, brought: &Brought, look: &Look) -> bool {
        self.recipe.as_ref().is_ok_and(|recipe| look.still_brings(brought, recipe, &self.file))
    }
}

/// The recipes that `words` mean: a folder with recipes in folders of their own, a recipe's folder or file, or a name in
/// `modules`; `modules` where there are none. In the order in which they are named, those of a folder by name.
///
/// # Errors
/// [`Error::NoRecipes`], [`Error::SameModule`]; a word that means nothing.
pub(super) fn recipes(words: &[String], reporter: &dyn Reporter) -> Result<Vec<Planned>, crate::Error> {
    let default = [MODULES.to_owned()];
    let words = if words.is_empty() { &default[..] } else { words };
    let (mut files, mut deeper) = (Vec::new(), Vec::new());
    for word in words {
        let path = Path::new(word);
        if path.is_dir() && !path.join(MANIFEST).is_file() {
            files.extend(recipes_in(path, &mut deeper)?);
            continue;
        }
        match recipe::find(std::slice::from_ref(word), Path::new(""))? {
            Input::Recipe(file) => files.push(file),
            _ => return Err(Error::NoRecipes { folder: path.to_owned() }.into()),
        }
    }
    let mut planned: Vec<Planned> = Vec::new();
    let mut known: BTreeMap<String, PathBuf> = BTreeMap::new();
    let mut seen = BTreeSet::new();
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
    tell_passed_over(&deeper, &seen, reporter);
    Ok(planned)
}

/// Those right in `folder`; those in folders of folders, which have to be named themselves, are added to `deeper`.
fn recipes_in(folder: &Path, deeper: &mut Vec<PathBuf>) -> Result<Vec<PathBuf>, Error> {
    let all = recipe::beneath(folder)?;
    let is_near = |file: &PathBuf| file.parent().and_then(Path::parent) == Some(folder);
    let (near, far): (Vec<PathBuf>, Vec<PathBuf>) = all.into_iter().partition(is_near);
    if near.is_empty() {
        return Err(Error::NoRecipes { folder: folder.to_owned() });
    }
    deeper.extend(far);
    Ok(near)
}

/// Says which folders have recipes that are not meant.
fn tell_passed_over(deeper: &[PathBuf], meant: &BTreeSet<PathBuf>, reporter: &dyn Reporter) {
    let is_meant = |file: &PathBuf| fs_err::canonicalize(file).is_ok_and(|file| meant.contains(&file));
    let over = deeper.iter().filter(|file| !is_meant(file));
    let folders: BTreeSet<&Path> = over.filter_map(|file| file.parent()?.parent()).collect();
    for folder in folders {
        let folder = folder.display();
        reporter.note(format!("the recipes in {folder} are passed over: name that folder for them"));
    }
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
    use std::sync::Mutex;

    use super::*;
    use crate::report::Event;

    /// What is told in notes.
    #[derive(Default)]
    struct Notes(Mutex<Vec<String>>);

    impl Reporter for Notes {
        fn event(&self, event: Event) {
            if let Event::Note { text } = event {
                self.0.lock().unwrap().push(text);
            }
        }

        fn failure(&self, _: &crate::Error) {}
    }

    fn told(here: &Path, words: &[&str]) -> Result<(Vec<String>, Vec<String>), String> {
        let words: Vec<String> = words.iter().map(|word| here.join(word).display().to_string()).collect();
        let notes = Notes::default();
        let planned = recipes(&words, &notes).map_err(|error| error.to_string())?;
        Ok((planned.into_iter().map(|planned| planned.name).collect(), notes.0.into_inner().unwrap()))
    }

    fn names(here: &Path, words: &[&str]) -> Result<Vec<String>, String> {
        told(here, words).map(|(names, _)| names)
    }

    #[test]
    fn what_is_deeper_is_told_where_it_is_not_named() {
        let here = tempfile::tempdir().unwrap();
        let here = here.path();
        for folder in ["m/mod_a", "m/more/mod_b", "m/more/mod_c"] {
            fs_err::create_dir_all(here.join(folder)).unwrap();
            fs_err::write(here.join(folder).join("module.toml"), "").unwrap();
        }
        let (found, notes) = told(here, &["m"]).unwrap();
        assert_eq!(found, ["mod_a"]);
        let more = here.join("m/more").display().to_string();
        assert_eq!(notes, [format!("the recipes in {more} are passed over: name that folder for them")]);
        let (found, notes) = told(here, &["m", "m/more"]).unwrap();
        assert_eq!((found.len(), notes), (3, Vec::new()));
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
