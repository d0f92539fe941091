use super::args::BuildModule;
use crate::pipeline::{self, Check, Packaging};
use crate::report::Reporter;
use crate::{Error, sign};

pub fn run(args: &BuildModule, reporter: &dyn Reporter) -> Result<(), Error> {
    let request = args.what.request_for_each()?;
    let packaging = Packaging {
        out: args.out.clone(),
        key: args.key.spec()?.unwrap_or(sign::KeySpec::Development),
        environment: args.key.environment()?,
        release: args.release,
        check: if args.no_check { Check::Skip } else { Check::Run },
        keep: args.keep,
    };
    match &args.what.target[..] {
        [_, _, ..] => pipeline::build_for(&request, &args.what.target, &packaging, reporter),
        _ => pipeline::build(&request, &packaging, reporter),
    }
}
