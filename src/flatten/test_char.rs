//! `test_char.h`, which httpd's build makes: a table of what each byte is to escaping. The build runs a program of the tree for
//! it. Nothing of a tree is run here, so the program's conditions are read and worked out instead.

use std::fmt::Write;

use crate::c::lex::{self, Token, TokenKind};
use crate::c::{library, macros};

/// The program's path in the tree, and that of the header in the same folder.
pub(super) const PROGRAM: &str = "server/gen_test_char.c";
pub(super) const HEADER: &str = "server/test_char.h";

/// The header that the program `source` would print; nothing where it has a condition that is not understood.
pub(super) fn header(source: &str) -> Option<String> {
    let tokens = tokens_here(source);
    let tests = tests(source, &tokens)?;
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in &tests {
        if !names.contains(name) {
            names.push(name);
        }
    }
    if names.is_empty() || names.len() > 16 {
        return None;
    }
    let mut text = String::from("/* worked out by modgraft from gen_test_char.c */\n\n");
    for (bit, name) in names.iter().enumerate() {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "#define {name} ({})", 1u32 << bit);
    }
    let kind = if names.len() > 8 { "short" } else { "char" };
    let _ = write!(text, "\nstatic const unsigned {kind} test_char_table[256] = {{");
    for byte in 0..=255u8 {
        let mut flags = 0u32;
        for (name, tokens) in &tests {
            let bit = names.iter().position(|known| known == name)?;
            let mut condition = Condition { source, tokens, at: 0, byte };
            if condition.whole()? {
                flags |= 1 << bit;
            }
        }
        let line = if byte % 16 == 0 { "\n    " } else { " " };
        let comma = if byte < 255 { "," } else { "" };
        let _ = write!(text, "{line}{flags}{comma}");
    }
    text.push_str("\n};\n");
    // Newer ones print the macro that looks it up as well; before, it was util.c's own.
    if source.contains("#define TEST_CHAR(") {
        text.push_str("\n#define TEST_CHAR(c, f) (test_char_table[(unsigned char)(c)] & (f))\n");
    }
    Some(text)
}

/// Whether a condition that names this is of another system than those that something is made for here.
fn is_elsewhere(name: &str) -> bool {
    library::is_never_defined(name) || matches!(name, "CHARSET_EBCDIC" | "NEED_ENHANCED_ESCAPES")
}

/// The tokens that are compiled on Linux.
fn tokens_here(source: &str) -> Vec<Token> {
    let mut all = Vec::new();
    // Of each open `#if`, whether its current branch counts.
    let mut open: Vec<bool> = Vec::new();
    for token in lex::tokens(source, 0..source.len()) {
        match token.kind {
            TokenKind::Comment => {}
            TokenKind::Directive => {
                let line = token.text(source).trim_start_matches('#').trim_start();
                if line.starts_with("if") {
                    let elsewhere =
                        lex::tokens(line, 0..line.len()).any(|token| is_elsewhere(token.text(line)));
                    open.push(!elsewhere || line.starts_with("ifndef") || line.contains('!'));
                } else if line.starts_with("el") {
                    if let Some(last) = open.last_mut() {
                        *last = !*last;
                    }
                } else if line.starts_with("endif") {
                    open.pop();
                }
            }
            _ if open.iter().all(|counts| *counts) => all.push(token),
            _ => {}
        }
    }
    all
}

/// Each `if (CONDITION) { flags |= NAME; }`.
fn tests<'a>(source: &'a str, tokens: &'a [Token]) -> Option<Vec<(&'a str, &'a [Token])>> {
    let mut all = Vec::new();
    let mut condition = None;
    let word = |at: usize| tokens.get(at).map_or("", |token| token.text(source));
    for at in 0..tokens.len() {
        if word(at) == "if" {
            let close = macros::matching(tokens, at + 1)?;
            condition = tokens.get(at + 2..close);
        } else if word(at) == "flags" && word(at + 1) == "|" && word(at + 2) == "=" {
            all.push((word(at + 3), condition?));
        }
    }
    Some(all)
}

/// A condition over the byte `c`.
struct Condition<'a> {
    source: &'a str,
    tokens: &'a [Token],
    at: usize,
    byte: u8,
}

impl<'a> Condition<'a> {
    fn whole(&mut self) -> Option<bool> {
        let value = self.or()?;
        (self.at == self.tokens.len()).then_some(value)
    }

