//! Member accesses: what the member is of, and what is done with it.

use std::ops::Range;

use super::{Access, Code, MemberAccess, is_keyword};
use crate::c::lex::TokenKind;

impl Code<'_> {
    /// The access whose operator or member stands at byte `offset`.
    pub fn member_at(&self, offset: usize) -> Option<MemberAccess> {
        let at = self.index(offset)?;
        // `->` is two tokens.
        let operator = if self.is_operator(at) { at } else { self.operator_before(at)? };
        let arrow = self.tokens.get(operator)?.is(b'-');
        let member = operator + if arrow { 2 } else { 1 };
        let name = self.tokens.get(member).filter(|token| token.kind == TokenKind::Identifier)?;
        let start = self.postfix_start(operator)?;
        let object = self.tokens.get(start)?.start..self.tokens.get(operator.checked_sub(1)?)?.end;
        Some(MemberAccess {
            range: object.start..name.end,
            object,
            arrow,
            member: name.range(),
            access: self.access(start, member),
        })
    }

    /// The object of an object: of `a->b` the `a`. Parentheses around it are looked through.
    pub fn object_of(&self, range: &Range<usize>) -> Option<MemberAccess> {
        let mut first = self.index(range.start)?;
        let mut last = self.tokens.iter().rposition(|token| token.end <= range.end)?;
        while self.is(first, b'(') && self.closing(first) == Some(last) {
            first += 1;
            last = last.checked_sub(1)?;
        }
        self.member_at(self.tokens.get(last)?.start)
    }

    /// The value that is assigned where a member is written by `=`: what stands between the sign and the statement's end.
    pub fn assigned(&self, access: &MemberAccess) -> Option<Range<usize>> {
        let at = self.index(access.member.start)? + 1;
        if !self.is(at, b'=') || self.is(at + 1, b'=') {
            return None;
        }
        let statement = self.statement(&access.range)?;
        let last = self.tokens.iter().rposition(|token| token.end < statement.end)?;
        Some(self.tokens.get(at + 1)?.start..self.tokens.get(last)?.end)
    }

    /// The first token of the postfix expression that ends in front of the operator at `operator`.
    fn postfix_start(&self, operator: usize) -> Option<usize> {
        let mut at = operator.checked_sub(1)?;
        loop {
            let token = self.tokens.get(at)?;
            match token.kind {
                TokenKind::Punctuator(b')' | b']') => {
                    at = self.opening(at)?;
                    // `f(x)` and `a[i]` go on in front of the bracket, `(x)` begins there.
                    let before = at.checked_sub(1).and_then(|before| self.tokens.get(before));
                    let goes_on = before.is_some_and(|before| match before.kind {
                        TokenKind::Identifier => !is_keyword(before.text(self.text)),
                        TokenKind::Punctuator(b']') => true,
                        TokenKind::Punctuator(b')') => self.is(at, b'['),
                        _ => false,
                    });
                    if !goes_on {
                        return Some(at);
                    }
                    at -= 1;
                }
                TokenKind::Identifier => match self.operator_before(at) {
                    Some(operator) => at = operator.checked_sub(1)?,
                    None => return Some(at),
                },
                TokenKind::Literal => return Some(at),
                _ => return None,
            }
        }
    }

    /// What is done with the member at `member` of the postfix expression that starts at `start`.
    fn access(&self, start: usize, member: usize) -> Access {
        let (mut first, mut next) = (start, member + 1);
        // A part of the member is the member: `a->b.c`. What it points at is not, and `a->b[1]` mostly is that.
        loop {
            if self.is(next, b'.') {
                next += 2;
            } else if self.is(next, b')') && first.checked_sub(1).is_some_and(|before| self.is(before, b'('))
            {
                // `(a->b) = c`; an argument list has a name in front.
                let called = first.checked_sub(2).and_then(|before| self.word(self.tokens.get(before)?));
                if called.is_some() {
                    break;
                }
                first -= 1;
                next += 1;
            } else {
                break;
            }
        }
        let mark = |at: usize| {
            self.tokens.get(at).and_then(|token| match token.kind {
                TokenKind::Punctuator(mark) => Some(mark),
                _ => None,
            })
        };
        let assigned = match (mark(next), mark(next + 1)) {
            (Some(b'='), after) => !(after == Some(b'=') && self.adjacent(next)),
            (Some(b'+'), Some(b'+')) | (Some(b'-'), Some(b'-')) => self.adjacent(next),
            (Some(b'+' | b'-' | b'*' | b'/' | b'%' | b'&' | b'|' | b'^'), Some(b'=')) => self.adjacent(next),
            (Some(b'<'), Some(b'<')) | (Some(b'>'), Some(b'>')) => mark(next + 2) == Some(b'='),
            _ => false,
        };
        let before = first.checked_sub(1);
        let stepped = before.is_some_and(|at| {
            let doubled =
                |sign: u8| self.is(at, sign) && at.checked_sub(1).is_some_and(|one| self.is(one, sign));
            doubled(b'+') || doubled(b'-')
        });
        let address = before.is_some_and(|at| self.is(at, b'&') && !self.is_operand(at.wrapping_sub(1)));
        if assigned || stepped || address { Access::Written } else { Access::Read }
    }

    /// Whether the token at `at` ends an operand, so that `&` behind it is the binary operator (or half of `&&`).
    fn is_operand(&self, at: usize) -> bool {
        self.tokens.get(at).is_some_and(|token| match token.kind {
            TokenKind::Identifier => token.text(self.text) != "return",
            TokenKind::Number | TokenKind::Literal => true,
            TokenKind::Punctuator(b')') => !self.may_be_cast(at),
            TokenKind::Punctuator(mark) => matches!(mark, b']' | b'&'),
            _ => false,
        })
    }

    /// Whether the parenthesis that closes at `close` may be a cast. `(a) & b->c` reads like one where `a` is no type: that it
    /// is written is the answer that harms nobody.
    fn may_be_cast(&self, close: usize) -> bool {
        let Some(open) = self.opening(close) else { return true };
        let called = open.checked_sub(1).and_then(|before| self.word(self.tokens.get(before)?));
        if called.is_some_and(|name| !is_keyword(name)) {
            return false;
        }
        // No expression has a `*` that nothing follows.
        let pointer = (open..close).any(|at| self.is(at, b'*') && self.is(at + 1, b')'));
        pointer || self.tokens[open + 1..close].iter().all(|token| token.kind == TokenKind::Identifier)
    }
}
