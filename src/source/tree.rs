//! A read-only source tree: a folder, a git tree, or files unpacked in memory. All three answer alike.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use super::git::tree::{GitTree, MODE_LINK};
use super::git::{Kind, Objects, Repository};
use super::{Error, Sources};
use crate::hash::sha256;

/// The largest file that is read, in bytes.
const MAX_FILE_BYTES: u64 = 64 << 20;

/// A read-only source tree. Paths are relative to it, with `/` between the parts.
///
/// Symbolic links in a folder are followed while they stay inside it; in git trees and archives they count as absent.
#[derive(Debug)]
pub struct Tree {
    name: String,
    root: Root,
    read: Mutex<HashMap<String, Option<Arc<[u8]>>>>,
    /// What was put into it besides.
    added: BTreeMap<String, Arc<[u8]>>,
}

#[derive(Debug)]
enum Root {
    /// Canonical.
    Directory(PathBuf),
    Memory(BTreeMap<String, Arc<[u8]>>),
    Git(Box<Mutex<GitTree>>, Revision),
}

/// A revision of a git repository, by its full ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// The commit.
    pub commit: String,
    /// Its tree.
    pub tree: String,
}

impl Tree {
    /// The tree of a folder.
    ///
    /// # Errors
    /// [`Error::Io`] where it is not there.
    pub fn directory(path: &Path) -> Result<Tree, Error> {
        Ok(Tree::new(path.display().to_string(), Root::Directory(fs_err::canonicalize(path)?)))
    }

    /// A tree of files that are at hand.
    pub fn memory(name: String, files: BTreeMap<String, Arc<[u8]>>) -> Tree {
        Tree::new(name, Root::Memory(files))
    }

    /// The tree of a commit, by its full id.
    pub(super) fn git(repository: &Repository, commit: &str) -> Result<Tree, Error> {
        let mut objects = Objects::open(repository)?;
        let Some(raw) = objects.get_kind(commit, Kind::Commit)? else {
            return Err(Error::Git {
                action: "read the base tree".into(),
                detail: format!("{commit} is no commit"),
            });
        };
        Ok(Tree::git_with(objects, commit, &super::commit::Commit::parse(&raw).tree))
    }

    /// The same, over a process that runs already.
    pub(super) fn git_with(objects: Objects, commit: &str, tree: &str) -> Tree {
        let git = GitTree::new(objects, tree);
        let revision = Revision { commit: commit.to_owned(), tree: tree.to_owned() };
        Tree::new(format!("commit {commit}"), Root::Git(Box::new(Mutex::new(git)), revision))
    }

    fn new(name: String, root: Root) -> Tree {
        Tree { name, root, read: Mutex::default(), added: BTreeMap::new() }
    }

    /// Puts a file into the tree, in place of one of the same path.
    ///
    /// # Errors
    /// [`Error::Outside`] for a path that leaves the tree.
    pub(super) fn add(&mut self, path: &str, bytes: Arc<[u8]>) -> Result<(), Error> {
        self.added.insert(checked(path)?, bytes);
        Ok(())
    }

    /// What to call the tree in a message: the folder, `commit ID`, the tarball.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Which revision it is, where it is one of a git repository.
    pub fn revision(&self) -> Option<&Revision> {
        match &self.root {
            Root::Git(_, revision) => Some(revision),
            Root::Directory(_) | Root::Memory(_) => None,
        }
    }

    /// SHA-256, in lower-case hexadecimal digits, of a list of the files that `counts` is true for: a line each of its own
    /// SHA-256, two blanks and its path, by path, as sha256sum has it.
    ///
    /// # Errors
    /// As [`Tree::read`].
    pub fn digest(&self, counts: &dyn Fn(&str) -> bool) -> Result<String, Error> {
        let mut list = String::new();
        for path in self.walk("")?.iter().filter(|path| counts(path)) {
            let bytes = match &self.root {
                // Not kept: most of them nobody will read.
                Root::Directory(root) => read_file(root, path)?,
                _ => self.read(path)?,
            };
            if let Some(bytes) = bytes {
                list.push_str(&format!("{}  {path}\n", sha256(&bytes)));
            }
        }
        Ok(sha256(list.as_bytes()))
    }

    /// The content of the file at `path`; nothing where there is none (or a folder).
    ///
    /// # Errors
    /// [`Error::Outside`] for a path that leaves the tree, [`Error::FileTooLarge`], [`Error::Io`], [`Error::Git`].
    pub fn read(&self, path: &str) -> Result<Option<Arc<[u8]>>, Error> {
        if let Some(known) = lock(&self.read).get(path) {
            return Ok(known.clone());
        }
        let path_owned = checked(path)?;
        if let Some(added) = self.added.get(&path_owned) {
            return Ok(Some(added.clone()));
        }
        let bytes = match &self.root {
            Root::Directory(root) => read_file(root, &path_owned)?,
            Root::Memory(files) => files.get(&path_owned).cloned(),
            Root::Git(git, _) => lock(git).read(&path_owned)?,
        };
        lock(&self.read).insert(path.to_owned(), bytes.clone());
        Ok(bytes)
    }

