use std::process::ExitCode;

use super::args::verify::Verify;
use super::each::Each;
use super::generate::print;
use crate::error::Kind;
use crate::report::Reporter;
use crate::{Error, pipeline};

pub fn run(args: &Verify, reporter: &dyn Reporter) -> Result<ExitCode, Error> {
    let releases = pipeline::releases(&args.releases)?;
    let mut each = Each::new(reporter, args.json);
    let mut first = true;
    pipeline::verify(&args.packages, &args.key, &releases, reporter, &mut |file, verified| {
        let verified = match verified {
            Ok(verified) => verified,
            Err(error) => return each.unread(file, error),
        };
        if !verified.is_accepted() {
            each.note(Kind::Input);
        }
        if args.json {
            let mut text = serde_json::to_string(&verified).expect("a verdict is plain data");
            text.push('\n');
            return print(text.as_bytes());
        }
        let separator = if std::mem::take(&mut first) { "" } else { "\n" };
        print(format!("{separator}{}", verified.text()).as_bytes())
    })?;
    Ok(each.code())
}
