//! Modules that must be there first: made beside the one that uses them, where the target does not have them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::build::compiled;
use super::graft::{Next, grafted};
use super::inputs::{self, Inputs};
use super::prepare::{Named, Ready, ready};
use super::{Error, Request};
use crate::adapt::pack;
use crate::audit::{Audit, Beside, Prerequisite};
use crate::c;
use crate::c::expression::Code;
use crate::changeset::{Class, FileText};
use crate::flatten::{Failure, Interface, SourceTree, Upstream};
use crate::recipe::{self, Input};
use crate::report::Reporter;
use crate::source::{self, Base, SourceSpec, Tree};
use crate::target::{HttpdInterface, ProviderKind, Target, has_strings};

/// A module that must be there first.
pub struct Required {
    /// `mod_NAME`.
    pub name: String,
    /// What the audit of the module that uses it has to know.
    pub beside: Beside,
    /// Where it was made; nothing where the target has it.
    pub made: Option<Made>,
}

/// A required module that was made.
pub struct Made {
    /// The shared object.
    pub file: PathBuf,
    /// What it needs itself.
    pub load_after: Vec<Prerequisite>,
    /// Its own headers, by upstream's path.
    pub headers: BTreeMap<String, Arc<str>>,
    /// The optional functions that it registers when it is loaded.
    pub registers: Vec<String>,
    /// What went into it, without what went into modules that it requires itself.
    pub own_inputs: Inputs,
}

/// Finds or makes what the recipe requires, in the order in which it has to be loaded. `above` are the modules that this is for.
pub fn required(
    above: &Ready,
    chain: &[String],
    request: &Request,
    work: &Path,
    reporter: &dyn Reporter,
) -> Result<Vec<Required>, crate::Error> {
    let mut all: Vec<Required> = Vec::new();
    let chain = [chain, std::slice::from_ref(&above.recipe.name)].concat();
    for name in &above.recipe.requires {
        if all.iter().any(|known| known.name == *name) {
            continue;
        }
        match of_target(&above.target, name) {
            Has::BuiltIn => continue,
            Has::File(module) => {
                let beside = Beside { module, exports: Vec::new(), load_order: 0 };
                all.push(Required { name: name.clone(), beside, made: None });
                continue;
            }
            Has::Nothing => {}
        }
        demand_no_circle(&chain, name)?;
        reporter.note(format!("{name} must be there first, and the target does not have it: it is made too"));
        let named = find(above, name, request, reporter)?;
        let one = ready(named, request, Some(&above.target), reporter)?;
        let request = request_for(&one, request);
        let folder = work.join("required").join(name);
        let graft = grafted(one, &chain, &request, Next::Compile, &folder, reporter)?;
        let (object, audit) = compiled(&graft, &folder, reporter)?;
        let headers = own_headers(&graft.ready);
        let registers = registered(&graft.adapted.unit.render(false));
        let own_inputs = inputs::of(&graft.ready, &graft.overlays, &request)?;
        for inner in graft.required {
            if !all.iter().any(|known| known.name == inner.name) {
                all.push(inner);
            }
        }
        let Audit { exports, load_after, load_order, .. } = audit;
        let module = Prerequisite { symbol: graft.ready.module.symbol.clone(), file: format!("{name}.so") };
        let beside = Beside { module, exports, load_order };
        all.push(Required {
            name: name.clone(),
            beside,
            made: Some(Made { file: object.file, load_after, headers, registers, own_inputs }),
        });
    }
    Ok(all)
}

fn demand_no_circle(chain: &[String], name: &String) -> Result<(), Error> {
    if chain.contains(name) {
        let chain = [chain, std::slice::from_ref(name)].concat().join(" → ");
        return Err(Error::RequiresItself { chain });
    }
    Ok(())
}

/// Of the rules that were accepted those that this module can have.
fn request_for(one: &Ready, request: &Request) -> Request {
    let known = |id: &&String| pack::find(&one.recipe.compat.packs, id).is_some();
    let accept_risks = request.accept_risks.iter().filter(known).cloned().collect();
    Request { accept_risks, module: None, requires: Vec::new(), ..request.clone() }
}

/// Whether the target has a module.
pub(super) enum Has {
    /// As a part of the program: there is nothing to load.
    BuiltIn,
    /// As a file.
    File(Prerequisite),
    Nothing,
}

