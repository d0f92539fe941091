//! The services' own clients: where they come from, and how they are run.

use std::collections::VecDeque;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;
use std::time::Duration;

use serde::Deserialize;

use super::Error;
use crate::process::{self, Stream};
use crate::rpm;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    client: Vec<Known>,
}

/// A program, as templates/submit-clients.toml has it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    program: String,
    engine: String,
    #[serde(default)]
    needs: Vec<String>,
    packages: Vec<(String, String)>,
    note: String,
}

static KNOWN: LazyLock<Vec<Known>> = LazyLock::new(|| {
    let text = include_str!("../../templates/submit-clients.toml");
    let data: Table = toml::from_str(text)
        .unwrap_or_else(|error| panic!("submit-clients.toml is embedded and tested: {error}"));
    data.client
});

/// How many of its last lines are shown of what a client said.
const SHOWN: usize = 12;

/// A client that is asked once may think so long: it uploads or fetches, which takes as long as the network does.
const PATIENCE: Duration = Duration::from_secs(60 * 60);

/// How clients are run.
pub struct Clients<'a> {
    /// Where they run: what they write without being told where stays in it.
    pub folder: &'a Path,
    /// Gets what they say, line by line.
    pub tell: &'a dyn Fn(&str),
    /// How long a build is followed.
    pub limit: Duration,
}

/// How a client ended that was followed.
pub struct Ended {
    /// Whether it was content.
    pub success: bool,
    /// Its last lines.
    pub said: Vec<String>,
}

impl Clients<'_> {
    /// Whether a client and what it calls is there. It is asked for its version, which needs no configuration.
    ///
    /// # Errors
    /// [`Error::Missing`], for the first that is not.
    pub fn demand(&self, program: &str) -> Result<(), Error> {
        let needs = KNOWN.iter().find(|known| known.program == program).map(|known| &known.needs[..]);
        for name in std::iter::once(program).chain(needs.unwrap_or_default().iter().map(String::as_str)) {
            // What it says, and whether it knows that option, is all one.
            process::output(&mut self.command(name, |command| command.arg("--version")), PATIENCE)
                .map_err(failed)?;
        }
        Ok(())
    }

    /// A client to be run.
    pub fn command(&self, program: &str, with: impl FnOnce(&mut Command) -> &mut Command) -> Command {
        let mut command = Command::new(program);
        // Its words are read; and it writes them when it has them, not when a buffer is full.
        command.env("LC_ALL", "C.UTF-8").env("PYTHONUNBUFFERED", "1").current_dir(self.folder);
        with(&mut command);
        command
    }

    /// Runs a client to its end and returns what it wrote on stdout.
    ///
    /// # Errors
    /// [`Error::Client`] where it was not content; [`Error::Missing`], [`Error::Process`], [`Error::Interrupted`].
    pub fn answer(&self, command: Command, doing: &str) -> Result<String, Error> {
        self.answer_in(command, doing, PATIENCE)
    }

    /// As [`answer`](Self::answer), for what may take until `limit`.
    ///
    /// # Errors
    /// As [`answer`](Self::answer).
    pub fn answer_in(&self, mut command: Command, doing: &str, limit: Duration) -> Result<String, Error> {
        let mut stdout = String::new();
        let mut said = Last::default();
        let status = process::lines(&mut command, limit, &mut |stream, line| {
            if stream == Stream::Stdout {
                stdout.push_str(line);
                stdout.push('\n');
            }
            self.heard(line, &mut said);
        });
        if status.map_err(failed)?.success() {
            return Ok(stdout);
        }
        let program = command.get_program().to_string_lossy().into_owned();
        Err(Error::Client { program, doing: doing.to_owned(), said: said.lines() })
    }

    /// Runs a client that waits for a build, to its end.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Process`], [`Error::Interrupted`].
    pub fn follow(&self, mut command: Command) -> Result<Ended, Error> {
        let mut said = Last::default();
        let status = process::lines(&mut command, self.limit, &mut |_, line| self.heard(line, &mut said));
        Ok(Ended { success: status.map_err(failed)?.success(), said: said.lines() })
    }

    fn heard(&self, line: &str, said: &mut Last) {
        let line = rpm::plain(line.trim_end());
        if !line.trim().is_empty() {
            (self.tell)(&line);
            said.push(line);
        }
    }
}

/// Some last lines.
#[derive(Default)]
pub(super) struct Last(VecDeque<String>);

impl Last {
    pub(super) fn push(&mut self, line: String) {
        if self.0.len() == SHOWN {
            self.0.pop_front();
        }
        self.0.push_back(line);
    }

    pub(super) fn lines(self) -> Vec<String> {
        self.0.into()
    }
}

fn failed(error: process::Error) -> Error {
    match error {
        process::Error::Missing { program } => Error::Missing { help: help(&program), program },
        process::Error::Interrupted => Error::Interrupted { builds: Vec::new(), help: None },
        error => Error::Process(error),
    }
}

/// Which package of which distribution has a program.
fn help(program: &str) -> String {
    let Some(known) = KNOWN.iter().find(|known| known.program == program) else {
        return format!("install the package that has `{program}`");
    };
    let packages: Vec<String> =
        known.packages.iter().map(|(from, package)| format!("{package} ({from})")).collect();
    format!("`modgraft submit {}` needs it; install {}; {}", known.engine, packages.join(", "), known.note)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_client_and_what_it_needs_is_known() {
        for known in KNOWN.iter() {
            assert!(!known.packages.is_empty(), "{}", known.program);
            for needed in &known.needs {
                assert!(KNOWN.iter().any(|other| other.program == *needed), "{needed}");
            }
        }
        for engine in ["mock", "copr", "koji", "obs"] {
            assert!(KNOWN.iter().any(|known| known.engine == engine));
        }
        assert!(help("osc").contains("osc (Debian)"), "{}", help("osc"));
    }
}
