//! What a declaration says to those who are compiled with it, in one form: comments, names of parameters and `const` aside.

use std::ops::Range;

use crate::c::lex::{self, Token, TokenKind};
use crate::c::{Declaration, DeclarationKind, File, Linkage, macros};
use crate::flatten::Interface;
use crate::flatten::codes;
use crate::flatten::prototypes::{self, Prototype};

/// How deep macros stand for macros here: one for the size of an array, another for what that is made of.
const DEPTH: usize = 4;

/// What one declaration says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    Function(Prototype),
    /// A structure or union: all of its inside.
    Members {
        words: Vec<String>,
        names: Vec<String>,
    },
    /// An enumeration: each constant, with its value where one is written.
    Constants(Vec<String>),
    /// Anything else.
    Words(Vec<String>),
}

/// What a header says of `name`, each with its piece; nothing where it only announces it.
pub(super) fn all(file: &File, name: &str, offered: &dyn Interface) -> Vec<(usize, Said)> {
    let found = file.find(name);
    found
        .filter_map(|(piece, declaration)| Some((piece, said(file, piece, declaration, name, offered)?)))
        .collect()
}

/// The bytes of `name` in a piece; its beginning where the piece makes the name from others.
pub(super) fn place(file: &File, piece: usize, name: &str) -> Range<usize> {
    let range = file.code_range(piece);
    let mut tokens = lex::tokens(file.text(), range.clone());
    let named = tokens.find(|token| token.text(file.text()) == name);
    named.map_or(range.start..range.start, Token::range)
}

fn said(
    file: &File,
    piece: usize,
    declaration: &Declaration,
    name: &str,
    offered: &dyn Interface,
) -> Option<Said> {
    if declaration.is_dead() || declaration.linkage == Linkage::Internal {
        return None;
    }
    let text: &str = file.text();
    let range = file.code_range(piece);
    match declaration.kind {
        DeclarationKind::Prototype if !declaration.macro_call => {
            prototypes::find(file.code(piece), name).map(Said::Function)
        }
        DeclarationKind::Prototype | DeclarationKind::MacroCall | DeclarationKind::Variable => {
            Some(declared(file, &code(text, range)))
        }
        DeclarationKind::Type => of_type(file, declaration, &code(text, range)),
        // Most macros are for their reader alone.
        DeclarationKind::Macro => {
            codes::family(name, file.code(piece), offered)?;
            Some(Said::Words(definition(file, piece)))
        }
        _ => None,
    }
}

fn of_type(file: &File, declaration: &Declaration, tokens: &[Token]) -> Option<Said> {
    let text: &str = file.text();
    let Some(open) = tokens.iter().position(|token| token.is(b'{')) else {
        return (!declaration.forward).then(|| declared(file, tokens));
    };
    let close = macros::matching_brace(tokens, open)?;
    let inside = tokens.get(open + 1..close)?;
    if tokens.get(..open)?.iter().any(|token| token.text(text) == "enum") {
        let constants = inside.split(|token| token.is(b',')).filter(|constant| !constant.is_empty());
        return Some(Said::Constants(constants.map(|one| words(file, one, DEPTH).join(" ")).collect()));
    }
    let mut all: Vec<String> = tokens
        .get(..open)?
        .iter()
        .map(|token| token.text(text))
        .filter(|word| *word == "union")
        .map(str::to_owned)
        .collect();
    all.extend(words(file, inside, DEPTH));
    Some(Said::Members { words: all, names: declaration.members.clone() })
}

/// A call of a macro may have a semicolon behind it.
fn declared(file: &File, tokens: &[Token]) -> Said {
    let mut words = words(file, tokens, DEPTH);
    words.retain(|word| word != ";");
    Said::Words(words)
}

impl Said {
    /// What is different, for a person; nothing where code that is compiled with the one works with the other.
    pub(super) fn difference(&self, theirs: &Said) -> Option<String> {
        match (self, theirs) {
            (Said::Function(ours), Said::Function(theirs)) => prototypes::called_otherwise(ours, theirs),
            // Further constants behind the others are an addition.
            (Said::Constants(ours), Said::Constants(theirs)) => {
                let same = ours.iter().zip(theirs).all(|(one, other)| one == other);
                (!same).then(|| "its constants have other values".to_owned())
            }
            (Said::Members { words, names }, Said::Members { words: other, names: their_names }) => {
                let only = |names: &[String], others: &[String]| {
                    names.iter().find(|name| !others.contains(name)).cloned()
                };
                (words != other).then(|| match (only(names, their_names), only(their_names, names)) {
                    (Some(name), _) => format!("only here it has `{name}`"),
                    (None, Some(name)) => format!("here it has no `{name}`"),
                    (None, None) => "its members have other types, or another order".to_owned(),
                })
            }
            (ours, theirs) => (ours != theirs).then(|| "declared otherwise".to_owned()),
        }
    }

