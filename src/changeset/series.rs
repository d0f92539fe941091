//! All file patches of all patch files, one after the other, on the files as the earlier ones left them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::apply::{self, How, Mismatch};
use super::error::Place;
use super::parse::{FileDiff, Hunk, Line, Operation, Side};
use super::rules::{Rules, Verdict};
use super::sketch::Sketch;
use super::{Error, text};
use crate::source::{PatchFile, Tree};

/// A file as the series leaves it.
#[derive(Debug)]
pub(super) struct FileState {
    pub(super) path: String,
    pub(super) renamed_from: Option<String>,
    pub(super) copied_from: Option<String>,
    /// Whether it was there before the series.
    pub(super) existed: bool,
    /// Whether it is gone after it.
    pub(super) deleted: bool,
    /// Whether another file took its name by a rename: it is part of the record no more.
    pub(super) superseded: bool,
    pub(super) content: Content,
    pub(super) hunks: Vec<HunkFact>,
}

/// What is known of a file's text. Line ends are LF.
#[derive(Debug, Clone)]
pub(super) enum Content {
    Whole { before: Option<Arc<[u8]>>, after: Arc<[u8]> },
    Sketch(Sketch),
    Binary,
}

/// A hunk, before its file's class is known.
#[derive(Debug)]
pub(super) struct HunkFact {
    pub(super) patch: String,
    pub(super) line: u32,
    pub(super) new_start: u32,
    pub(super) added: u32,
    pub(super) removed: u32,
    /// By how many lines it was found away from where its header says.
    pub(super) offset: i64,
    /// A class of its own, by a rule.
    pub(super) verdict: Option<Verdict>,
}

/// What a path had before a file patch.
enum Before {
    Absent,
    /// No base tree, or a file that is stripped anyhow and not read.
    Unknown,
    Known(Content),
}

/// The files so far.
pub(super) struct Series<'a> {
    base: Option<&'a Tree>,
    rules: &'a Rules<'a>,
    pub(super) files: Vec<FileState>,
    index: HashMap<String, usize>,
    /// The files as they were before the present mail: git's renames and copies start from those.
    snapshot: HashMap<String, Option<Content>>,
    touched: HashSet<String>,
}

impl<'a> Series<'a> {
    pub(super) fn new(base: Option<&'a Tree>, rules: &'a Rules<'a>) -> Self {
        let (files, index) = (Vec::new(), HashMap::new());
        Series { base, rules, files, index, snapshot: HashMap::new(), touched: HashSet::new() }
    }

    /// Applies one patch file.
    pub(super) fn apply(&mut self, patch: &PatchFile, diffs: &[FileDiff]) -> Result<(), Error> {
        let mut unit = None;
        for diff in diffs {
            if unit != Some(diff.unit) {
                unit = Some(diff.unit);
                self.snapshot = self.files.iter().map(|file| (file.path.clone(), file.known())).collect();
                self.touched.clear();
            }
            One { series: self, patch, diff }.apply()?;
            self.touched.insert(diff.operation.path().to_owned());
        }
        Ok(())
    }

    /// The file that an operation is about, made where the series has not met it.
    fn state_of(&mut self, path: &str, operation: &Operation) -> &mut FileState {
        let known = match operation {
            Operation::Rename { from, .. } if !self.touched.contains(from) => {
                // What the new name overwrites is not a file of its own any more.
                if let Some(file) = self.index.remove(path).and_then(|at| self.files.get_mut(at)) {
                    file.superseded = true;
                }
                self.index.remove(from).inspect(|&at| {
                    self.index.insert(path.to_owned(), at);
                })
            }
            _ => self.index.get(path).copied(),
        };
        let at = known.unwrap_or_else(|| {
            let at = self.files.len();
            self.index.insert(path.to_owned(), at);
            self.files.push(FileState {
                path: path.to_owned(),
                renamed_from: None,
                copied_from: None,
                existed: matches!(operation, Operation::Modify(_) | Operation::Delete(_) | Operation::Rename { .. }),
                deleted: false,
                superseded: false,
                content: Content::Sketch(Sketch::default()),
                hunks: Vec::new(),
            });
            at
        });
        let file = &mut self.files[at];
        match operation {
            Operation::Rename { from, to } => {
                file.path.clone_from(to);
                if file.existed && file.renamed_from.is_none() {
                    file.renamed_from = Some(from.clone());
                }
            }
            Operation::Copy { from, .. } => file.copied_from = Some(from.clone()),
            _ => {}
        }
        file
    }

    /// Whether the file's text is of concern, as far as its path tells.
    fn is_tracked(&self, path: &str) -> bool {
        self.rules.by_path(path).is_none_or(|(class, _)| !class.is_stripped())
    }
}

