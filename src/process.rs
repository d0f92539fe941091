//! Running other programs: each in a process group of its own, bounded in time, and ended when modgraft is.
//!
//! SIGINT and SIGTERM set a flag and kill every group that is alive, so a stage that waits for a program returns at once
//! with [`Error::Interrupted`] and its temporary folders are removed on the way out.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use rustix::process::{Pid, Signal, kill_process_group};

/// What no other program is to see: modgraft reads the passphrase itself, and a compiler or an httpd has no use for it, nor for
/// where it is.
const SECRET_VARIABLES: [&str; 3] =
    ["MODGRAFT_PASSPHRASE", "MODGRAFT_PASSPHRASE_FILE", "MODGRAFT_PASSPHRASE_FD"];

static INTERRUPTED: AtomicBool = AtomicBool::new(false);
static ALIVE: Mutex<Vec<Pid>> = Mutex::new(Vec::new());

/// Why a program did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such program on `PATH`.
    #[error("`{program}` is not installed")]
    Missing {
        /// The program's name, as it was called.
        program: String,
    },
    /// It could not be started, or its output could not be read.
    #[error("`{program}` could not be run: {source}")]
    Start {
        /// The program's name.
        program: String,
        /// The operating system's reason.
        source: io::Error,
    },
    /// It ran, and ended with a failure.
    #[error("`{program}` failed ({status}){}", tail(.stderr))]
    Failed {
        /// The program's name.
        program: String,
        /// Exit code or signal, in words.
        status: String,
        /// All that it wrote on stderr.
        stderr: String,
    },
    /// It did not end in time and was killed.
    #[error("`{program}` did not end within {} s and was killed", limit.as_secs())]
    TimedOut {
        /// The program's name.
        program: String,
        /// The limit that it was given.
        limit: Duration,
    },
    /// It wrote more than it has to say, and was killed.
    #[error("`{program}` wrote more than {most} bytes and was killed")]
    TooMuch {
        /// The program's name.
        program: String,
        /// The limit that it was given, in bytes.
        most: u64,
    },
    /// modgraft was asked to stop.
    #[error("interrupted")]
    Interrupted,
}

/// The last lines of a program's stderr, as a suffix to a message.
fn tail(stderr: &str) -> String {
    let lines: Vec<&str> = stderr.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(6)..].iter().map(|line| format!("\n  {line}")).collect()
}

/// Installs the handlers for SIGINT and SIGTERM. A second signal ends the process at once.
pub fn handle_signals() -> io::Result<()> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM])?;
    thread::spawn(move || {
        for _ in signals.forever() {
            if INTERRUPTED.swap(true, Ordering::SeqCst) {
                std::process::exit(130);
            }
            for group in ALIVE.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).iter() {
                let _ = kill_process_group(*group, Signal::KILL);
            }
        }
    });
    Ok(())
}

/// Whether SIGINT or SIGTERM has come. Long computations ask this now and then.
pub fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::SeqCst)
}

/// A started program in a process group of its own. Dropping it kills the whole group and reaps the program.
#[derive(Debug)]
pub struct Running {
    child: Child,
    group: Pid,
    program: String,
}

impl Running {
    /// Starts `command`. Its standard streams are as the caller set them.
    pub fn start(command: &mut Command) -> Result<Self, Error> {
        let program = command.get_program().to_string_lossy().into_owned();
        if interrupted() {
            return Err(Error::Interrupted);
        }
        for variable in SECRET_VARIABLES {
            command.env_remove(variable);
        }
        let child = command.process_group(0).spawn().map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => Error::Missing { program: program.clone() },
            _ => Error::Start { program: program.clone(), source },
        })?;
        let group = Pid::from_child(&child);
        ALIVE.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(group);
        if interrupted() {
            // The signal came between spawn and registration: the handler did not see this group.
            let _ = kill_process_group(group, Signal::KILL);
        }
        Ok(Running { child, group, program })
    }

    /// The program's process id, which is its group's id as well.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The child itself, to take its pipes.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Waits for the end, until `deadline` at most; `limit` is only for the message.
    fn wait(&mut self, deadline: Instant, limit: Duration) -> Result<ExitStatus, Error> {
        let mut pause = Duration::from_micros(100);
        loop {
            match self.child.try_wait() {
                Ok(_) if interrupted() => return Err(Error::Interrupted),
                Ok(Some(status)) => return Ok(status),
                Ok(None) if Instant::now() > deadline => {
                    return Err(Error::TimedOut { program: self.program.clone(), limit });
                }
                Ok(None) => {
                    thread::sleep(pause);
                    pause = (pause * 2).min(Duration::from_millis(5));
                }
                Err(source) => return Err(Error::Start { program: self.program.clone(), source }),
            }
        }
    }

    /// Asks the whole group to end (SIGTERM), and kills what is left after `patience`.
    pub fn stop(mut self, patience: Duration) {
        let _ = kill_process_group(self.group, Signal::TERM);
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Killing a group whose leader has ended is right too: it may have left children behind.
        let _ = kill_process_group(self.group, Signal::KILL);
        let _ = self.child.wait();
        ALIVE.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).retain(|group| *group != self.group);
    }
}