    /// Whether this structure is theirs with more members behind.
    pub(super) fn continues(&self, theirs: &Said) -> bool {
        match (self, theirs) {
            (Said::Members { words, .. }, Said::Members { words: theirs, .. }) => {
                theirs.last().is_some_and(|last| last == ";") && words.starts_with(theirs)
            }
            _ => false,
        }
    }
}

fn code(text: &str, range: Range<usize>) -> Vec<Token> {
    lex::tokens(text, range).filter(|token| token.kind != TokenKind::Comment).collect()
}

/// The words of a declaration without names of parameters, qualifiers and decorations; a macro of the same header for what it
/// stands for, as an array may be as long as it says.
fn words(file: &File, tokens: &[Token], depth: usize) -> Vec<String> {
    let text: &str = file.text();
    let mut all = Vec::new();
    let mut open = 0usize;
    for (at, token) in tokens.iter().enumerate() {
        open += usize::from(token.is(b'('));
        open = open.saturating_sub(usize::from(token.is(b')')));
        let word = token.text(text);
        match token.kind {
            TokenKind::Identifier if is_left_out(text, tokens, at, open) => {}
            TokenKind::Identifier => {
                match file.find_outline(word).find(|(_, found)| found.kind == DeclarationKind::Macro) {
                    Some((piece, _)) if depth > 0 && !has_parameters(file, piece, word) => {
                        let value = definition_tokens(text, file.code_range(piece));
                        all.extend(words(file, &value, depth - 1));
                    }
                    _ => all.push(word.to_owned()),
                }
            }
            // A macro that is defined there is none of the members.
            TokenKind::Directive if defines_macro(word) => {}
            TokenKind::Directive => all.push(word.split_whitespace().collect::<Vec<_>>().join(" ")),
            _ => all.push(word.to_owned()),
        }
    }
    all
}

fn defines_macro(directive: &str) -> bool {
    directive.trim_start_matches('#').trim_start().starts_with("define")
}

/// Whether the identifier at `at`, inside of `open` parentheses, makes no difference.
fn is_left_out(text: &str, tokens: &[Token], at: usize, open: usize) -> bool {
    let word_at = |at: Option<usize>| at.and_then(|at| tokens.get(at)).map(|token| token.text(text));
    let word = word_at(Some(at)).unwrap_or_default();
    let before = word_at(at.checked_sub(1));
    let after = word_at(Some(at + 1));
    let is_tag = |word: &str| matches!(word, "struct" | "union" | "enum");
    if matches!(word, "const" | "volatile" | "extern" | "typedef") || macros::decorates(word) {
        return true;
    }
    // The type `struct x` is `x` where that is a typedef, and no other type has the name.
    if is_tag(word) {
        return after != Some("{");
    }
    // `unsigned int` is `unsigned`.
    if word == "int" && before.is_some_and(|before| matches!(before, "unsigned" | "long" | "short")) {
        return true;
    }
    // A parameter's name stands behind its type, or behind the star of a pointer.
    let names = before.is_some_and(|before| {
        before == "*" || before.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
    });
    let ends = matches!(after, Some("," | ")" | "["));
    let declarator =
        open == 1 && before == Some("*") && after == Some(")") && word_at(Some(at + 2)) == Some("(");
    open > 0 && names && ends && !declarator && !prototypes::is_built_in(word) && !before.is_some_and(is_tag)
}

fn definition(file: &File, piece: usize) -> Vec<String> {
    words(file, &definition_tokens(file.text(), file.code_range(piece)), DEPTH)
}

/// What a `#define` says behind the name.
fn definition_tokens(text: &str, range: Range<usize>) -> Vec<Token> {
    let tokens = lex::tokens_of_directive(text, range).filter(|token| token.kind != TokenKind::Comment);
    // `#`, `define` and the name.
    tokens.skip(3).collect()
}

fn has_parameters(file: &File, piece: usize, name: &str) -> bool {
    let (_, behind) = file.code(piece).split_once(name).unwrap_or_default();
    behind.starts_with('(')
}
