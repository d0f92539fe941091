//! Where upstream comes from: patch files, a git commit, a release tarball, a plain tree.
//!
//! In: a [`SourceSpec`]. Out: [`Sources`]: patches in order and, where there is one, the tree they apply to, with digests.
//! After [`fetch`] nothing goes to the network for source: what it cannot have whole, it refuses.

mod base;
mod commit;
mod error;
mod git;
mod history;
mod patches;
pub(crate) mod path;
mod pinned;
mod release;
mod snapshot;
mod tree;

pub use error::Error;
pub use history::{History, Upcoming, newer};
pub use patches::MAX_PATCH_BYTES;
pub use pinned::{Content, Pinned};
pub use snapshot::{RELEASE_HEADER, httpd_version, portable, version as release_version};
pub use tree::{Revision, Tree};

/// Whether this is a commit's id in full: 40 lower-case hexadecimal digits.
pub fn is_full_id(revision: &str) -> bool {
    git::is_full_id(revision)
}

/// Whether a repository's name is an address, and no path on this machine.
pub fn is_remote(repository: &str) -> bool {
    matches!(git::Location::of(repository), git::Location::Remote)
}

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::hash::sha256;
use crate::{address, beside};

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
    /// Whole files from a revision of a git repository.
    Revision {
        /// Url or path.
        url: String,
        /// The full commit id.
        commit: String,
        /// The module's files.
        files: Vec<String>,
    },
    /// Whole files from a folder: a third-party module's own tree, or an unpacked release.
    Tree {
        /// Absolute, or relative to the recipe's folder.
        directory: PathBuf,
        /// The module's files, beneath it.
        files: Vec<String>,
    },
}

/// Something that a source is made of, and that the words for it do not pin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unpinned<'a> {
    /// A file, absolute or relative to the recipe's folder.
    File(&'a Path),
    /// All files in a folder, absolute or relative to the recipe's folder.
    Folder(&'a Path),
    /// A name in a git repository that can move.
    Revision {
        /// Url or path.
        repository: &'a str,
        /// A branch, or a tag.
        revision: &'a str,
    },
}

impl SourceSpec {
    /// What may be another one the next time, though the words are the same.
    pub fn unpinned(&self) -> Vec<Unpinned<'_>> {
        match self {
            SourceSpec::Patches { files, base } => {
                let files = files.iter().map(|file| Unpinned::File(file));
                files.chain(base.iter().filter_map(Base::unpinned)).collect()
            }
            SourceSpec::Tree { directory, .. } => vec![Unpinned::Folder(directory)],
            SourceSpec::Commit { .. } | SourceSpec::Release { .. } | SourceSpec::Revision { .. } => {
                Vec::new()
            }
        }
    }
}

impl Base {
    /// As [`SourceSpec::unpinned`].
    pub fn unpinned(&self) -> Option<Unpinned<'_>> {
        match self {
            Base::Directory(folder) => Some(Unpinned::Folder(folder)),
            Base::Git { revision, .. } if git::is_full_id(revision) => None,
            Base::Git { repository, revision } => Some(Unpinned::Revision { repository, revision }),
        }
    }
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
        /// Anything that git can resolve to a commit; for a url: a branch, a tag or a full commit id.
        revision: String,
    },
}

/// An upstream tree to take whole modules from, as a person names it; [`Snapshot::pin`] makes it exact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Snapshot {
    /// A release.
    Tarball {
        /// A url or a path.
        tarball: String,
        /// Lower-case hexadecimal SHA-256, where stated: a url's must be.
        sha256: Option<String>,
    },
    /// A folder, or a revision of a git repository.
    Tree(Base),
}

/// How to fetch.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder for what can be fetched again, see [`crate::paths::cache`].
    pub cache: PathBuf,
    /// Whether the network is forbidden. What is cached or on this machine is used all the same.
    pub offline: bool,
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

