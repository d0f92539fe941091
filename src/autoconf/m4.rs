//! Calls of m4 macros and their arguments. Nothing is expanded: a call is found wherever it stands.

/// A call, with its arguments as m4 would pass them: blanks before each taken off, and one level of quotes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Call {
    pub arguments: Vec<String>,
}

impl Call {
    /// The argument at this place, trimmed; empty where there is none.
    pub fn argument(&self, at: usize) -> &str {
        self.arguments.get(at).map_or("", |argument| argument.trim())
    }
}

/// The text without its `dnl` comments, which go to the end of their line and take the line end with them, so that a list
/// whose lines end in `dnl` is one line.
pub(super) fn without_comments(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = word(rest, "dnl", kept.chars().next_back()) {
        kept.push_str(&rest[..at]);
        rest = rest[at..].split_once('\n').map_or("", |(_, after)| after);
    }
    kept.push_str(rest);
    kept
}

/// Where `name` stands in `text` as a word of its own. `before` is the character in front of the text.
fn word(text: &str, name: &str, before: Option<char>) -> Option<usize> {
    text.match_indices(name).map(|(at, _)| at).find(|at| {
        let left = text[..*at].chars().next_back().or(before);
        let right = text[at + name.len()..].chars().next();
        !left.is_some_and(is_name) && !right.is_some_and(is_name)
    })
}

pub(super) fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// More calls than this are in no honest file, and each is read to its end.
const MAX_CALLS: usize = 200;

/// No call is longer, in bytes. The longest of httpd's, with the shell code for a library, has some 6 KiB.
const MAX_CALL: usize = 32 << 10;

/// The calls of macro `name`, in order. One whose parentheses are not closed is passed over.
pub(super) fn calls(text: &str, name: &str) -> Vec<Call> {
    let mut found = Vec::new();
    let (mut start, mut met) = (0, 0);
    while let Some(at) = word(&text[start..], name, text[..start].chars().next_back()) {
        start += at + name.len();
        if let Some(inside) = text[start..].strip_prefix('(') {
            met += 1;
            if met > MAX_CALLS {
                break;
            }
            found.extend(arguments(inside).map(|arguments| Call { arguments }));
        }
    }
    found
}

/// The arguments up to the closing parenthesis; nothing where it is missing.
fn arguments(text: &str) -> Option<Vec<String>> {
    let mut arguments = Vec::new();
    let mut argument = String::new();
    let (mut quotes, mut parentheses) = (0_u32, 0_u32);
    let end = (0..=MAX_CALL.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    let mut characters = text[..end].chars();
    while let Some(c) = characters.next() {
        match c {
            '[' => {
                quotes += 1;
                if quotes == 1 {
                    continue;
                }
            }
            ']' if quotes > 0 => {
                quotes -= 1;
                if quotes == 0 {
                    continue;
                }
            }
            _ if quotes > 0 => {}
            '(' => parentheses += 1,
            ')' if parentheses == 0 => {
                arguments.push(argument);
                return Some(arguments);
            }
            ')' => parentheses -= 1,
            ',' if parentheses == 0 => {
                arguments.push(std::mem::take(&mut argument));
                continue;
            }
            // A comment outside of quotes: its commas and parentheses are none.
            '#' if argument.chars().next_back().is_none_or(char::is_whitespace) => {
                characters.by_ref().find(|c| *c == '\n')?;
                continue;
            }
            c if c.is_whitespace() && argument.is_empty() => continue,
            _ => {}
        }
        argument.push(c);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<Vec<String>> {
        calls(&without_comments(text), "M").into_iter().map(|call| call.arguments).collect()
    }

    #[test]
    fn arguments_are_quoted_and_nested_as_in_m4() {
        for (text, arguments) in [
            ("M(a, b c ,d)", vec!["a", "b c ", "d"]),
            ("M()", vec![""]),
            ("M(a (b, c), d)", vec!["a (b, c)", "d"]),
            ("M([a, b], [[c]], \n  d[)]e)", vec!["a, b", "[c]", "d)e"]),
            ("M(a, # no, argument\n b)", vec!["a", "b"]),
            ("M(a, [#include <x.h>])", vec!["a", "#include <x.h>"]),
            ("if x; then [M(a)] fi", vec!["a"]),
        ] {
            assert_eq!(read(text), [arguments], "{text}");
        }
    }

    #[test]
    fn what_is_no_whole_call_is_none() {
        for text in ["", "M", "M (a)", "AM(a)", "M_A(a)", "M(a", "M([a)", "dnl M(a)\n", "M(# )"] {
            assert_eq!(read(text), [] as [Vec<String>; 0], "{text}");
        }
    }

    #[test]
    fn comments_join_lines() {
        assert_eq!(
            without_comments("x=\"dnl\na.lo dnl # one\nb.lo dnl\n\"\ndnly dnl"),
            "x=\"a.lo b.lo \"\ndnly "
        );
    }
}
