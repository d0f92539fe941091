//! Packages as metadata has them.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use super::relation::{Relation, Version};
use super::rich::Requirement;
use crate::download::Digest;

/// A package that can be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Its name, safe as a part of a file name.
    pub name: String,
    /// Epoch, version and release, safe as parts of a file name.
    pub evr: Version,
    /// `x86_64`, `noarch`.
    pub arch: String,
    /// Where it lies: a url, or a path on this machine.
    pub url: String,
    /// Bytes, as stated.
    pub size: u64,
    /// As stated; by SHA-1 in repositories of old.
    pub checksum: Digest,
    /// The repository that it is of, as it was named.
    pub repository: Arc<str>,
}

impl Package {
    /// `name-1:2.4.6-97.el7.x86_64`; the epoch only where it is not 0.
    pub fn nevra(&self) -> String {
        format!("{}-{}.{}", self.name, self.evr, self.arch)
    }

    /// `name-2.4.6-97.el7.x86_64.rpm`, as packages are called wherever they lie.
    pub fn file_name(&self) -> String {
        format!("{}-{}-{}.{}.rpm", self.name, self.evr.version, self.evr.release, self.arch)
    }

    /// The newer first, then the one for a processor before the one for all.
    pub(super) fn newer_first(&self, other: &Package) -> Ordering {
        other
            .evr
            .compare(&self.evr)
            .then_with(|| (self.arch == "noarch").cmp(&(other.arch == "noarch")))
            .then_with(|| self.url.cmp(&other.url))
    }
}

impl fmt::Display for Package {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.nevra())
    }
}

/// A package with what decides whether it is needed.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub package: Package,
    pub provides: Vec<Relation>,
    pub requires: Vec<Requirement>,
    /// Those that primary has: commands and configuration.
    pub files: Vec<String>,
}