    fn word(&self) -> &'a str {
        self.tokens.get(self.at).map_or("", |token| token.text(self.source))
    }

    fn take(&mut self, word: &str) -> bool {
        let found = self.word() == word;
        self.at += usize::from(found);
        found
    }

    /// Takes an operator of two signs.
    fn take_both(&mut self, sign: u8) -> bool {
        let is = |at: usize| self.tokens.get(at).is_some_and(|token| token.is(sign));
        let found = is(self.at) && is(self.at + 1);
        self.at += if found { 2 } else { 0 };
        found
    }

    fn or(&mut self) -> Option<bool> {
        let mut value = self.and()?;
        while self.take_both(b'|') {
            value |= self.and()?;
        }
        Some(value)
    }

    fn and(&mut self) -> Option<bool> {
        let mut value = self.single()?;
        while self.take_both(b'&') {
            value &= self.single()?;
        }
        Some(value)
    }

    fn single(&mut self) -> Option<bool> {
        if self.take("!") {
            return self.single().map(|value| !value);
        }
        if self.take("(") {
            let value = self.or()?;
            return self.take(")").then_some(value);
        }
        let name = self.word();
        self.at += 1;
        match name {
            "c" => {
                let negated = self.take("!");
                if !negated && self.word() != "=" {
                    return Some(self.byte != 0);
                }
                if !self.take("=") || !negated && !self.take("=") {
                    return None;
                }
                let literal = characters(self.word())?;
                self.at += 1;
                match literal.as_slice() {
                    [only] => Some((*only == self.byte) != negated),
                    _ => None,
                }
            }
            "strchr" => {
                let enclosed = self.take("(");
                let set = characters(self.word())?;
                self.at += 1;
                let rest = enclosed && self.take(",") && self.take("c") && self.take(")");
                // The end of the string is one of its characters.
                rest.then(|| self.byte == 0 || set.contains(&self.byte))
            }
            _ => {
                let rest = self.take("(") && self.take("c") && self.take(")");
                let byte = self.byte;
                match name.strip_prefix("apr_").unwrap_or(name) {
                    _ if !rest => None,
                    "isalnum" => Some(byte.is_ascii_alphanumeric()),
                    "iscntrl" => Some(byte.is_ascii_control()),
                    "isprint" => Some((0x20..0x7f).contains(&byte)),
                    _ => None,
                }
            }
        }
    }
}

/// What a string or character constant stands for.
fn characters(literal: &str) -> Option<Vec<u8>> {
    let quote = literal.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    let inner = literal.strip_prefix(quote)?.strip_suffix(quote)?;
    let mut all = Vec::new();
    let mut bytes = inner.bytes();
    while let Some(byte) = bytes.next() {
        all.push(match byte {
            b'\\' => match bytes.next()? {
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                other @ (b'\\' | b'"' | b'\'') => other,
                _ => return None,
            },
            byte => byte,
        });
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::header;

    fn program(tests: &str) -> String {
        format!(
            "int main(void)\n{{\n    for (c = 0; c < 256; ++c) {{\n        flags = 0;\n{tests}\n    }}\n}}\n"
        )
    }

    #[test]
    fn the_table_is_worked_out() {
        let text = header(&program(
            "#if defined(WIN32)\n if (c == 'w') {\n flags |= T_A;\n }\n#else\n if (c && strchr(\"a\\n\\\"\", c)) {\n flags |= T_A;\n }\n#endif\n\
             /* if (c) */ if (!apr_isalnum(c) && (c != '\\t' || !c)) {\n flags |= T_B;\n }",
        ))
        .unwrap();
        assert!(text.contains("#define T_A (1)\n#define T_B (2)\n"), "{text}");
        let numbers: Vec<u32> = text
            .split_once('{')
            .unwrap()
            .1
            .split(|letter: char| !letter.is_ascii_digit())
            .filter_map(|number| number.parse().ok())
            .collect();
        assert_eq!(numbers.len(), 256);
        let of = |letter: char| numbers[letter as usize];
        assert_eq!(
            [of('\0'), of('a'), of('b'), of('w'), of('"'), of('\n'), of('\t'), of('-')],
            [2, 1, 0, 0, 3, 3, 0, 2]
        );
    }

    #[test]
    fn what_is_not_understood_makes_no_table() {
        assert_eq!(header(&program("if (f(c)) { flags |= T_A; }")), None);
        assert_eq!(header(&program("if (c == ) { flags |= T_A; }")), None);
        assert_eq!(header("int main(void) { return 0; }"), None);
        assert_eq!(header("flags |= if ("), None);
    }
}
