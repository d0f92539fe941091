use super::args::Flatten;
use crate::report::Reporter;
use crate::{Error, pipeline};

pub fn run(args: &Flatten, reporter: &dyn Reporter) -> Result<(), Error> {
    pipeline::flatten(&args.what.request()?, &args.out, reporter)
}