/// The target's own module of that name.
pub(super) fn of_target(target: &Target, name: &str) -> Has {
    let (file, symbol) =
        (format!("{name}.so"), format!("{}_module", name.strip_prefix("mod_").unwrap_or(name)));
    let is = |provider: &&crate::target::Provider| {
        let of_name = provider.kind == ProviderKind::Module && provider.name == file;
        of_name || provider.modules.iter().any(|(known, _)| *known == symbol)
    };
    match target.symbols().all().iter().find(is) {
        None => Has::Nothing,
        Some(provider) if provider.kind != ProviderKind::Module => Has::BuiltIn,
        Some(provider) => {
            let own =
                provider.modules.iter().find(|(known, _)| *known == symbol).or(provider.modules.first());
            let symbol = own.map_or(symbol.clone(), |(symbol, _)| symbol.clone());
            Has::File(Prerequisite { symbol, file: provider.name.clone() })
        }
    }
}

/// The folder around that of a recipe.
pub(super) fn around(directory: &Path) -> Option<PathBuf> {
    match directory.file_name() {
        // A name alone has a parent of no words.
        Some(_) if directory.parent() == Some(Path::new("")) => Some(PathBuf::from(".")),
        Some(_) => directory.parent().map(Path::to_owned),
        // `.` and `..` have no parent in words.
        None => Some(directory.join("..")),
    }
}

/// The modules that the recipes in the folders of `folder` require. A recipe that cannot be read requires nothing.
pub(super) fn required_in(folder: &Path) -> BTreeSet<String> {
    let folders = fs_err::read_dir(folder).into_iter().flatten().flatten();
    let files = folders.map(|entry| entry.path().join(recipe::MANIFEST));
    // Most do not have the word at all, and need no reading.
    let requiring =
        files.filter(|file| fs_err::read_to_string(file).is_ok_and(|text| text.contains("requires")));
    requiring.filter_map(|file| recipe::read(&file).ok()).flat_map(|recipe| recipe.requires).collect()
}

/// The recipe of a required module: beside the one that requires it, from `directory`, or as the command line finds it.
pub(super) fn recipe_file(directory: &Path, name: &str) -> Option<PathBuf> {
    let sibling = around(directory).map(|folder| folder.join(name).join(recipe::MANIFEST));
    let here = || match recipe::find(&[name.to_owned()], Path::new("")) {
        Ok(Input::Recipe(file)) => Some(file),
        _ => None,
    };
    sibling.filter(|file| file.is_file()).or_else(here)
}

/// Where a required module comes from: a recipe of that name, the same patches, or the tree that they apply to.
fn find(
    above: &Ready,
    name: &str,
    request: &Request,
    reporter: &dyn Reporter,
) -> Result<Named, crate::Error> {
    if let Some(file) = recipe_file(&above.recipe.directory, name) {
        let recipe = recipe::read(&file)?;
        reporter.note(format!("{name}: {}", file.display()));
        let wanted = Some(recipe.symbol.clone().unwrap_or_else(|| recipe.name.clone()));
        let (directory, spec) = (recipe.directory.clone(), recipe.source.clone());
        return Ok(Named { written: Some(recipe), directory, spec, wanted });
    }
    let directory = above.recipe.directory.clone();
    let wanted = Some(name.to_owned());
    if above.brings.iter().any(|brought| brought == name) {
        return Ok(Named { written: None, directory, spec: above.spec.clone(), wanted });
    }
    let files = above.sources.base.as_ref().map(|tree| sources(tree, name)).transpose()?.unwrap_or_default();
    let spec = match (files.is_empty(), &above.spec) {
        (true, _) => None,
        (_, SourceSpec::Commit { url, commit } | SourceSpec::Revision { url, commit, .. }) => {
            Some(SourceSpec::Revision { url: url.clone(), commit: commit.clone(), files })
        }
        (_, SourceSpec::Release { tarball, sha256, .. }) => {
            Some(SourceSpec::Release { tarball: tarball.clone(), sha256: sha256.clone(), files })
        }
        (_, SourceSpec::Tree { directory, .. }) => {
            Some(SourceSpec::Tree { directory: directory.clone(), files })
        }
        (_, SourceSpec::Patches { base: Some(Base::Directory(directory)), .. }) => {
            Some(SourceSpec::Tree { directory: directory.clone(), files })
        }
        (_, SourceSpec::Patches { base: Some(base @ Base::Git { .. }), .. }) => {
            let options = source::Options { cache: crate::paths::cache(), offline: request.offline };
            Some(source::Snapshot::Tree(base.clone()).pin(&files, &options)?)
        }
        (_, SourceSpec::Patches { base: None, .. }) => None,
    };
    match spec {
        Some(spec) => Ok(Named { written: None, directory, spec, wanted }),
        None => Err(Error::NoRequired { name: name.to_owned(), by: above.recipe.name.clone() }.into()),
    }
}

/// The source of a module in a tree: the file of its name.
fn sources(tree: &Tree, name: &str) -> Result<Vec<String>, source::Error> {
    let wanted = format!("/{name}.c");
    let mut all = tree.walk("modules")?;
    all.retain(|path| path.ends_with(&wanted));
    all.sort();
    all.truncate(1);
    Ok(all)
}

