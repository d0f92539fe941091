//! What a target's httpd would say when it reads its configuration and loads its modules (`httpd -t`), told without running
//! it.
//!
//! In: a target, its configuration files, and files that are to be laid over them. Out: a [`Simulation`].
//!
//! Simulated are: the order in which files and directives are read (Include, IncludeOptional, ServerRoot, Define, sections with
//! a condition, unclosed sections), LoadModule and LoadFile with the dynamic linker's own steps, the module structure, and the
//! MPM. Not simulated are all other directives, among them those that httpd does not know, and what modules do once they
//! are loaded: their constructors and hooks, macros (`<Macro>`, `Use`), `<Perl>`.

mod advice;
mod dialect;
mod directives;
mod dso;
mod enable;
mod error;
mod files;
mod fingerprint;
mod include;
mod lines;
mod linker;
mod order;
mod outcome;
mod paths;
mod pattern;
mod reader;
mod sections;
mod settings;
mod structures;
mod suse;
mod text;
mod variables;

pub use error::Error;
pub use files::Laid;
pub use fingerprint::fingerprint;
pub use lines::{Continuation, Line, Lines, words};
pub use linker::{Bound, Refusal};
pub use order::{Finding, Placed, place};
pub use outcome::{Cause, Directive, Load, Outcome, Place, Refused, Simulation, Verdict};
pub use settings::Settings;

use std::collections::BTreeMap;

use files::{Files, Kind};
use linker::Process;
use reader::{Server, Stop};

use crate::target::Target;

/// What httpd is started with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// The main configuration file's path on the target (`-f`), absolute; the program's own where there is none.
    pub config: Option<String>,
    /// ServerRoot until the configuration says otherwise (`-d`).
    pub root: Option<String>,
    /// Names that are defined (`-D`).
    pub defines: Vec<String>,
    /// Lines to be read before the configuration (`-C`).
    pub before: Vec<String>,
    /// Lines to be read after it (`-c`).
    pub after: Vec<String>,
    /// Variables of the environment, over those that Debian's start script sets.
    pub environment: BTreeMap<String, String>,
    /// Files that the target does not have yet, by their paths there.
    pub laid: BTreeMap<String, Laid>,
    /// Modules (without `mod_`) that are switched on besides, where the distribution's own tool has a list of them.
    pub enabled: Vec<String>,
}

/// Says what httpd would say.
///
/// # Errors
/// [`Error::Program`], [`Error::NoConfiguration`]: there is nothing to simulate. What httpd would refuse is no error here.
pub fn simulate(target: &Target, options: &Options) -> Result<Simulation, Error> {
    run(target, options, true)
}

/// Says what is loaded and in which order, taking each file as loaded without a look at it.
///
/// # Errors
/// As [`simulate`].
pub fn survey(target: &Target, options: &Options) -> Result<Simulation, Error> {
    run(target, options, false)
}

/// Bytes of stack, for files that include each other as deep as httpd allows it, and sections within them.
const STACK: usize = 64 << 20;

fn run(target: &Target, options: &Options, link: bool) -> Result<Simulation, Error> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK);
        let running = thread.spawn_scoped(scope, || read(target, options, link))?;
        running.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn read(target: &Target, options: &Options, link: bool) -> Result<Simulation, Error> {
    let modules = built_in(target);
    let (mut laid, mut defines) = (options.laid.clone(), options.defines.clone());
    if target.layout.loaded_by_tool {
        let structures: Vec<&str> = modules.iter().map(|module| module.symbol.as_str()).collect();
        suse::lay(target, &structures, &options.enabled, &mut laid);
        defines.push(suse::DEFINED.to_owned());
    }
    let files = Files::new(target.roots(), &laid);
    let settings = Settings::of(target)?;
    let root = options.root.clone().unwrap_or(settings.root);
    let config = options.config.as_ref().map_or(settings.config, |config| paths::merged(&root, config));
    if files.kind(&config) != Ok(Kind::File) {
        return Err(Error::NoConfiguration {
            target: target.name.clone(),
            reason: format!("{config} is not there"),
            help: "name one of this machine with --conf, or add the target with the package that has httpd's configuration"
                .to_owned(),
        });
    }
    let variables = settings::variables(&files, &root, &defines, &options.environment);
    let process = link.then(|| Process::start(target, &files)).transpose()?;
    let program = target.program.as_ref().and_then(|program| program.file_name()).unwrap_or_default();
    let mut server = Server::new(target, files, program.to_string_lossy().into_owned(), root, variables);
    server.modules = modules;
    server.process = process;
    let ended = server.start(&config, options);
    let verdict = match ended {
        Ok(()) => Verdict::Accepted,
        Err(End { stop, said }) => {
            let advice = if link { advice::of(target, options, &stop) } else { String::new() };
            Verdict::Refused(Refused {
                place: stop.place,
                said,
                message: stop.inner,
                cause: stop.cause,
                advice,
            })
        }
    };
    let built_in = server.modules.iter().filter(|module| module.built_in);
    Ok(Simulation {
        config,
        built_in: built_in.map(|module| module.symbol.clone()).collect(),
        files: server.read,
        loads: server.loads,
        warnings: server.warnings,
        notes: server.notes,
        limits: server.limits,
        verdict,
    })
}

