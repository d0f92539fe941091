//! The command line as it is typed.

pub mod build_all;
pub mod ci;
pub mod key;
pub mod rebuild;
pub mod recipes;
pub mod repo;
pub mod sign;
pub mod submit;
pub mod target;
pub mod update;
pub mod verify;

use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};

pub use sign::{KeyArgs, Unlock};

use crate::source::Base;
use crate::{Error, pipeline, recipe};

/// Make signed RPMs of out-of-tree Apache httpd modules, from upstream patches
#[derive(Debug, Parser)]
#[command(name = "modgraft", version, max_term_width = 110, after_long_help = EXIT_CODES)]
pub struct CommandLine {
    #[command(subcommand)]
    pub command: Command,
}

/// The same list as in README.md and `crate::error::Kind`; a test compares them.
pub const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    `target diff --exit-code` or `rebuild` found a difference
  2    the command line
  3    a patch, recipe, key or package is malformed, or `lint`, `verify` or `key lint` refuses it
  4    refused: no package could be made that would work
  5    the machine: a missing tool, no network, a full disk
  6    the C compiler
  7    the audit of the shared object
  8    a real httpd did not do what the checks ask, or would refuse its configuration
  9    a signing key that is missing, locked, expired, revoked or not accepted
  70   a defect of modgraft
  130  interrupted";

#[derive(Debug, Subcommand)]
pub enum Command {
    BuildModule(BuildModule),
    BuildAll(build_all::BuildAll),
    New(recipes::New),
    Lint(recipes::Lint),
    Flatten(Flatten),
    Check(Check),
    Overlay(Overlay),
    Target(target::Target),
    Sign(sign::Sign),
    Resign(sign::Resign),
    Key(key::Key),
    Repo(repo::Repo),
    Cache(build_all::Cache),
    Submit(submit::Submit),
    Ci(ci::Ci),
    Explain(Explain),
    Inspect(Inspect),
    Verify(verify::Verify),
    Rebuild(Box<rebuild::Rebuild>),
    Update(update::Update),
    /// Print the JSON schema of module.toml
    Schema,
    /// Print a completion script for a shell
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Print the man page, or write one for each command
    Man {
        /// The folder to write them to; stdout has the main page else
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
    },
}

/// How a run talks.
pub struct Voice {
    pub json: bool,
    pub verbose: bool,
}

impl Command {
    pub fn voice(&self) -> Voice {
        let of = |talk: &Talk| Voice { json: talk.json, verbose: talk.verbose };
        match self {
            Command::BuildModule(args) => of(&args.talk),
            Command::BuildAll(args) => of(&args.talk),
            Command::New(args) => of(&args.talk),
            Command::Flatten(args) => of(&args.talk),
            Command::Check(args) => of(&args.talk),
            Command::Overlay(Overlay { command: OverlayCommand::Start(args) }) => of(&args.talk),
            Command::Overlay(Overlay { command: OverlayCommand::Save(args) }) => of(&args.talk),
            Command::Target(args) => args.voice(),
            Command::Sign(args) => of(&args.talk),
            Command::Resign(args) => of(&args.talk),
            Command::Key(args) => args.voice(),
            Command::Repo(args) => args.voice(),
            Command::Submit(args) => args.voice(),
            Command::Ci(args) => args.voice(),
            Command::Rebuild(args) => Voice { json: false, verbose: args.verbose },
            Command::Update(_)
            | Command::Explain(_)
            | Command::Cache(_)
            | Command::Inspect(_)
            | Command::Lint(_)
            | Command::Verify(_)
            | Command::Schema
            | Command::Completions { .. }
            | Command::Man { .. } => Voice { json: false, verbose: false },
        }
    }
}

/// What to build, and for what.
#[derive(Debug, Args)]
pub struct What {
    /// A recipe (its name in modules/, its folder or its module.toml), or patch files in order; the reference module
    /// mod_proxy_wstunnel where nothing is given; with --from, a module's C file in that tree
    #[arg(value_name = "RECIPE | PATCH | FILE")]
    pub input: Vec<String>,

