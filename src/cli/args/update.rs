//! `modgraft update …` as it is typed.

use std::path::PathBuf;

use clap::Args;

/// Look for newer upstream commits of recipes' files and newer packages of targets, and show what would change
#[derive(Debug, Args)]
pub struct Update {
    /// Recipes: their folders, folders of such, or names in modules/; all in modules/ where nothing is given
    #[arg(value_name = "RECIPE")]
    pub recipes: Vec<String>,

    /// Look at this target of the lock file; at all that were added from repositories where it is missing. May be given more
    /// than once
    #[arg(long, value_name = "NAME")]
    pub target: Vec<String>,

    /// Put the new commits into the recipes, add the targets anew, and write what all of them use into the lock file
    #[arg(long)]
    pub write: bool,

    /// The lock file; the nearest modgraft.lock above the recipes where it is missing
    #[arg(long, value_name = "FILE")]
    pub lock: Option<PathBuf>,

    /// Upstream's branch; the repository's own, or else the latest one that has the recipe's commit, where it is missing
    #[arg(long, value_name = "NAME")]
    pub branch: Option<String>,

    /// Refuse packages that are not signed with one of the public keys in this file
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,

    /// Never use the network: what is not on this machine is an error
    #[arg(long)]
    pub offline: bool,

    /// As JSON
    #[arg(long)]
    pub json: bool,
}
