//! From the paths in a patch's headers to paths in the source tree: prefixes taken off, and nothing that leaves the tree.

use std::collections::BTreeSet;

use super::Error;
use super::error::Place;
use super::parse::Operation;
use crate::source::{self, Tree};

/// The paths of a file patch as its headers have them. `prefixed`: whether git said that there are prefixes; nothing where
/// the patch is not git's.
#[derive(Debug)]
pub(super) enum RawPaths {
    New {
        path: String,
        prefixed: Option<bool>,
    },
    Old {
        path: String,
        prefixed: Option<bool>,
    },
    Both {
        old: String,
        new: String,
        prefixed: Option<bool>,
    },
    /// Both sides are named, and the ranges say that there was nothing before.
    Born {
        old: String,
        new: String,
    },
    /// Both sides are named, and the ranges say that there is nothing after.
    Gone {
        old: String,
        new: String,
    },
    /// git writes these without prefixes.
    Renamed {
        from: String,
        to: String,
    },
    /// So these.
    Copied {
        from: String,
        to: String,
    },
}

/// A path that cannot be one of the source tree.
#[derive(Debug)]
pub(super) struct Problem {
    path: String,
    what: &'static str,
    help: &'static str,
}

impl Problem {
    pub(super) fn locate(self, place: Place) -> Error {
        Error::path(place, format!("the path {:?} {}", self.path, self.what), "in this file patch", self.help)
    }
}

/// What stands before the paths of a patch, learned from the file patches that show it.
#[derive(Debug, Default)]
pub(super) struct Prefixes {
    /// As `b`, `httpd-2.4.62`, `httpd/httpd/trunk`.
    known: BTreeSet<String>,
    /// How many leading parts to take off what is left, where a base tree tells.
    level: Option<usize>,
}

impl Prefixes {
    /// Learns from all file patches of a patch file.
    pub(super) fn of(all: &[&RawPaths], base: Option<&Tree>) -> Result<Prefixes, source::Error> {
        // The path on each side, what two sides or git show of it, and whether a file must be there under it.
        let mut sides: Vec<(&str, &str, bool)> = Vec::new();
        for paths in all {
            let (old, new) = match paths {
                RawPaths::Both { old, new, .. }
                | RawPaths::Born { old, new }
                | RawPaths::Gone { old, new } => (old, new),
                _ => continue,
            };
            let (old_rest, new_rest) = match paths {
                RawPaths::Both { prefixed: Some(true), .. } => (without_parts(old, 1), without_parts(new, 1)),
                RawPaths::Both { prefixed: Some(false), .. } => (old.as_str(), new.as_str()),
                _ => (two_sided(old, new), two_sided(new, old)),
            };
            sides.push((new, new_rest, !matches!(paths, RawPaths::Born { .. })));
            sides.push((old, old_rest, false));
        }
        let mut prefixes = Prefixes::default();
        if let Some(base) = base {
            // The level at which most of the files are there; of equals the lowest.
            let mut most = 0;
            for level in 0..=MAX_LEVEL {
                let mut found = 0;
                for (path, stripped, _) in sides.iter().filter(|(.., there)| *there) {
                    let rest = without_parts(stripped, level);
                    found += usize::from(checked(path, rest).is_ok() && base.contains(rest)?);
                }
                if found > most {
                    (most, prefixes.level) = (found, Some(level));
                }
            }
        }
        for (path, stripped, _) in sides {
            let cut = path.len() - prefixes.settle(stripped).len();
            if let Some(prefix) = path.get(..cut.saturating_sub(1)).filter(|prefix| !prefix.is_empty()) {
                prefixes.known.insert(prefix.to_owned());
            }
        }
        Ok(prefixes)
    }

