//! Rich requirements: `(a or b)`, `(a if b else c)`, `(a >= 1 with a < 2)`.

use std::fmt;

use super::relation::{Relation, Sense, Version};

/// Parentheses within each other. What is in use has two.
const DEEPEST: usize = 8;

/// What a package requires.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Requirement {
    /// One thing.
    Plain(Relation),
    /// All of them.
    And(Vec<Requirement>),
    /// One of them, the first that there is.
    Or(Vec<Requirement>),
    /// All of them, of one package.
    With(Vec<Requirement>),
    /// The first, of a package that is not the second.
    Without(Box<[Requirement; 2]>),
    /// The first where the second is there; where not, the third.
    If(Box<[Requirement; 2]>, Option<Box<Requirement>>),
    /// The first where the second is not there; where it is, the third.
    Unless(Box<[Requirement; 2]>, Option<Box<Requirement>>),
}

impl Requirement {
    /// Reads a rich requirement. Nothing where it is malformed.
    pub(super) fn parse(text: &str) -> Option<Requirement> {
        let mut parser = Parser { rest: text.trim() };
        let requirement = parser.group(0)?;
        parser.rest.trim().is_empty().then_some(requirement)
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |formatter: &mut fmt::Formatter<'_>, parts: &[Requirement], word: &str| {
            formatter.write_str("(")?;
            for (index, part) in parts.iter().enumerate() {
                if index > 0 {
                    write!(formatter, " {word} ")?;
                }
                write!(formatter, "{part}")?;
            }
            formatter.write_str(")")
        };
        let either = |formatter: &mut fmt::Formatter<'_>,
                      two: &[Requirement; 2],
                      word: &str,
                      other: &Option<Box<Requirement>>| {
            write!(formatter, "({} {word} {}", two[0], two[1])?;
            match other {
                Some(other) => write!(formatter, " else {other})"),
                None => formatter.write_str(")"),
            }
        };
        match self {
            Requirement::Plain(relation) => relation.fmt(formatter),
            Requirement::And(parts) => list(formatter, parts, "and"),
            Requirement::Or(parts) => list(formatter, parts, "or"),
            Requirement::With(parts) => list(formatter, parts, "with"),
            Requirement::Without(two) => list(formatter, &two[..], "without"),
            Requirement::If(two, other) => either(formatter, two, "if", other),
            Requirement::Unless(two, other) => either(formatter, two, "unless", other),
        }
    }
}

struct Parser<'a> {
    rest: &'a str,
}

impl<'a> Parser<'a> {
    /// `(…)`.
    fn group(&mut self, depth: usize) -> Option<Requirement> {
        self.rest = self.rest.trim_start().strip_prefix('(').filter(|_| depth < DEEPEST)?;
        let first = self.operand(depth)?;
        let Some(word) = self.operator() else { return self.close(first) };
        let second = self.operand(depth)?;
        match word {
            "and" | "or" | "with" => {
                let mut parts = vec![first, second];
                while let Some(next) = self.operator() {
                    if next != word {
                        return None;
                    }
                    parts.push(self.operand(depth)?);
                }
                self.close(match word {
                    "and" => Requirement::And(parts),
                    "or" => Requirement::Or(parts),
                    _ => Requirement::With(parts),
                })
            }
            "without" => self.close(Requirement::Without(Box::new([first, second]))),
            "if" | "unless" => {
                let other = match self.operator() {
                    Some("else") => Some(Box::new(self.operand(depth)?)),
                    Some(_) => return None,
                    None => None,
                };
                let two = Box::new([first, second]);
                self.close(match word {
                    "if" => Requirement::If(two, other),
                    _ => Requirement::Unless(two, other),
                })
            }
            _ => None,
        }
    }

    fn close(&mut self, requirement: Requirement) -> Option<Requirement> {
        self.rest = self.rest.trim_start().strip_prefix(')')?;
        Some(requirement)
    }

    fn operand(&mut self, depth: usize) -> Option<Requirement> {
        if self.rest.trim_start().starts_with('(') {
            return self.group(depth + 1);
        }
        let name = self.word()?;
        let before = self.rest;
        if let Some(sense) = self.word().and_then(Sense::sign) {
            let version = Version::parse(self.word()?)?;
            return Some(Requirement::Plain(Relation {
                name: name.to_owned(),
                versions: Some((sense, version)),
            }));
        }
        self.rest = before;
        Some(Requirement::Plain(Relation::any(name)))
    }

    fn operator(&mut self) -> Option<&'a str> {
        let before = self.rest;
        let word = self.word();
        if word.is_none() {
            self.rest = before;
        }
        word
    }

    /// Up to a blank, or a parenthesis that this word has not opened: `libc.so.6()(64bit)` is one.
    fn word(&mut self) -> Option<&'a str> {
        let text = self.rest.trim_start();
        let mut open = 0_usize;
        let end = text.find(|letter: char| {
            match letter {
                '(' => open += 1,
                ')' if open == 0 => return true,
                ')' => open -= 1,
                _ => {}
            }
            letter.is_whitespace() && open == 0
        });
        let (word, rest) = text.split_at(end.unwrap_or(text.len()));
        self.rest = rest;
        (!word.is_empty()).then_some(word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_use_is_read() {
        // Of the forms that the repositories of EL8, EL9 and Fedora have.
        for text in [
            "(glibc-gconv-extra(x86-64) = 2.34-60.el9 if redhat-rpm-config)",
            "(annobin-plugin-gcc if gcc)",
            "(crypto-policies-scripts or a)",
            "(python3.9dist(requests) < 3 with python3.9dist(requests) >= 2.14.2)",
            "(a unless b else c)",
            "(a if (b and c))",
            "(libc.so.6()(64bit) or libc.so.6(GLIBC_2.4)(64bit) or d)",
            "(a without b)",
            "((a or b) and c >= 1:2-3 and d)",
            "(a if b else (c if d))",
        ] {
            let read = Requirement::parse(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(read.to_string(), text);
        }
        assert_eq!(Requirement::parse("( a )").unwrap().to_string(), "a");
    }

    #[test]
    fn what_is_malformed_is_none() {
        let deep = "(".repeat(100) + "a" + &")".repeat(100);
        for bad in [
            "",
            "(",
            "()",
            "(a",
            "(a b)",
            "(a or)",
            "(a or b and c)",
            "(a >= )",
            "(a if b if c)",
            "(a) b",
            &deep,
        ] {
            assert_eq!(Requirement::parse(bad), None, "{bad}");
        }
    }
}
