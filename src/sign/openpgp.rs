//! Files that are to be OpenPGP: how their armor is read, and why one cannot be, in words of our own.
//!
//! The library's own messages quote what it was reading. That may be a secret key, and messages end in the logs of CI systems: none
//! of them is shown anywhere, which is why what is told is text that stands here.

use memchr::memmem::{find, find_iter};
use pgp::errors::Error;
use zeroize::Zeroizing;

/// How armor of any kind begins.
pub(super) const BEGIN: &str = "-----BEGIN PGP ";
/// How it begins where the whole file is carried as base64.
pub(super) const BEGIN_BASE64: &str = "LS0tLS1CRUdJTi";
/// How an armored public key begins.
pub(super) const BEGIN_PUBLIC: &str = "-----BEGIN PGP PUBLIC KEY BLOCK-----";
/// How an armored secret key begins.
pub(super) const BEGIN_SECRET: &str = "-----BEGIN PGP PRIVATE KEY BLOCK-----";

/// An armored file's blocks, each from its own beginning, which is `begin`; a binary file as it is.
pub(super) fn blocks<'a>(bytes: &'a [u8], begin: &str) -> Vec<&'a [u8]> {
    let starts: Vec<usize> = find_iter(bytes, begin).collect();
    if starts.is_empty() {
        return vec![bytes];
    }
    let ends = starts.iter().skip(1).copied().chain([bytes.len()]);
    starts.iter().zip(ends).map(|(start, end)| &bytes[*start..end]).collect()
}

/// Armored text with the line ends that the library knows, and without blanks around its lines, which say nothing: editors, web
/// forms and YAML leave such. What is not armored stays as it is.
pub(super) fn plain(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    if !has(bytes, BEGIN) {
        return Zeroizing::new(bytes.to_vec());
    }
    // With room for all of it, so that it never moves and leaves a copy behind: each line is written with one line end, and
    // the last may have had none.
    let mut text = Zeroizing::new(Vec::with_capacity(bytes.len() + 1));
    for line in bytes.split(|byte| *byte == b'\n') {
        // Before a line feed, it is a part of the line's end.
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        for line in line.split(|byte| *byte == b'\r') {
            text.extend_from_slice(line.trim_ascii());
            text.push(b'\n');
        }
    }
    text
}

/// Whether bytes have this text in them.
pub(super) fn has(bytes: &[u8], text: &str) -> bool {
    find(bytes, text.as_bytes()).is_some()
}

/// Why the library cannot read these bytes, and what to do where that can be told. Reads on after a colon.
pub(super) fn unreadable(error: &Error, bytes: &[u8]) -> &'static str {
    mishap(bytes).unwrap_or_else(|| why(error))
}

/// What happened to an armored file on its way.
fn mishap(bytes: &[u8]) -> Option<&'static str> {
    // A text of UTF-16 begins with a mark, or has a zero in each of its letters.
    if matches!(bytes, [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, b'-', ..] | [b'-', 0, ..]) {
        return Some("it is a text of UTF-16: write it as ASCII");
    }
    if bytes.trim_ascii_start().starts_with(BEGIN_BASE64.as_bytes()) {
        return Some("it is base64 of an armored file: decode it first");
    }
    let start = find(bytes, BEGIN.as_bytes())?;
    let after = &bytes[start + BEGIN.len()..];
    let name = memchr::memchr(b'-', after).unwrap_or(after.len());
    let dashes = after[name..].iter().take_while(|byte| **byte == b'-').count();
    let behind = after[name + dashes..].trim_ascii_start();
    let line_ends = after[name + dashes..].iter().take_while(|byte| byte.is_ascii_whitespace());
    let line_ends: Vec<u8> = line_ends.copied().filter(|byte| matches!(byte, b'\n' | b'\r')).collect();
    if behind.starts_with(b"\\n") || behind.starts_with(b"\\r") {
        return Some(
            "its line ends are written as `\\n`: make lines of them, or carry the whole file as base64 and decode it",
        );
    }
    if line_ends.is_empty() {
        return Some(
            "its lines were joined: keep the line ends, or carry the whole file as base64 and decode it",
        );
    }
    if !line_ends.contains(&b'\n') {
        return Some("its line ends are carriage returns alone: write line feeds");
    }
    if !matches!(bytes[..start].last(), None | Some(b'\n')) {
        return Some("something stands in front of its lines: it has to begin where the line begins");
    }
    if !has(after, "-----END PGP ") {
        return Some("its last line (`-----END PGP …`) is missing: it was cut off");
    }
    None
}

/// The kind of the library's error.
fn why(error: &Error) -> &'static str {
    match error {
        Error::InvalidArmorWrappers => "its first or last line is damaged",
        Error::InvalidChecksum => "its checksum is not that of its text",
        Error::Base64Decode { .. } => "its text is no base64",
        Error::NoMatchingPacket { .. } => "it is something else",
        Error::Unimplemented { .. } | Error::Unsupported { .. } => "it is of a kind that is not supported",
        Error::RequestedSizeTooLarge | Error::PacketIncomplete { .. } => "it is cut off or damaged",
        _ => "it is damaged, or something else",
    }
}

/// Why no signature or key came of it. Reads on after a colon. Nothing was parsed there: an error of reading or writing is the
/// system's, of what is signed.
pub(super) fn refused(error: &Error) -> String {
    match error {
        Error::IO { source, .. } => source.to_string(),
        Error::Unimplemented { .. } | Error::Unsupported { .. } => {
            "it is of a kind that is not supported".to_owned()
        }
        Error::RSAError { .. } | Error::EllipticCurve { .. } => "its numbers make no key".to_owned(),
        _ => "it is damaged, or of a kind that is not supported".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str =
        "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nxcZY\n=WYjl\n-----END PGP PRIVATE KEY BLOCK-----\n";

    #[test]
    fn line_ends_and_blanks_around_lines_say_nothing() {
        let indented: String = KEY.lines().map(|line| format!("  {line}\t\n")).collect();
        for text in [KEY.to_owned(), KEY.replace('\n', "\r"), KEY.replace('\n', "\r\n"), indented] {
            assert_eq!(plain(text.as_bytes()).trim_ascii_end(), KEY.trim_end().as_bytes(), "{text:?}");
        }
        assert_eq!(*plain(b"\x95 \r"), b"\x95 \r");
    }

    #[test]
    fn what_happened_on_the_way_is_told() {
        let cases: [(String, Option<&str>); 9] = [
            (KEY.to_owned(), None),
            (KEY.replace('\n', " "), Some("joined")),
            (KEY.replace('\n', ""), Some("joined")),
            (KEY.replace('\n', "\\n"), Some("`\\n`")),
            (KEY.replace('\n', "\r"), Some("carriage returns")),
            (format!("\"{KEY}"), Some("in front")),
            (KEY[..50].to_owned(), Some("cut off")),
            ("xcZY".to_owned(), None),
            ("LS0tLS1CRUdJTiBQR1Ag\n".to_owned(), Some("decode it first")),
        ];
        for (text, expected) in cases {
            let found = mishap(text.as_bytes());
            assert_eq!(found.is_some(), expected.is_some(), "{text:?}: {found:?}");
            assert!(found.unwrap_or_default().contains(expected.unwrap_or_default()), "{text:?}: {found:?}");
        }
        assert!(mishap(b"\xff\xfe-\0-\0").unwrap().contains("UTF-16"));
    }
}
