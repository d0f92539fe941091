//! The texts behind a rendered translation unit: what its `#line` directives say, read backwards.
//!
//! The rendered text is the only truth of what the compiler saw, so it is read, and not the pieces that it was made of.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::c::lex;

/// A header larger than this is not shown.
const MAX_HEADER: u64 = 4 << 20;

/// The lines of each file that a unit has text of.
#[derive(Debug)]
pub struct Origins<'a> {
    files: BTreeMap<&'a str, BTreeMap<u32, &'a str>>,
}

impl<'a> Origins<'a> {
    /// Reads a rendered unit; `own_name` is what the compiler calls the lines before the first `#line`.
    pub fn of(text: &'a str, own_name: &'a str) -> Self {
        let mut files: BTreeMap<&str, BTreeMap<u32, &str>> = BTreeMap::new();
        let mut file = own_name;
        let mut next = 1_u32;
        for line in text.lines() {
            match line_directive(line) {
                Some((number, name)) => {
                    next = number;
                    file = name.unwrap_or(file);
                }
                None => {
                    files.entry(file).or_default().insert(next, line);
                    next = next.saturating_add(1);
                }
            }
        }
        Origins { files }
    }

    /// Whether the unit has text of this file.
    pub fn has(&self, file: &str) -> bool {
        self.files.contains_key(file)
    }

    /// A file's text with each known line at its own number and the others empty; of a header, its whole text.
    pub fn text(&self, file: &str) -> Option<Arc<str>> {
        if let Some(lines) = self.files.get(file) {
            let mut text = String::new();
            let mut at = 1;
            for (number, line) in lines {
                // A `#line` of a billion must not become a billion lines.
                if number.saturating_sub(at) > 10_000_000 {
                    return None;
                }
                while at < *number {
                    text.push('\n');
                    at += 1;
                }
                text.push_str(line);
            }
            text.push('\n');
            return Some(text.into());
        }
        let header = Path::new(file);
        if !header.is_absolute()
            || fs_err::metadata(header).map_or(true, |metadata| metadata.len() > MAX_HEADER)
        {
            return None;
        }
        fs_err::read(header).ok().map(|bytes| String::from_utf8_lossy(&bytes).into())
    }
}

/// `#line 12 "file.c"`, or `# 12 "file.c"`.
fn line_directive(line: &str) -> Option<(u32, Option<&str>)> {
    let rest = line.trim_start().strip_prefix('#')?.trim_start();
    let rest = rest.strip_prefix("line").unwrap_or(rest).trim_start();
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let number = rest[..end].parse().ok()?;
    let name = rest[end..]
        .trim_start()
        .strip_prefix('"')
        .and_then(|rest| rest.split_once('"'))
        .map(|(name, _)| name);
    Some((number, name))
}

/// The byte range of what stands at a line and byte column, both from 1: a word, or the operator and the member behind it.
pub fn span(text: &str, line: u32, column: u32) -> Option<(usize, usize)> {
    let index = usize::try_from(line).ok()?.checked_sub(1)?;
    let start = if index == 0 { 0 } else { text.match_indices('\n').nth(index - 1)?.0 + 1 };
    let line = text[start..].split('\n').next()?;
    let column = usize::try_from(column).ok()?.saturating_sub(1).min(line.len());
    // A compiler that counts otherwise must not make modgraft cut a character in two.
    let column = (0..=column).rev().find(|at| line.is_char_boundary(*at))?;
    let rest = &line[column..];
    // `#include "file.h"`: the column is that of the quote.
    let quote = if rest.starts_with('"') { Some('"') } else { rest.starts_with('<').then_some('>') };
    if let Some(end) = quote.and_then(|quote| rest[1..].find(quote)) {
        return Some((start + column, end + 2));
    }
    let operator = if rest.starts_with("->") { 2 } else { usize::from(rest.starts_with('.')) };
    let word =
        rest[operator..].find(|letter| !lex::is_identifier_part(letter)).unwrap_or(rest.len() - operator);
    let length = (operator + word).max(rest.chars().next().map_or(0, char::len_utf8));
    Some((start + column, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_found_under_their_own_file_and_number() {
        let text = "own\n#line 3 \"a.c\"\nthree\nfour\n#line 1 \"b.c\"\none\n# 9 \"a.c\"\nnine\n";
        let origins = Origins::of(text, "mod_x.c");
        assert_eq!(origins.text("mod_x.c").as_deref(), Some("own\n"));
        assert_eq!(origins.text("a.c").as_deref(), Some("\n\nthree\nfour\n\n\n\n\nnine\n"));
        assert_eq!(origins.text("b.c").as_deref(), Some("one\n"));
        assert_eq!(origins.text("c.c"), None);
    }

    #[test]
    fn a_place_is_a_word_or_a_member() {
        let text = "a\n  r->useragent_ip = x.y;\n\tü";
        let at = |line, column| span(text, line, column).map(|(start, length)| &text[start..start + length]);
        assert_eq!(at(2, 4), Some("->useragent_ip"));
        assert_eq!(at(2, 6), Some("useragent_ip"));
        assert_eq!(at(2, 22), Some(".y"));
        assert_eq!(at(2, 19), Some("="));
        assert_eq!(at(3, 3), Some("ü"));
        assert_eq!(at(3, 99), Some(""));
        assert_eq!(at(9, 1), None);
    }
}