    /// Without what is left in front once the two sides have been compared.
    fn settle<'p>(&self, path: &'p str) -> &'p str {
        match self.level {
            Some(level) => without_parts(path, level),
            None => unwrapped(path),
        }
    }

    /// What the file patch does, on paths of the tree.
    pub(super) fn operation(&self, paths: &RawPaths) -> Result<Operation, Problem> {
        Ok(match paths {
            RawPaths::Renamed { from, to } => {
                Operation::Rename { from: checked(from, from)?, to: checked(to, to)? }
            }
            RawPaths::Copied { from, to } => {
                Operation::Copy { from: checked(from, from)?, to: checked(to, to)? }
            }
            RawPaths::New { path, prefixed } => {
                Operation::Create(checked(path, self.one_sided(path, *prefixed, "b"))?)
            }
            RawPaths::Old { path, prefixed } => {
                Operation::Delete(checked(path, self.one_sided(path, *prefixed, "a"))?)
            }
            RawPaths::Both { old, new, prefixed } => Operation::Modify(self.both(old, new, *prefixed)?),
            RawPaths::Born { old, new } => Operation::Create(self.both(old, new, None)?),
            RawPaths::Gone { old, new } => Operation::Delete(self.both(old, new, None)?),
        })
    }

    /// The file is what the new side calls it: the old side may be a backup copy.
    fn both(&self, old: &str, new: &str, prefixed: Option<bool>) -> Result<String, Problem> {
        checked(old, old)?;
        let stripped = match prefixed {
            Some(true) => self.settle(without_parts(new, 1)),
            Some(false) => self.settle(new),
            None => match two_sided(new, old) {
                // Both sides are alike, as svn has them, and tell nothing; other files of the patch may.
                whole if whole.len() == new.len() && self.level.is_none() => {
                    unwrapped(self.without_known(whole))
                }
                stripped => self.settle(stripped),
            },
        };
        checked(new, stripped)
    }

    /// `usual`: what git puts before a path on this side.
    fn one_sided<'p>(&self, path: &'p str, prefixed: Option<bool>, usual: &str) -> &'p str {
        match prefixed {
            Some(true) => self.settle(without_parts(path, 1)),
            Some(false) => self.settle(path),
            None => {
                let known = self.without_known(path);
                let usual = path.split_once('/').filter(|(first, _)| *first == usual).map(|(_, rest)| rest);
                if known.len() < path.len() { known } else { unwrapped(usual.unwrap_or(path)) }
            }
        }
    }

    /// Without the longest prefix that other file patches showed.
    fn without_known<'p>(&self, path: &'p str) -> &'p str {
        let rests =
            self.known.iter().filter_map(|prefix| path.strip_prefix(prefix.as_str())?.strip_prefix('/'));
        rests.min_by_key(|rest| rest.len()).unwrap_or(path)
    }
}

/// Without the first part, where it is all that tells the path from the `other` side's: `a/x` and `b/x`,
/// `httpd-2.4.4.orig/x` and `httpd-2.4.4/x`.
fn two_sided<'p>(path: &'p str, other: &str) -> &'p str {
    match (path.split_once('/'), other.split_once('/')) {
        (Some((first, rest)), Some((other_first, other_rest)))
            if first != other_first && same_file(rest, other_rest) =>
        {
            rest
        }
        _ => path,
    }
}

/// Equal, or equal but for the ending of a backup copy.
fn same_file(path: &str, other: &str) -> bool {
    let bare = |path: &'_ str| -> usize {
        [".orig", ".old", ".bak", ".new", "~"]
            .iter()
            .find_map(|end| path.strip_suffix(end))
            .map_or(path.len(), str::len)
    };
    path[..bare(path)] == other[..bare(other)]
}

/// As many parts may be before a path of the base tree: `asf/httpd/httpd/branches/2.4.x/` has five.
const MAX_LEVEL: usize = 5;

/// What is at the top of httpd's tree.
const TOP: &[&str] = &[
    "build",
    "docs",
    "include",
    "modules",
    "os",
    "server",
    "srclib",
    "support",
    "test",
    "CHANGES",
    "CMakeLists.txt",
    "LICENSE",
    "Makefile.in",
    "Makefile.win",
    "NOTICE",
    "STATUS",
    "acinclude.m4",
    "changes-entries",
    "config.layout",
    "configure.in",
];

/// Without the folders that a release or svn's layout puts around the tree: `httpd-2.4.62/`, `httpd/httpd/trunk/`,
/// `branches/2.4.x/`; and whatever stands before svn's, where a path of httpd's tree is behind it.
fn unwrapped(path: &str) -> &str {
    let mut rest = behind_branch(path).unwrap_or(path);
    while let Some((first, below)) = rest.split_once('/') {
        let release = first == "httpd"
            || first.starts_with("httpd-")
            || first.starts_with("apache_1.")
            || first == "trunk";
        let branch = matches!(first, "branches" | "tags").then(|| below.split_once('/')).flatten();
        rest = match branch {
            Some((_, below)) => below,
            None if release && !below.is_empty() => below,
            None => return rest,
        };
    }
    rest
}

/// What is behind `trunk/`, `branches/NAME/` or `tags/NAME/`, if it is a path of httpd's tree.
fn behind_branch(path: &str) -> Option<&str> {
    let mut rest = path;
    while let Some((first, below)) = rest.split_once('/') {
        let tree = match first {
            "trunk" => Some(below),
            "branches" | "tags" => below.split_once('/').map(|(_, tree)| tree),
            _ => None,
        };
        let is_top = |tree: &&str| TOP.contains(&tree.split('/').next().unwrap_or_default());
        if let Some(tree) = tree.filter(is_top) {
            return Some(tree);
        }
        rest = below;
    }
    None
}

/// Without its first `count` parts; all but the last of fewer.
fn without_parts(path: &str, count: usize) -> &str {
    let mut rest = path;
    for _ in 0..count {
        rest = rest.split_once('/').map_or(rest, |(_, below)| below);
    }
    rest
}