    /// Reads the files at `paths` together, so that [`Tree::read`] has them at hand: from git that is one round trip.
    ///
    /// # Errors
    /// As [`Tree::read`].
    pub fn preload(&self, paths: &[String]) -> Result<(), Error> {
        let Root::Git(git, _) = &self.root else { return Ok(()) };
        let mut wanted = Vec::new();
        for path in paths.iter().filter(|path| !lock(&self.read).contains_key(*path)) {
            wanted.push(checked(path)?);
        }
        let found = lock(git).read_many(&wanted)?;
        lock(&self.read).extend(wanted.into_iter().zip(found));
        Ok(())
    }

    /// Whether there is a file at `path`.
    ///
    /// # Errors
    /// As [`Tree::read`].
    pub fn contains(&self, path: &str) -> Result<bool, Error> {
        let path = checked(path)?;
        if self.added.contains_key(&path) {
            return Ok(true);
        }
        Ok(match &self.root {
            Root::Directory(root) => resolve(root, &path)?.is_some_and(|file| file.is_file()),
            Root::Memory(files) => files.contains_key(&path),
            Root::Git(git, _) => lock(git).find(&path)?.is_some_and(|entry| entry.is_file()),
        })
    }

    /// The paths of the files that stand directly in `directory` (`""`: at the top), sorted. None where there is no such
    /// folder.
    ///
    /// # Errors
    /// As [`Tree::read`].
    pub fn list(&self, directory: &str) -> Result<Vec<String>, Error> {
        Ok(self
            .walk(directory)?
            .into_iter()
            .filter(|path| !path[prefix_of(directory)..].contains('/'))
            .collect())
    }

    /// The paths of all files beneath `directory` (`""`: of all), sorted. A folder `.git` is passed over.
    ///
    /// # Errors
    /// As [`Tree::read`].
    pub fn walk(&self, directory: &str) -> Result<Vec<String>, Error> {
        let directory = if directory.is_empty() { String::new() } else { checked(directory)? };
        let mut files = match &self.root {
            Root::Directory(root) => match resolve(root, &directory)? {
                Some(start) => walk_directory(root, &start, &directory)?,
                None => Vec::new(),
            },
            Root::Memory(files) => {
                let prefix = if directory.is_empty() { String::new() } else { format!("{directory}/") };
                files.keys().filter(|path| path.starts_with(&prefix)).cloned().collect()
            }
            Root::Git(git, _) => lock(git).walk(&directory)?,
        };
        let prefix = if directory.is_empty() { String::new() } else { format!("{directory}/") };
        files.extend(self.added.keys().filter(|path| path.starts_with(&prefix)).cloned());
        files.sort();
        files.dedup();
        Ok(files)
    }

    /// The first symbolic link on the way to `path`, itself included.
    ///
    /// # Errors
    /// As [`Tree::read`].
    pub fn link_on(&self, path: &str) -> Result<Option<String>, Error> {
        let path = checked(path)?;
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        match &self.root {
            Root::Memory(_) => Ok(None),
            Root::Directory(root) => {
                let is_link = |part: &&str| {
                    fs_err::symlink_metadata(root.join(part)).is_ok_and(|found| found.is_symlink())
                };
                Ok(ends.map(|end| &path[..end]).find(is_link).map(str::to_owned))
            }
            Root::Git(git, _) => {
                let mut git = lock(git);
                for end in ends {
                    match git.find(&path[..end])? {
                        None => return Ok(None),
                        Some(entry) if entry.mode == MODE_LINK => return Ok(Some(path[..end].to_owned())),
                        Some(_) => {}
                    }
                }
                Ok(None)
            }
        }
    }
}

/// The sources of a plain tree: `files` beneath `directory`.
pub(super) fn plain(directory: &Path, files: &[String]) -> Result<Sources, Error> {
    match fs_err::metadata(directory) {
        Ok(found) if found.is_dir() => {}
        Ok(_) => return Err(Error::Base { path: directory.to_owned(), problem: "is not a folder" }),
        Err(_) => return Err(Error::Base { path: directory.to_owned(), problem: "does not exist" }),
    }
    let tree = Tree::directory(directory)?;
    let files = wanted(&tree, files)?;
    let description = format!("{} of {}", crate::source::tree::count(files.len()), directory.display());
    Ok(Sources { patches: Vec::new(), base: Some(tree), files, description })
}

