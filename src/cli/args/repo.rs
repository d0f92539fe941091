//! `modgraft repo …` as it is typed.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::sign::KeyArgs;
use super::{Talk, Voice};

/// Publish packages in a folder that dnf, yum and zypper install from, or check such a folder
#[derive(Debug, Args)]
pub struct Repo {
    #[command(subcommand)]
    pub command: RepoCommand,
}

#[derive(Debug, Subcommand)]
pub enum RepoCommand {
    Publish(Box<Publish>),
    Check(Check),
}

impl Repo {
    pub fn voice(&self) -> Voice {
        match &self.command {
            RepoCommand::Publish(args) => Voice { json: args.talk.json, verbose: args.talk.verbose },
            RepoCommand::Check(_) => Voice { json: false, verbose: false },
        }
    }
}

/// Put packages into a repository, or take them out; its metadata is signed, and clients see the old state or the new one.
/// Packages have to be signed by the same key (--sign-key) or one of --key
#[derive(Debug, Args)]
pub struct Publish {
    /// The repository: the folder that a web server serves. It is made where it is missing
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,

    /// Packages, and folders of them. Those that lie in DIR stay where they are, the others are copied to DIR/Packages
    #[arg(value_name = "PACKAGE")]
    pub packages: Vec<PathBuf>,

    /// Take a package out (name-version-release.arch, or its file's name); its file goes once no kept metadata names it
    #[arg(long, value_name = "NEVRA | FILE")]
    pub remove: Vec<String>,

    #[command(flatten)]
    pub signer: KeyArgs,

    /// A file of other public keys that packages, and the metadata that is there, may be signed with; may be given more than once
    #[arg(long, value_name = "FILE")]
    pub key: Vec<PathBuf>,

    /// Whose clients are served: the metadata is such that all of them read it, and the key one that all accept. Kept, as
    /// --base-url and --name are, until another is said
    #[arg(long = "for", visible_alias = "profile", value_name = "PROFILE,…", value_delimiter = ',')]
    pub serve: Vec<String>,

    /// Where clients reach DIR; $releasever and $basearch may stand in it
    #[arg(long, value_name = "URL")]
    pub base_url: Option<String>,

    /// What the repository is called in its .repo file; the folder's name where it is missing
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,

    /// How many older states of the metadata, with their packages, stay for clients that have begun to read one
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub keep: usize,

    /// Read each package that is published already, not only those of other size or time
    #[arg(long)]
    pub full: bool,

    /// Publish another file of a name and version that are published already
    #[arg(long)]
    pub replace: bool,

    /// Publish packages without a signature, or metadata without one where there was one: clients are told not to check it
    #[arg(long)]
    pub allow_unsigned: bool,

    /// Go on where the metadata that is there is not signed by a key that is named: each package is read and has to be signed by
    /// one
    #[arg(long)]
    pub take_over: bool,

    /// Wait while another process publishes to DIR
    #[arg(long)]
    pub wait: bool,

    #[command(flatten)]
    pub talk: Talk,
}

/// Verify everything in a repository: signatures, sums, packages, and that metadata and packages say the same
#[derive(Debug, Args)]
pub struct Check {
    /// The repository
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,

    /// A file of public keys that metadata and packages have to be signed with; may be given more than once
    #[arg(long, value_name = "FILE")]
    pub key: Vec<PathBuf>,

    /// Wait while another process publishes to DIR
    #[arg(long)]
    pub wait: bool,

    /// As JSON
    #[arg(long)]
    pub json: bool,
}
