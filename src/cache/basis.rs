//! What a result is made of.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::hash::{ListHash, sha256};

/// All that a result depends on, by name. Two that are equal give the same bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Basis(BTreeMap<String, String>);

/// The name of a result: SHA-256 of its basis.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(String);

impl Basis {
    /// States one: a digest, a version, a flag.
    pub fn state(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.insert(name.into(), value.into());
    }

    /// States a digest of bytes.
    pub fn digest(&mut self, name: impl Into<String>, bytes: &[u8]) {
        self.state(name, sha256(bytes));
    }

    /// States all that `other` does.
    pub fn extend(&mut self, other: &Basis) {
        self.0.extend(other.0.iter().map(|(name, value)| (name.clone(), value.clone())));
    }

    /// One of them.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The key. Names and values are told apart by their lengths, whatever is in them.
    pub fn key(&self) -> Key {
        let mut list = ListHash::default();
        self.0.iter().flat_map(|(name, value)| [name, value]).for_each(|part| list.add(part));
        Key(list.hex())
    }
}

impl Key {
    /// 64 hexadecimal digits, lower case.
    pub fn hex(&self) -> &str {
        &self.0
    }

    /// So many of them as a person needs.
    pub fn short(&self) -> &str {
        &self.0[..12]
    }
}

impl fmt::Display for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.short())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_and_value_counts() {
        let basis = |pairs: &[(&str, &str)]| {
            let mut basis = Basis::default();
            pairs.iter().for_each(|(name, value)| basis.state(*name, *value));
            basis.key()
        };
        let key = basis(&[("a", "1"), ("b", "2")]);
        assert_eq!(key, basis(&[("b", "2"), ("a", "1")]));
        for other in
            [&[("a", "1")][..], &[("a", "1"), ("b", "3")], &[("a", "1b"), ("", "2")], &[("a1", "b2")]]
        {
            assert_ne!(key, basis(other), "{other:?}");
        }
        assert_eq!((key.hex().len(), key.short().len()), (64, 12));
    }
}
