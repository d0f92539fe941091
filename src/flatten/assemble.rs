//! Puts the unit together: the header comment, the module's own files with their includes, and what they reach.

mod builder;
mod log_module;
mod own;
mod readings;
mod untaken;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use builder::Builder;
use log_module::LogModule;
use own::OwnFiles;
use readings::Readings;

use super::headers::Added;
use super::inline::{self, Step};
use super::names::Renames;
use super::parts::{Part, PartKind, Parts, Site};
use super::reach::Reached;
use super::record::{self, Fate, Outcome};
use super::status::Status;
use super::unit::{Origin, TranslationUnit, Unresolved};
use super::{Error, Interface, ModuleId, edit, headers};
use crate::c::DeclarationKind;
use crate::c::lex::harmless;
use crate::changeset::{Action, Changeset};

/// Makes the unit.
pub(super) fn unit(
    changeset: &Changeset,
    module: &ModuleId,
    parts: Parts,
    reached: Reached,
    renames: Renames,
    published: Vec<Arc<str>>,
    offered: &dyn Interface,
) -> Result<TranslationUnit, Error> {
    let readings = Readings::of(&parts, offered)?;
    let added = headers::needed(&parts, &reached, offered);
    let inlined = Inlined { parts: &parts, reached: &reached, renames: &renames, added: &added };
    let mut builder = Builder::default();
    builder.generated("header", &header(changeset, module, &parts, &reached));
    let log_module = LogModule::of(&parts, module);
    let mut own = OwnFiles::new(&parts, &reached, &renames, &readings, offered, log_module, &added);
    own.emit(&mut builder, &mut |builder| inlined.emit(builder))?;
    let mut record = own.record;
    record.extend(record_of_shared(&parts, &reached, &renames));
    record.extend(record_of_names(&parts, &reached));
    let mut warnings = reached.warnings.clone();
    if !is_new(changeset, &parts) {
        warnings.extend(untaken::warnings(&record));
    }
    let mut sources = BTreeMap::new();
    for (_, part) in parts.iter() {
        sources.insert(part.path.clone(), part.file.text().clone());
    }
    let unresolved = reached.unresolved.iter().filter_map(|(name, site)| {
        let part = parts.get(site.part)?;
        let user = part.file.declaration(site.piece)?.names.first().cloned()?;
        Some(Unresolved { name: name.clone(), used_by: user, file: part.path.to_string() })
    });
    let (pieces, prologue) = builder.finish();
    Ok(TranslationUnit {
        module: module.name.clone(),
        symbol: module.symbol.clone(),
        pieces,
        prologue,
        record,
        unresolved: unresolved.collect(),
        warnings: warnings.into_iter().collect(),
        awaited: reached.awaited,
        published,
        sources,
    })
}

/// Whether the patches bring the module. What else they change is then how it was built into httpd; else it is a part of what
/// they do to the module.
fn is_new(changeset: &Changeset, parts: &Parts) -> bool {
    let mut added = changeset.files.iter().filter(|file| file.action == Action::Added);
    added.any(|file| parts.own().any(|(_, part)| part.kind == PartKind::Module && *part.path == *file.path))
}

/// What stands at the top: where the file comes from, and that it is made.
fn header(changeset: &Changeset, module: &ModuleId, parts: &Parts, reached: &Reached) -> String {
    let mut patches: Vec<&str> = Vec::new();
    for hunk in changeset.files.iter().filter(|file| !file.class.is_stripped()).flat_map(|file| &file.hunks) {
        if !patches.contains(&hunk.patch.as_str()) {
            patches.push(&hunk.patch);
        }
    }
    let mut text = format!(
        "/*\n * {}.c, made by modgraft. Do not edit: change the patch, and make it again.\n",
        harmless(&module.name)
    );
    let mut list = |title: &str, items: &[String]| {
        if !items.is_empty() {
            text.push_str(&format!(" *\n * {title}:\n"));
            for item in items {
                text.push_str(&format!(" *   {}\n", harmless(item).trim_end()));
            }
        }
    };
    list("Patches", &patches.iter().map(|patch| (*patch).to_owned()).collect::<Vec<_>>());
    list("The module's own files", &parts.own().map(|(_, part)| part.path.to_string()).collect::<Vec<_>>());
    let from: BTreeSet<usize> = reached.picked.keys().map(|site| site.part).collect();
    let mut from_others: Vec<String> = Vec::new();
    for part in from.into_iter().filter_map(|at| Some((at, parts.get(at)?))) {
        let (at, part) = part;
        from_others.push(format!("{}:", part.path));
        let names = reached.picked.keys().filter(|site| site.part == at);
        let names = names.filter_map(|site| part.file.declaration(site.piece)?.names.first().cloned());
        let names: BTreeSet<String> = names.collect();
        from_others.extend(names.into_iter().map(|name| format!("  {name}")));
    }
    list("Taken from other files", &from_others);
    text.push_str(" */\n\n");
    text
}

/// The part of the unit that comes from shared files.
struct Inlined<'a> {
    parts: &'a Parts,
    reached: &'a Reached,
    renames: &'a Renames,
    added: &'a [Added],
}

