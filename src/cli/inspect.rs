use std::path::Path;
use std::process::ExitCode;

use serde::Serialize;

use super::args::Inspect;
use super::each::Each;
use super::generate::print;
use crate::report::Reporter;
use crate::{Error, rpm};

/// What one line of JSON says.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(serialize_with = "crate::report::path")]
    file: &'a Path,
    #[serde(flatten)]
    inspection: rpm::Inspection,
}

pub fn run(args: &Inspect, reporter: &dyn Reporter) -> Result<ExitCode, Error> {
    let mut each = Each::new(reporter, args.json);
    for package in &args.packages {
        match rpm::inspect(package) {
            Ok(inspection) if args.json => {
                let line = Line { file: package, inspection };
                let mut line = serde_json::to_string(&line).expect("an inspection is plain data");
                line.push('\n');
                print(line.as_bytes())?;
            }
            Ok(inspection) => print(inspection.text().as_bytes())?,
            Err(error) => each.unread(package, error.into())?,
        }
    }
    Ok(each.code())
}
