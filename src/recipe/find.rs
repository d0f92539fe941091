//! Which recipe or patches the words on the command line mean.

use std::io;
use std::path::{Path, PathBuf};

use super::{Error, builtin};
use crate::source::Snapshot;

/// Where recipes are, when nothing is said.
pub const MODULES: &str = "modules";
/// What a recipe is called in its folder.
pub const MANIFEST: &str = "module.toml";

/// What is to be built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A written recipe: its `module.toml`.
    Recipe(PathBuf),
    /// The reference module's recipe, from modgraft itself.
    Reference,
    /// Patch files without a recipe.
    Patches(Vec<PathBuf>),
    /// A module's own files of a whole tree, without a recipe.
    Files {
        /// The tree.
        tree: Snapshot,
        /// Paths in it.
        files: Vec<String>,
    },
}

/// Understands `words` as files of the tree that `--from` names.
///
/// # Errors
/// [`Error::FromNothing`], [`Error::FromMixed`].
pub fn find_in(words: &[String], tree: &str, directory: &Path) -> Result<Input, Error> {
    if words.is_empty() {
        return Err(Error::FromNothing);
    }
    for word in words {
        let what = if recipe_file(word, directory).is_some() {
            "a recipe"
        } else if [".patch", ".diff"].iter().any(|ending| word.ends_with(ending)) {
            "a patch"
        } else {
            continue;
        };
        return Err(Error::FromMixed { word: word.clone(), what });
    }
    Ok(Input::Files { tree: Snapshot::parse(tree), files: words.to_vec() })
}

/// Understands `words`: a recipe's folder, its `module.toml`, its name in `modules/` beneath `directory`, or patch files.
/// Nothing at all is the reference module.
///
/// # Errors
/// [`Error::Unknown`], [`Error::Mixed`].
pub fn find(words: &[String], directory: &Path) -> Result<Input, Error> {
    let recipes =
        words.iter().filter_map(|word| Some((word, recipe_file(word, directory)?))).collect::<Vec<_>>();
    match (words, recipes.first()) {
        ([], _) => Ok(named(builtin::REFERENCE, directory).map_or(Input::Reference, Input::Recipe)),
        ([_], Some((_, file))) => Ok(Input::Recipe(file.clone())),
        (_, Some((recipe, _))) => {
            let other = words.iter().find(|word| word != recipe).unwrap_or(recipe);
            Err(Error::Mixed { recipe: (*recipe).clone(), other: other.clone() })
        }
        ([word], None) if word == builtin::REFERENCE => Ok(Input::Reference),
        (_, None) => {
            let patches: Vec<PathBuf> = words.iter().map(|word| directory.join(word)).collect();
            match words.iter().zip(&patches).find(|(_, path)| !path.exists()) {
                Some((word, _)) => Err(Error::Unknown { asked: word.clone(), help: known(directory) }),
                None => Ok(Input::Patches(patches)),
            }
        }
    }
}

fn recipe_file(word: &str, directory: &Path) -> Option<PathBuf> {
    let path = directory.join(word);
    if path.is_dir() {
        let file = path.join(MANIFEST);
        return file.is_file().then_some(file);
    }
    if path.extension().is_some_and(|ending| ending == "toml") && path.is_file() {
        return Some(path);
    }
    if path.exists() { None } else { named(word, directory) }
}

fn named(name: &str, directory: &Path) -> Option<PathBuf> {
    let file = directory.join(MODULES).join(name).join(MANIFEST);
    file.is_file().then_some(file)
}

/// The recipes beneath a folder, each by its file, in the order of their paths. What lies in a recipe's own folder is that
/// one's, what is hidden is none, and what cannot be read has none.
///
/// # Errors
/// The folder itself cannot be read.
pub fn beneath(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let is_hidden = |entry: &walkdir::DirEntry| entry.file_name().as_encoded_bytes().starts_with(b".");
    let mut entries = walkdir::WalkDir::new(folder).follow_links(true).sort_by_file_name().into_iter();
    while let Some(entry) = entries.next() {
        let entry = match entry {
            Err(error) if error.depth() > 0 => continue,
            entry => entry?,
        };
        if entry.depth() == 0 || !entry.file_type().is_dir() {
            continue;
        }
        let file = entry.path().join(MANIFEST);
        if is_hidden(&entry) {
            entries.skip_current_dir();
        } else if file.is_file() {
            files.push(file);
            entries.skip_current_dir();
        }
    }
    Ok(files)
}

