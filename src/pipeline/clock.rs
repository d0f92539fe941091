//! One stage: told when it begins and when it has ended well, with the time it took.

use std::time::{Duration, Instant};

use crate::Error;
use crate::process;
use crate::report::{Event, Reporter, Stage};

/// Runs `work` as `stage`; `tell` puts its value in one line.
///
/// # Errors
/// The stage's own, or [`super::Error::Interrupted`] where a signal came in the meantime.
pub fn stage<T, E: Into<Error>>(
    reporter: &dyn Reporter,
    stage: Stage,
    work: impl FnOnce() -> Result<T, E>,
    tell: impl FnOnce(&T) -> String,
) -> Result<T, Error> {
    stage_without(reporter, stage, |_| Duration::ZERO, work, tell)
}

/// As [`stage`]; `other` is the time in it that another stage tells.
pub fn stage_without<T, E: Into<Error>>(
    reporter: &dyn Reporter,
    stage: Stage,
    other: impl FnOnce(&T) -> Duration,
    work: impl FnOnce() -> Result<T, E>,
    tell: impl FnOnce(&T) -> String,
) -> Result<T, Error> {
    reporter.event(Event::Started { stage });
    let start = Instant::now();
    let value = work();
    if process::interrupted() {
        // Whatever the stage says then is a consequence of the signal.
        return Err(super::Error::Interrupted.into());
    }
    let value = value.map_err(Into::into)?;
    let elapsed = start.elapsed().saturating_sub(other(&value));
    reporter.event(Event::Finished { stage, summary: tell(&value), elapsed });
    Ok(value)
}
