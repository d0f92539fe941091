//! Calls and their arguments.

use std::ops::Range;

use super::{Call, Code};
use crate::c::lex::TokenKind;

impl Code<'_> {
    /// The call of the function whose name stands at `offset`.
    pub fn call_at(&self, offset: usize) -> Option<Call> {
        let at = self.index(offset)?;
        self.word(self.tokens.get(at)?)?;
        let open = at + 1;
        if !self.is(open, b'(') {
            return None;
        }
        let close = self.closing(open)?;
        let range = self.tokens.get(at)?.start..self.tokens.get(close)?.end;
        Some(Call { range, arguments: self.arguments(open, close) })
    }

    /// The call that the expression at `offset` is, or, where an assignment's sign stands there, that is assigned: what is
    /// called, as it is written, and the call.
    pub fn call_from(&self, offset: usize) -> Option<(Range<usize>, Call)> {
        let at = self.index(offset)?;
        let first = if self.is(at, b'=') { at + 1 } else { at };
        self.word(self.tokens.get(first)?)?;
        let mut last = first;
        loop {
            if self.is(last + 1, b'.') {
                last += 2;
            } else if self.is_arrow(last + 1) {
                last += 3;
            } else if self.is(last + 1, b'[') {
                last = self.closing(last + 1)?;
            } else {
                break;
            }
        }
        let open = Some(last + 1).filter(|open| self.is(*open, b'('))?;
        let close = self.closing(open)?;
        let start = self.tokens.get(first)?.start;
        let callee = start..self.tokens.get(last)?.end;
        Some((
            callee,
            Call { range: start..self.tokens.get(close)?.end, arguments: self.arguments(open, close) },
        ))
    }

    /// The innermost call that has an argument at `offset`: the name of what is called, and which argument it is, from 1.
    pub fn argument_at(&self, offset: usize) -> Option<(Range<usize>, usize)> {
        let at = self.index(offset)?;
        (1..=at).rev().filter(|open| self.is(*open, b'(')).find_map(|open| {
            let close = self.closing(open).filter(|close| open < at && at <= *close)?;
            let name = self.tokens.get(open - 1).filter(|token| self.word(token).is_some())?;
            let arguments = self.arguments(open, close);
            let number = arguments.iter().position(|argument| argument.contains(&offset))?;
            Some((name.range(), number + 1))
        })
    }

    /// The sign behind the name at `offset`, where it is one that is initialised there: `*NAME = …`, `NAME[] = …`.
    pub fn initialised_at(&self, offset: usize) -> Option<usize> {
        let at = self.index(offset)?;
        self.word(self.tokens.get(at)?)?;
        let behind = if self.is(at + 1, b'[') { self.closing(at + 1)? + 1 } else { at + 1 };
        self.tokens.get(behind).filter(|_| self.is(behind, b'=')).map(|token| token.start)
    }

    /// The calls of the function `name`, in order.
    pub fn calls(&self, name: &str) -> Vec<Call> {
        self.uses(name).into_iter().filter_map(|range| self.call_at(range.start)).collect()
    }

    /// Whether what looks like a call is the head of the function's definition.
    pub fn is_head(&self, call: &Call) -> bool {
        self.is(self.tokens.partition_point(|token| token.start < call.range.end), b'{')
    }

    pub(super) fn arguments(&self, open: usize, close: usize) -> Vec<Range<usize>> {
        let mut all = Vec::new();
        let mut depth = 0usize;
        let mut start = open + 1;
        for at in open + 1..=close {
            let ends = at == close || depth == 0 && self.is(at, b',');
            if ends {
                if let (Some(first), Some(last)) = (self.tokens.get(start), at.checked_sub(1))
                    && start < at
                    && let Some(last) = self.tokens.get(last)
                {
                    all.push(first.start..last.end);
                }
                start = at + 1;
                continue;
            }
            match self.tokens.get(at).map(|token| token.kind) {
                Some(TokenKind::Punctuator(b'(' | b'[' | b'{')) => depth += 1,
                Some(TokenKind::Punctuator(b')' | b']' | b'}')) => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        all
    }
}
