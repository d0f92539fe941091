//! One file patch on the file as the earlier patches of the series left it.

use std::sync::Arc;

use super::apply::Mismatch;
use super::complaints::compared;
use super::error::Place;
use super::parse::{FileDiff, Hunk, Operation, Side};
use super::rules::Verdict;
use super::series::{Content, HunkFact, Series};
use super::sketch::Sketch;
use super::unapplied::Unapplied;
use super::{Error, apply, text};
use crate::source::PatchFile;

/// What a path had before a file patch.
enum Before {
    Absent,
    /// No base tree, or a file that is stripped anyhow and not read.
    Unknown,
    Known(Content),
}

/// One file patch.
pub(super) struct One<'s, 'a> {
    pub(super) series: &'s mut Series<'a>,
    pub(super) patch: &'s PatchFile,
    pub(super) diff: &'s FileDiff,
}

impl One<'_, '_> {
    /// Applies it.
    pub(super) fn apply(mut self) -> Result<(), Error> {
        let path = self.diff.operation.path().to_owned();
        let tracked = self.series.is_tracked(&path);
        if tracked {
            self.check_kind(&path)?;
        }
        let verdicts: Vec<Option<Verdict>> =
            self.diff.hunks.iter().map(|hunk| self.verdict(&path, hunk, tracked)).collect();
        let kept: Vec<&Hunk> = (self.diff.hunks.iter().zip(&verdicts))
            .filter(|(_, verdict)| !verdict.as_ref().is_some_and(|(class, _)| class.is_stripped()))
            .map(|(hunk, _)| hunk)
            .collect();
        let before = match &self.diff.operation {
            Operation::Rename { from, .. } | Operation::Copy { from, .. } => self.before_move(from)?,
            _ => self.before(&path)?,
        };
        let existed = match (&self.diff.operation, &before) {
            (Operation::Create(_) | Operation::Copy { .. }, _) | (_, Before::Absent) => false,
            (_, Before::Unknown | Before::Known(_)) => true,
        };
        let (content, offsets) = match (&self.diff.operation, before) {
            _ if self.diff.binary.is_some() => (Content::Binary, Vec::new()),
            (Operation::Create(_), Before::Known(_)) if tracked => return Err(self.exists(&path)),
            (Operation::Create(_), _) => (self.created()?, Vec::new()),
            // svn names an empty new file as it names a change of properties.
            (Operation::Modify(_), Before::Absent) if self.diff.hunks.is_empty() => {
                (self.created()?, Vec::new())
            }
            (_, Before::Absent) if tracked => return Err(self.missing(&path)),
            (_, Before::Absent | Before::Unknown) => {
                (self.sketched(&path, &Sketch::default(), &kept, tracked)?, Vec::new())
            }
            (_, Before::Known(Content::Sketch(sketch))) => {
                (self.sketched(&path, &sketch, &kept, tracked)?, Vec::new())
            }
            (_, Before::Known(Content::Binary)) => (Content::Binary, Vec::new()),
            (_, Before::Known(Content::Unapplied)) => (self.unapplied(&kept)?, Vec::new()),
            (_, Before::Known(Content::Whole { before, after })) if tracked => {
                match apply::apply(&after, kept.iter().copied()) {
                    Ok((text, offsets)) => (Content::Whole { before, after: text.into() }, offsets),
                    Err(Mismatch { hunk, how }) => {
                        let Some(hunk) = kept.get(hunk) else { return Err(self.missing(&path)) };
                        let refusal = self.rejected(&path, &after, hunk, &how);
                        let Some(unapplied) = Unapplied::new(&path, &after, refusal.clone()) else {
                            return Err(refusal.into());
                        };
                        self.series.unapplied.push(unapplied);
                        (self.unapplied(&kept)?, Vec::new())
                    }
                }
            }
            // A stripped file that an earlier patch of the series brought: its text is of no concern any more.
            (_, Before::Known(Content::Whole { .. })) => {
                (self.sketched(&path, &Sketch::default(), &kept, false)?, Vec::new())
            }
        };
        self.store(&path, existed, content, verdicts, offsets)
    }

    /// What hunks have for other files, of a file that they or earlier ones do not fit. Where it moves, it is refused: which
    /// file is meant later would not be clear.
    fn unapplied(&mut self, kept: &[&Hunk]) -> Result<Content, Error> {
        let moved = matches!(self.diff.operation, Operation::Rename { .. } | Operation::Copy { .. });
        let from = match &self.diff.operation {
            Operation::Rename { from, .. } | Operation::Copy { from, .. } => from,
            operation => operation.path(),
        };
        for unapplied in self.series.unapplied.iter_mut().filter(|unapplied| unapplied.path == *from) {
            if moved {
                return Err(unapplied.refused());
            }
            unapplied.add(kept);
        }
        Ok(Content::Unapplied)
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

    pub(super) fn place(&self) -> Place {
        Place::line(self.patch, self.diff.line)
    }

    fn before(&self, path: &str) -> Result<Before, Error> {
        if let Some(&at) = self.series.index.get(path)
            && let Some(file) = self.series.files.get(at)
        {
            return Ok(file.known().map_or(Before::Absent, Before::Known));
        }
        if self.series.gone.contains(path) {
            return Ok(Before::Absent);
        }
        self.in_base(path)
    }

    fn in_base(&self, path: &str) -> Result<Before, Error> {
        let Some(base) = self.series.base.filter(|_| self.series.is_tracked(path)) else {
            return Ok(Before::Unknown);
        };
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
        let mut after = Vec::new();
        lines().for_each(|line| after.extend_from_slice(&line.text));
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
        Ok(Content::Sketch(next.into()))
    }

    /// Notes what became of the file.
    fn store(
        self,
        path: &str,
        existed: bool,
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
            facts.push(HunkFact {
                patch,
                line: marker,
                new_start: 0,
                added: 0,
                removed: 0,
                offset: 0,
                verdict: None,
            });
        }
        let One { series, patch, diff } = self;
        let file = series.state_of(path, &diff.operation, existed);
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
}
