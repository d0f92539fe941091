//! Relations between packages: provides, requires, conflicts.

use serde::Serialize;

/// One relation, as rpm has it: a name, and where the flags compare, an `[epoch:]version[-release]`.
///
/// Ordered as rpmbuild orders them: by name, then version, then flags.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Relation {
    /// The capability.
    pub name: String,
    /// What it is compared with; empty for any.
    pub version: String,
    /// rpm's sense flags (lib/rpmds.h).
    pub flags: u32,
}

/// Sense: less than.
pub const LESS: u32 = 1 << 1;
/// Sense: greater than.
pub const GREATER: u32 = 1 << 2;
/// Sense: equal.
pub const EQUAL: u32 = 1 << 3;
/// A scriptlet's interpreter.
pub const INTERPRETER: u32 = 1 << 8;
/// Found in a file, as a requirement.
pub const FIND_REQUIRES: u32 = 1 << 14;
/// Found in a file, as a provision.
pub const FIND_PROVIDES: u32 = 1 << 15;
/// A feature that rpm itself has to have.
pub const RPMLIB: u32 = 1 << 24;
/// `config(NAME)`.
pub const CONFIG: u32 = 1 << 28;

impl Relation {
    /// Any version of `name`.
    pub fn any(name: impl Into<String>) -> Self {
        Relation { name: name.into(), version: String::new(), flags: 0 }
    }

    /// Exactly `version`.
    pub fn equal(name: impl Into<String>, version: impl Into<String>) -> Self {
        Relation { name: name.into(), version: version.into(), flags: EQUAL }
    }

    /// Less than `version`: what replaces something obsoletes what was there before.
    pub fn less(name: impl Into<String>, version: impl Into<String>) -> Self {
        Relation { name: name.into(), version: version.into(), flags: LESS }
    }

    /// `version` or later.
    pub fn at_least(name: impl Into<String>, version: impl Into<String>) -> Self {
        Relation { name: name.into(), version: version.into(), flags: GREATER | EQUAL }
    }

    /// `version` at most, of rpm itself.
    pub(super) fn rpmlib(feature: &str, version: &str) -> Self {
        Relation {
            name: format!("rpmlib({feature})"),
            version: version.to_owned(),
            flags: RPMLIB | LESS | EQUAL,
        }
    }

    /// With further flags.
    pub(super) fn with(mut self, flags: u32) -> Self {
        self.flags |= flags;
        self
    }

    /// As in a spec: `httpd-mmn = 20120211x8664`.
    pub fn text(&self) -> String {
        let operator: String = [(LESS, '<'), (GREATER, '>'), (EQUAL, '=')]
            .into_iter()
            .filter(|(flag, _)| self.flags & flag != 0)
            .map(|(_, sign)| sign)
            .collect();
        if operator.is_empty() || self.version.is_empty() {
            self.name.clone()
        } else {
            format!("{} {operator} {}", self.name, self.version)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relations_read_as_in_a_spec() {
        assert_eq!(Relation::any("gcc").text(), "gcc");
        assert_eq!(Relation::equal("httpd-mmn", "20120211x8664").text(), "httpd-mmn = 20120211x8664");
        assert_eq!(Relation::less("mod_old", "2.0").text(), "mod_old < 2.0");
        assert_eq!(Relation::at_least("httpd", "2.4.6").text(), "httpd >= 2.4.6");
        assert_eq!(Relation::rpmlib("FileDigests", "4.6.0-1").text(), "rpmlib(FileDigests) <= 4.6.0-1");
    }
}
