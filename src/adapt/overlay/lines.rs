//! The unit as lines with their origins, to be changed by hunks and put together again.

use std::sync::Arc;

use super::hunks::{Hunk, Side};
use crate::c::lex::{self, TokenKind};
use crate::flatten::{Origin, Piece, TranslationUnit};

/// One line.
#[derive(Debug, Clone)]
struct Line {
    text: String,
    origin: Origin,
    /// The piece of the flattened unit that it is in, or in whose middle it was put.
    piece: usize,
}

/// Why a hunk does not fit; lines are the patch file's, from 1.
#[derive(Debug)]
pub enum Misfit {
    /// The file lacks its lines.
    Nowhere {
        /// The first that it lacks.
        line: u32,
        /// What the file has there.
        found: Option<String>,
    },
    /// The file has its lines more than once, and not where the header says.
    Several {
        /// The hunk's header.
        line: u32,
        /// How often.
        places: usize,
    },
}

/// The unit's lines.
#[derive(Debug)]
pub struct Lines {
    lines: Vec<Line>,
    /// Behind the last hunk that was applied.
    done: usize,
    /// By how many lines that hunk's place differed from its header's, hunks before it included.
    moved: isize,
}

impl Lines {
    /// Takes a unit apart.
    pub fn of(unit: &TranslationUnit) -> Self {
        let mut lines = Vec::new();
        for (piece, whole) in unit.pieces.iter().enumerate() {
            for (at, text) in whole.text.split_inclusive('\n').enumerate() {
                let origin = match &whole.origin {
                    Origin::Upstream { file, line } => {
                        Origin::Upstream { file: file.clone(), line: after(*line, at) }
                    }
                    generated => generated.clone(),
                };
                lines.push(Line { text: text.to_owned(), origin, piece });
            }
        }
        Lines { lines, done: 0, moved: 0 }
    }

    /// Applies a hunk behind those before it. Returns upstream's place of the first line that it changes.
    ///
    /// # Errors
    /// [`Misfit`]; nothing is changed then.
    pub fn apply(&mut self, hunk: &Hunk, patch: &Arc<str>) -> Result<Option<(Arc<str>, u32)>, Misfit> {
        let expected = hunk.start.saturating_add_signed(self.moved).max(self.done).min(self.lines.len());
        let at = self.find(hunk, expected)?;
        let old = hunk.old().count();
        let mut kept = self.lines.get(at..at + old).unwrap_or_default().to_vec().into_iter();
        let mut piece =
            self.lines.get(at.min(self.lines.len().saturating_sub(1))).map_or(0, |line| line.piece);
        let mut put = Vec::new();
        let mut place = None;
        let mut changed = false;
        for line in &hunk.lines {
            match line.side {
                Side::New => {
                    let origin = Origin::Upstream { file: patch.clone(), line: line.line };
                    put.push(Line { text: line.text.clone(), origin, piece });
                    changed = true;
                }
                side => {
                    let Some(own) = kept.next() else { break };
                    piece = own.piece;
                    changed |= side == Side::Old;
                    // Where lines are only put in, the next line is the place.
                    if changed && place.is_none() {
                        place = upstream(&own.origin);
                    }
                    if side == Side::Both {
                        put.push(own);
                    }
                }
            }
        }
        let added = put.len();
        self.lines.splice(at..at + old, put);
        self.done = at + added;
        // Of the header's old lines those before are as many more or fewer by now.
        self.moved = signed(at) - signed(hunk.start) + signed(added) - signed(old);
        Ok(place)
    }

    fn find(&self, hunk: &Hunk, expected: usize) -> Result<usize, Misfit> {
        let old: Vec<(&str, u32)> = hunk.old().map(|line| (line.text.as_str(), line.line)).collect();
        let agreeing = |at: usize| {
            let here = self.lines.get(at..).unwrap_or_default();
            old.iter().zip(here).take_while(|((text, _), line)| *text == line.text).count()
        };
        if agreeing(expected) == old.len() {
            return Ok(expected);
        }
        let places: Vec<usize> =
            (self.done..self.lines.len()).filter(|at| agreeing(*at) == old.len()).collect();
        match places.as_slice() {
            [only] => Ok(*only),
            [] => {
                // The place where most of its beginning is shows what became of it.
                let best =
                    (self.done..self.lines.len()).map(|at| (agreeing(at), std::cmp::Reverse(at))).max();
                let (count, at) = match best {
                    Some((count, at)) if count > agreeing(expected) => (count, at.0),
                    _ => (agreeing(expected), expected),
                };
                let line = old.get(count).map_or(hunk.line, |(_, line)| *line);
                Err(Misfit::Nowhere { line, found: self.lines.get(at + count).map(|line| line.text.clone()) })
            }
            several => Err(Misfit::Several { line: hunk.line, places: several.len() }),
        }
    }

