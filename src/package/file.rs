//! The files of a package.

use std::path::PathBuf;
use std::sync::Arc;

use super::Relation;

/// One file of a package. What differs from a constructor's defaults is stated by struct update:
///
/// ```
/// use modgraft::package::{File, file};
///
/// let settings = File { flags: file::CONFIG | file::NOREPLACE, ..File::text("/etc/x.conf", *b"On\n") };
/// let folder = File { permissions: 0o2750, group: "apache".to_owned(), ..File::directory("/var/lib/x") };
/// assert_eq!((settings.mode(), folder.mode()), (0o100_644, 0o042_750));
/// ```
#[derive(Debug, Clone)]
pub struct File {
    /// Absolute; in a source package the bare name.
    pub path: String,
    /// What it is.
    pub kind: FileKind,
    /// Permission bits, setuid, setgid and sticky among them.
    pub permissions: u16,
    /// The user that it belongs to, by name.
    pub owner: String,
    /// The group that it belongs to, by name.
    pub group: String,
    /// `%config`, `%doc` and so on.
    pub flags: u32,
    /// What `rpm -V` looks at: all ([`VERIFY_ALL`]) but the bits of `%verify(not …)`.
    pub verify: u32,
    /// `%lang`: the languages that it is for, parted by `|`; empty for all.
    pub languages: String,
    /// `%caps`, in the words of cap_to_text(3); empty for none.
    pub capabilities: String,
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
    /// Another name of a regular file of the same package.
    HardLink {
        /// Its path, as the package has it.
        to: String,
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
/// `(missingok)`: nobody misses it.
pub const MISSING_OK: u32 = 1 << 3;
/// `(noreplace)`.
pub const NOREPLACE: u32 = 1 << 4;
/// The spec of a source package.
pub const SPEC: u32 = 1 << 5;
/// `%ghost`: the package owns it and does not have it. The payload leaves it out.
pub const GHOST: u32 = 1 << 6;
/// `%license`.
pub const LICENSE: u32 = 1 << 7;
/// Made by the build, not by the package's author.
pub const ARTIFACT: u32 = 1 << 12;

/// `rpm -V` looks at everything.
pub const VERIFY_ALL: u32 = u32::MAX;
/// `%verify(filedigest)`, once `md5`.
pub const VERIFY_DIGEST: u32 = 1 << 0;
/// `%verify(size)`.
pub const VERIFY_SIZE: u32 = 1 << 1;
/// `%verify(link)`: where a symbolic link points.
pub const VERIFY_LINK: u32 = 1 << 2;
/// `%verify(user)`.
pub const VERIFY_USER: u32 = 1 << 3;
/// `%verify(group)`.
pub const VERIFY_GROUP: u32 = 1 << 4;
/// `%verify(mtime)`.
pub const VERIFY_TIME: u32 = 1 << 5;
/// `%verify(mode)`.
pub const VERIFY_MODE: u32 = 1 << 6;
/// `%verify(rdev)`.
pub const VERIFY_DEVICE: u32 = 1 << 7;
/// `%verify(caps)`.
pub const VERIFY_CAPABILITIES: u32 = 1 << 8;
/// What rpmbuild leaves out for a `%ghost`, whose content is nobody's.
const GHOSTLY: u32 = VERIFY_DIGEST | VERIFY_SIZE | VERIFY_LINK | VERIFY_TIME;

/// Whom files belong to where nothing else is said.
const ROOT: &str = "root";

impl File {
    fn new(path: impl Into<String>, kind: FileKind, permissions: u16, class: &str) -> Self {
        File {
            path: path.into(),
            kind,
            permissions,
            owner: ROOT.to_owned(),
            group: ROOT.to_owned(),
            flags: 0,
            verify: VERIFY_ALL,
            languages: String::new(),
            capabilities: String::new(),
            class: class.to_owned(),
            color: 0,
            provides: Vec::new(),
            requires: Vec::new(),
        }
    }

    /// A text that is in memory, mode 0644. All constructors give it to root.
    pub fn text(path: impl Into<String>, bytes: impl Into<Arc<[u8]>>) -> Self {
        let bytes = bytes.into();
        let class = text_class(&bytes);
        File::new(path, FileKind::Regular(Content::Memory(bytes)), 0o644, class)
    }

    /// A file on disk, read once, when the package is written.
    pub fn disk(path: impl Into<String>, from: impl Into<PathBuf>, permissions: u16) -> Self {
        File::new(path, FileKind::Regular(Content::Disk(from.into())), permissions, "data")
    }

    /// A directory, mode 0755.
    pub fn directory(path: impl Into<String>) -> Self {
        File::new(path, FileKind::Directory, 0o755, "directory")
    }

    /// A symbolic link. rpm keeps no class for one.
    pub fn symlink(path: impl Into<String>, target: impl Into<String>) -> Self {
        File::new(path, FileKind::Symlink { target: target.into() }, 0o777, "")
    }

    /// Another name of the file `to` of the same package.
    pub fn hard_link(path: impl Into<String>, to: impl Into<String>) -> Self {
        File::new(path, FileKind::HardLink { to: to.into() }, 0o644, "")
    }

    /// What the package owns and something else makes: `%ghost`.
    pub fn ghost(self) -> Self {
        File { flags: self.flags | GHOST, verify: self.verify & !GHOSTLY, ..self }
    }

    /// Whether it is a `%ghost`.
    pub fn is_ghost(&self) -> bool {
        self.flags & GHOST != 0
    }

    pub(super) fn flagged(mut self, flags: u32) -> Self {
        self.flags |= flags;
        self
    }

    /// Permissions and file type, as in `st_mode`.
    pub fn mode(&self) -> u16 {
        let kind = match self.kind {
            FileKind::Regular(_) | FileKind::HardLink { .. } => 0o100_000,
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
