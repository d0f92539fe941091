//! The files in play: the module's own, the headers that come with it, and the shared files that the patches touch.

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use miette::{NamedSource, SourceSpan};

use super::record::Evidence;
use super::{Error, Interface, Upstream, includes, published};
use crate::c::directive::Include;
use crate::c::lex::{self, TokenKind};
use crate::c::{DeclarationKind, File};
use crate::changeset::{Action, Changeset, Class, FileText, Fragment};

/// A piece of a file in play.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Site {
    pub part: usize,
    pub piece: usize,
}

/// What a file in play is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PartKind {
    /// A source of the module.
    Module,
    /// A header that the patches bring for the module.
    PrivateHeader,
    /// A source that exists beside the module.
    SharedSource,
    /// A header of httpd that the patches touch.
    SharedHeader,
    /// A header of the base tree that the target does not have.
    BaseHeader,
    /// A source of the tree that the patches do not touch, and from which something is pulled.
    TreeSource,
    /// A header of that sort.
    TreeHeader,
}

impl PartKind {
    /// Whether it is a source beside the module, with names of its own.
    pub fn is_foreign_source(self) -> bool {
        matches!(self, PartKind::SharedSource | PartKind::TreeSource)
    }

    /// Whether the patches do not touch it.
    pub fn is_of_tree(self) -> bool {
        matches!(self, PartKind::TreeSource | PartKind::TreeHeader)
    }
}

/// A file in play.
#[derive(Debug)]
pub(super) struct Part {
    pub path: Arc<str>,
    pub kind: PartKind,
    pub file: Arc<File>,
    /// The file before the patches, where it was there and a base tree is at hand.
    pub before: Option<File>,
    pub evidence: Evidence,
    /// Its code becomes the module's as it is: a source of the module, or a header that such a file includes.
    pub own: bool,
    /// It is a source of httpd itself, of a part that the target does not have at all.
    pub grafted: bool,
    pub hunks: Hunks,
    /// The code of the pieces before, for telling what is unchanged.
    before_code: OnceCell<HashSet<String>>,
    /// The names that changed or added pieces declare.
    changed: OnceCell<HashSet<String>>,
}

/// What is known of a file of which only hunks are known.
#[derive(Debug, Default)]
pub(super) struct Hunks {
    /// Lines by number: whether the patch adds the line, and whether removed lines stood before it.
    pub lines: HashMap<u32, (bool, bool)>,
    /// Names that a line of the old side has in front of a parenthesis, and all names of the old side.
    pub old_calls: HashSet<String>,
    pub old_names: HashSet<String>,
    /// Pieces that may have begun before the hunk does.
    pub unsure: HashSet<usize>,
    /// Pieces that are the inside of something whose head the hunk does not show: they declare nothing.
    pub inside: HashSet<usize>,
}

/// How an added line names something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AddedInside {
    /// As enumeration constants are.
    Listed,
    Otherwise,
}

impl Part {
    fn new(path: &str, kind: PartKind, after: Arc<str>, before: Option<Arc<str>>) -> Self {
        Part {
            path: Arc::from(path),
            kind,
            file: Arc::new(File::new(after)),
            before: before.map(File::new),
            evidence: Evidence::Whole,
            own: kind == PartKind::Module,
            grafted: false,
            hunks: Hunks::default(),
            before_code: OnceCell::new(),
            changed: OnceCell::new(),
        }
    }

    /// Whether its declarations are for other files to see.
    pub fn is_header(&self) -> bool {
        self.kind != PartKind::Module && !self.kind.is_foreign_source()
    }

    /// Its includes: the piece, what is included, and whether a condition stands around it.
    pub fn includes(&self) -> impl Iterator<Item = (usize, Included<'_>, bool)> {
        self.file.includes().map(|(piece, include, conditional)| (piece, Included(include), conditional))
    }

    /// The pieces that hold code.
    pub fn solid(&self) -> impl Iterator<Item = usize> {
        (0..self.file.len()).filter(|piece| !self.file.is_blank(*piece))
    }

    /// The pieces with code that the patches changed or added; told without parsing them.
    pub fn changed(&self) -> impl Iterator<Item = usize> {
        self.solid().filter(|piece| self.is_changed(*piece))
    }

