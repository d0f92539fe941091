//! From what was asked for to one C file that fits the target: recipe, source, changeset, target, flatten, adapt.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::clock::stage;
use super::{Error, Request, summary};
use crate::adapt::pack::{Action, Rule, Rules};
use crate::adapt::{self, Adapted, Offered};
use crate::changeset::{self, Changeset, Listing, ModuleFound};
use crate::compile::Toolchain;
use crate::flatten::{self, Interface, ModuleId, SourceTree, Upstream};
use crate::libraries;
use crate::paths;
use crate::recipe::{self, Input, Recipe};
use crate::report::{Reporter, Stage};
use crate::source::{self, Tree, SourceSpec, Sources};
use crate::target::calendar::Steps;
use crate::target::{self, Target};

/// How long the compiler may take to say what it objects to.
const ORACLE_LIMIT: Duration = Duration::from_secs(300);

/// Where upstream lists the steps of the module magic number.
const STEPS: &str = "include/ap_mmn.h";

/// A module as one C file, with all that the later stages ask of the earlier ones.
pub struct Graft {
    pub recipe: Recipe,
    pub sources: Sources,
    pub changeset: Changeset,
    pub module: ModuleFound,
    pub target: Target,
    pub toolchain: Toolchain,
    /// The unit as the target's compiler takes it, with each edit.
    pub adapted: Adapted,
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
    let file = match &request.input {
        Input::Recipe(file) => Some(file.clone()),
        Input::Reference => Some(recipe::unpack_reference(work).map_err(Error::from)?),
        Input::Patches(_) | Input::Files { .. } => None,
    };
    let written = match &file {
        Some(file) => {
            Some(stage(reporter, Stage::Recipe, || recipe::read(file), |recipe| titled(recipe, file))?)
        }
        None => None,
    };
    let directory = written.as_ref().map_or(Path::new("."), |recipe| &recipe.directory);
    let options = source::Options { cache: paths::cache(), offline: request.offline };
    let (spec, sources) = stage(
        reporter,
        Stage::Source,
        || fetch(request, written.as_ref(), directory, &options),
        |(_, sources)| sources.description.clone(),
    )?;

