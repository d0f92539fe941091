//! The files of a package.

use std::path::PathBuf;
use std::sync::Arc;

use super::Relation;

/// One file of a package. All belong to root.
#[derive(Debug, Clone)]
pub struct File {
    /// Absolute; in a source package the bare name.
    pub path: String,
    /// What it is.
    pub kind: FileKind,
    /// Permission bits.
    pub permissions: u16,
    /// `%config`, `%doc` and so on.
    pub flags: u32,
    /// In file(1)'s words; for people only.
    pub class: String,
    /// 1 for 32-bit ELF, 2 for 64-bit ELF, else 0.
    pub color: u32,
    /// What this file makes the package provide.
    pub provides: Vec<Relation>,
    /// What this file makes the package require.
    pub requires: Vec<Relation>,
}

/// What a file is.
#[derive(Debug, Clone)]
pub enum FileKind {
    /// A regular file.
    Regular(Content),
    /// A directory that the package owns.
    Directory,
    /// A symbolic link.
    Symlink {
        /// Where it points.
        target: String,
    },
}

/// Where a regular file's bytes are.
#[derive(Debug, Clone)]
pub enum Content {
    /// Here.
    Memory(Arc<[u8]>),
    /// On disk; read once, when the package is written.
    Disk(PathBuf),
}

/// `%config`.
pub const CONFIG: u32 = 1 << 0;
/// `%doc`.
pub const DOC: u32 = 1 << 1;
/// `(noreplace)`.
pub const NOREPLACE: u32 = 1 << 4;
/// The spec of a source package.
pub const SPEC: u32 = 1 << 5;
/// `%license`.
pub const LICENSE: u32 = 1 << 7;
/// Made by the build, not by the package's author.
pub const ARTIFACT: u32 = 1 << 12;

impl File {
    fn new(path: impl Into<String>, kind: FileKind, permissions: u16, class: &str) -> Self {
        File {
            path: path.into(),
            kind,
            permissions,
            flags: 0,
            class: class.to_owned(),
            color: 0,
            provides: Vec::new(),
            requires: Vec::new(),
        }
    }

    /// A text that is in memory, mode 0644.
    pub(super) fn text(path: impl Into<String>, bytes: impl Into<Arc<[u8]>>) -> Self {
        let bytes = bytes.into();
        let class = text_class(&bytes);
        File::new(path, FileKind::Regular(Content::Memory(bytes)), 0o644, class)
    }

    /// A file on disk.
    pub(super) fn disk(path: impl Into<String>, from: impl Into<PathBuf>, permissions: u16) -> Self {
        File::new(path, FileKind::Regular(Content::Disk(from.into())), permissions, "data")
    }

    /// A directory, mode 0755.
    pub(super) fn directory(path: impl Into<String>) -> Self {
        File::new(path, FileKind::Directory, 0o755, "directory")
    }

    /// A symbolic link. rpm keeps no class for one.
    pub(super) fn symlink(path: impl Into<String>, target: impl Into<String>) -> Self {
        File::new(path, FileKind::Symlink { target: target.into() }, 0o777, "")
    }

    pub(super) fn flagged(mut self, flags: u32) -> Self {
        self.flags |= flags;
        self
    }

    /// Permissions and file type, as in `st_mode`.
    pub fn mode(&self) -> u16 {
        let kind = match self.kind {
            FileKind::Regular(_) => 0o100_000,
            FileKind::Directory => 0o040_000,
            FileKind::Symlink { .. } => 0o120_000,
        };
        kind | self.permissions
    }
}

/// What file(1) says of a text, as far as it matters.
fn text_class(bytes: &[u8]) -> &'static str {
    match std::str::from_utf8(bytes) {
        Ok("") => "empty",
        Ok(text) if text.contains(|c: char| c.is_control() && !c.is_whitespace()) => "data",
        Ok(text) if text.is_ascii() => "ASCII text",
        Ok(_) => "Unicode text, UTF-8 text",
        Err(_) => "data",
    }
}
