//! One module tried on one httpd, for those who try many: nothing is signed, published or told.

use std::path::Path;

use super::build::{assembled, checked, compiled};
use super::graft::{Graft, Next, grafted};
use super::prepare::{Named, ready};
use super::{Error, Request};
use crate::adapt::pack::{self, Risk};
use crate::adapt::{self, Edit};
use crate::changeset;
use crate::check;
use crate::flatten::{self, Fate, Outcome};
use crate::paths;
use crate::recipe::{Input, Recipe};
use crate::report::Quiet;
use crate::rpm;
use crate::source::{self, SourceSpec};
use crate::target::Target;

/// More modules than any chain of modules that need each other has; it bounds the attempts.
const MOST_REQUIRED: usize = 8;

/// What is tried.
#[derive(Debug, Clone, Copy)]
pub struct Trial<'a> {
    /// Where the module comes from; paths in it are absolute.
    pub spec: &'a SourceSpec,
    /// The module, where the source may bring several: its name or its symbol.
    pub module: Option<&'a str>,
    /// The recipe that is written for it, of which the source does not count; worked out where there is none.
    pub recipe: Option<&'a Recipe>,
    /// The httpd.
    pub target: &'a Target,
    /// Accept every rule that changes what a module does.
    pub accept_risks: bool,
}

/// What came of a trial.
#[derive(Debug)]
pub struct Tried {
    /// How the unit was made, where it was made.
    pub made: Option<Made>,
    /// How far it came, or what ended it.
    pub end: Result<Reached, crate::Error>,
}

/// How a unit was made to fit.
#[derive(Debug)]
pub struct Made {
    /// How often the compiler was asked.
    pub rounds: usize,
    /// Every edit.
    pub edits: Vec<Edit>,
    /// What was copied from other files of upstream, and what is used though it differs.
    pub notable: Vec<Fate>,
    /// The modules that must be there first, in the order of loading.
    pub required: Vec<String>,
    /// How many lines the C file has.
    pub lines: usize,
}

impl Made {
    fn of(graft: &Graft) -> Self {
        let notable = |fate: &&Fate| matches!(fate.outcome, Outcome::Inlined | Outcome::Noted);
        Made {
            rounds: graft.adapted.rounds,
            edits: graft.adapted.edits.clone(),
            notable: graft.adapted.unit.record.iter().filter(notable).cloned().collect(),
            required: graft.required.iter().map(|required| required.name.clone()).collect(),
            lines: graft.text.lines().count(),
        }
    }

    /// The rules by which the module does something else than upstream's, each once.
    pub fn risky(&self) -> Vec<&str> {
        let mut rules: Vec<&str> = Vec::new();
        for edit in self.edits.iter().filter(|edit| edit.risk == Risk::ChangesBehaviour) {
            if !rules.contains(&edit.rule.as_str()) {
                rules.push(&edit.rule);
            }
        }
        rules
    }
}

/// How far a trial came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reached {
    /// There is a package, and no httpd here that could load the module.
    Built,
    /// The target's httpd runs with the module.
    Loaded,
    /// And it has answered this many checks of the recipe.
    Checked(usize),
}

/// The names of the modules that a source brings.
///
/// # Errors
/// A source that cannot be read.
pub fn modules_of(spec: &SourceSpec) -> Result<Vec<String>, crate::Error> {
    let options = source::Options { cache: paths::cache(), offline: true };
    let sources = source::fetch(spec, Path::new(""), &options)?;
    let changeset = changeset::read(&sources, &[])?;
    Ok(changeset::modules(&changeset).into_iter().map(|module| module.name).collect())
}

/// Tries a module: all stages to the unsigned package, and its check where the target's httpd runs here. A module that must be
/// there first is made from the same source, as if the recipe required it. `work` is an empty folder of the caller's.
pub fn attempt(trial: &Trial<'_>, work: &Path) -> Tried {
    let graft = match with_required(trial, work) {
        Ok(graft) => graft,
        Err(error) => return Tried { made: None, end: Err(error) },
    };
    let made = Some(Made::of(&graft));
    Tried { made, end: packaged(&graft, work) }
}

fn packaged(graft: &Graft, work: &Path) -> Result<Reached, crate::Error> {
    let (object, audit) = compiled(graft, work, &Quiet)?;
    let set = assembled(graft, &object, &audit, &super::graft_notes::text(graft))?;
    let file = work.join(set.binary.file_name());
    rpm::write(&set.binary, None, &file)?;
    if graft.ready.target.runner().is_err() {
        return Ok(Reached::Built);
    }
    let result: check::CheckResult = checked(graft, &audit, &file, work, false, &Quiet)?;
    Ok(match result.passed() {
        0 => Reached::Loaded,
        passed => Reached::Checked(passed),
    })
}

/// The graft, with each module required that flattening asks for.
fn with_required(trial: &Trial<'_>, work: &Path) -> Result<Graft, crate::Error> {
    let request = request(trial);
    let mut required: Vec<String> = Vec::new();
    loop {
        let mut ready = ready(named(trial), &request, Some(trial.target), &Quiet)?;
        let more = required.iter().filter(|name| !ready.recipe.requires.contains(name)).cloned();
        let more: Vec<String> = more.collect();
        ready.recipe.requires.extend(more);
        let folder = work.join(format!("attempt-{}", required.len()));
        fs_err::create_dir_all(&folder).map_err(Error::from)?;
        match grafted(ready, &[], &request, Next::Compile, &folder, &Quiet) {
            Ok(graft) => return Ok(graft),
            Err(error) => match needed(&error).filter(|name| !required.contains(name)) {
                Some(name) if required.len() < MOST_REQUIRED => required.push(name),
                _ => return Err(error),
            },
        }
    }
}

/// The module that must be there first, where that is what the error says.
fn needed(error: &crate::Error) -> Option<String> {
    let error = match error {
        crate::Error::Flatten(error) => error,
        crate::Error::Adapt(error) => match &**error {
            adapt::Error::Flatten(error) => error,
            _ => return None,
        },
        _ => return None,
    };
    match &**error {
        flatten::Error::NeedsModule { module, .. } => Some(module.clone()),
        _ => None,
    }
}

fn named(trial: &Trial<'_>) -> Named {
    let written = trial.recipe.cloned();
    let of_recipe =
        written.as_ref().map(|recipe| recipe.symbol.clone().unwrap_or_else(|| recipe.name.clone()));
    Named {
        directory: written.as_ref().map_or_else(Default::default, |recipe| recipe.directory.clone()),
        spec: trial.spec.clone(),
        wanted: trial.module.map(str::to_owned).or(of_recipe),
        written,
    }
}

fn request(trial: &Trial<'_>) -> Request {
    let own = trial.recipe.map_or(&[][..], |recipe| &recipe.compat.packs);
    let rules = own.iter().chain(pack::built_in()).flat_map(|pack| &pack.rules);
    Request {
        input: match trial.recipe {
            Some(recipe) => Input::Recipe(recipe.directory.join("module.toml")),
            None => Input::Patches(Vec::new()),
        },
        module: None,
        target: trial.target.name.clone(),
        requires: Vec::new(),
        base: None,
        accept_risks: if trial.accept_risks {
            rules.map(|rule| rule.id.clone()).collect()
        } else {
            Vec::new()
        },
        offline: true,
        line_directives: true,
        locked: None,
    }
}
