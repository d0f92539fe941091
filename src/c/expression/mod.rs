//! Expressions around a place, read from the tokens alone: the object of a member access, what is done with the member, a
//! call's arguments, and the statement around them.
//!
//! No grammar is needed for these, and none could read them where httpd's macros stand around them: brackets decide.

mod call;
mod definition;
mod effects;
mod elements;
mod member;
mod pointer;
mod scope;
mod statement;
mod sum;
#[cfg(test)]
mod tests;

use std::ops::Range;

pub use elements::Elements;
pub use sum::Sum;

use super::lex::{self, Token, TokenKind};

/// Tokens of a text without its comments. Preprocessor lines are taken apart as well, so that a macro's body reads as code.
#[derive(Debug)]
pub struct Code<'t> {
    text: &'t str,
    tokens: Vec<Token>,
    /// The preprocessor lines that are among the tokens, each with those it is continued on.
    directives: Vec<Range<usize>>,
}

/// What is done with a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Its value is used.
    Read,
    /// It is assigned, incremented, or its address is taken, by which it could be.
    Written,
}

/// `OBJECT->MEMBER`, all ranges in bytes of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberAccess {
    /// The whole: from the object's first byte to the member's last.
    pub range: Range<usize>,
    /// What stands in front of the operator.
    pub object: Range<usize>,
    /// Whether the operator is `->`, and not `.`.
    pub arrow: bool,
    /// The member's name.
    pub member: Range<usize>,
    /// What is done with it.
    pub access: Access,
}

/// `NAME(ARGUMENTS)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// From the name to the closing parenthesis.
    pub range: Range<usize>,
    /// Each argument without the blanks around it.
    pub arguments: Vec<Range<usize>>,
}

impl<'t> Code<'t> {
    /// Reads a text.
    pub fn new(text: &'t str) -> Self {
        let mut tokens = Vec::new();
        let mut directives = Vec::new();
        for token in lex::tokens(text, 0..text.len()) {
            match token.kind {
                TokenKind::Comment => {}
                TokenKind::Directive => {
                    directives.push(token.range());
                    tokens.extend(
                        lex::tokens_of_directive(text, token.range())
                            .filter(|one| one.kind != TokenKind::Comment),
                    );
                }
                _ => tokens.push(token),
            }
        }
        Code { text, tokens, directives }
    }

    /// The words of a range.
    pub fn text(&self, range: &Range<usize>) -> &'t str {
        self.text.get(range.clone()).unwrap_or_default()
    }

    /// Every place of an identifier that is no member, in order.
    pub fn uses(&self, name: &str) -> Vec<Range<usize>> {
        let named = self.tokens.iter().enumerate().filter(|(_, token)| self.word(token) == Some(name));
        named.filter(|(at, _)| !self.is_member(*at)).map(|(_, token)| token.range()).collect()
    }

    /// The tokens that are members of this name, in order.
    fn members(&self, name: &str) -> Vec<usize> {
        let named = self.tokens.iter().enumerate().filter(|(_, token)| self.word(token) == Some(name));
        named.map(|(at, _)| at).filter(|at| self.is_member(*at)).collect()
    }

    /// Every identifier, each once, members left out.
    pub fn identifiers(&self) -> std::collections::BTreeSet<&'t str> {
        let all = self.tokens.iter().enumerate().filter(|(at, _)| !self.is_member(*at));
        all.filter_map(|(_, token)| self.word(token)).collect()
    }

    fn word(&self, token: &Token) -> Option<&'t str> {
        (token.kind == TokenKind::Identifier).then(|| self.text.get(token.range())).flatten()
    }

    fn index(&self, offset: usize) -> Option<usize> {
        let at = self.tokens.partition_point(|token| token.end <= offset);
        self.tokens.get(at).filter(|token| token.start <= offset).map(|_| at)
    }

    fn is(&self, at: usize, punctuator: u8) -> bool {
        self.tokens.get(at).is_some_and(|token| token.is(punctuator))
    }

    fn adjacent(&self, at: usize) -> bool {
        matches!((self.tokens.get(at), self.tokens.get(at + 1)), (Some(one), Some(two)) if one.end == two.start)
    }

    fn is_arrow(&self, at: usize) -> bool {
        self.is(at, b'-') && self.is(at + 1, b'>') && self.adjacent(at)
    }

    fn is_operator(&self, at: usize) -> bool {
        self.is_arrow(at) || self.is(at, b'.')
    }

    /// The operator that the name at `at` stands behind.
    fn operator_before(&self, at: usize) -> Option<usize> {
        let before = at.checked_sub(1)?;
        if self.is(before, b'.') {
            return Some(before);
        }
        let arrow = before.checked_sub(1)?;
        self.is_arrow(arrow).then_some(arrow)
    }

    fn is_member(&self, at: usize) -> bool {
        self.operator_before(at).is_some()
    }

    fn in_directive(&self, at: usize) -> bool {
        let Some(token) = self.tokens.get(at) else { return false };
        let next = self.directives.partition_point(|directive| directive.end <= token.start);
        self.directives.get(next).is_some_and(|directive| directive.start <= token.start)
    }

    fn at_line_start(&self, token: &Token) -> bool {
        token.start == 0 || self.text.as_bytes().get(token.start - 1) == Some(&b'\n')
    }

    fn closing(&self, open: usize) -> Option<usize> {
        let mut depth = 0usize;
        for (at, token) in self.tokens.iter().enumerate().skip(open) {
            match token.kind {
                TokenKind::Punctuator(b'(' | b'[' | b'{') => depth += 1,
                TokenKind::Punctuator(b')' | b']' | b'}') => {
                    depth = depth.checked_sub(1)?;
                    if depth == 0 {
                        return Some(at);
                    }
                }
                _ => {}
            }
        }
        None
    }

    fn opening(&self, close: usize) -> Option<usize> {
        let mut depth = 0usize;
        for at in (0..=close).rev() {
            match self.tokens.get(at)?.kind {
                TokenKind::Punctuator(b')' | b']' | b'}') => depth += 1,
                TokenKind::Punctuator(b'(' | b'[' | b'{') => {
                    depth = depth.checked_sub(1)?;
                    if depth == 0 {
                        return Some(at);
                    }
                }
                _ => {}
            }
        }
        None
    }
}

/// Words in front of a parenthesis that call nothing.
fn is_keyword(word: &str) -> bool {
    matches!(word, "return" | "if" | "while" | "for" | "switch" | "case" | "else" | "do" | "sizeof")
}
