//! `--locked`: what a build uses from outside must be what the lock file has. Nothing is built else.

use std::path::{Path, PathBuf};

use miette::Diagnostic;

use crate::error::Kind;
use crate::paths;
use crate::source::{self, Base, Pinned, SourceSpec};
use crate::target;
use crate::target::store::{LOCK_FILE, LockFile, Name, Store};

/// What the lock file does not have, or has otherwise.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum Error {
    /// There is none.
    #[error("there is no lock file {}", .0.display())]
    #[diagnostic(
        code(modgraft::locked::no_file),
        help(
            "`modgraft update --write` makes one, `modgraft target add` as well; --lock names it where it is elsewhere"
        )
    )]
    NoFile(PathBuf),

    /// A source that it does not have.
    #[error("{} does not have {what}", lock.display())]
    #[diagnostic(
        code(modgraft::locked::missing),
        help(
            "`modgraft update --write` puts the sources of recipes there; what no recipe names cannot be locked"
        )
    )]
    Missing {
        /// The lock file.
        lock: PathBuf,
        /// In words: `commit 2d1f… of https://…`.
        what: String,
    },

    /// A source that it has otherwise.
    #[error("{what} is {found}, and {} has {locked}", lock.display())]
    #[diagnostic(code(modgraft::locked::differs), help("{help}"))]
    Differs {
        /// The lock file.
        lock: PathBuf,
        /// In words.
        what: String,
        /// What would be used.
        found: String,
        /// What is locked.
        locked: String,
        /// How they become the same again.
        help: String,
    },

    /// A target that it does not have.
    #[error("{} does not have the target `{target}`", lock.display())]
    #[diagnostic(
        code(modgraft::locked::target),
        help(
            "a target is locked by `modgraft target add NAME` from repositories or packages; this machine's own httpd, a folder and a pack are not"
        )
    )]
    Target {
        /// The lock file.
        lock: PathBuf,
        /// As it was asked for.
        target: String,
    },
}

impl Error {
    /// The kind, which decides the exit code.
    pub fn kind(&self) -> Kind {
        match self {
            Error::NoFile(_) => Kind::Usage,
            Error::Missing { .. } | Error::Differs { .. } | Error::Target { .. } => Kind::Input,
        }
    }
}

/// A lock file in use.
#[derive(Debug)]
pub struct Locks {
    path: PathBuf,
    content: LockFile,
}

/// The lock file of the recipes in folders in `recipes`, where nobody names one: the nearest from that folder up to the current
/// one; where there is none, that of the current folder. Recipes that are not beneath it have theirs in `recipes`.
pub fn lock_file(recipes: &Path) -> PathBuf {
    let own = PathBuf::from(LOCK_FILE);
    let (Ok(recipes), Ok(here)) = (fs_err::canonicalize(recipes), fs_err::canonicalize(".")) else {
        return own;
    };
    if !recipes.starts_with(&here) {
        return recipes.join(LOCK_FILE);
    }
    let folders = recipes.ancestors().take_while(|folder| folder.starts_with(&here));
    let near = folders.map(|folder| folder.join(LOCK_FILE)).find(|file| file.is_file());
    // As a person would write it.
    near.map_or(own, |file| file.strip_prefix(&here).map_or_else(|_| file.clone(), Path::to_owned))
}

/// A recipe's folder as a lock file names it: by its path from the lock file's folder.
pub(super) fn name_of(lock: &Path, recipe: &Path) -> Option<String> {
    let folder = match lock.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let real =
        |path: &Path| fs_err::canonicalize(if path.as_os_str().is_empty() { Path::new(".") } else { path });
    let (folder, recipe) = (real(folder).ok()?, real(recipe).ok()?);
    match recipe.strip_prefix(&folder).ok()?.to_str()? {
        "" => Some(".".to_owned()),
        path => Some(path.to_owned()),
    }
}

/// `commit 2d1f1bf01e86… of https://…`, in words.
fn words(found: &Pinned) -> String {
    let from = found.from.as_deref().unwrap_or("a file");
    match &found.asked {
        Some(asked) if found.commit() == Some(asked) => format!("commit {asked} of {from}"),
        Some(asked) => format!("{asked} of {from}"),
        None => from.to_owned(),
    }
}

/// What it is, in one word.
fn value(found: &Pinned) -> String {
    match &found.content {
        source::Content::Sha256(sha256) => format!("SHA-256 {sha256}"),
        source::Content::Change { commit, sha256 } => {
            format!("commit {commit}, its change with SHA-256 {sha256}")
        }
        source::Content::Tree { commit, tree } => format!("commit {commit}, its tree {tree}"),
    }
}

impl Locks {
    /// Reads the lock file.
    ///
    /// # Errors
    /// [`Error::NoFile`]; a damaged one, or one of a newer form.
    pub fn read(path: &Path) -> Result<Self, crate::Error> {
        let content = LockFile::read(path).map_err(target::Error::from)?;
        let content = content.ok_or_else(|| super::Error::from(Error::NoFile(path.to_owned())))?;
        Ok(Locks { path: path.to_owned(), content })
    }

