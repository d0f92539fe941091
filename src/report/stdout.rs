//! stdout, where results go.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

/// Writes to stdout. A reader that has gone away (`| head`) is no error.
///
/// # Errors
/// The disk that stdout is on is full, and what else may be.
pub fn write(bytes: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}

/// stdout of a listener, to whom things are told that nobody waits for: the first error is kept until the end.
#[derive(Debug, Default)]
pub(super) struct Stdout(Mutex<Option<io::Error>>);

impl Stdout {
    /// Writes a line.
    pub fn line(&self, text: &str) {
        if let Err(error) = write(format!("{text}\n").as_bytes()) {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        }
    }

    /// The first error that there was.
    pub fn end(&self) -> io::Result<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take().map_or(Ok(()), Err)
    }
}
