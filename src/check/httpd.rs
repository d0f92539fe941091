//! One httpd in a folder of its own: configured, tested, started, stopped.

use std::collections::BTreeSet;
use std::env;
use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use miette::NamedSource;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::Error;
use super::config::{self, Paths, localise};
use super::log;
use super::modules::{self, Modules};
use super::plan::{Httpd, Plan};
use super::stream::Deadline;
use super::template::{BackendValues, Values, fill, line_place};
use crate::environment;
use crate::process::{self, Running};
use crate::target::Runner;

/// How often a port is looked for: between the search and httpd's listening, another program can take it.
const ATTEMPTS: usize = 8;
/// How long httpd has to end when asked to, and again when told to.
const PATIENCE: Duration = Duration::from_secs(3);
/// How often httpd is asked to finish.
const AGAIN: Duration = Duration::from_millis(50);
/// How many lines of a log stand in an error.
pub const EXCERPT: usize = 12;

/// The names of what is built into the program.
///
/// # Errors
/// [`Error::NotRunnable`] where it does not run here.
pub fn built_in(httpd: &Httpd, deadline: Deadline) -> Result<BTreeSet<String>, Error> {
    let output = process::succeed(command(httpd).arg("-l"), deadline.remaining()).map_err(not_runnable)?;
    Ok(modules::built_in(&String::from_utf8_lossy(&output.stdout)))
}

fn not_runnable(error: process::Error) -> Error {
    match error {
        process::Error::Interrupted => Error::Interrupted,
        error => Error::NotRunnable(error),
    }
}

/// A call of httpd that depends on nothing of the caller's environment but the search path.
fn command(httpd: &Httpd) -> Command {
    let Runner { program, library_path, loader, emulator } = &httpd.runner;
    let joined = |folders: Vec<OsString>| folders.join(&OsString::from(":"));
    let own = library_path.iter().map(|folder| folder.clone().into_os_string());
    // What has to start the program stands before it, the emulator before the dynamic linker.
    let mut words: Vec<OsString> =
        emulator.iter().chain(loader).map(|file| file.clone().into_os_string()).collect();
    let mut folders: Vec<OsString> = own.collect();
    if loader.is_some() {
        // An httpd with a C library of its own can have none of the system's libraries: ld.so(8) is told where all are.
        words.extend(["--library-path".into(), joined(std::mem::take(&mut folders))]);
    } else {
        // An httpd out of unpacked packages finds its own libraries first; the caller's path may be what makes cc's
        // run-time library known, so it stays.
        folders.extend(environment::var("LD_LIBRARY_PATH"));
    }
    words.push(program.clone().into_os_string());
    let mut command = Command::new(words.remove(0));
    command.env_clear().args(words);
    if !folders.is_empty() {
        command.env("LD_LIBRARY_PATH", joined(folders));
    }
    command.env("LC_ALL", "C").current_dir("/");
    if let Some(path) = env::var_os("PATH") {
        command.env("PATH", path);
    }
    command
}

/// What one httpd is configured with, beyond the plan.
#[derive(Debug, Clone)]
pub struct Setup<'a> {
    /// What is loaded.
    pub modules: &'a Modules,
    /// Lines of httpd.conf: a template.
    pub config: &'a str,
    /// The check that they are of, for messages.
    pub check: &'a str,
    /// The servers behind it.
    pub backend: BackendValues,
    /// How many connections it serves at once.
    pub workers: u32,
}

/// The folder of one httpd, with the package's configuration in it.
#[derive(Debug)]
pub struct Instance<'a> {
    plan: &'a Plan,
    setup: Setup<'a>,
    paths: Paths,
    /// Removes the folder in the end.
    _folder: TempDir,
}

