use super::args::Check;
use crate::report::Reporter;
use crate::{Error, pipeline};

pub fn run(args: &Check, reporter: &dyn Reporter) -> Result<(), Error> {
    pipeline::check(&args.what.request()?, args.package.as_deref(), args.keep, reporter)
}
