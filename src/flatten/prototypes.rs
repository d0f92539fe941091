//! A function's prototype, read and compared: what a compiler takes without a word although it means something else.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::c::lex::{self, Token, TokenKind};
use crate::c::macros;

/// A function's prototype without names, attributes and order of qualifiers; typedefs stay as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Prototype {
    pub result: Type,
    pub parameters: Vec<Type>,
    pub variadic: bool,
}

/// A type as it is written, in one form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Type {
    /// `const` of what is pointed at, or of the value itself.
    constant: bool,
    /// `request_rec`, `unsigned int`, `struct iovec`; the whole text of a pointer to a function.
    base: String,
    pointers: usize,
    function: bool,
}

/// What is wrong between two prototypes, or not quite the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Difference {
    /// The compiler would say nothing, and the meaning differs.
    Silent(String),
    /// It differs, and no call can come to harm by it.
    Harmless(String),
}

/// The integers of C and APR: their sizes in bytes, negative where they have a sign, on the 64-bit systems that packages are
/// made for. From `apr.h` and the ABI.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Integers {
    integers: BTreeMap<String, i32>,
}

static INTEGERS: LazyLock<Integers> = LazyLock::new(|| {
    toml::from_str(include_str!("integers.toml"))
        .expect("integers.toml is part of the program, and a unit test reads it")
});

const BUILT_IN: &[&str] =
    &["void", "char", "short", "int", "long", "float", "double", "signed", "unsigned", "_Bool"];

/// Words that no type has.
const STATEMENTS: &[&str] = &["return", "else", "do", "goto", "case", "sizeof"];

/// Finds the prototype of `name` in a header; a macro of that name does not count. Text is enough here: most headers are asked
/// for few names among hundreds.
pub(super) fn find(text: &str, name: &str) -> Option<Prototype> {
    let bytes = text.as_bytes();
    let word = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    memchr::memmem::find_iter(bytes, name.as_bytes()).find_map(|at| {
        let end = at + name.len();
        let rest = text.get(end..)?;
        if word(at.checked_sub(1).and_then(|before| bytes.get(before))) || !rest.trim_start().starts_with('(')
        {
            return None;
        }
        let line = text.get(..at)?.rsplit('\n').next()?.trim_start();
        if line.starts_with(['#', '*', '/']) {
            return None;
        }
        let close = rest.find([';', '{'])?;
        // Where the statement begins: behind what ended the one before it.
        let before = text.get(..at)?;
        let start = before.rfind([';', '{', '}']).map_or(0, |start| start + 1);
        let start = before.rfind("*/").map_or(start, |comment| start.max(comment + 2));
        read(text.get(start..end + close)?, name)
    })
}

/// Whether a header defines `name` as a macro with arguments.
pub(super) fn is_macro(text: &str, name: &str) -> bool {
    memchr::memmem::find_iter(text.as_bytes(), name.as_bytes()).any(|at| {
        let line = text.get(..at).and_then(|before| before.rsplit('\n').next()).unwrap_or_default();
        let line = line.trim_start().strip_prefix('#').map_or("", str::trim);
        line == "define" && text.get(at + name.len()..).is_some_and(|rest| rest.starts_with('('))
    })
}

/// Reads `RESULT NAME(PARAMETERS)`, whatever attributes follow.
fn read(text: &str, name: &str) -> Option<Prototype> {
    let mut tokens: Vec<Token> = lex::tokens(text, 0..text.len())
        .filter(|token| !matches!(token.kind, TokenKind::Comment | TokenKind::Directive))
        .collect();
    unwrap(text, &mut tokens);
    let at = tokens.iter().position(|token| token.text(text) == name)?;
    let head = tokens.get(..at)?;
    // A header may have whole functions: `return NAME(…);`.
    let of_a_type = |token: &Token| {
        token.is(b'*') || token.kind == TokenKind::Identifier && !STATEMENTS.contains(&token.text(text))
    };
    if head.is_empty() || !head.iter().all(of_a_type) {
        return None;
    }
    let close = macros::matching(&tokens, at + 1)?;
    // `typedef apr_status_t (x_fn_t)(…)`: the name is the result's type, and what stands behind it the declarator.
    let declarator = tokens.get(close + 1).is_some_and(|token| token.is(b'('));
    if declarator || head.iter().any(|token| token.text(text) == "typedef") {
        return None;
    }
    let (parameters, variadic) = parameters(text, tokens.get(at + 2..close)?);
    Some(Prototype { result: type_of(text, head, false), parameters, variadic })
}

