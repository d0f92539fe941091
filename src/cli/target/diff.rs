//! What differs between two targets.

use std::path::Path;
use std::process::ExitCode;

use crate::cli::DIFFERS;
use crate::cli::args::target::Diff;
use crate::cli::generate::print;
use crate::report::Reporter;
use crate::{Error, pipeline, recipe};

pub fn run(args: &Diff, reporter: &dyn Reporter) -> Result<ExitCode, Error> {
    let module = args.module.as_ref().map(|module| recipe::find(std::slice::from_ref(module), Path::new("")));
    let module = module.transpose()?;
    let compared = pipeline::diff(&args.old, &args.new, module.as_ref(), args.offline, reporter)?;
    if args.talk.json {
        let mut text = serde_json::to_string_pretty(&compared).expect("a comparison is plain data");
        text.push('\n');
        print(text.as_bytes())?;
    } else {
        print(compared.text(args.talk.verbose).as_bytes())?;
    }
    let differs = args.exit_code && !compared.is_unchanged();
    Ok(if differs { ExitCode::from(DIFFERS) } else { ExitCode::SUCCESS })
}