impl Inlined<'_> {
    fn emit(&self, builder: &mut Builder) {
        for Added { written, reason } in self.added {
            builder.generated("include", &format!("#include {written} /* {} */\n", harmless(reason)));
        }
        builder.mark_prologue();
        if self.reached.picked.is_empty() {
            return;
        }
        let mut from = None;
        let mut conditions: Vec<String> = Vec::new();
        for step in inline::ordered(self.parts, self.reached) {
            let site = step.site();
            let Some(part) = self.parts.get(site.part) else { continue };
            let Some(declaration) = part.file.declaration(site.piece) else { continue };
            if conditions != declaration.conditions {
                close(builder, &mut conditions);
            }
            if from != Some(site.part) {
                builder.blank_line();
                builder.generated(
                    "origin",
                    &format!("/* From {}, as the target does not have it */\n", harmless(&part.path)),
                );
                from = Some(site.part);
            }
            builder.blank_line();
            if conditions.is_empty() && !declaration.conditions.is_empty() {
                conditions.clone_from(&declaration.conditions);
                for condition in &conditions {
                    builder.generated("condition", &format!("#if {condition}\n"));
                }
            }
            let upstream = |line| Origin::Upstream { file: part.path.clone(), line };
            match step {
                Step::Declaration(_) => {
                    let make_static = self.reached.picked.get(&site).is_some_and(|pick| pick.make_static);
                    let text = edit::piece(self.parts, site, self.renames, make_static);
                    builder.push(text, upstream(declaration.line));
                }
                Step::Prototype(_) => {
                    if let Some(text) = edit::prototype(self.parts, site, self.renames) {
                        builder.push(text, upstream(declaration.code_line));
                    }
                }
            }
        }
        close(builder, &mut conditions);
        self.undefine(builder);
        builder.blank_line();
    }

    /// Macros of a shared source that mean something else to the module.
    fn undefine(&self, builder: &mut Builder) {
        let mentioned: HashSet<&str> = self.parts.own().flat_map(|(_, part)| identifiers(part)).collect();
        for site in self.reached.picked.keys() {
            let Some(part) = self.parts.get(site.part).filter(|part| part.kind.is_foreign_source()) else {
                continue;
            };
            let Some(declaration) = part.file.declaration(site.piece) else { continue };
            for name in declaration.names.iter().filter(|_| declaration.kind == DeclarationKind::Macro) {
                let name = self.renames.of(site.part, name).unwrap_or(name);
                if mentioned.contains(name) {
                    builder.generated("undef", &format!("#undef {name}\n"));
                }
            }
        }
    }
}

fn close(builder: &mut Builder, conditions: &mut Vec<String>) {
    for _ in conditions.drain(..) {
        builder.generated("condition", "#endif\n");
    }
}

/// All identifiers in a file, whatever they stand for.
fn identifiers(part: &Part) -> HashSet<&str> {
    let text = part.file.text();
    let all = part.file.declarations().flat_map(|declaration| &declaration.identifiers);
    all.filter_map(|used| text.get(used.range.clone())).collect()
}

/// The fates of what the patches did to shared files, and of what was taken from them.
fn record_of_shared(parts: &Parts, reached: &Reached, renames: &Renames) -> Vec<Fate> {
    let mut record = Vec::new();
    for (at, part) in parts.iter().filter(|(_, part)| !part.own) {
        if part.kind == PartKind::PrivateHeader {
            record.push(Fate {
                name: part.path.to_string(),
                kind: DeclarationKind::Include,
                file: part.path.to_string(),
                line: 1,
                outcome: Outcome::Dropped,
                reason: "no source of the module includes it, or the target has a header of that name and provides what \
                         it promises"
                    .to_owned(),
                renamed: Vec::new(),
                evidence: part.evidence,
            });
            continue;
        }
        let mut inside_since = None;
        for piece in part.solid() {
            let site = Site { part: at, piece };
            // The statements of a body that only a hunk shows are one thing to the reader.
            if part.hunks.inside.contains(&piece) {
                if part.is_changed(piece) && inside_since.replace(piece).is_none_or(|last| last + 2 < piece) {
                    record.push(inside(part, piece));
                }
                continue;
            }
            let picked = reached.picked.contains_key(&site);
            if !picked && (!part.is_changed(piece) || part.seen(piece).status == Status::Unchanged) {
                continue;
            }
            let structure =
                [DeclarationKind::Condition, DeclarationKind::Directive, DeclarationKind::ExternC];
            if part.file.outline(piece).is_none_or(|outline| structure.contains(&outline.kind)) {
                continue;
            }
            let (outcome, reason) = reached.outcome(parts, site);
            if let Some(mut fate) = record::fate(parts, site, outcome, reason) {
                fate.renamed = if picked { edit::renames_in(parts, site, renames) } else { Vec::new() };
                record.push(fate);
            }
        }
    }
    record
}

/// The fates of the names that are left to rules, and of functions that differ without harm, each at its first use.
fn record_of_names(parts: &Parts, reached: &Reached) -> Vec<Fate> {
    let fate = |name: &String, user: Site, outcome: Outcome, reason: String| {
        let part = parts.get(user.part)?;
        let span = part.span_of(user.piece, name);
        Some(Fate {
            name: name.clone(),
            kind: DeclarationKind::Prototype,
            file: part.path.to_string(),
            line: part.file.line(span.offset()),
            outcome,
            reason,
            renamed: Vec::new(),
            evidence: part.evidence,
        })
    };
    let provided = reached.provided.iter().filter_map(|(name, (rule, user))| {
        let reason = format!("the rule {rule} provides it, or rewrites its uses");
        fate(name, *user, Outcome::Provided, reason)
    });
    let noted = reached.noted.iter();
    let noted = noted.filter_map(|(name, (why, user))| fate(name, *user, Outcome::Noted, why.clone()));
    provided.chain(noted).collect()
}

/// The fate of a change whose surroundings are not shown.
fn inside(part: &Part, piece: usize) -> Fate {
    Fate {
        name: String::new(),
        kind: DeclarationKind::Partial,
        file: part.path.to_string(),
        line: part.file.line(part.file.code_range(piece).start),
        outcome: Outcome::Untaken,
        reason: "the patch changes it, and the hunk does not show whose inside it is: nothing that the module reaches is \
                 known to be"
            .to_owned(),
        renamed: Vec::new(),
        evidence: part.evidence,
    }
}

fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}