/// Takes away what stands around a return type or decorates a declaration.
fn unwrap(text: &str, tokens: &mut Vec<Token>) {
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let name = token.text(text);
        let called = tokens.get(at + 1).is_some_and(|next| next.is(b'('));
        if called && macros::wraps(name) {
            if let Some(close) = macros::matching(tokens, at + 1) {
                tokens.remove(close);
            }
            tokens.drain(at..at + 2);
        } else if called && macros::decorates_with_arguments(name) {
            let close = macros::matching(tokens, at + 1).unwrap_or(at + 1);
            tokens.drain(at..=close);
        } else if macros::decorates(name) || matches!(name, "extern" | "static" | "register" | "volatile") {
            tokens.remove(at);
        } else {
            at += 1;
        }
    }
}

fn parameters(text: &str, tokens: &[Token]) -> (Vec<Type>, bool) {
    let mut all = Vec::new();
    let mut variadic = false;
    let mut depth = 0i32;
    let mut start = 0;
    for at in 0..=tokens.len() {
        if let Some(token) = tokens.get(at) {
            depth += i32::from(token.is(b'(')) - i32::from(token.is(b')'));
            if depth > 0 || !token.is(b',') {
                continue;
            }
        }
        let one = tokens.get(start..at).unwrap_or_default();
        start = at + 1;
        if one.first().is_some_and(|token| token.is(b'.')) {
            variadic = true;
        } else if !one.is_empty() {
            all.push(type_of(text, one, true));
        }
    }
    if all.len() == 1 && all.first().is_some_and(Type::is_nothing) {
        all.clear();
    }
    (all, variadic)
}

fn type_of(text: &str, tokens: &[Token], named: bool) -> Type {
    if let Some(open) = tokens.iter().position(|token| token.is(b'(')) {
        // A pointer to a function: the result, a star, and the parameters, each without its name.
        let result = type_of(text, tokens.get(..open).unwrap_or_default(), false);
        let close = macros::matching(tokens, open).unwrap_or(open);
        let inner = tokens.get(close + 2..tokens.len().saturating_sub(1)).unwrap_or_default();
        let (inner, variadic) = parameters(text, inner);
        let inner: Vec<String> = inner.iter().map(Type::to_string).collect();
        let rest = if variadic { ", ..." } else { "" };
        let base = format!("{result} (*)({}{rest})", inner.join(", "));
        return Type { constant: false, base, pointers: 0, function: true };
    }
    let array = tokens.iter().position(|token| token.is(b'['));
    let tokens = tokens.get(..array.unwrap_or(tokens.len())).unwrap_or_default();
    let star = tokens.iter().position(|token| token.is(b'*'));
    let mut words: Vec<&str> = Vec::new();
    let mut constant = false;
    for token in tokens.get(..star.unwrap_or(tokens.len())).unwrap_or_default() {
        match token.text(text) {
            "const" => constant = true,
            word => words.push(word),
        }
    }
    if named && star.is_none() {
        let plain: Vec<&&str> =
            words.iter().filter(|word| !matches!(**word, "struct" | "union" | "enum")).collect();
        let built_in = |word: &str| BUILT_IN.contains(&word);
        let last_is_name = plain.len() > 1 && plain.last().is_some_and(|last| !built_in(last));
        if last_is_name {
            words.pop();
        }
    }
    if words.iter().all(|word| BUILT_IN.contains(word)) {
        words.sort_unstable_by_key(|word| {
            BUILT_IN.iter().rposition(|known| known == word).map(|at| usize::MAX - at)
        });
        let more = words.iter().any(|word| matches!(*word, "short" | "long" | "unsigned" | "signed"));
        words.retain(|word| *word != "signed" && !(more && *word == "int"));
        if words.is_empty() || words == ["unsigned"] {
            words.push("int");
        }
    }
    let pointers = tokens.iter().filter(|token| token.is(b'*')).count() + usize::from(array.is_some());
    Type { constant, base: words.join(" "), pointers, function: false }
}

impl std::fmt::Display for Type {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let constant = if self.constant { "const " } else { "" };
        write!(formatter, "{constant}{}", self.base)?;
        if self.pointers > 0 {
            write!(formatter, " {}", "*".repeat(self.pointers))?;
        }
        Ok(())
    }
}

