//! From patches to classified files: what is the module, what is shared source, what is build system and can go.
//!
//! In: [`crate::source::Sources`]. Out: a [`Changeset`]: each file patch and each hunk with its class and the reason.

mod error;
pub mod rules;
pub use error::Error;

use std::sync::Arc;

use serde::Serialize;

use rules::Reason;

/// What a file is to the graft.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// Makefiles, project files, m4, exports lists: stripped.
    BuildSystem,
    /// Manuals, change logs: stripped.
    Documentation,
    /// Test suites: stripped.
    Test,
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
    /// Whether the class takes no part in the build.
    pub fn is_stripped(self) -> bool {
        matches!(self, Class::BuildSystem | Class::Documentation | Class::Test)
    }
}

/// All files that the patches touch, after the whole series.
#[derive(Debug)]
pub struct Changeset {
    /// In the order of first mention.
    pub files: Vec<FileChange>,
    /// Whether a base tree was there, so that every text is whole.
    pub based: bool,
}

/// One file after the whole series.
#[derive(Debug, Clone)]
pub struct FileChange {
    /// The path after the change, relative, without `..`; the old one for a deleted file.
    pub path: String,
    /// The path before a rename.
    pub renamed_from: Option<String>,
    /// Added, modified or deleted.
    pub action: Action,
    /// What it is to the graft.
    pub class: Class,
    /// Which rule said so.
    pub reason: Reason,
    /// The hunks of all patches that touch the file, in order.
    pub hunks: Vec<HunkRecord>,
    /// The text after the change, as far as it is known; `Whole` with no lines for a deleted or binary file.
    pub text: FileText,
}

/// What a patch does to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
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
    /// Line of the hunk's header in that patch file, from 1.
    pub line: u32,
    /// First line after the change, from 1.
    pub new_start: u32,
    /// Added lines.
    pub added: u32,
    /// Removed lines.
    pub removed: u32,
    /// Kept, or stripped: with the file, or by a rule of its own.
    pub class: Class,
    /// Why.
    pub reason: Reason,
}

/// What is known of a file's text after the change.
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

/// The new side of one hunk.
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
