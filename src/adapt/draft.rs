//! The unit while it is being adapted: its text, where each byte of it comes from, and changes by byte ranges.

use std::ops::Range;
use std::sync::Arc;

use crate::c::lex::{self, TokenKind};
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

    /// Makes the changes, those of a group together or not at all. A group is left out where one of its changes overlaps one of
    /// an earlier group, or lies in two pieces; a change that another group makes as well is made once. The answer says of
    /// each whether it was made. The number of lines of each piece stays, so that all origins hold.
    pub fn change(&mut self, groups: &[Vec<Change>]) -> Vec<Vec<bool>> {
        let mut order: Vec<(usize, &Vec<Change>)> = groups.iter().enumerate().collect();
        let first =
            |group: &[Change]| group.iter().map(|change| (change.range.start, change.range.end)).min();
        order.sort_by_key(|(_, group)| first(group));
        let mut made: Vec<Vec<bool>> = groups.iter().map(|group| vec![false; group.len()]).collect();
        let mut accepted: Vec<&Change> = Vec::new();
        for (at, group) in order {
            let before = accepted.len();
            let mut new = Vec::with_capacity(group.len());
            let fits = group.iter().all(|change| {
                let known = accepted.contains(&change);
                new.push(!known);
                let free = known
                    || self.is_in_one_piece(&change.range)
                        && !accepted.iter().any(|other| overlap(other, change));
                if free && !known {
                    accepted.push(change);
                }
                free
            });
            if !fits {
                accepted.truncate(before);
            } else if let Some(made) = made.get_mut(at) {
                *made = new;
            }
        }
        // From the end, so that the offsets in front hold; of two at one byte the first comes to stand first.
        accepted.sort_by_key(|change| (change.range.start, change.range.end));
        for change in accepted.into_iter().rev() {
            if change.range.is_empty() { self.put(change) } else { self.replace(change) }
        }
        self.text = self.unit.render(false);
        made
    }

    fn is_in_one_piece(&self, range: &Range<usize>) -> bool {
        let found = self.piece_at(range.start);
        found.is_some_and(|(at, start)| {
            self.unit.pieces.get(at).is_some_and(|piece| range.end <= start + piece.text.len())
        })
    }

    fn replace(&mut self, change: &Change) {
        let Some((at, start)) = self.piece_at(change.range.start) else { return };
        let Some(piece) = self.unit.pieces.get_mut(at) else { return };
        let range = change.range.start - start..change.range.end - start;
        let Some(old) = piece.text.get(range.clone()) else { return };
        let (had, has) = (line_ends(old), line_ends(&change.text));
        // Lines that were not there, or do not go on as those of a macro: all that comes goes on one line.
        let alike = has.iter().zip(&had).all(|(new, old)| new == old) && has.len() <= had.len();
        let (text, used) =
            if alike { (change.text.clone(), has.len()) } else { (on_one_line(&change.text), 0) };
        let kept: String = had.into_iter().skip(used).collect();
        piece.text.replace_range(range, &format!("{text}{kept}"));
    }

    /// Puts whole lines of modgraft's own at a byte, which is the first of a line.
    fn put(&mut self, change: &Change) {
        let Some((at, start)) = self.piece_at(change.range.start) else { return };
        let own = Piece { text: change.text.clone(), origin: Origin::Generated("adapter") };
        let Some(piece) = self.unit.pieces.get_mut(at) else { return };
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
    }

    /// Whether something stands in front of what is put behind the includes. A header may be included further down, too.
    pub fn has_in_prologue(&self, has: impl Fn(&str) -> bool) -> bool {
        self.unit.pieces.iter().take(self.unit.prologue).any(|piece| has(&piece.text))
    }

    /// Puts lines behind the includes.
    pub fn put_behind_includes(&mut self, rule: &'static str, text: String) {
        self.unit.pieces.insert(self.unit.prologue, Piece { text, origin: Origin::Generated(rule) });
        self.unit.prologue += 1;
        self.text = self.unit.render(false);
    }

    /// Puts lines in front of everything but the unit's own first comment.
    pub fn put_first(&mut self, rule: &'static str, text: String) {
        self.unit.put_first(rule, text);
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

/// Whether two changes cannot both be made. What is put in between two bytes is in nobody's way.
fn overlap(one: &Change, two: &Change) -> bool {
    one.range.start < two.range.end && two.range.start < one.range.end
}

/// C text without line ends: blanks in their place, and comments up to the end of a line closed.
fn on_one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    let mut end = 0;
    for token in lex::tokens(text, 0..text.len()) {
        line.push_str(
            &text.get(end..token.start).unwrap_or_default().replace("\\\n", " ").replace('\n', " "),
        );
        let word = token.text(text);
        match (token.kind, word.strip_prefix("//")) {
            (TokenKind::Comment, Some(comment)) => {
                line.push_str(&format!(
                    "/*{}*/",
                    comment.replace("*/", "* /").replace("\\\n", " ").replace('\n', " ")
                ));
            }
            (TokenKind::Literal, _) => line.push_str(&word.replace("\\\n", "")),
            _ => line.push_str(&word.replace("\\\n", " ").replace('\n', " ")),
        }
        end = token.end;
    }
    line.push_str(&text.get(end..).unwrap_or_default().replace("\\\n", " ").replace('\n', " "));
    line
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
            published: Vec::new(),
            sources: BTreeMap::new(),
            unresolved: Vec::new(),
            warnings: Vec::new(),
            awaited: Vec::new(),
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
        assert_eq!(draft.change(&changes.map(|change| vec![change])), [[true], [true]]);
        assert_eq!(draft.text(), "/* made */\n#include \"a.h\"\nint f()\n{\n  c()\n;\n  d;\n}\n");
        let d = draft.text().find("d;").unwrap();
        assert_eq!(draft.origin(d), Some((Arc::from("m/mod_x.c"), 11)));
    }

    #[test]
    fn overlapping_changes_wait() {
        let mut draft = draft();
        let changes = [change(&draft, "a(1,\n    2)", "c()"), change(&draft, "1", "3")];
        assert_eq!(draft.change(&changes.map(|change| vec![change])), [[true], [false]]);
    }

    #[test]
    fn a_group_is_made_together_or_not_at_all() {
        let mut draft = draft();
        let at = draft.text().find("int f").unwrap();
        let put = Change { range: at..at, text: "own;\n".into() };
        let first = vec![change(&draft, "1", "3"), put.clone()];
        let waits = vec![put.clone(), change(&draft, "a(1", "c(9")];
        let too = vec![change(&draft, "2", "4"), put];
        assert_eq!(draft.change(&[first, waits, too]), [[true, true], [false, false], [true, false]]);
        assert_eq!(
            draft.text(),
            "/* made */\n#include \"a.h\"\nown;\nint f()\n{\n  a(3,\n    4);\n  b;\n}\n"
        );
    }

    #[test]
    fn what_has_more_lines_than_there_were_goes_on_one() {
        let mut draft = draft();
        let text = "c(1, // one\n  \"a\\\nb\", /* x\n*/ 2)\n  + 3";
        let changes = [change(&draft, "a(1,\n    2)", text)];
        assert_eq!(draft.change(&changes.map(|change| vec![change])), [[true]]);
        let d = draft.text().find("  b;").unwrap();
        assert!(
            draft.text().contains("  c(1, /* one*/   \"ab\", /* x */ 2)   + 3\n;\n  b;"),
            "{}",
            draft.text()
        );
        assert_eq!(draft.origin(d), Some((Arc::from("m/mod_x.c"), 11)));
    }

    #[test]
    fn what_is_put_in_has_no_origin_and_moves_none() {
        let mut draft = draft();
        let at = draft.text().find("  b;").unwrap();
        assert_eq!(draft.change(&[vec![Change { range: at..at, text: "own;\n".into() }]]), [[true]]);
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
