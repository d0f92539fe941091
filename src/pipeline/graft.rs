//! From all that is known to one C file that fits the target: flatten, overlays, adapt.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use super::clock::{stage, stage_without};
use super::inputs::{self, Inputs};
use super::prepare::{Ready, prepare};
use super::required::{Layered, Offers, Required, required};
use super::{Error, Request, epoch, summary};
use crate::adapt::overlay::{self, Overlay};
use crate::adapt::{self, Adapted, Compiles, Edit, Offered};
use crate::compile::{self, SharedObject};
use crate::flatten::{self, Interface, TranslationUnit, Upstream};
use crate::report::{Reporter, Stage};
use crate::source::path::folder;
use crate::target::Target;
use crate::target::calendar::Steps;

/// How long the compiler may take.
pub(super) const COMPILE_LIMIT: Duration = Duration::from_secs(600);

/// How long the compiler may take to say what it objects to.
const ORACLE_LIMIT: Duration = Duration::from_secs(300);

/// Where upstream lists the steps of the module magic number.
const STEPS: &str = "include/ap_mmn.h";

/// A module as one C file, with all that the later stages ask of the earlier ones.
pub struct Graft {
    pub ready: Ready,
    /// Modules that must be there first, in the order of loading.
    pub required: Vec<Required>,
    /// The patches that people made of the flattened file, in order.
    pub overlays: Vec<Overlay>,
    /// The unit as the target's compiler takes it, with each edit.
    pub adapted: Adapted,
    /// Rules that may change what the module does, by the recipe's word or the caller's.
    pub accepted: Vec<String>,
    /// The unit's text.
    pub text: String,
    /// What a unit that fits as it is was compiled to, and how long that took: the compiler was asked by it.
    pub compiled: Option<(SharedObject, Duration)>,
}

/// What follows a graft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The module is compiled.
    Compile,
    /// Nothing that needs the module.
    Stop,
}

impl Graft {
    /// `mod_NAME.c`.
    pub fn file_name(&self) -> String {
        format!("{}.c", self.ready.recipe.name)
    }

    /// What the module exports beside its structure: what the headers of its own folder, and the target's of these names, promise and it keeps.
    pub fn exports(&self) -> Vec<String> {
        exports(&self.ready, &self.adapted.unit)
    }

    /// What went into it, and into the modules that were made first.
    ///
    /// # Errors
    /// A file that cannot be read any more.
    pub fn inputs(&self, request: &Request) -> Result<Inputs, crate::Error> {
        let mut all = inputs::of(&self.ready, &self.overlays, request)?;
        for required in &self.required {
            if let Some(made) = &required.made {
                all.require(&required.name, made.own_inputs.clone());
            }
        }
        Ok(all)
    }

    /// The modules that must be there first and that are packages like this one.
    pub fn packages_required(&self) -> Vec<String> {
        let made = self.required.iter().filter(|required| required.made.is_some());
        made.map(|required| required.name.clone()).collect()
    }
}

fn exports(ready: &Ready, unit: &TranslationUnit) -> Vec<String> {
    let home = folder(&ready.module.file);
    let own = unit.sources.iter().filter(|(path, _)| path.ends_with(".h") && folder(path) == home);
    let headers = own.map(|(_, text)| text).chain(&unit.published);
    compile::promised(headers.map(|text| &**text), &unit.render(false))
}

/// How a unit is compiled, into the folder `out`.
pub fn compiling(ready: &Ready, unit: &TranslationUnit, out: &Path) -> Result<compile::Options, Error> {
    let recipe = &ready.recipe;
    let name = ready.target.profile.packaging.package_named(&recipe.name);
    Ok(compile::Options {
        exports: exports(ready, unit),
        libraries: recipe.libraries.clone(),
        out_dir: out.to_owned(),
        nevra: format!("{name}-{}-{}.{}", recipe.version, recipe.release, ready.target.machine),
        source_date_epoch: Some(epoch::of(recipe)?),
        limit: COMPILE_LIMIT,
    })
}

/// Runs the stages up to adapt. `target` is used where it is known; `work` is a folder for what the stages unpack.
pub fn graft(
    request: &Request,
    target: Option<&Target>,
    next: Next,
    work: &Path,
    reporter: &dyn Reporter,
) -> Result<Graft, crate::Error> {
    let ready = prepare(request, target, work, reporter)?;
    grafted(ready, &[], request, next, work, reporter)
}

