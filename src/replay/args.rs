//! The command line.

use std::path::PathBuf;

use clap::Parser;

/// Try many upstream commits on many httpds, and say what came of each
#[derive(Debug, Parser)]
#[command(name = "replay", version, max_term_width = 110, after_long_help = AFTER)]
pub struct Args {
    /// A git repository of httpd, with or without a work tree; it is only read
    #[arg(long, value_name = "DIR")]
    pub repository: PathBuf,

    /// The commits: one a line, with the module's name behind it where it brings several; or a table with tabs, whose first
    /// line names the columns (`commit`, `module`, `date`, `branch`, and for each httpd's version what is expected there).
    /// A line with # in front is a comment
    #[arg(long, value_name = "FILE")]
    pub commits: PathBuf,

    /// An httpd, as modgraft's --target; may be given more than once
    #[arg(long, value_name = "NAME | DIR", default_value = "local")]
    pub target: Vec<String>,

    /// Write replay.md, replay.tsv and replay.json there; stdout has the first of them anyway
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,

    /// How many trials run at once; as many as there are processors where it is missing
    #[arg(long, short, value_name = "N", value_parser = at_least_one)]
    pub jobs: Option<usize>,

    /// How many seconds one trial may take; it has failed then
    #[arg(long, value_name = "SECONDS", default_value_t = 900)]
    pub timeout: u64,

    /// Accept every rule that changes what a module does; the table names those that were used. Else they are refused
    #[arg(long)]
    pub accept_risks: bool,

    /// Where recipes are: one whose source is a commit of the list is used for it, with its checks
    #[arg(long, value_name = "DIR", default_value = "modules")]
    pub recipes: PathBuf,
}

const AFTER: &str = "\
What is expected: `ok` or `auto` (it loads), `ok*` (it is refused, or loads with something changed or noted), `impossible` (it is
refused), `manual` or `ext` (it does not fail). Exit code 0: all is as expected, and nothing failed; 8: something is not.";

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("at least one".to_owned()),
        Ok(count) => Ok(count),
        Err(_) => Err("not a number".to_owned()),
    }
}
