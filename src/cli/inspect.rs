use super::args::Inspect;
use super::generate::print;
use crate::{Error, rpm};

pub fn run(args: &Inspect) -> Result<(), Error> {
    for package in &args.packages {
        let inspection = rpm::inspect(package)?;
        if args.json {
            let mut text = serde_json::to_string_pretty(&inspection).expect("an inspection is plain data");
            text.push('\n');
            print(text.as_bytes())?;
        } else {
            print(inspection.text().as_bytes())?;
        }
    }
    Ok(())
}