/// `stripped` in one form, where both it and the whole `path` are of a kind that a source tree has.
fn checked(path: &str, stripped: &str) -> Result<String, Problem> {
    const LEAVES: &str =
        "a patch may only name files beneath the tree: make it again from the tree's top folder";
    let refuse = |what, help| Err(Problem { path: path.to_owned(), what, help });
    if path.chars().any(char::is_control) {
        return refuse("has a control character in it", "rename the file, and make the patch again");
    }
    if path.contains('\\') {
        return refuse("has a backslash in it", "write the paths of the patch with `/`");
    }
    if path.starts_with('/') {
        return refuse("is absolute", LEAVES);
    }
    let parts: Vec<&str> = stripped.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    if path.split('/').any(|part| part == "..") {
        return refuse("has `..` in it", LEAVES);
    }
    if parts.iter().any(|part| part.eq_ignore_ascii_case(".git")) {
        return refuse("is inside git's own folder", "no patch may change a repository's settings");
    }
    if parts.is_empty() || stripped.ends_with('/') {
        return refuse("names no file", "the patch was cut or edited by hand: make it again");
    }
    Ok(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn modify(old: &str, new: &str) -> String {
        resolve(&[RawPaths::Both { old: old.into(), new: new.into(), prefixed: None }], None)
    }

    /// The path of the last of `paths`, after all were learned from.
    fn resolve(paths: &[RawPaths], base: Option<&Tree>) -> String {
        let prefixes = Prefixes::of(&paths.iter().collect::<Vec<_>>(), base).unwrap();
        match prefixes.operation(paths.last().unwrap()) {
            Ok(operation) => operation.path().to_owned(),
            Err(problem) => format!("{} {}", problem.path, problem.what),
        }
    }

    #[test]
    fn prefixes_come_off() {
        for (old, new, expected) in [
            ("a/modules/x.c", "b/modules/x.c", "modules/x.c"),
            ("modules/x.c", "modules/x.c", "modules/x.c"),
            ("httpd-2.4.4.orig/modules/x.c", "httpd-2.4.4/modules/x.c", "modules/x.c"),
            ("httpd-2.4.4/modules/x.c", "httpd-2.4.4/modules/x.c", "modules/x.c"),
            ("modules/x.c.orig", "modules/x.c", "modules/x.c"),
            ("a/x.c~", "b/x.c", "x.c"),
            ("httpd/httpd/trunk/modules/x.c", "httpd/httpd/trunk/modules/x.c", "modules/x.c"),
            ("httpd/httpd/branches/2.4.x/CHANGES", "httpd/httpd/branches/2.4.x/CHANGES", "CHANGES"),
            (
                "repos/asf/httpd/httpd/tags/2.4.6/modules/x.c",
                "repos/asf/httpd/httpd/tags/2.4.6/modules/x.c",
                "modules/x.c",
            ),
            ("lib/trunk/x.c", "lib/trunk/x.c", "lib/trunk/x.c"),
            ("httpd.spec", "httpd.spec", "httpd.spec"),
            ("./modules/x.c", "./modules/x.c", "modules/x.c"),
            ("x.c", "x.c", "x.c"),
        ] {
            assert_eq!(modify(old, new), expected, "{old} {new}");
        }
    }

    #[test]
    fn a_new_file_follows_the_others() {
        let other = RawPaths::Both { old: "old/x/a.c".into(), new: "new/x/a.c".into(), prefixed: None };
        let new = RawPaths::New { path: "new/x/b.c".into(), prefixed: None };
        assert_eq!(resolve(&[other, new], None), "x/b.c");
        assert_eq!(resolve(&[RawPaths::New { path: "b/x.c".into(), prefixed: None }], None), "x.c");
        assert_eq!(resolve(&[RawPaths::New { path: "b/x.c".into(), prefixed: Some(false) }], None), "b/x.c");
    }

    #[test]
    fn the_base_tree_decides_where_it_has_the_file() {
        let files = BTreeMap::from([("httpd/x.c".to_owned(), b"".as_slice().into())]);
        let base = Tree::memory("base".into(), files);
        let both = |path: &str| RawPaths::Both { old: path.into(), new: path.into(), prefixed: None };
        assert_eq!(resolve(&[both("httpd/x.c")], Some(&base)), "httpd/x.c");
        assert_eq!(resolve(&[both("some/where/httpd/x.c")], Some(&base)), "httpd/x.c");
        let deep =
            Tree::memory("base".into(), BTreeMap::from([("modules/x.c".to_owned(), b"".as_slice().into())]));
        assert_eq!(
            resolve(&[both("asf/httpd/httpd/branches/2.4.x/modules/x.c")], Some(&deep)),
            "modules/x.c"
        );
        // A file of the same name higher up is another file.
        assert_eq!(resolve(&[both("httpd/x.c"), both("other/httpd/x.c")], Some(&base)), "other/httpd/x.c");
        let new = RawPaths::New { path: "some/where/httpd/y.c".into(), prefixed: None };
        assert_eq!(resolve(&[both("some/where/httpd/x.c"), new], Some(&base)), "httpd/y.c");
    }

    #[test]
    fn paths_that_leave_the_tree_are_refused() {
        for path in
            ["/etc/passwd", "../x.c", "a/../../x", "x\\y.c", "a/.git/config", "x\ny", "x\0", "a/", ".", ""]
        {
            let said = modify(path, path);
            assert!(said.contains(' '), "{path:?} became {said:?}");
        }
    }
}
