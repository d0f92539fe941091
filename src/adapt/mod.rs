//! Makes the unit fit the target: the target's compiler says what is missing, rules say what to do about it.
//!
//! In: a [`TranslationUnit`] that was flattened with the rules in mind ([`Offered`]), a [`Target`]. Out: an [`Adapted`] unit
//! and each edit. A round: the compiler's objections are read as [`Finding`]s, each is looked up in the [`pack`]s, and all
//! edits that do not touch each other are made at once, by byte ranges. What the rules know beforehand to be missing is done
//! in front of the first round, so most units need two: one that finds the members, and one that finds nothing.

mod change;
mod clang;
mod declines;
mod draft;
mod edit;
mod error;
pub mod finding;
mod offered;
pub mod overlay;
mod owner;
pub mod pack;
mod plan;
mod says_no;
mod template;
mod trap;
mod wall;

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Duration;

pub use edit::Edit;
pub use error::Error;
pub use offered::Offered;

use crate::compile::{self, Toolchain, Unit};
use crate::flatten::{Interface, TranslationUnit, Upstream};
use crate::target::Target;
use crate::target::calendar::Steps;
use draft::Draft;
use finding::Finding;
use pack::{Risk, Rule, Rules};
use plan::Planner;

/// More rounds than any module that can be adapted needs; it bounds those that cannot.
const ROUNDS: usize = 25;

/// A unit that the target's compiler takes.
#[derive(Debug)]
pub struct Adapted {
    /// The unit.
    pub unit: TranslationUnit,
    /// Every edit, in the order in which they were made.
    pub edits: Vec<Edit>,
    /// How often the compiler was asked.
    pub rounds: usize,
}

/// Flattens again, with another idea of what the target has, and applies the overlays.
pub type Again<'a> = &'a dyn Fn(&dyn Interface) -> Result<TranslationUnit, Error>;

/// Compiles a unit as it would be packaged, and says whether the compiler took it.
pub type Compiles<'a> = &'a dyn Fn(&TranslationUnit) -> Result<bool, compile::Error>;

/// What adapting needs beside the unit.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    /// The target.
    pub target: &'a Target,
    /// What it offers, and what modules offer that are loaded before.
    pub interface: &'a dyn Interface,
    /// Its compiler.
    pub toolchain: &'a Toolchain,
    /// The rules, the recipe's own first.
    pub rules: &'a Rules,
    /// Flattens again where the compiler does not see what a header has.
    pub again: Again<'a>,
    /// Upstream's tree, which tells whose a name is that nobody here knows.
    pub base: Option<&'a dyn Upstream>,
    /// What upstream's tree says of the steps of the module magic number.
    pub steps: &'a Steps,
    /// The libraries that the module is linked with.
    pub libraries: &'a [String],
    /// What a person can do where nothing helps.
    pub by_hand: &'a str,
    /// What is asked in place of the first question, where a unit that fits as it is will be compiled anyway.
    pub compiles: Option<Compiles<'a>>,
    /// The most time that one question to the compiler gets.
    pub limit: Duration,
}

/// Adapts a unit to the target.
///
/// # Errors
/// [`Error::Walls`] with everything that is left when nothing helps; what flattening again refuses; a compiler that cannot be
/// asked.
pub fn adapt(unit: TranslationUnit, inputs: &Inputs<'_>) -> Result<Adapted, Error> {
    let interface = inputs.interface;
    let mut missing: BTreeSet<String> = BTreeSet::new();
    let mut parts: Vec<Arc<Rule>> = Vec::new();
    let mut flattened = unit;
    let mut rounds = 0;
    loop {
        let offered = Offered::new(interface, inputs.rules, &missing, &parts);
        let mut planner = Planner::new(inputs.rules, &offered);
        let mut draft = Draft::new(flattened);
        let new_parts = planner.foreseen(&mut draft, &parts).map_err(|rule| Error::NotStarted {
            module: draft.unit().module.clone(),
            rule: rule.id.clone(),
        })?;
        let denied = if new_parts.is_empty() {
            match rounds_of(&mut draft, &mut planner, &missing, &mut rounds, inputs)? {
                None => return Ok(Adapted { unit: draft.finish(), edits: planner.edits, rounds }),
                Some(denied) => denied,
            }
        } else {
            Denied::default()
        };
        parts.extend(new_parts);
        // What a header has behind a condition, and no rule knows, may be in upstream's tree.
        missing.extend(denied.names);
        flattened = match (inputs.again)(&Offered::new(interface, inputs.rules, &missing, &parts)) {
            // What the compiler said is nearer to the module than what is behind it in the tree.
            Err(Error::Flatten(why)) if !denied.left.is_empty() => {
                return Err(wall::error(&denied.left, Some(&why.to_string()), &draft, inputs));
            }
            flattened => flattened?,
        };
    }
}

