//! From what was asked for to all that flattening reads: recipe, source, changeset, target.

use std::path::{Path, PathBuf};

use super::clock::stage;
use super::required::{Has, of_target};
use super::{Error, Locks, Request, summary};
use crate::adapt::overlay::Overlay;
use crate::adapt::pack::Rules;
use crate::audit::Prerequisite;
use crate::changeset::{self, Changeset, Listing, ModuleFound};
use crate::compile::{self, Toolchain};
use crate::flatten::Interface as _;
use crate::lint;
use crate::paths;
use crate::recipe::{self, Input, Recipe};
use crate::report::{Reporter, Stage};
use crate::source::{self, SourceSpec, Sources};
use crate::target::{self, Target};
use crate::{adapt, flatten, libraries, shell};

/// All that is known before the first C file.
pub struct Ready {
    pub recipe: Recipe,
    /// Where the source comes from, exactly.
    pub spec: SourceSpec,
    pub sources: Sources,
    pub changeset: Changeset,
    pub module: ModuleFound,
    /// The names of all modules that the source brings.
    pub brings: Vec<String>,
    pub target: Target,
    pub toolchain: Toolchain,
    pub rules: Rules,
    /// What a person can do where nothing else helps.
    pub by_hand: String,
}

/// A source that is known, and what is to be made of it.
pub struct Named {
    /// The recipe, where one is written.
    pub written: Option<Recipe>,
    /// What relative paths of `spec` begin at.
    pub directory: PathBuf,
    pub spec: SourceSpec,
    /// The module to make, where the source may bring several: its name or its symbol.
    pub wanted: Option<String>,
}

/// Runs the stages up to the target, which is used where it is known. `work` is a folder for what they unpack.
pub fn prepare(
    request: &Request,
    target: Option<&Target>,
    work: &Path,
    reporter: &dyn Reporter,
) -> Result<Ready, crate::Error> {
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
    let options = source::Options { cache: paths::cache(), offline: request.offline };
    let mut spec = match (&request.input, &written) {
        (Input::Files { tree, files }, _) => tree.pin(files, &options)?,
        (Input::Patches(files), _) => SourceSpec::Patches { files: files.clone(), base: None },
        (_, Some(recipe)) => recipe.source.clone(),
        (_, None) => SourceSpec::Patches { files: Vec::new(), base: None },
    };
    if let (SourceSpec::Patches { base, .. }, Some(wanted)) = (&mut spec, &request.base) {
        *base = Some(wanted.clone());
    }
    let directory = written.as_ref().map_or_else(|| PathBuf::from("."), |recipe| recipe.directory.clone());
    let wanted = match (&written, &request.module) {
        (Some(recipe), Some(_)) => return Err(Error::ModuleOfRecipe { recipe: recipe.name.clone() }.into()),
        (Some(recipe), None) => Some(recipe.symbol.as_ref().unwrap_or(&recipe.name).clone()),
        (None, module) => module.clone(),
    };
    ready(Named { written, directory, spec, wanted }, request, target, reporter)
}

