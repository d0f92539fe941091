//! A macro that upstream's build would give to the compiler: `-DNAME=VALUE`.

use std::fmt;
use std::str::FromStr;

use crate::c::{lex, macros};

/// A macro without parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Define {
    /// A C identifier.
    pub name: String,
    /// What it stands for, in one line.
    pub value: String,
}

impl FromStr for Define {
    type Err = &'static str;

    /// Reads `NAME` or `NAME=VALUE`, as the compiler has it behind `-D`: the name alone stands for 1.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, value) = text.split_once('=').unwrap_or((text, "1"));
        if name.is_empty()
            || !name.chars().all(lex::is_identifier_part)
            || name.starts_with(|first: char| first.is_ascii_digit())
        {
            return Err("its name is no C identifier");
        }
        if macros::is_reserved(name) {
            return Err("such a name is httpd's own, and its meaning the target's");
        }
        if value.contains(|letter: char| letter.is_control()) || value.ends_with('\\') {
            return Err("its value is not one line");
        }
        Ok(Define { name: name.to_owned(), value: value.to_owned() })
    }
}

/// The directive, without its line end.
impl fmt::Display for Define {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "#define {} {}", self.name, self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_read_as_the_compiler_reads_them() {
        let directive = |text: &str| text.parse::<Define>().map(|define| define.to_string());
        for (text, expected) in
            [("A_1", "#define A_1 1"), ("A=", "#define A "), ("V=\"mod_x/1=2\"", "#define V \"mod_x/1=2\"")]
        {
            assert_eq!(directive(text).as_deref(), Ok(expected));
        }
        for wrong in ["", "=1", "1A", "A B", "-DA", "F(x)=x", "AP_DEBUG", "A=1\n#include <x.h>", "A=b\\"] {
            assert!(directive(wrong).is_err(), "{wrong:?}");
        }
    }
}
