//! Whether a module that was made for one target is right for another.
//!
//! What decides is the module's own code: the C file that was made for the old target, compiled with each target's httpd and
//! APR headers and all else alike. Where the code comes out the same, no structure, constant or prototype that changed has any
//! bearing on it; where it does not, the old object has something built in that is no longer so. What it needs at load time
//! the audit tells. The layouts and macros that differ are the reasons that a person reads.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use super::build::compiled;
use super::graft::{Graft, Next, graft};
use super::{Error, Request};
use crate::audit::{self, Audit, Finding};
use crate::c::lex;
use crate::compile::{self, Assembly, SharedObject};
use crate::error::Kind;
use crate::flatten::Interface;
use crate::layout::{self, MacroText};
use crate::report::Reporter;
use crate::target::diff::{Diff, TypeDiff};

/// How long the compiler may take.
const LIMIT: Duration = Duration::from_secs(300);

/// How many reasons of one sort are told.
const SHOWN: usize = 8;

/// Macros that are longer are told by their names.
const MACRO: usize = 40;

/// What becomes of a module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// What was made for the old target is right for the new one.
    Unchanged,
    /// It fits the new target, but what was made for the old one would not load there, or do something else than it says.
    Rebuild,
    /// It cannot be made for the new target as it is.
    Breaks,
}

impl Verdict {
    /// As it is printed.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Unchanged => "unchanged",
            Verdict::Rebuild => "rebuild",
            Verdict::Breaks => "breaks",
        }
    }
}

/// A module between two targets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModuleDiff {
    /// `mod_NAME`, or what was asked for where it cannot be made at all.
    pub name: String,
    /// What becomes of it.
    pub verdict: Verdict,
    /// Why; none where it is unchanged.
    pub reasons: Vec<String>,
    /// What else there is to know.
    pub notes: Vec<String>,
}

impl ModuleDiff {
    /// For a person, in lines.
    pub fn text(&self) -> String {
        let mut text = format!("\n{}: {}\n", self.name, self.verdict.word());
        for reason in &self.reasons {
            text += &format!("  {}\n", reason.replace('\n', "\n    "));
        }
        for note in &self.notes {
            text += &format!("  note: {note}\n");
        }
        text
    }
}

struct Made {
    graft: Graft,
    object: SharedObject,
    audit: Audit,
}

/// The macros of the old target.
pub type Macros = BTreeMap<String, MacroText>;

/// Grafts a module onto both targets and tells what becomes of it.
///
/// # Errors
/// Any stage's, but for those which say that the module does not fit.
pub fn verdict(
    old: &Request,
    new: &Request,
    diff: &Diff,
    macros: &Macros,
    reporter: &dyn Reporter,
) -> Result<ModuleDiff, crate::Error> {
    let work = super::work::folder().map_err(Error::from)?;
    let (before, after) = (work.path().join("old"), work.path().join("new"));
    for folder in [&before, &after] {
        fs_err::create_dir(folder).map_err(Error::from)?;
    }
    let made_for_old = made(old, &before, reporter)?;
    let made_for_new = made(new, &after, reporter)?;
    match (made_for_old, made_for_new) {
        (old, Err(error)) => {
            let name = old.map_or_else(|_| "the module".to_owned(), |old| old.graft.ready.recipe.name);
            let notes = Vec::new();
            Ok(ModuleDiff { name, verdict: Verdict::Breaks, reasons: told(&error), notes })
        }
        (Err(error), Ok(new)) => {
            let mut reasons =
                vec!["it fits the new target, and could not be made for the old one".to_owned()];
            reasons.extend(told(&error));
            let name = new.graft.ready.recipe.name;
            Ok(ModuleDiff { name, verdict: Verdict::Rebuild, reasons, notes: Vec::new() })
        }
        (Ok(old), Ok(new)) => compared(&old, &new, diff, macros),
    }
}

/// The module for one target; the inner error says that it does not fit.
fn made(
    request: &Request,
    work: &Path,
    reporter: &dyn Reporter,
) -> Result<Result<Made, crate::Error>, crate::Error> {
    let make = || -> Result<Made, crate::Error> {
        let graft = graft(request, None, Next::Compile, work, reporter)?;
        let (object, audit) = compiled(&graft, work, reporter)?;
        Ok(Made { graft, object, audit })
    };
    match make() {
        Err(error) if !matches!(error.kind(), Kind::Refused | Kind::Compile | Kind::Audit) => Err(error),
        result => Ok(result),
    }
}