impl Type {
    fn is_void_pointer(&self) -> bool {
        self.base == "void" && self.pointers == 1
    }

    fn is_nothing(&self) -> bool {
        self.base == "void" && !self.is_pointer()
    }

    fn is_pointer(&self) -> bool {
        self.pointers > 0 || self.function
    }

    /// Its size in bytes, negative with a sign; nothing for what is no known integer.
    fn integer(&self) -> Option<i32> {
        INTEGERS.integers.get(&self.base).copied().filter(|_| !self.is_pointer())
    }

    /// Whether the machine passes both alike, and they mean the same as far as their names tell.
    fn is_passed_as(&self, other: &Type) -> bool {
        let size = |of: &Type| of.integer().map(i32::abs);
        (&self.base, self.pointers) == (&other.base, other.pointers)
            || size(self).is_some() && size(self) == size(other)
    }

    /// What a value of this type becomes where `to` is expected, as far as the compiler does it silently.
    fn given_as(&self, to: &Type) -> Option<Difference> {
        let said = |why: &str| format!("`{to}` in place of `{self}`{why}");
        if (&self.base, self.pointers) == (&to.base, to.pointers) {
            return (self.constant != to.constant && self.is_pointer())
                .then(|| Difference::Harmless(said(", which differ by const alone")));
        }
        match (self.is_pointer(), to.is_pointer()) {
            (true, true) if self.is_void_pointer() || to.is_void_pointer() => {
                Some(Difference::Silent(said(": any pointer passes for the other")))
            }
            // The compiler refuses both.
            (true, true) => None,
            (true, false) | (false, true) => None,
            (false, false) => match (self.integer(), to.integer()) {
                (Some(one), Some(other)) if one == other => None,
                (Some(one), Some(other)) if other.abs() > one.abs() && (one > 0 || other < 0) => {
                    Some(Difference::Harmless(said(", which holds every value of it")))
                }
                (Some(_), Some(_)) => Some(Difference::Silent(said(": not every value passes unchanged"))),
                _ => Some(Difference::Silent(said(": the one is converted to the other without a word"))),
            },
        }
    }
}

/// How the target's prototype differs from the one that the code was written for. `result_used`: whether any call looks at
/// what is returned.
pub(super) fn compare(ours: &Prototype, theirs: &Prototype, result_used: bool) -> Vec<Difference> {
    if theirs.variadic && !ours.variadic {
        return vec![Difference::Silent("a list of further arguments, where there was none".to_owned())];
    }
    // With another number of arguments no call compiles.
    if ours.parameters.len() != theirs.parameters.len() {
        return Vec::new();
    }
    let mut all = Vec::new();
    for (number, (one, other)) in ours.parameters.iter().zip(&theirs.parameters).enumerate() {
        all.extend(one.given_as(other).map(|found| found.at(&format!("argument {}", number + 1))));
    }
    if result_used && !ours.result.is_nothing() {
        let (one, other) = (&ours.result, &theirs.result);
        // In a condition a pointer passes for a number, and NULL for success.
        let found = if one.is_pointer() != other.is_pointer() && !other.is_nothing() {
            Some(Difference::Silent(format!("`{other}` in place of `{one}`: a condition takes both")))
        } else {
            // What comes back is given as what was expected.
            other.given_as(one).map(|found| match found {
                Difference::Silent(_) => Difference::Silent(format!("`{other}` in place of `{one}`")),
                Difference::Harmless(_) => Difference::Harmless(format!("`{other}` in place of `{one}`")),
            })
        };
        all.extend(found.map(|found| found.at("the result")));
    }
    all
}

/// Why calls that are compiled for `theirs` cannot reach `ours`, in words; nothing where they can. No compiler sees the two
/// together, so that only what is the same in a register or on the stack passes.
pub(super) fn called_otherwise(ours: &Prototype, theirs: &Prototype) -> Option<String> {
    let (here, there) = (ours.parameters.len(), theirs.parameters.len());
    if here != there || ours.variadic != theirs.variadic {
        let more = |variadic: bool| if variadic { " and more" } else { "" };
        let (here_more, there_more) = (more(ours.variadic), more(theirs.variadic));
        return Some(format!(
            "called with {here}{here_more} arguments here, and with {there}{there_more} there"
        ));
    }
    let mut parameters = ours.parameters.iter().zip(&theirs.parameters).enumerate();
    let parameter = parameters.find(|(_, (one, other))| !one.is_passed_as(other));
    if let Some((number, (one, other))) = parameter {
        return Some(format!("argument {} is `{one}` here, and `{other}` there", number + 1));
    }
    let (one, other) = (&ours.result, &theirs.result);
    let unheard = other.is_nothing();
    (!unheard && !one.is_passed_as(other)).then(|| format!("the result is `{one}` here, and `{other}` there"))
}