    /// Whether the patches changed or added piece `piece`.
    pub fn is_changed(&self, piece: usize) -> bool {
        match self.evidence {
            _ if self.kind.is_of_tree() => false,
            Evidence::Whole => self.before.is_none() || !self.had_code(self.file.code(piece)),
            Evidence::Hunks => {
                let range = self.file.code_range(piece);
                let first = self.file.line(range.start);
                let last = self.file.line(range.end.saturating_sub(1)).max(first);
                let changes = |line: u32, (added, follows): (bool, bool)| added || follows && line > first;
                (first..=last)
                    .any(|line| self.hunks.lines.get(&line).is_some_and(|seen| changes(line, *seen)))
            }
        }
    }

    /// Whether a piece that declares `name` was changed or added.
    pub fn changes(&self, name: &str) -> bool {
        let changed = self.changed.get_or_init(|| {
            let pieces = self.changed().filter(|piece| !self.hunks.inside.contains(piece));
            let pieces = pieces.filter_map(|piece| self.file.outline(piece));
            pieces.flat_map(|outline| outline.names.iter().cloned()).collect()
        });
        changed.contains(name)
    }

    /// What an added line of a hunk says of `name` inside something whose head the hunk does not show.
    pub fn added_inside(&self, name: &str) -> Option<AddedInside> {
        let text = self.file.text();
        let mut inside = self.hunks.inside.iter().filter_map(|piece| self.file.declaration(*piece));
        inside.find_map(|declaration| {
            let tokens: Vec<_> = lex::tokens(text, declaration.code..declaration.range.end).collect();
            tokens.iter().enumerate().find_map(|(at, token)| {
                let line = self.file.line(token.start);
                let added = self.hunks.lines.get(&line).is_some_and(|(added, _)| *added);
                let next = tokens.get(at + 1);
                let listed = next.is_none_or(|next| [b',', b'=', b'}'].iter().any(|mark| next.is(*mark)));
                (token.text(text) == name && added).then_some(if listed {
                    AddedInside::Listed
                } else {
                    AddedInside::Otherwise
                })
            })
        })
    }

    /// Whether the file before the patches had this very code.
    pub fn had_code(&self, code: &str) -> bool {
        let before = self.before_code.get_or_init(|| {
            let Some(before) = &self.before else { return HashSet::new() };
            (0..before.len()).map(|piece| before.code(piece).to_owned()).collect()
        });
        before.contains(code)
    }

    /// The text under its path, for an error that points into it.
    pub fn named_source(&self) -> NamedSource<Arc<str>> {
        NamedSource::new(&*self.path, self.file.text().clone())
    }

    /// Where `name` stands in a piece; the piece's beginning if it does not.
    pub fn span_of(&self, piece: usize, name: &str) -> SourceSpan {
        let text = self.file.text();
        let declaration = self.file.declaration(piece);
        let found = declaration.and_then(|declaration| {
            let mut all = declaration.identifiers.iter();
            all.find(|identifier| text.get(identifier.range.clone()) == Some(name))
        });
        let start = declaration.map_or(0, |declaration| declaration.code);
        let range = found.map_or(start..start, |identifier| identifier.range.clone());
        SourceSpan::new(range.start.into(), range.len())
    }
}

/// An include as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Included<'a>(pub Include<'a>);

impl std::fmt::Display for Included<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Include::Quoted(path) => write!(formatter, "\"{path}\""),
            Include::System(path) => write!(formatter, "<{path}>"),
            Include::Computed => formatter.write_str("a macro's header"),
        }
    }
}

/// All files in play.
#[derive(Debug)]
pub(super) struct Parts {
    all: Vec<Part>,
    /// Which part an include means; those that the target answers are not here.
    pub included: HashMap<Site, usize>,
    /// What the tree has of the names that were asked of it, by the file that uses them.
    pub answers: HashMap<(usize, String), Answer>,
}

/// What the tree has of a name.
#[derive(Debug, Clone, Default)]
pub(super) struct Answer {
    /// Its declarations: of the first header that has any, and of the source that defines it.
    pub sites: Vec<Site>,
    /// The module that provides it, where the target does not have that module.
    pub module: Option<OtherModule>,
}

/// A module of the same tree that the target does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherModule {
    /// `mod_NAME`.
    pub name: String,
    /// Path of its source.
    pub file: String,
}

impl Parts {
    pub fn get(&self, part: usize) -> Option<&Part> {
        self.all.get(part)
    }