/// As [`prepare`], of a source that is named already. `target` is used where it is known.
pub fn ready(
    named: Named,
    request: &Request,
    target: Option<&Target>,
    reporter: &dyn Reporter,
) -> Result<Ready, crate::Error> {
    let Named { written, directory, spec, wanted } = named;
    let locks = request.locked.as_deref().map(Locks::read).transpose()?;
    let spec = match &locks {
        Some(locks) => locks.demand_spec(&directory, spec).map_err(Error::from)?,
        None => spec,
    };
    let options = source::Options { cache: paths::cache(), offline: request.offline };
    let fetch = || fetch(&spec, &directory, matches!(request.input, Input::Files { .. }), &options);
    let sources = stage(reporter, Stage::Source, fetch, |sources| sources.description.clone())?;
    if let Some(locks) = &locks {
        locks.demand_sources(&directory, &sources.pinned(&spec)?).map_err(Error::from)?;
        locks.demand_target(&request.target)?;
    }
    let headers = written.as_ref().map_or(&[][..], |recipe| &recipe.headers);
    let sources = sources.with_headers(headers, &directory)?;

    let rules = written.as_ref().map_or(&[][..], |recipe| &recipe.rules);
    let changeset =
        stage(reporter, Stage::Changeset, || changeset::read(&sources, rules), summary::changeset)?;
    tell_stripped(&changeset, reporter);
    let brings = changeset::modules(&changeset).into_iter().map(|module| module.name).collect();
    let base = sources.base.as_ref();
    let module = changeset::single_module(&changeset, base, wanted.as_deref())?;
    let listing = changeset::listing(&changeset, base, &module)?;
    let changeset = changeset.focused_on(&module)?.listed(listing.as_ref(), base)?;
    for (path, why) in changeset.left_out() {
        reporter.warning(format!("the change of {path} is left out: {why}"));
    }
    let recipe = match written {
        Some(recipe) if recipe.name != module.name => {
            return Err(Error::OtherModule { recipe: recipe.name, found: module.name }.into());
        }
        Some(recipe) => {
            for (_, what) in lint::left(&recipe.text) {
                reporter.warning(format!("the recipe leaves to write: {what}"));
            }
            with_libraries(recipe, listing.as_ref(), reporter)
        }
        None => {
            let facts = changeset::describe(&changeset, &module, listing.as_ref());
            let work_out = || recipe::infer(&module, &facts, listing.as_ref(), &spec, &request.requires);
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

    let target = match target {
        Some(target) => target.clone(),
        None => resolve(&request.target, request.offline, reporter)?,
    };
    compare_with_own(&module, &recipe, &target, reporter)?;
    refuse_common_headers(&changeset, &module, &target)?;
    let recipe = with_names_of(recipe, &target, reporter);
    let toolchain = Toolchain::find(&target)?;
    let rules = Rules::of(&recipe.compat.packs, target.mmn);
    let by_hand = by_hand(request, &recipe);
    Ok(Ready { recipe, spec, sources, changeset, module, brings, target, toolchain, rules, by_hand })
}

/// Finds the target of a name.
pub fn resolve(name: &str, offline: bool, reporter: &dyn Reporter) -> Result<Target, crate::Error> {
    let notify = |text: &str| reporter.note(text);
    let options = target::Options {
        offline,
        lock: Some(target::store::LOCK_FILE.into()),
        ..target::Options::new(paths::cache())
    };
    stage(reporter, Stage::Target, || target::resolve(name, &options, &notify), summary::target)
}

impl Ready {
    /// The recipe's overlays for the target, read.
    ///
    /// # Errors
    /// A file that cannot be read, or is no patch.
    pub fn overlays(&self) -> Result<Vec<Overlay>, crate::Error> {
        // A recipe that was worked out has no folder.
        if self.recipe.directory.as_os_str().is_empty() {
            return Ok(Vec::new());
        }
        let recipe::Overlays { key, files } =
            recipe::overlays(&self.recipe.directory, &recipe::overlay_keys(&self.target))?;
        let files = files.into_iter();
        let all: Result<Vec<Overlay>, _> =
            files.map(|(name, text)| Overlay::read(&recipe::overlay_path(&key, &name), text)).collect();
        all.map_err(|error| adapt::Error::from(error).into())
    }

    /// The module's C file, as the compiler is given it.
    pub fn unit<'a>(&'a self, text: &'a str) -> compile::Unit<'a> {
        compile::Unit { module: &self.recipe.name, symbol: &self.module.symbol, text }
    }

    /// The module, as flattening names it.
    pub fn id(&self) -> flatten::ModuleId {
        flatten::ModuleId { name: self.module.name.clone(), symbol: self.module.symbol.clone() }
    }
}

/// Refuses a module that is part of the target's program, and tells of one that lies where the package is to put its own.
fn compare_with_own(
    module: &ModuleFound,
    recipe: &Recipe,
    target: &Target,
    reporter: &dyn Reporter,
) -> Result<(), Error> {
    match of_target(target, &recipe.name) {
        Has::BuiltIn => {
            Err(Error::BuiltIn { symbol: module.symbol.clone(), version: target.httpd_version.clone() })
        }
        Has::File(Prerequisite { file, .. }) if file == format!("{}.so", recipe.name) => {
            reporter.warning(format!(
                "the target has {file} itself, and the package puts its own in that place: rpm refuses to install it where that \
                 file is another package's"
            ));
            Ok(())
        }
        Has::File(_) | Has::Nothing => Ok(()),
    }
}

/// Refuses patches of nothing but headers that the target has itself: none of it would be in the module.
fn refuse_common_headers(changeset: &Changeset, module: &ModuleFound, target: &Target) -> Result<(), Error> {
    let headers = changeset.common_headers_alone();
    let interface = target.interface();
    let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    if headers.is_empty() || !headers.iter().all(|path| interface.has_header(&name(path))) {
        return Ok(());
    }
    Err(Error::HeadersOfTarget {
        headers: headers.iter().map(|path| (*path).to_owned()).collect(),
        module: module.name.clone(),
    })
}

/// The command with which a person takes over, true for what was asked.
fn by_hand(request: &Request, recipe: &Recipe) -> String {
    let target = &request.target;
    let quoted = |text: &str| shell::quoted(&[text]);
    match &request.input {
        Input::Recipe(_) if !recipe.directory.as_os_str().is_empty() => {
            let folder = quoted(&recipe.directory.to_string_lossy());
            format!("decide by hand: modgraft overlay start {folder} --target {}", quoted(target))
        }
        _ => format!(
            "decide by hand: write a recipe for it, modules/{name}/module.toml, then modgraft overlay start {name} --target {}",
            quoted(target),
            name = recipe.name
        ),
    }
}

fn titled(recipe: &Recipe, file: &Path) -> String {
    format!("{} {}-{}  {}", recipe.name, recipe.version, recipe.release, file.display())
}

/// Fetches a source; `release` says that it must be of httpd itself.
fn fetch(
    spec: &SourceSpec,
    directory: &Path,
    release: bool,
    options: &source::Options,
) -> Result<Sources, source::Error> {
    let sources = source::fetch(spec, directory, options)?;
    if let (true, Some(tree)) = (release, &sources.base)
        && source::httpd_version(tree)?.is_none()
    {
        return Err(source::Error::NotHttpd { tree: tree.name().to_owned() });
    }
    Ok(sources)
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