/// The modules of the program.
fn built_in(target: &Target) -> Vec<reader::Module> {
    let program = target.program.as_ref().and_then(|program| target.objects().open(program).ok());
    program.map(|program| structures::built_in(&program, target.cookie)).unwrap_or_default()
}

/// Bytes of an entry of httpd's log, its end of line apart (MAX_STRING_LEN of httpd.h).
const LONGEST_ENTRY: usize = 8190;

/// A message as httpd logs it: control characters and backslashes are escaped, and all beyond 8 KiB is cut off
/// (`ap_escape_errorlog_item`).
fn logged(message: &str) -> String {
    let mut entry = String::with_capacity(message.len());
    for byte in message.bytes() {
        let before = entry.len();
        match byte {
            b'\n' => entry.push_str("\\n"),
            b'\r' => entry.push_str("\\r"),
            b'\t' => entry.push_str("\\t"),
            0x08 => entry.push_str("\\b"),
            0x0b => entry.push_str("\\v"),
            b'\\' => entry.push_str("\\\\"),
            b' '..=b'~' => entry.push(char::from(byte)),
            _ => entry.push_str(&format!("\\x{byte:02x}")),
        }
        if entry.len() > LONGEST_ENTRY {
            entry.truncate(before);
            break;
        }
    }
    entry
}

/// How httpd ends.
struct End {
    stop: Stop,
    /// As it prints it.
    said: String,
}

impl Server<'_> {
    /// All that `httpd -t` does with the directives that act while they are read (main.c, config.c: `ap_read_config`).
    fn start(&mut self, config: &str, options: &Options) -> Result<(), End> {
        let program = self.program.clone();
        let plain = |stop: Stop| {
            let crashes = stop.cause == Cause::Crash;
            let said =
                if crashes { stop.message.clone() } else { logged(&format!("{program}: {}", stop.message)) };
            End { stop, said }
        };
        self.commands(&options.before).map_err(plain)?;
        self.file(config).map_err(plain)?;
        if self.dialect.is_2_4 {
            self.demand_one_mpm()?;
        }
        self.commands(&options.after).map_err(plain)?;
        let Some((place, name)) = self.unknown.first().cloned() else { return Ok(()) };
        let message = format!(
            "Invalid command '{name}', perhaps misspelled or defined by a module not included in the server configuration"
        );
        let number = if self.dialect.is_2_4 { "AH00526: " } else { "" };
        // Two entries of the log.
        let first = format!("{number}Syntax error on line {} of {}:", place.line, place.file);
        let said = format!("{}\n{}", logged(&first), logged(&message));
        let mut stop = Stop::configuration(message);
        stop.place = Some(place);
        Err(End { stop, said })
    }

    fn demand_one_mpm(&self) -> Result<(), End> {
        let message = match self.modules.iter().filter(|module| module.is_mpm).count() {
            1 => return Ok(()),
            // Whether a file that was not looked at has one is not known.
            _ if self.process.is_none() => return Ok(()),
            0 => "No MPM loaded.",
            _ => "More than one MPM loaded.",
        };
        let said = format!("AH00534: {}: Configuration error: {message}", self.program);
        Err(End { stop: Stop::new(Cause::Mpm, message), said })
    }
}
