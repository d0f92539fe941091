//! Which names a piece could declare, by the tokens alone: cheap, and never too few.

use super::directive::{self, Directive};
use super::lex::{self, Token, TokenKind};
use super::macros;
use super::split::{Chunk, Shape};

/// What a piece could declare.
pub(crate) enum Candidates<'s> {
    Names(Vec<&'s str>),
    /// It has to be parsed to be known.
    Unknown,
}

/// The names that `chunk` of `source` could declare.
pub(crate) fn of<'s>(source: &'s str, chunk: &Chunk) -> Candidates<'s> {
    let code = chunk.code..chunk.range.end;
    let end = match chunk.shape {
        Shape::Define => {
            return Candidates::Names(match directive::read(source, code) {
                Directive::Define { name } => vec![name],
                _ => Vec::new(),
            });
        }
        Shape::Function { body } => body,
        Shape::Code | Shape::Partial => chunk.range.end,
        Shape::MacroCall => return Candidates::Unknown,
        Shape::Blank | Shape::Include | Shape::Condition | Shape::Directive | Shape::ExternC => {
            return Candidates::Names(Vec::new());
        }
    };
    let tokens: Vec<Token> = lex::tokens(source, chunk.code..end)
        .filter(|token| !matches!(token.kind, TokenKind::Comment | TokenKind::Directive))
        .collect();
    let first = tokens.first().map_or("", |token| token.text(source));
    let called = tokens.get(1).is_some_and(|token| token.is(b'('));
    if called && macros::is_upper(first) && !macros::wraps(first) {
        return Candidates::Unknown;
    }
    Candidates::Names(declared(source, &tokens))
}

/// Identifiers that stand where a declarator, a tag or an enumeration constant can.
fn declared<'s>(source: &'s str, tokens: &[Token]) -> Vec<&'s str> {
    let mut names = Vec::new();
    let (mut braces, mut parentheses) = (0usize, 0usize);
    // Depth of the braces of an enumeration; all names in it are constants or in their values.
    let mut enumeration = None;
    let mut initialiser = None;
    for (at, token) in tokens.iter().enumerate() {
        match token.kind {
            TokenKind::Punctuator(b'{') => {
                braces += 1;
                let word = |back: usize| {
                    let before = at.checked_sub(back).and_then(|at| tokens.get(at));
                    before.map_or("", |token| token.text(source))
                };
                if enumeration.is_none() && (word(1) == "enum" || word(2) == "enum") {
                    enumeration = Some(braces);
                }
                if initialiser.is_none() && word(1) == "=" {
                    initialiser = Some(braces);
                }
            }
            TokenKind::Punctuator(b'}') => {
                enumeration = enumeration.filter(|depth| *depth != braces);
                initialiser = initialiser.filter(|depth| *depth != braces);
                braces = braces.saturating_sub(1);
            }
            TokenKind::Punctuator(b'(') => parentheses += 1,
            TokenKind::Punctuator(b')') => parentheses = parentheses.saturating_sub(1),
            TokenKind::Identifier if initialiser.is_none() => {
                let previous = at.checked_sub(1).and_then(|at| tokens.get(at));
                let next = tokens.get(at + 1);
                let before = previous.map_or("", |token| token.text(source));
                let after = next.map_or("", |token| token.text(source));
                let tag = matches!(before, "struct" | "union" | "enum");
                // `(*name)(…)`, `(name)(…)`, and the parameters of nothing else.
                let nested = after == ")" && matches!(before, "*" | "(") || after == "(" && before == "*";
                let wraps = after == "(" && macros::wraps(token.text(source));
                let outer =
                    !wraps && parentheses == 0 && matches!(after, "(" | ";" | "," | "[" | "=" | "" | ")");
                if tag || enumeration.is_some() || braces == 0 && (outer || nested) {
                    names.push(token.text(source));
                }
            }
            _ => {}
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use crate::c::{DeclarationKind, File};

    /// Every name that parsing finds is found through the index.
    #[test]
    fn never_too_few() {
        let source = "#define M 1\nint a, *b[2], (*c)(int x), d = 1;\nstatic int f(int p)\n{\n}\n\
                      typedef int (*g)(int);\ntypedef struct s { struct t { int m; } n; enum { E1, E2 = 2 } o; } u, *v;\n\
                      enum w { W };\nAP_DECLARE(int) h(void);\nvoid (*i(int))(int) { }\nint (j)(void);\nstruct k;\n\
                      AP_DECLARE_HOOK(int, l, (void))\nstatic const struct { int z; } y[] = { { 1 } };\nint q(void)\n{\n";
        let file = File::new(source.into());
        for declaration in file.declarations().filter(|one| one.kind != DeclarationKind::Comment) {
            for name in &declaration.names {
                assert!(file.find(name).any(|(_, found)| found.code == declaration.code), "{name}");
            }
        }
        assert_eq!(file.find("E2").count(), 1);
        assert_eq!(file.find("ap_run_l").count(), 1);
        assert_eq!(file.find("p").count(), 0);
    }
}
