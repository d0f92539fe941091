//! Conditions that upstream's build answers and the target's did not: what stands under them is left out without a word of the
//! compiler's.

use std::collections::{BTreeMap, BTreeSet};

use super::parts::{Part, PartKind, Parts};
use super::reach::Reached;
use super::unit::Warning;
use super::{Interface, closure, names};
use crate::c::directive::{self, Directive};
use crate::c::lex::{self, TokenKind};
use crate::c::{Declaration, DeclarationKind};
use crate::changeset::{Action, Changeset, Class, FileText};

/// Where a configure writes its answers.
const ANSWERS: &[&str] = &["ap_config_auto.h", "apr.h"];

/// Warns of `HAVE_…` in what is copied from upstream where the target has no answer: neither defined nor undefined. The
/// module's own sources may be built by other means than httpd's configure, so that these are warned of only where the patches
/// themselves define a name, in a file that is no part of a module.
pub(super) fn conditions(
    changeset: &Changeset,
    parts: &Parts,
    reached: &mut Reached,
    offered: &dyn Interface,
) {
    let answers: Vec<_> = ANSWERS.iter().filter_map(|header| offered.read_header(header)).collect();
    if answers.len() < ANSWERS.len() {
        return;
    }
    let answered = |name: &str| {
        answers.iter().any(|text| closure::mentions(text, name)) || offered.declared_in(name).is_some()
    };
    let stripped = defined_elsewhere(changeset);
    // One place of each name will do.
    let mut warnings: BTreeMap<String, String> = BTreeMap::new();
    for site in names::in_unit(parts, reached) {
        let Some(part) = parts.get(site.part) else { continue };
        let Some(found) = part.file.declaration(site.piece) else { continue };
        let is_copied =
            reached.picked.contains_key(&site) || part.kind == PartKind::BaseHeader || part.grafted;
        for name in asked(part, found) {
            let known = stripped.get(name);
            let is_unasked = known.is_some() || is_copied && name.starts_with("HAVE_");
            if !is_unasked || answered(name) || defines(parts, name) {
                continue;
            }
            let user = found.names.first().map_or("a declaration", String::as_str);
            let (why, way_out) = match known {
                Some(file) => (
                    format!("the patch defines it in {file}, which is no part of a module"),
                    format!(
                        "to have it, put `defines = [\"{name}\"]` into the recipe, with a value that fits the target"
                    ),
                ),
                None => (
                    "the target's configure never asked for it".to_owned(),
                    format!("where the system has it, put `defines = [\"{name}\"]` into the recipe"),
                ),
            };
            let text = format!(
                "`{name}` decides in {user} of {} what is compiled, and {why}, so that what needs it is left out: {way_out}",
                part.path
            );
            warnings.entry(name.to_owned()).or_insert(text);
        }
    }
    reached.warnings.extend(warnings.into_iter().map(|(about, text)| Warning { about, text }));
}

/// The macros that the patches define in files of httpd's build, each with its file.
fn defined_elsewhere(changeset: &Changeset) -> BTreeMap<&str, &str> {
    let of_build = |class: Class| matches!(class, Class::BuildSystem | Class::Other);
    let files = changeset.files.iter().filter(|file| of_build(file.class) && file.action != Action::Deleted);
    let mut all = BTreeMap::new();
    for file in files {
        let lines: Vec<&str> = match &file.text {
            FileText::Whole { before, after } => {
                let old: BTreeSet<&str> = before.iter().flat_map(|text| text.lines()).collect();
                after.lines().filter(|line| !old.contains(line)).collect()
            }
            FileText::Fragments(fragments) => {
                let lines = fragments.iter().flat_map(|fragment| &fragment.lines);
                lines.filter(|line| line.added).map(|line| line.text.as_str()).collect()
            }
        };
        for name in lines.into_iter().filter_map(defined_by) {
            all.entry(name).or_insert(file.path.as_str());
        }
    }
    all
}

/// The macro that a line of a header or of a configure script defines, or has a place for.
fn defined_by(line: &str) -> Option<&str> {
    let line = line.trim_start();
    if line.starts_with('#') {
        return match directive::read(line, 0..line.len()) {
            Directive::Define { name } | Directive::Undef { name } if !name.is_empty() => Some(name),
            _ => None,
        };
    }
    let (_, rest) = line.split_once("AC_DEFINE(").or_else(|| line.split_once("AC_DEFINE_UNQUOTED("))?;
    let rest = rest.trim_start_matches(['[', ' ']);
    let end = rest.find(|letter| !lex::is_identifier_part(letter)).unwrap_or(rest.len());
    rest.get(..end).filter(|name| !name.is_empty())
}

/// The names in the conditions around a declaration and in it.
fn asked<'a>(part: &'a Part, found: &'a Declaration) -> Vec<&'a str> {
    let text = part.file.text();
    let inside = found.identifiers.iter().filter(|used| used.tested);
    let inside = inside.filter_map(|used| text.get(used.range.clone()));
    let around = found.conditions.iter().flat_map(|condition| {
        let tokens = lex::tokens(condition, 0..condition.len());
        tokens
            .filter(|token| token.kind == TokenKind::Identifier)
            .map(|token| token.text(condition))
            .collect::<Vec<_>>()
    });
    inside.chain(around).collect()
}

/// Whether a file in play answers it itself.
fn defines(parts: &Parts, name: &str) -> bool {
    parts.iter().any(|(_, part)| {
        part.file.find_outline(name).any(|(_, outline)| outline.kind == DeclarationKind::Macro)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_defines_a_macro() {
        for (line, name) in [
            ("#define DEFAULT_EXP_X \"@exp_x@\"", Some("DEFAULT_EXP_X")),
            ("# undef HAVE_X", Some("HAVE_X")),
            ("#define X", Some("X")),
            ("  AC_DEFINE([HAVE_X], 1,", Some("HAVE_X")),
            ("if test; then AC_DEFINE_UNQUOTED(X_SIZE,$size); fi", Some("X_SIZE")),
            ("#ifdef X", None),
            ("#defined X", None),
            ("# define", None),
            ("AC_DEFINE(", None),
            ("print \"#define X\"", None),
        ] {
            assert_eq!(defined_by(line), name, "{line}");
        }
    }
}