/// Runs `command` to its end with stdin closed, and returns its output whatever its exit status is.
///
/// # Errors
/// [`Error::Missing`], [`Error::Start`], [`Error::TimedOut`] after `limit`, [`Error::Interrupted`].
pub fn output(command: &mut Command, limit: Duration) -> Result<Output, Error> {
    command.stdin(Stdio::null());
    run(command, None, limit, u64::MAX)
}

/// As [`output`], with `input` on stdin, which is wiped after that. stdout and stderr may have `most` bytes each. Whether the
/// program reads its input is its own affair.
///
/// # Errors
/// As [`output`], and [`Error::TooMuch`].
pub fn exchange(
    command: &mut Command,
    input: Zeroizing<Vec<u8>>,
    limit: Duration,
    most: u64,
) -> Result<Output, Error> {
    command.stdin(Stdio::piped());
    run(command, Some(input), limit, most)
}

fn run(
    command: &mut Command,
    input: Option<Zeroizing<Vec<u8>>>,
    limit: Duration,
    most: u64,
) -> Result<Output, Error> {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = Running::start(command)?;
    if let (Some(mut stdin), Some(input)) = (running.child.stdin.take(), input) {
        // Ends at the latest with the program, whose end breaks the pipe: that is no error.
        thread::spawn(move || stdin.write_all(&input));
    }
    let (done, ended) = mpsc::channel();
    let stdout = drain(running.child.stdout.take(), most, done.clone());
    let stderr = drain(running.child.stderr.take(), most, done);
    let deadline = Instant::now() + limit;
    let mut open = 2;
    // A program closes its pipes by ending, so waiting for that costs no delay; the ticks are for all else.
    while open > 0 {
        match ended.recv_timeout(Duration::from_millis(10)) {
            Ok(true) => return Err(Error::TooMuch { program: running.program.clone(), most }),
            Ok(false) => open -= 1,
            Err(_) if interrupted() => return Err(Error::Interrupted),
            Err(_) if Instant::now() > deadline => {
                return Err(Error::TimedOut { program: running.program.clone(), limit });
            }
            Err(_) => {}
        }
    }
    let status = running.wait(deadline, limit)?;
    let join = |handle: thread::JoinHandle<io::Result<Vec<u8>>>| {
        handle
            .join()
            .expect("a reader thread does not panic")
            .map_err(|source| Error::Start { program: running.program.clone(), source })
    };
    Ok(Output { status, stdout: join(stdout)?, stderr: join(stderr)? })
}

/// Where a line stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// A longer line is given in parts. Bytes.
const LONGEST_LINE: u64 = 64 << 10;

/// Runs `command` to its end with stdin closed, and gives each line that it writes to `each` when it comes. What is not UTF-8 is
/// replaced.
///
/// # Errors
/// As [`output`].
pub fn lines(
    command: &mut Command,
    limit: Duration,
    each: &mut dyn FnMut(Stream, &str),
) -> Result<ExitStatus, Error> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = Running::start(command)?;
    let (sender, came) = mpsc::channel();
    read_lines(running.child.stdout.take(), Stream::Stdout, sender.clone());
    read_lines(running.child.stderr.take(), Stream::Stderr, sender);
    let deadline = Instant::now() + limit;
    loop {
        match came.recv_timeout(Duration::from_millis(50)) {
            Ok((stream, line)) => each(stream, &line),
            // Both pipes are closed, by the program's end.
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
            Err(mpsc::RecvTimeoutError::Timeout) => {}
        }
        if interrupted() {
            return Err(Error::Interrupted);
        }
        if Instant::now() > deadline {
            return Err(Error::TimedOut { program: running.program.clone(), limit });
        }
    }
    running.wait(deadline, limit)
}