    /// The lock file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn of(&self, recipe: &Path) -> &[Pinned] {
        let name = name_of(&self.path, recipe);
        name.and_then(|name| self.content.sources(&name)).unwrap_or_default()
    }

    fn missing(&self, what: String) -> Error {
        Error::Missing { lock: self.path.clone(), what }
    }

    fn differs(&self, what: String, found: String, locked: String) -> Error {
        let help = "where the new one is meant, `modgraft update --write` locks it; else take the recipe from version control".to_owned();
        Error::Differs { lock: self.path.clone(), what, found, locked, help }
    }

    /// Checks what a recipe in the folder `recipe` names, before anything is fetched. The source that comes back is to be used:
    /// a branch or tag in it is the commit that is locked.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Differs`].
    pub fn demand_spec(&self, recipe: &Path, spec: SourceSpec) -> Result<SourceSpec, Error> {
        match &spec {
            SourceSpec::Commit { url, commit } | SourceSpec::Revision { url, commit, .. } => {
                self.revision(recipe, url, commit)?;
            }
            SourceSpec::Release { tarball, sha256, .. } if tarball.contains("://") => {
                let from = source::portable(tarball);
                let of_it = |source: &&Pinned| source.from.as_ref() == Some(&from);
                let locked = self.of(recipe).iter().find(of_it);
                let locked = locked.ok_or_else(|| self.missing(from.clone()))?;
                if locked.content != source::Content::Sha256(sha256.to_ascii_lowercase()) {
                    let found = format!("SHA-256 {sha256}");
                    return Err(self.differs(from, found, value(locked)));
                }
            }
            SourceSpec::Patches { files, base: Some(Base::Git { repository, revision }) } => {
                let commit = self.revision(recipe, repository, revision)?.to_owned();
                let base = Some(Base::Git { repository: repository.clone(), revision: commit });
                return Ok(SourceSpec::Patches { files: files.clone(), base });
            }
            SourceSpec::Release { .. } | SourceSpec::Tree { .. } | SourceSpec::Patches { .. } => {}
        }
        Ok(spec)
    }

    /// The commit that is locked for a revision.
    fn revision(&self, recipe: &Path, url: &str, asked: &str) -> Result<&str, Error> {
        let from = source::portable(url);
        let mut of_it = self.of(recipe).iter().filter(|source| source.from.as_ref() == Some(&from));
        let is_it =
            |source: &&Pinned| source.asked.as_deref() == Some(asked) || source.commit() == Some(asked);
        let words = || format!("{asked} of {from}");
        if let Some(commit) = of_it.clone().find(is_it).and_then(Pinned::commit) {
            return Ok(commit);
        }
        match of_it.next() {
            Some(other) => {
                let locked = other.commit().map_or_else(|| value(other), |commit| format!("commit {commit}"));
                Err(self.differs(format!("the revision of {from}"), asked.to_owned(), locked))
            }
            None => Err(self.missing(words())),
        }
    }

    /// Checks what was fetched for a recipe in the folder `recipe`.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Differs`].
    pub fn demand_sources(&self, recipe: &Path, found: &[Pinned]) -> Result<(), Error> {
        for one in found.iter().filter(|one| one.is_outside()) {
            let mut of_it = self.of(recipe).iter().filter(|locked| locked.from == one.from);
            let fits = |locked: &&Pinned| match (&locked.content, &one.content) {
                // A module that is made first may take whole files of a commit of which another takes the change.
                (source::Content::Change { commit, .. }, source::Content::Tree { commit: other, .. })
                | (source::Content::Tree { commit, .. }, source::Content::Change { commit: other, .. }) => {
                    commit == other
                }
                (locked, found) => locked == found,
            };
            if of_it.clone().any(|locked| fits(&locked)) {
                continue;
            }
            return Err(match of_it.find(|locked| locked.role == one.role) {
                Some(locked) => self.differs(words(one), value(one), value(locked)),
                None => self.missing(words(one)),
            });
        }
        Ok(())
    }

    /// Checks the packages of an added target.
    ///
    /// # Errors
    /// [`Error::Target`], [`Error::Differs`]; a target that is damaged.
    pub fn demand_target(&self, target: &str) -> Result<(), crate::Error> {
        let unknown = || Error::Target { lock: self.path.clone(), target: target.to_owned() };
        let failed = |error: Error| crate::Error::from(super::Error::from(error));
        let name = Name::parse(target).map_err(|_| failed(unknown()))?;
        let locked = self.content.get(&name).ok_or_else(|| failed(unknown()))?;
        let added = Store::of(&paths::cache()).find(&name).map_err(target::Error::from)?;
        // One that is not here is told where it is looked for.
        let Some(added) = added else { return Ok(()) };
        let id = |package: &target::store::Pinned| {
            format!("{} {} {}, SHA-256 {}", package.name, package.version, package.arch, package.sha256)
        };
        let list = |packages: &[target::store::Pinned]| {
            let mut all: Vec<String> = packages.iter().map(id).collect();
            all.sort();
            all
        };
        let (here, there) = (list(&added.manifest.packages), list(&locked.packages));
        let more = here.iter().find(|one| !there.contains(one)).cloned();
        let less = there.iter().find(|one| !here.contains(one)).cloned();
        match (more, less) {
            (None, None) => Ok(()),
            (more, less) => Err(failed(Error::Differs {
                lock: self.path.clone(),
                what: format!("a package of the target `{target}`"),
                found: more.unwrap_or_else(|| "missing".to_owned()),
                locked: less.unwrap_or_else(|| "none such".to_owned()),
                help: format!(
                    "`modgraft target add {target} --locked --force` brings back what is locked; where what is here is meant, add it with \
                     --force from its source, which locks it"
                ),
            })),
        }
    }
}
