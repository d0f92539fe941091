//! Constants that something is added to. A sum has no type and no name of its own, so no compiler objects where the target has
//! less room behind the constant.

use std::ops::Range;

use super::Code;

/// `CONSTANT + OPERAND`, all ranges in bytes of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sum {
    /// The constant.
    pub constant: Range<usize>,
    /// What is added to it, where that is all that is done with it: the sum is an argument, what is assigned or returned, or a
    /// macro's whole body. Nothing where it is a part of something else.
    pub operand: Option<Range<usize>>,
}

impl Code<'_> {
    /// Every constant, by its name in capitals, that something is added to.
    pub fn sums(&self) -> Vec<Sum> {
        let constants = (0..self.tokens.len()).filter(|at| self.is_constant(*at) && !self.is_member(*at));
        let added = constants.filter(|at| {
            let before = at.checked_sub(1).is_some_and(|before| self.is(before, b'+'));
            before || self.is_plus(at + 1)
        });
        let sum = |at: usize| {
            let constant = self.tokens.get(at)?.range();
            Some(Sum { constant, operand: self.operand(at) })
        };
        added.filter_map(sum).collect()
    }

    fn is_constant(&self, at: usize) -> bool {
        let word = self.tokens.get(at).and_then(|token| self.word(token)).unwrap_or_default();
        word.starts_with(|first: char| first.is_ascii_uppercase())
            && !word.contains(|one: char| one.is_ascii_lowercase())
    }

    /// A `+` that is no part of `++` or `+=`.
    fn is_plus(&self, at: usize) -> bool {
        let joined = self.adjacent(at) && (self.is(at + 1, b'+') || self.is(at + 1, b'='));
        self.is(at, b'+') && !joined
    }

    /// What is added to the constant at `at`, where the sum is a whole expression.
    fn operand(&self, at: usize) -> Option<Range<usize>> {
        let directive = self.in_directive(at);
        let begins = at.checked_sub(1).is_none_or(|before| {
            let token = self.tokens.get(before);
            let returned = token.and_then(|token| self.word(token)) == Some("return");
            let is = |mark: &u8| self.is(before, *mark);
            // In front of a macro's body stands its name, or the list of its parameters.
            returned || [b'(', b',', b'='].iter().any(is) || (directive && self.ends_macro_head(before))
        });
        let first = self.tokens.get(at + 2).filter(|_| begins && self.is_plus(at + 1))?;
        let mut last = at + 1;
        let mut next = at + 2;
        while let Some(token) = self.tokens.get(next).filter(|_| self.in_directive(next) == directive) {
            if [b',', b')', b']', b'}', b';'].iter().any(|mark| token.is(*mark)) {
                break;
            }
            if [b'(', b'['].iter().any(|mark| token.is(*mark)) {
                next = self.closing(next)?;
            } else if self.is_arrow(next) {
                next += 1;
            } else if self.word(token).is_none()
                && [b'?', b':', b'<', b'>', b'=', b'!', b'&', b'|', b'^'].iter().any(|mark| token.is(*mark))
            {
                return None;
            }
            last = next;
            next += 1;
        }
        let last = self.tokens.get(last).filter(|last| last.start >= first.start)?;
        Some(first.start..last.end)
    }

    /// Whether the head of a `#define` ends with this token.
    fn ends_macro_head(&self, at: usize) -> bool {
        let name =
            if self.is(at, b')') { self.opening(at).and_then(|open| open.checked_sub(1)) } else { Some(at) };
        let before = name.and_then(|name| name.checked_sub(1)).and_then(|before| self.tokens.get(before));
        before.and_then(|token| self.word(token)) == Some("define")
    }
}
