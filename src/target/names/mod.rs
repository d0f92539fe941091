//! Which names a C header declares or defines: functions, variables, types, macros and enumeration constants.
//!
//! A scanner, not a parser: headers of httpd and APR are full of macros that a C grammar cannot read. It follows brackets,
//! keeps to what stands at file scope, and knows the macros that declare names (`templates/declaring-macros.toml`).
//! A name that is only used (a call in a macro's body, a parameter, a structure's member, a comment) does not count.

mod declarator;
mod lexer;

use std::sync::LazyLock;

use serde::Deserialize;

use declarator::declared;
use lexer::{Item, Lexer, Token, word};

use crate::c::library;

/// How a header has a name. The order is that of preference where several do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NameKind {
    /// A function's prototype or definition, or a variable.
    Object,
    /// A typedef.
    Type,
    /// The tag of a structure, union or enumeration that is defined there.
    Tag,
    /// An enumeration constant.
    Constant,
    /// A macro.
    Macro,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DeclaringMacros {
    #[serde(rename = "macro")]
    macros: Vec<DeclaringMacro>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DeclaringMacro {
    name: String,
    declares: Vec<String>,
}

static DECLARING: LazyLock<Vec<DeclaringMacro>> = LazyLock::new(|| {
    let text = include_str!("../../../templates/declaring-macros.toml");
    let data: DeclaringMacros = toml::from_str(text)
        .unwrap_or_else(|error| panic!("declaring-macros.toml is embedded and tested: {error}"));
    data.macros
});

/// What an open brace belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Brace {
    /// `extern "C" {`: still file scope.
    Linkage,
    /// A structure, or anything else in which nothing is declared for file scope but tags and constants.
    Inner,
    /// An enumeration.
    Enum {
        /// Whether a constant's name may stand next.
        expected: bool,
        /// How many parentheses are open.
        depth: u32,
    },
}

/// Reads a header and reports each name that it declares or defines; a name may be reported more than once.
pub fn names<'a>(text: &'a [u8], report: &mut dyn FnMut(&[u8], NameKind)) {
    let mut scanner = Scanner { lexer: Lexer::new(text), report, braces: Vec::new(), statement: Vec::new() };
    scanner.run();
}

struct Scanner<'a, 'r> {
    lexer: Lexer<'a>,
    report: &'r mut dyn FnMut(&[u8], NameKind),
    braces: Vec<Brace>,
    /// The tokens of the statement so far; behind each `{`, those of the statement within.
    statement: Vec<Token<'a>>,
}

/// How a conditional group stands.
struct Group<'a> {
    braces: Vec<Brace>,
    statement: Vec<Token<'a>>,
}

