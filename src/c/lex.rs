//! Tokens of C, as far as finding declarations and identifiers needs them.
//!
//! Nothing is expanded and nothing is refused: bytes that are no C come out as punctuators, an unterminated string ends
//! with its line. A preprocessor line, with its continued lines and the comments that it spans, is one token.

use std::ops::Range;

/// Text of others, such that it can stand in a comment: it neither ends it nor opens a line.
pub(crate) fn harmless(text: &str) -> String {
    let text: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    text.replace("*/", "* /").replace("/*", "/ *").replace('\\', "/")
}

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenKind {
    Identifier,
    Number,
    /// A string or character constant, with its quotes and prefix.
    Literal,
    /// One byte of punctuation; `->` and `##` are two tokens.
    Punctuator(u8),
    Comment,
    /// A whole preprocessor line without its last line end.
    Directive,
}

/// A token and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token {
    pub kind: TokenKind,
    pub start: usize,
    pub end: usize,
}

impl Token {
    pub fn range(self) -> Range<usize> {
        self.start..self.end
    }

    pub fn text(self, source: &str) -> &str {
        source.get(self.range()).unwrap_or_default()
    }

    pub fn is(self, punctuator: u8) -> bool {
        self.kind == TokenKind::Punctuator(punctuator)
    }
}

/// The tokens of `source[range]`; offsets are those of `source`.
pub(crate) fn tokens(source: &str, range: Range<usize>) -> Lexer<'_> {
    Lexer::new(source, range, true)
}

/// The tokens within a preprocessor line: a `#` there is the operator, not the start of another line.
pub(crate) fn tokens_of_directive(source: &str, range: Range<usize>) -> Lexer<'_> {
    Lexer::new(source, range, false)
}

pub(crate) struct Lexer<'a> {
    bytes: &'a [u8],
    position: usize,
    end: usize,
    directives: bool,
    at_line_start: bool,
}

impl<'a> Lexer<'a> {
    fn new(source: &'a str, range: Range<usize>, directives: bool) -> Self {
        let end = range.end.min(source.len());
        Lexer { bytes: source.as_bytes(), position: range.start, end, directives, at_line_start: true }
    }

    fn at(&self, offset: usize) -> u8 {
        if offset < self.end { self.bytes.get(offset).copied().unwrap_or(0) } else { 0 }
    }

    /// The number of bytes of the continuation (`\` and line end) at `offset`, 0 if there is none.
    fn continuation(&self, offset: usize) -> usize {
        match (self.at(offset), self.at(offset + 1), self.at(offset + 2)) {
            (b'\\', b'\n', _) => 2,
            (b'\\', b'\r', b'\n') => 3,
            _ => 0,
        }
    }

    fn comment_end(&self, start: usize) -> usize {
        let from = start + 2;
        if self.at(start + 1) == b'*' {
            let body = self.bytes.get(from..self.end).unwrap_or_default();
            return memchr::memmem::find(body, b"*/").map_or(self.end, |found| from + found + 2);
        }
        let mut at = from;
        while at < self.end && self.at(at) != b'\n' {
            at += self.continuation(at).max(1);
        }
        at.min(self.end)
    }

    fn is_comment(&self, at: usize) -> bool {
        self.at(at) == b'/' && matches!(self.at(at + 1), b'*' | b'/')
    }

    fn literal_end(&self, quote: usize) -> usize {
        let mark = self.at(quote);
        let mut at = quote + 1;
        while at < self.end {
            match self.at(at) {
                b'\n' => return at,
                b'\\' => at += self.continuation(at).max(2),
                byte if byte == mark => return at + 1,
                _ => at += 1,
            }
        }
        self.end
    }

    fn directive_end(&self, start: usize) -> usize {
        // The text of #error and #warning is free: an apostrophe there opens nothing.
        let mut word = start + 1;
        while matches!(self.at(word), b' ' | b'\t') {
            word += 1;
        }
        let rest = self.bytes.get(word..self.end).unwrap_or_default();
        let free = rest.starts_with(b"error") || rest.starts_with(b"warning");
        let mut at = start + 1;
        while at < self.end {
            match self.at(at) {
                b'\n' => return at,
                b'\\' => at += self.continuation(at).max(1),
                b'/' if self.is_comment(at) => at = self.comment_end(at),
                b'"' | b'\'' if !free => at = self.literal_end(at),
                _ => at += 1,
            }
        }
        self.end
    }

