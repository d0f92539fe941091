//! What a preprocessor condition is in the target, as far as its headers tell.

use super::Interface;
use crate::c::lex::{self, Token, TokenKind};
use crate::c::{Declaration, DeclarationKind, File, library, macros};

/// Expressions that refer to each other deeper than this are not followed.
const DEPTH: usize = 16;

/// The value of the condition `text`; nothing where the headers do not tell.
pub(super) fn value(text: &str, offered: &dyn Interface) -> Option<i64> {
    evaluate(text, offered, 0)
}

/// The name of which a condition asks only whether it is defined, and whether it wants it to be.
pub(super) fn is_defined(condition: &str) -> Option<(&str, bool)> {
    let tokens = lex::tokens(condition, 0..condition.len());
    let words: Vec<&str> =
        tokens.map(|token| token.text(condition)).filter(|word| !"()".contains(word)).collect();
    match words.as_slice() {
        ["defined", name] => Some((name, true)),
        ["!", "defined", name] => Some((name, false)),
        _ => None,
    }
}

fn evaluate(text: &str, offered: &dyn Interface, depth: usize) -> Option<i64> {
    if depth > DEPTH {
        return None;
    }
    let tokens: Vec<Token> =
        lex::tokens(text, 0..text.len()).filter(|token| token.kind != TokenKind::Comment).collect();
    let mut reader = Reader { text, tokens, at: 0, offered, depth };
    let value = reader.or();
    (reader.at == reader.tokens.len()).then_some(value).flatten()
}

struct Reader<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    at: usize,
    offered: &'a dyn Interface,
    depth: usize,
}

/// A value that is not known is nothing; all the same the text is read to its end.
type Value = Option<i64>;

impl<'a> Reader<'a> {
    fn word(&self, ahead: usize) -> &'a str {
        self.tokens.get(self.at + ahead).map_or("", |token| token.text(self.text))
    }

    /// Takes `signs`, which the lexer gives one by one.
    fn take(&mut self, signs: &str) -> bool {
        let found = signs.char_indices().all(|(at, sign)| self.word(at) == sign.to_string().as_str());
        if found {
            self.at += signs.len();
        }
        found
    }

    fn or(&mut self) -> Value {
        let mut value = self.and();
        while self.take("||") {
            let other = self.and();
            value = match (value, other) {
                (Some(one), _) if one != 0 => Some(1),
                (_, Some(other)) if other != 0 => Some(1),
                (Some(_), Some(_)) => Some(0),
                _ => None,
            };
        }
        value
    }

    fn and(&mut self) -> Value {
        let mut value = self.comparison();
        while self.take("&&") {
            let other = self.comparison();
            value = match (value, other) {
                (Some(0), _) | (_, Some(0)) => Some(0),
                (Some(_), Some(_)) => Some(1),
                _ => None,
            };
        }
        value
    }

    fn comparison(&mut self) -> Value {
        let left = self.unary();
        for (signs, compare) in [
            ("==", (|a, b| a == b) as fn(i64, i64) -> bool),
            ("!=", |a, b| a != b),
            (">=", |a, b| a >= b),
            ("<=", |a, b| a <= b),
            (">", |a, b| a > b),
            ("<", |a, b| a < b),
        ] {
            if self.take(signs) {
                let right = self.unary();
                return Some(i64::from(compare(left?, right?)));
            }
        }
        left
    }

    fn unary(&mut self) -> Value {
        if self.take("!") {
            return self.unary().map(|value| i64::from(value == 0));
        }
        if self.take("-") {
            return self.unary().and_then(i64::checked_neg);
        }
        if self.take("(") {
            let value = self.or();
            return if self.take(")") { value } else { None };
        }
        let word = self.word(0);
        self.at += 1;
        if word == "defined" {
            let enclosed = self.take("(");
            let name = self.word(0);
            self.at += 1;
            if enclosed && !self.take(")") {
                return None;
            }
            return self.defined(name).map(i64::from);
        }
        if word.starts_with(|first: char| first.is_ascii_digit()) {
            return number(word);
        }
        if self.word(0) == "(" {
            return self.call(word);
        }
        self.macro_value(word)
    }

    /// `AP_MODULE_MAGIC_AT_LEAST(major, minor)`; of other calls nothing is known.
    fn call(&mut self, name: &str) -> Value {
        let mut arguments = Vec::new();
        self.at += 1;
        let (mut depth, mut start) = (1usize, self.at);
        while depth > 0 {
            match self.word(0) {
                "" => return None,
                "(" => depth += 1,
                ")" => depth -= 1,
                _ => {}
            }
            if depth == 0 || depth == 1 && self.word(0) == "," {
                arguments.push(self.tokens.get(start..self.at).unwrap_or_default().to_vec());
                start = self.at + 1;
            }
            self.at += 1;
        }
        let [major, minor] = arguments.as_slice() else { return None };
        let argument = |tokens: &[Token]| match tokens {
            [only] => number(only.text(self.text)),
            _ => None,
        };
        if name != "AP_MODULE_MAGIC_AT_LEAST" {
            return None;
        }
        let (major, minor) = (argument(major)?, argument(minor)?);
        let own =
            (self.macro_value("MODULE_MAGIC_NUMBER_MAJOR")?, self.macro_value("MODULE_MAGIC_NUMBER_MINOR")?);
        Some(i64::from(own.0 > major || own.0 == major && own.1 >= minor))
    }

    fn defined(&self, name: &str) -> Option<bool> {
        if library::is_never_defined(name) {
            return Some(false);
        }
        match self.offered.declared_in(name) {
            Some(_) => self.is_macro(name),
            None => macros::is_reserved(name).then_some(false),
        }
    }

    /// Nothing where the header defines it on a condition of its own; that nobody has defined it before is none
    /// (`MODULE_MAGIC_NUMBER_MAJOR`).
    fn is_macro(&self, name: &str) -> Option<bool> {
        let file = File::new(self.offered.read_header(&self.offered.declared_in(name)?)?);
        let macros = || file.find(name).filter(|(_, found)| found.kind == DeclarationKind::Macro);
        let unless_before = format!("!defined({name})");
        let certain = |(_, found): (usize, &Declaration)| {
            found.conditions.iter().all(|condition| *condition == unless_before)
        };
        match macros().next() {
            None => Some(false),
            Some(_) => macros().any(certain).then_some(true),
        }
    }

    fn macro_value(&self, name: &str) -> Value {
        match self.defined(name)? {
            false => Some(0),
            true => {
                let file = File::new(self.offered.read_header(&self.offered.declared_in(name)?)?);
                let mut all = file.find(name).filter(|(_, found)| found.kind == DeclarationKind::Macro);
                let (piece, _) = all.next()?;
                // A second definition stands behind a condition.
                if all.next().is_some() {
                    return None;
                }
                let (_, body) = file.code(piece).split_once(name)?;
                evaluate(body, self.offered, self.depth + 1)
            }
        }
    }
}

