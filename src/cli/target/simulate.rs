//! What a target's httpd would say of its configuration.

use std::path::Path;

use crate::cli::args::target::Simulate;
use crate::cli::generate::{print, print_json};
use crate::loader::{self, Options};
use crate::report::Reporter;
use crate::target::{self, Target};
use crate::{Error, paths};

pub fn run(args: &Simulate, reporter: &dyn Reporter) -> Result<(), Error> {
    let options = target::Options { offline: true, ..target::Options::new(paths::cache()) };
    let target = target::resolve(&args.name, &options, &|text| reporter.note(text))?;
    let simulation = loader::simulate(&target, &over(args, &target)?)?;
    if args.json {
        print_json(&serde_json::to_value(&simulation).expect("a simulation is plain data"))?;
    } else {
        print(simulation.text().as_bytes())?;
    }
    match simulation.refused() {
        None => Ok(()),
        Some(refused) => {
            Err(loader::Error::Refused { said: refused.said.clone(), advice: refused.advice.clone() }.into())
        }
    }
}

/// What is laid over the target.
fn over(args: &Simulate, target: &Target) -> Result<Options, loader::Error> {
    let mut options = Options { defines: args.define.clone(), ..Options::default() };
    for module in &args.module {
        options.install_module(target, &file_name(module), module);
    }
    for drop_in in &args.drop_in {
        // `FILE=/PATH`, or a file for the folder of drop-ins.
        let (file, path) = match drop_in.split_once("=/") {
            Some((file, path)) => (Path::new(file), format!("/{path}")),
            None => {
                let file = Path::new(drop_in);
                let folder = target.layout.load_file.rsplit_once('/').map_or("", |(folder, _)| folder);
                (file, format!("{folder}/{}", file_name(file)))
            }
        };
        let text = fs_err::read(file)?;
        options.install(target, &path, &String::from_utf8_lossy(&text))?;
    }
    if let Some(config) = &args.conf {
        let path = fs_err::canonicalize(config)?.to_string_lossy().into_owned();
        options.laid.insert(path.clone(), loader::Laid::File(config.clone()));
        options.config = Some(path);
    }
    Ok(options)
}

fn file_name(file: &Path) -> String {
    file.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
