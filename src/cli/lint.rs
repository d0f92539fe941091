use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use super::args::recipes::Lint;
use super::generate::print;
use crate::error::Kind;
use crate::lint::{self, LINTS};
use crate::report::{Reporter, diagnostic};
use crate::{Error, pipeline};

pub fn run(args: &Lint, reporter: &dyn Reporter) -> Result<ExitCode, Error> {
    if let Some(name) = &args.explain {
        return explain(name).map(|()| ExitCode::SUCCESS);
    }
    let deny = pipeline::Deny::parse(&args.deny)?;
    let files = pipeline::recipes(&args.recipes, Path::new(""))?;
    let mut first = true;
    let good = pipeline::lint(&files, &deny, reporter, &mut |finding| {
        if args.json {
            return print(finding.json().as_bytes());
        }
        let separator = if std::mem::take(&mut first) { "" } else { "\n" };
        match write!(anstream::stdout().lock(), "{separator}{}", diagnostic::render(finding)) {
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                Err(pipeline::Error::from(error).into())
            }
            _ => Ok(()),
        }
    })?;
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::from(Kind::Input.exit_code()) })
}

fn explain(name: &str) -> Result<(), Error> {
    if name.is_empty() {
        let width = LINTS.iter().map(|lint| lint.name.len()).max().unwrap_or_default();
        let line =
            |lint: &lint::Lint| format!("{:width$}  {:7}  {}\n", lint.name, lint.severity.word(), lint.about);
        return print(LINTS.iter().map(line).collect::<String>().as_bytes());
    }
    let lint = lint::find(name)
        .ok_or_else(|| lint::Error::Unknown { name: name.to_owned(), help: lint::nearest(name) })?;
    let lint::Lint { name, severity, about, why, .. } = lint;
    let mut text = format!("{name} ({})\n{about}.\n\n{why}\n", severity.word());
    if LINTS.iter().any(|lint| lint.name == *name) {
        text.push_str(&format!("\nNot told of where the recipe has:\n\n[lint]\nallow = [\"{name}\"]\n"));
    }
    print(text.as_bytes())
}