/// An error with all that it consists of.
fn told(error: &crate::Error) -> Vec<String> {
    use miette::Diagnostic;
    let mut lines = vec![error.to_string()];
    lines.extend(error.related().into_iter().flatten().map(ToString::to_string));
    lines
}

fn compared(old: &Made, new: &Made, diff: &Diff, macros: &Macros) -> Result<ModuleDiff, crate::Error> {
    let (before, after) = (&old.graft.ready.target, &new.graft.ready.target);
    let name = old.graft.ready.recipe.name.clone();
    let mut reasons = Vec::new();
    let mut notes = Vec::new();
    if before.machine != after.machine {
        reasons.push(format!(
            "it is for {}, and the new target is for {}",
            before.machine.name, after.machine.name
        ));
        return Ok(ModuleDiff { name, verdict: Verdict::Rebuild, reasons, notes });
    }
    if (before.cookie, before.mmn.major) != (after.cookie, after.mmn.major) {
        reasons.push(format!(
            "httpd would refuse it: its module magic number is {}, and the new target's {}",
            before.mmn, after.mmn
        ));
    }
    reasons.extend(not_loaded(old, new)?);
    match code(old, new)? {
        Code::Same => {}
        Code::Refused(objections) => {
            reasons.push(
                "the C file that was made for the old target is none for the new target's headers".to_owned(),
            );
            reasons.extend(objections.into_iter().take(SHOWN));
        }
        Code::Differs(parts) => reasons.extend(causes(old, diff, macros, &parts)?),
    }
    if let Some(note) = same_number(before.mmn == after.mmn, reasons.is_empty()) {
        notes.push(note);
    }
    if old.graft.text != new.graft.text {
        notes.push(
            "a build for the new target adapts the module otherwise: compare the files of `modgraft flatten`"
                .to_owned(),
        );
    }
    if old.audit.load_order != new.audit.load_order {
        let (old, new) = (old.audit.load_order, new.audit.load_order);
        notes.push(format!("its drop-in begins with {new:02} there, and with {old:02} now"));
    }
    let verdict = if reasons.is_empty() { Verdict::Unchanged } else { Verdict::Rebuild };
    Ok(ModuleDiff { name, verdict, reasons, notes })
}

/// An equal number is often taken for a proof.
fn same_number(equal: bool, unchanged: bool) -> Option<String> {
    let text = "the module magic numbers are equal, so httpd would load it all the same";
    (equal && !unchanged).then(|| text.to_owned())
}

/// What would keep the old object from being loaded by the new target's httpd.
fn not_loaded(old: &Made, new: &Made) -> Result<Vec<String>, crate::Error> {
    let exports = old.graft.exports();
    let beside: Vec<audit::Beside> =
        new.graft.required.iter().map(|required| required.beside.clone()).collect();
    let expect = audit::Expect {
        symbol: &old.graft.ready.module.symbol,
        exports: &exports,
        beside: &beside,
        libraries: &old.graft.ready.recipe.libraries,
        headers_of: &[],
    };
    match audit::audit(&old.object, &expect, &new.graft.ready.target) {
        Ok(_) => Ok(Vec::new()),
        // That the minor number is another's is no reason to refuse it: httpd does not.
        Err(audit::Error::Findings { findings, .. }) => {
            let others = findings.iter().filter(|finding| !matches!(finding, Finding::Mmn { .. }));
            Ok(others.map(ToString::to_string).collect())
        }
        Err(error) => Err(error.into()),
    }
}

enum Code {
    Same,
    /// Functions and variables that come out otherwise.
    Differs(BTreeSet<String>),
    /// What the compiler says of the old C file with the new headers.
    Refused(Vec<String>),
}

/// Levels of optimisation at which code is compared. Where it is the same at one of them, it does the same.
const LEVELS: [u8; 3] = [2, 1, 0];

fn code(old: &Made, new: &Made) -> Result<Code, crate::Error> {
    let mut fewest: Option<BTreeSet<String>> = None;
    for level in LEVELS {
        match code_at(level, old, new)? {
            Code::Differs(parts) if fewest.as_ref().is_none_or(|fewest| parts.len() < fewest.len()) => {
                fewest = Some(parts);
            }
            Code::Differs(_) => {}
            other => return Ok(other),
        }
    }
    Ok(Code::Differs(fewest.unwrap_or_default()))
}

