//! What a function returns, what a macro stands for, what a module structure is initialised with.

use std::ops::Range;

use super::Code;
use crate::c::lex::{self, TokenKind};

impl<'t> Code<'t> {
    /// What each `return` of the function `name` gives; nothing where the function is not defined in this text.
    pub fn returned(&self, name: &str) -> Option<Vec<&'t str>> {
        let (_, body) = self.function(name)?;
        let end = body.end;
        let returns =
            body.filter(|at| self.tokens.get(*at).and_then(|token| self.word(token)) == Some("return"));
        let value = |at: usize| {
            let semicolon = (at..end).find(|at| self.is(*at, b';'))?;
            let (first, last) = (self.tokens.get(at + 1)?, self.tokens.get(semicolon.checked_sub(1)?)?);
            self.text.get(first.start..last.end.max(first.start))
        };
        Some(returns.map(|at| value(at).unwrap_or_default()).collect())
    }

    /// The tokens of a function that is defined in this text: that of its name, and those of its body, the last brace not
    /// counted.
    pub(super) fn function(&self, name: &str) -> Option<(usize, Range<usize>)> {
        let opens = |at: usize| {
            self.is(at, b'{') && self.tokens.get(at).is_some_and(|token| self.at_line_start(token))
        };
        let (at, body) = self.tokens.iter().enumerate().find_map(|(at, token)| {
            let close = (self.word(token) == Some(name)).then(|| self.closing(at + 1)).flatten()?;
            (self.is(at + 1, b'(') && opens(close + 1)).then_some((at, close + 1))
        })?;
        Some((at, body..self.closing(body)?))
    }

    /// What a macro stands for, wherever it is defined.
    pub fn macro_bodies(&self, name: &str) -> Vec<Range<usize>> {
        let mut bodies = Vec::new();
        for token in
            lex::tokens(self.text, 0..self.text.len()).filter(|token| token.kind == TokenKind::Directive)
        {
            let mut words = lex::tokens_of_directive(self.text, token.range())
                .filter(|word| word.kind != TokenKind::Comment)
                .skip(1);
            let defines = words.next().is_some_and(|word| word.text(self.text) == "define");
            let Some(named) = words.next().filter(|word| defines && word.text(self.text) == name) else {
                continue;
            };
            let mut words = words.peekable();
            if words.peek().is_some_and(|open| open.is(b'(') && open.start == named.end) {
                while words.next().is_some_and(|word| !word.is(b')')) {}
            }
            if let Some(first) = words.next() {
                let last = words.last().unwrap_or(first);
                bodies.push(first.start..last.end);
            }
        }
        bodies
    }

    /// The initialiser of a module structure: the first byte of the line where its definition begins, and its elements.
    /// Nothing where they are named (`.register_hooks = f`), and so in any order.
    pub fn initialiser(&self, symbol: &str) -> Option<(usize, Vec<Range<usize>>)> {
        let short = symbol.strip_suffix("_module").unwrap_or(symbol);
        let open = (1..self.tokens.len()).find(|at| {
            let before = |back: usize| at.checked_sub(back).and_then(|at| self.tokens.get(at));
            let named = before(2).and_then(|token| self.word(token)) == Some(symbol);
            let declared = self.is(at.wrapping_sub(2), b')')
                && before(3).and_then(|token| self.word(token)) == Some(short)
                && before(5).and_then(|token| self.word(token)) == Some("AP_DECLARE_MODULE");
            self.is(*at, b'{') && self.is(at.wrapping_sub(1), b'=') && (named || declared)
        })?;
        let mut first = open;
        while let Some(before) = first.checked_sub(1) {
            let token = self.tokens.get(before)?;
            if token.is(b';') || token.is(b'}') || self.in_directive(before) {
                break;
            }
            first = before;
        }
        let elements = self.arguments(open, self.closing(open)?);
        let named = elements.iter().any(|element| self.text(element).starts_with(['.', '[']));
        Some((self.tokens.get(first)?.start, elements)).filter(|_| !named)
    }
}