/// The names in `modules/`, for the help of an error.
fn known(directory: &Path) -> String {
    let modules = directory.join(MODULES);
    let files = beneath(&modules).unwrap_or_default();
    let name = |file: &PathBuf| Some(file.parent()?.strip_prefix(&modules).ok()?.display().to_string());
    let mut names: Vec<String> = files.iter().filter_map(name).collect();
    if names.is_empty() {
        names.push(builtin::REFERENCE.to_owned());
    }
    names.sort();
    format!("name a patch file, a recipe's folder, or one of the recipes here: {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn here() -> tempfile::TempDir {
        let here = tempfile::tempdir().unwrap();
        for name in ["mod_a", "upstream/mod_b", builtin::REFERENCE] {
            fs_err::create_dir_all(here.path().join("modules").join(name)).unwrap();
            fs_err::write(here.path().join("modules").join(name).join("module.toml"), "").unwrap();
        }
        fs_err::write(here.path().join("a.patch"), "").unwrap();
        here
    }

    fn asked(words: &[&str], here: &Path) -> Result<Input, Error> {
        find(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>(), here)
    }

    #[test]
    fn a_recipe_is_found_by_name_folder_and_file() {
        let here = here();
        let file = here.path().join("modules/mod_a/module.toml");
        for word in ["mod_a", "modules/mod_a", "modules/mod_a/module.toml"] {
            assert_eq!(asked(&[word], here.path()).unwrap(), Input::Recipe(file.clone()), "{word}");
        }
        let nested = here.path().join("modules/upstream/mod_b/module.toml");
        assert_eq!(asked(&["upstream/mod_b"], here.path()).unwrap(), Input::Recipe(nested));
    }

    #[test]
    fn those_beneath_a_folder_are_found_at_each_depth_and_through_links() {
        let here = here();
        let modules = here.path().join("modules");
        for folder in ["mod_a/mod_inner", "upstream/.old/mod_c", "plain"] {
            fs_err::create_dir_all(modules.join(folder)).unwrap();
        }
        fs_err::write(modules.join("mod_a/mod_inner/module.toml"), "").unwrap();
        fs_err::write(modules.join("upstream/.old/mod_c/module.toml"), "").unwrap();
        for (link, to) in [("linked", "upstream"), ("broken", "nowhere"), ("upstream/loop", "..")] {
            std::os::unix::fs::symlink(to, modules.join(link)).unwrap();
        }
        let found = beneath(&modules).unwrap();
        let found: Vec<_> = found.iter().map(|file| file.strip_prefix(&modules).unwrap()).collect();
        let names = ["linked/mod_b", "mod_a", builtin::REFERENCE, "upstream/mod_b"];
        assert_eq!(found, names.map(|name| Path::new(name).join("module.toml")));
        assert!(beneath(&modules.join("none")).is_err());
    }

    #[test]
    fn nothing_is_the_reference_module_here_or_from_the_program() {
        let here = here();
        let file = here.path().join("modules").join(builtin::REFERENCE).join("module.toml");
        assert_eq!(asked(&[], here.path()).unwrap(), Input::Recipe(file));
        assert_eq!(asked(&[], tempfile::tempdir().unwrap().path()).unwrap(), Input::Reference);
    }

    #[test]
    fn other_files_are_patches() {
        let here = here();
        let patch = here.path().join("a.patch");
        assert_eq!(asked(&["a.patch"], here.path()).unwrap(), Input::Patches(vec![patch]));
    }

    #[test]
    fn what_is_not_there_is_told_with_what_is() {
        let here = here();
        let error = asked(&["mod_c"], here.path()).unwrap_err();
        let help = miette::Diagnostic::help(&error).unwrap().to_string();
        assert!(help.ends_with("mod_a, mod_proxy_wstunnel, upstream/mod_b"), "{help}");
        assert!(matches!(asked(&["mod_a", "a.patch"], here.path()), Err(Error::Mixed { .. })));
    }
}
