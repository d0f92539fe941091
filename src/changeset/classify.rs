//! Asking the rules: twice, since what stands beside a module can only be told when the modules are known.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::modules::{ModuleFound, definitions};
use super::rules::{Facts, Reason, Rules, Verdict};
use super::series::{Content, FileState, HunkFact};
use super::{Action, Changeset, Class, Encoding, Error, FileChange, FileText, HunkRecord, text};
use crate::source::path::folder;

/// A file whose class is still open.
pub(super) struct Open {
    path: String,
    renamed_from: Option<String>,
    copied_from: Option<String>,
    action: Action,
    text: FileText,
    encoding: Encoding,
    hunks: Vec<HunkFact>,
    defines_module: bool,
}

impl Open {
    /// A file that no patch brings: all of it is there.
    pub(super) fn whole(path: &str, after: Arc<str>, encoding: Encoding) -> Open {
        let text = FileText::Whole { before: None, after };
        Open {
            path: path.to_owned(),
            renamed_from: None,
            copied_from: None,
            action: Action::Added,
            defines_module: defines(path, &text),
            text,
            encoding,
            hunks: Vec::new(),
        }
    }
}

/// Classifies what a series of patches made.
pub(super) fn series(states: Vec<FileState>, rules: &Rules<'_>) -> Vec<FileChange> {
    let open = states.into_iter().filter(|state| !state.superseded).filter_map(|state| {
        let action = match (state.existed, state.deleted) {
            (true, true) => Action::Deleted,
            // Made and removed within the series: nothing is left to speak of.
            (false, true) => return None,
            (true, false) => Action::Modified,
            (false, false) => Action::Added,
        };
        let (text, encoding) = match state.content {
            Content::Binary | Content::Unapplied => {
                (FileText::Whole { before: None, after: "".into() }, Encoding::Utf8)
            }
            Content::Sketch(sketch) => {
                let (fragments, encoding) = sketch.fragments();
                (FileText::Fragments(fragments), encoding)
            }
            Content::Whole { before, after } => {
                let (after, encoding) = text::decode(&after);
                (FileText::Whole { before: before.map(|before| text::decode(&before).0), after }, encoding)
            }
        };
        let defines_module = defines(&state.path, &text);
        let FileState { path, renamed_from, copied_from, hunks, .. } = state;
        Some(Open { path, renamed_from, copied_from, action, text, encoding, hunks, defines_module })
    });
    decide(open.collect(), rules)
}

fn defines(path: &str, text: &FileText) -> bool {
    match text {
        FileText::Whole { after, .. } => path.ends_with(".c") && !definitions(after).is_empty(),
        FileText::Fragments(_) => false,
    }
}

/// Gives each file its class.
pub(super) fn decide(files: Vec<Open>, rules: &Rules<'_>) -> Vec<FileChange> {
    let new_module = files.iter().any(|file| file.action == Action::Added && file.defines_module);
    let verdict = |file: &Open, folders: &HashSet<String>| -> Verdict {
        // A rule that strips a new file's every hunk strips the file: nothing is left of it.
        if let Some(verdict) = stripped_by_hunks(file) {
            return verdict;
        }
        rules.of_file(Facts {
            path: &file.path,
            action: file.action,
            text: match &file.text {
                FileText::Whole { after, .. } => after,
                FileText::Fragments(_) => "",
            },
            defines_module: file.defines_module,
            beside_module: folders.contains(folder(&file.path)),
            new_module,
        })
    };
    let none = HashSet::new();
    let first: Vec<Verdict> = files.iter().map(|file| verdict(file, &none)).collect();
    let folders: HashSet<String> = (files.iter().zip(&first))
        .filter(|(file, (class, _))| file.defines_module && *class == Class::ModuleSource)
        .map(|(file, _)| folder(&file.path).to_owned())
        .collect();
    // Only in those folders can a second asking have another answer.
    let again = |(file, first): (&Open, Verdict)| {
        if folders.contains(folder(&file.path)) { verdict(file, &folders) } else { first }
    };
    let verdicts: Vec<Verdict> = files.iter().zip(first).map(again).collect();
    files.into_iter().zip(verdicts).map(|(file, verdict)| finish(file, verdict)).collect()
}

fn stripped_by_hunks(file: &Open) -> Option<Verdict> {
    let mut verdicts =
        file.hunks.iter().map(|hunk| hunk.verdict.as_ref().filter(|(class, _)| class.is_stripped()));
    let first = verdicts.next()??;
    (file.action == Action::Added && verdicts.all(|verdict| verdict.is_some())).then(|| first.clone())
}

fn finish(file: Open, (class, reason): Verdict) -> FileChange {
    let hunks = file.hunks.into_iter().map(|hunk| {
        let (class, reason) = match hunk.verdict {
            Some(verdict) if !class.is_stripped() => verdict,
            _ => (class, reason.clone()),
        };
        HunkRecord {
            patch: hunk.patch,
            line: hunk.line,
            new_start: hunk.new_start,
            added: hunk.added,
            removed: hunk.removed,
            offset: hunk.offset,
            class,
            reason,
        }
    });
    FileChange {
        hunks: hunks.collect(),
        path: file.path,
        renamed_from: file.renamed_from,
        copied_from: file.copied_from,
        action: file.action,
        class,
        reason,
        text: file.text,
        encoding: file.encoding,
    }
}

impl Changeset {
    /// The changeset with `module` as the one to build: its file is module source whatever the rules said, and the source
    /// files of other modules become shared source, as do those in folders where only other modules are. A source of another
    /// module that the patches do not fit is left out where nothing uses what it has.
    ///
    /// # Errors
    /// [`Error::Rejected`] for a file that the patches do not fit and that is not left out.
    pub fn focused_on(mut self, module: &ModuleFound) -> Result<Changeset, Error> {
        let mut others: HashMap<String, Vec<String>> = HashMap::new();
        for other in super::modules(&self).into_iter().filter(|other| other.symbol != module.symbol) {
            others.entry(folder(&other.file).to_owned()).or_default().push(other.file);
        }
        let home = folder(&module.file).to_owned();
        for file in &mut self.files {
            let is_source = file.class == Class::ModuleSource;
            if file.path == module.file {
                if !is_source {
                    reclassify(
                        file,
                        Class::ModuleSource,
                        "module.wanted",
                        format!("defines {}, which is asked for", module.symbol),
                    );
                }
            } else if let Some(others) = others.get(folder(&file.path)).filter(|_| is_source)
                && (others.contains(&file.path) || folder(&file.path) != home)
            {
                reclassify(
                    file,
                    Class::SharedSource,
                    "module.other",
                    format!("of another module than {}", module.symbol),
                );
            }
        }
        self.without_unapplied(module)
    }
}

/// Gives the file another class, and those of its hunks that had the old one for the file's sake.
pub(super) fn reclassify(file: &mut FileChange, class: Class, rule: &str, why: String) {
    let old = std::mem::replace(&mut file.reason, Reason { rule: rule.into(), why: why.into() });
    file.class = class;
    for hunk in file.hunks.iter_mut().filter(|hunk| hunk.reason == old) {
        (hunk.class, hunk.reason) = (class, file.reason.clone());
    }
}
