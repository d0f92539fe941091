//! The tree that bare patches apply to: a folder, or a revision of a git repository.

use std::path::{Path, PathBuf};

use super::git::cache::Cache;
use super::git::{Location, Repository};
use super::{Base, Error, Options, Tree};
use crate::address::shown;

impl Base {
    /// Reads what `--base` and a recipe's `base` take: `DIR` or `GIT@REV`. What is wrong with it shows in
    /// [`fetch`](super::fetch).
    ///
    /// The last `@` divides, so `git@host:httpd.git@2.4.x` is the branch 2.4.x of an ssh url. A folder whose own name has an
    /// `@` is written with a slash behind it.
    pub fn parse(text: &str) -> Base {
        match text.rsplit_once('@') {
            Some((repository, revision)) if !text.ends_with('/') => {
                Base::Git { repository: repository.to_owned(), revision: revision.to_owned() }
            }
            _ => Base::Directory(PathBuf::from(text)),
        }
    }

    /// The same with paths made absolute from the current folder, for what was typed on a command line.
    ///
    /// # Errors
    /// [`Error::Io`] where there is no current folder.
    pub fn absolute(self) -> Result<Base, Error> {
        Ok(match self {
            Base::Directory(path) if path.as_os_str().is_empty() => Base::Directory(path),
            Base::Directory(path) => Base::Directory(std::path::absolute(path)?),
            Base::Git { repository, revision }
                if !repository.is_empty() && Location::of(&repository) == Location::Path =>
            {
                let path = std::path::absolute(&repository)?;
                Base::Git { repository: path.to_string_lossy().into_owned(), revision }
            }
            remote => remote,
        })
    }

    /// Catches what was meant otherwise than it reads.
    fn check(&self) -> Result<(), Error> {
        let problem = match self {
            Base::Directory(path) if path.as_os_str().is_empty() => "it is empty",
            Base::Directory(path) if path.to_string_lossy().contains("://") => {
                "a url needs a revision: URL@REV"
            }
            Base::Git { repository, revision } if repository.is_empty() || revision.is_empty() => {
                "there must be something on both sides of the @"
            }
            // `git@host:path` and `https://user@host/path`: that @ belongs to the url.
            Base::Git { repository, revision }
                if revision.contains(':')
                    || repository.split_once("://").is_some_and(|(_, rest)| !rest.contains('/')) =>
            {
                "a url needs a revision: URL@REV"
            }
            _ => return Ok(()),
        };
        let text = match self {
            Base::Directory(path) => shown(&path.display().to_string()),
            Base::Git { repository, revision } => shown(&format!("{repository}@{revision}")),
        };
        Err(Error::BaseText { text, problem })
    }
}

/// The tree, and what to call it.
pub(super) fn open(base: &Base, recipe_dir: &Path, options: &Options) -> Result<(Tree, String), Error> {
    match base {
        Base::Directory(directory) => {
            let path = recipe_dir.join(directory);
            let words = path.display().to_string();
            Ok((Tree::directory(&folder(base, path)?)?, words))
        }
        Base::Git { repository, revision } => {
            let words = format!("{revision} of {}", shown(repository));
            let (place, commit) = commit(base, recipe_dir, options)?;
            Ok((Tree::git(&place, &commit)?, words))
        }
    }
}

/// The folder `path` of a base that is one.
pub(super) fn folder(base: &Base, path: PathBuf) -> Result<PathBuf, Error> {
    base.check()?;
    check(path)
}

/// The repository of a base that is a revision, and the revision's full commit id.
pub(super) fn commit(
    base: &Base,
    recipe_dir: &Path,
    options: &Options,
) -> Result<(Repository, String), Error> {
    base.check()?;
    let Base::Git { repository, revision } = base else {
        return Err(Error::BaseText { text: String::new(), problem: "it is a folder" });
    };
    match Location::of(repository) {
        Location::Path => {
            let path = check(recipe_dir.join(repository))?;
            let place = Repository::at(&path);
            let commit = place.resolve(repository, revision)?;
            Ok((place, commit))
        }
        Location::Remote => Cache::of(repository, options)?.revision(revision),
    }
}

fn check(path: PathBuf) -> Result<PathBuf, Error> {
    let problem = match fs_err::metadata(&path) {
        Ok(found) if found.is_dir() => return Ok(path),
        Ok(_) => "is not a folder",
        Err(_) => "does not exist",
    };
    Err(Error::Base { path, problem })
}
