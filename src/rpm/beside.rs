//! A writer on a thread of its own: what is written to it goes through a bounded channel, so that hashing, compressing and
//! writing to disk run at the same time, in bounded memory.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::{Scope, ScopedJoinHandle};

/// What goes through the channel at a time. Bytes.
const CHUNK: usize = 256 << 10;
/// How many chunks may wait.
const WAITING: usize = 8;

/// Writes to `W` on another thread.
pub(super) struct Beside<'scope, W> {
    chunk: Vec<u8>,
    full: SyncSender<Vec<u8>>,
    /// Chunks that were written, to be filled again.
    empty: Receiver<Vec<u8>>,
    thread: ScopedJoinHandle<'scope, io::Result<W>>,
}

impl<'scope, W: Write + Send + 'scope> Beside<'scope, W> {
    pub(super) fn new(scope: &'scope Scope<'scope, '_>, out: W) -> Self {
        let (full, chunks) = sync_channel(WAITING);
        let (written, empty) = channel();
        let thread = scope.spawn(move || drain(&chunks, &written, out));
        Beside { chunk: Vec::with_capacity(CHUNK), full, empty, thread }
    }

    /// Waits for what is still under way, and gives the sink back.
    ///
    /// # Errors
    /// The first one of the sink.
    pub(super) fn finish(mut self) -> io::Result<W> {
        // Where the thread has ended, it says why.
        let _ = self.send();
        let Beside { full, thread, .. } = self;
        drop(full);
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    fn send(&mut self) -> io::Result<()> {
        if self.chunk.is_empty() {
            return Ok(());
        }
        let next = self.empty.try_recv().unwrap_or_else(|_| Vec::with_capacity(CHUNK));
        let chunk = std::mem::replace(&mut self.chunk, next);
        self.full.send(chunk).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

fn drain<W: Write>(chunks: &Receiver<Vec<u8>>, written: &Sender<Vec<u8>>, mut out: W) -> io::Result<W> {
    for mut chunk in chunks {
        out.write_all(&chunk)?;
        chunk.clear();
        // Nobody takes it back any more at the end.
        let _ = written.send(chunk);
    }
    Ok(out)
}

impl<'scope, W: Write + Send + 'scope> Write for Beside<'scope, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.chunk.len() == CHUNK {
            self.send()?;
        }
        let taken = bytes.len().min(CHUNK - self.chunk.len());
        self.chunk.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.send()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_out_is_what_went_in() {
        let text: Vec<u8> = (0..3_000_000_u32).map(|number| (number % 251) as u8).collect();
        let written = std::thread::scope(|scope| {
            let mut beside = Beside::new(scope, Vec::new());
            for some in text.chunks(70_001) {
                beside.write_all(some).unwrap();
            }
            beside.finish().unwrap()
        });
        assert!(written == text);
    }

    #[test]
    fn an_error_of_the_sink_is_told_and_blocks_nothing() {
        struct Full(usize);
        impl Write for Full {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let error = std::thread::scope(|scope| {
            let mut beside = Beside::new(scope, Full(1 << 20));
            let written = beside.write_all(&vec![0; 64 << 20]);
            assert_eq!(written.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
            beside.finish().err().unwrap()
        });
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }
}