    pub fn iter(&self) -> impl Iterator<Item = (usize, &Part)> {
        self.all.iter().enumerate()
    }

    /// The module's own files.
    pub fn own(&self) -> impl Iterator<Item = (usize, &Part)> {
        self.iter().filter(|(_, part)| part.own)
    }

    /// The files of the patches that declarations may be taken from.
    pub fn donors(&self) -> impl Iterator<Item = (usize, &Part)> {
        let is_donor = |part: &Part| part.kind != PartKind::PrivateHeader && !part.kind.is_of_tree();
        self.iter().filter(move |(_, part)| !part.own && is_donor(part))
    }

    /// The part of this path.
    pub fn at_path(&self, path: &str) -> Option<usize> {
        self.iter().find(|(_, part)| *part.path == *path).map(|(at, _)| at)
    }

    /// A file of the tree that the patches do not touch.
    pub(super) fn push_of_tree(&mut self, path: &str, file: Arc<File>) -> usize {
        let kind = if path.ends_with(".h") { PartKind::TreeHeader } else { PartKind::TreeSource };
        self.push(Part {
            path: Arc::from(path),
            kind,
            file,
            before: None,
            evidence: Evidence::Whole,
            own: false,
            grafted: false,
            hunks: Hunks::default(),
            before_code: OnceCell::new(),
            changed: OnceCell::new(),
        })
    }

    pub(super) fn push(&mut self, part: Part) -> usize {
        self.all.push(part);
        self.all.len() - 1
    }

    pub(super) fn make_own(&mut self, part: usize) {
        if let Some(part) = self.all.get_mut(part) {
            part.own = true;
            if part.kind == PartKind::TreeHeader {
                part.kind = PartKind::BaseHeader;
            }
        }
    }

    /// Makes a header of httpd one that the patches bring for the module.
    pub(super) fn make_private(&mut self, part: usize) {
        if let Some(part) = self.all.get_mut(part) {
            part.kind = PartKind::PrivateHeader;
        }
    }

    /// Makes a source of the tree the module's own, from end to end. What was asked of the tree before is asked anew.
    pub(super) fn graft_whole(&mut self, path: &str, file: Arc<File>) {
        let at = self.at_path(path).unwrap_or_else(|| self.push_of_tree(path, file));
        if let Some(part) = self.all.get_mut(at) {
            (part.kind, part.own, part.grafted) = (PartKind::Module, true, true);
        }
        self.answers.clear();
    }

    /// A header that stands in the base tree alone.
    pub(super) fn push_base_header(&mut self, path: &str, text: Arc<str>) -> usize {
        self.push(Part::new(path, PartKind::BaseHeader, text.clone(), Some(text)))
    }
}

/// Beyond this no source file has lines; it bounds the memory that a damaged hunk header can ask for.
const LINES_LIMIT: u32 = 1 << 20;

/// Reads the files of the changeset that take part, and the headers that the module's own files include.
pub(super) fn load(
    changeset: &Changeset,
    base: Option<&dyn Upstream>,
    offered: &dyn Interface,
) -> Result<Parts, Error> {
    let mut parts = Parts { all: Vec::new(), included: HashMap::new(), answers: HashMap::new() };
    for change in changeset.files.iter().filter(|change| change.action != Action::Deleted) {
        let kind = match change.class {
            Class::ModuleSource => PartKind::Module,
            Class::PrivateHeader => PartKind::PrivateHeader,
            Class::SharedSource => PartKind::SharedSource,
            Class::SharedHeader => PartKind::SharedHeader,
            Class::BuildSystem | Class::Documentation | Class::Test | Class::Other => continue,
        };
        parts.push(match &change.text {
            FileText::Whole { before, after } => Part::new(&change.path, kind, after.clone(), before.clone()),
            FileText::Fragments(_) if matches!(kind, PartKind::Module | PartKind::PrivateHeader) => {
                return Err(Error::NotWhole { file: change.path.clone() });
            }
            FileText::Fragments(fragments) => of_fragments(&change.path, kind, fragments)?,
        });
    }
    published::claim(&mut parts, offered);
    includes::resolve(&mut parts, base, offered)?;
    Ok(parts)
}

