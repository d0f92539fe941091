//! A package that is published, with what the metadata has of it.

use std::io::Read;

use crate::repository::Version;
use crate::repository::location::beneath;
use crate::repository::xml::{self, Item};

/// One package. What primary, filelists and other say of it is kept as it stands there.
#[derive(Debug, Clone)]
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
    pub xml: [String; 3],
}

impl Entry {
    /// Reads it back from what modgraft has written of it.
    ///
    /// # Errors
    /// In words.
    pub fn read(xml: [String; 3]) -> Result<Entry, String> {
        let mut entry = Entry {
            name: String::new(),
            evr: Version::default(),
            arch: String::new(),
            summary: String::new(),
            sha256: String::new(),
            href: String::new(),
            size: 0,
            time: 0,
            built: 0,
            xml,
        };
        let [primary, rest @ ..] = &entry.xml;
        // The rest is for clients: relations and files.
        let head = primary.split_once("<format>").map_or(primary.as_str(), |(head, _)| head);
        let (mut size, mut time) = (None, None);
        xml::walk(head.as_bytes().chain(&b"</package>"[..]), "package", &mut |item| {
            match item {
                Item::Start("version", element) => {
                    entry.evr.epoch = xml::number("epoch", &xml::required(element, "epoch")?)?;
                    entry.evr.version = xml::required(element, "ver")?;
                    entry.evr.release = xml::required(element, "rel")?;
                }
                Item::Start("size", element) => {
                    size = Some(xml::number("package", &xml::required(element, "package")?)?);
                }
                Item::Start("time", element) => {
                    let number = |name| xml::number(name, &xml::required(element, name)?);
                    time = Some((number("file")?, number("build")?));
                }
                Item::Start("location", element) => entry.href = xml::required(element, "href")?,
                Item::End("name", text) => entry.name = text.to_owned(),
                Item::End("arch", text) => entry.arch = text.to_owned(),
                Item::End("summary", text) => entry.summary = text.to_owned(),
                Item::End("checksum", text) => entry.sha256 = text.to_owned(),
                _ => {}
            }
            Ok(())
        })?;
        let (Some(size), Some((time, built))) = (size, time) else {
            return Err("a package has no size or time".to_owned());
        };
        (entry.size, entry.time, entry.built) = (size, time, built);
        beneath(&entry.href)?;
        let begins = format!("<package pkgid=\"{}\" ", entry.sha256);
        if entry.sha256.is_empty() || rest.iter().any(|other| !other.starts_with(&begins)) {
            return Err("its files do not tell of the same packages".to_owned());
        }
        Ok(entry)
    }

    /// `name-1:2.4.6-97.el7.x86_64`; the epoch only where it is not 0.
    pub fn nevra(&self) -> String {
        format!("{}-{}.{}", self.name, self.evr, self.arch)
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
