//! `modgraft rebuild …` as it is typed.

use std::path::PathBuf;

use clap::Args;

use super::KeyArgs;

/// Build a package again from its own source package, and say whether the same bytes come of it
///
/// Reads the provenance that build-module wrote beside the package. The httpd and the compiler must be those that it names.
/// Ends with exit code 1 where something differs.
#[derive(Debug, Args)]
pub struct Rebuild {
    /// A package of a module, of its debug information, or of its source
    #[arg(value_name = "PACKAGE")]
    pub package: PathBuf,

    /// The source package; the one beside the package where it is missing
    #[arg(long, value_name = "FILE")]
    pub srpm: Option<PathBuf>,

    /// The provenance; PACKAGE with .intoto.json in place of .rpm where it is missing
    #[arg(long, value_name = "FILE")]
    pub provenance: Option<PathBuf>,

    /// The httpd to build for; the one of that name in the provenance where it is missing
    #[arg(long, value_name = "NAME | DIR")]
    pub target: Option<String>,

    #[command(flatten)]
    pub key: KeyArgs,

    /// Never use the network: what is not installed or in the cache is an error
    #[arg(long)]
    pub offline: bool,

    /// As JSON
    #[arg(long)]
    pub json: bool,

    /// Say more: each step
    #[arg(long, short)]
    pub verbose: bool,
}