    /// Puts the lines together again; the rest is the old unit's.
    pub fn into_unit(self, unit: TranslationUnit) -> TranslationUnit {
        let text: String = self.lines.iter().map(|line| line.text.as_str()).collect();
        let mut safe = Boundaries::of(&text);
        let mut pieces: Vec<(usize, Piece)> = Vec::new();
        let mut offset = 0;
        // What the last line's successor would be.
        let mut next: Option<Origin> = None;
        for line in self.lines {
            let same_piece = pieces.last().is_some_and(|(piece, _)| *piece == line.piece);
            let follows = same_piece && next.as_ref() == Some(&line.origin);
            let whole = !follows && safe.at(offset);
            offset += line.text.len();
            match pieces.last_mut() {
                Some((_, last)) if !whole => {
                    last.text.push_str(&line.text);
                    next = next.map(|next| successor(&next));
                }
                _ => {
                    next = Some(successor(&line.origin));
                    pieces.push((line.piece, Piece { text: line.text, origin: line.origin }));
                }
            }
        }
        let prologue = pieces.iter().take_while(|(piece, _)| *piece < unit.prologue).count();
        TranslationUnit { pieces: pieces.into_iter().map(|(_, piece)| piece).collect(), prologue, ..unit }
    }
}

fn upstream(origin: &Origin) -> Option<(Arc<str>, u32)> {
    match origin {
        Origin::Upstream { file, line } => Some((file.clone(), *line)),
        Origin::Generated(_) => None,
    }
}

fn successor(origin: &Origin) -> Origin {
    match origin {
        Origin::Upstream { file, line } => Origin::Upstream { file: file.clone(), line: after(*line, 1) },
        generated => generated.clone(),
    }
}

fn after(line: u32, lines: usize) -> u32 {
    line.saturating_add(u32::try_from(lines).unwrap_or(u32::MAX))
}

fn signed(number: usize) -> isize {
    isize::try_from(number).unwrap_or(isize::MAX / 2)
}

/// The places where a `#line` may stand: not within a comment, a preprocessor line or the arguments of a call, which may be
/// a macro's.
struct Boundaries {
    /// Byte ranges where it may not, in order.
    forbidden: Vec<(usize, usize)>,
    next: usize,
}

impl Boundaries {
    fn of(text: &str) -> Self {
        let mut forbidden = Vec::new();
        let mut open: Vec<usize> = Vec::new();
        for token in lex::tokens(text, 0..text.len()) {
            let first_column = token.start == 0 || text.as_bytes().get(token.start - 1) == Some(&b'\n');
            match token.kind {
                TokenKind::Comment | TokenKind::Directive | TokenKind::Literal if open.is_empty() => {
                    forbidden.push((token.start, token.end));
                }
                TokenKind::Punctuator(b'(') => open.push(token.start),
                TokenKind::Punctuator(b')') => {
                    if let (Some(start), true) = (open.pop(), open.is_empty()) {
                        forbidden.push((start, token.end));
                    }
                }
                // Branches of a condition may leave one open; a function's end closes all.
                TokenKind::Punctuator(b'{' | b'}') if first_column => open.clear(),
                _ => {}
            }
        }
        Boundaries { forbidden, next: 0 }
    }

    /// Whether it may stand at a byte; to be asked in order.
    fn at(&mut self, offset: usize) -> bool {
        while self.forbidden.get(self.next).is_some_and(|(_, end)| *end <= offset) {
            self.next += 1;
        }
        self.forbidden.get(self.next).is_none_or(|(start, _)| offset <= *start)
    }
}
