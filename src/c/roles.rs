//! What each identifier of a piece stands for.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::directive::{self, Directive};
use super::lex::{self, Token, TokenKind};
use super::{Identifier, Role};

/// What the grammar knows of names within a piece.
#[derive(Debug, Default)]
pub(crate) struct Scopes {
    /// Where each local name is visible.
    pub locals: HashMap<String, Vec<Range<usize>>>,
    /// Where each tag of a function's own types is visible.
    pub tags: HashMap<String, Vec<Range<usize>>>,
    /// Offsets of the members' names.
    pub members: HashSet<usize>,
    /// Offsets of the labels.
    pub labels: HashSet<usize>,
}

/// The identifiers in `range`, preprocessor lines included.
pub(crate) fn identifiers(source: &str, range: Range<usize>, scopes: &Scopes) -> Vec<Identifier> {
    let mut reader = Reader {
        source,
        scopes,
        depth: 0,
        tested: false,
        before: Before::Other,
        last_end: 0,
        found: Vec::new(),
    };
    for token in lex::tokens(source, range) {
        match token.kind {
            TokenKind::Directive => reader.directive(token),
            _ => reader.token(token),
        }
    }
    reader.found
}

/// What stands in front of an identifier, as far as it matters.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Minus,
    /// `.` or `->`.
    Access,
    /// `struct`, `union`, `enum`.
    Tag,
    Goto,
    Other,
}

struct Reader<'a> {
    source: &'a str,
    scopes: &'a Scopes,
    depth: usize,
    /// What is read is a condition.
    tested: bool,
    before: Before,
    /// End of the token that `before` is about.
    last_end: usize,
    found: Vec<Identifier>,
}

impl Reader<'_> {
    fn token(&mut self, token: Token) {
        let text = token.text(self.source);
        let (before, adjacent) = (self.before, self.last_end == token.start);
        self.last_end = token.end;
        self.before = match token.kind {
            TokenKind::Comment => before,
            TokenKind::Punctuator(b'.') => Before::Access,
            // `i-->n` is `i-- > n`.
            TokenKind::Punctuator(b'-') if before == Before::Minus && adjacent => Before::Other,
            TokenKind::Punctuator(b'-') => Before::Minus,
            TokenKind::Punctuator(b'>') if before == Before::Minus && adjacent => Before::Access,
            TokenKind::Identifier if matches!(text, "struct" | "union" | "enum") => Before::Tag,
            TokenKind::Identifier if text == "goto" => Before::Goto,
            _ => Before::Other,
        };
        if token.kind != TokenKind::Identifier || is_keyword(text) {
            return;
        }
        let visible = |names: &HashMap<String, Vec<Range<usize>>>| {
            let ranges = names.get(text).map_or(&[][..], Vec::as_slice).iter();
            ranges.rev().any(|range| range.contains(&token.start))
        };
        let role = if before == Before::Access || self.scopes.members.contains(&token.start) {
            Role::Member
        } else if before == Before::Goto || self.scopes.labels.contains(&token.start) {
            Role::Label
        } else if visible(if before == Before::Tag { &self.scopes.tags } else { &self.scopes.locals }) {
            Role::Local
        } else {
            Role::Global
        };
        self.found.push(Identifier {
            range: token.range(),
            role,
            conditional: self.depth > 0,
            tested: self.tested,
        });
    }

    fn directive(&mut self, directive: Token) {
        let read = directive::read(self.source, directive.range());
        match read {
            Directive::Endif => self.depth = self.depth.saturating_sub(1),
            Directive::Include(_) => return,
            _ => {}
        }
        // The operators of an expression stand in front of nothing that follows the line.
        let before = std::mem::replace(&mut self.before, Before::Other);
        let mut tokens = lex::tokens_of_directive(self.source, directive.range())
            .filter(|token| token.kind != TokenKind::Comment)
            .skip(2)
            .peekable();
        let mut parameters = HashSet::new();
        if matches!(read, Directive::Define { .. }) {
            let Some(name) = tokens.next() else { return };
            self.token(name);
            // `#define f(x)` has parameters, `#define f (x)` has none.
            if tokens.peek().is_some_and(|open| open.is(b'(') && open.start == name.end) {
                for token in tokens.by_ref().take_while(|token| !token.is(b')')) {
                    if token.kind == TokenKind::Identifier {
                        parameters.insert(token.text(self.source));
                        let role = Role::Local;
                        let range = token.range();
                        self.found.push(Identifier { range, role, conditional: false, tested: false });
                    }
                }
            }
        }
        self.tested = matches!(read, Directive::If(_) | Directive::Elif(_));
        for token in tokens {
            if token.kind == TokenKind::Identifier && parameters.contains(token.text(self.source)) {
                let conditional = self.depth > 0;
                let role = Role::Local;
                self.found.push(Identifier { range: token.range(), role, conditional, tested: false });
                self.before = Before::Other;
            } else if token.text(self.source) != "defined" {
                self.token(token);
            }
        }
        self.before = before;
        self.tested = false;
        if matches!(read, Directive::If(_)) {
            self.depth += 1;
        }
    }
}

fn is_keyword(text: &str) -> bool {
    matches!(
        text,
        "auto"
            | "break"
            | "case"
            | "char"
            | "const"
            | "continue"
            | "default"
            | "do"
            | "double"
            | "else"
            | "enum"
            | "extern"
            | "float"
            | "for"
            | "goto"
            | "if"
            | "inline"
            | "int"
            | "long"
            | "register"
            | "restrict"
            | "return"
            | "short"
            | "signed"
            | "sizeof"
            | "static"
            | "struct"
            | "switch"
            | "typedef"
            | "union"
            | "unsigned"
            | "void"
            | "volatile"
            | "while"
            | "_Alignas"
            | "_Alignof"
            | "_Atomic"
            | "_Bool"
            | "_Noreturn"
            | "_Static_assert"
            | "_Thread_local"
            | "asm"
            | "__asm__"
            | "__attribute__"
            | "__extension__"
            | "__inline"
            | "__inline__"
            | "__restrict"
            | "__func__"
            | "__FILE__"
            | "__LINE__"
            | "__VA_ARGS__"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roles(source: &str) -> Vec<(&str, Role)> {
        let found = identifiers(source, 0..source.len(), &Scopes::default());
        found.into_iter().map(|id| (source.get(id.range).unwrap_or_default(), id.role)).collect()
    }

    #[test]
    fn members_stand_behind_a_dot_or_an_arrow() {
        use Role::*;
        assert_eq!(
            roles("a->b .c i-->n x - y > z"),
            [
                ("a", Global),
                ("b", Member),
                ("c", Member),
                ("i", Global),
                ("n", Global),
                ("x", Global),
                ("y", Global),
                ("z", Global)
            ]
        );
    }

    #[test]
    fn parameters_of_a_macro_are_local() {
        use Role::*;
        assert_eq!(
            roles("#define F(a, b) \\\n (a)->b + c"),
            [("F", Global), ("a", Local), ("b", Local), ("a", Local), ("b", Local), ("c", Global)]
        );
        assert_eq!(roles("#if defined(A) && B"), [("A", Global), ("B", Global)]);
    }

    #[test]
    fn what_an_if_surrounds_is_conditional() {
        let source = "a\n#ifdef B\nc\n#endif\nd";
        let found = identifiers(source, 0..source.len(), &Scopes::default());
        let conditional: Vec<_> = found.iter().map(|id| id.conditional).collect();
        assert_eq!(conditional, [false, false, true, false]);
        let tested: Vec<_> = found.iter().map(|id| id.tested).collect();
        assert_eq!(tested, [false, true, false, false]);
    }
}
