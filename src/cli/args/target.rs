//! `modgraft target …` as it is typed.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Talk, Voice};

/// Keep the httpds of other machines and distributions as targets to build for
#[derive(Debug, Args)]
pub struct Target {
    #[command(subcommand)]
    pub command: TargetCommand,
}

#[derive(Debug, Subcommand)]
pub enum TargetCommand {
    Add(Add),
    List(List),
    Show(Show),
    Simulate(Simulate),
    Remove(Remove),
    Pack(Pack),
    Diff(Diff),
}

impl Target {
    pub fn voice(&self) -> Voice {
        match &self.command {
            TargetCommand::Add(args) => Voice { json: args.talk.json, verbose: args.talk.verbose },
            TargetCommand::List(_)
            | TargetCommand::Show(_)
            | TargetCommand::Simulate(_)
            | TargetCommand::Remove(_) => Voice { json: false, verbose: false },
            TargetCommand::Pack(args) => Voice { json: args.talk.json, verbose: args.talk.verbose },
            TargetCommand::Diff(args) => Voice { json: false, verbose: args.talk.verbose },
        }
    }
}

/// Add the httpd of another machine or distribution, unpacked into the cache, for --target NAME
#[derive(Debug, Args)]
pub struct Add {
    /// What to call it: lower-case letters, digits, `.`, `_`, `-`. Alone, it is added as the lock file has it
    #[arg(value_name = "NAME")]
    pub name: String,

    /// The distribution: el6 to el10, fedora, leap, tumbleweed, amazon2, amazon2023, debian, or a profile's file (with a `/` or
    /// .toml in its name); found out by its os-release where it is missing
    #[arg(long, value_name = "NAME | FILE")]
    pub profile: Option<String>,

    /// Take .rpm or .deb files, or folders of them: httpd with its modules and headers, APR, the C library and what httpd needs
    #[arg(long, value_name = "FILE | DIR", num_args = 1.., conflicts_with = "prefix")]
    pub packages: Vec<PathBuf>,

    /// Take the packages from these repositories of dnf or yum (urls, or folders with repodata), those that --profile names and
    /// what they need; asked in this order
    #[arg(long, value_name = "URL | DIR", num_args = 1.., requires = "profile", conflicts_with_all = ["prefix", "packages"])]
    pub repo: Vec<String>,

    /// Refuse packages of --repo that are not signed with one of the public keys in this file
    #[arg(long, value_name = "FILE", requires = "repo")]
    pub key: Option<PathBuf>,

    /// Take the httpd that `make install` put into this folder; it stays there
    #[arg(long, value_name = "DIR")]
    pub prefix: Option<PathBuf>,

    /// Take a target pack, which `modgraft target pack` made elsewhere; it has all that a build needs, and no httpd that runs
    #[arg(long, value_name = "FILE", conflicts_with_all = ["packages", "prefix", "profile", "locked"])]
    pub pack: Option<PathBuf>,

    /// The SHA-256 that the pack must have; the digits in its file's name are compared in any case
    #[arg(long, value_name = "DIGEST", requires = "pack")]
    pub sha256: Option<String>,

    /// The processor (x86_64, aarch64); that of the packages where it is missing
    #[arg(long, value_name = "ARCH")]
    pub arch: Option<String>,

    /// Replace a target of that name
    #[arg(long)]
    pub force: bool,

    /// The lock file, which pins the packages by their digests
    #[arg(long, value_name = "FILE", default_value = crate::target::store::LOCK_FILE)]
    pub lock: PathBuf,

    /// Neither read nor write a lock file
    #[arg(long, conflicts_with = "lock")]
    pub no_lock: bool,

    /// Refuse packages that are not those of the lock file
    #[arg(long, conflicts_with_all = ["no_lock", "prefix"])]
    pub locked: bool,

    /// Never use the network
    #[arg(long)]
    pub offline: bool,

    #[command(flatten)]
    pub talk: Talk,
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

/// Tell what the target's `httpd -t` would say of loading, without running it: the order, who needs whom, the first error
///
/// All but LoadModule, LoadFile and what decides on them (Include, Define, sections with a condition) is passed over.
#[derive(Debug, Args)]
pub struct Simulate {
    /// An added target, `local`, or a folder
    #[arg(value_name = "NAME | DIR", default_value = "local")]
    pub name: String,

    /// Lay a drop-in over the target's configuration, switched on: in the folder of drop-ins, or at a path of the target
    #[arg(long, value_name = "FILE | FILE=PATH", num_args = 1..)]
    pub drop_in: Vec<String>,

    /// Lay a module over the target's folder of modules
    #[arg(long, value_name = "FILE.so", num_args = 1..)]
    pub module: Vec<PathBuf>,

    /// Read this file of the host in place of the target's own httpd.conf
    #[arg(long, value_name = "FILE")]
    pub conf: Option<PathBuf>,

    /// Define a name, as httpd's -D does
    #[arg(long, short = 'D', value_name = "NAME")]
    pub define: Vec<String>,

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

/// Write a target into one file, from which it is added elsewhere without its packages and without the network
///
/// The same target gives the same bytes. The file's name ends in the first twelve digits of its SHA-256, which
/// `modgraft target add NAME --pack FILE` compares. What is built with it is the same, byte by byte; but it has no httpd that
/// runs, so that nothing is checked there.
#[derive(Debug, Args)]
pub struct Pack {
    /// An added target, or the folder of a root of unpacked packages
    #[arg(value_name = "NAME | DIR")]
    pub name: String,

    /// The file, or the folder that NAME-DIGITS.modgraft-pack is written to
    #[arg(long, value_name = "FILE | DIR", default_value = ".")]
    pub out: PathBuf,

    #[command(flatten)]
    pub talk: Talk,
}

/// Tell what differs between two targets: versions, exported symbols, prototypes, structures, macros; and whether a module
/// that was built for the one is right for the other
///
/// What is gone or otherwise is told in full, what is new in numbers; --verbose names that too. An equal module magic number
/// proves none of it: httpd compares its major number only.
#[derive(Debug, Args)]
pub struct Diff {
    /// The target that there is
    #[arg(value_name = "OLD")]
    pub old: String,

    /// The target to come
    #[arg(value_name = "NEW")]
    pub new: String,

    /// A recipe (its name in modules/, its folder or its module.toml) or a patch, to be built for both. It is `unchanged`
    /// where what was built for OLD is right for NEW, `rebuild` where it has something built in that is not so there, or would
    /// not load, and `breaks` where it cannot be built for NEW as it is
    #[arg(long, value_name = "RECIPE | PATCH")]
    pub module: Option<String>,

    /// End with exit code 1 where the targets differ; with --module, where that is not `unchanged`
    #[arg(long)]
    pub exit_code: bool,

    /// Never use the network: what is not installed or in the cache is an error
    #[arg(long)]
    pub offline: bool,

    #[command(flatten)]
    pub talk: Talk,
}
