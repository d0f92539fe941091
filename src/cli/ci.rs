use super::args::ci::{Ci, CiCommand, Init};
use crate::report::{Event, Reporter};
use crate::{Error, ci};

pub fn run(args: &Ci, reporter: &dyn Reporter) -> Result<(), Error> {
    let CiCommand::Init(Init { service, dir, targets, force, .. }) = &args.command;
    let file = ci::init(service.service(), dir, targets, *force)?;
    reporter.note("it says on top which variables and secrets it takes".to_owned());
    reporter.event(Event::Results { files: vec![file] });
    Ok(())
}
