use super::args::ci::{Ci, CiCommand, Init};
use crate::Error;
use crate::ci::{self, Origin};
use crate::report::{Event, Reporter};

pub fn run(args: &Ci, reporter: &dyn Reporter) -> Result<(), Error> {
    let CiCommand::Init(Init { service, dir, targets, git, rev, force, .. }) = &args.command;
    let origin = match (git, rev) {
        (Some(git), Some(rev)) => Some(Origin::parse(git, rev)?),
        _ => None,
    };
    let file = ci::init(service.service(), dir, targets, origin.as_ref(), *force)?;
    reporter.note("it says on top which variables and secrets it takes".to_owned());
    reporter.event(Event::Results { files: vec![file] });
    Ok(())
}