/// The optional functions that a unit registers.
fn registered(text: &str) -> Vec<String> {
    let code = Code::new(text);
    let calls = code.calls("APR_REGISTER_OPTIONAL_FN");
    calls.iter().filter_map(|call| Some(code.text(call.arguments.first()?).to_owned())).collect()
}

/// The headers that a module brings, for others to include.
fn own_headers(ready: &Ready) -> BTreeMap<String, Arc<str>> {
    let headers = ready.changeset.files.iter().filter(|file| file.class == Class::PrivateHeader);
    headers
        .filter_map(|file| match &file.text {
            FileText::Whole { after, .. } => Some((file.path.clone(), after.clone())),
            FileText::Fragments(_) => None,
        })
        .collect()
}

/// What the target offers, and what the modules offer that are loaded before.
pub struct Offers<'a> {
    target: HttpdInterface,
    required: &'a [Required],
    ready: &'a Ready,
    /// The module is made for another one.
    is_required: bool,
}

impl<'a> Offers<'a> {
    pub fn new(ready: &'a Ready, required: &'a [Required], is_required: bool) -> Self {
        Offers { target: ready.target.interface(), required, ready, is_required }
    }
}

impl Interface for Offers<'_> {
    fn declared_in(&self, name: &str) -> Option<String> {
        self.target.declared_in(name)
    }

    fn exported_by(&self, name: &str) -> Option<String> {
        let beside = || {
            let has = |required: &&Required| {
                let registers = required.made.iter().flat_map(|made| &made.registers);
                required.beside.exports.iter().chain(registers).any(|known| known == name)
            };
            self.required.iter().find(has).map(|required| required.beside.module.file.clone())
        };
        self.target.exported_by(name).or_else(beside)
    }

    fn has_header(&self, path: &str) -> bool {
        self.target.has_header(path)
    }

    fn read_header(&self, path: &str) -> Option<Arc<str>> {
        self.target.read_header(path)
    }

    fn file_with(&self, strings: &[&str], besides: &str) -> Option<String> {
        let made = || {
            let has = |required: &&Required| {
                required.made.as_ref().is_some_and(|made| has_strings(&made.file, strings))
            };
            self.required.iter().find(has).map(|required| required.beside.module.file.clone())
        };
        self.target.file_with(strings, besides).or_else(made)
    }

    /// The package of a required module is built by itself as well.
    fn is_required(&self) -> bool {
        let recipe = &self.ready.recipe;
        // A recipe that was worked out has no folder.
        let folder = Some(&recipe.directory).filter(|folder| !folder.as_os_str().is_empty());
        let beside = || folder.and_then(|folder| around(folder)).map(|folder| required_in(&folder));
        self.is_required || beside().is_some_and(|required| required.contains(&recipe.name))
    }
}

/// The upstream tree, and behind it the headers of required modules, which may come from elsewhere.
pub struct Layered<'a> {
    tree: Option<SourceTree<'a>>,
    headers: BTreeMap<String, Arc<str>>,
}

impl<'a> Layered<'a> {
    /// Nothing where there is neither a tree nor a header.
    pub fn new(tree: Option<&'a Tree>, required: &[Required]) -> Option<Self> {
        let made = required.iter().filter_map(|required| required.made.as_ref());
        let headers: BTreeMap<String, Arc<str>> = made.flat_map(|made| made.headers.clone()).collect();
        (tree.is_some() || !headers.is_empty()).then(|| Layered { tree: tree.map(SourceTree::new), headers })
    }
}

impl Upstream for Layered<'_> {
    fn read(&self, path: &str) -> Result<Option<Arc<str>>, Failure> {
        let found = self.tree.as_ref().map(|tree| tree.read(path)).transpose()?.flatten();
        Ok(found.or_else(|| self.headers.get(path).cloned()))
    }

    fn c_files(&self) -> Result<Arc<[String]>, Failure> {
        let of_tree = self.tree.as_ref().map(Upstream::c_files).transpose()?.unwrap_or_default();
        if self.headers.is_empty() {
            return Ok(of_tree);
        }
        let mut all: Vec<String> = of_tree.iter().chain(self.headers.keys()).cloned().collect();
        all.sort();
        all.dedup();
        Ok(all.into())
    }

    fn preload(&self, paths: &[String]) -> Result<(), Failure> {
        self.tree.as_ref().map_or(Ok(()), |tree| tree.preload(paths))
    }

    fn parsed(&self, path: &str) -> Result<Option<Arc<c::File>>, Failure> {
        if let Some(found) = self.tree.as_ref().map(|tree| tree.parsed(path)).transpose()?.flatten() {
            return Ok(Some(found));
        }
        Ok(self.headers.get(path).map(|text| Arc::new(c::File::new(text.clone()))))
    }
}
