use super::args::BuildModule;
use crate::pipeline::{self, Check, Packaging};
use crate::recipe::Input;
use crate::report::Reporter;
use crate::target::store::LOCK_FILE;
use crate::{Error, sign};

pub fn run(args: &BuildModule, reporter: &dyn Reporter) -> Result<(), Error> {
    let mut request = args.what.request_for_each()?;
    if args.locked {
        let own = || match &request.input {
            Input::Recipe(file) => pipeline::lock_file(&file.with_file_name("..")),
            _ => LOCK_FILE.into(),
        };
        request.locked = Some(args.lock.clone().unwrap_or_else(own));
    }
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
