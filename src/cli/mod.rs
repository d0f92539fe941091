//! What was typed, and what it means: one file a subcommand, and the definitions in one place, from which help, man
//! pages and completions come.

mod args;
mod build_all;
mod build_module;
mod cache;
mod check;
mod ci;
mod each;
mod explain;
mod flatten;
mod generate;
mod inspect;
mod key;
mod lint;
mod new;
mod overlay;
mod rebuild;
mod repo;
mod resign;
mod sign;
mod submit;
mod target;
mod update;
mod verify;

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};

use crate::report::{Json, Reporter, Terminal};
use crate::{Error, environment, pipeline, process};
use args::{Command, CommandLine};

/// The exit code where a comparison found a difference, as git and diff have it.
const DIFFERS: u8 = 1;

/// Parses the command line, runs the command, and returns the exit code of [`crate::error::Kind`].
pub fn main() -> ExitCode {
    if let Err(error) = crate::sign::check_words(std::env::args_os()) {
        return failed(&Terminal::new(false), &error.into());
    }
    // clap prints usage errors and help itself, and ends with 2 or 0.
    let typed = environment::without_empty(CommandLine::command()).get_matches();
    let CommandLine { command } = CommandLine::from_arg_matches(&typed).unwrap_or_else(|error| error.exit());
    environment::settle();
    let reporter: Box<dyn Reporter> = match command.voice() {
        args::Voice { json: true, .. } => Box::new(Json::default()),
        args::Voice { verbose, .. } => Box::new(Terminal::new(verbose)),
    };
    if let Err(error) = process::handle_signals() {
        reporter.warning(format!("Ctrl-C will leave temporary files behind: {error}"));
    }
    match run(command, reporter.as_ref()) {
        Ok(code) => match reporter.end() {
            Ok(()) => code,
            // Where results cannot go, neither can what a machine reads.
            Err(error) => failed(&Terminal::new(false), &pipeline::Error::Stdout(error).into()),
        },
        Err(error) => failed(reporter.as_ref(), &error),
    }
}

fn failed(reporter: &dyn Reporter, error: &Error) -> ExitCode {
    reporter.failure(error);
    ExitCode::from(error.kind().exit_code())
}

fn run(command: Command, reporter: &dyn Reporter) -> Result<ExitCode, Error> {
    match command {
        Command::Target(args) => return target::run(&args, reporter),
        Command::Repo(args) => return repo::run(&args, reporter),
        Command::BuildModule(args) => build_module::run(&args, reporter),
        Command::BuildAll(args) => build_all::run(&args, reporter),
        Command::Cache(args) => cache::run(&args),
        Command::New(args) => new::run(&args, reporter),
        Command::Lint(args) => return lint::run(&args, reporter),
        Command::Flatten(args) => flatten::run(&args, reporter),
        Command::Check(args) => check::run(&args, reporter),
        Command::Overlay(args) => overlay::run(&args, reporter),
        Command::Sign(args) => sign::run(&args, reporter),
        Command::Resign(args) => resign::run(&args, reporter),
        Command::Explain(args) => explain::run(&args),
        Command::Submit(args) => submit::run(&args, reporter),
        Command::Ci(args) => ci::run(&args, reporter),
        Command::Inspect(args) => return inspect::run(&args, reporter),
        Command::Key(args) => return key::run(&args, reporter),
        Command::Update(args) => update::run(&args, reporter),
        Command::Rebuild(args) => return rebuild::run(&args, reporter),
        Command::Verify(args) => return verify::run(&args, reporter),
        Command::Schema => generate::schema(),
        Command::Completions { shell } => generate::completions(shell),
        Command::Man { dir } => generate::man(dir.as_deref()),
    }?;
    Ok(ExitCode::SUCCESS)
}
