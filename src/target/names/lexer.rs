//! Words and signs of a C header, without comments; preprocessor directives as whole lines.

/// What a declaration is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token<'a> {
    /// An identifier or keyword.
    Word(&'a [u8]),
    /// Any other character.
    Sign(u8),
    /// A number, string or character.
    Literal,
    /// A whole body in braces, that was passed over.
    Body,
}

/// What the lexer finds next.
pub enum Item<'a> {
    /// A token of the language.
    Token(Token<'a>),
    /// A directive's logical line, from behind the `#`.
    Directive(&'a [u8]),
}

/// Reads a header from its start.
pub struct Lexer<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Lexer<'a> {
    /// Begins at the start of `text`.
    pub fn new(text: &'a [u8]) -> Self {
        Lexer { text, at: 0 }
    }

    /// The next item, or the end.
    pub fn next(&mut self) -> Option<Item<'a>> {
        loop {
            let rest = &self.text[self.at.min(self.text.len())..];
            let (&first, after) = rest.split_first()?;
            match first {
                b' ' | b'\t' | b'\n' | b'\r' | b'\\' | 0x0b | 0x0c => self.at += 1,
                b'/' if after.first() == Some(&b'*') => self.comment(),
                b'/' if after.first() == Some(&b'/') => {
                    self.at += memchr::memchr(b'\n', rest).unwrap_or(rest.len());
                }
                b'#' if self.begins_line() => return Some(Item::Directive(self.directive())),
                b'"' | b'\'' => {
                    self.quoted(first);
                    return Some(Item::Token(Token::Literal));
                }
                byte if byte.is_ascii_digit() => {
                    let end = rest
                        .iter()
                        .position(|byte| !is_word_byte(*byte) && *byte != b'.')
                        .unwrap_or(rest.len());
                    self.at += end;
                    return Some(Item::Token(Token::Literal));
                }
                byte if is_word_byte(byte) => {
                    let end = rest.iter().position(|byte| !is_word_byte(*byte)).unwrap_or(rest.len());
                    self.at += end;
                    return Some(Item::Token(Token::Word(&rest[..end])));
                }
                sign => {
                    self.at += 1;
                    return Some(Item::Token(Token::Sign(sign)));
                }
            }
        }
    }

    fn comment(&mut self) {
        let body = &self.text[self.at + 2..];
        self.at += 2 + memchr::memmem::find(body, b"*/").map_or(body.len(), |end| end + 2);
    }

    fn begins_line(&self) -> bool {
        let line = &self.text[..self.at];
        let blank = line.iter().rev().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let before = line[..line.len() - blank].last();
        matches!(before, None | Some(b'\n' | b'\r' | b'/'))
    }

    /// A directive to the end of its line; lines that end in a backslash and comments over several lines go on.
    fn directive(&mut self) -> &'a [u8] {
        let start = self.at + 1;
        self.at = start;
        while let Some(byte) = self.text.get(self.at) {
            match byte {
                b'\n' => break,
                b'\\' => self.at += if self.text.get(self.at + 1) == Some(&b'\r') { 3 } else { 2 },
                b'/' if self.text.get(self.at + 1) == Some(&b'*') => self.comment(),
                b'"' => self.quoted(b'"'),
                _ => self.at += 1,
            }
        }
        self.at = self.at.min(self.text.len());
        &self.text[start..self.at]
    }

    /// A string or character; it ends at the end of its line at the latest.
    fn quoted(&mut self, quote: u8) {
        self.at += 1;
        while let Some(&byte) = self.text.get(self.at) {
            if byte == b'\n' {
                return;
            }
            self.at += if byte == b'\\' { 2 } else { 1 };
            if byte == quote {
                return;
            }
        }
        self.at = self.at.min(self.text.len());
    }
}

/// The first word of a directive or of what follows its name, and the rest.
pub fn word(line: &[u8]) -> (&[u8], &[u8]) {
    let start = line.iter().position(|byte| !matches!(byte, b' ' | b'\t')).unwrap_or(line.len());
    let line = &line[start..];
    let end = line.iter().position(|byte| !is_word_byte(*byte)).unwrap_or(line.len());
    line.split_at(end)
}

fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}