    fn word_end(&self, start: usize) -> usize {
        let mut at = start;
        while is_word(self.at(at)) && at < self.end {
            at += 1;
        }
        at
    }

    fn number_end(&self, start: usize) -> usize {
        let mut at = start;
        loop {
            match self.at(at) {
                b'+' | b'-' if at > start && matches!(self.at(at - 1), b'e' | b'E' | b'p' | b'P') => at += 1,
                b'.' => at += 1,
                byte if is_word(byte) => at += 1,
                _ => return at,
            }
        }
    }
}

impl Iterator for Lexer<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        loop {
            if self.position >= self.end {
                return None;
            }
            let start = self.position;
            let byte = self.at(start);
            if byte == b'\n' {
                self.at_line_start = true;
                self.position += 1;
                continue;
            }
            if byte.is_ascii_whitespace() || matches!(byte, 0x0b | 0) {
                self.position += 1;
                continue;
            }
            let continued = self.continuation(start);
            if continued > 0 {
                self.position += continued;
                continue;
            }
            let (kind, end) = match byte {
                b'/' if self.is_comment(start) => (TokenKind::Comment, self.comment_end(start)),
                b'#' if self.directives && self.at_line_start => {
                    (TokenKind::Directive, self.directive_end(start))
                }
                b'"' | b'\'' => (TokenKind::Literal, self.literal_end(start)),
                b'0'..=b'9' => (TokenKind::Number, self.number_end(start)),
                b'.' if self.at(start + 1).is_ascii_digit() => (TokenKind::Number, self.number_end(start)),
                byte if is_word(byte) => {
                    let end = self.word_end(start);
                    let prefix = matches!(self.bytes.get(start..end), Some(b"L" | b"u" | b"U" | b"u8"));
                    if prefix && matches!(self.at(end), b'"' | b'\'') {
                        (TokenKind::Literal, self.literal_end(end))
                    } else {
                        (TokenKind::Identifier, end)
                    }
                }
                other => (TokenKind::Punctuator(other), start + 1),
            };
            // A comment before the `#` leaves it the first thing on its line.
            if kind != TokenKind::Comment {
                self.at_line_start = false;
            }
            self.position = end.max(start + 1);
            return Some(Token { kind, start, end: self.position });
        }
    }
}

/// Whether an identifier of plain C may have this letter in it.
pub(crate) fn is_identifier_part(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

/// The words of a text that is not split into tokens, in comments and strings too.
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter| !is_identifier_part(letter)).filter(|word| !word.is_empty())
}

/// Identifiers may hold bytes above ASCII (UTF-8), so that no token ever ends within a character.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lexed(source: &str) -> Vec<(TokenKind, &str)> {
        tokens(source, 0..source.len()).map(|token| (token.kind, token.text(source))).collect()
    }

    #[test]
    fn strings_and_comments_hide_their_content() {
        use TokenKind::*;
        assert_eq!(
            lexed("a = \"}/*\" '\\'' /* \" */ b; // }\\\n c\nd"),
            [
                (Identifier, "a"),
                (Punctuator(b'='), "="),
                (Literal, "\"}/*\""),
                (Literal, "'\\''"),
                (Comment, "/* \" */"),
                (Identifier, "b"),
                (Punctuator(b';'), ";"),
                (Comment, "// }\\\n c"),
                (Identifier, "d"),
            ]
        );
    }

    #[test]
    fn a_directive_is_one_token_with_its_continued_lines_and_comments() {
        use TokenKind::*;
        assert_eq!(
            lexed("  # define X(a) \\\n  #a /* two\nlines */ 1\n#error don't\nx"),
            [
                (Directive, "# define X(a) \\\n  #a /* two\nlines */ 1"),
                (Directive, "#error don't"),
                (Identifier, "x"),
            ]
        );
    }

    #[test]
    fn an_unterminated_string_ends_with_its_line() {
        use TokenKind::*;
        assert_eq!(lexed("\"abc\nd"), [(Literal, "\"abc"), (Identifier, "d")]);
        assert_eq!(lexed("/* never"), [(Comment, "/* never")]);
        assert_eq!(lexed("1.5e+3 L\"x\" é"), [(Number, "1.5e+3"), (Literal, "L\"x\""), (Identifier, "é")]);
    }
}
