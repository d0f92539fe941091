use std::process::ExitCode;

use super::args::verify::Verify;
use super::generate::print;
use crate::error::Kind;
use crate::report::Reporter;
use crate::{Error, pipeline};

pub fn run(args: &Verify, reporter: &dyn Reporter) -> Result<ExitCode, Error> {
    let releases = pipeline::releases(&args.releases)?;
    let mut accepted = true;
    let mut first = true;
    pipeline::verify(&args.packages, &args.key, &releases, reporter, &mut |verified| {
        accepted &= verified.is_accepted();
        if args.json {
            let mut text = serde_json::to_string(&verified).expect("a verdict is plain data");
            text.push('\n');
            return print(text.as_bytes());
        }
        let separator = if std::mem::take(&mut first) { "" } else { "\n" };
        print(format!("{separator}{}", verified.text()).as_bytes())
    })?;
    Ok(if accepted { ExitCode::SUCCESS } else { ExitCode::from(Kind::Input.exit_code()) })
}
