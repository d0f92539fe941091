//! Whether a module asks that an optional function is there before it calls it.

use crate::c::lex::{self, Token, TokenKind};
use crate::c::{DeclarationKind, macros};
use crate::flatten::parts::{Parts, Site};

/// Whether what is retrieved at `at` of a piece goes into a variable that each piece of the unit tests before it calls it, and
/// none fails for want of it. A variable that nobody calls may be called by others.
pub(super) fn before_each_call(parts: &Parts, sites: &[Site], site: Site, at: usize) -> bool {
    let Some(variable) = assigned(parts, site, at) else { return false };
    let mut called = false;
    for other in sites {
        let Some(part) = parts.get(other.part) else { continue };
        if !part.file.code(other.piece).contains(variable) {
            continue;
        }
        let tokens = tokens(parts, *other);
        let words = Words { text: part.file.text(), tokens: &tokens };
        let mut tested = false;
        let is_macro =
            part.file.outline(other.piece).is_some_and(|piece| piece.kind == DeclarationKind::Macro);
        for at in (0..tokens.len()).filter(|at| words.is_variable(*at, variable)) {
            if words.is_called(at) {
                called = true;
                if !tested {
                    return false;
                }
            }
            // Where a macro stands for the variable, that may be called wherever the macro is.
            if is_macro && !words.is_called(at) && !words.is_tested(at) {
                return false;
            }
            tested |= words.is_tested(at);
            if words.fails_without(at) {
                return false;
            }
        }
    }
    called
}

fn tokens(parts: &Parts, site: Site) -> Vec<Token> {
    let Some((part, found)) =
        parts.get(site.part).and_then(|part| Some((part, part.file.declaration(site.piece)?)))
    else {
        return Vec::new();
    };
    let (text, code) = (part.file.text(), found.code..found.range.end);
    let tokens = match found.kind {
        DeclarationKind::Macro => lex::tokens_of_directive(text, code),
        _ => lex::tokens(text, code),
    };
    tokens.filter(|token| !matches!(token.kind, TokenKind::Comment | TokenKind::Directive)).collect()
}

/// The variable of `VARIABLE = WHAT_STANDS_AT(…)`.
fn assigned(parts: &Parts, site: Site, at: usize) -> Option<&str> {
    let text: &str = parts.get(site.part)?.file.text();
    let tokens = tokens(parts, site);
    let words = Words { text, tokens: &tokens };
    let place = tokens.iter().position(|token| token.start == at)?;
    let name = place.checked_sub(2).filter(|name| words.is(name + 1, b'='))?;
    let variable = tokens.get(name)?;
    let variable = (variable.kind == TokenKind::Identifier).then(|| text.get(variable.range()))??;
    words.is_variable(name, variable).then_some(variable)
}

struct Words<'a> {
    text: &'a str,
    tokens: &'a [Token],
}

impl Words<'_> {
    fn is(&self, at: usize, sign: u8) -> bool {
        self.tokens.get(at).is_some_and(|token| token.is(sign))
    }

    fn word(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| token.text(self.text))
    }

    /// Whether the name at `at` is that variable, and no member of that name.
    fn is_variable(&self, at: usize, name: &str) -> bool {
        let before = |sign| at.checked_sub(1).is_some_and(|before| self.is(before, sign));
        self.word(at) == name && !before(b'.') && !before(b'>')
    }

    /// `NAME(…)` or `(*NAME)(…)`.
    fn is_called(&self, at: usize) -> bool {
        let dereferenced =
            at.checked_sub(2).is_some_and(|open| self.is(open, b'(') && self.is(open + 1, b'*'));
        self.is(at + 1, b'(') || dereferenced && self.is(at + 1, b')') && self.is(at + 2, b'(')
    }

    /// Whether `if (… !NAME …)` ends the start or a request with a failure: `return !OK`, `return HTTP_…`, `return APR_E…`.
    fn fails_without(&self, at: usize) -> bool {
        if !at.checked_sub(1).is_some_and(|before| self.is(before, b'!')) {
            return false;
        }
        let Some(open) = (0..at).rev().find(|at| self.word(*at) == "if").map(|word| word + 1) else {
            return false;
        };
        let Some(close) = macros::matching(self.tokens, open).filter(|close| *close > at) else {
            return false;
        };
        let mut depth = 0usize;
        let end = (close + 1..self.tokens.len()).find(|at| {
            depth += usize::from(self.is(*at, b'{'));
            depth = depth.saturating_sub(usize::from(self.is(*at, b'}')));
            depth == 0 && (self.is(*at, b'}') || self.is(*at, b';'))
        });
        (close..end.unwrap_or(close)).filter(|at| self.word(*at) == "return").any(|word| {
            let value = self.word(word + 1);
            value.starts_with("HTTP_")
                || value.starts_with("APR_E")
                || self.is(word + 1, b'!') && self.word(word + 2) == "OK"
        })
    }

    /// Whether the value itself is what decides: `if (NAME)`, `!NAME`, `NAME &&`, `NAME ?`, `NAME != NULL`.
    fn is_tested(&self, at: usize) -> bool {
        let pair =
            |first: u8| self.is(at + 1, first) && self.is(at + 2, if first == b'!' { b'=' } else { first });
        if [b'&', b'|', b'=', b'!'].into_iter().any(pair) || self.is(at + 1, b'?') {
            return true;
        }
        let Some(before) = at.checked_sub(1) else { return false };
        let negated = self.is(before, b'!');
        // `f(NAME)` hands it on.
        let asked = before.checked_sub(1).is_some_and(|at| matches!(self.word(at), "if" | "while"));
        let joined = self.is(before, b'&') || self.is(before, b'|');
        let alone = self.is(at + 1, b')') && (self.is(before, b'(') && asked || joined);
        negated || alone
    }
}
