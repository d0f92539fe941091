//! What a program reads and writes: all of its pipes are served by the thread that waits for it.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::process::Child;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use zeroize::Zeroizing;

/// Where something was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// What a pipe takes without a wait where it takes anything at all: Linux calls it writable from this on (PIPE_BUF). Bytes.
const ALWAYS_TAKEN: usize = 4096;
/// What is read at a time: what a pipe holds. Bytes.
const CHUNK: usize = 64 << 10;

/// The pipes of a program, each as long as it is open.
pub(super) struct Pipes {
    stdin: Option<(File, Input)>,
    out: [Option<File>; 2],
    buffer: Vec<u8>,
}

/// What is still to be written.
struct Input {
    bytes: Zeroizing<Vec<u8>>,
    written: usize,
}

impl Pipes {
    /// Those that the program was started with. `input` is for its stdin, and wiped after that.
    pub fn of(child: &mut Child, input: Option<Zeroizing<Vec<u8>>>) -> Self {
        let stdin = child.stdin.take().map(OwnedFd::from).map(File::from);
        let stdout = child.stdout.take().map(OwnedFd::from);
        let stderr = child.stderr.take().map(OwnedFd::from);
        Pipes {
            stdin: stdin.zip(input.map(|bytes| Input { bytes, written: 0 })),
            out: [stdout, stderr].map(|pipe| pipe.map(File::from)),
            buffer: vec![0; CHUNK],
        }
    }

    /// Whether there is anything left to be read or written.
    pub fn are_open(&self) -> bool {
        self.stdin.is_some() || self.out.iter().any(Option::is_some)
    }

    /// Waits until something can be read or written, `longest` at most. It is written; what can be read is returned.
    ///
    /// # Errors
    /// They cannot be waited for.
    pub fn wait(&mut self, longest: Duration) -> io::Result<impl Iterator<Item = Stream> + use<>> {
        let [write, stdout, stderr] = self.ready(longest)?;
        if write {
            self.write();
        }
        let out = [(Stream::Stdout, stdout), (Stream::Stderr, stderr)];
        Ok(out.into_iter().filter_map(|(stream, ready)| ready.then_some(stream)))
    }

    /// What has come, where [`wait`](Self::wait) says that something has; nothing at the end.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(&mut self, stream: Stream) -> io::Result<&[u8]> {
        let pipe = &mut self.out[stream as usize];
        let read = pipe.as_mut().map(|open| open.read(&mut self.buffer));
        match read {
            Some(Ok(read)) if read > 0 => Ok(&self.buffer[..read]),
            Some(Err(error)) if error.kind() != io::ErrorKind::Interrupted => Err(error),
            Some(Err(_)) => Ok(&[]),
            Some(Ok(_)) | None => {
                *pipe = None;
                Ok(&[])
            }
        }
    }

    /// Which of stdin, stdout and stderr something can be done with, if only to find that its other end is closed.
    fn ready(&self, longest: Duration) -> io::Result<[bool; 3]> {
        let stdin = self.stdin.as_ref().map(|(pipe, _)| (0, pipe, PollFlags::OUT));
        let out = self.out.iter().zip(1..).filter_map(|(pipe, at)| Some((at, pipe.as_ref()?, PollFlags::IN)));
        let (places, mut pipes): (Vec<usize>, Vec<PollFd<'_>>) =
            stdin.into_iter().chain(out).map(|(at, pipe, what)| (at, PollFd::new(pipe, what))).unzip();
        let longest = Timespec::try_from(longest).map_err(io::Error::other)?;
        let mut ready = [false; 3];
        match poll(&mut pipes, Some(&longest)) {
            Ok(_) => {
                for (at, pipe) in places.into_iter().zip(pipes) {
                    ready[at] = !pipe.revents().is_empty();
                }
                Ok(ready)
            }
            Err(Errno::INTR) => Ok(ready),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Whether the program reads its input is its own affair: a pipe that breaks is closed, and no error.
    fn write(&mut self) {
        let Some((pipe, input)) = &mut self.stdin else { return };
        let left = &input.bytes[input.written..];
        match pipe.write(&left[..left.len().min(ALWAYS_TAKEN)]) {
            Ok(written) if written < left.len() => input.written += written,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(_) | Err(_) => self.stdin = None,
        }
    }
}
