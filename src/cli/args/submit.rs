//! `modgraft submit …` as it is typed.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::sign::KeyArgs;
use super::{Talk, Voice};

/// Have source packages built by mock, Copr, Koji or the Open Build Service, and sign here what comes back
///
/// Each service's own client does it (mock, copr-cli, koji, osc), with its own configuration: tokens and passwords stay there.
/// The spec builds with the distribution's own httpd-devel.
#[derive(Debug, Args)]
pub struct Submit {
    #[command(subcommand)]
    pub command: SubmitCommand,
}

#[derive(Debug, Subcommand)]
pub enum SubmitCommand {
    Mock(Mock),
    Copr(Copr),
    Koji(Koji),
    Obs(Obs),
}

impl Submit {
    pub fn voice(&self) -> Voice {
        let talk = match &self.command {
            SubmitCommand::Mock(args) => &args.results.talk,
            SubmitCommand::Copr(args) => &args.results.talk,
            SubmitCommand::Koji(args) => &args.results.talk,
            SubmitCommand::Obs(args) => &args.results.talk,
        };
        Voice { json: talk.json, verbose: talk.verbose }
    }
}

/// What becomes of the results.
#[derive(Debug, Args)]
pub struct Results {
    /// The folder for packages: DIR/PLACE/*.rpm, where PLACE is the chroot, repository, target or configuration; what failed has
    /// its logs in DIR/logs
    #[arg(long, value_name = "DIR", default_value = "out")]
    pub out: PathBuf,

    #[command(flatten)]
    pub key: KeyArgs,

    /// The distribution that is to accept the packages: refuse a key that its rpm refuses, and sign the payload too where it
    /// needs that (el6, el7)
    #[arg(long = "for", value_name = "PROFILE")]
    pub serve: Option<String>,

    /// How many hours a build is followed
    #[arg(long, value_name = "HOURS", default_value_t = 24, value_parser = clap::value_parser!(u64).range(1..=24 * 365))]
    pub limit: u64,

    #[command(flatten)]
    pub talk: Talk,
}

/// Builds that go on without us.
#[derive(Debug, Args)]
pub struct Remote {
    /// Submit, print each build's id, and end
    #[arg(long, conflicts_with = "build")]
    pub no_wait: bool,

    /// Do not submit: follow and fetch this build, of the SRPM at the same place in the list; may be given more than once
    #[arg(long, value_name = "ID")]
    pub build: Vec<String>,

    /// The client's configuration file
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// Build here with mock, for one or more of its configurations
#[derive(Debug, Args)]
pub struct Mock {
    /// A configuration of mock's: its name in /etc/mock, or a file (with a `/` in its name); may be given more than once
    #[arg(long, short, value_name = "CONFIG", required = true)]
    pub root: Vec<String>,

    /// Source packages
    #[arg(value_name = "SRPM", required = true)]
    pub sources: Vec<PathBuf>,

    /// Arguments of mock's own
    #[arg(value_name = "ARGUMENT", last = true)]
    pub more: Vec<String>,

    #[command(flatten)]
    pub results: Results,
}

/// Build in a project of Copr, with copr-cli
#[derive(Debug, Args)]
pub struct Copr {
    /// NAME, OWNER/NAME or @GROUP/NAME
    #[arg(value_name = "PROJECT")]
    pub project: String,

    /// Source packages
    #[arg(value_name = "SRPM", required = true)]
    pub sources: Vec<PathBuf>,

    /// A chroot to build in; may be given more than once. All of the project's where it is missing
    #[arg(long, short = 'r', value_name = "CHROOT")]
    pub chroot: Vec<String>,

    #[command(flatten)]
    pub remote: Remote,

    #[command(flatten)]
    pub results: Results,
}

/// Build in a Koji, with koji
#[derive(Debug, Args)]
pub struct Koji {
    /// The build target, which says where is built and which tag the build gets
    #[arg(value_name = "TARGET")]
    pub target: String,

    /// Source packages
    #[arg(value_name = "SRPM", required = true)]
    pub sources: Vec<PathBuf>,

    /// Only try: the build gets no tag and is not kept there
    #[arg(long)]
    pub scratch: bool,

    /// The client's profile: which Koji
    #[arg(long, short, value_name = "NAME")]
    pub profile: Option<String>,

    #[command(flatten)]
    pub remote: Remote,

    #[command(flatten)]
    pub results: Results,
}

/// Commit spec and sources to an Open Build Service, with osc, and fetch what it builds
#[derive(Debug, Args)]
pub struct Obs {
    /// The project
    #[arg(value_name = "PROJECT")]
    pub project: String,

    /// Source packages
    #[arg(value_name = "SRPM", required = true)]
    pub sources: Vec<PathBuf>,

    /// The package in the project, made where it is missing; for one SRPM. As the SRPM is called where this is missing
    #[arg(long, value_name = "PACKAGE")]
    pub package: Option<String>,

    /// The service's API; osc's own choice where it is missing
    #[arg(long, short = 'A', value_name = "URL")]
    pub api: Option<String>,

    #[command(flatten)]
    pub remote: Remote,

    #[command(flatten)]
    pub results: Results,
}
