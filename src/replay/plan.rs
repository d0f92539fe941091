//! From the list to trials: commits by their full ids, the modules that each brings, and the recipes for them.

use std::path::Path;
use std::sync::Arc;

use walkdir::WalkDir;

use super::Error;
use super::list::Entry;
use super::verdict::Expected;
use crate::paths;
use crate::pipeline;
use crate::recipe::{self, Recipe};
use crate::source::{self, Base, Snapshot, SourceSpec};
use crate::target::Target;

/// One module, for one target.
#[derive(Debug, Clone)]
pub struct Trial {
    /// The line that it comes from.
    pub entry: Arc<Entry>,
    /// The full id.
    pub commit: String,
    /// The module; nothing where the commit seems to bring none, which is for the trial to say.
    pub module: Option<String>,
    /// Where its source is.
    pub spec: SourceSpec,
    /// Its recipe, where one is written.
    pub recipe: Option<Arc<Recipe>>,
    /// The httpd.
    pub target: Arc<Target>,
    /// What is expected.
    pub expected: Option<Expected>,
    /// Accept every rule that changes what a module does.
    pub accept_risks: bool,
}

/// The recipes beneath a folder whose source is a commit. A folder that is not there has none.
///
/// # Errors
/// A recipe that cannot be read.
pub fn recipes(folder: &Path) -> Result<Vec<Arc<Recipe>>, Error> {
    let files = WalkDir::new(folder).max_depth(3).sort_by_file_name().into_iter().filter_map(Result::ok);
    let files = files.filter(|entry| entry.file_name() == "module.toml").map(|entry| entry.into_path());
    let mut all = Vec::new();
    for file in files {
        let file = std::path::absolute(file)?;
        let recipe = recipe::read(&file).map_err(crate::Error::from)?;
        if matches!(recipe.source, SourceSpec::Commit { .. }) {
            all.push(Arc::new(recipe));
        }
    }
    Ok(all)
}

/// The trials, in the list's order, and of one commit in the targets'.
///
/// # Errors
/// [`Error::List`] for a commit that the repository does not have; a repository that cannot be read.
pub fn trials(
    entries: Vec<Entry>,
    repository: &Path,
    targets: &[Arc<Target>],
    recipes: Vec<Arc<Recipe>>,
    accept_risks: bool,
) -> Result<Vec<Trial>, Error> {
    let repository = std::path::absolute(repository)?;
    let mut all = Vec::new();
    for entry in entries.into_iter().map(Arc::new) {
        let commit = full_id(&entry, &repository)?;
        let spec =
            SourceSpec::Commit { url: repository.to_string_lossy().into_owned(), commit: commit.clone() };
        for module in modules(&entry, &spec) {
            let recipe = recipes.iter().find(|recipe| is_for(recipe, &commit, module.as_deref()));
            for (target, expected) in targets.iter().zip(&entry.expected) {
                all.push(Trial {
                    entry: entry.clone(),
                    commit: commit.clone(),
                    module: module.clone(),
                    spec: spec.clone(),
                    recipe: recipe.cloned(),
                    target: target.clone(),
                    expected: *expected,
                    accept_risks,
                });
            }
        }
    }
    Ok(all)
}

fn full_id(entry: &Entry, repository: &Path) -> Result<String, Error> {
    let options = source::Options { cache: paths::cache(), offline: true };
    let place =
        Base::Git { repository: repository.to_string_lossy().into_owned(), revision: entry.commit.clone() };
    match Snapshot::Tree(place).pin(&[], &options) {
        Ok(SourceSpec::Revision { commit, .. }) => Ok(commit),
        Err(error @ source::Error::UnknownRevision { .. }) => Err(entry.error(error.to_string())),
        Err(error) => Err(crate::Error::from(error).into()),
        Ok(_) => Err(entry.error(format!("{} is no commit", entry.commit))),
    }
}

/// The module that the line names, or each that the commit brings. What is wrong with a commit shows in its trial.
fn modules(entry: &Entry, spec: &SourceSpec) -> Vec<Option<String>> {
    if entry.module.is_some() {
        return vec![entry.module.clone()];
    }
    match pipeline::modules_of(spec) {
        Ok(found) if !found.is_empty() => found.into_iter().map(Some).collect(),
        _ => vec![None],
    }
}

fn is_for(recipe: &Recipe, commit: &str, module: Option<&str>) -> bool {
    let of_commit =
        matches!(&recipe.source, SourceSpec::Commit { commit: own, .. } if own.eq_ignore_ascii_case(commit));
    let usual = format!("{}_module", recipe.name.strip_prefix("mod_").unwrap_or(&recipe.name));
    let symbol = recipe.symbol.as_ref().unwrap_or(&usual);
    of_commit && module.is_none_or(|module| recipe.name == module || symbol == module)
}
