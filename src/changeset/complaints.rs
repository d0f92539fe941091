//! What is said when a file patch does not fit.

use super::apply::How;
use super::error::{Place, Refusal};
use super::file_patch::One;
use super::parse::{Hunk, Line, Operation};
use super::{Error, text};

const ORDER: &str = "check the order of the patches, and that none is named twice";

impl One<'_, '_> {
    pub(super) fn exists(&self, path: &str) -> Error {
        let (whose, help) = match self.series.index.contains_key(path) {
            true => ("an earlier patch of the series has made it".to_owned(), ORDER),
            false => (
                format!("{} has it", self.base_name()),
                "the base tree is later than the patch, or has it applied already: name the tree before it (for a commit: COMMIT^)",
            ),
        };
        Error::tree(
            self.place(),
            format!("the patch adds {path}, but {whose}"),
            "says that the file is new",
            help,
        )
    }

    pub(super) fn missing(&self, path: &str) -> Error {
        let of = match &self.diff.operation {
            Operation::Rename { from, .. } | Operation::Copy { from, .. } => from,
            _ => path,
        };
        let (whose, help) = match self.series.index.contains_key(of) || self.series.gone.contains(of) {
            true => ("an earlier patch of the series has removed it".to_owned(), ORDER),
            false => (
                format!("{} has no such file", self.base_name()),
                "the base tree must be the one that the patch was made for, and paths be relative to its top folder",
            ),
        };
        Error::tree(
            self.place(),
            format!("the patch changes {of}, but {whose}"),
            "says that the file is there",
            help,
        )
    }

    fn base_name(&self) -> String {
        self.series
            .base
            .map_or_else(|| "the base tree".to_owned(), |base| format!("the base tree {}", base.name()))
    }

    /// Which text of the file it is that a hunk does not fit.
    fn which(&self, path: &str) -> String {
        match self.series.index.contains_key(path) {
            true => format!("{path} as earlier patches leave it"),
            false => format!("{path} of {}", self.base_name()),
        }
    }

    /// A hunk that does not fit, with the lines that were expected and found.
    pub(super) fn rejected(&self, path: &str, text: &[u8], hunk: &Hunk, how: &How) -> Refusal {
        let lines = text::lines(text);
        match how {
            How::Several(places) => {
                let some: Vec<String> = places.iter().take(5).map(ToString::to_string).collect();
                Refusal {
                    place: Place::line(self.patch, hunk.at.line),
                    message: format!(
                        "the hunk of line {} fits {path} in {} places (lines {}), and not where it says",
                        hunk.at.line,
                        places.len(),
                        some.join(", "),
                    ),
                    label: format!("line {} is stated", hunk.old_start),
                    help: "which one is meant would be a guess: make the patch again on this base tree, or name the tree that it was made for",
                }
            }
            How::Crossed { at, earlier, stated, found } => Refusal {
                place: Place::line(self.patch, hunk.at.line),
                message: format!(
                    "the hunk of line {} fits {} at line {at}, but the hunk of line {earlier}, which must end before it, was \
                     found at line {found} (line {stated} is stated)",
                    hunk.at.line,
                    self.which(path),
                ),
                label: format!("line {} is stated", hunk.old_start),
                help: "the file has this code in another order than the patch, so one of the two places is wrong: make the patch again on this \
                       base tree, or name the tree that it was made for",
            },
            How::Nowhere { done: true, .. } => Refusal {
                place: Place::line(self.patch, hunk.at.line),
                message: format!("the hunk of line {} is in {} already", hunk.at.line, self.which(path)),
                label: "the lines after this change are there".to_owned(),
                help: "the base tree is later than the patch, or a patch is named twice: name the tree before it (for a commit: COMMIT^)",
            },
            How::Nowhere { line, at, found, done: false } => {
                let first = at.saturating_sub(3).min(lines.len());
                let above = lines.get(first..at.saturating_sub(1).min(lines.len())).unwrap_or_default();
                let message = format!(
                    "the hunk of line {} does not apply to {}\n{}",
                    hunk.at.line,
                    self.which(path),
                    compared(*at, hunk.lines.get(*line), found.as_deref(), above),
                );
                let help = "the base tree is not the one that the patch was made for: name another (a commit's parent fits exactly), or make the \
                            patch again on this one; where the module does without this file, a [[classify]] rule in module.toml strips it";
                Refusal {
                    place: Place::line(self.patch, hunk.at.line_of(*line)),
                    message,
                    label: "expected this".to_owned(),
                    help,
                }
            }
        }
    }
}

/// The lines above in the file, then what was expected and what was found.
pub(super) fn compared(at: usize, expected: Option<&Line>, found: Option<&[u8]>, above: &[&[u8]]) -> String {
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
    let cut: String =
        bare.chars().take(120).map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect();
    let more = if bare.chars().count() > 120 { "…" } else { "" };
    let end = if text.ends_with('\n') { "" } else { "  (no newline at the end)" };
    format!("{cut}{more}{end}")
}
