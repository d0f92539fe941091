use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use super::args::repo::{Check, Publish, Repo, RepoCommand};
use super::generate::{print, print_json};
use crate::error::Kind;
use crate::pipeline::SigningKey;
use crate::profile::Profile;
use crate::publish::{Problem, Request};
use crate::report::Reporter;
use crate::sign::KeySpec;
use crate::{Error, pipeline};

pub fn run(args: &Repo, reporter: &dyn Reporter) -> Result<ExitCode, Error> {
    match &args.command {
        RepoCommand::Publish(args) => publish(args, reporter),
        RepoCommand::Check(args) => check(args, reporter),
    }
}

fn publish(args: &Publish, reporter: &dyn Reporter) -> Result<ExitCode, Error> {
    let spec = args.signer.spec()?.unwrap_or(KeySpec::Development);
    let key = SigningKey::new(spec, args.signer.environment()?);
    let serve = args.serve.iter().map(|word| profile(word)).collect::<Result<_, _>>()?;
    let request = Request {
        folder: args.folder.clone(),
        packages: args.packages.clone(),
        remove: args.remove.clone(),
        serve,
        base_url: args.base_url.clone(),
        name: args.name.clone(),
        keys: args.key.clone(),
        keep: args.keep,
        full: args.full,
        replace: args.replace,
        allow_unsigned: args.allow_unsigned,
        take_over: args.take_over,
        wait: args.wait,
        time: None,
    };
    pipeline::publish(request, &key, reporter)?;
    Ok(ExitCode::SUCCESS)
}

/// A line for each problem, on stdout; each is told, so that the exit code says the rest.
fn check(args: &Check, reporter: &dyn Reporter) -> Result<ExitCode, Error> {
    let checked = pipeline::check_repository(&args.folder, &args.key, args.wait, reporter)?;
    if args.json {
        print_json(&serde_json::to_value(&checked).expect("what was found is plain data"))?;
    } else {
        let line = |problem: &Problem| format!("{}: {}\n", problem.file.escape_debug(), problem.problem);
        print(checked.problems.iter().map(line).collect::<String>().as_bytes())?;
    }
    let good = checked.problems.is_empty();
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::from(Kind::Input.exit_code()) })
}

/// The profile that a word names: a built-in one's name, or a file's path.
fn profile(word: &str) -> Result<Arc<Profile>, Error> {
    Ok(Profile::find(word, Path::new(""))?)
}
