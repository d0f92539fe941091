//! What a source is from, by its content: the same words for a lock file and for a record of a build.

use super::{Base, Error, SourceSpec, Sources, portable};
use crate::autoconf;
use crate::hash::sha256;

/// A thing that a source is made of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pinned {
    /// What it is to the source: `patch/NAME`, `commit`, `tarball`, `folder`, `base`.
    pub role: String,
    /// Where it is from: a url, or of a place on this machine the last part.
    pub from: Option<String>,
    /// What of it was asked for: a branch, a tag or a commit; nothing where there is no choice.
    pub asked: Option<String>,
    /// What it is.
    pub content: Content,
}

/// Content by its digest, in lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Content {
    /// Of a file, or of a list of files ([`super::Tree::digest`]).
    Sha256(String),
    /// A commit's change, as the patch that modgraft makes of it.
    Change {
        /// Full id.
        commit: String,
        /// Of the patch.
        sha256: String,
    },
    /// A commit's tree.
    Tree {
        /// Full id.
        commit: String,
        /// Full id.
        tree: String,
    },
}

impl Pinned {
    /// Whether it comes from elsewhere, and is no file or folder that travels with the recipe.
    pub fn is_outside(&self) -> bool {
        match &self.content {
            Content::Change { .. } | Content::Tree { .. } => true,
            Content::Sha256(_) => {
                self.role == TARBALL && self.from.as_ref().is_some_and(|from| from.contains("://"))
            }
        }
    }

    /// The commit that it is of.
    pub fn commit(&self) -> Option<&str> {
        match &self.content {
            Content::Change { commit, .. } | Content::Tree { commit, .. } => Some(commit),
            Content::Sha256(_) => None,
        }
    }
}

const TARBALL: &str = "tarball";

/// Endings of the files in a folder that a module can be made of.
const CODE: &[&str] = &[".c", ".h", ".inc", ".def", ".m4", ".in"];

impl Sources {
    /// What the sources of `spec` were made of, in their order.
    ///
    /// # Errors
    /// A folder that cannot be read any more.
    pub fn pinned(&self, spec: &SourceSpec) -> Result<Vec<Pinned>, Error> {
        let mut all = Vec::new();
        let mut add = |role: &str, from: Option<&str>, asked: Option<&str>, content| {
            let (from, asked) = (from.map(portable), asked.map(str::to_owned));
            all.push(Pinned { role: role.to_owned(), from, asked, content });
        };
        match spec {
            SourceSpec::Commit { url, commit } => {
                for patch in &self.patches {
                    let content = Content::Change { commit: commit.clone(), sha256: patch.sha256.clone() };
                    add("commit", Some(url), Some(commit), content);
                }
            }
            SourceSpec::Release { tarball, sha256, .. } => {
                add(TARBALL, Some(tarball), None, Content::Sha256(sha256.to_ascii_lowercase()));
            }
            SourceSpec::Revision { url, commit, .. } => {
                add("commit", Some(url), Some(commit), self.tree()?);
            }
            SourceSpec::Tree { directory, .. } => {
                add("folder", Some(&directory.to_string_lossy()), None, self.tree()?);
            }
            SourceSpec::Patches { base, .. } => {
                for patch in &self.patches {
                    add(&format!("patch/{}", patch.name), None, None, Content::Sha256(patch.sha256.clone()));
                }
                match base {
                    None => {}
                    Some(Base::Directory(folder)) => {
                        add("base", Some(&folder.to_string_lossy()), None, self.tree()?);
                    }
                    Some(Base::Git { repository, revision }) => {
                        add("base", Some(repository), Some(revision), self.tree()?);
                    }
                }
            }
        }
        Ok(all)
    }

    fn tree(&self) -> Result<Content, Error> {
        let Some(tree) = &self.base else { return Ok(Content::Sha256(sha256(b""))) };
        if let Some(revision) = tree.revision() {
            return Ok(Content::Tree { commit: revision.commit.clone(), tree: revision.tree.clone() });
        }
        let counts =
            |path: &str| CODE.iter().any(|ending| path.ends_with(ending)) || autoconf::is_configuration(path);
        Ok(Content::Sha256(tree.digest(&counts)?))
    }
}
