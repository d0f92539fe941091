//! Texts in pieces that share what they are pieces of: where one of 2,000 packages changes, the others are not copied.

use std::ops::{Deref, Range};
use std::sync::Arc;

/// A piece of a text.
#[derive(Debug, Clone, Default)]
pub(super) struct Piece {
    text: Arc<String>,
    range: Range<usize>,
}

impl Piece {
    /// The bytes at `range` of `text`; nothing where these are no text.
    pub fn of(text: &Arc<String>, range: Range<usize>) -> Option<Piece> {
        text.get(range.clone()).map(|_| Piece { text: Arc::clone(text), range })
    }

    /// Where it stands in `text`, if it is a piece of that one.
    pub fn place_in(&self, text: &Arc<String>) -> Option<Range<usize>> {
        Arc::ptr_eq(&self.text, text).then(|| self.range.clone())
    }
}

impl From<String> for Piece {
    fn from(text: String) -> Self {
        Piece { range: 0..text.len(), text: Arc::new(text) }
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

    /// The only piece; nothing where there are several, or none.
    pub fn single(&self) -> Option<&Piece> {
        match &self.0[..] {
            [piece] => Some(piece),
            _ => None,
        }
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
        let text = Arc::new("abcdef".to_owned());
        let piece = |range| Piece::of(&text, range).unwrap();
        let mut rope = Rope::default();
        assert!(rope.is_empty() && rope.single().is_none());
        for range in [0..2, 2..2, 2..4] {
            rope.push(piece(range));
        }
        assert_eq!(rope.single().and_then(|piece| piece.place_in(&text)), Some(0..4));
        rope.push(piece(5..6));
        // Another text of the same letters is another text.
        rope.push("f".to_owned().into());
        assert_eq!(rope.pieces().collect::<Vec<_>>(), ["abcd", "f", "f"]);
        assert_eq!((rope.len(), rope.single().is_none()), (6, true));
        assert_eq!(piece(0..2).place_in(&Arc::new("abcdef".to_owned())), None);
        let letter = Arc::new("\u{e4}".to_owned());
        assert!(Piece::of(&letter, 0..1).is_none() && Piece::of(&letter, 0..3).is_none());
    }
}