    let rules = written.as_ref().map_or(&[][..], |recipe| &recipe.rules);
    let changeset =
        stage(reporter, Stage::Changeset, || changeset::read(&sources, rules), summary::changeset)?;
    tell_stripped(&changeset, reporter);
    let wanted = written.as_ref().map(|recipe| recipe.symbol.as_deref().unwrap_or(&recipe.name));
    let module = changeset::single_module(&changeset, wanted)?;
    let base = sources.base.as_ref();
    let listing = changeset::listing(&changeset, base, &module)?;
    let changeset = changeset.focused_on(&module).listed(listing.as_ref(), base)?;
    let recipe = match written {
        Some(recipe) if recipe.name != module.name => {
            return Err(Error::OtherModule { recipe: recipe.name, found: module.name }.into());
        }
        Some(recipe) => with_libraries(recipe, listing.as_ref(), reporter),
        None => {
            let facts = changeset::describe(&changeset, &module, listing.as_ref());
            let work_out = || recipe::infer(&module, &facts, listing.as_ref(), &spec);
            let from = if sources.patches.is_empty() { "source" } else { "patch" };
            let recipe = stage(reporter, Stage::Recipe, work_out, |recipe| {
                format!("{} {}-{}  worked out from the {from}", recipe.name, recipe.version, recipe.release)
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
    let recipe = with_names_of(recipe, &target, reporter);
    let id = ModuleId { name: module.name.clone(), symbol: module.symbol.clone() };
    let tree = base.map(SourceTree::new);
    let base = tree.as_ref().map(|tree| tree as &dyn Upstream);
    let rules = Rules::of(&recipe.compat.packs, target.mmn);
    let flat = |changeset: &Changeset, offered: &dyn Interface| flatten::flatten(changeset, &id, base, offered);
    let again = |offered: &dyn Interface, parts: &[Arc<Rule>]| -> Result<_, adapt::Error> {
        let whole = with_parts(&changeset, parts, sources.base.as_ref()).map_err(Box::new)?;
        Ok(flat(&whole, offered).map_err(Box::new)?)
    };
    let interface = target.interface();
    let nothing_missing = BTreeSet::new();
    let offered = Offered::new(&interface, &rules, &nothing_missing);
    let unit = stage(reporter, Stage::Flatten, || flat(&changeset, &offered), summary::flattened)?;
    let toolchain = Toolchain::find(&target.advice)?;
    let steps = base.and_then(|base| base.read(STEPS).ok().flatten());
    let inputs = adapt::Inputs {
        target: &target,
        toolchain: &toolchain,
        rules: &rules,
        again: &again,
        libraries: &recipe.libraries,
        steps: &steps.map_or_else(Steps::default, |text| Steps::read(&text)),
        limit: ORACLE_LIMIT,
    };
    let adapted = stage(reporter, Stage::Adapt, || adapt::adapt(unit, &inputs), summary::adapted)?;
    tell_edits(&adapted, reporter);
    let accepted = [&recipe.accept_risks[..], &request.accept_risks].concat();
    adapt::demand_accepted(&adapted, &accepted, &recipe.compat.packs, &target)?;
    let text = adapted.unit.render(request.line_directives);
    Ok(Graft { recipe, sources, changeset, module, target, toolchain, adapted, text })
}

/// The changeset with the files of these parts of httpd as the module's own, as far as the tree has them.
fn with_parts(
    changeset: &Changeset,
    parts: &[Arc<Rule>],
    base: Option<&Tree>,
) -> Result<Changeset, changeset::Error> {
    let mut whole = changeset.clone();
    for rule in parts {
        if let Action::Subsystem(part) = &rule.r#do
            && let Some(more) = whole.with_sources(&part.files, &rule.id, base)?
        {
            whole = more;
        }
    }
    Ok(whole)
}

/// Each edit with its place; what the module loses, or does otherwise, even to those who did not ask for more.
fn tell_edits(adapted: &Adapted, reporter: &dyn Reporter) {
    let mut warned = BTreeSet::new();
    for edit in &adapted.edits {
        let place = if edit.file.is_empty() { String::new() } else { format!("{}:{}: ", edit.file, edit.line) };
        reporter.detail(format!("{place}{}: {}", edit.rule, edit.note));
        if edit.risk != adapt::pack::Risk::None && warned.insert(&edit.rule) {
            reporter.warning(format!("{} {}: {}", edit.rule, edit.risk.words(), edit.note));
        }
    }
}

fn titled(recipe: &Recipe, file: &Path) -> String {
    format!("{} {}-{}  {}", recipe.name, recipe.version, recipe.release, file.display())
}

/// Fetches the source that a recipe names, with the base of the command line; or the bare patches, or the files of a tree.
/// What was named loosely is exact in the answer.
fn fetch(
    request: &Request,
    recipe: Option<&Recipe>,
    directory: &Path,
    options: &source::Options,
) -> Result<(SourceSpec, Sources), source::Error> {
    let mut spec = match (&request.input, recipe) {
        (Input::Files { tree, files }, _) => tree.pin(files, options)?,
        (Input::Patches(files), _) => SourceSpec::Patches { files: files.clone(), base: None },
        (_, Some(recipe)) => recipe.source.clone(),
        (_, None) => SourceSpec::Patches { files: Vec::new(), base: None },
    };
    if let (SourceSpec::Patches { base, .. }, Some(wanted)) = (&mut spec, &request.base) {
        *base = Some(wanted.clone());
    }
    let sources = source::fetch(&spec, directory, options)?;
    if let (Input::Files { .. }, Some(tree)) = (&request.input, &sources.base)
        && source::httpd_version(tree)?.is_none()
    {
        return Err(source::Error::NotHttpd { tree: tree.name().to_owned() });
    }
    Ok((spec, sources))
}

/// A written recipe that names no libraries gets those that its source's build system names.
fn with_libraries(recipe: Recipe, listing: Option<&Listing>, reporter: &dyn Reporter) -> Recipe {
    match listing {
        Some(Listing { module, .. }) if recipe.libraries.is_empty() && !module.libraries.is_empty() => {
            reporter.note(format!("links {}, from {}", module.libraries.join(", "), module.file));
            Recipe { libraries: module.libraries.clone(), ..recipe }
        }
        _ => recipe,
    }
}

/// A recipe with the libraries as the target calls them.
fn with_names_of(recipe: Recipe, target: &Target, reporter: &dyn Reporter) -> Recipe {
    let has = |name: &str| target.libraries.find(&format!("lib{name}.so")).is_some();
    let called = libraries::as_called(&recipe.libraries, has);
    for (name, called) in recipe.libraries.iter().zip(&called).filter(|(name, called)| name != called) {
        reporter.note(format!("links {called}, as this target calls {name}"));
    }
    Recipe { libraries: called, ..recipe }
}

fn tell_stripped(changeset: &Changeset, reporter: &dyn Reporter) {
    for file in changeset.files.iter().filter(|file| file.class.is_stripped()) {
        reporter.detail(format!("stripped {}: {}", file.path, file.reason.why));
    }
}
