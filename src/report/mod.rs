//! What a run tells: events to a person on stderr, or to a machine as JSON lines on stdout.
//!
//! Stages return values and errors and print nothing; `pipeline` sends events here, `cli` chooses the listener.

pub mod annotations;
pub mod diagnostic;
mod json;
pub mod junit;
mod live;
pub mod markdown;
pub mod stdout;
mod terminal;
mod transfer;

pub use json::Json;
pub use terminal::Terminal;
pub use transfer::Downloads;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use crate::download::Step;
use crate::submit::Build;

/// The stages in the words in which they are told, in the order in which they run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// What is to be built.
    Recipe,
    /// Patches and trees.
    Source,
    /// Classified files and hunks.
    Changeset,
    /// The httpd to build for.
    Target,
    /// One C file.
    Flatten,
    /// What the target lacks.
    Adapt,
    /// The cc call.
    Compile,
    /// The ELF reader's verdict.
    Audit,
    /// Spec and packages.
    Package,
    /// A real httpd.
    Check,
}

impl Stage {
    /// As it stands at the beginning of a line.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Recipe => "recipe",
            Stage::Source => "source",
            Stage::Changeset => "changeset",
            Stage::Target => "target",
            Stage::Flatten => "flatten",
            Stage::Adapt => "adapt",
            Stage::Compile => "compile",
            Stage::Audit => "audit",
            Stage::Package => "package",
            Stage::Check => "check",
        }
    }
}

/// Something that a run tells.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// A stage begins.
    Started {
        /// Which.
        stage: Stage,
    },
    /// A stage ended well.
    Finished {
        /// Which.
        stage: Stage,
        /// Counts and names, in one line.
        summary: String,
        /// How long it took.
        #[serde(rename = "seconds", serialize_with = "seconds")]
        elapsed: Duration,
    },
    /// How far downloads are: at their beginning, at their end, and some times a second between.
    Progress {
        /// Where in that.
        step: Step,
        /// What is fetched, in a word or two.
        what: String,
        /// The file that moved; empty at the end.
        file: String,
        /// Files that are here.
        files_done: usize,
        /// Files altogether.
        files: usize,
        /// Bytes that are here.
        bytes_done: u64,
        /// Bytes altogether, once that is known of each file.
        bytes: Option<u64>,
    },
    /// Something to know: packages that are fetched, a key that was made, a fact that was assumed.
    Note {
        /// In one line.
        text: String,
    },
    /// Something that may be wrong, though the build goes on.
    Warning {
        /// In one line or more.
        text: String,
    },
    /// More than a person asked for, shown with `--verbose`.
    Detail {
        /// In one line or more.
        text: String,
    },
    /// How many jobs there are.
    Planned {
        /// So many.
        jobs: usize,
    },
    /// A job has ended.
    Job(Box<crate::pipeline::Ended>),
    /// The end of a good build, in lines.
    Summary {
        /// Each line is one fact.
        lines: Vec<String>,
    },
    /// A build was asked for, of mock or of a build service.
    Submitted {
        /// Which, and how it is followed.
        #[serde(flatten)]
        build: Build,
    },
    /// Something that one of several builds tells.
    Of {
        /// The module that it makes, where there are several.
        #[serde(skip_serializing_if = "Option::is_none")]
        module: Option<String>,
        /// The target that it is for.
        target: String,
        /// What it tells.
        told: Box<Event>,
    },
    /// The files that were made, in the order in which they are named on stdout.
    Results {
        /// Paths as the caller would type them.
        #[serde(serialize_with = "paths")]
        files: Vec<PathBuf>,
    },
}

pub(crate) fn seconds<S: serde::Serializer>(elapsed: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((elapsed.as_secs_f64() * 1000.0).round() / 1000.0)
}

/// Paths as text: of one that is no UTF-8, which JSON cannot have, what is not is replaced.
pub(crate) fn paths<S: serde::Serializer>(paths: &[PathBuf], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(paths.iter().map(|path| path.to_string_lossy()))
}

/// As [`paths`], of one.
pub(crate) fn path<S: serde::Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.to_string_lossy())
}

/// Somebody who listens to a run.
pub trait Reporter: Sync {
    /// Takes one event.
    fn event(&self, event: Event);

    /// Shows the error that ended the run.
    fn failure(&self, error: &crate::Error);

    /// Ends a run that went well.
    ///
    /// # Errors
    /// What was told could not all be written to stdout, where somebody counts on it.
    fn end(&self) -> io::Result<()> {
        Ok(())
    }
}

/// Shorthands for the plain events.
impl dyn Reporter + '_ {
    /// [`Event::Note`].
    pub fn note(&self, text: impl Into<String>) {
        self.event(Event::Note { text: text.into() });
    }

    /// [`Event::Warning`].
    pub fn warning(&self, text: impl Into<String>) {
        self.event(Event::Warning { text: text.into() });
    }

    /// [`Event::Detail`].
    pub fn detail(&self, text: impl Into<String>) {
        self.event(Event::Detail { text: text.into() });
    }
}

/// Nobody listens.
pub(crate) struct Quiet;

impl Reporter for Quiet {
    fn event(&self, _: Event) {}

    fn failure(&self, _: &crate::Error) {}
}
