//! Downloads, told as they go on: at the beginning, at the end, and some times a second between.

use std::cell::Cell;
use std::time::{Duration, Instant};

use super::{Event, Reporter};
use crate::download::{Progress, Status, Step};

/// Between two events. More often than this nobody reads them.
const PAUSE: Duration = Duration::from_millis(100);

/// Tells a reporter how far downloads are.
pub struct Downloads<'a> {
    reporter: &'a dyn Reporter,
    what: String,
    last: Cell<Option<Instant>>,
}

impl<'a> Downloads<'a> {
    /// `what` is fetched, in a word or two: `packages`, `metadata of el9-baseos`.
    pub fn new(reporter: &'a dyn Reporter, what: impl Into<String>) -> Self {
        Downloads { reporter, what: what.into(), last: Cell::new(None) }
    }
}

impl Progress for Downloads<'_> {
    fn progress(&self, status: &Status<'_>) {
        let now = Instant::now();
        let soon = self.last.get().is_some_and(|last| now.duration_since(last) < PAUSE);
        if soon && status.step == Step::Going {
            return;
        }
        self.last.set(Some(now));
        self.reporter.event(Event::Progress {
            step: status.step,
            what: self.what.clone(),
            file: status.file.to_owned(),
            files_done: status.files_done,
            files: status.files,
            bytes_done: status.bytes_done,
            bytes: status.bytes,
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[derive(Default)]
    struct Listener(Mutex<Vec<serde_json::Value>>);

    impl Reporter for Listener {
        fn event(&self, event: Event) {
            self.0.lock().unwrap().push(serde_json::to_value(event).unwrap());
        }

        fn failure(&self, _: &crate::Error) {}
    }

    #[test]
    fn begin_and_end_are_always_told_and_the_rest_not_too_often() {
        let listener = Listener::default();
        let downloads = Downloads::new(&listener, "packages");
        let status = |step, bytes_done| Status {
            step,
            file: "a.rpm",
            files_done: 0,
            files: 1,
            bytes_done,
            bytes: Some(1000),
        };
        downloads.progress(&status(Step::Begin, 0));
        (0..1000).for_each(|bytes| downloads.progress(&status(Step::Going, bytes)));
        downloads.progress(&status(Step::End, 1000));
        let told = listener.0.into_inner().unwrap();
        assert!((2..50).contains(&told.len()), "{}", told.len());
        let first = serde_json::json!({
            "event": "progress", "step": "begin", "what": "packages", "file": "a.rpm",
            "files_done": 0, "files": 1, "bytes_done": 0, "bytes": 1000
        });
        assert_eq!(told[0], first);
        assert_eq!(told[told.len() - 1]["step"], "end");
    }
}
