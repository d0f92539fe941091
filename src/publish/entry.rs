//! A package that is published, with what the metadata has of it.

use std::borrow::Cow;
use std::fmt;

use memchr::{memchr, memchr_iter};
use quick_xml::escape::unescape;

use super::piece::Piece;
use crate::repository::Version;
use crate::repository::location::beneath;

/// One package. What primary, filelists and other say of it is kept as it stands there.
#[derive(Debug)]
pub(super) struct Entry {
    pub name: String,
    pub evr: Version,
    pub arch: String,
    pub summary: String,
    /// Of the file, lower-case hexadecimal.
    pub sha256: String,
    /// From the repository's folder; stays beneath it.
    pub href: String,
    /// Bytes.
    pub size: u64,
    /// Of the file, Unix seconds.
    pub time: u64,
    /// When it was built, Unix seconds.
    pub built: u64,
    /// Primary, filelists, other.
    pub xml: [Piece; 3],
}

/// What no two packages of a repository have in common, as people write it: `name-1:2.4.6-97.el7.x86_64`; the epoch only where it
/// is not 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Nevra<'a> {
    pub name: &'a str,
    pub epoch: u32,
    pub version: &'a str,
    pub release: &'a str,
    pub arch: &'a str,
}

impl fmt::Display for Nevra<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Nevra { name, epoch, version, release, arch } = self;
        match epoch {
            0 => write!(formatter, "{name}-{version}-{release}.{arch}"),
            epoch => write!(formatter, "{name}-{epoch}:{version}-{release}.{arch}"),
        }
    }
}

impl Entry {
    /// Reads it back from what modgraft has written of it, and nobody has changed since: in the order in which `fragment` writes.
    ///
    /// # Errors
    /// In words.
    pub fn read(xml: [Piece; 3]) -> Result<Entry, String> {
        let [primary, others @ ..] = &xml;
        let mut rest = Rest(primary);
        let name = rest.text("<name>")?;
        let arch = rest.text("<arch>")?;
        let evr = Version {
            epoch: rest.number("<version epoch=\"")?,
            version: rest.attribute(" ver=\"")?,
            release: rest.attribute(" rel=\"")?,
        };
        let sha256 = rest.text(" pkgid=\"YES\">")?;
        let summary = rest.text("<summary>")?;
        let (time, built) = (rest.number("<time file=\"")?, rest.number(" build=\"")?);
        let size = rest.number("<size package=\"")?;
        let href = rest.attribute("<location href=\"")?;
        beneath(&href)?;
        let begins = format!("<package pkgid=\"{sha256}\" ");
        if sha256.is_empty() || others.iter().any(|other| !other.starts_with(&begins)) {
            return Err("its files do not tell of the same packages".to_owned());
        }
        Ok(Entry { name, evr, arch, summary, sha256, href, size, time, built, xml })
    }

    pub fn nevra(&self) -> Nevra<'_> {
        let Version { epoch, version, release } = &self.evr;
        Nevra { name: &self.name, epoch: *epoch, version, release, arch: &self.arch }
    }

    /// What packages are put in order by. No two of a repository have it in common.
    pub fn order(&self) -> (&str, &str, &str, &str, u32, &str) {
        let Version { epoch, version, release } = &self.evr;
        (&self.name, version, release, &self.arch, *epoch, &self.href)
    }

    /// Whether a new member of the compressed files begins with it: with one in 64, whichever others there are.
    pub fn begins_member(&self) -> bool {
        self.sha256.starts_with("00")
            || self.sha256.starts_with("40")
            || self.sha256.starts_with("80")
            || self.sha256.starts_with("c0")
    }
}

/// What was not read yet of a text.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    /// What stands between the next `start` and the `end` behind it.
    fn between(&mut self, start: &str, end: u8) -> Result<Cow<'a, str>, String> {
        let missing = || format!("a package has no {start}");
        let bytes = self.0.as_bytes();
        let first = start.as_bytes().first().copied().unwrap_or(b'<');
        let mut starts = memchr_iter(first, bytes).filter(|at| bytes[*at..].starts_with(start.as_bytes()));
        let begin = starts.next().ok_or_else(missing)? + start.len();
        let length = memchr(end, &bytes[begin..]).ok_or_else(missing)?;
        let (text, rest) = self.0[begin..].split_at(length);
        self.0 = rest;
        unescape(text).map_err(|error| error.to_string())
    }

    /// Of an element.
    fn text(&mut self, start: &str) -> Result<String, String> {
        self.between(start, b'<').map(Cow::into_owned)
    }

    fn attribute(&mut self, start: &str) -> Result<String, String> {
        self.between(start, b'"').map(Cow::into_owned)
    }

    fn number<T: std::str::FromStr>(&mut self, start: &str) -> Result<T, String> {
        self.between(start, b'"')?.parse().map_err(|_| format!("{start} is no number"))
    }
}
