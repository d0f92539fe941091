//! The trials, several at once: each in a thread of its own, which may panic or never end without harm to the others.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use miette::Diagnostic;
use serde::Serialize;

use super::Error;
use super::plan::Trial;
use super::verdict::{self, Expected, Outcome};
use crate::adapt::Edit;
use crate::flatten::Fate;
use crate::pipeline::{self, Reached, Tried};
use crate::{process, report};

/// As much as a main thread has: parsers recurse.
const STACK: usize = 8 << 20;

/// How often a wait looks whether it was interrupted.
const TICK: Duration = Duration::from_millis(50);

/// The bounds of a replay.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How many trials at once.
    pub workers: usize,
    /// How long each may take.
    pub each: Duration,
}

/// All that is known of one trial.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// The full id.
    pub commit: String,
    /// As the list has it; may be empty.
    pub date: String,
    /// As the list has it; may be empty.
    pub branch: String,
    /// `mod_NAME`; empty where the commit brings none.
    pub module: String,
    /// The target, as it was named.
    pub target: String,
    /// Its httpd's version.
    pub httpd: String,
    /// What came of it.
    pub outcome: Outcome,
    /// What was expected.
    pub expected: Option<Expected>,
    /// Why that is not what was expected.
    pub differs: Option<String>,
    /// What ended it: a stable code, empty where there is none.
    pub code: String,
    /// Its first line.
    pub message: String,
    /// The first thing that stands in the way, where the message only counts them.
    pub reason: String,
    /// The rules used that change what the module does.
    pub risky: Vec<String>,
    /// How often the compiler was asked.
    pub rounds: usize,
    /// Modules that must be there first.
    pub required: Vec<String>,
    /// How many checks were answered.
    pub checks: usize,
    /// Lines of the C file.
    pub lines: usize,
    /// How long it took.
    pub seconds: f64,
    /// Every edit.
    pub edits: Vec<Edit>,
    /// What was copied from other files of upstream, and what is used though it differs.
    pub notable: Vec<Fate>,
    /// The whole error, as in modgraft's own JSON.
    pub error: Option<serde_json::Value>,
}

/// Runs all trials; the rows are in the trials' order. `done` hears of each as it ends, with how many have ended.
///
/// # Errors
/// [`Error::Interrupted`]; a thread that cannot be started.
pub fn all(
    trials: Vec<Trial>,
    work: &Path,
    limits: &Limits,
    done: &(dyn Fn(usize, &Row) + Sync),
) -> Result<Vec<Row>, Error> {
    let (next, ended) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let rows: Mutex<Vec<(usize, Row)>> = Mutex::default();
    let worker = || -> Result<(), Error> {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(trial) = trials.get(number) else { return Ok(()) };
            let row = one(trial, work.join(number.to_string()), limits.each).inspect_err(|_| {
                // The machine's trouble, or a signal: the other workers begin nothing more.
                next.store(trials.len(), Ordering::Relaxed);
            })?;
            done(ended.fetch_add(1, Ordering::Relaxed) + 1, &row);
            rows.lock().unwrap_or_else(PoisonError::into_inner).push((number, row));
        }
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..limits.workers.min(trials.len())).map(|_| scope.spawn(worker)).collect();
        let mut joined = workers.into_iter().map(|worker| worker.join());
        joined.try_for_each(|ended| ended.unwrap_or_else(|payload| panic::resume_unwind(payload)))
    })?;
    let mut rows = rows.into_inner().unwrap_or_else(PoisonError::into_inner);
    rows.sort_by_key(|(number, _)| *number);
    Ok(rows.into_iter().map(|(_, row)| row).collect())
}

/// How a trial's thread ended.
enum End {
    Tried(Tried),
    Panicked(String),
    TimedOut,
}

fn one(trial: &Trial, folder: PathBuf, limit: Duration) -> Result<Row, Error> {
    fs_err::create_dir_all(&folder)?;
    let began = Instant::now();
    let (own, place) = (trial.clone(), folder.clone());
    let end = guarded(limit, move || attempt(&own, &place))?;
    // What does not end may still be writing there; the folder above is removed at the end of all.
    if !matches!(end, End::TimedOut) {
        fs_err::remove_dir_all(&folder)?;
    }
    Ok(row(trial, end, began.elapsed(), limit))
}

/// Runs `work` in a thread of its own, `limit` at most. It is not joined: a thread cannot be ended, only left behind.
fn guarded(limit: Duration, work: impl FnOnce() -> Tried + Send + 'static) -> Result<End, Error> {
    let began = Instant::now();
    let (send, receive) = mpsc::channel();
    let run = move || {
        let ended = panic::catch_unwind(AssertUnwindSafe(work));
        // Nobody waits any more where it took too long.
        let _ = send.send(ended.map_or_else(|payload| End::Panicked(words(&*payload)), End::Tried));
    };
    thread::Builder::new().name("trial".to_owned()).stack_size(STACK).spawn(run)?;
    loop {
        match receive.recv_timeout(TICK) {
            _ if process::interrupted() => return Err(Error::Interrupted),
            Ok(end) => return Ok(end),
            Err(RecvTimeoutError::Timeout) if began.elapsed() < limit => {}
            Err(RecvTimeoutError::Timeout) => return Ok(End::TimedOut),
            Err(RecvTimeoutError::Disconnected) => return Ok(End::Panicked("its thread is gone".to_owned())),
        }
    }
}

