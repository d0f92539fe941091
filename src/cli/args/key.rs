//! `modgraft key …` as it is typed.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{KeyArgs, Talk, Unlock, Voice};

/// Make keys that sign packages, look at them, and hand them out
#[derive(Debug, Args)]
pub struct Key {
    #[command(subcommand)]
    pub command: KeyCommand,
}

#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    New(New),
    Lint(Lint),
    Package(Package),
    Certify(Certify),
}

impl Key {
    pub fn voice(&self) -> Voice {
        match &self.command {
            KeyCommand::Certify(args) => Voice { json: args.talk.json, verbose: args.talk.verbose },
            KeyCommand::New(_) | KeyCommand::Lint(_) | KeyCommand::Package(_) => {
                Voice { json: false, verbose: false }
            }
        }
    }
}

/// What a key is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// Every release takes it
    Rsa4096,
    /// el9 and later take it
    Ed25519,
}

/// Make a key: the secret key into a file that its owner alone can read, the public key beside it
///
/// The key is protected by a passphrase where one is given, in the same ways as for signing. What is there already is never overwritten. stdout has the paths of the two files.
#[derive(Debug, Args)]
pub struct New {
    /// What it is made of
    #[arg(long = "type", value_name = "rsa-4096 | ed25519", default_value = "rsa-4096", value_parser = parse_type)]
    pub key_type: Type,

    /// Whose it is, as people are to see it
    #[arg(long, value_name = "TEXT", default_value = "Package signing key")]
    pub user_id: String,

    /// When it ends: a day (2030-01-31), a time from now on (90d, 18m, 2y), or never
    #[arg(long, value_name = "DAY | TIME | never", default_value = "never")]
    pub expires: String,

    /// The file for the secret key; the public key's ends in .pub.asc
    #[arg(long, value_name = "FILE", default_value = "modgraft-key.asc")]
    pub out: PathBuf,

    #[command(flatten)]
    pub unlock: Unlock,
}

fn parse_type(text: &str) -> Result<Type, String> {
    match text {
        "rsa-4096" => Ok(Type::Rsa4096),
        "ed25519" => Ok(Type::Ed25519),
        _ => Err("a key is rsa-4096 or ed25519".to_owned()),
    }
}

/// Tell what is wrong with a key file, and which releases cannot take packages signed with it
///
/// Ends with exit code 3 where a release that is asked for cannot, or where the file has a secret key.
#[derive(Debug, Args)]
pub struct Lint {
    /// Public keys, armored or not
    #[arg(value_name = "FILE", required = true)]
    pub keys: Vec<PathBuf>,

    /// The releases: profiles by name or file, with commas between them; el6 to el10 and fedora where it is missing
    #[arg(long = "as", value_name = "NAME | FILE", value_delimiter = ',')]
    pub releases: Vec<String>,

    /// As JSON, one line for each file
    #[arg(long)]
    pub json: bool,
}

/// Make a package with public keys and the .repo file that names them, by which machines learn of a repository and of new keys
///
/// The next version of it, with the new key beside the old one, rotates the key. Without --profile, every release installs it.
#[derive(Debug, Args)]
pub struct Package {
    /// Public keys, the newest first
    #[arg(value_name = "FILE", required = true)]
    pub keys: Vec<PathBuf>,

    /// What the repository is called, in file names and in brackets; the package is NAME-release
    #[arg(long, value_name = "NAME")]
    pub name: String,

    /// The repository's place, that which has repodata
    #[arg(long, value_name = "URL")]
    pub url: String,

    /// One line for people
    #[arg(long, value_name = "TEXT")]
    pub title: Option<String>,

    /// The package's version, to be raised with each change
    #[arg(long, value_name = "VERSION", default_value = "1")]
    pub version: String,

    /// The package's release
    #[arg(long, value_name = "RELEASE", default_value = "1")]
    pub release: String,

    /// The keys' and files' licence
    #[arg(long, value_name = "SPDX", default_value = "Apache-2.0")]
    pub license: String,

    /// The release that it is for
    #[arg(long, value_name = "NAME | FILE", default_value = crate::pipeline::UNIVERSAL)]
    pub profile: String,

    /// Do not have the clients check the signature of the repository's metadata
    #[arg(long)]
    pub unsigned_metadata: bool,

    #[command(flatten)]
    pub key: KeyArgs,

    /// The folder for the package
    #[arg(long, value_name = "DIR", default_value = "out")]
    pub out: PathBuf,
}

/// Make the OpenPGP public key of a key in a token or with an external command: once, to be kept
#[derive(Debug, Args)]
#[command(after_long_help = super::sign::COMMANDS)]
pub struct Certify {
    /// The key: `pkcs11:URI` or `command:PROGRAM ARGUMENTS`
    #[arg(value_name = "KEY")]
    pub key: String,

    /// Whose key it is: `Example packages <rpm@example.org>`
    #[arg(long, value_name = "TEXT")]
    pub user_id: String,

    /// The file to write the public key to, armored; SOURCE_DATE_EPOCH is its time of creation, and the present one else
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,

    #[command(flatten)]
    pub unlock: Unlock,

    #[command(flatten)]
    pub talk: Talk,
}
