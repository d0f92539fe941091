use std::process::ExitCode;

use super::DIFFERS;
use super::args::rebuild::Rebuild;
use super::generate::{print, print_json};
use crate::Error;
use crate::pipeline::{self, Rebuilding, SigningKey};
use crate::report::Reporter;
use crate::sign::KeySpec;

pub fn run(args: &Rebuild, reporter: &dyn Reporter) -> Result<ExitCode, Error> {
    let asked = Rebuilding {
        package: args.package.clone(),
        srpm: args.srpm.clone(),
        provenance: args.provenance.clone(),
        target: args.target.clone(),
        offline: args.offline,
    };
    let key = SigningKey::new(args.key.spec()?.unwrap_or(KeySpec::None), args.key.environment()?);
    let rebuilt = pipeline::rebuild(&asked, &key, reporter)?;
    if args.json {
        print_json(&serde_json::to_value(&rebuilt).expect("what was found is plain data"))?;
    } else {
        print(rebuilt.text().as_bytes())?;
    }
    Ok(if rebuilt.is_same() { ExitCode::SUCCESS } else { ExitCode::from(DIFFERS) })
}
