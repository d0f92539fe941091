//! Words of C text, without comments, literals and preprocessor lines, each knowing in which branches of `#if` it stands.
//!
//! Just enough to find module structures before the stage `c` reads the file in earnest.

use std::cmp::Ordering;

/// Where a word stands among the branches: an index into [`Branches`], nothing at the top.
pub(super) type Place = Option<usize>;

/// A word or a single other character of C.
pub(super) struct Token<'a> {
    pub(super) text: &'a str,
    /// From 1.
    pub(super) line: u32,
    pub(super) place: Place,
}

/// All branches of `#if` in a text.
#[derive(Default)]
pub(super) struct Branches(Vec<Branch>);

struct Branch {
    /// The branch around it.
    outer: Place,
    /// Which `#if`: its place in the text.
    condition: usize,
    /// Never compiled, for itself or for a branch around it.
    dead: bool,
}

impl Branches {
    /// Whether what stands in the one and what stands in the other is never compiled together, as they are in different
    /// branches of one `#if`.
    pub(super) fn exclude_each_other(&self, one: Place, other: Place) -> bool {
        let (mut one, mut other) = (one, other);
        while one != other {
            let (Some(a), Some(b)) = (self.at(one), self.at(other)) else { return false };
            // An `#if` stands behind those around it, so the two ways meet where they have one in common.
            match a.condition.cmp(&b.condition) {
                Ordering::Equal => return true,
                Ordering::Greater => one = a.outer,
                Ordering::Less => other = b.outer,
            }
        }
        false
    }

    /// Whether it is never compiled.
    pub(super) fn is_dead(&self, place: Place) -> bool {
        self.at(place).is_some_and(|branch| branch.dead)
    }

    fn at(&self, place: Place) -> Option<&Branch> {
        self.0.get(place?)
    }
}

/// The reading of a text.
pub(super) struct Tokens<'a> {
    text: &'a str,
    at: usize,
    line: u32,
    /// Whether only blanks stand before on this line.
    fresh: bool,
    place: Place,
    branches: Branches,
}

impl<'a> Tokens<'a> {
    /// Reads the whole text.
    pub(super) fn read(text: &'a str) -> (Vec<Token<'a>>, Branches) {
        let mut reader =
            Tokens { text, at: 0, line: 1, fresh: true, place: None, branches: Branches::default() };
        let tokens = reader.by_ref().collect();
        (tokens, reader.branches)
    }

    /// Notes what a preprocessor line opens, changes or closes.
    fn note_condition(&mut self, line: &[u8]) {
        let line = line.strip_prefix(b"#").unwrap_or(line).trim_ascii();
        let word = line.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
        let (word, rest) = line.split_at(word);
        let present = self.branches.at(self.place);
        let next = match (word, present) {
            (b"if" | b"ifdef" | b"ifndef", _) => {
                let dead = word == b"if" && rest.trim_ascii() == b"0";
                Branch {
                    outer: self.place,
                    condition: self.at,
                    dead: dead || self.branches.is_dead(self.place),
                }
            }
            (b"else" | b"elif", Some(branch)) => Branch {
                outer: branch.outer,
                condition: branch.condition,
                dead: self.branches.is_dead(branch.outer),
            },
            (b"endif", Some(branch)) => {
                self.place = branch.outer;
                return;
            }
            _ => return,
        };
        self.place = Some(self.branches.0.len());
        self.branches.0.push(next);
    }

    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    /// Moves on, counting lines.
    fn skip(&mut self, count: usize) {
        let count = count.min(self.rest().len());
        let lines = memchr::memchr_iter(b'\n', &self.rest()[..count]).count();
        self.line = self.line.saturating_add(u32::try_from(lines).unwrap_or(u32::MAX));
        self.at += count;
    }

    /// Length of a quoted literal; an unclosed one ends with its line.
    fn quoted(rest: &[u8], quote: u8) -> usize {
        let mut at = 1;
        while let Some(&byte) = rest.get(at) {
            match byte {
                b'\\' => at += 2,
                b'\n' => return at,
                _ if byte == quote => return at + 1,
                _ => at += 1,
            }
        }
        rest.len()
    }

    /// Length of a preprocessor line with those it is continued on.
    fn directive(rest: &[u8]) -> usize {
        memchr::memchr_iter(b'\n', rest).find(|&at| !rest[..at].ends_with(b"\\")).unwrap_or(rest.len())
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            let rest = self.rest();
            let count = match *rest.first()? {
                b'\n' => {
                    self.fresh = true;
                    self.line = self.line.saturating_add(1);
                    self.at += 1;
                    continue;
                }
                b'#' if self.fresh => {
                    let length = Self::directive(rest);
                    self.note_condition(&rest[..length]);
                    length
                }
                b'/' if rest.get(1) == Some(&b'*') => {
                    memchr::memmem::find(rest.get(2..)?, b"*/").map_or(rest.len(), |end| end + 4)
                }
                b'/' if rest.get(1) == Some(&b'/') => memchr::memchr(b'\n', rest).unwrap_or(rest.len()),
                quote @ (b'"' | b'\'') => Self::quoted(rest, quote),
                byte if byte.is_ascii_whitespace() || !byte.is_ascii() => {
                    self.at += 1;
                    continue;
                }
                _ => {
                    let is_part = |byte: &u8| matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_');
                    let length = rest.iter().position(|byte| !is_part(byte)).unwrap_or(rest.len()).max(1);
                    let token = Token {
                        text: self.text.get(self.at..self.at + length)?,
                        line: self.line,
                        place: self.place,
                    };
                    self.fresh = false;
                    self.at += length;
                    return Some(token);
                }
            };
            self.skip(count);
        }
    }
}