impl Sources {
    /// The same with headers of the recipe's folder in the tree, under the same paths.
    ///
    /// # Errors
    /// [`Error::HeadersWithoutTree`], [`Error::Header`] where one cannot be read.
    pub fn with_headers(mut self, headers: &[PathBuf], recipe_dir: &Path) -> Result<Sources, Error> {
        if headers.is_empty() {
            return Ok(self);
        }
        let Some(tree) = &mut self.base else { return Err(Error::HeadersWithoutTree) };
        for header in headers {
            let path = header.to_string_lossy().into_owned();
            let bytes = beside::read(recipe_dir, header)
                .map_err(|reason| Error::Header { path: path.clone(), reason })?;
            tree.add(&path, bytes.into())?;
        }
        Ok(self)
    }
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

impl PatchFile {
    /// A patch that is at hand; the digest is made here and nowhere else.
    pub fn new(name: impl Into<String>, bytes: impl Into<Arc<[u8]>>, commit: Option<String>) -> Self {
        let bytes = bytes.into();
        PatchFile { name: name.into(), sha256: sha256(&bytes), bytes, commit }
    }
}

impl SourceSpec {
    /// The same source, of which these are the module's files; patches and commits bring their own.
    pub fn with_files(self, wanted: Vec<String>) -> SourceSpec {
        match self {
            SourceSpec::Release { tarball, sha256, .. } => {
                SourceSpec::Release { tarball, sha256, files: wanted }
            }
            SourceSpec::Revision { url, commit, .. } => SourceSpec::Revision { url, commit, files: wanted },
            SourceSpec::Tree { directory, .. } => SourceSpec::Tree { directory, files: wanted },
            other @ (SourceSpec::Patches { .. } | SourceSpec::Commit { .. }) => other,
        }
    }

    /// The same source without users and passwords in its urls: what a recipe may say of it.
    pub fn shown(self) -> SourceSpec {
        match self {
            SourceSpec::Patches { files, base: Some(Base::Git { repository, revision }) } => {
                let base = Some(Base::Git { repository: address::shown(&repository), revision });
                SourceSpec::Patches { files, base }
            }
            SourceSpec::Commit { url, commit } => SourceSpec::Commit { url: address::shown(&url), commit },
            SourceSpec::Release { tarball, sha256, files } => {
                SourceSpec::Release { tarball: address::shown(&tarball), sha256, files }
            }
            SourceSpec::Revision { url, commit, files } => {
                SourceSpec::Revision { url: address::shown(&url), commit, files }
            }
            other @ (SourceSpec::Patches { .. } | SourceSpec::Tree { .. }) => other,
        }
    }
}

/// The whole tree that `spec` takes files from; nothing where it is of patches. Relative paths are taken from `recipe_dir`.
///
/// # Errors
/// As [`fetch`].
pub fn tree(spec: &SourceSpec, recipe_dir: &Path, options: &Options) -> Result<Option<Tree>, Error> {
    Ok(match spec {
        SourceSpec::Patches { .. } | SourceSpec::Commit { .. } => None,
        SourceSpec::Release { tarball, sha256, .. } => {
            Some(release::tree(tarball, sha256, recipe_dir, options)?)
        }
        SourceSpec::Revision { url, commit, .. } => {
            let at = Base::Git { repository: url.clone(), revision: commit.clone() };
            Some(base::open(&at, recipe_dir, options)?.0)
        }
        SourceSpec::Tree { directory, .. } => Some(Tree::directory(&recipe_dir.join(directory))?),
    })
}

/// Brings together all that `spec` names. Relative paths in it are taken from `recipe_dir`.
///
/// # Errors
/// [`Error`]: what is missing, malformed, unsafe, too large, or cannot be fetched.
pub fn fetch(spec: &SourceSpec, recipe_dir: &Path, options: &Options) -> Result<Sources, Error> {
    match spec {
        SourceSpec::Patches { files, base } => {
            let patches = patches::read(files, recipe_dir)?;
            let count = match patches.len() {
                1 => "1 patch".to_owned(),
                n => format!("{n} patches"),
            };
            let (base, description) = match base {
                None => (None, count),
                Some(base) => {
                    let (tree, words) = base::open(base, recipe_dir, options)?;
                    (Some(tree), format!("{count} on {words}"))
                }
            };
            Ok(Sources { patches, base, files: Vec::new(), description })
        }
        SourceSpec::Commit { url, commit } => commit::fetch(url, commit, recipe_dir, options),
        SourceSpec::Release { tarball, sha256, files } => {
            release::fetch(tarball, sha256, files, recipe_dir, options)
        }
        SourceSpec::Revision { url, commit, files } => {
            if !git::is_full_id(commit) {
                return Err(Error::CommitId { commit: commit.clone() });
            }
            let at = Base::Git { repository: url.clone(), revision: commit.clone() };
            let (tree, _) = base::open(&at, recipe_dir, options)?;
            let files = tree::wanted(&tree, files)?;
            let description = format!(
                "{} of commit {} of {}",
                tree::count(files.len()),
                &commit[..12],
                address::shown(url)
            );
            Ok(Sources { patches: Vec::new(), base: Some(tree), files, description })
        }
        SourceSpec::Tree { directory, files } => tree::plain(&recipe_dir.join(directory), files),
    }
}
