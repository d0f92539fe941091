//! Where a target's files are on this host: below the root of unpacked packages, below the host's own, or both in turn.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use crate::memo::Memo;
use crate::profile::Distribution;

/// Roots of file systems that lie over each other; the first that has a file wins. What is at a path is looked up once, and
/// known to clones: one target is read many times.
#[derive(Debug, Clone)]
pub struct Roots {
    roots: Vec<PathBuf>,
    found: Arc<Memo<String, Option<Found>>>,
}

/// What is at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A file.
    File,
    /// A folder.
    Folder,
    /// A device, a socket.
    Other,
}

/// What a target has at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its path on this host.
    pub path: PathBuf,
    /// Links are followed.
    pub kind: Kind,
}

/// Links that lead to links are followed so far, as the kernel does it.
const MAX_LINKS: usize = 40;

impl Roots {
    /// The host's own root only.
    pub fn host() -> Self {
        Roots::of(vec![PathBuf::from("/")])
    }

    /// Unpacked packages over the host's own root.
    pub fn over_host(root: PathBuf) -> Self {
        Roots::of(vec![root, PathBuf::from("/")])
    }

    /// One root alone.
    pub fn only(root: PathBuf) -> Self {
        Roots::of(vec![root])
    }

    fn of(roots: Vec<PathBuf>) -> Self {
        Roots { roots, found: Arc::default() }
    }

    /// Whether there is nothing but the host's own root.
    pub fn is_host(&self) -> bool {
        self.roots.iter().all(|root| root == Path::new("/"))
    }

    /// The roots, the first first.
    pub fn iter(&self) -> impl Iterator<Item = &Path> {
        self.roots.iter().map(PathBuf::as_path)
    }

    /// What the target has at an absolute path.
    pub fn look(&self, path: &str) -> Option<Found> {
        self.found.get(path, || self.roots.iter().find_map(|root| find_in(root, path)).and_then(Found::at))
    }

    /// The file or folder that an absolute path of the target has on this host.
    pub fn find(&self, path: &str) -> Option<PathBuf> {
        self.look(path).map(|found| found.path)
    }

    /// The distribution that they are of, where they tell it.
    pub fn distribution(&self) -> Option<Distribution> {
        let files = ["/etc/os-release", "/usr/lib/os-release"].iter().filter_map(|file| self.find(file));
        let text = files.into_iter().find_map(|file| fs_err::read_to_string(file).ok())?;
        Some(Distribution::parse(&text))
    }
}

impl Found {
    fn at(path: PathBuf) -> Option<Self> {
        let metadata = fs_err::metadata(&path).ok()?;
        let kind = if metadata.is_dir() {
            Kind::Folder
        } else if metadata.is_file() {
            Kind::File
        } else {
            Kind::Other
        };
        Some(Found { path, kind })
    }
}

/// The file or folder that an absolute path of a target has in its root. Below a root that is not the host's, symbolic links
/// are followed as they would be there, so that an absolute one does not lead to the host's own files; the result has no
/// links then. What is not in `/lib` may be in `/usr/lib`, and the reverse: the links that join the two are a package of
/// their own, which need not be there.
pub fn find_in(root: &Path, path: &str) -> Option<PathBuf> {
    if root == Path::new("/") {
        return Some(PathBuf::from(path)).filter(|path| path.exists());
    }
    // What is still to be gone, the next part last.
    let mut rest = parts(Path::new(path));
    let mut at: Vec<Step> = Vec::new();
    let (mut links, mut joined) = (0, false);
    while let Some(step) = rest.pop() {
        if step == Step::Up {
            at.pop();
            continue;
        }
        at.push(step);
        let here = on_host(root, &at);
        let Ok(metadata) = fs_err::symlink_metadata(&here) else {
            rest.extend(at.drain(..).rev());
            if joined || !join(&mut rest) {
                return None;
            }
            joined = true;
            continue;
        };
        if metadata.is_symlink() {
            links += 1;
            if links > MAX_LINKS {
                return None;
            }
            let target = fs_err::read_link(&here).ok()?;
            if target.is_absolute() {
                at.clear();
            } else {
                at.pop();
            }
            rest.extend(parts(&target));
        }
    }
    Some(on_host(root, &at))
}

/// Turns a path below `/lib` into one below `/usr/lib`, and the reverse; others stay.
fn join(path: &mut Vec<Step>) -> bool {
    let is = |step: Option<&Step>, what: fn(&str) -> bool| match step {
        Some(Step::Into(part)) => part.to_str().is_some_and(what),
        Some(Step::Up) | None => false,
    };
    let (last, before) = (path.last(), path.len().checked_sub(2).and_then(|at| path.get(at)));
    if is(last, |part| part.starts_with("lib")) {
        path.push(Step::Into(PathBuf::from("usr")));
        true
    } else if is(last, |part| part == "usr") && is(before, |part| part.starts_with("lib")) {
        path.pop();
        true
    } else {
        false
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Into(PathBuf),
    Up,
}

/// The parts of a path, the last first.
fn parts(path: &Path) -> Vec<Step> {
    let step = |component| match component {
        Component::Normal(part) => Some(Step::Into(PathBuf::from(part))),
        Component::ParentDir => Some(Step::Up),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    };
    path.components().rev().filter_map(step).collect()
}

fn on_host(root: &Path, at: &[Step]) -> PathBuf {
    let mut path = root.to_owned();
    for step in at {
        if let Step::Into(part) = step {
            path.push(part);
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn links_are_followed_within_the_root() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        let path = |name: &str| root.join(name);
        for name in ["usr/lib/x", "lib64", "etc"] {
            fs_err::create_dir_all(path(name)).unwrap();
        }
        fs_err::write(path("usr/lib/x/libm.so.6"), "").unwrap();
        fs_err::write(path("etc/passwd"), "").unwrap();
        symlink("/lib/x/libm.so.6", path("usr/lib/x/libm.so")).unwrap();
        symlink("../../../../../../etc/passwd", path("usr/lib/up")).unwrap();
        symlink("/usr/lib/loop", path("usr/lib/loop")).unwrap();
        symlink("/etc", path("usr/lib/folder")).unwrap();
        let cases = [
            ("/usr/lib/x/libm.so", Some("usr/lib/x/libm.so.6")),
            // The root has no link from /lib to /usr/lib.
            ("/lib/x/libm.so.6", Some("usr/lib/x/libm.so.6")),
            ("/usr/lib64", Some("lib64")),
            ("/usr/lib/up", Some("etc/passwd")),
            ("/usr/lib/folder/passwd", Some("etc/passwd")),
            ("/usr/lib/loop", None),
            ("/usr/etc/passwd", None),
            // The host has this one.
            ("/proc/self/exe", None),
        ];
        for (name, expected) in cases {
            assert_eq!(find_in(&root, name), expected.map(path), "{name}");
        }
        assert_eq!(find_in(Path::new("/"), "/proc/self/exe"), Some(PathBuf::from("/proc/self/exe")));
    }
}
