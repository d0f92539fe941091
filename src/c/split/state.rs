//! What is known while one declaration is followed to its end.

use std::ops::Range;

use super::{Shape, Splitter};
use crate::c::directive::{self, Directive};
use crate::c::lex::{Token, TokenKind};
use crate::c::macros;

/// How a scan of code ended.
pub(super) enum Scan {
    /// Behind token `next - 1`.
    Ended { next: usize, shape: Shape, skipped: Vec<Range<usize>> },
    /// At an `#else`, `#elif` or `#endif` whose `#if` stands before the code.
    Crossed { at: usize, skipped: Vec<Range<usize>> },
    /// The count never came back to file scope.
    RanOff { skipped: Vec<Range<usize>> },
}

/// What a scan of one declaration has seen.
pub(super) struct State {
    braces: usize,
    parentheses: usize,
    /// Significant tokens so far.
    pub seen: usize,
    pub last_end: usize,
    /// `struct`, `union` or `enum` was the last specifier: a brace opens a type's body.
    aggregate: bool,
    after_attribute: bool,
    assigned: bool,
    called: bool,
    /// The first brace at file scope opened a function's body here.
    body: Option<usize>,
    /// Index in tokens seen of the end of the first parenthesis group.
    first_group_end: Option<usize>,
    unfinished_call: bool,
    pub follows: bool,
    /// One entry for an `#if` inside: whether its surroundings are followed, and whether a branch of it was.
    inner: Vec<(bool, bool)>,
    pub skipped: Vec<Range<usize>>,
}

impl State {
    pub fn new() -> Self {
        State {
            braces: 0,
            parentheses: 0,
            seen: 0,
            last_end: 0,
            aggregate: false,
            after_attribute: false,
            assigned: false,
            called: false,
            body: None,
            first_group_end: None,
            unfinished_call: false,
            follows: true,
            inner: Vec::new(),
            skipped: Vec::new(),
        }
    }

    pub fn ended(self, next: usize, shape: Shape) -> Scan {
        Scan::Ended { next, shape, skipped: self.skipped }
    }

    pub fn skip(&mut self, token: Token) {
        match self.skipped.last_mut() {
            Some(last) => last.end = token.end,
            None => self.skipped.push(token.range()),
        }
    }

    /// False where the directive ends a group that was opened before.
    pub fn directive(&mut self, source: &str, token: Token) -> bool {
        match directive::read(source, token.range()) {
            Directive::If(condition) => {
                let taken = self.follows && condition != "0";
                self.inner.push((self.follows, taken));
                self.follows = taken;
            }
            Directive::Elif(_) | Directive::Else => {
                let Some((outside, taken)) = self.inner.last_mut() else { return false };
                self.follows = *outside && !*taken;
                *taken |= self.follows;
            }
            Directive::Endif => {
                let Some((outside, _)) = self.inner.pop() else { return false };
                self.follows = outside;
            }
            _ => {}
        }
        self.skipped.push(token.range());
        true
    }

    /// Whether all that was seen is one complete call of a macro: `NAME(…)`.
    pub fn is_macro_call(&self, splitter: &Splitter<'_>, first: usize) -> bool {
        if self.first_group_end != Some(self.seen) || self.braces > 0 || !self.inner.is_empty() {
            return false;
        }
        let name = splitter.tokens.get(first).map_or("", |token| token.text(splitter.source));
        macros::is_upper(name) && !macros::wraps(name) && !macros::decorates_with_arguments(name)
    }

    /// Takes a token; the shape, where it is the declaration's last.
    pub fn step(&mut self, splitter: &Splitter<'_>, token: Token) -> Option<Shape> {
        let source = splitter.source;
        let file_scope = self.braces == 0;
        let column_0 = token.start == 0 || source.as_bytes().get(token.start - 1) == Some(&b'\n');
        match token.kind {
            TokenKind::Identifier if file_scope && self.parentheses == 0 => {
                let text = token.text(source);
                self.aggregate |= matches!(text, "struct" | "union" | "enum");
                self.after_attribute = macros::decorates_with_arguments(text);
                return None;
            }
            TokenKind::Punctuator(b'(' | b'[') => {
                if file_scope && self.parentheses == 0 && !self.after_attribute && token.is(b'(') {
                    self.aggregate = false;
                    self.called = true;
                    self.unfinished_call |= self.seen == 1;
                }
                self.parentheses += 1;
            }
            TokenKind::Punctuator(b')' | b']') => {
                self.parentheses = self.parentheses.saturating_sub(1);
                if file_scope && self.parentheses == 0 && self.unfinished_call {
                    self.unfinished_call = false;
                    self.first_group_end = Some(self.seen + 1);
                }
            }
            TokenKind::Punctuator(b'=' | b'*' | b',') if file_scope && self.parentheses == 0 => {
                self.assigned |= token.is(b'=');
                self.aggregate = false;
            }
            TokenKind::Punctuator(b'{') => {
                if file_scope {
                    // A parenthesis that is open here was lost in a branch that is not followed.
                    if column_0 {
                        self.parentheses = 0;
                    }
                    if !self.aggregate && !self.assigned && self.parentheses == 0 && self.body.is_none() {
                        self.body = Some(token.start);
                    }
                    self.aggregate = false;
                }
                self.braces += 1;
            }
            TokenKind::Punctuator(b'}') => {
                if file_scope {
                    return Some(Shape::Partial);
                }
                self.braces -= 1;
                if splitter.resynchronise && column_0 && self.body.is_some() && lone(source, token.end) {
                    self.braces = 0;
                }
                if self.braces == 0 {
                    self.parentheses = 0;
                    if let Some(body) = self.body {
                        return Some(if self.called { Shape::Function { body } } else { Shape::Partial });
                    }
                }
            }
            TokenKind::Punctuator(b';') if file_scope && self.parentheses == 0 => return Some(Shape::Code),
            _ => {}
        }
        self.after_attribute = false;
        None
    }
}

/// Whether nothing but blanks and a comment stand between `end` and the end of its line.
fn lone(source: &str, end: usize) -> bool {
    let rest = source.get(end..).unwrap_or_default().trim_start_matches([' ', '\t', '\r']);
    rest.is_empty() || rest.starts_with('\n') || rest.starts_with("/*") || rest.starts_with("//")
}
