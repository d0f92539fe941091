//! Conditions that upstream's configure answers and the target's did not: what stands under them is left out of the copy without
//! a word of the compiler's.

use std::collections::BTreeMap;

use super::parts::{Part, PartKind, Parts};
use super::reach::Reached;
use super::unit::Warning;
use super::{Interface, closure};
use crate::c::lex::{self, TokenKind};
use crate::c::{Declaration, DeclarationKind};

/// Where a configure writes its answers.
const ANSWERS: &[&str] = &["ap_config_auto.h", "apr.h"];

/// Warns of `HAVE_…` in what is copied from upstream where the target has no answer: neither defined nor undefined. The
/// module's own sources may be built by other means than httpd's configure.
pub(super) fn conditions(parts: &Parts, reached: &mut Reached, offered: &dyn Interface) {
    let answers: Vec<_> = ANSWERS.iter().filter_map(|header| offered.read_header(header)).collect();
    if answers.len() < ANSWERS.len() {
        return;
    }
    let answered = |name: &str| {
        answers.iter().any(|text| closure::mentions(text, name)) || offered.declared_in(name).is_some()
    };
    let copied: Vec<(&Part, usize)> = {
        let pulled = reached.picked.keys().filter_map(|site| Some((parts.get(site.part)?, site.piece)));
        let whole = parts.own().filter(|(_, part)| part.kind == PartKind::BaseHeader || part.grafted);
        pulled.chain(whole.flat_map(|(_, part)| part.solid().map(move |piece| (part, piece)))).collect()
    };
    // One place of each name will do.
    let mut warnings: BTreeMap<String, String> = BTreeMap::new();
    for (part, piece) in copied {
        let Some(found) = part.file.declaration(piece) else { continue };
        for name in asked(part, found) {
            if answered(name) || defines(parts, name) {
                continue;
            }
            let user = found.names.first().map_or("a declaration", String::as_str);
            let text = format!(
                "`{name}` decides in {user} of {} what is compiled, and the target's configure never asked for it, so that what \
                 needs it is left out: where the system has it, put `defines = [\"{name}\"]` into the recipe",
                part.path
            );
            warnings.entry(name.to_owned()).or_insert(text);
        }
    }
    reached.warnings.extend(warnings.into_iter().map(|(about, text)| Warning { about, text }));
}

/// The names of that form in the conditions around a declaration and in it.
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
    inside.chain(around).filter(|name| name.starts_with("HAVE_")).collect()
}

/// Whether a file in play answers it itself.
fn defines(parts: &Parts, name: &str) -> bool {
    parts.iter().any(|(_, part)| {
        part.file.find_outline(name).any(|(_, outline)| outline.kind == DeclarationKind::Macro)
    })
}
