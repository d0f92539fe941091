//! Replaying history: each of many upstream commits, for each of several httpds, and what came of it in a table.
//!
//! It is the program `replay`, for those who work on modgraft: a module that is neither made nor refused with a reason shows
//! a defect. In: a git repository of httpd, a list of commits, targets. Out: a table for people, and all that is known of
//! each trial for programs. One trial's end, whatever it is, is nothing to the others.

mod args;
mod error;
mod list;
mod plan;
mod run;
mod table;
mod verdict;

pub use error::Error;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use clap::Parser;

use crate::target::{self, Target};
use crate::{paths, process, report};
use args::Args;
use run::Row;

/// The exit code where something is not as it was expected; as for a check that fails.
const NOT_AS_EXPECTED: u8 = 8;

/// Parses the command line and replays. 0: all is as expected and nothing failed; 8: something is not; else as modgraft.
pub fn main() -> ExitCode {
    let args = Args::parse();
    if let Err(error) = process::handle_signals() {
        anstream::eprintln!("warning: Ctrl-C will leave temporary files behind: {error}");
    }
    match replay(&args) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(NOT_AS_EXPECTED),
        Err(error) => {
            anstream::eprint!("{}", report::diagnostic::render(&error));
            ExitCode::from(error.kind().exit_code())
        }
    }
}

/// Replays; `false` where something is not as expected.
fn replay(args: &Args) -> Result<bool, Error> {
    let targets = targets(&args.target)?;
    let entries = list::read(&args.commits, &targets)?;
    let recipes = plan::recipes(&args.recipes)?;
    let work = tempfile::Builder::new().prefix("modgraft-replay-").tempdir()?;
    let trials = plan::trials(entries, &args.repository, &targets, recipes, args.accept_risks)?;
    let workers = args.jobs.unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from));
    let limits = run::Limits { workers, each: Duration::from_secs(args.timeout) };
    let count = trials.len();
    let done = |number: usize, row: &Row| anstream::eprintln!("{number:>5}/{count}  {}", table::line(row));
    let rows = run::all(trials, work.path(), &limits, &done)?;

    let page = table::markdown(&rows, &targets);
    if let Some(out) = &args.out {
        fs_err::create_dir_all(out)?;
        fs_err::write(out.join("replay.md"), &page)?;
        fs_err::write(out.join("replay.tsv"), table::tsv(&rows))?;
        fs_err::write(out.join("replay.json"), table::json(&rows))?;
    }
    match io::stdout().lock().write_all(page.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(error.into()),
        _ => {}
    }
    Ok(rows.iter().all(|row| row.differs.is_none()))
}

/// The targets, each found once.
fn targets(names: &[String]) -> Result<Vec<Arc<Target>>, Error> {
    let options = target::Options { offline: true, ..target::Options::new(paths::cache()) };
    let mut found: BTreeMap<&str, Arc<Target>> = BTreeMap::new();
    let mut all = Vec::new();
    for name in names {
        if !found.contains_key(name.as_str()) {
            let target = target::resolve(name, &options, &|_| {}).map_err(crate::Error::from)?;
            all.push(found.entry(name).or_insert_with(|| Arc::new(target)).clone());
        }
    }
    Ok(all)
}