fn code_at(level: u8, old: &Made, new: &Made) -> Result<Code, crate::Error> {
    let (before, after) = (&old.graft.ready.target, &new.graft.ready.target);
    let symbol = &old.graft.ready.module.symbol;
    let unit = compile::Unit { module: &old.graft.ready.recipe.name, symbol, text: &old.graft.text };
    let (toolchain, libraries) = (&new.graft.ready.toolchain, &old.graft.ready.recipe.libraries);
    let assembled =
        |headers, around| compile::assembly(&unit, headers, around, toolchain, libraries, level, LIMIT);
    let with_new = match assembled(after, after)? {
        Ok(assembly) => assembly,
        Err(said) => return Ok(Code::Refused(said.into_iter().map(in_one_line).collect())),
    };
    // Where the old headers do not go with the new C library, each is compiled with its own.
    let with_old = match assembled(before, after)? {
        Ok(assembly) => Ok(assembly),
        Err(_) => assembled(before, before)?,
    };
    let Ok(with_old) = with_old else {
        return Ok(Code::Refused(vec!["it cannot be compiled for both to be compared".to_owned()]));
    };
    let with_old = without_version(without_minor(with_old, symbol), &before.httpd_version);
    let with_new = without_version(without_minor(with_new, symbol), &after.httpd_version);
    let differs = differing(&with_old, &with_new);
    Ok(if differs.is_empty() { Code::Same } else { Code::Differs(differs) })
}

fn in_one_line(message: compile::Message) -> String {
    match message.place {
        Some((file, line, _)) => format!("{}:{line}: {}", file_name(&file), message.text),
        None => message.text,
    }
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The module structure has the minor number of the headers, which httpd does not compare: the second of its words.
fn without_minor(mut assembly: Assembly, symbol: &str) -> Assembly {
    if let Some(lines) = assembly.get_mut(symbol) {
        let mut words = lines.iter_mut().filter(|line| {
            [".long", ".word", ".4byte", ".int"].iter().any(|directive| line.starts_with(directive))
        });
        if let Some(minor) = words.nth(1) {
            minor.clear();
        }
    }
    assembly
}

/// A text of the module that has httpd's version in it, as a banner does, is right of the httpd that it was made for.
fn without_version(mut assembly: Assembly, version: &str) -> Assembly {
    for line in assembly.values_mut().flatten().filter(|line| line.contains(version)) {
        *line = line.replace(version, "VERSION");
    }
    assembly
}

fn differing(old: &Assembly, new: &Assembly) -> BTreeSet<String> {
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let differ = names.into_iter().filter(|name| old.get(*name) != new.get(*name));
    differ.filter(|name| !name.is_empty()).cloned().collect()
}

/// Why code comes out otherwise, as far as the targets' differences tell.
fn causes(
    old: &Made,
    diff: &Diff,
    macros: &Macros,
    parts: &BTreeSet<String>,
) -> Result<Vec<String>, crate::Error> {
    let text = &old.graft.text;
    let content = fs_err::read(&old.object.debug_file).map_err(Error::from)?;
    // Without debug information (CFLAGS may say so) all types count as known to it.
    let known = layout::types_of_elf(&content).ok();
    let knows = |diff: &TypeDiff| known.as_ref().is_none_or(|known| known.types.contains_key(&diff.name));
    let words = with_macros(text, macros);
    let mut reasons = Vec::new();
    let used: Vec<&TypeDiff> = diff.changed_types.iter().filter(|diff| knows(diff)).collect();
    for diff in &used {
        reasons.extend(of_type(diff, text, &words));
    }
    for prototype in diff.prototypes.iter().filter(|prototype| words.contains(prototype.name.as_str())) {
        reasons.push(format!(
            "{} is declared otherwise: `{}`, and was `{}`",
            prototype.name, prototype.new, prototype.old
        ));
    }
    let counts = |name: &str| !name.starts_with("AP_SERVER_") && name != "MODULE_MAGIC_NUMBER_MINOR";
    let macros = diff.changed_macros.iter().filter(|change| counts(&change.name));
    for change in macros.filter(|change| words.contains(change.name.as_str())) {
        let short = [&change.old, &change.new].iter().all(|text| text.len() <= MACRO);
        reasons.push(if short {
            format!("{} stands for `{}`, and stood for `{}`", change.name, change.new, change.old)
        } else {
            format!("the macro {} of {} is written otherwise", change.name, change.header)
        });
    }
    let interface = old.graft.ready.target.interface();
    let inline = |name: &String| Some((name.clone(), interface.declared_in(name)?));
    let inline: BTreeMap<String, String> = parts.iter().filter_map(inline).collect();
    reasons.extend(
        inline.iter().map(|(name, header)| format!("the inline function {name} of {header} is another")),
    );
    let own: Vec<&str> =
        parts.iter().map(String::as_str).filter(|name| !inline.contains_key(*name)).collect();
    if reasons.is_empty() {
        let sizes = used.iter().filter_map(|diff| Some((&diff.name, diff.size.as_ref()?)));
        reasons
            .extend(sizes.map(|(name, size)| format!("{name} has {} bytes, and had {}", size.new, size.old)));
    }
    reasons.truncate(SHOWN);
    let more = own.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let named = format!("{}{more}", own.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", "));
    match (reasons.is_empty(), own.is_empty()) {
        (true, _) => reasons.push(format!("its code comes out otherwise, by a macro of a header: {named}")),
        (false, false) => reasons.push(format!("so its code comes out otherwise: {named}")),
        (false, true) => {}
    }
    Ok(reasons)
}