fn attempt(trial: &Trial, work: &Path) -> Tried {
    let trial = pipeline::Trial {
        spec: &trial.spec,
        module: trial.module.as_deref(),
        recipe: trial.recipe.as_deref(),
        target: &trial.target,
        accept_risks: trial.accept_risks,
    };
    pipeline::attempt(&trial, work)
}

/// What a panic said.
fn words(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("it said nothing").to_owned()
}

fn row(trial: &Trial, end: End, took: Duration, limit: Duration) -> Row {
    let mut row = Row {
        commit: trial.commit.clone(),
        date: trial.entry.date.clone(),
        branch: trial.entry.branch.clone(),
        module: trial.module.clone().unwrap_or_default(),
        target: trial.target.name.clone(),
        httpd: trial.target.httpd_version.clone(),
        outcome: Outcome::Failed,
        expected: trial.expected,
        differs: None,
        code: String::new(),
        message: String::new(),
        reason: String::new(),
        risky: Vec::new(),
        rounds: 0,
        required: Vec::new(),
        checks: 0,
        lines: 0,
        seconds: (took.as_secs_f64() * 1000.0).round() / 1000.0,
        edits: Vec::new(),
        notable: Vec::new(),
        error: None,
    };
    match end {
        End::Tried(Tried { made, end }) => {
            if let Some(made) = made {
                row.risky = made.risky().into_iter().map(str::to_owned).collect();
                row.rounds = made.rounds;
                row.required = made.required;
                row.lines = made.lines;
                row.edits = made.edits;
                row.notable = made.notable;
            }
            match end {
                Ok(Reached::Built) => row.outcome = Outcome::Built,
                Ok(Reached::Loaded) => row.outcome = Outcome::Loaded,
                Ok(Reached::Checked(checks)) => (row.outcome, row.checks) = (Outcome::Checked, checks),
                Err(error) => tell(&mut row, &error),
            }
        }
        End::Panicked(said) => {
            (row.code, row.message) =
                ("modgraft::replay::panic".to_owned(), format!("modgraft panicked: {}", first_line(&said)));
        }
        End::TimedOut => {
            let message = format!("it did not end within {} s", limit.as_secs());
            (row.code, row.message) = ("modgraft::replay::timeout".to_owned(), message);
        }
    }
    let seen = !row.edits.is_empty() || !row.notable.is_empty();
    row.differs = verdict::differs(row.outcome, row.expected, seen);
    row
}

fn tell(row: &mut Row, error: &crate::Error) {
    row.outcome = Outcome::of_error(error.kind());
    row.code = error.code().map(|code| code.to_string()).unwrap_or_default();
    row.message = first_line(&error.to_string());
    let first = error.related().and_then(|mut related| related.next().map(|first| first.to_string()));
    row.reason = first_line(&first.unwrap_or_default());
    row.error = Some(report::diagnostic::json(error));
}

/// The first line; with the next, where it announces that.
fn first_line(text: &str) -> String {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    match lines.next().filter(|_| first.ends_with(':')) {
        Some(next) => format!("{first} {next}"),
        None => first.trim_end_matches(':').to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    fn loaded() -> Tried {
        Tried { made: None, end: Ok(Reached::Loaded) }
    }

    #[test]
    fn a_panic_is_the_end_of_one_trial_only() {
        let end = guarded(LONG, || panic!("the {} is odd", "tree")).unwrap();
        assert!(matches!(end, End::Panicked(said) if said == "the tree is odd"));
        assert!(matches!(guarded(LONG, loaded).unwrap(), End::Tried(Tried { end: Ok(Reached::Loaded), .. })));
    }

    #[test]
    fn a_trial_that_never_ends_is_left_behind() {
        let (hold, held) = mpsc::channel::<()>();
        let forever = move || {
            let _ = held.recv();
            loaded()
        };
        assert!(matches!(guarded(Duration::ZERO, forever).unwrap(), End::TimedOut));
        drop(hold);
    }

    #[test]
    fn a_message_is_one_line_with_what_it_announces() {
        assert_eq!(first_line("httpd refuses:\n\n  line 3: no\nmore"), "httpd refuses: line 3: no");
        assert_eq!(first_line("it ended:\n"), "it ended");
        assert_eq!(first_line("one\ntwo"), "one");
        assert_eq!(first_line(""), "");
    }
}
