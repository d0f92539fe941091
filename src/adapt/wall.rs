//! What is left when nothing helps, said so that a person knows what to do.

use miette::NamedSource;

use super::draft::Draft;
use super::finding::{Finding, Kind};
use super::owner::{self, Owner};
use super::pack::{Action, Rule};
use super::plan::Left;
use super::{Error, Inputs, template};
use crate::c::expression::Access;
use crate::c::library;
use crate::compile::{self, Complaint};
use crate::target::calendar;

/// How many are shown.
const SHOWN: usize = 10;

/// The error for findings that are left. `behind` is why upstream's tree could not help.
pub fn error(left: &[Left], behind: Option<&str>, draft: &Draft, inputs: &Inputs<'_>) -> Error {
    // Where something is known to be missing, the compiler's other complaints mostly follow from that.
    let known = |finding: &Finding| finding.is_of_target();
    let own_fault = !left.iter().any(|(finding, _)| known(finding));
    // Behind a place that the compiler cannot read, it misreads declarations and headers alike: what it says of those follows
    // from that.
    let file = draft.unit().file_name();
    let of_unit = |finding: &Finding| finding.place.as_ref().is_some_and(|(name, ..)| *name == file);
    let unread = left.first().is_some_and(|(finding, _)| finding.is_unreadable() && of_unit(finding));
    let is_shown = |at: usize, finding: &Finding| match unread {
        true => at == 0,
        false => own_fault || known(finding),
    };
    let numbered = left.iter().enumerate().filter(|(at, (finding, _))| is_shown(*at, finding));
    let mut shown: Vec<_> = numbered.map(|(_, one)| one).collect();
    let mut said = std::collections::HashSet::new();
    shown.retain(|(finding, _)| {
        said.insert((
            finding.kind,
            finding.name.clone(),
            finding.owners.clone(),
            finding.access == Some(Access::Written),
        ))
    });
    Error::Walls {
        module: draft.unit().module.clone(),
        httpd: inputs.target.httpd_version.clone(),
        count: shown.len(),
        walls: shown
            .iter()
            .take(SHOWN)
            .map(|(finding, rule)| wall(finding, rule.as_deref(), behind, draft, inputs))
            .collect(),
        own_fault,
    }
}

fn wall(
    finding: &Finding,
    rule: Option<&Rule>,
    behind: Option<&str>,
    draft: &Draft,
    inputs: &Inputs<'_>,
) -> Complaint {
    let owned = finding.owners.first().filter(|_| finding.kind == Kind::Member).unwrap_or(&finding.name);
    let owner = owner::of(owned, draft, inputs);
    let message = message(finding, owner, inputs);
    let help = help(finding, owner, draft, inputs);
    let reason = match rule.map(|rule| &rule.r#do) {
        Some(Action::Refuse(why)) => why.clone(),
        _ if is_optional_only(finding, inputs) => format!(
            "a module gets it by APR_RETRIEVE_OPTIONAL_FN({}), and nobody exports it by that name",
            finding.name
        ),
        _ => without_pointer(finding, inputs).or(behind.map(str::to_owned)).unwrap_or_default(),
    };
    let placed = finding.at.clone().and_then(|at| {
        let (file, line) = draft.origin(at.start)?;
        let text = draft.unit().sources.get(&file)?.clone();
        let at = span(&text, line, &finding.name)?;
        Some((NamedSource::new(&*file, text).with_language("C"), at))
    });
    match placed {
        Some((source_code, at)) => {
            let label = if reason.is_empty() { "used here".to_owned() } else { reason };
            Complaint::At { message, source_code, at: at.into(), label, help: Some(help) }
        }
        None => {
            let place =
                finding.place.as_ref().map(|(file, line, column)| format!("{file}:{line}:{column}: "));
            let reason = if reason.is_empty() { reason } else { format!(": {reason}") };
            Complaint::Nowhere {
                message: format!("{}{message}{reason}", place.unwrap_or_default()),
                help: Some(help),
            }
        }
    }
}

/// Whether the target has a function of that name which modules find at run time only.
fn is_optional_only(finding: &Finding, inputs: &Inputs<'_>) -> bool {
    let declared = |name: &str| inputs.interface.declared_in(&format!("apr_OFN_{name}_t")).is_some();
    finding.kind == Kind::Function && declared(&finding.name)
}

/// What a rule for the finding needs in scope, where nothing is left against it: there it is not.
fn without_pointer(finding: &Finding, inputs: &Inputs<'_>) -> Option<String> {
    inputs.rules.fitting(finding).find_map(|rule| {
        let (Action::Replace(template) | Action::Constant(template)) = &rule.r#do else { return None };
        let type_name = template::pointer_type(template)?;
        Some(format!("{} needs a `{type_name} *` here that surely points at something", rule.id))
    })
}

