//! Bytes as text.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Serialize;

/// How a file's bytes became text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// They are UTF-8 (ASCII is).
    Utf8,
    /// They are not: each byte from 0x80 on became the character of that number (Latin-1, as old upstream files are).
    /// Nothing is lost: the bytes are back by taking each character's number.
    Latin1,
}

/// The text of a file of a tree, with LF at the ends of its lines.
pub(crate) fn read(bytes: &[u8]) -> (Arc<str>, Encoding) {
    decode(&unix(bytes))
}

/// The text of `bytes`. The whole is of one encoding.
pub(super) fn decode(bytes: &[u8]) -> (Arc<str>, Encoding) {
    match std::str::from_utf8(bytes) {
        Ok(text) => (text.into(), Encoding::Utf8),
        Err(_) => (latin1(bytes).into(), Encoding::Latin1),
    }
}

/// Each byte as the character of that number.
pub(super) fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| char::from(byte)).collect()
}

/// The lines of `bytes` with their ends. (`split_inclusive` looks at byte after byte, which counts where nothing is optimised.)
pub(super) fn lines(bytes: &[u8]) -> Vec<&[u8]> {
    let mut lines = Vec::with_capacity(bytes.len() / 32);
    let mut start = 0;
    for end in memchr::memchr_iter(b'\n', bytes) {
        lines.push(&bytes[start..=end]);
        start = end + 1;
    }
    if start < bytes.len() {
        lines.push(&bytes[start..]);
    }
    lines
}

/// `bytes` with each CRLF as LF. A CR that stands elsewhere stays.
pub(super) fn unix(bytes: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memmem::find(bytes, b"\r\n").is_none() {
        return Cow::Borrowed(bytes);
    }
    let mut out = Vec::with_capacity(bytes.len());
    for line in lines(bytes) {
        match line.strip_suffix(b"\r\n") {
            Some(line) => {
                out.extend_from_slice(line);
                out.push(b'\n');
            }
            None => out.extend_from_slice(line),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latin1_loses_nothing() {
        let bytes: Vec<u8> = (0..=255).collect();
        let (text, encoding) = decode(&bytes);
        assert_eq!(encoding, Encoding::Latin1);
        assert_eq!(text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect::<Vec<_>>(), bytes);
        assert_eq!(decode("é".as_bytes()), ("é".into(), Encoding::Utf8));
    }

    #[test]
    fn lines_keep_their_ends() {
        for text in ["", "a", "a\n", "a\nb", "\n\n", "a\r\n\nb\n"] {
            assert_eq!(
                lines(text.as_bytes()),
                text.as_bytes().split_inclusive(|&byte| byte == b'\n').collect::<Vec<_>>()
            );
        }
    }

    #[test]
    fn only_line_ends_lose_their_cr() {
        assert_eq!(&*unix(b"a\r\nb\rc\n\r\n\r"), b"a\nb\rc\n\n\r");
        assert!(matches!(unix(b"a\nb\r"), Cow::Borrowed(_)));
    }
}
