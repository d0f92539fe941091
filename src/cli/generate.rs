//! What comes from the definitions themselves: man pages, completions, the recipe's schema.

use std::io;
use std::path::Path;

use clap::CommandFactory;

use super::args::CommandLine;
use crate::report::stdout;
use crate::{Error, pipeline, recipe};

/// Writes to stdout; a closed pipe (`| head`) is no error.
pub fn print(bytes: &[u8]) -> Result<(), Error> {
    Ok(stdout::write(bytes).map_err(pipeline::Error::Stdout)?)
}

/// Writes a value to stdout, indented.
pub fn print_json(value: &serde_json::Value) -> Result<(), Error> {
    print(format!("{value:#}\n").as_bytes())
}

pub fn schema() -> Result<(), Error> {
    print(recipe::schema::json().as_bytes())
}

pub fn completions(shell: clap_complete::Shell) -> Result<(), Error> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut CommandLine::command(), "modgraft", &mut script);
    print(&script)
}

pub fn man(dir: Option<&Path>) -> Result<(), Error> {
    let io = |error: io::Error| Error::from(pipeline::Error::from(error));
    match dir {
        Some(dir) => {
            fs_err::create_dir_all(dir).map_err(io)?;
            clap_mangen::generate_to(CommandLine::command(), dir).map_err(io)
        }
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(CommandLine::command()).render(&mut page).map_err(io)?;
            print(&page)
        }
    }
}