fn of_fragments(path: &str, kind: PartKind, fragments: &[Fragment]) -> Result<Part, Error> {
    let mut text = String::new();
    let mut next_line = 1u32;
    let mut ranges: Vec<(Range<usize>, u32)> = Vec::new();
    let mut hunks = Hunks::default();
    let mut in_order: Vec<&Fragment> = fragments.iter().collect();
    in_order.sort_by_key(|fragment| fragment.start);
    for fragment in in_order {
        if fragment.start > LINES_LIMIT {
            return Err(Error::LineOutOfRange { file: path.to_owned(), line: fragment.start });
        }
        // The lines between are unknown, and empty here so that all line numbers hold.
        while next_line < fragment.start {
            text.push('\n');
            next_line += 1;
        }
        let start = text.len();
        for line in &fragment.lines {
            hunks.lines.insert(next_line, (line.added, line.follows_removal));
            text.push_str(&line.text);
            if !line.text.ends_with('\n') {
                text.push('\n');
            }
            next_line += 1;
            if !line.added {
                hunks.note_old(&line.text);
            }
        }
        fragment.removed.iter().for_each(|line| hunks.note_old(line));
        let skip = comment_tail(text.get(start..).unwrap_or_default());
        ranges.push((start + skip..text.len(), fragment.start));
    }
    let islands: Vec<Range<usize>> = ranges.iter().map(|(range, _)| range.clone()).collect();
    let file = File::of_parts(text.into(), &islands);
    for (range, line) in &ranges {
        hunks.mark_unsure(&file, range, *line);
    }
    Ok(Part {
        path: Arc::from(path),
        kind,
        file: Arc::new(file),
        before: None,
        evidence: Evidence::Hunks,
        own: false,
        grafted: false,
        hunks,
        before_code: OnceCell::new(),
        changed: OnceCell::new(),
    })
}

/// The length of a comment's end, where the text begins inside a comment.
fn comment_tail(text: &str) -> usize {
    match (text.find("*/"), text.find("/*")) {
        (Some(close), open) if open.is_none_or(|open| close < open) => close + 2,
        _ => 0,
    }
}

impl Hunks {
    fn note_old(&mut self, line: &str) {
        let tokens: Vec<_> = lex::tokens_of_directive(line, 0..line.len()).collect();
        for (at, token) in tokens.iter().enumerate().filter(|(_, token)| token.kind == TokenKind::Identifier)
        {
            self.old_names.insert(token.text(line).to_owned());
            if tokens.get(at + 1).is_some_and(|next| next.is(b'(')) {
                self.old_calls.insert(token.text(line).to_owned());
            }
        }
    }

    /// Marks the pieces of a hunk that may have begun before it: a hunk can begin anywhere in a function.
    fn mark_unsure(&mut self, file: &File, range: &Range<usize>, first_line: u32) {
        let pieces: Vec<usize> = (0..file.len())
            .filter(|piece| {
                let at = file.range(*piece).start;
                range.contains(&at) && !file.is_blank(*piece)
            })
            .collect();
        // All before a brace that nothing opened is the rest of a body.
        let stray = pieces.iter().rposition(|piece| file.code(*piece).starts_with('}'));
        self.inside.extend(pieces.iter().take(stray.map_or(0, |at| at + 1)));
        let mut boundary = first_line == 1 || stray.is_some();
        for piece in pieces.iter().skip(stray.map_or(0, |at| at + 1)) {
            let (Some(outline), range_of, code) =
                (file.outline(*piece), file.range(*piece), file.code_range(*piece))
            else {
                continue;
            };
            let preprocessor = matches!(
                outline.kind,
                DeclarationKind::Macro
                    | DeclarationKind::Include
                    | DeclarationKind::Condition
                    | DeclarationKind::Directive
            );
            let text = file.text();
            let column_0 = code.start == 0 || text.as_bytes().get(code.start - 1) == Some(&b'\n');
            // The rest of a macro whose first line is not shown.
            let continued = !preprocessor && file.code(*piece).contains("\\\n");
            let before = text.get(range.start..range_of.start).unwrap_or_default();
            let (added, _) = self.lines.get(&file.line(code.start)).copied().unwrap_or_default();
            let commented = code.start > range_of.start;
            let begins = boundary || added || commented || before.lines().any(|line| line.trim().is_empty());
            if !preprocessor && (!column_0 || continued) {
                self.inside.insert(*piece);
                continue;
            }
            if !preprocessor && !begins {
                self.unsure.insert(*piece);
            }
            boundary = true;
        }
    }
}