/// The words of a C file, and of the macros that they stand for.
fn with_macros<'a>(text: &'a str, macros: &'a Macros) -> BTreeSet<&'a str> {
    let mut words = BTreeSet::new();
    let mut next: Vec<&str> = lex::words(text).collect();
    while let Some(word) = next.pop() {
        if words.insert(word)
            && let Some(known) = macros.get(word)
        {
            next.extend(lex::words(&known.text));
        }
    }
    words
}

/// What of a changed type the C file names.
fn of_type(diff: &TypeDiff, text: &str, words: &BTreeSet<&str>) -> Vec<String> {
    let mut reasons = Vec::new();
    for member in &diff.members {
        // Of `list[].name` each part may be named.
        let name = member.name.rsplit(['.', ']']).next().unwrap_or(&member.name);
        if !accessed(text, name) {
            continue;
        }
        if let (Some(old), Some(new)) = (&member.old, &member.new) {
            reasons.push(match member.only_moved() {
                Some(_) => format!(
                    "{}: its member `{}` is at byte {}, and the module looks for it at {}",
                    diff.name, member.name, new.offset, old.offset
                ),
                None => format!("{}: {}", diff.name, member.line()),
            });
        } else if member.old.is_some() {
            reasons.push(format!("{}: its member `{}` is gone", diff.name, member.name));
        }
    }
    for constant in diff.constants.iter().filter(|constant| words.contains(constant.name.as_str())) {
        if let (Some(old), Some(new)) = (constant.old, constant.new) {
            reasons.push(format!(
                "{}: {} is {new}, and the module has {old} built in",
                diff.name, constant.name
            ));
        }
    }
    if let Some(stands_for) = &diff.stands_for
        && words.contains(diff.name.as_str())
    {
        reasons.push(format!("{} is `{}`, and was `{}`", diff.name, stands_for.new, stands_for.old));
    }
    reasons
}

/// Whether a text has `->NAME` or `.NAME`, as C accesses members.
fn accessed(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, _)| {
        let before = text[..at].trim_end();
        let after = text[at + name.len()..].chars().next();
        let whole = !after.is_some_and(lex::is_identifier_part);
        whole && (before.ends_with("->") || before.ends_with('.'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_accessed_by_their_whole_names() {
        let text = "a->pool; b . next_one; c->uris[0]; uri;";
        let found: Vec<bool> =
            ["pool", "next_one", "next", "uri", "uris"].map(|name| accessed(text, name)).to_vec();
        assert_eq!(found, [true, true, false, false, true]);
    }

    #[test]
    fn the_minor_number_does_not_count() {
        let of = |minor: &str| {
            let lines = [".long\t20120211", minor, ".long\t-1", ".quad\tx"];
            Assembly::from([("x_module".to_owned(), lines.map(str::to_owned).to_vec())])
        };
        let without = |minor| without_minor(of(minor), "x_module");
        assert!(differing(&without(".long\t3"), &without(".long\t141")).is_empty());
        assert_eq!(differing(&of(".long\t3"), &of(".long\t141")).len(), 1);
    }
}
