//! Names of files in packages.

use std::collections::BTreeSet;

/// Longest name of a file; file systems allow 255 bytes.
const LONGEST: usize = 200;

/// A file name that a spec, a shell and a file system take without a thought: anything else becomes `_`.
pub(super) fn plain(name: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._+-".contains(c);
    let mut plain: String = name.chars().map(|c| if allowed(c) { c } else { '_' }).collect();
    if plain.len() > LONGEST {
        // All ASCII by now. The ending says what it is, so the end is kept.
        plain = plain.split_off(plain.len() - LONGEST);
    }
    if plain.starts_with(['.', '-']) || plain.is_empty() {
        plain.insert(0, '_');
    }
    plain
}

/// Gives each name once.
#[derive(Debug, Default)]
pub(super) struct Unique(BTreeSet<String>);

impl Unique {
    /// `name` made plain, with a number in front where it is taken.
    pub(super) fn take(&mut self, name: &str) -> String {
        let plain = plain(name);
        let mut candidate = plain.clone();
        let mut number = 1;
        while !self.0.insert(candidate.clone()) {
            number += 1;
            candidate = format!("{number}-{plain}");
        }
        candidate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_plain_and_stay_apart() {
        let mut names = Unique::default();
        assert_eq!(names.take("0001-add.patch"), "0001-add.patch");
        assert_eq!(names.take("a b%{x}'\"\n.patch"), "a_b__x____.patch");
        assert_eq!(names.take("../../etc/passwd"), "_.._.._etc_passwd");
        assert_eq!(names.take("a b.patch"), "a_b.patch");
        assert_eq!(names.take("a_b.patch"), "2-a_b.patch");
        assert_eq!(names.take("a_b.patch"), "3-a_b.patch");
        assert_eq!(names.take(".hidden"), "_.hidden");
        assert_eq!(names.take(""), "_");
        assert_eq!(names.take(&"x".repeat(300)).len(), 200);
    }
}
