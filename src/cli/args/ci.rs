//! `modgraft ci …` as it is typed.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{Talk, Voice};
use crate::ci::Service;

/// Write a pipeline that builds, signs and publishes a folder of recipes on every push
#[derive(Debug, Args)]
pub struct Ci {
    #[command(subcommand)]
    pub command: CiCommand,
}

#[derive(Debug, Subcommand)]
pub enum CiCommand {
    Init(Init),
}

impl Ci {
    pub fn voice(&self) -> Voice {
        let CiCommand::Init(args) = &self.command;
        Voice { json: args.talk.json, verbose: args.talk.verbose }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum ServiceName {
    /// .github/workflows/modgraft.yml
    Github,
    /// .gitlab-ci.yml
    Gitlab,
}

impl ServiceName {
    pub fn service(self) -> Service {
        match self {
            ServiceName::Github => Service::GitHub,
            ServiceName::Gitlab => Service::GitLab,
        }
    }
}

/// Write the pipeline's file; it says on top which variables and secrets it takes
#[derive(Debug, Args)]
pub struct Init {
    /// Whose
    #[arg(value_enum)]
    pub service: ServiceName,

    /// The project's folder, which has modules/ and modgraft.lock
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub dir: PathBuf,

    /// What to build for: targets of modgraft.lock, or `local`; all of modgraft.lock where it is missing
    #[arg(long, value_name = "TARGET,…", value_delimiter = ',')]
    pub targets: Vec<String>,

    /// The git address that modgraft comes from, written into the pipeline; without it, variables of the project say so, which
    /// GitHub does not give to pull requests from forks
    #[arg(long, value_name = "URL", requires = "rev")]
    pub git: Option<String>,

    /// The full id of the commit there
    #[arg(long, value_name = "COMMIT", requires = "git")]
    pub rev: Option<String>,

    /// Write over a file that is there
    #[arg(long)]
    pub force: bool,

    #[command(flatten)]
    pub talk: Talk,
}
