use super::args::{Overlay, OverlayCommand};
use crate::Error;
use crate::pipeline::{self, WorkTree};
use crate::report::Reporter;

pub fn run(args: &Overlay, reporter: &dyn Reporter) -> Result<(), Error> {
    match &args.command {
        OverlayCommand::Start(args) => {
            let request = args.of.request(args.base.as_deref(), args.offline)?;
            let tree = WorkTree { dir: args.of.dir(&request), key: args.key.clone(), new: args.new };
            pipeline::overlay_start(&request, &tree, reporter)
        }
        OverlayCommand::Save(args) => {
            let request = args.of.request(None, true)?;
            pipeline::overlay_save(&request, &args.of.dir(&request), args.message.as_deref(), reporter)
        }
    }
}
