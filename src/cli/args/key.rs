//! `modgraft key …` as it is typed.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Talk, Unlock, Voice};

/// Make and look at keys that sign packages
#[derive(Debug, Args)]
pub struct Key {
    #[command(subcommand)]
    pub command: KeyCommand,
}

#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    Certify(Certify),
}

impl Key {
    pub fn voice(&self) -> Voice {
        match &self.command {
            KeyCommand::Certify(args) => Voice { json: args.talk.json, verbose: args.talk.verbose },
        }
    }
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
