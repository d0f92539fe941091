//! Where a file is, as it was written.

use std::path::PathBuf;

use super::Error;
use crate::address::shown;

/// Where a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// On a server.
    Http(String),
    /// On this machine.
    File(PathBuf),
}

impl Place {
    /// Reads `http://…`, `https://…`, `file:///…`, or a path.
    ///
    /// # Errors
    /// [`Error::Url`] for any other scheme, or no server.
    pub fn parse(text: &str) -> Result<Place, Error> {
        let wrong = |problem: &'static str| Error::Url { url: shown(text), problem };
        if text.is_empty() || text.chars().any(char::is_control) {
            return Err(wrong("it is empty, or has a control character in it"));
        }
        let Some((scheme, rest)) = text.split_once("://") else { return Ok(Place::File(text.into())) };
        match scheme.to_ascii_lowercase().as_str() {
            "http" | "https" if rest.is_empty() || rest.starts_with(['/', '?', '#']) => {
                Err(wrong("it names no server"))
            }
            "http" | "https" => Ok(Place::Http(text.to_owned())),
            // file://localhost/… is the long form of file:///…
            "file" => match rest.strip_prefix("localhost").unwrap_or(rest) {
                path if path.starts_with('/') => Ok(Place::File(decoded(path).into())),
                _ => Err(wrong("a file's url has three slashes, file:///folder/file")),
            },
            _ => Err(wrong("only https, http and file can be fetched")),
        }
    }
}

/// The last part of a path or url, without a query.
pub(super) fn name(url: &str) -> &str {
    let path = url.split(['?', '#']).next().unwrap_or(url).trim_end_matches('/');
    path.rsplit('/').next().unwrap_or(path)
}

/// `%20` and its like as the bytes that they stand for; what is no such form stays.
pub(crate) fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = bytes.get(at + 1..at + 3).and_then(|two| std::str::from_utf8(two).ok());
        let byte = hex.filter(|two| two.bytes().all(|digit| digit.is_ascii_hexdigit()));
        match byte.and_then(|two| u8::from_str_radix(two, 16).ok()).filter(|_| bytes[at] == b'%') {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_is_told_by_its_spelling() {
        let http = |text: &str| Place::Http(text.to_owned());
        assert_eq!(Place::parse("https://x/y").unwrap(), http("https://x/y"));
        assert_eq!(Place::parse("HTTP://x").unwrap(), http("HTTP://x"));
        assert_eq!(Place::parse("file:///a%20b/c").unwrap(), Place::File("/a b/c".into()));
        assert_eq!(Place::parse("file://localhost/a").unwrap(), Place::File("/a".into()));
        assert_eq!(Place::parse("../a%20b").unwrap(), Place::File("../a%20b".into()));
        for bad in ["", "ftp://x/y", "file://x/y", "http://", "https:///y", "http://x/\ny"] {
            assert!(matches!(Place::parse(bad), Err(Error::Url { .. })), "{bad:?}");
        }
    }

    #[test]
    fn names_are_the_last_part() {
        assert_eq!(name("https://x/y/a.rpm?z=/1"), "a.rpm");
        assert_eq!(name("/y/a.rpm"), "a.rpm");
        assert_eq!(name("a.rpm"), "a.rpm");
    }
}