impl<'a> Instance<'a> {
    /// Makes the folder.
    ///
    /// # Errors
    /// [`Error::NotLoaded`] where the package's configuration does not load its module; [`Error::Path`]; files.
    pub fn new(plan: &'a Plan, setup: Setup<'a>) -> Result<Self, Error> {
        let mut builder = tempfile::Builder::new();
        builder.prefix("modgraft-check-").disable_cleanup(plan.keep_in.is_some());
        let folder = match &plan.keep_in {
            Some(parent) => {
                fs_err::create_dir_all(parent)?;
                builder.tempdir_in(fs_err::canonicalize(parent)?)?
            }
            None => builder.tempdir()?,
        };
        // httpd's processes are nobody's where we are root, and must get at the documents.
        fs_err::set_permissions(folder.path(), PermissionsExt::from_mode(0o711))?;
        let paths = Paths { root: folder.path().to_owned() };
        for name in ["conf", "run", "logs", "htdocs"] {
            let folder = paths.root.join(name);
            fs_err::create_dir(&folder)?;
            fs_err::set_permissions(&folder, PermissionsExt::from_mode(0o755))?;
        }
        let page = paths.documents().join("index.html");
        fs_err::write(&page, "a page of the check's httpd\n")?;
        fs_err::set_permissions(&page, PermissionsExt::from_mode(0o644))?;

        fs_err::write(paths.types(), "text/html html\ntext/plain txt\n")?;

        let mut loaded = plan.drop_ins.is_empty();
        for (index, file) in plan.drop_ins.iter().enumerate() {
            let (text, found) = localise(&file.text, plan)?;
            loaded |= found;
            fs_err::write(paths.drop_in(index, &file.path), text)?;
        }
        if !loaded {
            return Err(Error::NotLoaded { symbol: plan.symbol.clone() });
        }
        Ok(Instance { plan, setup, paths, _folder: folder })
    }

    /// Runs `httpd -t`, with more lines of configuration.
    ///
    /// # Errors
    /// [`Error::Refused`] with httpd's reason; [`Error::Spins`] at the deadline.
    pub fn test(&self, more: &str, deadline: Deadline) -> Result<(), Error> {
        self.write_config(free_port()?, more)?;
        let limit = deadline.remaining();
        let output = process::output(self.command().arg("-t"), limit).map_err(|error| match error {
            process::Error::TimedOut { .. } => Error::Spins { limit },
            error => not_runnable(error),
        })?;
        if output.status.success() {
            return Ok(());
        }
        // Where it crashes, what it had to say may be in the log already.
        let said = String::from_utf8_lossy(&output.stderr).into_owned() + &log::read(&self.paths.error_log());
        Err(self.refused(&describe(output.status), &said))
    }

    fn refused(&self, status: &str, said: &str) -> Error {
        let reason = self.without_root(&log::tail(said, EXCERPT));
        let (name, text, place) = match log::named_line(said) {
            Some((file, line)) if file.starts_with(&self.paths.root) => {
                let text = fs_err::read_to_string(&file).unwrap_or_default();
                let place = line_place(&text, line);
                (file.file_name().unwrap_or_default().to_string_lossy().into_owned(), text, place)
            }
            _ => ("httpd.conf".to_owned(), String::new(), None),
        };
        let text = NamedSource::new(name, Arc::from(self.without_root(&text).as_str()));
        // The text without the folder is shorter, so the place is counted anew.
        let place = place.and(log::named_line(said)).and_then(|(_, line)| line_place(text.inner(), line));
        Error::Refused { status: status.to_owned(), reason, text, place }
    }

    /// The folder's name is another one each time and means nothing to a person.
    fn without_root(&self, text: &str) -> String {
        text.replace(&format!("{}/", self.paths.root.display()), "")
    }