impl<'a> Scanner<'a, '_> {
    fn run(&mut self) {
        let mut groups: Vec<Group<'a>> = Vec::new();
        while let Some(item) = self.lexer.next() {
            match item {
                Item::Token(token) => self.token(token),
                Item::Directive(line) => self.directive(line, &mut groups),
            }
        }
    }

    fn file_scope(&self) -> bool {
        self.braces.iter().all(|brace| *brace == Brace::Linkage)
    }

    fn directive(&mut self, line: &'a [u8], groups: &mut Vec<Group<'a>>) {
        let (name, rest) = word(line);
        match name {
            b"define" => {
                let (name, _) = word(rest);
                if !name.is_empty() {
                    (self.report)(name, NameKind::Macro);
                }
            }
            b"if" | b"ifdef" | b"ifndef" => {
                groups.push(Group { braces: self.braces.clone(), statement: self.statement.clone() });
                if never_true(name, rest) {
                    self.skip_group(groups);
                }
            }
            b"elif" | b"else" => self.branch(name, rest, groups),
            b"endif" => {
                groups.pop();
            }
            _ => {}
        }
    }

    /// A further branch of a conditional begins with what was open before the first.
    fn branch(&mut self, name: &[u8], rest: &[u8], groups: &mut Vec<Group<'a>>) {
        if let Some(group) = groups.last() {
            self.braces.clone_from(&group.braces);
            self.statement.clone_from(&group.statement);
        }
        if name == b"elif" && never_true(b"if", rest) {
            self.skip_group(groups);
        }
    }

    /// Passes over a branch that is never compiled, to the `#else`, `#elif` or `#endif` that ends it.
    fn skip_group(&mut self, groups: &mut Vec<Group<'a>>) {
        let mut depth = 0_usize;
        while let Some(item) = self.lexer.next() {
            let Item::Directive(line) = item else { continue };
            let (name, rest) = word(line);
            match name {
                b"if" | b"ifdef" | b"ifndef" => depth += 1,
                b"endif" if depth == 0 => {
                    groups.pop();
                    return;
                }
                b"endif" => depth -= 1,
                b"else" | b"elif" if depth == 0 => return self.branch(name, rest, groups),
                _ => {}
            }
        }
    }

    fn token(&mut self, token: Token<'a>) {
        match token {
            Token::Sign(b'{') => self.open(),
            Token::Sign(b'}') => self.close(),
            Token::Sign(b';') if self.file_scope() => {
                // A semicolon within parentheses stands in an unbalanced macro; the statement ends there all the same.
                declared(&self.statement, self.report);
                self.statement.clear();
            }
            _ if self.file_scope() => {
                if let Token::Word(name) = token
                    && let Some(known) = DECLARING.iter().find(|known| known.name.as_bytes() == name)
                {
                    return self.declaring(known);
                }
                self.statement.push(token);
            }
            _ => self.inner(token),
        }
    }

    /// A token within braces: only enumeration constants and what may be a tag's definition are of interest.
    fn inner(&mut self, token: Token<'a>) {
        if let Some(Brace::Enum { expected, depth }) = self.braces.last_mut() {
            match token {
                Token::Word(name) if *expected => {
                    *expected = false;
                    (self.report)(name, NameKind::Constant);
                }
                Token::Sign(b'(') => *depth += 1,
                Token::Sign(b')') => *depth = depth.saturating_sub(1),
                Token::Sign(b',') => *expected = *depth == 0,
                _ => {}
            }
            return;
        }
        if token == Token::Sign(b';') {
            // What stands before the brace belongs to the statement around it.
            let opened = self.statement.iter().rposition(|token| *token == Token::Sign(b'{'));
            self.statement.truncate(opened.map_or(0, |at| at + 1));
        } else {
            self.statement.push(token);
        }
    }

    fn open(&mut self) {
        if matches!(self.statement[..], [Token::Word(b"extern"), Token::Literal]) {
            self.statement.clear();
            self.braces.push(Brace::Linkage);
            return;
        }
        let kind = match aggregate(&self.statement) {
            Some((keyword, tag)) => {
                if let Some(tag) = tag {
                    (self.report)(tag, NameKind::Tag);
                }
                if keyword == b"enum" { Brace::Enum { expected: true, depth: 0 } } else { Brace::Inner }
            }
            None => {
                // A function's body ends the statement at file scope; an initialiser does not, but its names are known now.
                if self.file_scope() {
                    declared(&self.statement, self.report);
                    self.statement.clear();
                }
                Brace::Inner
            }
        };
        // What is in the braces has statements of its own; the one around goes on behind them.
        self.statement.push(Token::Sign(b'{'));
        self.braces.push(kind);
    }

    fn close(&mut self) {
        match self.braces.pop() {
            Some(Brace::Linkage) | None => self.statement.clear(),
            Some(_) => {
                let opened = self.statement.iter().rposition(|token| *token == Token::Sign(b'{'));
                self.statement.truncate(opened.unwrap_or(0));
                // Behind a function's body nothing of its statement goes on.
                if !self.statement.is_empty() {
                    self.statement.push(Token::Body);
                }
            }
        }
    }

    /// A macro that declares names: its arguments are put into the patterns. It needs no semicolon behind it.
    fn declaring(&mut self, known: &DeclaringMacro) {
        let mut arguments: Vec<Vec<u8>> = vec![Vec::new()];
        let mut depth = 0_usize;
        while let Some(item) = self.lexer.next() {
            let Item::Token(token) = item else { continue };
            match token {
                Token::Sign(b'(') => depth += 1,
                Token::Sign(b')') => depth = depth.saturating_sub(1),
                Token::Sign(b',') if depth == 1 => arguments.push(Vec::new()),
                Token::Word(word) if depth == 1 => {
                    if let Some(argument) = arguments.last_mut() {
                        // Of `const char *` the last word is taken; the patterns use no types.
                        argument.clear();
                        argument.extend_from_slice(word);
                    }
                }
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
        self.statement.clear();
        for pattern in &known.declares {
            let mut name = pattern.clone();
            for (index, argument) in arguments.iter().enumerate() {
                name = name.replace(&format!("{{{index}}}"), &String::from_utf8_lossy(argument));
            }
            if !name.contains('{') {
                (self.report)(name.as_bytes(), NameKind::Object);
            }
        }
    }
}

/// The keyword and tag of `struct TAG`, `enum TAG` at the end of a statement so far, where a brace now opens.
fn aggregate<'a>(statement: &[Token<'a>]) -> Option<(&'a [u8], Option<&'a [u8]>)> {
    let mut tag = None;
    for token in statement.iter().rev().take(4) {
        match token {
            Token::Word(keyword @ (b"struct" | b"union" | b"enum")) => return Some((keyword, tag)),
            // `struct AP_ALIGNED tag {`: the word next to the brace is the tag.
            Token::Word(word) => tag = tag.or(Some(*word)),
            _ => return None,
        }
    }
    None
}

/// Whether a condition is false on every target.
fn never_true(directive: &[u8], condition: &[u8]) -> bool {
    let (first, rest) = word(condition);
    let alone = |rest: &[u8]| {
        let rest = rest.trim_ascii();
        rest.is_empty() || rest.starts_with(b"/*") || rest.starts_with(b"//")
    };
    let never_defined = |name: &[u8]| std::str::from_utf8(name).is_ok_and(library::is_never_defined);
    match directive {
        b"ifdef" => never_defined(first),
        b"if" if first == b"0" => alone(rest),
        b"if" if first == b"defined" => {
            let inside = rest.trim_ascii_start();
            let inside = inside.strip_prefix(b"(").unwrap_or(inside);
            let (name, rest) = word(inside);
            let rest = rest.trim_ascii_start();
            never_defined(name) && alone(rest.strip_prefix(b")").unwrap_or(rest))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