/// As [`graft`], of what is known already. `chain` are the modules that this one is made for.
pub fn grafted(
    ready: Ready,
    chain: &[String],
    request: &Request,
    next: Next,
    work: &Path,
    reporter: &dyn Reporter,
) -> Result<Graft, crate::Error> {
    let overlays = ready.overlays()?;
    let required = required(&ready, chain, request, work, reporter)?;
    let bench = Bench::new(&ready, &required, !chain.is_empty());
    let unit = stage(reporter, Stage::Flatten, || bench.flatten(), summary::flattened)?;
    let compiled = RefCell::new(None);
    let compiles = |unit: &TranslationUnit| -> Result<bool, compile::Error> {
        // What is wrong with SOURCE_DATE_EPOCH, the stage that compiles tells.
        let (Next::Compile, Ok(options)) = (next, compiling(&ready, unit, work)) else { return Ok(false) };
        let text = unit.render(request.line_directives);
        let start = Instant::now();
        let object = compile::attempt(&ready.unit(&text), &ready.target, &ready.toolchain, &options)?;
        *compiled.borrow_mut() = object.map(|object| (object, start.elapsed()));
        Ok(compiled.borrow().is_some())
    };
    let fit = || -> Result<Adapted, adapt::Error> {
        let (unit, by_hand) = overlay::apply(unit, &overlays)?;
        let mut adapted = bench.adapt(unit, &overlays, Some(&compiles))?;
        adapted.edits.splice(0..0, by_hand);
        Ok(adapted)
    };
    let compile_time = |_: &Adapted| compiled.borrow().as_ref().map_or(Duration::ZERO, |(_, time)| *time);
    let adapted = stage_without(reporter, Stage::Adapt, compile_time, fit, summary::adapted)?;
    let compiled = compiled.take();
    drop(bench);
    tell_edits(&adapted, reporter);
    let accepted = [&ready.recipe.accept_risks[..], &request.accept_risks].concat();
    adapt::demand_accepted(&adapted, &accepted, &ready.recipe.compat.packs, &ready.target)?;
    let text = adapted.unit.render(request.line_directives);
    Ok(Graft { ready, required, overlays, adapted, accepted, text, compiled })
}

/// What flattening and adapting share: the tree is parsed once, the target's headers are read once.
pub struct Bench<'a> {
    ready: &'a Ready,
    tree: Option<Layered<'a>>,
    offers: Offers<'a>,
}

impl<'a> Bench<'a> {
    /// Nothing is read yet.
    /// `is_required`: the module is made for another one.
    pub fn new(ready: &'a Ready, required: &'a [Required], is_required: bool) -> Self {
        let tree = Layered::new(ready.sources.base.as_ref(), required);
        Bench { ready, tree, offers: Offers::new(ready, required, is_required) }
    }

    fn base(&self) -> Option<&dyn Upstream> {
        self.tree.as_ref().map(|tree| tree as &dyn Upstream)
    }

    /// The unit, flattened with the rules in mind.
    pub fn flatten(&self) -> Result<TranslationUnit, flatten::Error> {
        let nothing_missing = BTreeSet::new();
        self.flatten_for(&Offered::new(&self.offers, &self.ready.rules, &nothing_missing, &[]))
    }

    fn flatten_for(&self, offered: &dyn Interface) -> Result<TranslationUnit, flatten::Error> {
        let mut unit = flatten::flatten(&self.ready.changeset, &self.ready.id(), self.base(), offered)?;
        let defines = &self.ready.recipe.defines;
        if !defines.is_empty() {
            let text = defines.iter().map(|define| format!("{define}\n")).collect::<String>();
            unit.put_first("define", text + "\n");
            unit.warnings.retain(|warning| defines.iter().all(|define| define.name != warning.about));
        }
        Ok(unit)
    }

    /// Adapts a flattened unit to which the overlays were applied.
    pub fn adapt(
        &self,
        unit: TranslationUnit,
        overlays: &[Overlay],
        compiles: Option<Compiles<'_>>,
    ) -> Result<Adapted, adapt::Error> {
        let again = |offered: &dyn Interface| {
            let unit = self.flatten_for(offered).map_err(Box::new)?;
            let (unit, _): (_, Vec<Edit>) = overlay::apply(unit, overlays)?;
            Ok(unit)
        };
        let steps = self.base().and_then(|base| base.read(STEPS).ok().flatten());
        let inputs = adapt::Inputs {
            target: &self.ready.target,
            interface: &self.offers,
            toolchain: &self.ready.toolchain,
            rules: &self.ready.rules,
            again: &again,
            base: self.base(),
            steps: &steps.map_or_else(Steps::default, |text| Steps::read(&text)),
            libraries: &self.ready.recipe.libraries,
            by_hand: &self.ready.by_hand,
            compiles,
            limit: ORACLE_LIMIT,
        };
        adapt::adapt(unit, &inputs)
    }
}

/// What the module will not find; each edit with its place; what the module loses, or does otherwise, even to those who did not ask for more.
fn tell_edits(adapted: &Adapted, reporter: &dyn Reporter) {
    for warning in &adapted.unit.warnings {
        reporter.warning(warning.text.clone());
    }
    let mut warned = BTreeSet::new();
    for edit in &adapted.edits {
        let place =
            if edit.file.is_empty() { String::new() } else { format!("{}:{}: ", edit.file, edit.line) };
        reporter.detail(format!("{place}{}: {}", edit.rule, edit.note));
        if edit.risk != adapt::pack::Risk::None && warned.insert((&edit.rule, &edit.note)) {
            reporter.warning(format!("{} {}: {}", edit.rule, edit.risk.words(), edit.note));
        }
    }
}
