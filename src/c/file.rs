//! A file whose pieces are parsed when they are asked for: most of a large file never is.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use super::candidates::{self, Candidates};
use super::directive::{self, Directive, Include};
use super::split::{self, Chunk, Shape};
use super::{Declaration, DeclarationKind, Outline, syntax};

/// A C file, split into the pieces of file scope.
#[derive(Debug)]
pub struct File {
    text: Arc<str>,
    /// Offset of each line's first byte.
    lines: Vec<usize>,
    chunks: Vec<Chunk>,
    declared: Vec<OnceLock<Declaration>>,
    outlines: Vec<OnceLock<Outline>>,
    /// Pieces by the identifiers that they could declare.
    candidates: OnceLock<HashMap<String, Vec<usize>>>,
    guard: Option<Guard>,
}

/// The pieces that make a header's include guard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guard {
    /// `#ifndef NAME`.
    pub open: usize,
    /// `#define NAME`.
    pub define: usize,
    /// The `#endif` at the end.
    pub close: usize,
}

impl File {
    /// A whole file.
    pub fn new(text: Arc<str>) -> Self {
        let whole = 0..text.len();
        Self::of_parts(text, std::slice::from_ref(&whole))
    }

    /// A file of which only `parts` are known: they ascend, do not overlap, and each is split on its own. What stands
    /// between them is a blank piece.
    pub fn of_parts(text: Arc<str>, parts: &[Range<usize>]) -> Self {
        let mut chunks = Vec::new();
        let mut covered = 0;
        let blank = |range: Range<usize>| Chunk {
            code: range.end,
            range,
            shape: Shape::Blank,
            conditions: Arc::from([]),
            skipped: Vec::new(),
        };
        for part in parts {
            if covered < part.start {
                chunks.push(blank(covered..part.start));
            }
            chunks.extend(split::split(&text, part.clone()));
            covered = part.end;
        }
        if covered < text.len() {
            chunks.push(blank(covered..text.len()));
        }
        let mut lines = vec![0];
        lines.extend(memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1));
        let guard = find_guard(&text, &chunks);
        if let Some(guard) = guard {
            for chunk in chunks.get_mut(guard.open + 1..guard.close).unwrap_or_default() {
                chunk.conditions = chunk.conditions.iter().skip(1).cloned().collect();
            }
        }
        let declared = chunks.iter().map(|_| OnceLock::new()).collect();
        let outlines = chunks.iter().map(|_| OnceLock::new()).collect();
        File { text, lines, chunks, declared, outlines, candidates: OnceLock::new(), guard }
    }

    /// The text.
    pub fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// The number of pieces.
    pub fn len(&self) -> usize {
        self.chunks.len()
    }

    /// Whether there is no piece at all.
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// The include guard, of a header that has one around all of it.
    pub fn guard(&self) -> Option<Guard> {
        self.guard
    }

    /// Line of the byte at `offset`, from 1.
    pub fn line(&self, offset: usize) -> u32 {
        u32::try_from(self.lines.partition_point(|start| *start <= offset)).unwrap_or(u32::MAX)
    }

    /// The byte range of piece `at`, with the comment that belongs to it; empty beyond the last.
    pub fn range(&self, at: usize) -> Range<usize> {
        self.chunks.get(at).map_or(0..0, |chunk| chunk.range.clone())
    }

    /// The byte range of piece `at` without the comment that belongs to it.
    pub fn code_range(&self, at: usize) -> Range<usize> {
        self.chunks.get(at).map_or(0..0, |chunk| chunk.code..chunk.range.end)
    }

    /// The code of piece `at`, without the comment that belongs to it and without blanks around it.
    pub fn code(&self, at: usize) -> &str {
        self.text.get(self.code_range(at)).unwrap_or_default().trim()
    }

    /// Piece `at`, parsed the first time it is asked for.
    pub fn declaration(&self, at: usize) -> Option<&Declaration> {
        let (chunk, cell) = (self.chunks.get(at)?, self.declared.get(at)?);
        Some(cell.get_or_init(|| syntax::parse(self, chunk)))
    }

    /// All pieces, parsed.
    pub fn declarations(&self) -> impl Iterator<Item = &Declaration> {
        (0..self.len()).filter_map(|at| self.declaration(at))
    }

    /// All pieces, parsed, by value.
    pub fn into_declarations(self) -> Vec<Declaration> {
        let mut file = self;
        let declared = std::mem::take(&mut file.declared);
        let parse = |(cell, chunk): (OnceLock<Declaration>, &Chunk)| {
            cell.into_inner().unwrap_or_else(|| syntax::parse(&file, chunk))
        };
        declared.into_iter().zip(&file.chunks).map(parse).collect()
    }

    /// Kind and names of piece `at`. A function is not parsed for it.
    pub fn outline(&self, at: usize) -> Option<&Outline> {
        let (chunk, cell) = (self.chunks.get(at)?, self.outlines.get(at)?);
        Some(cell.get_or_init(|| {
            let declaration = || {
                let declaration = self.declaration(at);
                let names = declaration.map_or(Vec::new(), |found| found.names.clone());
                Outline { kind: declaration.map_or(DeclarationKind::Comment, |found| found.kind), names }
            };
            syntax::outline(&self.text, chunk).unwrap_or_else(declaration)
        }))
    }

    /// The pieces that declare or define `name`, in order. Only pieces in which it could be declared are parsed.
    pub fn find(&self, name: &str) -> impl Iterator<Item = (usize, &Declaration)> {
        self.find_outline(name).filter_map(|(at, _)| Some((at, self.declaration(at)?)))
    }

    /// As [`File::find`], and no function is parsed.
    pub fn find_outline(&self, name: &str) -> impl Iterator<Item = (usize, &Outline)> {
        let candidates = self.candidates.get_or_init(|| self.index());
        let found = candidates.get(name).into_iter().flatten();
        found
            .filter_map(|at| Some((*at, self.outline(*at)?)))
            .filter(move |(_, outline)| outline.names.iter().any(|own| own == name))
    }

    /// The includes, in order: the piece, what is included, and whether a condition stands around it.
    pub fn includes(&self) -> impl Iterator<Item = (usize, Include<'_>, bool)> {
        self.chunks.iter().enumerate().filter(|(_, chunk)| chunk.shape == Shape::Include).filter_map(
            |(at, chunk)| match directive::read(&self.text, chunk.code..chunk.range.end) {
                Directive::Include(include) => Some((at, include, !chunk.conditions.is_empty())),
                _ => None,
            },
        )
    }

    /// Whether piece `at` is blank space or a comment of its own.
    pub(crate) fn is_blank(&self, at: usize) -> bool {
        self.chunks.get(at).is_none_or(|chunk| chunk.shape == Shape::Blank)
    }

    fn index(&self) -> HashMap<String, Vec<usize>> {
        let mut index: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, chunk) in self.chunks.iter().enumerate() {
            let mut add = |name: &str| {
                let entry = index.entry(name.to_owned()).or_default();
                if entry.last() != Some(&at) {
                    entry.push(at);
                }
            };
            match candidates::of(&self.text, chunk) {
                Candidates::Names(names) => names.into_iter().for_each(add),
                // A macro call puts its names together from its arguments.
                Candidates::Unknown => {
                    let names = self.declaration(at).map_or(&[][..], |declaration| &declaration.names);
                    names.iter().for_each(|name| add(name));
                }
            }
        }
        index
    }
}

fn find_guard(text: &str, chunks: &[Chunk]) -> Option<Guard> {
    let mut solid = chunks.iter().enumerate().filter(|(_, chunk)| chunk.shape != Shape::Blank);
    let (open, first) = solid.next()?;
    let (define, second) = solid.next()?;
    let (close, last) = solid.next_back()?;
    let read = |chunk: &Chunk| directive::read(text, chunk.code..chunk.range.end);
    let Directive::If(condition) = read(first) else { return None };
    let Directive::Define { name } = read(second) else { return None };
    let closes =
        last.shape == Shape::Condition && read(last) == Directive::Endif && last.conditions.is_empty();
    // Nothing between the two may be outside the group, such as behind an `#else` of it.
    let around = |chunk: &Chunk| chunk.conditions.first().is_some_and(|first| **first == *condition);
    let inside = chunks.get(open + 1..close)?.iter().all(around);
    let guards = condition == format!("!defined({name})") || condition == format!("!defined {name}");
    (guards && closes && inside).then_some(Guard { open, define, close })
}