    /// Starts httpd and waits until it listens.
    ///
    /// # Errors
    /// [`Error::Ended`], [`Error::NotReady`], [`Error::NoPort`], each with the end of the log.
    pub fn start(&self, deadline: Deadline) -> Result<Server<'_>, Error> {
        for _ in 0..ATTEMPTS {
            let port = free_port()?;
            self.write_config(port, "")?;
            // What an attempt before this one has left must not be taken for a sign of this one.
            for file in [self.paths.pid_file(), self.paths.error_log()] {
                if file.exists() {
                    fs_err::remove_file(file)?;
                }
            }
            let stderr = fs_err::File::create(self.paths.stderr())?;
            let mut command = self.command();
            command.arg("-DFOREGROUND");
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr.into_file());
            let running = Running::start(&mut command).map_err(not_runnable)?;
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            let mut server = Server { instance: self, running, address, told_to_end: Vec::new() };
            match server.wait_until_ready(deadline) {
                Err(Error::Ended { log, .. }) if log::is_clash(&log) => {}
                Err(error) => return Err(error),
                Ok(()) => return Ok(server),
            }
        }
        Err(Error::NoPort { attempts: ATTEMPTS })
    }

    fn command(&self) -> Command {
        let mut command = command(&self.plan.httpd);
        command.env("TMPDIR", self.paths.runtime());
        command.arg("-d").arg(&self.paths.root).arg("-f").arg(self.paths.config());
        command
    }

    fn write_config(&self, port: u16, more: &str) -> Result<(), Error> {
        let values = Values { port, root: self.paths.root.clone(), backend: self.setup.backend };
        let mut site = fill(self.setup.config, self.setup.check, &values)?;
        if !more.is_empty() {
            site.push('\n');
            site.push_str(&fill(more, self.setup.check, &values)?);
        }
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let text =
            config::render(self.plan, self.setup.modules, &self.paths, address, self.setup.workers, &site)?;
        Ok(fs_err::write(self.paths.config(), text)?)
    }

    /// The modules that a log names, that the target has and that were not loaded.
    fn could_be_missing(&self, log: &str) -> Vec<String> {
        let Instance { plan, setup, .. } = self;
        let mut named = log::named_modules(log);
        named.retain(|name| {
            let symbol = format!("{}_module", name.strip_prefix("mod_").unwrap_or(name));
            let is_loaded =
                symbol == plan.symbol || setup.modules.load.iter().any(|load| load.symbol == symbol);
            !is_loaded && plan.place(&format!("{name}.so")).is_file()
        });
        named
    }

    /// All that httpd has said, without the folder.
    fn log(&self) -> String {
        self.without_root(&(log::read(&self.paths.stderr()) + &log::read(&self.paths.error_log())))
    }
}

/// An httpd that runs. Dropping it kills all of its processes; [`Server::stop`] does it gently.
#[derive(Debug)]
pub struct Server<'a> {
    instance: &'a Instance<'a>,
    running: Running,
    address: SocketAddr,
    /// What it said of processes that crashed as a restart told them to end, which says nothing of the module: see [`Server::stop`].
    told_to_end: Vec<String>,
}

/// What httpd left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stopped {
    /// All of its log.
    pub log: String,
    /// What it said about processes of it that crashed; and how it ended, if that was before it was asked to.
    pub crashes: Vec<String>,
}

