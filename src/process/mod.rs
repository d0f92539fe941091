//! Running other programs: each in a process group of its own, bounded in time, and ended when modgraft is.
//!
//! SIGINT, SIGTERM and SIGHUP set a flag and kill every group that is alive, so a stage that waits for a program returns at once
//! with [`Error::Interrupted`] and its temporary folders are removed on the way out.

mod lines;
mod pipes;

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use rustix::process::{Pid, Signal, kill_process_group};

use lines::Parts;
use pipes::Pipes;
pub use pipes::Stream;

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

/// A program's name, as it is called.
fn name(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}

/// Installs the handlers for SIGINT, SIGTERM and SIGHUP, which comes when the terminal goes. A second signal ends the process at once.
pub fn handle_signals() -> io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    // `nohup` has it ignored: the run is to outlive the terminal.
    let hang_up = (!is_ignored(SIGHUP)).then_some(SIGHUP);
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM].into_iter().chain(hang_up))?;
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

/// Whether this process was started with a signal ignored. Linux tells it; where it does not, no signal is.
fn is_ignored(signal: i32) -> bool {
    let status = fs_err::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    // The lowest bit is signal 1.
    mask >> (signal - 1) & 1 == 1
}

/// Whether SIGINT, SIGTERM or SIGHUP has come. Long computations ask this now and then.
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
        let program = name(command);
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
    let program = name(command);
    let mut written = [Vec::new(), Vec::new()];
    let status = conversation(command, input, limit, &mut |stream, bytes| {
        let all: &mut Vec<u8> = &mut written[stream as usize];
        all.extend_from_slice(bytes);
        if all.len() as u64 > most {
            return Err(Error::TooMuch { program: program.clone(), most });
        }
        Ok(())
    })?;
    let [stdout, stderr] = written;
    Ok(Output { status, stdout, stderr })
}

/// Takes what a program wrote as it comes. An error ends the program.
type Take<'a> = dyn FnMut(Stream, &[u8]) -> Result<(), Error> + 'a;

/// Runs `command` to its end.
fn conversation(
    command: &mut Command,
    input: Option<Zeroizing<Vec<u8>>>,
    limit: Duration,
    take: &mut Take<'_>,
) -> Result<ExitStatus, Error> {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = Running::start(command)?;
    let deadline = Instant::now() + limit;
    let program = running.program.clone();
    let failed = |source| Error::Start { program: program.clone(), source };
    let mut pipes = Pipes::of(&mut running.child, input);
    // A program closes its pipes by ending, so waiting for that costs no delay; the ticks are for all else.
    while pipes.are_open() {
        for stream in pipes.wait(TICK).map_err(failed)? {
            take(stream, pipes.read(stream).map_err(failed)?)?;
        }
        if interrupted() {
            return Err(Error::Interrupted);
        }
        if Instant::now() > deadline {
            return Err(Error::TimedOut { program, limit });
        }
    }
    running.wait(deadline, limit)
}

/// How long a wait for a program may go on without a look at the clock.
const TICK: Duration = Duration::from_millis(50);

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
    command.stdin(Stdio::null());
    let mut parts = [Parts::default(), Parts::default()];
    let status = conversation(command, None, limit, &mut |stream, bytes| {
        parts[stream as usize].add(bytes, &mut |line| each(stream, line));
        Ok(())
    })?;
    for (stream, mut parts) in [Stream::Stdout, Stream::Stderr].into_iter().zip(parts) {
        parts.end(&mut |line| each(stream, line));
    }
    Ok(status)
}

/// As [`output`], and a failure status is an error too.
pub fn succeed(command: &mut Command, limit: Duration) -> Result<Output, Error> {
    let output = output(command, limit)?;
    if output.status.success() {
        return Ok(output);
    }
    Err(Error::Failed {
        program: name(command),
        status: output.status.to_string(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
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
