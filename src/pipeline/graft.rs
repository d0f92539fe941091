//! From all that is known to one C file that fits the target: flatten, overlays, adapt.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use super::clock::stage;
use super::prepare::{Ready, prepare};
use super::required::{Layered, Offers, Required, required};
use super::{Request, summary};
use crate::adapt::overlay::{self, Overlay};
use crate::adapt::{self, Adapted, Edit, Offered};
use crate::compile;
use crate::flatten::{self, Interface, TranslationUnit, Upstream};
use crate::report::{Reporter, Stage};
use crate::target::calendar::Steps;

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
}

impl Graft {
    /// `mod_NAME.c`.
    pub fn file_name(&self) -> String {
        format!("{}.c", self.ready.recipe.name)
    }

    /// What the module exports beside its structure: what the headers of its own folder promise and it keeps.
    pub fn exports(&self) -> Vec<String> {
        let folder =
            |path: &str| path.rsplit_once('/').map_or(String::new(), |(folder, _)| folder.to_owned());
        let home = folder(&self.ready.module.file);
        let headers =
            self.adapted.unit.sources.iter().filter(|(path, _)| path.ends_with(".h") && folder(path) == home);
        compile::promised(headers.map(|(_, text)| &**text), &self.adapted.unit.render(false))
    }

    /// The modules that must be there first and that are packages like this one.
    pub fn packages_required(&self) -> Vec<String> {
        let made = self.required.iter().filter(|required| required.made.is_some());
        made.map(|required| required.name.clone()).collect()
    }
}

/// Runs the stages up to adapt. `work` is a folder for what they unpack.
pub fn graft(request: &Request, work: &Path, reporter: &dyn Reporter) -> Result<Graft, crate::Error> {
    let ready = prepare(request, work, reporter)?;
    grafted(ready, &[], request, work, reporter)
}

/// As [`graft`], of what is known already. `chain` are the modules that this one is made for.
pub fn grafted(
    ready: Ready,
    chain: &[String],
    request: &Request,
    work: &Path,
    reporter: &dyn Reporter,
) -> Result<Graft, crate::Error> {
    let overlays = ready.overlays()?;
    let required = required(&ready, chain, request, work, reporter)?;
    let bench = Bench::new(&ready, &required);
    let unit = stage(reporter, Stage::Flatten, || bench.flatten(), summary::flattened)?;
    let fit = || -> Result<Adapted, adapt::Error> {
        let (unit, by_hand) = overlay::apply(unit, &overlays)?;
        let mut adapted = bench.adapt(unit, &overlays)?;
        adapted.edits.splice(0..0, by_hand);
        Ok(adapted)
    };
    let adapted = stage(reporter, Stage::Adapt, fit, summary::adapted)?;
    drop(bench);
    tell_edits(&adapted, reporter);
    let accepted = [&ready.recipe.accept_risks[..], &request.accept_risks].concat();
    adapt::demand_accepted(&adapted, &accepted, &ready.recipe.compat.packs, &ready.target)?;
    let text = adapted.unit.render(request.line_directives);
    Ok(Graft { ready, required, overlays, adapted, accepted, text })
}

/// What flattening and adapting share: the tree is parsed once, the target's headers are read once.
pub struct Bench<'a> {
    ready: &'a Ready,
    tree: Option<Layered<'a>>,
    offers: Offers<'a>,
}

impl<'a> Bench<'a> {
    /// Nothing is read yet.
    pub fn new(ready: &'a Ready, required: &'a [Required]) -> Self {
        let tree = Layered::new(ready.sources.base.as_ref(), required);
        Bench { ready, tree, offers: Offers::new(&ready.target, required) }
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
        flatten::flatten(&self.ready.changeset, &self.ready.id(), self.base(), offered)
    }

    /// Adapts a flattened unit to which the overlays were applied.
    pub fn adapt(&self, unit: TranslationUnit, overlays: &[Overlay]) -> Result<Adapted, adapt::Error> {
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
            steps: &steps.map_or_else(Steps::default, |text| Steps::read(&text)),
            libraries: &self.ready.recipe.libraries,
            by_hand: &self.ready.by_hand,
            limit: ORACLE_LIMIT,
        };
        adapt::adapt(unit, &inputs)
    }
}

/// Each edit with its place; what the module loses, or does otherwise, even to those who did not ask for more.
fn tell_edits(adapted: &Adapted, reporter: &dyn Reporter) {
    let mut warned = BTreeSet::new();
    for edit in &adapted.edits {
        let place =
            if edit.file.is_empty() { String::new() } else { format!("{}:{}: ", edit.file, edit.line) };
        reporter.detail(format!("{place}{}: {}", edit.rule, edit.note));
        if edit.risk != adapt::pack::Risk::None && warned.insert(&edit.rule) {
            reporter.warning(format!("{} {}: {}", edit.rule, edit.risk.words(), edit.note));
        }
    }
}
