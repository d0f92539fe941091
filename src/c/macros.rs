//! Macros of httpd and APR that a parser without a preprocessor must know. The knowledge is `macros.toml`.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use serde::Deserialize;

use super::DeclarationKind;
use super::lex::{Token, TokenKind};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Data {
    reserved_prefixes: Vec<String>,
    wraps: Vec<String>,
    decorates: HashSet<String>,
    decorates_suffixes: Vec<String>,
    decorates_with_arguments: HashSet<String>,
    types: HashSet<String>,
    stringifies: HashSet<String>,
    only_names: HashSet<String>,
    declares: Vec<Declares>,
}

/// What a macro call at file scope declares.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Declares {
    r#macro: Vec<String>,
    names: Vec<String>,
    kind: DeclarationKind,
}

static DATA: LazyLock<(Data, HashMap<String, usize>)> = LazyLock::new(|| {
    let data: Data = toml::from_str(include_str!("macros.toml"))
        .expect("macros.toml is part of the program, and a unit test reads it");
    let by_macro = data.declares.iter().enumerate();
    let index = by_macro.flat_map(|(at, entry)| entry.r#macro.iter().map(move |name| (name.clone(), at)));
    let index = index.collect();
    (data, index)
});

/// Whether httpd's and APR's headers define a macro of that name, or nobody does.
pub(crate) fn is_reserved(name: &str) -> bool {
    DATA.0.reserved_prefixes.iter().any(|prefix| name.starts_with(prefix.as_str()))
}

/// Whether `name` in front of a parenthesis stands around a return type.
pub(crate) fn wraps(name: &str) -> bool {
    DATA.0.wraps.iter().any(|suffix| name.ends_with(suffix.as_str())) && is_upper(name)
}

/// Whether `name` decorates a declaration without arguments.
pub(crate) fn decorates(name: &str) -> bool {
    DATA.0.decorates.contains(name)
        || DATA.0.decorates_suffixes.iter().any(|suffix| name.ends_with(suffix.as_str()))
}

/// Whether `name` decorates a declaration and has arguments.
pub(crate) fn decorates_with_arguments(name: &str) -> bool {
    DATA.0.decorates_with_arguments.contains(name)
}

/// The index of the first token from `at` on that decorates nothing: `__attribute__((pure)) AP_FN_ATTR_SENTINEL` is passed over.
pub(crate) fn behind_decorations(tokens: &[Token], mut at: usize, source: &str) -> usize {
    while let Some(token) = tokens.get(at) {
        let name = token.text(source);
        if decorates(name) {
            at += 1;
        } else if decorates_with_arguments(name) {
            let Some(close) = matching(tokens, at + 1) else { break };
            at = close + 1;
        } else {
            break;
        }
    }
    at
}

/// Whether `name` turns its argument into a string that is looked up at run time.
pub(crate) fn stringifies(name: &str) -> bool {
    DATA.0.stringifies.contains(name)
}

/// Whether the identifier at `start` is the argument of a macro to which only its name matters: nothing of that name need be
/// there.
pub(crate) fn only_names(text: &str, start: usize) -> bool {
    let before = text.get(..start).and_then(|before| before.trim_end().strip_suffix('('));
    let words =
        before.map(|before| before.trim_end().rsplit(|one: char| !one.is_alphanumeric() && one != '_'));
    words.and_then(|mut words| words.next()).is_some_and(|word| DATA.0.only_names.contains(word))
}

/// Written as macros are: capitals, digits and underscores, with at least one capital.
pub(crate) fn is_upper(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
        && name.bytes().any(|byte| byte.is_ascii_uppercase())
}

/// The kind and names that a call of `name` with `arguments` declares at file scope; nothing for other macros.
pub(crate) fn declares(name: &str, arguments: &[&str]) -> Option<(DeclarationKind, Vec<String>)> {
    let entry = DATA.0.declares.get(*DATA.1.get(name)?)?;
    let names = entry.names.iter().filter_map(|template| {
        let mut parts = template.split('$');
        let mut name = parts.next()?.to_owned();
        for part in parts {
            let (digit, after) = part.split_at_checked(1)?;
            name.push_str(arguments.get(digit.parse::<usize>().ok()?.checked_sub(1)?)?);
            name.push_str(after);
        }
        Some(name)
    });
    Some((entry.kind, names.collect()))
}

/// Replaces macros in `bytes` (the text between `offset` and its end, as `tokens` have it) by as many bytes that
/// tree-sitter can read, so that all offsets hold.
pub(crate) fn neutralise(bytes: &mut [u8], offset: usize, tokens: &[Token], source: &str) {
    let mut blank = |start: usize, end: usize| {
        for byte in bytes.get_mut(start - offset..end - offset).unwrap_or_default() {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
    };
    for (at, token) in tokens.iter().enumerate().filter(|(_, token)| token.kind == TokenKind::Identifier) {
        let name = token.text(source);
        let next = tokens.get(at + 1).copied().filter(|token| token.is(b'('));
        match next {
            Some(open) if wraps(name) => {
                blank(token.start, open.end);
                if let Some(close) = matching(tokens, at + 1).and_then(|close| tokens.get(close)) {
                    blank(close.start, close.end);
                }
            }
            Some(open) if decorates_with_arguments(name) => {
                let close = matching(tokens, at + 1).and_then(|close| tokens.get(close));
                blank(token.start, close.map_or(open.end, |close| close.end));
            }
            _ if decorates(name) => blank(token.start, token.end),
            _ => {}
        }
    }
    // `STACK_OF(X509) *x` becomes `STACK_OF_X509_ *x`: one identifier in place of a call.
    for (at, token) in tokens.iter().enumerate().filter(|(_, token)| token.kind == TokenKind::Identifier) {
        if !DATA.0.types.contains(token.text(source))
            || !tokens.get(at + 1).is_some_and(|token| token.is(b'('))
        {
            continue;
        }
        if let Some(close) = matching(tokens, at + 1).and_then(|close| tokens.get(close)) {
            for byte in bytes.get_mut(token.end - offset..close.end - offset).unwrap_or_default() {
                if byte.is_ascii_punctuation() || *byte == b' ' {
                    *byte = b'_';
                }
            }
        }
    }
}

/// The arguments of a macro call as written, cut at the commas.
pub(crate) fn arguments<'s>(source: &'s str, tokens: &[Token]) -> Vec<&'s str> {
    let mut depth = 0i32;
    let mut all = Vec::new();
    let mut start = tokens.first().map_or(0, |token| token.start);
    for token in tokens {
        depth += i32::from(token.is(b'(')) - i32::from(token.is(b')'));
        if depth == 0 && token.is(b',') {
            all.push(source.get(start..token.start).unwrap_or_default().trim());
            start = token.end;
        }
    }
    if let Some(last) = tokens.last() {
        all.push(source.get(start..last.end).unwrap_or_default().trim());
    }
    all
}

