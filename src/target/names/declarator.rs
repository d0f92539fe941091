//! The names that one statement at file scope declares.

use super::NameKind;
use super::lexer::Token;

/// Reports the names that a whole statement at file scope declares.
pub fn declared(statement: &[Token<'_>], report: &mut dyn FnMut(&[u8], NameKind)) {
    let is_typedef = statement.contains(&Token::Word(b"typedef"));
    let kind = if is_typedef { NameKind::Type } else { NameKind::Object };
    let statement = without_attributes(statement);
    // `struct tag;` and `struct tag { … };` declare nothing else.
    let plain = |token: &Token<'_>| !matches!(token, Token::Word(b"extern" | b"static" | b"const"));
    let bare: Vec<_> = statement.iter().copied().filter(plain).collect();
    if let [Token::Word(b"struct" | b"union" | b"enum"), rest @ ..] = &bare[..]
        && matches!(rest, [Token::Body] | [Token::Word(_)] | [Token::Word(_), Token::Body])
    {
        return;
    }
    if let Some(name) = function(&statement) {
        report(name, kind);
        return;
    }
    for segment in segments(&statement) {
        if let Some(name) = pointer(segment).or_else(|| plain_name(segment)) {
            report(name, kind);
        }
    }
}

/// The name of a function: the first word before a parenthesis that is no macro of the return type or of linkage.
fn function<'a>(statement: &[Token<'a>]) -> Option<&'a [u8]> {
    let mut depth = 0_usize;
    for (at, token) in statement.iter().enumerate() {
        match token {
            Token::Sign(b'(') => depth += 1,
            Token::Sign(b')') => depth = depth.saturating_sub(1),
            Token::Sign(b'=') if depth == 0 => return None,
            Token::Word(name)
                if depth == 0 && at > 0 && statement.get(at + 1) == Some(&Token::Sign(b'(')) =>
            {
                let follows = match statement[at - 1] {
                    Token::Word(_) | Token::Body | Token::Sign(b'*' | b')') => true,
                    Token::Sign(_) | Token::Literal => false,
                };
                // `int (*name)(…)`: the word is the type, and a pointer is declared.
                if follows && !is_macro_name(name) && pointer(&statement[at + 1..]).is_none() {
                    return Some(name);
                }
            }
            _ => {}
        }
    }
    None
}

/// httpd's and APR's macros for linkage and attributes are written in capitals, their functions are not.
fn is_macro_name(name: &[u8]) -> bool {
    name.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_')
}

/// The name of a declared pointer to a function or array: `(*name)`, `(APR_THREAD_FUNC *name)`.
fn pointer<'a>(segment: &[Token<'a>]) -> Option<&'a [u8]> {
    for (at, token) in segment.iter().enumerate() {
        if *token != Token::Sign(b'(') {
            continue;
        }
        let inner = &segment[at + 1..];
        let close = inner.iter().position(|token| matches!(token, Token::Sign(b'(' | b')')))?;
        let inner = &inner[..close];
        let star = inner.iter().position(|token| *token == Token::Sign(b'*'));
        if let Some(star) = star
            && inner[..star].iter().all(|token| matches!(token, Token::Word(_)))
            && let Some(name) = inner.iter().rev().find_map(as_word)
            && segment.get(at + 1 + close + 1) == Some(&Token::Sign(b'('))
        {
            return Some(name);
        }
        return None;
    }
    None
}

/// The name of a declared variable or type: the last word before `[`, `:`, `=` or the end.
fn plain_name<'a>(segment: &[Token<'a>]) -> Option<&'a [u8]> {
    let end = segment
        .iter()
        .position(|token| matches!(token, Token::Sign(b'[' | b':' | b'=')))
        .unwrap_or(segment.len());
    let segment = &segment[..end];
    match segment.last()? {
        // One word alone is a macro that stands for a whole declaration.
        Token::Word(name) if segment.len() > 1 => Some(name),
        _ => None,
    }
}

fn as_word<'a>(token: &Token<'a>) -> Option<&'a [u8]> {
    match token {
        Token::Word(word) => Some(word),
        _ => None,
    }
}

/// A statement's declarators, which commas outside parentheses part; the first has the type in front.
fn segments<'s, 'a>(statement: &'s [Token<'a>]) -> Vec<&'s [Token<'a>]> {
    let mut depth = 0_usize;
    let mut start = 0;
    let mut parts = Vec::new();
    for (at, token) in statement.iter().enumerate() {
        match token {
            Token::Sign(b'(') => depth += 1,
            Token::Sign(b')') => depth = depth.saturating_sub(1),
            Token::Sign(b',') if depth == 0 => {
                parts.push(&statement[start..at]);
                // The comma stays, so that a declarator of one word is no macro that stands alone.
                start = at;
            }
            _ => {}
        }
    }
    parts.push(&statement[start..]);
    parts
}

/// The statement without `__attribute__((…))` and the like.
fn without_attributes<'a>(statement: &[Token<'a>]) -> Vec<Token<'a>> {
    let mut kept = Vec::with_capacity(statement.len());
    let mut tokens = statement.iter().copied().peekable();
    while let Some(token) = tokens.next() {
        if !matches!(
            token,
            Token::Word(b"__attribute__" | b"__asm__" | b"asm" | b"__declspec" | b"__extension__")
        ) {
            kept.push(token);
            continue;
        }
        let mut depth = 0_usize;
        while let Some(next) = tokens.peek() {
            match next {
                Token::Sign(b'(') => depth += 1,
                Token::Sign(b')') => depth = depth.saturating_sub(1),
                _ if depth == 0 => break,
                _ => {}
            }
            tokens.next();
            if depth == 0 {
                break;
            }
        }
    }
    kept
}
