//! Where a repository is, and where what it names lies: beneath it, or on the server that it names itself.

use std::fmt;
use std::path::PathBuf;

use crate::download::{Error as DownloadError, Place, decoded};

/// A repository's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Root {
    /// Without a slash at the end.
    Http(String),
    Folder(PathBuf),
}

impl fmt::Display for Root {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Root::Http(url) => formatter.write_str(url),
            Root::Folder(folder) => folder.display().fmt(formatter),
        }
    }
}

/// What may stand behind a repository's place, as people copy it.
const TAILS: [&str; 2] = ["/repomd.xml", "/repodata"];

impl Root {
    pub fn parse(place: &str) -> Result<Root, DownloadError> {
        let mut text = place.trim_end_matches('/');
        for tail in TAILS {
            text = text.strip_suffix(tail).unwrap_or(text).trim_end_matches('/');
        }
        Ok(match Place::parse(if text.is_empty() { place } else { text })? {
            Place::Http(url) => Root::Http(url),
            Place::File(path) => Root::Folder(path),
        })
    }

    /// The url or path of what metadata names: `href`, from `base` (`xml:base`) where it states one.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn of(&self, href: &str, base: Option<&str>) -> Result<String, &'static str> {
        beneath(href)?;
        // Once decoded it may be another thing.
        beneath(&decoded(href))?;
        let href = href.strip_prefix("./").unwrap_or(href);
        // Installation discs say which of them it is on; it is beneath the repository all the same.
        match base.filter(|base| !base.is_empty() && !base.starts_with("media:")) {
            Some(base) => match Place::parse(base) {
                Ok(Place::Http(base)) => Ok(format!("{}/{}", base.trim_end_matches('/'), encoded(href))),
                _ => Err("its base is neither http nor https"),
            },
            None => match self {
                Root::Http(root) => Ok(format!("{root}/{}", encoded(href))),
                Root::Folder(folder) => {
                    let plain = folder.join(href);
                    let path = if plain.exists() { plain } else { folder.join(decoded(href)) };
                    Ok(path.to_string_lossy().into_owned())
                }
            },
        }
    }
}

/// Whether a path stays in its folder.
pub(crate) fn beneath(href: &str) -> Result<(), &'static str> {
    if href.is_empty() {
        return Err("it is empty");
    }
    if href.chars().any(|letter| letter.is_control() || letter == '\\') {
        return Err("it has a control character or a backslash in it");
    }
    if href.starts_with('/') {
        return Err("it is absolute");
    }
    if href.split('/').any(|part| part == "..") {
        return Err("it leads out of the repository");
    }
    if href.split('/').next().is_some_and(|part| part.contains(':')) {
        return Err("it leads to another place");
    }
    if href.ends_with('/') {
        return Err("it names a folder");
    }
    Ok(())
}

/// Whether a text can be a part of a package's name, and so of its file's.
pub(crate) fn is_name_part(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._+~^%-".contains(&byte))
        && text.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '_')
}

/// As it may stand in a url. What is encoded already stays so.
fn encoded(href: &str) -> String {
    let mut out = String::with_capacity(href.len());
    for byte in href.bytes() {
        match byte {
            b'?' | b'#' | b' ' | b'"' | b'<' | b'>' | b'`' | b'{' | b'}' | b'^' | b'|' | 0x80.. => {
                out.push_str(&format!("%{byte:02X}"));
            }
            _ => out.push(char::from(byte)),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_taken_as_people_copy_them() {
        let http = |url: &str| Root::Http(url.to_owned());
        for place in
            ["https://x/os", "https://x/os/", "https://x/os/repodata/", "https://x/os/repodata/repomd.xml"]
        {
            assert_eq!(Root::parse(place).unwrap(), http("https://x/os"), "{place}");
        }
        assert_eq!(Root::parse("file:///srv/os/").unwrap(), Root::Folder("/srv/os".into()));
        assert_eq!(Root::parse("/").unwrap(), Root::Folder("/".into()));
        assert!(Root::parse("ftp://x").is_err());
    }

    #[test]
    fn what_is_named_stays_beneath() {
        let root = Root::Http("https://x/os".to_owned());
        for (href, base, url) in [
            ("Packages/h/httpd-2.4.rpm", None, "https://x/os/Packages/h/httpd-2.4.rpm"),
            ("./a~b^c+d e#f.rpm", None, "https://x/os/a~b%5Ec+d%20e%23f.rpm"),
            ("a%2Bb.rpm", None, "https://x/os/a%2Bb.rpm"),
            ("a.rpm", Some("http://y/z/"), "http://y/z/a.rpm"),
            ("a.rpm", Some("media://1354.21#1"), "https://x/os/a.rpm"),
        ] {
            assert_eq!(root.of(href, base).as_deref(), Ok(url));
        }
        for bad in [
            "",
            "/etc/passwd",
            "../a",
            "a/../../b",
            "%2e%2e/a",
            "%2Fetc/passwd",
            "http://y/a",
            "file:/a",
            "a\nb",
            "..\\a",
            "a/",
        ] {
            assert!(root.of(bad, None).is_err(), "{bad}");
        }
        for base in ["file:///etc", "ftp://y", "/etc"] {
            assert!(root.of("a.rpm", Some(base)).is_err(), "{base}");
        }
    }
}
