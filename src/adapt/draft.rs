//! The unit while it is being adapted: its text, where each byte of it comes from, and changes by byte ranges.

use std::ops::Range;
use std::sync::Arc;

use crate::flatten::{Origin, Piece, TranslationUnit};

/// A change of the text. Ranges are of the text as it is before any of the round's changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What goes; empty where something is only put in.
    pub range: Range<usize>,
    /// What comes.
    pub text: String,
}

/// The unit and its text.
#[derive(Debug)]
pub struct Draft {
    unit: TranslationUnit,
    text: String,
}

impl Draft {
    /// Begins with a flattened unit.
    pub fn new(unit: TranslationUnit) -> Self {
        let text = unit.render(false);
        Draft { unit, text }
    }

    /// What the compiler is shown, without `#line`.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The unit as it is now.
    pub fn unit(&self) -> &TranslationUnit {
        &self.unit
    }

    /// The adapted unit.
    pub fn finish(self) -> TranslationUnit {
        self.unit
    }

    /// Upstream's file and line of a byte; nothing for what modgraft wrote.
    pub fn origin(&self, offset: usize) -> Option<(Arc<str>, u32)> {
        let (piece, start) = self.piece_at(offset)?;
        let piece = self.unit.pieces.get(piece)?;
        let Origin::Upstream { file, line } = &piece.origin else { return None };
        let before = piece.text.get(..offset - start)?.matches('\n').count();
        Some((file.clone(), line.saturating_add(u32::try_from(before).ok()?)))
    }

    /// Makes the changes. One that overlaps an earlier one, or lies in two pieces, is left out; the answer says of each
    /// whether it was made. The number of lines of each piece stays, so that all origins hold.
    pub fn change(&mut self, changes: &[Change]) -> Vec<bool> {
        let mut order: Vec<usize> = (0..changes.len()).collect();
        order.sort_by_key(|at| changes.get(*at).map(|change| (change.range.start, change.range.end)));
        let mut made = vec![false; changes.len()];
        let mut accepted: Vec<usize> = Vec::new();
        let mut end = 0;
        for at in order {
            let Some(change) = changes.get(at) else { continue };
            let Some((_, start)) = self.piece_at(change.range.start) else { continue };
            let whole = self.piece_at(change.range.start).and_then(|(piece, _)| self.unit.pieces.get(piece));
            let fits = whole.is_some_and(|piece| change.range.end <= start + piece.text.len());
            if change.range.start < end || !fits {
                continue;
            }
            end = change.range.end;
            accepted.push(at);
        }
        // From the end, so that the offsets in front hold.
        for at in accepted.into_iter().rev() {
            if let (Some(change), Some(made)) = (changes.get(at), made.get_mut(at)) {
                *made = if change.range.is_empty() { self.put(change) } else { self.replace(change) };
            }
        }
        self.text = self.unit.render(false);
        made
    }

    fn replace(&mut self, change: &Change) -> bool {
        let Some((at, start)) = self.piece_at(change.range.start) else { return false };
        let Some(piece) = self.unit.pieces.get_mut(at) else { return false };
        let range = change.range.start - start..change.range.end - start;
        let Some(old) = piece.text.get(range.clone()) else { return false };
        let (had, has) = (line_ends(old), line_ends(&change.text));
        if has.len() > had.len() {
            return false;
        }
        let kept: String = had.into_iter().skip(has.len()).collect();
        piece.text.replace_range(range, &format!("{}{kept}", change.text));
        true
    }

    /// Puts whole lines of modgraft's own at a byte, which is the first of a line.
    fn put(&mut self, change: &Change) -> bool {
        let Some((at, start)) = self.piece_at(change.range.start) else { return false };
        let own = Piece { text: change.text.clone(), origin: Origin::Generated("adapter") };
        let Some(piece) = self.unit.pieces.get_mut(at) else { return false };
        let inner = change.range.start - start;
        let mut at_index = at;
        if inner > 0 {
            let rest = piece.text.split_off(inner);
            let lines = u32::try_from(piece.text.matches('\n').count()).unwrap_or(u32::MAX);
            let origin = match &piece.origin {
                Origin::Upstream { file, line } => {
                    Origin::Upstream { file: file.clone(), line: line.saturating_add(lines) }
                }
                generated => generated.clone(),
            };
            at_index += 1;
            self.unit.pieces.insert(at_index, Piece { text: rest, origin });
        }
        self.unit.pieces.insert(at_index, own);
        let added = at_index - at + 1;
        if at < self.unit.prologue {
            self.unit.prologue += added;
        }
        true
    }

