//! Files that are looked at one after the other: one that cannot be read is told of, and the others are looked at all the same.

use std::path::Path;
use std::process::ExitCode;

use serde_json::json;

use super::generate::print;
use crate::Error;
use crate::error::Kind;
use crate::report::{Reporter, diagnostic};

/// What came of the files so far.
pub struct Each<'a> {
    reporter: &'a dyn Reporter,
    /// Whether each file is told as one line of JSON.
    json: bool,
    /// The worst.
    code: u8,
}

impl<'a> Each<'a> {
    pub fn new(reporter: &'a dyn Reporter, json: bool) -> Self {
        Each { reporter, json, code: 0 }
    }

    /// Notes what a file ends a run with. Of several the highest exit code counts.
    pub fn note(&mut self, kind: Kind) {
        self.code = self.code.max(kind.exit_code());
    }

    /// Tells of a file that cannot be read.
    ///
    /// # Errors
    /// What ends the run: it was interrupted, or nothing can be written.
    pub fn unread(&mut self, file: &Path, error: Error) -> Result<(), Error> {
        if error.kind() == Kind::Interrupted {
            return Err(error);
        }
        self.note(error.kind());
        self.reporter.failure(&error);
        if self.json {
            let exit_code = error.kind().exit_code();
            let line = json!({
                "file": file.to_string_lossy(), "exit_code": exit_code, "error": diagnostic::json(&error),
            });
            print(format!("{line}\n").as_bytes())?;
        }
        Ok(())
    }

    /// The run's exit code.
    pub fn code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }
}