fn read_lines(
    pipe: Option<impl Read + Send + 'static>,
    stream: Stream,
    sender: mpsc::Sender<(Stream, String)>,
) {
    let Some(pipe) = pipe else { return };
    thread::spawn(move || {
        let mut pipe = BufReader::new(pipe);
        let mut line = Vec::new();
        // A pipe that breaks has ended; and where nobody listens any more, the wait was given up.
        while pipe.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            let text = String::from_utf8_lossy(&line);
            if sender.send((stream, text.trim_end_matches(['\n', '\r']).to_owned())).is_err() {
                return;
            }
            line.clear();
        }
    });
}

/// As [`output`], and a failure status is an error too.
pub fn succeed(command: &mut Command, limit: Duration) -> Result<Output, Error> {
    let output = output(command, limit)?;
    if output.status.success() {
        return Ok(output);
    }
    Err(Error::Failed {
        program: command.get_program().to_string_lossy().into_owned(),
        status: output.status.to_string(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// Tells at the end of the pipe whether there was more in it than `most` bytes.
fn drain(
    pipe: Option<impl Read + Send + 'static>,
    most: u64,
    done: mpsc::Sender<bool>,
) -> thread::JoinHandle<io::Result<Vec<u8>>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = pipe.map_or(Ok(0), |pipe| pipe.take(most.saturating_add(1)).read_to_end(&mut bytes));
        // Nobody listens any more where the wait was given up: that is no error.
        let _ = done.send(bytes.len() as u64 > most);
        read.map(|_| bytes)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_is_named() {
        let error =
            output(&mut Command::new("modgraft-no-such-program"), Duration::from_secs(5)).unwrap_err();
        assert_eq!(error.to_string(), "`modgraft-no-such-program` is not installed");
    }

    #[test]
    fn a_program_that_hangs_is_killed() {
        let error = output(Command::new("sleep").arg("60"), Duration::from_millis(50)).unwrap_err();
        assert!(matches!(error, Error::TimedOut { .. }), "{error}");
    }

    #[test]
    fn input_is_given_and_output_is_bounded() {
        let limit = Duration::from_secs(20);
        let input = || Zeroizing::new(b"word".repeat(50_000));
        let output = exchange(&mut Command::new("cat"), input(), limit, 200_000).unwrap();
        assert_eq!(output.stdout.len(), 200_000);
        let error = exchange(&mut Command::new("cat"), input(), limit, 199_999).unwrap_err();
        assert!(matches!(error, Error::TooMuch { most: 199_999, .. }), "{error}");
        // A program that does not read is none the worse for it.
        assert!(exchange(&mut Command::new("true"), input(), limit, 0).unwrap().status.success());
    }

    #[test]
    fn lines_come_as_they_are_written_and_a_hang_is_ended() {
        let mut heard = Vec::new();
        let limit = Duration::from_secs(20);
        let script = "echo one; echo two >&2; printf 'last'; exit 3";
        let status = lines(Command::new("sh").args(["-c", script]), limit, &mut |stream, line| {
            heard.push((stream, line.to_owned()));
        });
        assert_eq!(status.unwrap().code(), Some(3));
        let of = |wanted| -> Vec<&str> {
            heard.iter().filter(|(stream, _)| *stream == wanted).map(|(_, line)| &**line).collect()
        };
        assert_eq!((of(Stream::Stdout), of(Stream::Stderr)), (vec!["one", "last"], vec!["two"]));
        let mut first = None;
        let error = lines(
            Command::new("sh").args(["-c", "echo here; exec sleep 60"]),
            Duration::from_millis(500),
            &mut |_, line| first = Some(line.to_owned()),
        );
        assert!(matches!(error, Err(Error::TimedOut { .. })));
        assert_eq!(first.as_deref(), Some("here"));
    }

    #[test]
    fn a_failure_carries_what_the_program_said() {
        let error = succeed(Command::new("sh").args(["-c", "echo why >&2; exit 3"]), Duration::from_secs(5))
            .unwrap_err();
        assert_eq!(error.to_string(), "`sh` failed (exit status: 3)\n  why");
    }
}
