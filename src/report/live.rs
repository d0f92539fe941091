//! The jobs that run, on a terminal: a line each, with the stage that it is in, below all that has ended.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::Stage;

/// How often times go on.
const TICK: Duration = Duration::from_millis(200);

/// Lines that change. Without a terminal there are none.
#[derive(Debug, Default)]
pub(super) struct Live(Mutex<Option<Table>>);

#[derive(Debug)]
struct Table {
    all: MultiProgress,
    /// How many have ended.
    count: ProgressBar,
    /// By module and target.
    jobs: BTreeMap<(String, String), ProgressBar>,
}

impl Live {
    /// Begins with so many jobs to do.
    pub fn begin(&self, jobs: usize) {
        if !io::stderr().is_terminal() {
            return;
        }
        let all = MultiProgress::new();
        let count = all.add(ProgressBar::new(jobs as u64));
        count.set_style(style("{prefix:>9}  [{bar:24}] {pos} of {len}, {elapsed}").progress_chars("=> "));
        count.set_prefix("jobs");
        count.enable_steady_tick(TICK);
        *self.table() = Some(Table { all, count, jobs: BTreeMap::new() });
    }

    /// A job is in a stage now.
    pub fn stage(&self, module: &str, target: &str, stage: Stage) {
        if let Some(table) = &mut *self.table() {
            let Table { all, count, jobs } = table;
            let line = jobs.entry((module.to_owned(), target.to_owned())).or_insert_with(|| {
                let line = all.insert_before(count, ProgressBar::new_spinner());
                line.set_style(style("{prefix:>9}  {wide_msg}"));
                line.set_message(format!("{module} for {target}"));
                line
            });
            line.set_prefix(stage.name());
            line.tick();
        }
    }

    /// A job has ended.
    pub fn ended(&self, module: &str, target: &str) {
        if let Some(table) = &mut *self.table() {
            if let Some(line) = table.jobs.remove(&(module.to_owned(), target.to_owned())) {
                line.finish_and_clear();
                table.all.remove(&line);
            }
            table.count.inc(1);
        }
    }

    /// Takes the lines away: all jobs have ended, or the run has.
    pub fn end(&self) {
        if let Some(table) = self.table().take() {
            table.count.finish_and_clear();
            let _ = table.all.clear();
        }
    }

    /// Writes something above the lines.
    pub fn above<R>(&self, write: impl FnOnce() -> R) -> R {
        match &*self.table() {
            Some(table) => table.all.suspend(write),
            None => write(),
        }
    }

    /// Whether there are lines now.
    pub fn is_there(&self) -> bool {
        self.table().is_some()
    }

    fn table(&self) -> std::sync::MutexGuard<'_, Option<Table>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the templates are well formed")
}