    /// Take whole modules from an upstream tree, of which the arguments are then C files: a release's tarball (with
    /// #sha256=DIGEST behind a url), a revision of a git repository, or the folder of an unpacked release
    #[arg(long, value_name = "TARBALL | GIT@REV | DIR", conflicts_with = "base")]
    pub from: Option<String>,

    /// The httpd to build for: `local`, this machine's, laid out as its own apxs says; a target that `modgraft target add`
    /// added; or a folder (with a `/` in its name), either the prefix of httpd's `make install` or a root into which a
    /// distribution's packages were unpacked. build-module takes several, and puts each one's packages into a folder of its
    /// name
    #[arg(long, value_name = "NAME | DIR", default_value = "local")]
    pub target: Vec<String>,

    /// The tree that a bare patch applies to: a folder, or a git repository and revision
    #[arg(long, value_name = "DIR | GIT@REV")]
    pub base: Option<String>,

    /// The module that is meant, where a patch brings several: mod_NAME
    #[arg(long, value_name = "NAME", conflicts_with = "from")]
    pub module: Option<String>,

    /// Let this rule change what the module does; may be given more than once, and `modgraft explain` says what it costs
    #[arg(long, value_name = "RULE")]
    pub accept_risk: Vec<String>,

    /// Never use the network: what is not installed or in the cache is an error
    #[arg(long)]
    pub offline: bool,

    /// Leave out the #line directives that keep compiler and debugger on upstream's own lines
    #[arg(long)]
    pub no_line: bool,
}

/// How the run talks.
#[derive(Debug, Args)]
pub struct Talk {
    /// Print events and results as JSON lines on stdout
    #[arg(long)]
    pub json: bool,

    /// Say more: each stripped file and its reason, each compiler call
    #[arg(long, short)]
    pub verbose: bool,
}

/// Take a patch to a signed RPM, and prove in a real httpd that it works
#[derive(Debug, Args)]
pub struct BuildModule {
    #[command(flatten)]
    pub what: What,

    /// The folder for packages, spec, C file and report.json
    #[arg(long, value_name = "DIR", default_value = "out")]
    pub out: PathBuf,

    #[command(flatten)]
    pub key: KeyArgs,

    /// Build for others: refuse the development key, a recipe that was worked out from a patch, and --no-check
    #[arg(long, conflicts_with = "no_check")]
    pub release: bool,

    /// Do not start a real httpd at the end
    #[arg(long)]
    pub no_check: bool,

    /// Refuse sources and targets that are not those of the lock file
    #[arg(long)]
    pub locked: bool,

    /// The lock file; the nearest modgraft.lock above the recipe where it is missing
    #[arg(long, value_name = "FILE", requires = "locked")]
    pub lock: Option<PathBuf>,

    /// Leave the work folder and say where it is
    #[arg(long)]
    pub keep: bool,

    #[command(flatten)]
    pub talk: Talk,
}

/// Stop after the C file: strip, flatten, and write NAME.c
#[derive(Debug, Args)]
pub struct Flatten {
    #[command(flatten)]
    pub what: What,

    /// The folder for the C file
    #[arg(long, value_name = "DIR", default_value = "out")]
    pub out: PathBuf,

    #[command(flatten)]
    pub talk: Talk,
}

/// Start the target's httpd with the module from its package, and run the recipe's checks
#[derive(Debug, Args)]
pub struct Check {
    #[command(flatten)]
    pub what: What,

    /// A package that was built before; built anew, in a temporary folder, where it is missing
    #[arg(long, value_name = "FILE")]
    pub package: Option<PathBuf>,

    /// Leave the work folder, with the httpd's configuration and logs, and say where it is
    #[arg(long)]
    pub keep: bool,

    #[command(flatten)]
    pub talk: Talk,
}

/// Make a patch of the flattened file by hand, for what only a person can decide
#[derive(Debug, Args)]
pub struct Overlay {
    #[command(subcommand)]
    pub command: OverlayCommand,
}

#[derive(Debug, Subcommand)]
pub enum OverlayCommand {
    Start(OverlayStart),
    Save(OverlaySave),
}

/// Which recipe's overlay, for which target, and where it is made.
#[derive(Debug, Args)]
pub struct OverlayOf {
    /// A recipe: its name in modules/, its folder or its module.toml
    #[arg(value_name = "RECIPE")]
    pub recipe: String,

