//! Cuts a file into the pieces that stand at file scope, without a grammar.
//!
//! A grammar loses the rest of the file at the first `#if` that stands inside an initialiser or a signature (measured:
//! 377 of 4,965 functions); counting braces along the first branch of each `#if` loses next to none. The pieces together
//! cover every byte.

mod state;

use std::ops::Range;
use std::sync::Arc;

use super::directive::{self, Directive};
use super::lex::{self, Token, TokenKind};
use super::macros;
use state::{Scan, State};

/// What a piece is, as far as braces and keywords tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Blank space and comments that belong to nothing.
    Blank,
    Include,
    Define,
    Condition,
    Directive,
    /// `extern "C" {` or its end.
    ExternC,
    /// A head and a body; `body` is the offset of the opening brace.
    Function {
        body: usize,
    },
    /// A macro call that no semicolon ends.
    MacroCall,
    /// Anything else that a semicolon ends.
    Code,
    /// Not seen whole: the text ends before it does, or it begins before the text does.
    Partial,
}

/// A piece of a file.
#[derive(Debug, Clone)]
pub(crate) struct Chunk {
    /// With the comment that belongs to it and the end of its last line.
    pub range: Range<usize>,
    /// Where it begins behind that comment.
    pub code: usize,
    pub shape: Shape,
    /// The conditions around it, outermost first.
    pub conditions: Arc<[Arc<str>]>,
    /// Preprocessor lines in it, and the branches that the brace count did not follow.
    pub skipped: Vec<Range<usize>>,
}

/// How often one piece may grow backwards over an `#if`; bounds the work on hostile input.
const COLLAPSE_LIMIT: usize = 8;
/// A group with more finished code than this is not swallowed by an unfinished piece at its end.
const COLLAPSE_SIZE: usize = 4;

/// More conditions around one piece than C++ asks of a compiler (256 levels), and the length that they may have together. Each
/// piece knows all of its own, so this bounds the memory that hostile input takes; what stands deeper is not cut.
const CONDITION_LIMIT: usize = 256;
const CONDITION_LENGTH_LIMIT: usize = 16 << 10;

/// Cuts `source[range]`, which is taken to begin at file scope.
pub(crate) fn split(source: &str, range: Range<usize>) -> Vec<Chunk> {
    let mut splitter = Splitter {
        source,
        tokens: lex::tokens(source, range.clone()).collect(),
        end: range.end,
        chunks: Vec::new(),
        covered: range.start,
        groups: Vec::new(),
        conditions: Arc::from([]),
        comment: None,
        resynchronise: false,
        extern_c: 0,
    };
    splitter.run();
    splitter.cover(range.end);
    splitter.chunks
}

/// An `#if` at file scope that is still open.
struct Group {
    /// Index of its token and of its chunk.
    token: usize,
    chunk: usize,
    /// The negations of the branches before this one.
    negated: Vec<String>,
    current: String,
    /// What holds in this branch: all of these together.
    holds: Arc<str>,
}

impl Group {
    fn new(token: usize, chunk: usize, condition: String) -> Self {
        Group { token, chunk, negated: Vec::new(), holds: Arc::from(condition.as_str()), current: condition }
    }

    /// Whether this branch is compiled by nobody.
    fn is_dead(&self) -> bool {
        self.negated.is_empty() && self.current.trim() == "0"
    }

    /// Goes on to the next branch; without a condition, the last.
    fn branch(&mut self, condition: String) {
        self.negated.push(grouped(&directive::negated(&self.current)));
        self.current = condition;
        let own = (!self.current.is_empty()).then(|| grouped(&self.current));
        let all: Vec<&str> = self.negated.iter().chain(&own).map(String::as_str).collect();
        self.holds = Arc::from(all.join(" && "));
    }
}

struct Splitter<'a> {
    source: &'a str,
    tokens: Vec<Token>,
    end: usize,
    chunks: Vec<Chunk>,
    /// All before it is in `chunks`.
    covered: usize,
    groups: Vec<Group>,
    conditions: Arc<[Arc<str>]>,
    /// A run of comments without a blank line in it.
    comment: Option<Range<usize>>,
    /// Whether a `}` in column 0 ends a function whatever the count says; on once the count ran off the end.
    resynchronise: bool,
    extern_c: usize,
}

