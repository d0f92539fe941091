mod add;
mod diff;
mod list;
mod show;
mod simulate;

use std::process::ExitCode;

use super::args::target::{Remove, Target, TargetCommand};
use crate::report::Reporter;
use crate::target::store::{Name, Store};
use crate::{Error, paths, pipeline, target};

pub fn run(args: &Target, reporter: &dyn Reporter) -> Result<ExitCode, Error> {
    match &args.command {
        TargetCommand::Add(args) => add::run(args, reporter),
        TargetCommand::Diff(args) => return diff::run(args, reporter),
        TargetCommand::Pack(args) => pipeline::pack_target(&args.name, &args.out, reporter),
        TargetCommand::List(args) => list::run(args, reporter),
        TargetCommand::Show(args) => show::run(args, reporter),
        TargetCommand::Simulate(args) => simulate::run(args, reporter),
        TargetCommand::Remove(args) => remove(args, reporter),
    }?;
    Ok(ExitCode::SUCCESS)
}

fn remove(args: &Remove, reporter: &dyn Reporter) -> Result<(), Error> {
    let store = Store::of(&paths::cache());
    let name = Name::parse(&args.name).map_err(target::Error::from)?;
    if !store.remove(&name)? {
        return Err(store.unknown(&args.name, None).map_err(target::Error::from)?.into());
    }
    reporter.note(format!("removed the target {name}"));
    Ok(())
}
