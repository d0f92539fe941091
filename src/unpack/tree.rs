//! A root that packages are unpacked into: nothing is written outside it, whatever a package holds.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{FileType, Mode};

use super::Limits;
use super::error::{Error, Wrong};
use crate::beneath::{Beneath, at};
use crate::process;

/// What neither a build nor a check reads, and is half of most packages.
const DOCUMENTATION: &[&str] =
    &["usr/share/doc", "usr/share/man", "usr/share/info", "usr/share/locale", "usr/share/licenses"];

/// Debug information.
const DEBUG: &[&str] = &["usr/lib/debug", "usr/lib/.build-id"];

/// Links that lead to links are followed so far, as the kernel does it.
const MAX_LINKS: usize = 40;

/// What is left out of a root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leave {
    /// Documentation.
    Documentation,
    /// Documentation and debug information.
    DocumentationAndDebug,
}

/// A root that is being filled. Links are made at the end, so that no file is ever written through one.
#[derive(Debug)]
pub struct Tree {
    beneath: Beneath,
    /// Where each leads, from the root.
    links: BTreeMap<PathBuf, PathBuf>,
    leave: Leave,
    limits: Limits,
    /// Bytes written.
    bytes: u64,
    /// Files, folders and links.
    entries: u64,
}

impl Tree {
    /// Begins with a folder, which is made; it should be empty.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn create(root: &Path, leave: Leave, limits: Limits) -> Result<Self, Error> {
        fs_err::create_dir_all(root)?;
        let beneath = Beneath::open(root)?;
        Ok(Tree { beneath, links: BTreeMap::new(), leave, limits, bytes: 0, entries: 0 })
    }

    /// What it takes at most.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Writes a file. Set-user-id and the like are not taken over.
    pub(super) fn file(&mut self, path: &Path, mode: u32, content: &mut dyn Read) -> Result<(), Wrong> {
        let Some(path) = self.enter(path)? else { return Ok(()) };
        // Two packages may have the same file (alternatives); the later one is as good.
        self.beneath.remove(&path).map_err(Wrong::writing)?;
        let mut file = self.beneath.create(&path, 0o600).map_err(Wrong::writing)?;
        self.copy(&path, content, &mut file)?;
        rustix::fs::fchmod(&file, Mode::from_raw_mode(mode & 0o755 | 0o600))
            .map_err(|errno| Wrong::Io(at(&path, errno.into())))
    }

    fn copy(&mut self, path: &Path, content: &mut dyn Read, file: &mut File) -> Result<(), Wrong> {
        let mut buffer = vec![0; 64 << 10];
        let mut written = 0;
        loop {
            if process::interrupted() {
                return Err(Wrong::Interrupted);
            }
            let read = content.read(&mut buffer).map_err(|error| super::deb::reading(&error))?;
            if read == 0 {
                return Ok(());
            }
            written += read as u64;
            self.bytes += read as u64;
            let most = |what: String, most: u64| {
                Wrong::TooLarge(format!("{what} more than {} MB", most / 1_000_000))
            };
            if written > self.limits.file {
                return Err(most(format!("{} has", path.display()), self.limits.file));
            }
            if self.bytes > self.limits.all {
                return Err(most("with those before it, it has".to_owned(), self.limits.all));
            }
            file.write_all(&buffer[..read]).map_err(|error| Wrong::Io(at(path, error)))?;
        }
    }

    /// Makes a folder.
    pub(super) fn folder(&mut self, path: &Path) -> Result<(), Wrong> {
        match self.enter(path)? {
            // One that another package has as a link becomes one at the end.
            Some(path) => self.beneath.folder(&path).map_err(Wrong::writing),
            None => Ok(()),
        }
    }

    /// Makes another name for a file of the same package.
    pub(super) fn hard_link(&mut self, path: &Path, original: &Path) -> Result<(), Wrong> {
        let (Some(path), Some(original)) = (self.enter(path)?, self.clean(original)?) else { return Ok(()) };
        if let Some(target) = self.links.get(&original).cloned() {
            self.links.entry(path).or_insert(target);
            return Ok(());
        }
        if self.beneath.kind(&original).map_err(Wrong::writing)? != Some(FileType::RegularFile) {
            let (path, original) = (path.display(), original.display());
            return Err(Wrong::Damaged(format!(
                "its file {path} is a hard link to {original}, which it has not"
            )));
        }
        self.beneath.remove(&path).map_err(Wrong::writing)?;
        self.beneath.hard_link(&path, &original).map_err(Wrong::writing)
    }

    /// Keeps a symbolic link for the end. An absolute one becomes relative, since the root is not the file system's, and none
    /// leads above it.
    pub(super) fn link(&mut self, path: &Path, target: &Path) -> Result<(), Wrong> {
        if let Some(path) = self.enter(path)? {
            let target = from_root(&path, target);
            self.links.entry(path).or_insert(target);
        }
        Ok(())
    }

    /// Makes the links. A link that stands where packages have put files is one of those by which distributions join folders
    /// (`/lib64` to `/usr/lib64`): what is in the folder moves to where the link leads.
    ///
    /// # Errors
    /// The disk is full, or files are in the way of each other.
    pub fn finish(mut self) -> Result<(), Error> {
        self.join()?;
        Ok(self.make_links()?)
    }

    fn join(&mut self) -> std::io::Result<()> {
        // Joining one folder can uncover another.
        for _ in 0..MAX_LINKS {
            let Some((path, target)) = self.to_join()? else { return Ok(()) };
            self.beneath.merge(&path, &target)?;
            // The links beneath it move along.
            let links = std::mem::take(&mut self.links);
            for (link, leads_to) in links {
                let moved = match link.strip_prefix(&path) {
                    Ok(below) if link != path => target.join(below),
                    _ => link,
                };
                self.links.entry(moved).or_insert(leads_to);
            }
        }
        Ok(())
    }

    /// A link that stands where a folder is, and may take its place.
    fn to_join(&self) -> std::io::Result<Option<(PathBuf, PathBuf)>> {
        for (path, target) in &self.links {
            if !target.starts_with(path)
                && !target.as_os_str().is_empty()
                && self.beneath.kind(path)? == Some(FileType::Directory)
                && self.beneath.kind(target)?.is_none_or(|kind| kind == FileType::Directory)
            {
                return Ok(Some((path.clone(), target.clone())));
            }
        }
        Ok(None)
    }

    fn make_links(&self) -> std::io::Result<()> {
        for (path, target) in &self.links {
            // A link beneath another one would be made where that leads. Those above come first here.
            let above = path.ancestors().skip(1).filter(|above| self.links.contains_key(*above));
            let mut kinds = above.map(|above| self.beneath.kind(above));
            let beneath_a_link = kinds.any(|kind| kind.is_ok_and(|kind| kind == Some(FileType::Symlink)));
            if !beneath_a_link && self.beneath.kind(path)?.is_none() {
                self.beneath.symlink(path, relative(path, target).as_os_str())?;
            }
        }
        Ok(())
    }

    /// Counts an entry; its path, where it is not left out.
    fn enter(&mut self, path: &Path) -> Result<Option<PathBuf>, Wrong> {
        self.entries += 1;
        if self.entries > self.limits.entries {
            return Err(Wrong::TooLarge(format!(
                "with those before it, it has more than {} files",
                self.limits.entries
            )));
        }
        self.clean(path)
    }

    /// A package's path, relative to the root; `None` for the root itself and for what is left out.
    fn clean(&self, path: &Path) -> Result<Option<PathBuf>, Wrong> {
        let mut relative = PathBuf::new();
        for component in path.components() {
            match component {
                Component::Normal(part) => relative.push(part),
                Component::RootDir | Component::CurDir => {}
                Component::ParentDir | Component::Prefix(_) => {
                    return Err(Wrong::Outside(path.to_string_lossy().escape_debug().to_string()));
                }
            }
        }
        let debug = match self.leave {
            Leave::Documentation => &[][..],
            Leave::DocumentationAndDebug => DEBUG,
        };
        let left_out = DOCUMENTATION.iter().chain(debug).any(|left_out| relative.starts_with(left_out));
        Ok((!relative.as_os_str().is_empty() && !left_out).then_some(relative))
    }
}

