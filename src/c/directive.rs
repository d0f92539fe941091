//! Preprocessor lines, read: which one, and what it says.

use std::ops::Range;

use super::lex::{self, TokenKind};

/// A preprocessor line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Directive<'a> {
    /// `#include`, with its form.
    Include(Include<'a>),
    /// `#define`: where the name stands.
    Define {
        name: &'a str,
    },
    /// `#undef`.
    Undef {
        name: &'a str,
    },
    /// `#if`, `#ifdef`, `#ifndef`: as an expression that can stand behind `#if`.
    If(String),
    /// `#elif`.
    Elif(String),
    Else,
    Endif,
    Other,
}

/// What is included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Include<'a> {
    /// `"path"`.
    Quoted(&'a str),
    /// `<path>`.
    System(&'a str),
    /// A macro stands for the path.
    Computed,
}

impl<'a> Include<'a> {
    /// The path, where it is written.
    pub fn path(self) -> Option<&'a str> {
        match self {
            Include::Quoted(path) | Include::System(path) => Some(path),
            Include::Computed => None,
        }
    }
}

/// The includes of a text that is not split, in order, whatever the conditions or comments around them: most of a text is never
/// looked at for them.
pub(crate) fn includes(text: &str) -> impl Iterator<Item = Include<'_>> {
    memchr::memmem::find_iter(text.as_bytes(), b"include").filter_map(|at| {
        let start = text.get(..at)?.rfind('\n').map_or(0, |end| end + 1);
        let begins = text.get(start..at)?.trim_start().strip_prefix('#')?.trim().is_empty();
        let line = text.get(start..).filter(|_| begins)?.lines().next()?;
        match read(line, 0..line.len()) {
            Directive::Include(include) => Some(include),
            _ => None,
        }
    })
}

/// Reads the directive at `range` of `source` (a token of kind [`TokenKind::Directive`]).
pub(crate) fn read(source: &str, range: Range<usize>) -> Directive<'_> {
    let mut tokens = lex::tokens_of_directive(source, range.clone())
        .filter(|token| token.kind != TokenKind::Comment)
        .skip(1)
        .peekable();
    let Some(word) = tokens.next() else { return Directive::Other };
    let name = |token: Option<lex::Token>| {
        token.filter(|token| token.kind == TokenKind::Identifier).map_or("", |token| token.text(source))
    };
    match word.text(source) {
        "include" => Directive::Include(include(source.get(word.end..range.end).unwrap_or_default())),
        "define" => Directive::Define { name: name(tokens.next()) },
        "undef" => Directive::Undef { name: name(tokens.next()) },
        "ifdef" => Directive::If(format!("defined({})", name(tokens.next()))),
        "ifndef" => Directive::If(format!("!defined({})", name(tokens.next()))),
        "if" => Directive::If(expression(source, tokens)),
        "elif" => Directive::Elif(expression(source, tokens)),
        "else" => Directive::Else,
        "endif" => Directive::Endif,
        _ => Directive::Other,
    }
}

/// What stands behind the word of a directive in a line of a text that is not split: ` X 1` behind `define`.
pub(crate) fn behind<'l>(line: &'l str, word: &str) -> Option<&'l str> {
    line.trim_start().strip_prefix('#')?.trim_start().strip_prefix(word)
}

fn include(rest: &str) -> Include<'_> {
    let rest = rest.trim_start();
    let between = |open: char, close: char| rest.strip_prefix(open)?.split_once(close).map(|(path, _)| path);
    match (between('"', '"'), between('<', '>')) {
        (Some(path), _) => Include::Quoted(path),
        (None, Some(path)) => Include::System(path),
        (None, None) => Include::Computed,
    }
}

/// The tokens of a condition on one line, without comments; a blank where the source had one.
fn expression(source: &str, tokens: impl Iterator<Item = lex::Token>) -> String {
    let mut text = String::new();
    let mut last = None;
    for token in tokens {
        if last.is_some_and(|end| end != token.start) {
            text.push(' ');
        }
        text.push_str(token.text(source));
        last = Some(token.end);
    }
    text
}

/// The negation of an expression of [`read`].
pub(crate) fn negated(expression: &str) -> String {
    let simple = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_()".contains(&byte));
    match expression.strip_prefix('!') {
        Some(rest) if simple(rest) => rest.to_owned(),
        _ if simple(expression) => format!("!{expression}"),
        _ => format!("!({expression})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Directive<'_> {
        read(text, 0..text.len())
    }

    #[test]
    fn includes_are_found_without_reading_the_rest() {
        let text = "/* include \"no.h\" */\n#include \"a.h\"\n # include <b/c.h> /* x */\nint include;\n#define include 1\n\
                    #include_next \"no.h\"\n#include NAME\n#include";
        let found: Vec<_> = includes(text).collect();
        assert_eq!(
            found,
            [Include::Quoted("a.h"), Include::System("b/c.h"), Include::Computed, Include::Computed]
        );
    }

    #[test]
    fn conditions_become_expressions() {
        assert_eq!(of("#ifdef A /* b */"), Directive::If("defined(A)".into()));
        assert_eq!(of("# if A && \\\n  B"), Directive::If("A && B".into()));
        assert_eq!(negated("defined(A)"), "!defined(A)");
        assert_eq!(negated("!defined(A)"), "defined(A)");
        assert_eq!(negated("A && B"), "!(A && B)");
        assert_eq!(negated("!A || B"), "!(!A || B)");
    }

    #[test]
    fn includes_have_three_forms() {
        assert_eq!(of("#include \"a.h\""), Directive::Include(Include::Quoted("a.h")));
        assert_eq!(of("#include <sys/a.h> // x"), Directive::Include(Include::System("sys/a.h")));
        assert_eq!(of("#include FROM_CONFIG"), Directive::Include(Include::Computed));
        assert_eq!(of("#include \"a.h"), Directive::Include(Include::Computed));
        assert_eq!(of("#"), Directive::Other);
    }
}