/// Whether a word is a part of C's own types' names.
pub(super) fn is_built_in(word: &str) -> bool {
    BUILT_IN.contains(&word)
}

impl Difference {
    fn at(self, place: &str) -> Self {
        match self {
            Difference::Silent(words) => Difference::Silent(format!("{place}: {words}")),
            Difference::Harmless(words) => Difference::Harmless(format!("{place}: {words}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn difference(ours: &str, theirs: &str) -> Vec<Difference> {
        compare(&find(ours, "f").unwrap(), &find(theirs, "f").unwrap(), true)
    }

    fn silent(ours: &str, theirs: &str) -> bool {
        difference(ours, theirs).iter().any(|found| matches!(found, Difference::Silent(_)))
    }

    #[test]
    fn prototypes_are_told_from_mentions() {
        let text = "/* f(x); */\n#define f(x) g(x);\nint my_f(void);\n/** Call f(1); it is good. */\nAP_DECLARE(int) f(int a,\n ...);\n";
        let found = find(text, "f").unwrap();
        assert!(found.variadic);
        assert_eq!((found.result.to_string(), found.parameters[0].to_string()), ("int".into(), "int".into()));
        assert_eq!(find(text, "g"), None);
        assert_eq!(find("typedef status (f_t)(void *data);\nextern status (g)(int);\n", "status"), None);
        assert!(is_macro(text, "f") && !is_macro(text, "my_f"));
        let calls = "static char *g(int *r)\n{\n    if (r) x = h(r);\n    else f(r);\n    return f(r);\n}\n";
        assert_eq!((find(calls, "f"), find(calls, "h")), (None, None));
    }

    #[test]
    fn the_form_does_not_matter() {
        for (one, other) in [
            (
                "AP_DECLARE(const char *) f(request_rec *r, char const *name);",
                "extern char const *f(request_rec *, const char *);",
            ),
            ("int f(void);", "int f(void) __attribute__((pure));"),
            ("int f(unsigned a, long int b);", "int f(unsigned int, long);"),
            (
                "void f(char *argv[], int (*cb)(void *data, int n));",
                "void f(char **v, int (*)(void *, int));",
            ),
            ("int f(struct iovec *v, apr_size_t n);", "int f(struct iovec *, apr_size_t);"),
        ] {
            assert_eq!(difference(one, other), [], "{one} {other}");
        }
    }

    #[test]
    fn what_passes_silently_is_found() {
        for (ours, theirs) in [
            ("int f(int a);", "int f(int a, ...);"),
            ("int f(apr_off_t a);", "int f(int a);"),
            ("int f(unsigned int a);", "int f(int a);"),
            ("int f(request_rec *r);", "int f(void *r);"),
            ("int f(void *r);", "int f(conn_rec *r);"),
            ("int f(int mode);", "int f(ap_input_mode_t mode);"),
            ("int f(void);", "apr_off_t f(void);"),
            ("int f(void);", "const char *f(void);"),
            ("void *f(void);", "char *f(void);"),
        ] {
            assert!(silent(ours, theirs), "{ours} {theirs}");
        }
    }

    #[test]
    fn what_does_no_harm_is_noted() {
        for (ours, theirs) in [
            ("int f(int a);", "int f(apr_off_t a);"),
            ("int f(char *a);", "int f(const char *a);"),
            ("apr_off_t f(void);", "int f(void);"),
        ] {
            let found = difference(ours, theirs);
            assert!(matches!(found.as_slice(), [Difference::Harmless(_)]), "{ours} {theirs} {found:?}");
        }
        assert_eq!(difference("int f(void);", "apr_status_t f(void);"), []);
        // The compiler refuses these itself.
        assert_eq!(difference("int f(int a);", "int f(int a, int b);"), []);
        assert_eq!(difference("int f(conn_rec *c);", "int f(request_rec *r);"), []);
        let unused =
            compare(&find("int f(void);", "f").unwrap(), &find("char *f(void);", "f").unwrap(), false);
        assert_eq!(unused, []);
    }
}
