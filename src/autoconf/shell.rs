//! Variables of the shell code between the macros: what may be assigned to each. Nothing is run and no branch is chosen: a
//! variable stands for all that is assigned to it anywhere.

use std::collections::{BTreeMap, BTreeSet};

use super::m4::is_name;

/// All values that each variable is given, in order.
#[derive(Debug, Default)]
pub(super) struct Variables {
    values: BTreeMap<String, Vec<String>>,
}

impl Variables {
    /// Reads the assignments of a text, and adds them to those that are known.
    pub fn read(&mut self, text: &str) {
        for (at, _) in text.match_indices('=').take(MAX_ASSIGNMENTS) {
            let start = text[..at].trim_end_matches(is_name).len();
            let name = &text[start..at];
            let before = text[..start].chars().next_back();
            let apart = before.is_none_or(|c| c.is_whitespace() || "[;&|".contains(c));
            if !apart || !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
                continue;
            }
            if let Some(value) = value(&text[at + 1..]) {
                self.values.entry(name.to_owned()).or_default().push(value.to_owned());
            }
        }
    }

    /// What is assigned to a variable.
    pub fn of(&self, name: &str) -> &[String] {
        self.values.get(name).map_or(&[], Vec::as_slice)
    }

    /// The words of a text with all variables in place, each once.
    pub fn words(&self, text: &str) -> Vec<String> {
        let mut words = Vec::new();
        self.expand(text, &mut BTreeSet::new(), &mut words);
        words
    }

    fn expand(&self, text: &str, met: &mut BTreeSet<String>, words: &mut Vec<String>) {
        for word in text.split(|c: char| c.is_whitespace() || "\"'\\".contains(c)) {
            match reference(word) {
                Some(name) => {
                    // `x="$x more"` is one list that grows.
                    if met.insert(name.to_owned()) {
                        for value in self.of(name) {
                            self.expand(value, met, words);
                        }
                    }
                }
                None if word.is_empty() || words.iter().any(|known| known == word) => {}
                None => words.push(word.to_owned()),
            }
        }
    }
}

/// The variables that a text names.
pub(super) fn references(text: &str) -> BTreeSet<&str> {
    text.match_indices('$').filter_map(|(at, _)| reference(&text[at..])).collect()
}

/// The name behind `$` or `${` at the beginning of a word.
fn reference(word: &str) -> Option<&str> {
    let rest = word.strip_prefix('$')?;
    let rest = rest.strip_prefix('{').unwrap_or(rest);
    let name = &rest[..rest.find(|c: char| !is_name(c)).unwrap_or(rest.len())];
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_').then_some(name)
}

/// More than this are in no honest file; httpd's have some hundred.
const MAX_ASSIGNMENTS: usize = 4000;

/// No value is longer, in bytes. The longest of httpd's, mod_md's list of files, has under 1 KiB.
const MAX_VALUE: usize = 4 << 10;

/// The value at the beginning of a text, without its quotes.
fn value(text: &str) -> Option<&str> {
    let end = (0..=MAX_VALUE.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    let text = &text[..end];
    let quote = text.chars().next().filter(|c| "\"'`".contains(*c));
    let Some(quote) = quote else {
        let end = text.find(|c: char| c.is_whitespace() || ";])&|".contains(c)).unwrap_or(text.len());
        return Some(&text[..end]);
    };
    let inside = &text[1..];
    let mut escaped = false;
    let end = inside.find(|c: char| {
        let ends = c == quote && !escaped;
        escaped = c == '\\' && !escaped && quote != '\'';
        ends
    })?;
    Some(&inside[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_followed_through_variables() {
        let mut variables = Variables::default();
        variables.read(
            "a=\"x.lo\\\n  y.lo\"\nb='z.lo'; c=$a\ncase in *os2*)\n a=\"$a ../x.la\"\nesac\nd=`run $a`",
        );
        assert_eq!(variables.words("${a} $b"), ["x.lo", "y.lo", "../x.la", "z.lo"]);
        assert_eq!(variables.words("$c"), ["x.lo", "y.lo", "../x.la"]);
        assert_eq!(variables.of("d"), ["run $a"]);
        assert_eq!(variables.words("$unknown w.lo"), ["w.lo"]);
    }

    #[test]
    fn what_only_looks_like_an_assignment_is_none() {
        let mut variables = Variables::default();
        variables.read("--with-x=y test a==b -Dx=1 =z \"open=\"no 9a=1 q=\"never closed");
        assert!(
            variables.of("x").is_empty() && variables.of("open").is_empty() && variables.of("q").is_empty()
        );
    }

    #[test]
    fn references_have_their_defaults_taken_off() {
        assert_eq!(references("${a:--lx} $b/c $1 $$ ${d}"), BTreeSet::from(["a", "b", "d"]));
    }
}
