//! From the lines of a file patch to what it does, by the crate diffy.

use diffy::patch_set::{FileMode, FileOperation, ParseOptions, PatchSet};

use super::error::Place;
use super::hunk::HunkLines;
use super::paths::{Prefixes, RawPaths};
use super::scan::{Form, Section};
use super::{Error, text};
use crate::source::{PatchFile, Tree};

/// What a patch does to one file.
#[derive(Debug)]
pub(super) struct FileDiff {
    /// Line of the first header in the patch file, from 1.
    pub(super) line: u32,
    /// The mail that it stands in, see [`Section::unit`].
    pub(super) unit: u32,
    /// What is done.
    pub(super) operation: Operation,
    /// In order.
    pub(super) hunks: Vec<Hunk>,
    /// Line of the binary marker.
    pub(super) binary: Option<u32>,
    /// Whether the file is or becomes a symbolic link or a submodule.
    pub(super) link: bool,
}

/// What is done, with paths relative to the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Operation {
    Create(String),
    Delete(String),
    Modify(String),
    Rename { from: String, to: String },
    Copy { from: String, to: String },
}

impl Operation {
    /// The path after the change; of a deleted file the one before.
    pub(super) fn path(&self) -> &str {
        match self {
            Operation::Create(path) | Operation::Delete(path) | Operation::Modify(path) => path,
            Operation::Rename { to, .. } | Operation::Copy { to, .. } => to,
        }
    }
}

/// A hunk, free of the patch file.
#[derive(Debug)]
pub(super) struct Hunk {
    /// Where it stands in the patch file.
    pub(super) at: HunkLines,
    /// First line before the change, from 1; where there are none, the line before the place.
    pub(super) old_start: usize,
    /// Lines before the change.
    pub(super) old_len: usize,
    /// As `old_start`, after the change.
    pub(super) new_start: usize,
    /// In order, with LF or, at a file's end, without.
    pub(super) lines: Vec<Line>,
}

/// A line of a hunk.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) side: Side,
    pub(super) text: Box<[u8]>,
}

/// On which sides of a change a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Both,
    Old,
    New,
}

impl Hunk {
    /// The lines before the change.
    pub(super) fn old_side(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(|line| line.side != Side::New)
    }

    /// The lines after it.
    pub(super) fn new_side(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(|line| line.side != Side::Old)
    }

    /// How many lines are of `side` alone.
    pub(super) fn count(&self, side: Side) -> u32 {
        u32::try_from(self.lines.iter().filter(|line| line.side == side).count()).unwrap_or(u32::MAX)
    }
}

/// A file patch before its paths are understood.
struct Raw {
    line: u32,
    unit: u32,
    paths: RawPaths,
    hunks: Vec<Hunk>,
    binary: Option<u32>,
    link: bool,
}

/// Parses all file patches of a patch file. `base` helps to tell how many leading parts of the paths to strip.
pub(super) fn parse(
    patch: &PatchFile,
    sections: Vec<Section>,
    base: Option<&Tree>,
) -> Result<Vec<FileDiff>, Error> {
    let raw = sections.into_iter().map(|section| one(patch, section)).collect::<Result<Vec<_>, _>>()?;
    let prefixes = Prefixes::of(&raw.iter().map(|file| &file.paths).collect::<Vec<_>>(), base)?;
    raw.into_iter()
        .map(|Raw { line, unit, paths, hunks, binary, link }| {
            let operation = prefixes.operation(&paths);
            let operation = operation.map_err(|problem| problem.locate(Place::line(patch, line)))?;
            Ok(FileDiff { line, unit, operation, hunks, binary, link })
        })
        .collect()
}

fn one(patch: &PatchFile, section: Section) -> Result<Raw, Error> {
    let Section { line, unit, form, text, hunks: at, binary } = section;
    let malformed = |reason: String| {
        Error::syntax(
            Place::line(patch, line),
            format!("this file patch cannot be read: {reason}"),
            "begins here",
            "the patch was cut or edited by hand: make it again",
        )
    };
    let prefixed = match form {
        Form::Named(path) => {
            let path = string(&path);
            let paths = RawPaths::Both { old: path.clone(), new: path, prefixed: None };
            return Ok(Raw { line, unit, paths, hunks: Vec::new(), binary, link: false });
        }
        Form::Git { prefixed } => Some(prefixed),
        Form::Unified => None,
    };
    let options = if prefixed.is_some() { ParseOptions::gitdiff() } else { ParseOptions::unidiff() };
    let parsed = match PatchSet::parse_bytes(&text, options).next() {
        Some(Ok(parsed)) => parsed,
        Some(Err(error)) => return Err(malformed(reason(&error.to_string()))),
        None => return Err(malformed("it has no headers".to_owned())),
    };
    let mut paths = match parsed.operation() {
        FileOperation::Create(path) => RawPaths::New { path: string(path), prefixed },
        FileOperation::Delete(path) => RawPaths::Old { path: string(path), prefixed },
        FileOperation::Modify { original, modified } => {
            RawPaths::Both { old: string(original), new: string(modified), prefixed }
        }
        FileOperation::Rename { from, to } => RawPaths::Renamed { from: string(from), to: string(to) },
        FileOperation::Copy { from, to } => RawPaths::Copied { from: string(from), to: string(to) },
    };
    let is_link = |mode: Option<&FileMode>| matches!(mode, Some(FileMode::Symlink | FileMode::Gitlink));
    let link = is_link(parsed.old_mode()) || is_link(parsed.new_mode());
    let mut hunks = Vec::new();
    if let Some(parsed) = parsed.patch().as_text() {
        if parsed.hunks().len() != at.len() {
            return Err(malformed(format!("{} of {} hunks are readable", parsed.hunks().len(), at.len())));
        }
        hunks = parsed.hunks().iter().zip(at).map(|(hunk, at)| own(hunk, at)).collect();
    }
    // Without git's headers, a file is new or gone by its ranges: svn gives both sides the file's name.
    if let ([hunk], None, RawPaths::Both { old, new, .. }) = (hunks.as_slice(), prefixed, &paths) {
        if hunk.old_start == 0 && hunk.old_len == 0 {
            paths = RawPaths::Born { old: old.clone(), new: new.clone() };
        } else if hunk.new_start == 0 && hunk.new_side().next().is_none() {
            paths = RawPaths::Gone { old: old.clone(), new: new.clone() };
        }
    }
    Ok(Raw { line, unit, paths, hunks, binary, link })
}

fn own(hunk: &diffy::Hunk<'_, [u8]>, at: HunkLines) -> Hunk {
    let lines = hunk.lines().iter().map(|line| {
        let (side, text) = match line {
            diffy::Line::Context(text) => (Side::Both, text),
            diffy::Line::Delete(text) => (Side::Old, text),
            diffy::Line::Insert(text) => (Side::New, text),
        };
        Line { side, text: (*text).into() }
    });
    Hunk {
        at,
        old_start: hunk.old_range().start(),
        old_len: hunk.old_range().len(),
        new_start: hunk.new_range().start(),
        lines: lines.collect(),
    }
}

/// diffy's reason without its "error parsing … at byte N", which counts in a text that the user has not got.
fn reason(text: &str) -> String {
    let mut rest = text;
    while let Some((_, after)) = rest.strip_prefix("error parsing ").and_then(|rest| rest.split_once(": ")) {
        rest = after;
    }
    rest.to_owned()
}

fn string(bytes: &[u8]) -> String {
    text::decode(bytes).0.to_string()
}
