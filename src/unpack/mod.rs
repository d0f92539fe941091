//! Unpacks a distribution's packages, .rpm and .deb, into a root beneath a folder of modgraft's.
//!
//! A package is a stranger's work until it is proven to be the one that was wanted: its sizes are bounded before anything is
//! allocated or written, its digests are checked, and none of its names leads out of the root ([`crate::beneath`]). No
//! program of it is run, and what is neither file, folder nor link is passed over.
//!
//! In: files. Out: what they say that they are ([`PackageId`]), and a [`Tree`].

pub mod archive;
mod deb;
mod error;
mod limits;
mod rpm;
#[cfg(test)]
mod tests;
mod tree;

pub use error::Error;
pub use limits::Limits;
pub use tree::{Leave, Tree};

use std::io::Read;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::hash::hex;
use crate::process;

/// A package format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Red Hat's and SUSE's.
    Rpm,
    /// Debian's.
    Deb,
}

impl Kind {
    /// What a file's name ends with.
    pub fn extension(self) -> &'static str {
        match self {
            Kind::Rpm => "rpm",
            Kind::Deb => "deb",
        }
    }

    /// What a file is by its first bytes; its name may be anything.
    fn of(start: &[u8]) -> Option<Self> {
        if start.starts_with(&[0xed, 0xab, 0xee, 0xdb]) {
            Some(Kind::Rpm)
        } else if start.starts_with(deb::MAGIC) {
            Some(Kind::Deb)
        } else {
            None
        }
    }
}

/// What a package is, by its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageId {
    /// Its format.
    pub kind: Kind,
    /// `httpd-devel`.
    pub name: String,
    /// With epoch, where it has one, and release: `2.4.37-51.el8`, `2.4.62-1~deb11u1`.
    pub version: String,
    /// In its format's words: `x86_64`, `noarch`; `amd64`, `all`.
    pub arch: String,
    /// Of the file, in lower-case hexadecimal digits.
    pub sha256: String,
    /// Of the file. Bytes.
    pub size: u64,
}

/// Reads what a package is, without unpacking it.
///
/// # Errors
/// [`Error::NotAPackage`], [`Error::TooLarge`], [`Error::Damaged`], [`Error::Rpm`]; [`Error::Io`] where it cannot be read.
pub fn describe(package: &Path, limits: &Limits) -> Result<PackageId, Error> {
    let kind = kind(package, limits)?;
    let [name, version, arch] = match kind {
        Kind::Rpm => rpm::names(package)?,
        Kind::Deb => deb::names(package)?,
    };
    for (what, text, also) in
        [("name", &name, "+._-"), ("version", &version, "+._-~^:"), ("architecture", &arch, "_-")]
    {
        let plain = |c: char| c.is_ascii_alphanumeric() || also.contains(c);
        if text.is_empty() || text.len() > 200 || !text.chars().all(plain) {
            return Err(Error::Damaged {
                package: package.to_owned(),
                reason: format!(
                    "its {what} is {:?}, which is none",
                    text.chars().take(200).collect::<String>()
                ),
            });
        }
    }
    let (sha256, size) = hash(package)?;
    Ok(PackageId { kind, name, version, arch, sha256, size })
}

/// Unpacks a package into `tree`.
///
/// # Errors
/// As [`describe`]; [`Error::Outside`], [`Error::Conflict`]. What was written before the error stays in the tree.
pub fn unpack(package: &Path, tree: &mut Tree) -> Result<(), Error> {
    let unpacked = match kind(package, tree.limits())? {
        Kind::Rpm => rpm::unpack(package, tree),
        Kind::Deb => deb::unpack(package, tree),
    };
    unpacked.map_err(|wrong| wrong.of(package))
}

fn kind(package: &Path, limits: &Limits) -> Result<Kind, Error> {
    let not = |reason: &str| Error::NotAPackage { package: package.to_owned(), reason: reason.to_owned() };
    // Before it is opened: a pipe would wait for its writer.
    let metadata = fs_err::metadata(package)?;
    if !metadata.is_file() {
        return Err(not("it is no file"));
    }
    if metadata.len() > limits.package {
        let reason = format!(
            "it has {} MB, and the most is {} MB",
            metadata.len() / 1_000_000,
            limits.package / 1_000_000
        );
        return Err(Error::TooLarge { package: package.to_owned(), reason });
    }
    let mut start = Vec::new();
    fs_err::File::open(package)?.take(8).read_to_end(&mut start)?;
    Kind::of(&start).ok_or_else(|| not("it begins neither as an .rpm nor as a .deb"))
}

/// SHA-256, in lower-case hexadecimal digits, and length in bytes of a file.
///
/// # Errors
/// It cannot be read; modgraft is asked to stop.
pub fn hash(file: &Path) -> Result<(String, u64), Error> {
    let mut input = fs_err::File::open(file)?;
    let (mut hash, mut size) = (Sha256::new(), 0);
    let mut buffer = vec![0; 256 << 10];
    loop {
        if process::interrupted() {
            return Err(Error::Interrupted);
        }
        match input.read(&mut buffer)? {
            0 => break,
            read => {
                hash.update(&buffer[..read]);
                size += read as u64;
            }
        }
    }
    Ok((hex(&hash.finalize()), size))
}
