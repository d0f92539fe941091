//! What the patches did to a declaration of a shared file.

use super::parts::Part;
use super::record::Evidence;
use crate::c::{DeclarationKind, Outline};

/// What the patches did to a declaration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Added,
    Modified,
    Unchanged,
}

/// A declaration's status, and whether all of it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    pub status: Status,
    pub whole: bool,
}

impl Part {
    /// What the patches did to piece `piece`.
    pub fn seen(&self, piece: usize) -> Seen {
        let Some(outline) = self.file.outline(piece) else {
            return Seen { status: Status::Unchanged, whole: false };
        };
        let complete = outline.kind != DeclarationKind::Partial;
        match self.evidence {
            Evidence::Whole => Seen { status: self.status_in_whole(piece, outline), whole: complete },
            Evidence::Hunks => {
                let inside = self.hunks.inside.contains(&piece);
                let status = if inside && self.is_changed(piece) {
                    Status::Modified
                } else {
                    self.status_in_hunks(piece, outline)
                };
                Seen { status, whole: complete && !inside && !self.hunks.unsure.contains(&piece) }
            }
        }
    }

    fn status_in_whole(&self, piece: usize, outline: &Outline) -> Status {
        if self.kind.is_of_tree() {
            return Status::Unchanged;
        }
        let Some(before) = &self.before else { return Status::Added };
        if self.had_code(self.file.code(piece)) {
            return Status::Unchanged;
        }
        let same_kind = |old: &Outline| {
            old.kind == outline.kind
                || [old.kind, outline.kind].contains(&DeclarationKind::Partial)
                || old.kind == DeclarationKind::MacroCall
        };
        let had = outline.names.iter().any(|name| before.find_outline(name).any(|(_, old)| same_kind(old)));
        if had { Status::Modified } else { Status::Added }
    }

    /// By the lines: what the old side names was there before.
    fn status_in_hunks(&self, piece: usize, outline: &Outline) -> Status {
        let range = self.file.code_range(piece);
        let first = self.file.line(range.start);
        let last = self.file.line(range.end.saturating_sub(1)).max(first);
        let lines: Vec<_> =
            (first..=last).filter_map(|line| Some((line, *self.hunks.lines.get(&line)?))).collect();
        if !lines.iter().any(|(line, (added, follows))| *added || (*follows && *line > first)) {
            return Status::Unchanged;
        }
        let old = match outline.kind {
            DeclarationKind::Function | DeclarationKind::Prototype | DeclarationKind::Partial => {
                &self.hunks.old_calls
            }
            _ => &self.hunks.old_names,
        };
        // A part without a name is the inside of something that was there.
        let all_added = lines.iter().all(|(_, (added, _))| *added);
        let existed = outline.names.iter().any(|name| old.contains(name));
        let nameless = outline.names.is_empty() && !all_added;
        if existed || nameless { Status::Modified } else { Status::Added }
    }
}
