//! From patches to classified files: what is the module, what is shared source, what is build system and can go.
//!
//! In: [`crate::source::Sources`]. Out: a [`Changeset`]: each file patch and each hunk with its class and the reason.
//!
//! `scan` finds the lines of file patches and hunks, `parse` has diffy read each, `paths` takes prefixes off, `series` applies
//! all in order (`apply` on files that are known whole, `sketch` on those that are not), `classify` asks the `rules`. Where there
//! is no patch but a module of a release, `whole` gathers its files, by the `listing` in the release's build system; by the same,
//! `owners` tells whose the files are that patches change without the module's main file.

mod apply;
mod classify;
mod complaints;
mod describe;
mod error;
mod file_patch;
mod forms;
mod glob;
mod hunk;
mod listing;
mod mail;
mod modules;
mod owners;
mod parse;
mod paths;
pub mod rules;
mod scan;
mod series;
mod sketch;
pub(crate) mod text;
mod tokens;
mod unapplied;
mod whole;

pub use describe::{Fact, PatchFacts, describe};
pub use error::{Error, Located};
pub use glob::Glob;
pub use listing::{Listing, listing};
pub use mail::Message;
pub(crate) use modules::structures;
pub use modules::{ModuleFound, modules, single_module};
pub use text::Encoding;
pub use unapplied::Unapplied;
pub(crate) use whole::included;

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::source::Sources;
use rules::{Reason, Rule, Rules};

/// What a file is to the graft.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// Makefiles, project files, m4, exports lists: stripped.
    BuildSystem,
    /// Manuals, change logs: stripped.
    Documentation,
    /// Test suites: stripped.
    Test,
    /// Neither C nor anything that the rules know, or C that no module can reach: stripped.
    Other,
    /// A C file of the module itself.
    ModuleSource,
    /// A header that comes with the module.
    PrivateHeader,
    /// A C file that exists beside the module and gained or changed something.
    SharedSource,
    /// A header of httpd that gained or changed something.
    SharedHeader,
}

impl Class {
    /// All classes, the stripped ones first.
    pub const ALL: [Class; 8] = [
        Class::BuildSystem,
        Class::Documentation,
        Class::Test,
        Class::Other,
        Class::ModuleSource,
        Class::PrivateHeader,
        Class::SharedSource,
        Class::SharedHeader,
    ];

    /// Whether the class takes no part in the build.
    pub fn is_stripped(self) -> bool {
        matches!(self, Class::BuildSystem | Class::Documentation | Class::Test | Class::Other)
    }

    /// For a person: `build system`.
    pub fn words(self) -> &'static str {
        match self {
            Class::BuildSystem => "build system",
            Class::Documentation => "documentation",
            Class::Test => "test",
            Class::Other => "other",
            Class::ModuleSource => "module source",
            Class::PrivateHeader => "private header",
            Class::SharedSource => "shared source",
            Class::SharedHeader => "shared header",
        }
    }
}

/// All files that the patches touch, after the whole series.
#[derive(Debug)]
pub struct Changeset {
    /// In the order of first mention.
    pub files: Vec<FileChange>,
    /// Whether a base tree was there, so that every text is whole.
    pub based: bool,
    /// What the mails that bring the patches say, in order.
    pub messages: Vec<Message>,
    /// Sources of modules that the patches do not fit. They are among `files` without their text until the module is known
    /// ([`Changeset::focused_on`]).
    pub unapplied: Vec<Unapplied>,
}

/// One file after the whole series.
#[derive(Debug, Clone)]
pub struct FileChange {
    /// The path after the change, relative, without `..`; the old one for a deleted file.
    pub path: String,
    /// The path before a rename.
    pub renamed_from: Option<String>,
    /// The path of the file that this one began as a copy of.
    pub copied_from: Option<String>,
    /// Added, modified or deleted.
    pub action: Action,
    /// What it is to the graft.
    pub class: Class,
    /// Which rule said so.
    pub reason: Reason,
    /// The hunks of all patches that touch the file, in order. None for a change of mode or name alone.
    pub hunks: Vec<HunkRecord>,
    /// The text after the change, as far as it is known; `Whole` with no lines for a deleted or binary file. Of a modified file
    /// that is stripped by its path, the base tree's text is not read, and these are fragments always.
    pub text: FileText,
    /// How the bytes of `text` became text.
    pub encoding: Encoding,
}

/// What a patch does to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// The file is new.
    Added,
    /// The file was there before.
    Modified,
    /// The file is gone after it.
    Deleted,
}

/// One hunk, for the report.
#[derive(Debug, Clone, Serialize)]
pub struct HunkRecord {
    /// The patch file that has it.
    pub patch: String,
    /// Line of the hunk's header in that patch file, from 1; of the marker for a binary one.
    pub line: u32,
    /// First line after the change, from 1; 0 for a binary one.
    pub new_start: u32,
    /// Added lines.
    pub added: u32,
    /// Removed lines.
    pub removed: u32,
    /// By how many lines the place lies behind the one that the header names (before it: negative). All lines match all the
    /// same; 0 where there is no base tree.
    pub offset: i64,
    /// Kept, or stripped: with the file, or by a rule of its own.
    pub class: Class,
    /// Why.
    pub reason: Reason,
}

/// What is known of a file's text after the change. Line ends are LF.
#[derive(Debug, Clone)]
pub enum FileText {
    /// All of it.
    Whole {
        /// The text before, where the file was there and a base tree is at hand.
        before: Option<Arc<str>>,
        /// The text after.
        after: Arc<str>,
    },
    /// Only what the hunks show (no base tree).
    Fragments(Vec<Fragment>),
}

/// A run of lines that hunks show, as they are after the change.
#[derive(Debug, Clone)]
pub struct Fragment {
    /// Where the first of `lines` stands in the file after the change, from 1.
    pub start: u32,
    /// New-side lines with their line ends, in order.
    pub lines: Vec<FragmentLine>,
    /// Removed lines (old side only), for telling a modified function from a new one.
    pub removed: Vec<String>,
}

/// A line of a fragment.
#[derive(Debug, Clone)]
pub struct FragmentLine {
    /// With its line end; CRLF is already LF.
    pub text: String,
    /// `+` in the hunk; context else.
    pub added: bool,
    /// Whether removed lines stood immediately before this one (so the code around it was changed, not only added to).
    pub follows_removal: bool,
}

/// Reads and classifies all that `sources` brings. `rules` are a recipe's own, asked before the built-in ones.
///
/// # Errors
/// [`Error`]: patches that are malformed, of a form that is not read, unsafe, or that do not apply to the base tree.
pub fn read(sources: &Sources, rules: &[Rule]) -> Result<Changeset, Error> {
    let rules = Rules::new(rules);
    if sources.patches.is_empty() {
        return whole::read(sources, &rules);
    }
    let mut series = series::Series::new(sources.base.as_ref(), &rules);
    let mut messages = Vec::new();
    for patch in &sources.patches {
        let mut scan = scan::scan(patch)?;
        messages.append(&mut scan.messages);
        let diffs = parse::parse(patch, scan.sections, sources.base.as_ref())?;
        series.apply(patch, &diffs)?;
    }
    let unapplied = series.unapplied;
    let files = classify::series(series.files, &rules);
    Ok(Changeset { files, based: sources.base.is_some(), messages, unapplied })
}
