//! Whether code is compiled, as far as the target's headers and its own file tell.

use crate::c::directive::{self, Directive};
use crate::c::lex::{self, TokenKind};
use crate::c::{Declaration, DeclarationKind};
use crate::flatten::Interface;
use crate::flatten::conditions;
use crate::flatten::levels::Levels;
use crate::flatten::parts::Part;

/// Macros that are defined on conditions on each other deeper than this are not followed.
const DEPTH: usize = 4;

/// Whether what stands at `at` of a piece is compiled for certain.
pub(super) fn for_certain(part: &Part, piece: &Declaration, at: usize, offered: &dyn Interface) -> bool {
    let text = part.file.text();
    let around = File { part, offered, until: piece.code };
    let mut levels = Levels::default();
    for token in lex::tokens(text, piece.code..at).filter(|token| token.kind == TokenKind::Directive) {
        levels.meet(&directive::read(text, token.range()), |condition| around.holds(condition, DEPTH));
    }
    around.hold(&piece.conditions, DEPTH) && levels.all() == Some(true)
}

/// A file as it is read up to a place.
struct File<'a> {
    part: &'a Part,
    offered: &'a dyn Interface,
    until: usize,
}

impl File<'_> {
    fn hold(&self, conditions: &[String], depth: usize) -> bool {
        conditions.iter().all(|condition| self.holds(condition, depth) == Some(true))
    }

    /// Whether a condition is true; nothing where only the compiler knows.
    fn holds(&self, condition: &str, depth: usize) -> Option<bool> {
        let told = conditions::value(condition, self.offered).map(|value| value != 0);
        told.or_else(|| {
            let (name, wanted) = conditions::is_defined(condition)?;
            self.defines(name, depth.checked_sub(1)?).then_some(wanted)
        })
    }

    /// Whether the file itself defines a macro for certain, and never ends that.
    fn defines(&self, name: &str, depth: usize) -> bool {
        let file = &self.part.file;
        let is_before = |found: &Declaration| found.code < self.until;
        let mut defined = file.find(name).filter(|(_, found)| found.kind == DeclarationKind::Macro);
        let mut others = file.declarations().filter(|found| found.kind == DeclarationKind::Directive);
        defined.any(|(_, found)| is_before(found) && self.hold(&found.conditions, depth))
            && !others.any(|found| {
                let read = directive::read(file.text(), found.code..found.range.end);
                read == Directive::Undef { name }
            })
    }
}
