//! All that the packages of a job are made of.

use std::collections::BTreeSet;
use std::path::Path;

use super::BuildAll;
use super::modgraft;
use crate::cache::Basis;
use crate::hash::{ListHash, sha256};
use crate::pipeline::Check;
use crate::pipeline::required::recipe_file;
use crate::recipe::{self, Recipe};
use crate::sign::Key;
use crate::source::Unpinned;

/// Variables that the compiler reads, and the one that dates packages.
const VARIABLES: &[&str] = &[
    "SOURCE_DATE_EPOCH",
    "CPATH",
    "C_INCLUDE_PATH",
    "LIBRARY_PATH",
    "COMPILER_PATH",
    "GCC_EXEC_PREFIX",
    "LANG",
    "LC_ALL",
];

/// What is the same for all jobs of a run.
///
/// # Errors
/// In words: why nothing can be kept.
pub(super) fn of_run(request: &BuildAll, key: Option<&Key>) -> Result<Basis, String> {
    let mut basis = Basis::default();
    let modgraft = modgraft::identity().map_err(|error| format!("modgraft's own program: {error}"))?;
    basis.state("modgraft", format!("{} {modgraft}", env!("CARGO_PKG_VERSION")));
    basis.state("key", key.map_or("none", |key| &key.fingerprint));
    basis.state("check", if request.packaging.check == Check::Run { "run" } else { "skip" });
    basis.state("release", request.packaging.release.to_string());
    basis.state("line-directives", request.line_directives.to_string());
    basis.state("accept-risks", request.accept_risks.join(" "));
    for name in VARIABLES {
        if let Some(value) = std::env::var_os(name) {
            basis.state(format!("environment {name}"), value.to_string_lossy());
        }
    }
    Ok(basis)
}

/// What a recipe brings: its folder, what it names outside of that, and the recipes that it requires.
///
/// # Errors
/// In words: why nothing that is made of it can be kept.
pub(super) fn of_recipe(recipe: &Recipe, file: &Path) -> Result<Basis, String> {
    let mut basis = Basis::default();
    let mut seen = BTreeSet::new();
    state_recipe(&mut basis, recipe, file, &mut seen)?;
    Ok(basis)
}

fn state_recipe(
    basis: &mut Basis,
    recipe: &Recipe,
    file: &Path,
    seen: &mut BTreeSet<String>,
) -> Result<(), String> {
    let name = &recipe.name;
    if !seen.insert(name.clone()) {
        return Ok(());
    }
    let told = |path: &Path, error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let folder = &recipe.directory;
    state_tree(basis, &format!("recipe {name}"), folder)?;
    basis.state(format!("recipe {name}, file"), file.file_name().unwrap_or_default().to_string_lossy());
    for unpinned in recipe.source.unpinned() {
        match unpinned {
            // All in the recipe's folder is stated already.
            Unpinned::File(path) | Unpinned::Folder(path) if is_beneath(folder, path) => {}
            Unpinned::File(path) => {
                let path = folder.join(path);
                let bytes = fs_err::read(&path).map_err(|error| told(&path, &error))?;
                basis.digest(format!("file {}", path.display()), &bytes);
            }
            Unpinned::Folder(path) => {
                state_tree(basis, &format!("folder {}", path.display()), &folder.join(path))?;
            }
            Unpinned::Revision { repository, revision } => {
                return Err(format!("{revision} of {repository} may move: a full commit id would pin it"));
            }
        }
    }
    for required in &recipe.requires {
        // What is no recipe is made of this one's source.
        if let Some(file) = recipe_file(folder, required) {
            let other = recipe::read(&file).map_err(|error| told(&file, &error))?;
            state_recipe(basis, &other, &file, seen)?;
        }
    }
    Ok(())
}

fn is_beneath(folder: &Path, path: &Path) -> bool {
    let whole = |path: &Path| fs_err::canonicalize(path).ok();
    match (whole(folder), whole(&folder.join(path))) {
        (Some(folder), Some(path)) => path.starts_with(folder),
        _ => false,
    }
}

/// States all files beneath a folder, each by its path and digest, links by what they lead to. What git keeps of its own
/// goes into nothing.
fn state_tree(basis: &mut Basis, name: &str, folder: &Path) -> Result<(), String> {
    let mut list = ListHash::default();
    let entries = walkdir::WalkDir::new(folder).follow_links(true).sort_by_file_name().into_iter();
    for entry in entries.filter_entry(|entry| entry.depth() == 0 || entry.file_name() != ".git") {
        let entry = entry.map_err(|error| error.to_string())?;
        if entry.file_type().is_dir() {
            continue;
        }
        let path = entry.path();
        let bytes = fs_err::read(path).map_err(|error| error.to_string())?;
        list.add(path.strip_prefix(folder).unwrap_or(path).as_os_str().as_encoded_bytes());
        list.add(sha256(&bytes));
    }
    basis.state(name, list.hex());
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn recipe(folder: &Path, source: &str) -> (Recipe, PathBuf) {
        let file = folder.join("module.toml");
        let text = format!(
            "name = \"mod_x\"\nsummary = \"X\"\nlicense = \"Apache-2.0\"\nversion = \"1\"\nrelease = \"1\"\n{source}\n"
        );
        fs_err::write(&file, text).unwrap();
        (recipe::read(&file).unwrap(), file)
    }

    fn key(recipe: &(Recipe, PathBuf)) -> String {
        of_recipe(&recipe.0, &recipe.1).unwrap().key().hex().to_owned()
    }

    #[test]
    fn each_file_of_a_recipe_counts_and_its_place_does_not() {
        let here = tempfile::tempdir().unwrap();
        let folder = |name: &str| {
            let folder = here.path().join(name);
            fs_err::create_dir_all(folder.join("overlays")).unwrap();
            fs_err::write(folder.join("a.patch"), "1").unwrap();
            folder
        };
        let (one, two) = (folder("one"), folder("two"));
        let source = "[source]\npatches = [\"a.patch\"]";
        let first = key(&recipe(&one, source));
        assert_eq!(first, key(&recipe(&two, source)));
        fs_err::write(two.join("overlays/x"), "").unwrap();
        let more = key(&recipe(&two, source));
        assert_ne!(first, more);
        fs_err::rename(two.join("overlays/x"), two.join("overlays/y")).unwrap();
        assert_ne!(more, key(&recipe(&two, source)));
        fs_err::write(one.join("a.patch"), "2").unwrap();
        assert_ne!(first, key(&recipe(&one, source)));
        assert_ne!(first, key(&recipe(&folder("one"), "[source]\npatches = [\"./a.patch\"]")));
    }

    #[test]
    fn what_lies_outside_counts_and_what_moves_cannot_be_kept() {
        let here = tempfile::tempdir().unwrap();
        let folder = here.path().join("mod_x");
        fs_err::create_dir(&folder).unwrap();
        fs_err::write(here.path().join("a.patch"), "1").unwrap();
        let outside = recipe(&folder, "[source]\npatches = [\"../a.patch\"]");
        let before = key(&outside);
        fs_err::write(here.path().join("a.patch"), "2").unwrap();
        assert_ne!(before, key(&outside));
        fs_err::write(folder.join("b.patch"), "1").unwrap();
        let moving =
            recipe(&folder, "[source]\npatches = [\"b.patch\"]\nbase = \"https://x.example/r@trunk\"");
        let why = of_recipe(&moving.0, &moving.1).unwrap_err();
        assert!(why.contains("trunk") && why.contains("may move"), "{why}");
    }
}
