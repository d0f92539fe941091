//! `modgraft build-all` and `modgraft cache`, as they are typed.

use std::num::NonZero;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{KeyArgs, Talk};

/// Build every recipe for every target, one more at a time than there are cores; what has not changed is not built again
#[derive(Debug, Args)]
pub struct BuildAll {
    /// Folders of recipes (DIR/NAME/module.toml), or recipes as build-module takes them; modules/ where nothing is given
    #[arg(value_name = "DIR | RECIPE")]
    pub recipes: Vec<String>,

    /// What to build for, as build-module's --target; several with commas between
    #[arg(long, value_name = "TARGET,…", value_delimiter = ',', default_value = "local")]
    pub targets: Vec<String>,

    /// The folder for packages and reports: each job's lie in DIR/TARGET/MODULE, and take the place of older ones there
    #[arg(long, value_name = "DIR", default_value = "out")]
    pub out: PathBuf,

    /// How many jobs run at once; one more than there are cores where it is missing, and no more than a make allows that
    /// started it
    #[arg(long, short, value_name = "N")]
    pub jobs: Option<NonZero<usize>>,

    /// Go on where a job fails: the default
    #[arg(long, conflicts_with = "fail_fast")]
    pub keep_going: bool,

    /// Begin no job any more once one has failed
    #[arg(long)]
    pub fail_fast: bool,

    /// Write how the jobs ended as JUnit XML, which GitLab, GitHub's actions and Jenkins show
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,

    /// Add a summary in Markdown to FILE; GITHUB_STEP_SUMMARY names one too
    #[arg(long, value_name = "FILE", env = "GITHUB_STEP_SUMMARY")]
    pub summary: Option<PathBuf>,

    /// Write links to the packages for the page of a GitLab job (artifacts:reports:annotations)
    #[arg(long, value_name = "FILE", requires = "job_url")]
    pub annotations: Option<PathBuf>,

    /// The address of that page
    #[arg(long, value_name = "URL", env = "CI_JOB_URL")]
    pub job_url: Option<String>,

    #[command(flatten)]
    pub caching: Caching,

    /// Let this rule change what a module does; may be given more than once, and `modgraft explain` says what it costs
    #[arg(long, value_name = "RULE")]
    pub accept_risk: Vec<String>,

    /// Refuse sources and targets that are not those of the lock file
    #[arg(long)]
    pub locked: bool,

    /// The lock file; the nearest modgraft.lock above the recipes where it is missing
    #[arg(long, value_name = "FILE", requires = "locked")]
    pub lock: Option<PathBuf>,

    /// Never use the network: what is not installed or in the cache is an error
    #[arg(long)]
    pub offline: bool,

    /// Leave out the #line directives that keep compiler and debugger on upstream's own lines
    #[arg(long)]
    pub no_line: bool,

    #[command(flatten)]
    pub key: KeyArgs,

    /// Build for others: refuse the development key and --no-check
    #[arg(long, conflicts_with = "no_check")]
    pub release: bool,

    /// Do not start real httpds at the end of the builds
    #[arg(long)]
    pub no_check: bool,

    #[command(flatten)]
    pub talk: Talk,
}

/// Where results are kept.
#[derive(Debug, Args)]
pub struct Caching {
    /// Where results are kept, so that what has not changed is not built again; `none` keeps and finds nothing. `results` in
    /// modgraft's cache folder where it is missing
    #[arg(long, value_name = "DIR | none")]
    pub cache: Option<PathBuf>,

    /// How large that may grow (500M, 2G): what was not used for longest goes first
    #[arg(long, value_name = "SIZE", default_value = "2G", value_parser = size)]
    pub cache_size: u64,

    /// Build what is found all the same, and fail where the bytes differ
    #[arg(long)]
    pub verify_cache: bool,
}

/// Look at the results that build-all keeps, or remove some
#[derive(Debug, Args)]
pub struct Cache {
    #[command(subcommand)]
    pub command: CacheCommand,
}

#[derive(Debug, Subcommand)]
pub enum CacheCommand {
    Info(CacheInfo),
    Prune(CachePrune),
}

/// Tell how many results are kept, of which modules, and how large they are
#[derive(Debug, Args)]
pub struct CacheInfo {
    /// The folder, as build-all's --cache
    #[arg(long, value_name = "DIR")]
    pub cache: Option<PathBuf>,

    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// Remove results: what was not used for longest, down to a size or an age, or all; without any of these, only what killed runs
/// have left
#[derive(Debug, Args)]
pub struct CachePrune {
    /// The folder, as build-all's --cache
    #[arg(long, value_name = "DIR")]
    pub cache: Option<PathBuf>,

    /// How much may stay (500M, 2G)
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub size: Option<u64>,

    /// Remove what was not used for so many days
    #[arg(long, value_name = "DAYS")]
    pub unused: Option<u32>,

    /// Remove all
    #[arg(long, conflicts_with_all = ["size", "unused"])]
    pub all: bool,
}

/// Bytes: a number, with K, M, G or T for powers of 1024.
fn size(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let shift = match text[digits.len()..].to_ascii_uppercase().as_str() {
        "" | "B" => 0,
        "K" | "KIB" => 10,
        "M" | "MIB" => 20,
        "G" | "GIB" => 30,
        "T" | "TIB" => 40,
        other => return Err(format!("`{other}` is no unit: K, M, G or T")),
    };
    let number: u64 = digits.parse().map_err(|_| "a size is a number and K, M, G or T: 500M".to_owned())?;
    number.checked_mul(1 << shift).ok_or_else(|| "that is more than there is".to_owned())
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_have_units() {
        assert_eq!(size("512"), Ok(512));
        assert_eq!(size("500M"), Ok(500 << 20));
        assert_eq!(size("2g"), Ok(2 << 30));
        assert!(
            size("2X").is_err() && size("G").is_err() && size("-1").is_err() && size("99999999T").is_err()
        );
    }
}
