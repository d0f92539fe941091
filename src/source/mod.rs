//! Where upstream comes from: patch files, a git commit, a release tarball, a plain tree.
//!
//! In: a [`SourceSpec`]. Out: [`Sources`]: patches in order and, where there is one, the tree they apply to, with digests.

mod error;
pub use error::Error;

use std::path::PathBuf;
use std::sync::Arc;

/// What a recipe says of its source: one of these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceSpec {
    /// Patch files in order, with or without the tree that they apply to.
    Patches {
        /// Absolute, or relative to the recipe's folder.
        files: Vec<PathBuf>,
        /// The tree the first one applies to.
        base: Option<Base>,
    },
    /// One upstream commit; its parent is the base tree.
    Commit {
        /// The repository's url, as upstream publishes it; git's own `url.*.insteadOf` may redirect it.
        url: String,
        /// The full commit id.
        commit: String,
    },
    /// Whole files from a release.
    Release {
        /// A url or a path relative to the recipe's folder.
        tarball: String,
        /// Of the tarball, lower-case hexadecimal.
        sha256: String,
        /// The module's files, beneath the tarball's top folder.
        files: Vec<String>,
    },
    /// A third-party module's own tree.
    Tree {
        /// Absolute, or relative to the recipe's folder.
        directory: PathBuf,
        /// The module's files, beneath it.
        files: Vec<String>,
    },
}

/// A tree that patches apply to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Base {
    /// A folder with an httpd source tree.
    Directory(PathBuf),
    /// A revision of a git repository (a url or a path).
    Git {
        /// Url or path.
        repository: String,
        /// Anything that git can resolve to a commit.
        revision: String,
    },
}

/// All that the later stages read; nothing after this stage goes to the network for source.
#[derive(Debug)]
pub struct Sources {
    /// In the order in which they apply. Empty for a release or a plain tree.
    pub patches: Vec<PatchFile>,
    /// The tree before the first patch; for a release or a plain tree, the tree itself.
    pub base: Option<Tree>,
    /// For a release or a plain tree: the module's own files, in the recipe's order.
    pub files: Vec<String>,
    /// In words, for the report: `1 patch`, `commit 2d1f1bf01e86 of https://…`.
    pub description: String,
}

/// One patch as it was found.
#[derive(Debug, Clone)]
pub struct PatchFile {
    /// For messages and for the source package: the file's name, or `COMMIT.patch`.
    pub name: String,
    /// The bytes, untouched.
    pub bytes: Arc<[u8]>,
    /// Lower-case hexadecimal SHA-256 of `bytes`.
    pub sha256: String,
    /// The upstream commit, where the source is one.
    pub commit: Option<String>,
}

/// A read-only source tree.
#[derive(Debug)]
pub struct Tree {
    pub(crate) root: TreeRoot,
}

#[derive(Debug)]
pub(crate) enum TreeRoot {
    Directory(PathBuf),
    Git { repository: PathBuf, commit: String },
}

impl Base {
    /// temporary
    pub fn parse(text: &str) -> Base {
        Base::Directory(PathBuf::from(text))
    }
}
