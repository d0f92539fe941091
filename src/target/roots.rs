//! Where a target's files are on this host: below the root of unpacked packages, below the host's own, or both in turn.

use std::path::{Path, PathBuf};

/// Roots of file systems that lie over each other; the first that has a file wins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roots(Vec<PathBuf>);

impl Roots {
    /// The host's own root only.
    pub fn host() -> Self {
        Roots(vec![PathBuf::from("/")])
    }

    /// Unpacked packages over the host's own root.
    pub fn over_host(root: PathBuf) -> Self {
        Roots(vec![root, PathBuf::from("/")])
    }

    /// One root alone.
    pub fn only(root: PathBuf) -> Self {
        Roots(vec![root])
    }

    /// Whether there is nothing but the host's own root.
    pub fn is_host(&self) -> bool {
        self.0.iter().all(|root| root == Path::new("/"))
    }

    /// The roots, the first first.
    pub fn iter(&self) -> impl Iterator<Item = &Path> {
        self.0.iter().map(PathBuf::as_path)
    }

    /// The file or folder that an absolute path of the target has on this host.
    pub fn find(&self, path: &str) -> Option<PathBuf> {
        let relative = path.trim_start_matches('/');
        self.0.iter().map(|root| root.join(relative)).find(|path| path.exists())
    }
}