impl Server<'_> {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The id of its first process, and of its process group.
    pub fn id(&self) -> u32 {
        self.running.id()
    }

    /// Its folder.
    pub fn root(&self) -> PathBuf {
        self.instance.paths.root.clone()
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        self.instance.log()
    }

    /// Waits until it listens, which its own process id in the file of it shows: something else may answer at the port.
    fn wait_until_ready(&mut self, deadline: Deadline) -> Result<(), Error> {
        let limit = deadline.remaining();
        let mut pause = Duration::from_millis(1);
        loop {
            if let Some(status) = self.ended()? {
                let log = log::tail(&self.log(), EXCERPT);
                return Err(Error::Ended { status, named: self.instance.could_be_missing(&log), log });
            }
            let written = fs_err::read_to_string(self.instance.paths.pid_file()).unwrap_or_default();
            if written.trim() == self.id().to_string()
                && TcpStream::connect_timeout(&self.address, Duration::from_millis(100)).is_ok()
            {
                return Ok(());
            }
            if deadline.passed() {
                return Err(Error::NotReady { limit, log: log::tail(&self.log(), EXCERPT) });
            }
            thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(10));
        }
    }

    /// Has it read its configuration anew, as every reload does, and waits until processes with the new one serve. Not gracefully: for
    /// an event MPM that has one process that takes seconds.
    ///
    /// # Errors
    /// [`Error::Restart`], with the end of the log.
    pub fn restart(&mut self, deadline: Deadline) -> Result<(), Error> {
        let before = children(self.id());
        let crashed = log::crashes(&self.log()).count();
        let limit = deadline.remaining();
        let old_leave = deadline.at_most(PATIENCE);
        let mut again = Deadline::after(Duration::ZERO);
        loop {
            // As for the end: an MPM that has only just begun forgets it.
            if again.passed() {
                signal(self.id(), Signal::HUP);
                again = Deadline::after(PATIENCE / 2);
            }
            if let Some(status) = self.ended()? {
                return Err(self.not_restarted(format!("ended ({status})")));
            }
            let listens = TcpStream::connect_timeout(&self.address, Duration::from_millis(100)).is_ok();
            let now = children(self.id());
            // What a module has started may stay.
            let old_left = now.is_disjoint(&before) || old_leave.passed();
            if listens && old_left && !now.is_subset(&before) {
                self.told_to_end.extend(log::crashes(&self.log()).skip(crashed));
                return Ok(());
            }
            if deadline.passed() {
                return Err(self.not_restarted(format!("was not ready within {:.1} s", limit.as_secs_f64())));
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// What it has said so far of processes that crashed without being told to end.
    pub fn crashes(&self) -> Vec<String> {
        log::crashes(&self.log()).filter(|crash| !self.told_to_end.contains(crash)).collect()
    }

    fn not_restarted(&self, problem: String) -> Error {
        Error::Restart { problem, log: log::tail(&self.log(), EXCERPT) }
    }

    /// How its first process ended, if it did.
    fn ended(&mut self) -> Result<Option<String>, Error> {
        let status = self.running.child().try_wait()?;
        if process::interrupted() { Err(Error::Interrupted) } else { Ok(status.map(describe)) }
    }

    /// Stops it. Its processes are asked to finish what they do and end; what is left after a while is told to, and then
    /// killed.
    pub fn stop(mut self) -> Result<Stopped, Error> {
        let early = self.ended()?;
        let finished = early.is_some() || self.finish();
        // A process that is told to end while its threads are at work can crash by that alone: httpd 2.4's event MPM closes
        // the threads' sockets under their hands (`close_worker_sockets`). Such a crash says nothing of the module.
        let before = (!finished).then(|| self.log());
        let Server { instance, running, .. } = self;
        running.stop(PATIENCE);
        let log = instance.log();
        let mut crashes: Vec<String> = log::crashes(before.as_ref().unwrap_or(&log)).collect();
        crashes.extend(early.map(|status| format!("ended by itself: {status}")));
        Ok(Stopped { log, crashes })
    }

    /// Asks httpd's processes to finish and end, and waits for that; says whether they did.
    fn finish(&self) -> bool {
        // SIGWINCH is httpd's signal for it; see its manual, "Stopping and Restarting". The first process then looks once a
        // second whether the others have ended, for which a check need not wait.
        let deadline = Deadline::after(PATIENCE);
        let mut again = Deadline::after(Duration::ZERO);
        loop {
            // The prefork MPM forgets what it was told before its main loop has begun, a moment after it listens.
            if again.passed() {
                if !signal(self.id(), Signal::WINCH) {
                    return false;
                }
                again = Deadline::after(AGAIN);
            }
            if children(self.id()).is_empty() {
                return true;
            }
            if deadline.passed() || process::interrupted() {
                return false;
            }
            // The idle processes of 2.2's prefork MPM are told as well, and see it when the next connection comes.
            if config::is_before_2_4(&self.instance.plan.httpd.version) {
                let _ = TcpStream::connect_timeout(&self.address, Duration::from_millis(100));
            }
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Sends a signal to one process; says whether that went well.
fn signal(id: u32, signal: Signal) -> bool {
    Pid::from_raw(id.cast_signed()).is_some_and(|id| kill_process(id, signal).is_ok())
}

/// The children of a process that are alive; those that have ended and wait to be reaped are not. Where that cannot be known, the
/// process itself stands for them.
fn children(id: u32) -> BTreeSet<u32> {
    let Ok(processes) = fs_err::read_dir("/proc") else { return BTreeSet::from([id]) };
    let is_child = |process: &fs_err::DirEntry| {
        let stat = fs_err::read_to_string(process.path().join("stat")).unwrap_or_default();
        // proc(5): state and parent follow the name, which is in parentheses and may have any character.
        let mut fields = stat.rsplit_once(") ").map_or("", |(_, rest)| rest).split(' ');
        let alive = fields.next().is_some_and(|state| !matches!(state, "Z" | "X"));
        alive && fields.next().and_then(|parent| parent.parse().ok()) == Some(id)
    };
    let children = processes.flatten().filter(is_child);
    children.filter_map(|process| process.file_name().to_str()?.parse().ok()).collect()
}

/// An exit status in words.
fn describe(status: ExitStatus) -> String {
    status.to_string()
}

fn free_port() -> Result<u16, Error> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
