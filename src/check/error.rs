use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use miette::{Diagnostic, NamedSource, SourceSpan};

use super::result::{CheckResult, Outcome};
use crate::error::Kind;
use crate::process;
use crate::recipe::check::Mpm;
use crate::target;

/// Why the module was not shown to work.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum Error {
    /// A file could not be read or written; the message names it.
    #[error("{0}")]
    #[diagnostic(code(modgraft::io))]
    Io(#[from] std::io::Error),
    /// httpd itself is not there, or cannot be run on this machine.
    #[error("the target's httpd cannot be run here: {0}")]
    #[diagnostic(
        code(modgraft::check::not_runnable),
        help("run the check where that httpd is installed, or leave it out with `--no-check`")
    )]
    NotRunnable(process::Error),
    /// The target's C library did not find what it opens when a thread ends, and no file names.
    #[error("the target's httpd cannot be run here: {said}")]
    #[diagnostic(
        code(modgraft::check::libgcc),
        help("add the target again, with --force and the package that has it: {}", target::LIBGCC_PACKAGES)
    )]
    NoLibgcc {
        /// In the C library's words.
        said: String,
    },
    /// Ctrl-C or SIGTERM.
    #[error("interrupted")]
    #[diagnostic(code(modgraft::interrupted))]
    Interrupted,
    /// A path that httpd's configuration cannot express.
    #[error("httpd's configuration cannot name the path {}", .0.display())]
    #[diagnostic(
        code(modgraft::check::path),
        help(
            "it has a line break, `${{`, or is not UTF-8: choose another folder, for temporary files by TMPDIR"
        )
    )]
    Path(PathBuf),
    /// `config` or `directive` of a check is no template, or names what is not there.
    #[error("check `{check}`: {problem}")]
    #[diagnostic(
        code(modgraft::check::template),
        help(
            "known are {{{{port}}}}, {{{{root}}}}, {{{{backend.http}}}}, {{{{backend.websocket}}}} and {{{{backend.closed}}}}"
        )
    )]
    Template {
        /// The check.
        check: String,
        /// What is wrong.
        problem: String,
        /// The template.
        #[source_code]
        text: NamedSource<Arc<str>>,
        /// The place, where it is known.
        #[label("here")]
        place: Option<SourceSpan>,
    },
    /// A module that must be loaded is no file of the target, nor built into its httpd.
    #[error("{wanted} needs {file}, which the target does not have in {}", .folder.display())]
    #[diagnostic(
        code(modgraft::check::missing_module),
        help(
            "install the package of the target's httpd that has this module; `modules` of a check has names without `mod_`"
        )
    )]
    MissingModule {
        /// Who wants it: `the module`, or a check.
        wanted: String,
        /// `mod_proxy.so`.
        file: String,
        /// Where it was looked for.
        folder: PathBuf,
    },
    /// The target's httpd cannot run in the way that a check asks for.
    #[error("the target's httpd has no MPM {}", .wanted.map_or("at all", Mpm::name))]
    #[diagnostic(
        code(modgraft::check::no_mpm),
        help("leave `mpm` out of the check, and httpd runs as this target prefers")
    )]
    NoMpm {
        /// What was asked for.
        wanted: Option<Mpm>,
    },
    /// The package's own configuration does not load its module.
    #[error(
        "the package's configuration has no `LoadModule {symbol} …`, so httpd would never load the module"
    )]
    #[diagnostic(
        code(modgraft::check::not_loaded),
        help("if the recipe replaces the drop-in's text, put the LoadModule line back")
    )]
    NotLoaded {
        /// The module structure.
        symbol: String,
    },
    /// `httpd -t` ended with a failure.
    #[error("httpd refuses its configuration with the module ({status}):\n{reason}")]
    #[diagnostic(
        code(modgraft::check::refused),
        help(
            "this is httpd's own reason; `undefined symbol` means that the target has no such function, or loads its module later"
        )
    )]
    Refused {
        /// Exit code or signal, in words.
        status: String,
        /// What httpd said, without the folder of the check.
        reason: String,
        /// The configuration that httpd speaks of.
        #[source_code]
        text: NamedSource<Arc<str>>,
        /// The line, where httpd names one.
        #[label("this line")]
        place: Option<SourceSpan>,
    },
    /// `httpd -t` did not end.
    #[error("`httpd -t` with the module did not end within {:.1} s and was killed", .limit.as_secs_f64())]
    #[diagnostic(
        code(modgraft::check::spins),
        help(
            "a hook of the module may wait for itself: look at the order that it asks for when it registers its hooks"
        )
    )]
    Spins {
        /// What it was given.
        limit: Duration,
    },
    /// `httpd -t` did not end where a module of the target is loaded besides, and did without.
    #[error(
        "with the target's {neighbour} loaded as well, `httpd -t` did not end within {:.1} s and was killed", .limit.as_secs_f64()
    )]
    #[diagnostic(
        code(modgraft::check::circle),
        help(
            "most likely each of the two asks to come before the other in one hook, as releases have them in different orders: compare the names \
             that the module gives when it registers its hooks with those of the target's release"
        )
    )]
    Circle {
        /// `mod_proxy`.
        neighbour: String,
        /// What it was given.
        limit: Duration,
    },
    /// httpd ended before it could be asked anything.
    #[error("httpd with the module ended while it started ({status}){}", excerpt(.log))]
    #[diagnostic(code(modgraft::check::ended), help("{}", help_of_ended(.named, .log)))]
    Ended {
        /// Exit code or signal, in words.
        status: String,
        /// The end of its log.
        log: String,
        /// Modules that the log names, that the target has and that were not loaded: `mod_session`.
        named: Vec<String>,
    },
    /// httpd did not come up.
    #[error("httpd with the module was not ready within {:.1} s{}", .limit.as_secs_f64(), excerpt(.log))]
    #[diagnostic(
        code(modgraft::check::not_ready),
        help("a hook that runs when a process starts may never return")
    )]
    NotReady {
        /// What it was given.
        limit: Duration,
        /// The end of its log.
        log: String,
    },
    /// httpd served, and did not after it had read its configuration anew.
    #[error("httpd with the module {problem} as it read its configuration again{}", excerpt(.log))]
    #[diagnostic(
        code(modgraft::check::restart),
        help(
            "a reload does the same, as whenever logs are rotated: what the module keeps from one configuration to the next may point to memory \
             that is gone"
        )
    )]
    Restart {
        /// What happened, in words.
        problem: String,
        /// The end of its log.
        log: String,
    },
    /// There was no port to listen at.
    #[error("no free port was found in {attempts} attempts: each was taken before httpd could listen at it")]
    #[diagnostic(code(modgraft::check::no_port), help("try again"))]
    NoPort {
        /// How many were tried.
        attempts: usize,
    },
    /// httpd did load the module, and a check was answered wrongly, or a process of httpd crashed.
    #[error("{}", failures(.result, .crashes, .log))]
    #[diagnostic(
        code(modgraft::check::failed),
        help(
            "with `--keep` the folder that httpd ran in, configuration and logs included, is left for you to look at"
        )
    )]
    Failed {
        /// Every check.
        result: CheckResult,
        /// What httpd said about processes of it that crashed.
        crashes: Vec<String>,
        /// The end of the log of each httpd that had a failure.
        log: String,
    },
}

