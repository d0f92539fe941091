//! The statement around an expression.

use std::ops::Range;

use super::{Code, is_keyword};
use crate::c::lex::TokenKind;

impl Code<'_> {
    /// The expression statement around `range`, with its semicolon; nothing where the expression is part of something else
    /// (a condition, a declaration, an argument, a macro's whole body), or a preprocessor line stands in the statement.
    pub fn statement(&self, range: &Range<usize>) -> Option<Range<usize>> {
        self.statement_around(range, false)
    }

    /// As [`Code::statement`], where the expression may be an argument of a call.
    pub fn enclosing_statement(&self, range: &Range<usize>) -> Option<Range<usize>> {
        self.statement_around(range, true)
    }

    fn statement_around(&self, range: &Range<usize>, inside: bool) -> Option<Range<usize>> {
        let first = self.index(range.start)?;
        let directive = self.in_directive(first);
        let ends =
            |at: &usize| self.is(*at, b';') || self.is(*at, b'{') || self.in_directive(*at) != directive;
        let end = (first..self.tokens.len()).find(ends)?;
        let semicolon =
            self.tokens.get(end).filter(|token| token.is(b';') && self.in_directive(end) == directive)?;
        let mut start = first;
        while let Some(mut before) = start.checked_sub(1) {
            // The statement begins behind a preprocessor line, where what stands in front of the line lets one begin.
            let crossed = !directive && self.in_directive(before);
            if crossed {
                let Some(code) = (0..before).rev().find(|at| !self.in_directive(*at)) else { break };
                before = code;
            }
            let token = self.tokens.get(before)?;
            match token.kind {
                TokenKind::Punctuator(b';' | b'{' | b'}' | b':') => break,
                TokenKind::Identifier if matches!(self.word(token), Some("else" | "do")) => break,
                TokenKind::Punctuator(b')' | b']') => {
                    let open = self.opening(before)?;
                    // `if (…)` in front of the statement is not of it.
                    let head = open.checked_sub(1).and_then(|at| self.word(self.tokens.get(at)?));
                    if matches!(head, Some("if" | "while" | "for" | "switch")) {
                        break;
                    }
                    if crossed {
                        return None;
                    }
                    start = open;
                    continue;
                }
                _ if crossed => return None,
                // The brackets around the expression close behind it: it is part of something.
                TokenKind::Punctuator(b'(') if inside => {
                    let called = before.checked_sub(1).and_then(|at| self.word(self.tokens.get(at)?))?;
                    if is_keyword(called) {
                        return None;
                    }
                }
                TokenKind::Punctuator(b'(' | b'[') => return None,
                // What a macro stands for is not told from its name here.
                TokenKind::Punctuator(b'#') => return None,
                TokenKind::Identifier if self.word(token) == Some("return") => return None,
                _ => {}
            }
            start = before;
        }
        let start = self.tokens.get(start).map(|token| token.start)?;
        // `TYPE name = EXPRESSION;` declares: without it the name is gone.
        let from = self.index(start)?;
        let (one, two) = (self.tokens.get(from), self.tokens.get(from + 1));
        let declares = one.is_some_and(|one| one.kind == TokenKind::Identifier)
            && two.is_some_and(|two| two.kind == TokenKind::Identifier);
        (!declares).then_some(start..semicolon.end)
    }
}
