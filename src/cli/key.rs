use super::args::key::{Certify, Key, KeyCommand};
use crate::report::Reporter;
use crate::{Error, pipeline, sign};

pub fn run(args: &Key, reporter: &dyn Reporter) -> Result<(), Error> {
    match &args.command {
        KeyCommand::Certify(args) => certify(args, reporter),
    }
}

fn certify(args: &Certify, reporter: &dyn Reporter) -> Result<(), Error> {
    let spec = sign::KeySpec::parse(&args.key)?;
    pipeline::certify(&spec, &args.unlock.environment()?, &args.user_id, &args.out, reporter)
}