/// `1 file`, `2 files`.
pub(super) fn count(files: usize) -> String {
    if files == 1 { "1 file".to_owned() } else { format!("{files} files") }
}

/// Checks that all wanted files are there, and brings their paths into one form.
pub(super) fn wanted(tree: &Tree, files: &[String]) -> Result<Vec<String>, Error> {
    if files.is_empty() {
        return Err(Error::NoFiles);
    }
    files
        .iter()
        .map(|file| {
            let path = checked(file)?;
            if tree.contains(&path)? {
                return Ok(path);
            }
            let name = last(&path);
            let all = tree.walk("")?;
            let near: Vec<&str> =
                all.iter().filter(|other| last(other) == name).take(3).map(String::as_str).collect();
            let help = if !near.is_empty() {
                format!("a file of that name is at {}", near.join(" and at "))
            } else if let Some(near) = nearest(&all, name) {
                format!("did you mean {}?", near.join(" or "))
            } else {
                "paths are relative to the top of the tree (of a tarball: to the folder in it)".to_owned()
            };
            Err(Error::FileMissing { tree: tree.name.clone(), file: file.clone(), help })
        })
        .collect()
}

/// A path's last part.
fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Up to three C files whose names differ from `name` by little; a module may be named without its ending.
fn nearest<'a>(all: &'a [String], name: &str) -> Option<Vec<&'a str>> {
    let name = name.strip_suffix(".c").unwrap_or(name);
    let mut near: Vec<(usize, &str)> = all
        .iter()
        .filter_map(|path| {
            let stem = last(path).strip_suffix(".c")?;
            Some((strsim::damerau_levenshtein(stem, name), path.as_str()))
        })
        .filter(|(distance, _)| *distance <= name.chars().count() / 4)
        .collect();
    near.sort_unstable();
    near.truncate(3);
    (!near.is_empty()).then(|| near.into_iter().map(|(_, path)| path).collect())
}

/// The path without `.` parts and doubled slashes; an error where it is absolute, climbs, or is empty.
pub(super) fn checked(path: &str) -> Result<String, Error> {
    let refuse = |problem: &str| Err(Error::Outside { path: path.to_owned(), problem: problem.to_owned() });
    let mut parts = Vec::new();
    for component in Path::new(path).components() {
        match component {
            Component::CurDir => {}
            Component::Normal(part) => parts.push(part.to_str().unwrap_or_default()),
            Component::ParentDir => return refuse("has `..` in it"),
            Component::RootDir | Component::Prefix(_) => return refuse("is an absolute path"),
        }
    }
    if parts.is_empty() || path.contains('\0') {
        return refuse("names no file");
    }
    Ok(parts.join("/"))
}

/// Length of what stands before the names directly in `directory`.
fn prefix_of(directory: &str) -> usize {
    // `walk` puts the checked form before its paths.
    checked(directory).map_or(0, |directory| directory.len() + 1)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Where `path` really is; nothing where it is not there, an error where a link leads out of `root`.
fn resolve(root: &Path, path: &str) -> Result<Option<PathBuf>, Error> {
    let found = match fs_err::canonicalize(root.join(path)) {
        Ok(found) => found,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    };
    if !found.starts_with(root) {
        let problem = format!("is or goes through a symbolic link that leaves {}", root.display());
        return Err(Error::Outside { path: path.to_owned(), problem });
    }
    Ok(Some(found))
}

fn read_file(root: &Path, path: &str) -> Result<Option<Arc<[u8]>>, Error> {
    let Some(place) = resolve(root, path)?.filter(|place| place.is_file()) else { return Ok(None) };
    let mut bytes = Vec::new();
    fs_err::File::open(place)?.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(Error::FileTooLarge { path: path.to_owned(), limit: MAX_FILE_BYTES });
    }
    Ok(Some(bytes.into()))
}

fn walk_directory(root: &Path, start: &Path, directory: &str) -> Result<Vec<String>, Error> {
    let mut files = Vec::new();
    let walk = walkdir::WalkDir::new(start).into_iter().filter_entry(|entry| entry.file_name() != ".git");
    for entry in walk {
        let entry = entry.map_err(io::Error::from)?;
        // A link to a file inside counts as a file; one to a folder is not descended into, which also ends cycles.
        let is_file = entry.file_type().is_file()
            || (entry.path_is_symlink()
                && fs_err::canonicalize(entry.path())
                    .is_ok_and(|real| real.starts_with(root) && real.is_file()));
        let relative = entry.path().strip_prefix(start).ok().and_then(Path::to_str);
        if let Some(relative) = relative.filter(|relative| is_file && !relative.is_empty()) {
            let slash = if directory.is_empty() { "" } else { "/" };
            files.push(format!("{directory}{slash}{relative}"));
        }
    }
    Ok(files)
}
