//! From what was asked for to one C file: recipe, source, changeset, target, flatten.

use std::path::Path;

use super::clock::stage;
use super::{Error, Request, summary};
use crate::changeset::{self, Changeset, ModuleFound};
use crate::flatten::{self, ModuleId, TranslationUnit, Upstream};
use crate::paths;
use crate::recipe::{self, Input, Recipe};
use crate::report::{Reporter, Stage};
use crate::source::{self, SourceSpec, Sources};
use crate::target::{self, Target};

/// A module as one C file, with all that the later stages ask of the earlier ones.
pub struct Graft {
    pub recipe: Recipe,
    pub sources: Sources,
    pub changeset: Changeset,
    pub module: ModuleFound,
    pub target: Target,
    pub unit: TranslationUnit,
    /// The unit's text.
    pub text: String,
}

impl Graft {
    /// `mod_NAME.c`.
    pub fn file_name(&self) -> String {
        format!("{}.c", self.recipe.name)
    }
}

/// Runs the stages up to flatten. `work` is a folder for what they unpack.
pub fn graft(request: &Request, work: &Path, reporter: &dyn Reporter) -> Result<Graft, crate::Error> {
    let (file, patches) = match &request.input {
        Input::Recipe(file) => (Some(file.clone()), &[][..]),
        Input::Reference => (Some(recipe::unpack_reference(work).map_err(Error::from)?), &[][..]),
        Input::Patches(files) => (None, files.as_slice()),
    };
    let written = match &file {
        Some(file) => {
            Some(stage(reporter, Stage::Recipe, || recipe::read(file), |recipe| titled(recipe, file))?)
        }
        None => None,
    };
    let spec = source_spec(request, written.as_ref());
    let directory = written.as_ref().map_or(Path::new("."), |recipe| &recipe.directory);
    let options = source::Options { cache: paths::cache(), offline: request.offline };
    let sources = stage(
        reporter,
        Stage::Source,
        || source::fetch(&spec, directory, &options),
        |sources| sources.description.clone(),
    )?;

    let rules = written.as_ref().map_or(&[][..], |recipe| &recipe.rules);
    let changeset =
        stage(reporter, Stage::Changeset, || changeset::read(&sources, rules), summary::changeset)?;
    tell_stripped(&changeset, reporter);
    let wanted = written.as_ref().map(|recipe| recipe.symbol.as_deref().unwrap_or(&recipe.name));
    let module = changeset::single_module(&changeset, wanted)?;
    let changeset = changeset.focused_on(&module);
    let recipe = match written {
        Some(recipe) if recipe.name != module.name => {
            return Err(Error::OtherModule { recipe: recipe.name, found: module.name }.into());
        }
        Some(recipe) => recipe,
        None => {
            let facts = changeset::describe(&changeset, &module);
            let work_out = || recipe::infer(&module, &facts, patches);
            let recipe = stage(reporter, Stage::Recipe, work_out, |recipe| {
                format!("{} {}-{}  worked out from the patch", recipe.name, recipe.version, recipe.release)
            })?;
            for assumption in &recipe.assumptions {
                reporter.note(format!("assumed {assumption}"));
            }
            recipe
        }
    };

    let notify = |text: &str| reporter.note(text);
    let options = target::Options { offline: request.offline, ..target::Options::new(paths::cache()) };
    let target = stage(
        reporter,
        Stage::Target,
        || target::resolve(&request.target, &options, &notify),
        summary::target,
    )?;
    let id = ModuleId { name: module.name.clone(), symbol: module.symbol.clone() };
    let base = sources.base.as_ref().map(|tree| tree as &dyn Upstream);
    let unit = stage(
        reporter,
        Stage::Flatten,
        || flatten::flatten(&changeset, &id, base, &target.interface()),
        summary::flattened,
    )?;
    let text = unit.render(request.line_directives);
    Ok(Graft { recipe, sources, changeset, module, target, unit, text })
}

fn titled(recipe: &Recipe, file: &Path) -> String {
    format!("{} {}-{}  {}", recipe.name, recipe.version, recipe.release, file.display())
}

/// The source that a recipe names, with the base of the command line; or the bare patches.
fn source_spec(request: &Request, recipe: Option<&Recipe>) -> SourceSpec {
    let mut spec = match (&request.input, recipe) {
        (Input::Patches(files), _) => SourceSpec::Patches { files: files.clone(), base: None },
        (_, Some(recipe)) => recipe.source.clone(),
        (_, None) => SourceSpec::Patches { files: Vec::new(), base: None },
    };
    if let (SourceSpec::Patches { base, .. }, Some(wanted)) = (&mut spec, &request.base) {
        *base = Some(wanted.clone());
    }
    spec
}

fn tell_stripped(changeset: &Changeset, reporter: &dyn Reporter) {
    for file in changeset.files.iter().filter(|file| file.class.is_stripped()) {
        reporter.detail(format!("stripped {}: {}", file.path, file.reason.why));
    }
}