/// A link's target as a path from the root, which stays within it as it would in a root of its own.
fn from_root(link: &Path, target: &Path) -> PathBuf {
    let parent = link.parent().unwrap_or(Path::new(""));
    let whole = if target.is_absolute() { target.to_owned() } else { parent.join(target) };
    let mut path = PathBuf::new();
    for component in whole.components() {
        match component {
            Component::Normal(part) => path.push(part),
            Component::ParentDir => {
                path.pop();
            }
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
    }
    path
}

/// The same as a path from the link's folder.
fn relative(link: &Path, target: &Path) -> PathBuf {
    let parent = link.parent().unwrap_or(Path::new(""));
    let mut path: PathBuf = parent.components().map(|_| Component::ParentDir).collect();
    path.push(target);
    if path.as_os_str().is_empty() { PathBuf::from(".") } else { path }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    const SMALL: Limits = Limits { package: 1000, file: 10, all: 15, entries: 5 };

    fn tree(folder: &Path) -> Tree {
        Tree::create(&folder.join("root"), Leave::DocumentationAndDebug, Limits::default()).unwrap()
    }

    #[test]
    fn links_stay_within_the_root() {
        let cases = [
            ("usr/lib/liba.so", "liba.so.1", "../../usr/lib/liba.so.1"),
            ("usr/lib/liba.so", "/lib/liba.so.1", "../../lib/liba.so.1"),
            ("a", "../../../etc/passwd", "etc/passwd"),
            ("usr/bin/x", "../../../../etc/passwd", "../../etc/passwd"),
            ("a", "/", "."),
        ];
        for (link, target, expected) in cases {
            let target = from_root(Path::new(link), Path::new(target));
            assert_eq!(relative(Path::new(link), &target), Path::new(expected), "{link}");
        }
    }

    #[test]
    fn nothing_is_written_outside_or_through_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        let mut tree = tree(folder.path());
        let outside = tree.file(Path::new("../out"), 0o644, &mut &b"x"[..]);
        assert!(matches!(outside, Err(Wrong::Outside(path)) if path == "../out"));
        tree.link(Path::new("a"), Path::new("/..")).unwrap();
        tree.file(Path::new("a/b"), 0o4755, &mut &b"x"[..]).unwrap();
        tree.link(Path::new("c"), folder.path()).unwrap();
        tree.link(Path::new("c/d"), Path::new("e")).unwrap();
        tree.finish().unwrap();
        assert!(root.join("a").is_dir() && !root.join("a").is_symlink());
        assert_eq!(root.join("a/b").metadata().unwrap().permissions().mode() & 0o7777, 0o755);
        assert!(root.join("c").read_link().unwrap().is_relative());
        assert_eq!(fs_err::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn folders_that_a_link_joins_become_one() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        let mut tree = tree(folder.path());
        tree.file(Path::new("/lib64/libc.so.6"), 0o755, &mut &b"c"[..]).unwrap();
        tree.link(Path::new("/lib64/libc.so"), Path::new("libc.so.6")).unwrap();
        tree.file(Path::new("/usr/lib64/libm.so.6"), 0o755, &mut &b"m"[..]).unwrap();
        tree.file(Path::new("/usr/sbin/httpd"), 0o755, &mut &b"h"[..]).unwrap();
        tree.link(Path::new("/sbin"), Path::new("usr/sbin")).unwrap();
        tree.link(Path::new("/lib64"), Path::new("usr/lib64")).unwrap();
        tree.link(Path::new("/usr/sbin"), Path::new("bin")).unwrap();
        tree.finish().unwrap();
        for (path, content) in [
            ("lib64/libc.so", "c"),
            ("usr/lib64/libc.so.6", "c"),
            ("lib64/libm.so.6", "m"),
            ("usr/bin/httpd", "h"),
            ("sbin/httpd", "h"),
        ] {
            assert_eq!(fs_err::read_to_string(root.join(path)).unwrap(), content, "{path}");
        }
        assert!(root.join("lib64").is_symlink() && root.join("usr/sbin").is_symlink());
    }

    #[test]
    fn hard_links_are_of_files_that_were_unpacked() {
        let folder = tempfile::tempdir().unwrap();
        let mut tree = tree(folder.path());
        fs_err::write(folder.path().join("secret"), "x").unwrap();
        tree.file(Path::new("a"), 0o644, &mut &b"1"[..]).unwrap();
        tree.hard_link(Path::new("x/b"), Path::new("./a")).unwrap();
        tree.link(Path::new("l"), Path::new("a")).unwrap();
        tree.hard_link(Path::new("m"), Path::new("l")).unwrap();
        for original in ["nothing", "x", "a/b"] {
            let wrong = tree.hard_link(Path::new("n"), Path::new(original)).unwrap_err();
            assert!(matches!(wrong, Wrong::Damaged(_)), "{original}: {wrong:?}");
        }
        let wrong = tree.hard_link(Path::new("n"), Path::new("../secret")).unwrap_err();
        assert!(matches!(wrong, Wrong::Outside(_)), "{wrong:?}");
        tree.finish().unwrap();
        for name in ["x/b", "l", "m"] {
            assert_eq!(fs_err::read_to_string(folder.path().join("root").join(name)).unwrap(), "1", "{name}");
        }
    }

    #[test]
    fn what_is_in_the_way_is_a_conflict() {
        let folder = tempfile::tempdir().unwrap();
        let mut tree = tree(folder.path());
        tree.file(Path::new("a"), 0o644, &mut &b"1"[..]).unwrap();
        tree.file(Path::new("a"), 0o644, &mut &b"2"[..]).unwrap();
        tree.folder(Path::new("b")).unwrap();
        for wrong in [
            tree.file(Path::new("a/b"), 0o644, &mut &b"1"[..]),
            tree.folder(Path::new("a")),
            tree.file(Path::new("b"), 0o644, &mut &b"1"[..]),
        ] {
            assert!(matches!(wrong, Err(Wrong::Conflict(_))), "{wrong:?}");
        }
        tree.finish().unwrap();
        assert_eq!(fs_err::read_to_string(folder.path().join("root/a")).unwrap(), "2");
    }

    #[test]
    fn the_limits_hold_for_a_file_for_all_and_for_their_number() {
        let folder = tempfile::tempdir().unwrap();
        let mut tree = Tree::create(folder.path(), Leave::Documentation, SMALL).unwrap();
        let mut put = |name: &str, size: usize| tree.file(Path::new(name), 0o644, &mut &vec![b'x'; size][..]);
        put("a", 10).unwrap();
        assert!(matches!(put("b", 11), Err(Wrong::TooLarge(reason)) if reason.starts_with("b has")));
        let mut tree = Tree::create(folder.path(), Leave::Documentation, SMALL).unwrap();
        let mut put = |name: &str, size: usize| tree.file(Path::new(name), 0o644, &mut &vec![b'x'; size][..]);
        put("a", 10).unwrap();
        assert!(matches!(put("b", 6), Err(Wrong::TooLarge(_))));
        let mut tree = Tree::create(folder.path(), Leave::Documentation, SMALL).unwrap();
        for _ in 0..5 {
            tree.folder(Path::new("usr/share/doc")).unwrap();
        }
        assert!(matches!(tree.folder(Path::new("x")), Err(Wrong::TooLarge(_))));
    }

    #[test]
    fn documentation_is_left_out_and_debug_information_where_nobody_asks() {
        let folder = tempfile::tempdir().unwrap();
        let (debug, all) = (tree(folder.path()), Tree { leave: Leave::Documentation, ..tree(folder.path()) });
        let clean = |tree: &Tree, path: &str| tree.clean(Path::new(path)).unwrap().is_some();
        for (path, without_debug, with_debug) in [
            ("./usr/share/doc/x/copyright", false, false),
            ("./usr/share/docs", true, true),
            ("./", false, false),
            ("/usr/lib/debug/usr/sbin/httpd.debug", false, true),
            ("/usr/lib/httpd", true, true),
        ] {
            assert_eq!((clean(&debug, path), clean(&all, path)), (without_debug, with_debug), "{path}");
        }
    }
}
