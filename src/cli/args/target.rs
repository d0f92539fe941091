//! `modgraft target …` as it is typed.

use clap::{Args, Subcommand};

use super::Voice;

/// Keep the httpds of other machines and distributions as targets to build for
#[derive(Debug, Args)]
pub struct Target {
    #[command(subcommand)]
    pub command: TargetCommand,
}

#[derive(Debug, Subcommand)]
pub enum TargetCommand {
    List(List),
    Show(Show),
    Remove(Remove),
}

impl Target {
    pub fn voice(&self) -> Voice {
        match &self.command {
            TargetCommand::List(_) | TargetCommand::Show(_) | TargetCommand::Remove(_) => {
                Voice { json: false, verbose: false }
            }
        }
    }
}

/// List the targets that were added: httpd, processor, C library, where each came from
#[derive(Debug, Args)]
pub struct List {
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// Print all that is known of a target: versions, folders, apxs's variables, packages
#[derive(Debug, Args)]
pub struct Show {
    /// An added target, `local`, or a folder
    #[arg(value_name = "NAME | DIR")]
    pub name: String,

    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// Remove an added target from the cache; a lock file keeps what it says of it
#[derive(Debug, Args)]
pub struct Remove {
    /// The target
    #[arg(value_name = "NAME")]
    pub name: String,
}
