//! A recipe's text as it grows, with what is left to write.

use std::fmt::Write;

use toml::Value;

use crate::changeset::Fact;
use crate::lint::LEFT;

/// As wide as a description may be, in characters.
pub(super) const WIDTH: usize = 79;

/// The text as it grows.
#[derive(Default)]
pub(super) struct Text {
    pub out: String,
    /// In the words of its comments.
    pub left: Vec<String>,
}

impl Text {
    pub fn value(&mut self, key: &str, value: &str, from: Option<&str>) {
        let from = from.map(|from| format!("  # {}", one_line(from))).unwrap_or_default();
        let _ = writeln!(self.out, "{key} = {}{from}", Value::from(value));
    }

    pub fn list(&mut self, key: &str, values: &[String]) {
        let values = values.iter().map(|value| Value::from(value.as_str())).collect();
        let _ = writeln!(self.out, "{key} = {}", Value::Array(values));
    }

    /// A value, with where it is from; or what is to be written.
    pub fn known(&mut self, key: &str, fact: Option<&Fact>, otherwise: &str) {
        match fact.filter(|fact| !fact.value.trim().is_empty()) {
            Some(fact) => self.value(key, &one_line(&fact.value), Some(&format!("from {}", fact.from))),
            None => self.left(&format!("{key} = \"…\": {otherwise}")),
        }
    }

    /// Text of several lines, wrapped where it is not.
    pub fn paragraphs(&mut self, key: &str, fact: &Fact) {
        let _ = writeln!(self.out, "# From {}.", one_line(&fact.from));
        let paragraphs = fact.value.split("\n\n").map(|paragraph| wrapped(paragraph, WIDTH).join("\n"));
        let whole = paragraphs.filter(|paragraph| !paragraph.is_empty()).collect::<Vec<_>>().join("\n\n");
        let plain = !whole.contains("\"\"\"")
            && !whole.contains('\\')
            && !whole.contains(|c: char| c.is_control() && c != '\n');
        match plain {
            true => {
                let _ = writeln!(self.out, "{key} = \"\"\"\n{whole}\n\"\"\"");
            }
            false => self.value(key, &whole, None),
        }
    }

    pub fn left(&mut self, what: &str) {
        let what = one_line(what);
        let _ = writeln!(self.out, "{LEFT} {what}");
        self.left.push(what);
    }

    pub fn check(&mut self, name: &str, directive: &str, rejected: Option<&str>) {
        self.out.push_str("\n[[check]]\n");
        self.value("name", name, None);
        self.value("directive", directive, None);
        if let Some(message) = rejected {
            self.value("rejected", message, None);
        }
    }
}

/// On one line, without characters that no comment of a TOML file can have.
fn one_line(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Lines of at most so many characters; a longer word has one of its own.
pub(super) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