impl FileState {
    fn known(&self) -> Option<Content> {
        if self.deleted { None } else { Some(self.content.clone()) }
    }
}

/// One file patch.
struct One<'s, 'a> {
    series: &'s mut Series<'a>,
    patch: &'s PatchFile,
    diff: &'s FileDiff,
}

impl One<'_, '_> {
    fn apply(self) -> Result<(), Error> {
        let path = self.diff.operation.path().to_owned();
        let tracked = self.series.is_tracked(&path);
        if tracked {
            self.check_kind(&path)?;
        }
        let verdicts: Vec<Option<Verdict>> = self.diff.hunks.iter().map(|hunk| self.verdict(&path, hunk, tracked)).collect();
        let kept: Vec<&Hunk> = (self.diff.hunks.iter().zip(&verdicts))
            .filter(|(_, verdict)| !verdict.as_ref().is_some_and(|(class, _)| class.is_stripped()))
            .map(|(hunk, _)| hunk)
            .collect();
        let before = match &self.diff.operation {
            Operation::Rename { from, .. } | Operation::Copy { from, .. } => self.before_move(from)?,
            _ => self.before(&path)?,
        };
        let (content, offsets) = match (&self.diff.operation, before) {
            _ if self.diff.binary.is_some() => (Content::Binary, Vec::new()),
            (Operation::Create(_), Before::Known(_)) if tracked => return Err(self.exists(&path)),
            (Operation::Create(_), _) => (self.created()?, Vec::new()),
            // svn names an empty new file as it names a change of properties.
            (Operation::Modify(_), Before::Absent) if self.diff.hunks.is_empty() => (self.created()?, Vec::new()),
            (_, Before::Absent) if tracked => return Err(self.missing(&path)),
            (_, Before::Absent | Before::Unknown) => (self.sketched(&path, &Sketch::default(), &kept, tracked)?, Vec::new()),
            (_, Before::Known(Content::Sketch(sketch))) => (self.sketched(&path, &sketch, &kept, tracked)?, Vec::new()),
            (_, Before::Known(Content::Binary)) => (Content::Binary, Vec::new()),
            (_, Before::Known(Content::Whole { before, after })) if tracked => {
                let (text, offsets) = apply::apply(&after, kept.iter().copied())
                    .map_err(|mismatch| self.rejected(&path, &after, &kept, &mismatch))?;
                (Content::Whole { before, after: text.into() }, offsets)
            }
            // A stripped file that an earlier patch of the series brought: its text is of no concern any more.
            (_, Before::Known(Content::Whole { .. })) => {
                (self.sketched(&path, &Sketch::default(), &kept, false)?, Vec::new())
            }
        };
        self.store(&path, content, verdicts, offsets)
    }

    /// A class of a hunk's own. The hunks of files that are stripped anyhow need none.
    fn verdict(&self, path: &str, hunk: &Hunk, tracked: bool) -> Option<Verdict> {
        let added = hunk.lines.iter().filter(|line| line.side == Side::New).map(|line| &*line.text);
        if tracked { self.series.rules.of_hunk(path, added) } else { None }
    }

    /// Refuses what cannot be a source file.
    fn check_kind(&self, path: &str) -> Result<(), Error> {
        if let Some(marker) = self.diff.binary {
            return Err(Error::binary(
                Place::line(self.patch, marker),
                format!("the patch changes the source file {path} as binary data"),
                "no text to read",
                "make the patch with `--text`, or give the file a class that is stripped by a [[classify]] rule in module.toml",
            ));
        }
        let through = match self.series.base {
            Some(base) => base.link_on(path)?,
            None => None,
        };
        match through {
            _ if self.diff.link => Err(Error::link(
                self.place(),
                format!("{path} is or becomes a symbolic link or a submodule"),
                "of this mode",
                "a source file must be a regular file: put the file itself into the patch",
            )),
            Some(link) => Err(Error::link(
                self.place(),
                format!("{path} lies behind the symbolic link {link} of the base tree"),
                "this file patch",
                "name a base tree without symbolic links, or the patch's file by its real path",
            )),
            None => Ok(()),
        }
    }

    fn place(&self) -> Place {
        Place::line(self.patch, self.diff.line)
    }

    fn before(&self, path: &str) -> Result<Before, Error> {
        if let Some(&at) = self.series.index.get(path)
            && let Some(file) = self.series.files.get(at)
        {
            return Ok(file.known().map_or(Before::Absent, Before::Known));
        }
        self.in_base(path)
    }

