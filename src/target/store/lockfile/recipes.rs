//! What a lock file says of recipes.

use std::path::{Component, Path};

use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::super::Error;
use super::Reader;
use crate::source::{Content, Pinned};

/// As it is read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    pub path: Spanned<String>,
    #[serde(default)]
    source: Vec<RawSource>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSource {
    role: Spanned<String>,
    from: Option<String>,
    asked: Option<String>,
    commit: Option<Spanned<String>>,
    tree: Option<Spanned<String>>,
    sha256: Option<Spanned<String>>,
}

/// As it is written.
#[derive(Serialize)]
pub(super) struct Out<'a> {
    path: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    source: Vec<OutSource<'a>>,
}

#[derive(Serialize)]
struct OutSource<'a> {
    role: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    asked: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tree: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<&'a str>,
}

impl<'a> Out<'a> {
    pub fn of(path: &'a str, sources: &'a [Pinned]) -> Self {
        let out = |source: &'a Pinned| {
            let (commit, tree, sha256) = match &source.content {
                Content::Sha256(sha256) => (None, None, Some(sha256)),
                Content::Change { commit, sha256 } => (Some(commit), None, Some(sha256)),
                Content::Tree { commit, tree } => (Some(commit), Some(tree), None),
            };
            let text = |text: Option<&'a String>| text.map(String::as_str);
            OutSource {
                role: &source.role,
                from: text(source.from.as_ref()),
                asked: text(source.asked.as_ref()),
                commit: text(commit),
                tree: text(tree),
                sha256: text(sha256),
            }
        };
        Out { path, source: sources.iter().map(out).collect() }
    }
}

impl Reader<'_> {
    /// The sources of a recipe, sorted.
    pub(super) fn recipe(&self, raw: &Raw) -> Result<Vec<Pinned>, Error> {
        let inside = |part| matches!(part, Component::Normal(_) | Component::CurDir);
        let path = raw.path.get_ref();
        if path.is_empty() || path.contains(char::is_control) || !Path::new(path).components().all(inside) {
            return Err(self.wrong(raw.path.span(), "this is no folder beneath the lock file's own"));
        }
        let mut sources: Vec<Pinned> =
            raw.source.iter().map(|source| self.source(source)).collect::<Result<_, _>>()?;
        sources.sort();
        Ok(sources)
    }

    fn source(&self, raw: &RawSource) -> Result<Pinned, Error> {
        let commit = self.digits(raw.commit.as_ref(), 40, "a commit")?;
        let tree = self.digits(raw.tree.as_ref(), 40, "a tree")?;
        let sha256 = self.digits(raw.sha256.as_ref(), 64, "a SHA-256")?;
        let content = match (commit, tree, sha256) {
            (None, None, Some(sha256)) => Content::Sha256(sha256),
            (Some(commit), None, Some(sha256)) => Content::Change { commit, sha256 },
            (Some(commit), Some(tree), None) => Content::Tree { commit, tree },
            _ => return Err(self.wrong(raw.role.span(), "this source has no digest, or one too many")),
        };
        let (role, from, asked) = (raw.role.get_ref().clone(), raw.from.clone(), raw.asked.clone());
        Ok(Pinned { role, from, asked, content })
    }

    fn digits(
        &self,
        text: Option<&Spanned<String>>,
        count: usize,
        what: &str,
    ) -> Result<Option<String>, Error> {
        let Some(text) = text else { return Ok(None) };
        let digit = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.get_ref().len() == count && text.get_ref().bytes().all(digit) {
            return Ok(Some(text.get_ref().clone()));
        }
        Err(self.wrong(text.span(), &format!("{what} has {count} hexadecimal digits, in lower case")))
    }
}
