//! `modgraft verify …` as it is typed.

use std::path::PathBuf;

use clap::Args;

/// Tell for each release whether its rpm accepts a package: digests, signatures, form, and the reason where it refuses
///
/// Ends with exit code 3 where a package is refused. One that cannot be read is told of, and the others are judged all the same.
#[derive(Debug, Args)]
pub struct Verify {
    /// Any RPM
    #[arg(value_name = "FILE", required = true)]
    pub packages: Vec<PathBuf>,

    /// The releases: profiles by name or file, with commas between them; el6 to el10 and fedora where it is missing
    #[arg(long = "as", value_name = "NAME | FILE", value_delimiter = ',')]
    pub releases: Vec<String>,

    /// Public keys: a package has to be signed with one of them. May be given more than once; without any, signatures are not
    /// judged
    #[arg(long, value_name = "FILE")]
    pub key: Vec<PathBuf>,

    /// As JSON, one line for each package
    #[arg(long)]
    pub json: bool,
}