    /// Puts lines behind the includes.
    pub fn put_behind_includes(&mut self, rule: &'static str, text: String) {
        self.unit.pieces.insert(self.unit.prologue, Piece { text, origin: Origin::Generated(rule) });
        self.unit.prologue += 1;
        self.text = self.unit.render(false);
    }

    /// Puts lines in front of everything but the unit's own first comment.
    pub fn put_first(&mut self, rule: &'static str, text: String) {
        let first = self.unit.pieces.len().min(1);
        self.unit.pieces.insert(first, Piece { text, origin: Origin::Generated(rule) });
        self.unit.prologue += 1;
        self.text = self.unit.render(false);
    }

    /// The piece that has a byte, and the piece's first byte.
    fn piece_at(&self, offset: usize) -> Option<(usize, usize)> {
        let mut start = 0;
        for (at, piece) in self.unit.pieces.iter().enumerate() {
            if offset < start + piece.text.len() {
                return Some((at, start));
            }
            start += piece.text.len();
        }
        None
    }
}

/// The line ends in a text, those of continued lines with their backslash.
fn line_ends(text: &str) -> Vec<&str> {
    let ends = memchr::memchr_iter(b'\n', text.as_bytes());
    ends.filter_map(|at| {
        let continued = at > 0 && text.as_bytes().get(at - 1) == Some(&b'\\');
        text.get(if continued { at - 1 } else { at }..at + 1)
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn draft() -> Draft {
        let upstream = |text: &str, line| Piece {
            text: text.to_owned(),
            origin: Origin::Upstream { file: Arc::from("m/mod_x.c"), line },
        };
        Draft::new(TranslationUnit {
            module: "mod_x".into(),
            symbol: "x_module".into(),
            pieces: vec![
                Piece { text: "/* made */\n".into(), origin: Origin::Generated("header") },
                upstream("#include \"a.h\"\n", 1),
                upstream("int f()\n{\n  a(1,\n    2);\n  b;\n}\n", 7),
            ],
            prologue: 2,
            record: Vec::new(),
            sources: BTreeMap::new(),
            unresolved: Vec::new(),
        })
    }

    fn change(draft: &Draft, old: &str, new: &str) -> Change {
        let start = draft.text().find(old).unwrap();
        Change { range: start..start + old.len(), text: new.to_owned() }
    }

    #[test]
    fn lines_stay_lines() {
        let mut draft = draft();
        let changes = [change(&draft, "a(1,\n    2)", "c()"), change(&draft, "b;", "d;")];
        assert_eq!(draft.change(&changes), [true, true]);
        assert_eq!(draft.text(), "/* made */\n#include \"a.h\"\nint f()\n{\n  c()\n;\n  d;\n}\n");
        let d = draft.text().find("d;").unwrap();
        assert_eq!(draft.origin(d), Some((Arc::from("m/mod_x.c"), 11)));
    }

    #[test]
    fn overlapping_changes_wait() {
        let mut draft = draft();
        let changes = [change(&draft, "a(1,\n    2)", "c()"), change(&draft, "1", "3")];
        assert_eq!(draft.change(&changes), [true, false]);
    }

    #[test]
    fn what_is_put_in_has_no_origin_and_moves_none() {
        let mut draft = draft();
        let at = draft.text().find("  b;").unwrap();
        assert_eq!(draft.change(&[Change { range: at..at, text: "own;\n".into() }]), [true]);
        draft.put_behind_includes("shim", "shim;\n".into());
        draft.put_first("expose", "first;\n".into());
        assert_eq!(
            draft.text(),
            "/* made */\nfirst;\n#include \"a.h\"\nshim;\nint f()\n{\n  a(1,\n    2);\nown;\n  b;\n}\n"
        );
        let of = |word: &str| draft.origin(draft.text().find(word).unwrap());
        assert_eq!(of("own;"), None);
        assert_eq!(of("b;"), Some((Arc::from("m/mod_x.c"), 11)));
        assert_eq!(of("int f"), Some((Arc::from("m/mod_x.c"), 7)));
    }

    #[test]
    fn a_macros_continued_lines_stay_continued() {
        assert_eq!(line_ends("a \\\n b\n"), ["\\\n", "\n"]);
    }
}