    fn in_base(&self, path: &str) -> Result<Before, Error> {
        let Some(base) = self.series.base.filter(|_| self.series.is_tracked(path)) else { return Ok(Before::Unknown) };
        Ok(match base.read(path)? {
            None => Before::Absent,
            Some(bytes) => {
                let text: Arc<[u8]> = text::unix(&bytes).into();
                Before::Known(Content::Whole { before: Some(text.clone()), after: text })
            }
        })
    }

    /// The origin of a rename or copy: as it was before the present mail, unless the mail itself brought it.
    fn before_move(&self, from: &str) -> Result<Before, Error> {
        let content = match self.series.snapshot.get(from) {
            Some(known) => known.clone().map_or(Before::Absent, Before::Known),
            None if self.series.touched.contains(from) => self.before_or_base(from)?,
            None => self.in_base(from)?,
        };
        Ok(match (content, &self.diff.operation) {
            // A copy is a new file: nothing of that name was there before.
            (Before::Known(Content::Whole { after, .. }), Operation::Copy { .. }) => {
                Before::Known(Content::Whole { before: None, after })
            }
            (content, _) => content,
        })
    }

    /// The base's file where there is one, for its present text may be this mail's own doing.
    fn before_or_base(&self, path: &str) -> Result<Before, Error> {
        match self.in_base(path)? {
            Before::Known(content) => Ok(Before::Known(content)),
            Before::Absent | Before::Unknown => self.before(path),
        }
    }

    /// A new file's text.
    fn created(&self) -> Result<Content, Error> {
        let lines = || self.diff.hunks.iter().flat_map(|hunk| &hunk.lines);
        if lines().any(|line| line.side != Side::New) {
            return Err(Error::syntax(
                self.place(),
                "a new file whose hunk has old lines",
                "`/dev/null` or an empty range says that there were none",
                "the patch was cut or edited by hand: make it again",
            ));
        }
        let after: Vec<u8> = lines().flat_map(|line| line.text.iter().copied()).collect();
        Ok(Content::Whole { before: None, after: after.into() })
    }

    fn sketched(&self, path: &str, sketch: &Sketch, kept: &[&Hunk], strict: bool) -> Result<Content, Error> {
        let next = sketch.apply(kept.iter().copied(), strict).map_err(|contradiction| {
            let hunk = kept.get(contradiction.hunk);
            let expected = hunk.and_then(|hunk| hunk.lines.get(contradiction.line));
            let line = hunk.map_or(self.diff.line, |hunk| hunk.at.line_of(contradiction.line));
            let message = format!(
                "the patch does not fit what earlier ones of the series made of {path}\n{}",
                compared(contradiction.at, expected, Some(&contradiction.found), &[]),
            );
            let help = "check the order of the patches; with the tree that the first one applies to (`base`, --base) moved lines \
                        are found too";
            Error::rejected(Place::line(self.patch, line), message, "this line", help)
        })?;
        Ok(Content::Sketch(next))
    }

    /// Notes what became of the file.
    fn store(
        self,
        path: &str,
        content: Content,
        verdicts: Vec<Option<Verdict>>,
        offsets: Vec<i64>,
    ) -> Result<(), Error> {
        let mut offsets = offsets.into_iter();
        let mut facts = Vec::new();
        for (hunk, verdict) in self.diff.hunks.iter().zip(verdicts) {
            let is_dropped = verdict.as_ref().is_some_and(|(class, _)| class.is_stripped());
            facts.push(HunkFact {
                patch: self.patch.name.clone(),
                line: hunk.at.line,
                new_start: u32::try_from(hunk.new_start).unwrap_or(u32::MAX),
                added: hunk.count(Side::New),
                removed: hunk.count(Side::Old),
                offset: if is_dropped { 0 } else { offsets.next().unwrap_or(0) },
                verdict,
            });
        }
        if let Some(marker) = self.diff.binary {
            let patch = self.patch.name.clone();
            facts.push(HunkFact { patch, line: marker, new_start: 0, added: 0, removed: 0, offset: 0, verdict: None });
        }
        let One { series, patch, diff } = self;
        let file = series.state_of(path, &diff.operation);
        file.hunks.append(&mut facts);
        file.deleted = false;
        file.content = match (content, &file.content) {
            // Deleted and made again within the series: what was there before stays what was there before.
            (Content::Whole { before: None, after }, Content::Whole { before, .. }) => {
                Content::Whole { before: before.clone(), after }
            }
            (content, _) => content,
        };
        if let Operation::Delete(_) = diff.operation {
            file.deleted = true;
            if let Content::Whole { before, after } = &file.content {
                // `git format-patch -D` leaves the text of deleted files out.
                if !after.is_empty() && !diff.hunks.is_empty() {
                    return Err(Error::rejected(
                        Place::line(patch, diff.line),
                        format!("the patch deletes {path}, but not all that is in it"),
                        "lines are left over",
                        "the base tree's file is not the one that the patch was made for: give another with --base",
                    ));
                }
                file.content = Content::Whole { before: before.clone(), after: Arc::default() };
            }
        }
        Ok(())
    }