    /// The httpd that the overlay is for
    #[arg(long, value_name = "NAME", default_value = "local")]
    pub target: String,

    /// The work tree; NAME-overlay where it is missing
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// Lay out the flattened file, ready to edit, with what is missing in the target
#[derive(Debug, Args)]
pub struct OverlayStart {
    #[command(flatten)]
    pub of: OverlayOf,

    /// Begin another patch on top of those that there are; the last of them is opened else
    #[arg(long)]
    pub new: bool,

    /// For which targets: the target's name, httpd-VERSION or httpd-BRANCH (httpd-2.2); as the overlays that there are, or
    /// the first of these, where it is missing
    #[arg(long, value_name = "KEY")]
    pub key: Option<String>,

    /// The tree that the recipe's patches apply to: a folder, or a git repository and revision
    #[arg(long, value_name = "DIR | GIT@REV")]
    pub base: Option<String>,

    /// Never use the network: what is not installed or in the cache is an error
    #[arg(long)]
    pub offline: bool,

    #[command(flatten)]
    pub talk: Talk,
}

/// Write what was edited as a patch beside the recipe
#[derive(Debug, Args)]
pub struct OverlaySave {
    #[command(flatten)]
    pub of: OverlayOf,

    /// Why it is right: stands on top of the patch, and in the record
    #[arg(long, short, value_name = "TEXT")]
    pub message: Option<String>,

    #[command(flatten)]
    pub talk: Talk,
}

/// Print a rule by which modules are adapted, or list all: what it is for, what it does, what that costs
#[derive(Debug, Args)]
pub struct Explain {
    /// The rule's id, as reports and errors have it
    #[arg(value_name = "RULE")]
    pub rule: Option<String>,

    /// A recipe whose own rules are meant too
    #[arg(long, value_name = "RECIPE")]
    pub recipe: Option<String>,

    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// Show what is in an RPM: names, relations, files, digests, signatures
#[derive(Debug, Args)]
pub struct Inspect {
    /// Any RPM
    #[arg(value_name = "FILE", required = true)]
    pub packages: Vec<PathBuf>,

    /// As JSON, one line for each package
    #[arg(long)]
    pub json: bool,
}

impl What {
    /// What was typed, understood, for one target.
    pub fn request(&self) -> Result<pipeline::Request, Error> {
        match &self.target[..] {
            [_] => self.request_for_each(),
            several => Err(pipeline::Error::OneTarget { given: several.len() }.into()),
        }
    }

    /// What was typed, understood, for the first of the targets.
    pub fn request_for_each(&self) -> Result<pipeline::Request, Error> {
        Ok(pipeline::Request {
            input: match &self.from {
                Some(tree) => recipe::find_in(&self.input, tree, Path::new(""))?,
                None => recipe::find(&self.input, Path::new(""))?,
            },
            module: self.module.clone(),
            target: self.target.first().cloned().unwrap_or_default(),
            requires: Vec::new(),
            base: self.base.as_deref().map(|base| Base::parse(base).absolute()).transpose()?,
            accept_risks: self.accept_risk.clone(),
            offline: self.offline,
            line_directives: !self.no_line,
            locked: None,
        })
    }
}

impl OverlayOf {
    /// The recipe and the target, understood.
    pub fn request(&self, base: Option<&str>, offline: bool) -> Result<pipeline::Request, Error> {
        Ok(pipeline::Request {
            input: recipe::find(std::slice::from_ref(&self.recipe), Path::new(""))?,
            module: None,
            target: self.target.clone(),
            requires: Vec::new(),
            base: base.map(|base| Base::parse(base).absolute()).transpose()?,
            accept_risks: Vec::new(),
            offline,
            line_directives: false,
            locked: None,
        })
    }

    /// The work tree.
    pub fn dir(&self, request: &pipeline::Request) -> PathBuf {
        let named = match &request.input {
            recipe::Input::Recipe(file) => file.parent().and_then(Path::file_name),
            _ => None,
        };
        let name = named.map_or_else(|| "module".to_owned(), |name| name.to_string_lossy().into_owned());
        self.dir.clone().unwrap_or_else(|| PathBuf::from(format!("{name}-overlay")))
    }
}
