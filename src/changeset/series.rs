//! All file patches of all patch files, one after the other, on the files as the earlier ones left them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::Error;
use super::file_patch::One;
use super::parse::{FileDiff, Operation};
use super::rules::{Rules, Verdict};
use super::sketch::Sketch;
use super::unapplied::Unapplied;
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
    Whole {
        before: Option<Arc<[u8]>>,
        after: Arc<[u8]>,
    },
    Sketch(Arc<Sketch>),
    Binary,
    /// Hunks do not fit it, and it is a module of its own.
    Unapplied,
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

/// The files so far.
pub(super) struct Series<'a> {
    pub(super) base: Option<&'a Tree>,
    pub(super) rules: &'a Rules<'a>,
    pub(super) files: Vec<FileState>,
    pub(super) index: HashMap<String, usize>,
    /// Paths that a rename has left, and the base tree still has.
    pub(super) gone: HashSet<String>,
    /// The files as they were before the present mail: git's renames and copies start from those.
    pub(super) snapshot: HashMap<String, Option<Content>>,
    /// The paths that the present mail has been at.
    pub(super) touched: HashSet<String>,
    /// Modules that hunks do not fit.
    pub(super) unapplied: Vec<Unapplied>,
}

impl<'a> Series<'a> {
    pub(super) fn new(base: Option<&'a Tree>, rules: &'a Rules<'a>) -> Self {
        let (files, index, snapshot) = (Vec::new(), HashMap::new(), HashMap::new());
        let (gone, touched) = (HashSet::new(), HashSet::new());
        Series { base, rules, files, index, gone, snapshot, touched, unapplied: Vec::new() }
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
    /// `existed`: whether it was there before the series.
    pub(super) fn state_of(&mut self, path: &str, operation: &Operation, existed: bool) -> &mut FileState {
        let known = match operation {
            Operation::Rename { from, .. } if !self.touched.contains(from) => {
                // What the new name overwrites is not a file of its own any more.
                if let Some(file) = self.index.remove(path).and_then(|at| self.files.get_mut(at)) {
                    file.superseded = true;
                }
                self.gone.insert(from.clone());
                self.index.remove(from).inspect(|&at| {
                    self.index.insert(path.to_owned(), at);
                })
            }
            _ => self.index.get(path).copied(),
        };
        self.gone.remove(path);
        let at = known.unwrap_or_else(|| {
            let at = self.files.len();
            self.index.insert(path.to_owned(), at);
            self.files.push(FileState {
                path: path.to_owned(),
                renamed_from: None,
                copied_from: None,
                existed,
                deleted: false,
                superseded: false,
                content: Content::Sketch(Arc::new(Sketch::default())),
                hunks: Vec::new(),
            });
            at
        });
        // The list only grows, and all of `index` points into it.
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
    pub(super) fn is_tracked(&self, path: &str) -> bool {
        self.rules.by_path(path).is_none_or(|class| !class.is_stripped())
    }
}

impl FileState {
    /// Its content, nothing where it is deleted.
    pub(super) fn known(&self) -> Option<Content> {
        if self.deleted { None } else { Some(self.content.clone()) }
    }
}
