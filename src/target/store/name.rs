//! What an added target may be called: it becomes the name of a folder, and stands behind `--target`.

use std::fmt;

use super::Error;

/// The name of an added target.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name(String);

/// The target that is always there; what is fetched for it lies beside the added ones, under names that begin so.
const OWN: &str = "local";

/// File systems take no longer names than 255, and some is put before and behind it. Bytes.
const LONGEST: usize = 100;

impl Name {
    /// Takes a name.
    ///
    /// # Errors
    /// [`Error::Name`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        let wrong = |reason: &'static str| Error::Name { name: text.to_owned(), reason };
        let first = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        if text.is_empty() || text.len() > LONGEST {
            return Err(wrong("it must have 1 to 100 characters"));
        }
        if !text.starts_with(first) {
            return Err(wrong("it must begin with a lower-case letter or a digit"));
        }
        if !text.chars().all(|c| first(c) || matches!(c, '.' | '_' | '-')) {
            return Err(wrong("it may have lower-case letters, digits, `.`, `_` and `-` only"));
        }
        if text == OWN || text.strip_prefix(OWN).is_some_and(|rest| rest.starts_with('-')) {
            return Err(wrong("`local` is this machine's own httpd"));
        }
        // Such a file stands beside a target's folder while that is made.
        if text.ends_with(".lock") {
            return Err(wrong("it must not end in `.lock`"));
        }
        Ok(Name(text.to_owned()))
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain() {
        for good in ["el8", "8", "debian-11", "a.b_c", "locale", "el8-aarch64"] {
            assert_eq!(Name::parse(good).unwrap().as_str(), good);
        }
        let long = "a".repeat(101);
        for bad in ["", "local", "local-debian", "El8", ".x", "-x", "a/b", "..", "ä", "a b", "x.lock", &long]
        {
            assert!(matches!(Name::parse(bad), Err(Error::Name { .. })), "{bad}");
        }
    }
}
