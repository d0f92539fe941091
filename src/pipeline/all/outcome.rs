//! How jobs ended.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::Kind;
use crate::pipeline::Error;
use crate::report::diagnostic;

/// One recipe for one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Job {
    /// The module.
    pub module: String,
    /// The target, as it was named.
    pub target: String,
}

/// How a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Its packages were made.
    Built,
    /// They are what they were: nothing that goes into them has changed.
    Unchanged,
    /// No package could be made that would work.
    Refused,
    /// Something went wrong.
    Failed,
    /// It was not begun, since another one had failed.
    Skipped,
}

impl Outcome {
    /// All, in the order in which they are counted.
    pub const ALL: [Outcome; 5] =
        [Outcome::Built, Outcome::Unchanged, Outcome::Refused, Outcome::Failed, Outcome::Skipped];

    /// In one word.
    pub fn word(self) -> &'static str {
        match self {
            Outcome::Built => "built",
            Outcome::Unchanged => "unchanged",
            Outcome::Refused => "refused",
            Outcome::Failed => "failed",
            Outcome::Skipped => "skipped",
        }
    }

    /// Whether there are no packages because of it.
    pub fn is_failure(self) -> bool {
        matches!(self, Outcome::Refused | Outcome::Failed)
    }
}

/// Why a job has no packages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// `modgraft::adapt::missing`.
    pub code: String,
    /// In one line.
    pub message: String,
    /// As it is shown to a person, without colours: with the place, and what to do.
    pub text: String,
    /// The exit code of a run in which nothing else failed.
    pub exit_code: u8,
    #[serde(skip, default = "refused")]
    kind: Kind,
}

/// What is kept is refusals.
fn refused() -> Kind {
    Kind::Refused
}

impl Reason {
    /// What an error says.
    pub fn of(error: &crate::Error) -> Self {
        let rendered = diagnostic::render(error);
        Reason {
            code: miette::Diagnostic::code(error).map(|code| code.to_string()).unwrap_or_default(),
            message: message(error),
            text: anstream::adapter::strip_str(&rendered).to_string(),
            exit_code: error.kind().exit_code(),
            kind: error.kind(),
        }
    }

    /// Whether it is of the input alone, so that the same input is refused again.
    pub fn is_refusal(&self) -> bool {
        self.kind == Kind::Refused
    }
}

/// What went wrong in one line: with the first of several things, where the error itself only counts them.
fn message(error: &crate::Error) -> String {
    let first = |text: String| text.lines().next().unwrap_or_default().to_owned();
    let related = miette::Diagnostic::related(error).and_then(|mut all| all.next().map(ToString::to_string));
    let message = first(error.to_string());
    related.map_or(message.clone(), |related| format!("{message}: {}", first(related)))
}

/// A job that ended.
#[derive(Debug, Clone, Serialize)]
pub struct Ended {
    /// Which.
    #[serde(flatten)]
    pub job: Job,
    /// How.
    pub outcome: Outcome,
    /// Why, where it has no packages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// What a person should know of it: that it was not checked, that it cannot be kept.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Its packages.
    #[serde(serialize_with = "crate::report::paths")]
    pub packages: Vec<PathBuf>,
    /// How long it took.
    #[serde(rename = "seconds", serialize_with = "crate::report::seconds")]
    pub elapsed: Duration,
}

impl Ended {
    /// One that was not begun.
    pub fn skipped(module: &str, target: &str) -> Self {
        Ended {
            job: Job { module: module.to_owned(), target: target.to_owned() },
            outcome: Outcome::Skipped,
            reason: None,
            notes: Vec::new(),
            packages: Vec::new(),
            elapsed: Duration::ZERO,
        }
    }
}

/// A run.
#[derive(Debug, Clone)]
pub struct Outcomes {
    /// All jobs, by recipe and then by target, in the order in which they were named.
    pub ended: Vec<Ended>,
    /// How long all of it took.
    pub elapsed: Duration,
}

impl Outcomes {
    /// How many ended so.
    pub fn count(&self, outcome: Outcome) -> usize {
        self.ended.iter().filter(|ended| ended.outcome == outcome).count()
    }

    /// The counts in one line, and a line for each job without packages.
    pub fn lines(&self) -> Vec<String> {
        let counts: Vec<String> = Outcome::ALL
            .into_iter()
            .map(|outcome| (self.count(outcome), outcome.word()))
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| format!("{count} {word}"))
            .collect();
        let mut first = counts.join(", ");
        write!(first, " in {:.1} s", self.elapsed.as_secs_f64()).expect("writing into memory cannot fail");
        let without = self.ended.iter().filter(|ended| ended.outcome.is_failure());
        let line = |ended: &Ended| {
            let Job { module, target } = &ended.job;
            let why = ended.reason.as_ref().map_or("", |reason| &reason.message);
            format!("{} {module} for {target}: {why}", ended.outcome.word())
        };
        std::iter::once(first).chain(without.map(line)).collect()
    }

    /// The error that the run ends with, where not all have packages: of the kind of the first job's.
    pub fn failure(&self) -> Option<Error> {
        let first = self.ended.iter().find_map(|ended| ended.reason.as_ref())?;
        Some(Error::Jobs {
            failed: self.count(Outcome::Refused) + self.count(Outcome::Failed),
            of: self.ended.len(),
            kind: first.kind,
        })
    }
}