fn number(text: &str) -> Option<i64> {
    let digits = text.trim_end_matches(['u', 'U', 'l', 'L']);
    match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(hexadecimal) => i64::from_str_radix(hexadecimal, 16).ok(),
        None if digits.len() > 1 && digits.starts_with('0') => i64::from_str_radix(digits, 8).ok(),
        None => digits.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    struct Headers;

    impl Interface for Headers {
        fn declared_in(&self, name: &str) -> Option<String> {
            ["MODULE_MAGIC_NUMBER_MAJOR", "MODULE_MAGIC_NUMBER_MINOR", "AP_A", "AP_B", "ap_f", "AP_C"]
                .contains(&name)
                .then(|| "ap_mmn.h".to_owned())
        }
        fn exported_by(&self, _: &str) -> Option<String> {
            None
        }
        fn has_header(&self, _: &str) -> bool {
            true
        }
        fn read_header(&self, _: &str) -> Option<Arc<str>> {
            let text = "#ifndef MODULE_MAGIC_NUMBER_MAJOR\n#define MODULE_MAGIC_NUMBER_MAJOR 20051115\n#endif\n#define MODULE_MAGIC_NUMBER_MINOR 24 /* x */\n\
                        #define AP_A 1\n#define AP_B AP_A\nint ap_f(void);\n#ifdef X\n#define AP_C 1\n#endif\n";
            Some(text.into())
        }
    }

    #[test]
    fn conditions_have_a_value_where_the_headers_tell() {
        for (text, expected) in [
            ("AP_MODULE_MAGIC_AT_LEAST(20051115,24)", Some(1)),
            ("!AP_MODULE_MAGIC_AT_LEAST(20051115, 25)", Some(1)),
            ("MODULE_MAGIC_NUMBER_MAJOR >= 20060110 || defined(WIN32)", Some(0)),
            ("AP_B == 1 && !defined(AP_NEW)", Some(1)),
            ("defined AP_A && (AP_A > 1)", Some(0)),
            ("defined(ap_f)", Some(0)),
            ("defined(AP_C)", None),
            ("HAVE_X && AP_NEW", Some(0)),
            ("HAVE_X", None),
            ("AP_A + 1", None),
            ("F(1)", None),
            ("0x10 == 020", Some(1)),
            ("", None),
            ("((((", None),
        ] {
            assert_eq!(value(text, &Headers), expected, "{text}");
        }
    }
}
