//! A configuration file's lines and words, as httpd's own reader cuts them (server/util.c: `ap_cfg_getline`,
//! `ap_getword_conf`).

/// A line with those that continue it, without white space around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Where it begins, counted from 1.
    pub first: usize,
    /// Where it ends: what httpd states in its messages.
    pub last: usize,
    /// Its text.
    pub text: String,
}

/// How a backslash before the end of a line is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Continuation {
    /// httpd 2.4: it always continues the line.
    Always,
    /// httpd 2.2: two of them are one backslash, and the line ends.
    Escapable,
}

/// The lines of a text, from the first.
#[derive(Debug)]
pub struct Lines {
    text: String,
    at: usize,
    number: usize,
    continuation: Continuation,
}

/// What C calls white space in httpd's locale (`apr_isspace`).
pub fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\u{b}' | '\u{c}' | '\r')
}

impl Lines {
    /// Of this text.
    pub fn new(text: String, continuation: Continuation) -> Self {
        Lines { text, at: 0, number: 0, continuation }
    }

    /// How many were read.
    pub fn number(&self) -> usize {
        self.number
    }
}

impl Iterator for Lines {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        let first = self.number + 1;
        let mut whole = String::new();
        let mut any = false;
        while let Some(rest) = self.text.get(self.at..).filter(|rest| !rest.is_empty()) {
            any = true;
            self.number += 1;
            let (line, ended) = match rest.split_once('\n') {
                Some((line, _)) => (line, true),
                None => (rest, false),
            };
            self.at += line.len() + usize::from(ended);
            let line = line.strip_suffix('\r').filter(|_| ended).unwrap_or(line);
            let before = whole.len();
            whole.push_str(line);
            if !ended {
                break;
            }
            let continued = match self.continuation {
                Continuation::Always => whole.ends_with('\\'),
                Continuation::Escapable => {
                    let here = &whole[before..];
                    if here.ends_with("\\\\") {
                        whole.pop();
                        false
                    } else {
                        here.ends_with('\\')
                    }
                }
            };
            if !continued {
                break;
            }
            whole.pop();
        }
        any.then(|| Line { first, last: self.number, text: whole.trim_matches(is_space).to_owned() })
    }
}

/// Takes the first word off a line: what is between quotes, with a backslash before a quote or a backslash, or what is
/// between white space. `None`: there is none; an empty one in quotes is a word.
pub fn word(line: &mut &str) -> Option<String> {
    let rest = line.trim_start_matches(is_space);
    let quote = rest.chars().next()?;
    let (inner, after) = if matches!(quote, '"' | '\'') {
        let inner = &rest[1..];
        let mut escaped = false;
        let end = inner.char_indices().find(|(at, c)| {
            if escaped {
                escaped = false;
            } else if *c == '\\' && inner[at + 1..].starts_with([quote, '\\']) {
                escaped = true;
            } else {
                return *c == quote;
            }
            false
        });
        let end = end.map_or(inner.len(), |(at, _)| at);
        (unescaped(&inner[..end], Some(quote)), inner[end..].strip_prefix(quote).unwrap_or(""))
    } else {
        let end = rest.find(is_space).unwrap_or(rest.len());
        (unescaped(&rest[..end], None), &rest[end..])
    };
    *line = after.trim_start_matches(is_space);
    Some(inner)
}

/// All words of a line.
pub fn words(line: &str) -> Vec<String> {
    let mut rest = line;
    std::iter::from_fn(|| word(&mut rest)).collect()
}

fn unescaped(text: &str, quote: Option<char>) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let escapes = |next: &char| *next == '\\' || Some(*next) == quote;
        match rest.next_if(|next| c == '\\' && escapes(next)) {
            Some(next) => plain.push(next),
            None => plain.push(c),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str, continuation: Continuation) -> Vec<(usize, usize, String)> {
        Lines::new(text.to_owned(), continuation).map(|line| (line.first, line.last, line.text)).collect()
    }

    #[test]
    fn a_backslash_continues_a_line() {
        let text = " a \\\n b\\\r\nc\r\n\nd\\";
        let expected = [(1, 3, "a  bc"), (4, 4, ""), (5, 5, "d\\")];
        for continuation in [Continuation::Always, Continuation::Escapable] {
            let read = lines(text, continuation);
            let read: Vec<_> =
                read.iter().map(|(first, last, text)| (*first, *last, text.as_str())).collect();
            assert_eq!(read, expected);
        }
        assert_eq!(lines("a\\\\\nb", Continuation::Always), [(1, 2, "a\\b".to_owned())]);
        assert_eq!(
            lines("a\\\\\nb", Continuation::Escapable),
            [(1, 1, "a\\".to_owned()), (2, 2, "b".to_owned())]
        );
    }

    #[test]
    fn quotes_hold_words_together() {
        assert_eq!(words(r#"Load "a b" 'c "d' e\\f "g\"h\\" "#), ["Load", "a b", "c \"d", "e\\f", "g\"h\\"]);
        assert_eq!(words(r#""open end"#), ["open end"]);
        assert_eq!(words(r#""a"b"#), ["a", "b"]);
        assert_eq!(words("a\\"), ["a\\"]);
        assert!(words(" \t").is_empty());
        assert_eq!(words("\"\" x"), ["", "x"]);
    }
}
