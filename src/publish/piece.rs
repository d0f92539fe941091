//! Texts in pieces that share what they are pieces of: where one of 2,000 packages changes, the others are not copied.

use std::ops::{Deref, Range};
use std::sync::Arc;

use crate::profile::MetadataCompression;

/// A text that others are pieces of. Nobody changes it.
#[derive(Debug, Default)]
pub(super) struct Text {
    open: String,
    before: Option<Before>,
}

/// What a text was compressed to before: a part of a file.
#[derive(Debug)]
pub(super) struct Before {
    pub compression: MetadataCompression,
    pub file: Arc<Vec<u8>>,
    pub range: Range<usize>,
}

impl Text {
    pub fn new(open: String, before: Option<Before>) -> Self {
        Text { open, before }
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.open
    }
}

/// A piece of a text.
#[derive(Debug, Clone, Default)]
pub(super) struct Piece {
    text: Arc<Text>,
    range: Range<usize>,
}

impl Piece {
    /// The bytes at `range` of `text`; nothing where these are no text.
    pub fn of(text: &Arc<Text>, range: Range<usize>) -> Option<Piece> {
        text.get(range.clone()).map(|_| Piece { text: Arc::clone(text), range })
    }
}

impl From<String> for Piece {
    fn from(text: String) -> Self {
        Piece { range: 0..text.len(), text: Arc::new(Text::new(text, None)) }
    }
}

impl Deref for Piece {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text[self.range.clone()]
    }
}

/// Pieces, one behind the other.
#[derive(Debug, Clone, Default)]
pub(super) struct Rope(Vec<Piece>);

impl Rope {
    /// Takes one more at its end. What stands beside the last one in its text makes that one longer.
    pub fn push(&mut self, piece: Piece) {
        if piece.is_empty() {
            return;
        }
        match self.0.last_mut() {
            Some(last) if Arc::ptr_eq(&last.text, &piece.text) && last.range.end == piece.range.start => {
                last.range.end = piece.range.end;
            }
            _ => self.0.push(piece),
        }
    }

    /// Bytes.
    pub fn len(&self) -> usize {
        self.0.iter().map(|piece| piece.len()).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What all of it was compressed to before, where it is a text of which that is known.
    pub fn before(&self, compression: MetadataCompression) -> Option<&[u8]> {
        let [Piece { text, range }] = &self.0[..] else { return None };
        let before = text.before.as_ref().filter(|before| before.compression == compression)?;
        (*range == (0..text.len())).then(|| &before.file[before.range.clone()])
    }

    pub fn pieces(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|piece| &**piece)
    }
}

impl From<String> for Rope {
    fn from(text: String) -> Self {
        let mut rope = Rope::default();
        rope.push(text.into());
        rope
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_become_one() {
        let text = Arc::new(Text::new("abcdef".to_owned(), None));
        let piece = |range| Piece::of(&text, range).unwrap();
        let mut rope = Rope::default();
        assert!(rope.is_empty());
        for range in [0..2, 2..2, 2..4, 5..6] {
            rope.push(piece(range));
        }
        // Another text of the same letters is another text.
        rope.push("f".to_owned().into());
        assert_eq!(rope.pieces().collect::<Vec<_>>(), ["abcd", "f", "f"]);
        assert_eq!(rope.len(), 6);
        let letter = Arc::new(Text::new("\u{e4}".to_owned(), None));
        assert!(Piece::of(&letter, 0..1).is_none() && Piece::of(&letter, 0..3).is_none());
    }

    #[test]
    fn what_is_whole_is_as_it_was_before() {
        let compression = MetadataCompression::Gzip;
        let before = Before { compression, file: Arc::new(b"..packed..".to_vec()), range: 2..8 };
        let text = Arc::new(Text::new("abcdef".to_owned(), Some(before)));
        let before = |ranges: &[Range<usize>], compression| {
            let mut rope = Rope::default();
            ranges.iter().for_each(|range| rope.push(Piece::of(&text, range.clone()).unwrap()));
            rope.before(compression).map(<[u8]>::to_vec)
        };
        let one = |range| std::array::from_fn::<Range<usize>, 1, _>(|_| Range::clone(&range));
        assert_eq!(before(&one(0..6), compression).as_deref(), Some(&b"packed"[..]));
        assert_eq!(before(&[0..2, 2..6], compression).as_deref(), Some(&b"packed"[..]));
        assert_eq!(before(&one(0..6), MetadataCompression::Zstd), None);
        // Neither a part of it, nor it and another, nor the same letters from elsewhere.
        for ranges in [&one(0..5)[..], &[0..2, 3..6], &[0..6, 0..6], &[]] {
            assert_eq!(before(ranges, compression), None, "{ranges:?}");
        }
        assert_eq!(Rope::from("abcdef".to_owned()).before(compression), None);
    }
}