impl Splitter<'_> {
    fn run(&mut self) {
        let mut at = 0;
        while let Some(token) = self.tokens.get(at).copied() {
            at = match token.kind {
                TokenKind::Comment => self.note_comment(at, token),
                TokenKind::Directive => self.directive(at, token),
                _ => self.extern_c(at, token).unwrap_or_else(|| self.code(at)),
            };
        }
    }

    fn note_comment(&mut self, at: usize, token: Token) -> usize {
        let joined = self.comment.take().filter(|run| !self.blank_line(run.end, token.start));
        let licence =
            joined.as_ref().is_some_and(|run| self.chunks.is_empty() && self.is_licence(run.clone()));
        let start = joined.filter(|_| !licence).map_or(token.start, |run| run.start);
        self.comment = Some(start..token.end);
        at + 1
    }

    fn is_licence(&self, range: Range<usize>) -> bool {
        let text = self.source.get(range).unwrap_or_default();
        ["icense", "ICENSE", "icence", "opyright", "SPDX"].iter().any(|word| text.contains(word))
    }

    fn blank_line(&self, from: usize, to: usize) -> bool {
        let between = self.source.get(from..to).unwrap_or_default();
        between.bytes().filter(|byte| *byte == b'\n').count() > 1
    }

    /// The comment that belongs to code at `start`, taken.
    fn comment_for(&mut self, start: usize) -> usize {
        let first = self.chunks.iter().all(|chunk| chunk.shape == Shape::Blank);
        match self.comment.take() {
            Some(run) if !(self.blank_line(run.end, start) || first && self.is_licence(run.clone())) => {
                run.start
            }
            _ => start,
        }
    }

    fn cover(&mut self, to: usize) {
        if self.covered < to {
            self.chunks.push(Chunk {
                range: self.covered..to,
                code: to,
                shape: Shape::Blank,
                conditions: self.conditions.clone(),
                skipped: Vec::new(),
            });
            self.covered = to;
        }
    }

    /// Adds the piece from `start` to behind token `last`, and says where to go on.
    fn push(
        &mut self,
        start: usize,
        code: usize,
        last: usize,
        shape: Shape,
        skipped: Vec<Range<usize>>,
    ) -> usize {
        let mut end = self.tokens.get(last).map_or(self.end, |token| token.end);
        let mut next = last + 1;
        // What stands behind it on the same line is about it.
        while let Some(token) = self.tokens.get(next).filter(|token| token.kind == TokenKind::Comment) {
            if self.source.get(end..token.start).unwrap_or_default().contains('\n') {
                break;
            }
            end = token.end;
            next += 1;
        }
        let rest = self.source.get(end..self.end).unwrap_or_default();
        let blank = rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\x0c']).len();
        match rest.as_bytes().get(blank) {
            Some(b'\n') => end += blank + 1,
            None => end = self.end,
            Some(_) => {}
        }
        self.cover(start);
        self.chunks.push(Chunk {
            range: self.covered..end.max(self.covered),
            code,
            shape,
            conditions: self.conditions.clone(),
            skipped,
        });
        self.covered = end.max(self.covered);
        self.comment = None;
        next
    }

    fn set_conditions(&mut self) {
        self.conditions = self.groups.iter().map(|group| group.holds.clone()).collect();
    }

    /// Whether more conditions hold here than are followed.
    fn is_too_deep(&self) -> bool {
        let count: usize = self.groups.iter().map(|group| group.negated.len() + 1).sum();
        let length: usize = self.groups.iter().map(|group| group.holds.len()).sum();
        count > CONDITION_LIMIT || length > CONDITION_LENGTH_LIMIT
    }

    fn directive(&mut self, at: usize, token: Token) -> usize {
        let read = directive::read(self.source, token.range());
        let shape = match &read {
            Directive::Include(_) => Shape::Include,
            Directive::Define { .. } => Shape::Define,
            Directive::Undef { .. } | Directive::Other => Shape::Directive,
            _ => Shape::Condition,
        };
        let start = self.comment_for(token.start);
        self.cover(start);
        // The end of a group stands outside it, as its beginning does.
        let mut reopened = None;
        if matches!(read, Directive::Elif(_) | Directive::Else | Directive::Endif) {
            reopened = self.groups.pop();
            self.set_conditions();
        }
        let chunk = self.chunks.len();
        let next = self.push(start, token.start, at, shape, Vec::new());
        match (read, reopened) {
            (Directive::If(current), _) => {
                self.groups.push(Group::new(at, chunk, current));
            }
            (Directive::Elif(current), Some(mut group)) => {
                group.branch(current);
                self.groups.push(group);
            }
            (Directive::Else, Some(mut group)) => {
                group.branch(String::new());
                self.groups.push(group);
            }
            _ => {}
        }
        self.set_conditions();
        if self.is_too_deep() { self.give_up(next) } else { next }
    }

    /// Takes all that is left for one piece, in which nothing is looked at.
    fn give_up(&mut self, at: usize) -> usize {
        let Some(token) = self.tokens.get(at) else { return at };
        let rest = token.start..self.end;
        self.push(rest.start, rest.start, self.tokens.len(), Shape::Partial, vec![rest])
    }

    fn extern_c(&mut self, at: usize, token: Token) -> Option<usize> {
        let text = |at: usize| self.tokens.get(at).map_or("", |token| token.text(self.source));
        let last = if token.is(b'}') && self.extern_c > 0 {
            self.extern_c -= 1;
            at
        } else if text(at) == "extern" && text(at + 1).starts_with('"') && text(at + 2) == "{" {
            self.extern_c += 1;
            at + 2
        } else {
            return None;
        };
        let start = self.comment_for(token.start);
        Some(self.push(start, token.start, last, Shape::ExternC, Vec::new()))
    }

    fn code(&mut self, first: usize) -> usize {
        let mut first = first;
        let mut code = self.tokens.get(first).map_or(self.end, |token| token.start);
        let mut start = self.comment_for(code);
        for _ in 0..COLLAPSE_LIMIT {
            match self.scan(first) {
                Scan::Ended { next, shape, skipped } => {
                    return self.push(start, code, next.saturating_sub(1), shape, skipped);
                }
                Scan::RanOff { .. } if !self.resynchronise => self.resynchronise = true,
                Scan::RanOff { skipped } => {
                    return self.push(start, code, self.tokens.len(), Shape::Partial, skipped);
                }
                // What is no C, under a condition that never holds, is not the beginning of anything: `=pod` of a script.
                Scan::Crossed { at, skipped } if self.groups.last().is_some_and(Group::is_dead) => {
                    return self.push(start, code, at.saturating_sub(1), Shape::Blank, skipped);
                }
                Scan::Crossed { at, skipped } => {
                    let grown = self.groups.last().is_some_and(|group| {
                        let inside = self.chunks.get(group.chunk..).unwrap_or_default().iter();
                        let finished =
                            |chunk: &&Chunk| matches!(chunk.shape, Shape::Function { .. } | Shape::Code);
                        inside.filter(finished).count() <= COLLAPSE_SIZE
                    });
                    if !grown {
                        return self.push(start, code, at.saturating_sub(1), Shape::Partial, skipped);
                    }
                    // The piece began inside the group, and ends outside it: it begins at the `#if`.
                    if let Some(group) = self.groups.pop() {
                        first = group.token;
                        if let Some(chunk) = self.chunks.get(group.chunk) {
                            (start, code) = (chunk.range.start, chunk.code);
                        }
                        self.chunks.truncate(group.chunk);
                        self.covered = self.chunks.last().map_or(start, |chunk| chunk.range.end);
                        self.set_conditions();
                    }
                }
            }
        }
        let Some(last) = self.tokens.len().checked_sub(1) else { return first + 1 };
        self.push(start, code, last, Shape::Partial, Vec::new())
    }

    /// Follows code from token `first` to the end of the declaration.
    fn scan(&self, first: usize) -> Scan {
        let mut state = State::new();
        let mut at = first;
        while let Some(token) = self.tokens.get(at).copied() {
            match token.kind {
                TokenKind::Comment => {}
                TokenKind::Directive => {
                    if state.is_macro_call(self, first) {
                        return state.ended(at, Shape::MacroCall);
                    }
                    if !state.directive(self.source, token) {
                        return Scan::Crossed { at, skipped: state.skipped };
                    }
                }
                _ if !state.follows => state.skip(token),
                _ => {
                    if state.is_macro_call(self, first) && self.begins_another(at, state.last_end) {
                        return state.ended(at, Shape::MacroCall);
                    }
                    if let Some(shape) = state.step(self, token) {
                        let empty =
                            self.tokens.get(at + 1).filter(|next| next.is(b';')).is_some_and(|next| {
                                !self.source.get(token.end..next.start).unwrap_or_default().contains('\n')
                            });
                        let closes = matches!(shape, Shape::Function { .. }) && empty;
                        return state.ended(at + 1 + usize::from(closes), shape);
                    }
                    state.seen += 1;
                    state.last_end = token.end;
                }
            }
            at += 1;
        }
        if state.is_macro_call(self, first) {
            return state.ended(at, Shape::MacroCall);
        }
        Scan::RanOff { skipped: state.skipped }
    }

    /// Whether the token at `at`, behind a complete macro call that ends at `end`, belongs to another declaration.
    fn begins_another(&self, at: usize, end: usize) -> bool {
        let Some(token) = self.tokens.get(at).copied() else { return true };
        let column_0 = token.start == 0 || self.source.as_bytes().get(token.start - 1) == Some(&b'\n');
        let text = token.text(self.source);
        if matches!(text, "static" | "typedef" | "extern") {
            return true;
        }
        if token.kind != TokenKind::Identifier || !column_0 {
            return false;
        }
        let next = self.tokens.get(at + 1).copied();
        let calls = next.is_some_and(|next| next.is(b'('));
        self.blank_line(end, token.start)
            || macros::is_upper(text)
            || !calls && next.is_some_and(|next| next.kind == TokenKind::Identifier || next.is(b'*'))
    }
}

/// In parentheses where `&&` around it would tear it apart.
fn grouped(expression: &str) -> String {
    let mut depth = 0i32;
    let torn = expression.bytes().any(|byte| {
        depth += i32::from(byte == b'(') - i32::from(byte == b')');
        depth == 0 && matches!(byte, b'|' | b'?')
    });
    if torn { format!("({expression})") } else { expression.to_owned() }
}

#[cfg(test)]
mod tests;