fn message(finding: &Finding, owner: Owner, inputs: &Inputs<'_>) -> String {
    let name = &finding.name;
    let whose = match owner {
        Owner::Apr => format!("APR {} of httpd {}", inputs.target.apr_version, inputs.target.httpd_version),
        Owner::Httpd | Owner::Other => format!("httpd {}", inputs.target.httpd_version),
    };
    let no_header = "no header that the module includes";
    let of = finding.owners.first().map_or("", String::as_str);
    match (finding.kind, finding.access) {
        (Kind::Member, _) if owner == Owner::Other => {
            format!("{of} has no member `{name}` here, and is none of httpd's structures")
        }
        (Kind::Member, Some(Access::Written)) => {
            format!("{of} has no member `{name}` in {whose}, and the module sets it")
        }
        (Kind::Member, Some(Access::Read)) => format!("{of} has no member `{name}` in {whose}"),
        (Kind::Member, None) => {
            format!("{of} has no member `{name}` in {whose}, and a macro that the module uses reads it")
        }
        (Kind::Function | Kind::Type | Kind::Identifier, _) if library::has(name) => {
            format!("the C library has `{name}`, and no header declares it that the module includes")
        }
        (Kind::Function, _) if is_optional_only(finding, inputs) => {
            format!("{whose} has `{name}` as an optional function only, and the module calls it directly")
        }
        (Kind::Function, _) if owner == Owner::Other => {
            format!("{no_header} declares the function `{name}`, and it is none of httpd's")
        }
        (Kind::Type, _) if owner == Owner::Other => {
            format!("{no_header} shows what is in the type `{name}`, and it is none of httpd's")
        }
        (Kind::Identifier, _) if owner == Owner::Other => {
            format!("{no_header} defines `{name}`, and it is none of httpd's")
        }
        (Kind::Function, _) => format!("{whose} has no function `{name}`"),
        (Kind::Type, _) => format!("{whose} has no type `{name}`, or does not show what is in it"),
        (Kind::Identifier, _) => format!("{whose} has no `{name}`"),
        (Kind::Header, _) => format!("there is no header `{name}`"),
        _ => finding.message.clone(),
    }
}

fn help(finding: &Finding, owner: Owner, draft: &Draft, inputs: &Inputs<'_>) -> String {
    let target = inputs.target;
    let by_hand = inputs.by_hand.to_owned();
    if finding.kind == Kind::Header
        && let Some(help) = compile::help_for(&finding.message, target)
    {
        return help;
    }
    if finding.is_unreadable() {
        return format!("look whether a macro stands there that the target does not have, or {by_hand}");
    }
    // What is of another type, or has another number, has been there all along.
    if finding.name.is_empty()
        || matches!(finding.kind, Kind::Elements | Kind::Sum | Kind::Call | Kind::Other)
    {
        return by_hand;
    }
    let missing = matches!(finding.kind, Kind::Function | Kind::Type | Kind::Identifier | Kind::Member);
    if missing && owner == Owner::Other && !library::has(&finding.name) {
        return of_library(&owner::packages(draft), &by_hand);
    }
    if missing && owner == Owner::Apr {
        return format!("it is APR's: choose a target with a newer APR, or {by_hand}");
    }
    let words =
        |release: String| format!("it works from httpd {release} on: choose such a target, or {by_hand}");
    let of_owner = finding.owners.iter().map(|owner| format!("{owner}.{}", finding.name));
    let mut names = of_owner.chain([finding.name.clone()]);
    if let Some(release) = names.find_map(|name| calendar::since(&name, &target.httpd_version)) {
        return words(release);
    }
    match inputs.steps.naming(&finding.name, target.mmn) {
        Some(step) => words(format!("{} (MMN {})", step.version, step.mmn)),
        None => by_hand,
    }
}

/// What to do about a name that is none of httpd's, where the module includes headers of these packages.
fn of_library(packages: &[String], by_hand: &str) -> String {
    match packages {
        [] => format!("find the library, or the header that the source lacks, or {by_hand}"),
        _ => format!(
            "it may be of another release of a library than is installed here ({}): take a release of the module that goes with \
             that, or {by_hand}",
            packages.join(", ")
        ),
    }
}

/// Where a word stands in a line of a text; the line without its indent where it does not.
fn span(text: &str, line: u32, word: &str) -> Option<(usize, usize)> {
    let index = usize::try_from(line).ok()?.checked_sub(1)?;
    let start: usize = text.split_inclusive('\n').take(index).map(str::len).sum();
    let line = text.get(start..)?.lines().next()?;
    match line.find(word).filter(|_| !word.is_empty()) {
        Some(at) => Some((start + at, word.len())),
        None => {
            let indent = line.len() - line.trim_start().len();
            Some((start + indent, line.trim().len()))
        }
    }
}