/// The index of the parenthesis that closes the one at `open`.
pub(crate) fn matching(tokens: &[Token], open: usize) -> Option<usize> {
    matching_of(tokens, open, [b'(', b')'])
}

/// The index of the brace that closes the one at `open`.
pub(crate) fn matching_brace(tokens: &[Token], open: usize) -> Option<usize> {
    matching_of(tokens, open, [b'{', b'}'])
}

fn matching_of(tokens: &[Token], open: usize, [opens, closes]: [u8; 2]) -> Option<usize> {
    let mut depth = 0usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        if token.is(opens) {
            depth += 1;
        } else if token.is(closes) {
            depth = depth.checked_sub(1)?;
            if depth == 0 {
                return Some(at);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::c::lex;

    fn neutral(source: &str) -> String {
        let tokens: Vec<_> = lex::tokens(source, 0..source.len()).collect();
        let mut bytes = source.as_bytes().to_vec();
        neutralise(&mut bytes, 0, &tokens, source);
        String::from_utf8(bytes).expect("only whole tokens are replaced")
    }

    #[test]
    fn replacements_have_the_same_length() {
        assert_eq!(neutral("AP_DECLARE(int) f(void)"), "           int  f(void)");
        assert_eq!(neutral("module AP_MODULE_DECLARE_DATA m;"), "module                        m;");
        assert_eq!(neutral("f(r, APLOGNO(01) \"x\")"), "f(r,             \"x\")");
        assert_eq!(neutral("STACK_OF(X) *x;"), "STACK_OF_X_ *x;");
        assert_eq!(neutral("static APR_INLINE int x;"), "static            int x;");
    }

    #[test]
    fn hooks_declare_their_names() {
        let (kind, names) = declares("AP_DECLARE_HOOK", &["int", "ready", "(void)"]).expect("it is listed");
        assert_eq!(kind, DeclarationKind::Prototype);
        assert_eq!(names, ["ap_hook_ready", "ap_run_ready", "ap_hook_get_ready", "ap_HOOK_ready_t"]);
        let (_, names) = declares("APR_DECLARE_EXTERNAL_HOOK", &["ssl", "SSL", "int", "init", "(void)"])
            .expect("it is listed");
        assert_eq!(names, ["ssl_hook_init", "ssl_run_init", "ssl_hook_get_init", "ssl_HOOK_init_t"]);
        assert!(declares("SOMETHING", &[]).is_none());
    }
}