/// Names that a header of the target has and the compiler does not see, and the findings that say so.
#[derive(Default)]
struct Denied {
    names: BTreeSet<String>,
    left: Vec<plan::Left>,
}

/// Asks the compiler and edits, until it has nothing to object to, or denies a name that flattening should know of.
fn rounds_of(
    draft: &mut Draft,
    planner: &mut Planner<'_>,
    missing: &BTreeSet<String>,
    rounds: &mut usize,
    inputs: &Inputs<'_>,
) -> Result<Option<Denied>, Error> {
    let mut seen: HashSet<String> = HashSet::new();
    if *rounds == 0 && planner.edits.is_empty() && fits_as_it_is(draft, inputs)? {
        *rounds = 1;
        return Ok(None);
    }
    loop {
        let findings = ask(draft, inputs)?;
        *rounds += 1;
        if findings.is_empty() {
            return Ok(None);
        }
        // Rules that undo each other come back to the same text.
        if *rounds >= ROUNDS || !seen.insert(draft.text().to_owned()) {
            let refusing = |finding: &Finding| {
                inputs
                    .rules
                    .fitting(finding)
                    .find(|rule| matches!(rule.r#do, pack::Action::Refuse(_)))
                    .cloned()
            };
            let left: Vec<_> =
                findings.into_iter().map(|finding| (finding.clone(), refusing(&finding))).collect();
            return Err(wall::error(&left, None, draft, inputs));
        }
        let outcome = planner.round(&findings, draft);
        if outcome.changed == 0
            && let Some(error) = says_no::error(&outcome.left, draft, inputs)
        {
            return Err(error);
        }
        let names: BTreeSet<String> =
            outcome.denied.into_iter().filter(|name| !missing.contains(name)).collect();
        if !names.is_empty() {
            let left =
                outcome.left.into_iter().filter(|(finding, _)| names.contains(&finding.name)).collect();
            return Ok(Some(Denied { names, left }));
        }
        if outcome.changed == 0 {
            return Err(wall::error(&outcome.left, None, draft, inputs));
        }
    }
}

/// Whether the compiler takes a unit that nobody edited. The call is that of the question, but for what it makes.
fn fits_as_it_is(draft: &Draft, inputs: &Inputs<'_>) -> Result<bool, Error> {
    match inputs.compiles {
        Some(compiles) if trap::findings(draft.text(), &draft.unit().symbol, inputs.rules).is_empty() => {
            compiles(draft.unit()).map_err(|error| Error::Compile(Box::new(error)))
        }
        _ => Ok(false),
    }
}

fn ask(draft: &Draft, inputs: &Inputs<'_>) -> Result<Vec<Finding>, Error> {
    let unit = Unit { module: &draft.unit().module, symbol: &draft.unit().symbol, text: draft.text() };
    let said = compile::objections(&unit, inputs.target, inputs.toolchain, inputs.libraries, inputs.limit)
        .map_err(|error| Error::Compile(Box::new(error)))?;
    let mut findings = finding::findings(&said, draft.text(), &draft.unit().file_name());
    findings.extend(trap::findings(draft.text(), &draft.unit().symbol, inputs.rules));
    Ok(findings)
}

/// That every edit which changes what the module does was accepted.
///
/// # Errors
/// [`Error::Risk`], and [`Error::UnknownRule`] for an accepted rule that there is none of.
pub fn demand_accepted(
    adapted: &Adapted,
    accepted: &[String],
    own: &[pack::Pack],
    target: &Target,
) -> Result<(), Error> {
    if let Some(id) = accepted.iter().find(|id| pack::find(own, id).is_none()) {
        return Err(Error::UnknownRule { id: id.clone(), help: pack::suggestion(own, id) });
    }
    let mut risky: Vec<&Edit> =
        adapted.edits.iter().filter(|edit| edit.risk == Risk::ChangesBehaviour).collect();
    risky.retain(|edit| !accepted.contains(&edit.rule));
    let mut rules: Vec<String> = Vec::new();
    let mut help = String::new();
    for edit in risky {
        let line = format!("{}: {}\n", edit.rule, edit.note);
        if !help.contains(&line) {
            help.push_str(&line);
        }
        if !rules.contains(&edit.rule) {
            rules.push(edit.rule.clone());
        }
    }
    if rules.is_empty() {
        return Ok(());
    }
    let options: Vec<String> = rules.iter().map(|rule| format!("--accept-risk {rule}")).collect();
    help.push_str(&format!(
        "if that is what you want: {}, or `accept-risks` in the recipe",
        options.join(" ")
    ));
    let module = adapted.unit.module.clone();
    Err(Error::Risk { module, httpd: target.httpd_version.clone(), rules, help })
}
