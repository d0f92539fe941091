//! A root that packages are unpacked into: nothing is written outside it, whatever a package holds.

use std::fs::Permissions;
use std::io::{self, Read};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};

/// What neither a build nor a check reads, and is half of most packages.
const LEFT_OUT: &[&str] = &[
    "usr/share/doc",
    "usr/share/man",
    "usr/share/info",
    "usr/share/locale",
    "usr/lib/debug",
    "usr/lib/.build-id",
];

/// The most that is unpacked into one root, in bytes. httpd with all that it needs is under 100 MB.
const MAX_BYTES: u64 = 2 << 30;

/// A root that is being filled. Links are made at the end, so that no file is ever written through one.
pub struct Tree {
    root: PathBuf,
    links: Vec<(PathBuf, PathBuf)>,
    left: u64,
}

impl Tree {
    /// Begins with an empty folder.
    pub fn create(root: &Path) -> io::Result<Self> {
        fs_err::create_dir_all(root)?;
        Ok(Tree { root: root.to_owned(), links: Vec::new(), left: MAX_BYTES })
    }

    /// Writes a file. Set-user-id and the like are not taken over.
    pub fn file(&mut self, path: &Path, mode: u32, content: &mut dyn Read) -> io::Result<()> {
        let Some(relative) = clean(path)? else { return Ok(()) };
        let to = self.root.join(relative);
        if let Some(parent) = to.parent() {
            fs_err::create_dir_all(parent)?;
        }
        // Two packages may have the same file (alternatives); the later one is as good.
        if let Err(error) = fs_err::remove_file(&to)
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(error);
        }
        let mut file = fs_err::File::create_new(&to)?;
        let written = io::copy(&mut content.take(self.left + 1), &mut file)?;
        self.left =
            self.left.checked_sub(written).ok_or_else(|| invalid("the packages are larger than 2 GiB"))?;
        fs_err::set_permissions(&to, Permissions::from_mode(mode & 0o755 | 0o600))
    }

    /// Makes a folder.
    pub fn folder(&mut self, path: &Path) -> io::Result<()> {
        match clean(path)? {
            Some(relative) => fs_err::create_dir_all(self.root.join(relative)),
            None => Ok(()),
        }
    }

    /// Makes another name for a file of the same package.
    pub fn hard_link(&mut self, path: &Path, original: &Path) -> io::Result<()> {
        let (Some(path), Some(original)) = (clean(path)?, clean(original)?) else { return Ok(()) };
        let to = self.root.join(path);
        if let Some(parent) = to.parent() {
            fs_err::create_dir_all(parent)?;
        }
        fs_err::hard_link(self.root.join(original), to)
    }

    /// Keeps a symbolic link for the end. An absolute one becomes relative, since the root is not the file system's.
    pub fn link(&mut self, path: &Path, target: &Path) -> io::Result<()> {
        if let Some(relative) = clean(path)? {
            let target = within(&relative, target);
            self.links.push((relative, target));
        }
        Ok(())
    }

    /// Makes the links.
    pub fn finish(self) -> io::Result<()> {
        for (path, target) in &self.links {
            let to = self.root.join(path);
            // A parent that is a link by now would lead the relative target elsewhere.
            let parents = path.ancestors().skip(1).map(|parent| self.root.join(parent));
            if parents.into_iter().any(|parent| parent.is_symlink()) || to.symlink_metadata().is_ok() {
                continue;
            }
            if let Some(parent) = to.parent() {
                fs_err::create_dir_all(parent)?;
            }
            symlink(target, &to)?;
        }
        Ok(())
    }
}

/// A package's path, relative to the root; `None` for the root itself and for what is left out.
fn clean(path: &Path) -> io::Result<Option<PathBuf>> {
    let mut relative = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(part) => relative.push(part),
            Component::RootDir | Component::CurDir => {}
            Component::ParentDir | Component::Prefix(_) => {
                return Err(invalid(&format!("it has a path that leaves the root: {}", path.display())));
            }
        }
    }
    let wanted =
        !relative.as_os_str().is_empty() && !LEFT_OUT.iter().any(|left_out| relative.starts_with(left_out));
    Ok(wanted.then_some(relative))
}

/// A link's target as a relative path that stays within the root, as it would in a root of its own.
fn within(link: &Path, target: &Path) -> PathBuf {
    let parent = link.parent().unwrap_or(Path::new(""));
    let from_root = if target.is_absolute() { target.to_owned() } else { parent.join(target) };
    let mut parts: Vec<Component<'_>> = Vec::new();
    for component in from_root.components() {
        match component {
            Component::Normal(_) => parts.push(component),
            Component::ParentDir => {
                parts.pop();
            }
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
    }
    let mut relative: PathBuf = parent.components().map(|_| Component::ParentDir).collect();
    relative.extend(parts);
    relative
}

fn invalid(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_stay_within_the_root() {
        let cases = [
            ("usr/lib/liba.so", "liba.so.1", "../../usr/lib/liba.so.1"),
            ("usr/lib/liba.so", "/lib/liba.so.1", "../../lib/liba.so.1"),
            ("a", "../../../etc/passwd", "etc/passwd"),
            ("usr/bin/x", "../../../../etc/passwd", "../../etc/passwd"),
        ];
        for (link, target, expected) in cases {
            assert_eq!(within(Path::new(link), Path::new(target)), Path::new(expected), "{link} -> {target}");
        }
    }

    #[test]
    fn nothing_is_written_outside_or_through_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        let mut tree = Tree::create(&root).unwrap();
        assert!(tree.file(Path::new("../out"), 0o644, &mut &b"x"[..]).is_err());
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
    fn documentation_is_left_out() {
        assert_eq!(clean(Path::new("./usr/share/doc/x/copyright")).unwrap(), None);
        assert_eq!(clean(Path::new("./usr/share/docs")).unwrap(), Some(PathBuf::from("usr/share/docs")));
        assert_eq!(clean(Path::new("./")).unwrap(), None);
    }
}