    fn exists(&self, path: &str) -> Error {
        let whose = match self.series.index.contains_key(path) {
            true => "an earlier patch of the series has made it".to_owned(),
            false => format!("{} has it", self.base_name()),
        };
        Error::tree(
            self.place(),
            format!("the patch adds {path}, but {whose}"),
            "says that the file is new",
            "the base tree is later than the patch, or has it applied already: name the tree before it (for a commit: COMMIT^)",
        )
    }

    fn missing(&self, path: &str) -> Error {
        let of = match &self.diff.operation {
            Operation::Rename { from, .. } | Operation::Copy { from, .. } => from,
            _ => path,
        };
        let whose = match self.series.index.contains_key(of) {
            true => "an earlier patch of the series has removed it".to_owned(),
            false => format!("{} has no such file", self.base_name()),
        };
        Error::tree(
            self.place(),
            format!("the patch changes {of}, but {whose}"),
            "says that the file is there",
            "the base tree must be the one that the patch was made for, and paths be relative to its top folder",
        )
    }

    fn base_name(&self) -> String {
        self.series.base.map_or_else(|| "the base tree".to_owned(), |base| format!("the base tree {}", base.name()))
    }

    /// A hunk that does not fit, with the lines that were expected and found.
    fn rejected(&self, path: &str, text: &[u8], kept: &[&Hunk], mismatch: &Mismatch) -> Error {
        let Some(hunk) = kept.get(mismatch.hunk) else { return self.missing(path) };
        let lines: Vec<&[u8]> = text.split_inclusive(|&byte| byte == b'\n').collect();
        match &mismatch.how {
            How::Several(places) => {
                let some: Vec<String> = places.iter().take(5).map(ToString::to_string).collect();
                Error::rejected(
                    Place::line(self.patch, hunk.at.line),
                    format!(
                        "the hunk of line {} fits {path} in {} places (lines {}), and not where it says",
                        hunk.at.line,
                        places.len(),
                        some.join(", "),
                    ),
                    format!("line {} is stated", hunk.old_start),
                    "which one is meant would be a guess: make the patch again on this base tree, or name the tree that it was made for",
                )
            }
            How::Nowhere { line, at, found, done } => {
                let first = at.saturating_sub(3).min(lines.len());
                let above = lines.get(first..at.saturating_sub(1).min(lines.len())).unwrap_or_default();
                let message = format!(
                    "the hunk of line {} does not apply to {path} of {}\n{}",
                    hunk.at.line,
                    self.base_name(),
                    compared(*at, hunk.lines.get(*line), found.as_deref(), above),
                );
                let help = if *done {
                    "the file has the lines after the change already: the base tree is later than the patch, name the one before it"
                } else {
                    "the base tree is not the one that the patch was made for: name another (a commit's parent fits exactly), or make the \
                     patch again on this one"
                };
                Error::rejected(Place::line(self.patch, hunk.at.line_of(*line)), message, "expected this", help)
            }
        }
    }
}

/// The lines above in the file, then what was expected and what was found.
fn compared(at: usize, expected: Option<&Line>, found: Option<&[u8]>, above: &[&[u8]]) -> String {
    let width = at.to_string().len();
    let mut out = String::new();
    for (number, line) in (at.saturating_sub(above.len())..).zip(above) {
        out.push_str(&format!("{:10}{number:>width$} | {}\n", "", shown(line)));
    }
    let expected = expected.map_or_else(|| "(nothing)".to_owned(), |line| shown(&line.text));
    let found = found.map_or_else(|| "(the end of the file)".to_owned(), shown);
    out.push_str(&format!("  expected {at:>width$} | {expected}\n     found {at:>width$} | {found}"));
    out
}

/// A line for a message: without its end, cut, and with a note where only the line end is missing.
fn shown(line: &[u8]) -> String {
    let text = text::decode(line).0;
    let bare = text.trim_end_matches(['\n', '\r']);
    let cut: String = bare.chars().take(120).map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect();
    let more = if bare.chars().count() > 120 { "…" } else { "" };
    let end = if text.ends_with('\n') { "" } else { "  (no newline at the end)" };
    format!("{cut}{more}{end}")
}