impl Error {
    /// The kind, which decides the exit code.
    pub fn kind(&self) -> Kind {
        match self {
            Error::Io(_)
            | Error::NotRunnable(_)
            | Error::NoLibgcc { .. }
            | Error::Path(_)
            | Error::NoPort { .. } => Kind::Environment,
            Error::Interrupted => Kind::Interrupted,
            Error::Template { .. } => Kind::Input,
            Error::MissingModule { .. }
            | Error::NoMpm { .. }
            | Error::NotLoaded { .. }
            | Error::Refused { .. }
            | Error::Spins { .. }
            | Error::Circle { .. }
            | Error::Ended { .. }
            | Error::NotReady { .. }
            | Error::Restart { .. }
            | Error::Failed { .. } => Kind::Check,
        }
    }
}

fn help_of_ended(named: &[String], log: &str) -> String {
    if named.is_empty() && log.is_empty() {
        return "where it was not killed from outside, the module ends it without a word: with `--keep` the folder that httpd ran in is left, \
                and the `httpd` of the target can be started there by hand, as `httpd -X -e debug -f …/conf/httpd.conf`"
            .to_owned();
    }
    if named.is_empty() {
        return "the reason is in httpd's log, most often in the last line of it".to_owned();
    }
    let quoted: Vec<String> = named.iter().map(|name| format!("\"{name}\"")).collect();
    format!(
        "the log names {}, which the target has and which was not loaded: where the module cannot do without, \
         `requires = [{}]` in a recipe has it loaded first, here and where the package is installed (`modgraft new` starts a recipe)",
        named.join(" and "),
        quoted.join(", ")
    )
}

fn excerpt(log: &str) -> String {
    if log.is_empty() {
        return "; it said nothing".to_owned();
    }
    format!("; its log ends with:\n{}", indented(log))
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

fn failures(result: &CheckResult, crashes: &[String], log: &str) -> String {
    let failed: Vec<String> = result
        .checks
        .iter()
        .filter_map(|check| match &check.outcome {
            Outcome::Passed => None,
            Outcome::Failed(reason) => Some(format!("{}: {reason}", check.name)),
        })
        .collect();
    let what = if failed.is_empty() {
        "httpd crashed, though all checks were answered".to_owned()
    } else {
        format!("{} of {} checks failed", failed.len(), result.checks.len())
    };
    let crashes = crashes.iter().map(|crash| format!("httpd: {crash}"));
    let told: Vec<String> = failed.into_iter().chain(crashes).collect();
    // The first of them in the first line, which is all that summaries have room for.
    let mut text = format!("{what}: {}", told.join("\n  "));
    if !log.is_empty() {
        text.push_str(&format!("\nhttpd's log:\n{}", indented(log)));
    }
    text
}
