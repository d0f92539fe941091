//! Collects pieces, joins those that follow each other, and keeps blank lines to one at a time between files.

use crate::flatten::unit::{Origin, Piece};

#[derive(Debug, Default)]
pub(super) struct Builder {
    pieces: Vec<Piece>,
    /// The piece that nothing may be joined to from behind, as something can be put between.
    prologue: usize,
}

impl Builder {
    /// Adds text; a missing line end is added too.
    pub fn push(&mut self, mut text: String, origin: Origin) {
        if text.is_empty() || super::is_blank(&text) && self.ends_blank() {
            return;
        }
        if !text.ends_with('\n') {
            text.push('\n');
        }
        if self.pieces.len() != self.prologue
            && let Some(last) = self.pieces.last_mut()
            && continues(last, &origin)
        {
            last.text.push_str(&text);
            return;
        }
        self.pieces.push(Piece { text, origin });
    }

    /// Adds text of modgraft's own.
    pub fn generated(&mut self, rule: &'static str, text: &str) {
        self.push(text.to_owned(), Origin::Generated(rule));
    }

    /// Sees to a blank line, except at the top.
    pub fn blank_line(&mut self) {
        if !self.ends_blank() {
            self.pieces.push(Piece { text: "\n".to_owned(), origin: Origin::Generated("blank") });
        }
    }

    /// Marks the place behind the includes.
    pub fn mark_prologue(&mut self) {
        self.prologue = self.pieces.len();
    }

    /// The pieces, and the one in front of which the mark is.
    pub fn finish(self) -> (Vec<Piece>, usize) {
        (self.pieces, self.prologue)
    }

    fn ends_blank(&self) -> bool {
        let Some(last) = self.pieces.last() else { return true };
        let before = self.pieces.len().checked_sub(2).and_then(|at| self.pieces.get(at));
        match last.text.as_str() {
            "\n" => before.is_none_or(|before| before.text.ends_with('\n')),
            text => text.ends_with("\n\n"),
        }
    }
}

/// Whether text of `origin` is what stands behind `last` in the same upstream file.
fn continues(last: &Piece, origin: &Origin) -> bool {
    match (&last.origin, origin) {
        (Origin::Upstream { file, line }, Origin::Upstream { file: next_file, line: next }) => {
            let lines = u32::try_from(last.text.matches('\n').count()).unwrap_or(u32::MAX);
            file == next_file && line.saturating_add(lines) == *next
        }
        _ => false,
    }
}
