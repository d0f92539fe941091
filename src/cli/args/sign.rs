//! What signs, as it is typed; `modgraft sign` and `modgraft resign`.

use std::io::IsTerminal;
use std::path::PathBuf;

use clap::Args;

use super::Talk;
use crate::{Error, sign};

/// What signs.
#[derive(Debug, Args)]
pub struct KeyArgs {
    /// What signs the packages, and a repository's metadata: an OpenPGP secret key file; a key of gpg's and its agent's; a key in a PKCS#11 token
    /// (`pkcs11:token=LABEL;object=LABEL?module-path=FILE&pin-source=FILE`); an external command
    /// (`command:PROGRAM ARGUMENTS`, split into words without a shell); or nothing. build-module, repo publish and key
    /// package sign with a development key, made once, where the option is missing
    #[arg(
        long,
        value_name = "FILE | gpg:KEYID | pkcs11:URI | command:PROGRAM | none",
        env = "MODGRAFT_SIGN_KEY"
    )]
    pub sign_key: Option<String>,

    /// The OpenPGP public key that belongs to a key in a token or with an external command; `modgraft key certify` makes it
    #[arg(long, value_name = "FILE", env = "MODGRAFT_PUBLIC_KEY")]
    pub public_key: Option<PathBuf>,

    #[command(flatten)]
    pub unlock: Unlock,
}

/// How a key is unlocked.
#[derive(Debug, Args)]
pub struct Unlock {
    /// The file whose first line is the key's passphrase, or the token's PIN; MODGRAFT_PASSPHRASE_FILE names it too, and
    /// MODGRAFT_PASSPHRASE has the passphrase itself
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,

    /// The open file descriptor to read it from, closed after that; also MODGRAFT_PASSPHRASE_FD
    #[arg(long, value_name = "NUMBER")]
    pub passphrase_fd: Option<i32>,
}

impl KeyArgs {
    /// The key, where one was named.
    pub fn spec(&self) -> Result<Option<sign::KeySpec>, Error> {
        Ok(self.sign_key.as_deref().map(sign::KeySpec::parse).transpose()?)
    }

    /// As [`Unlock::environment`], with the public key.
    pub fn environment(&self) -> Result<sign::Environment, Error> {
        Ok(sign::Environment { public_key: self.public_key.clone(), ..self.unlock.environment()? })
    }
}

impl Unlock {
    /// Reads the passphrase, at once: no program that runs before the key is used inherits the descriptor.
    pub fn environment(&self) -> Result<sign::Environment, Error> {
        Ok(sign::Environment {
            passphrase: sign::Passphrase::find(self.passphrase_file.as_deref(), self.passphrase_fd)?,
            interactive: std::io::stdin().is_terminal(),
            ..sign::Environment::default()
        })
    }
}

/// Where signatures come from and go to.
#[derive(Debug, Args)]
pub struct Signatures {
    /// The packages
    #[arg(value_name = "PACKAGE", required = true)]
    pub packages: Vec<PathBuf>,

    #[command(flatten)]
    pub key: KeyArgs,

    /// Write what is to be signed on another machine into this folder, with manifest.json; the packages stay as they are
    #[arg(long, value_name = "DIR")]
    pub export: Option<PathBuf>,

    /// Put in the detached signatures (FILE.sig or FILE.asc) that lie in this folder beside what was exported; --public-key
    /// names the key that made them
    #[arg(long, value_name = "DIR", conflicts_with = "export", requires = "public_key")]
    pub import: Option<PathBuf>,

    /// The distribution that is to accept the packages: refuse a key that its rpm refuses, and sign the payload too where it
    /// needs that (el6, el7); payload signatures that are there are renewed in any case. A profile by name or file
    #[arg(long, value_name = "PROFILE")]
    pub profile: Option<String>,
}

/// What an external command gets and gives, in short; README.md has it in full.
pub const COMMANDS: &str = "\
A signing command (command:PROGRAM ARGUMENTS) is run for each signature, with `sign` as its last argument
and one line of JSON on stdin:
  {\"modgraft\":1,\"request\":\"sign\",\"algorithm\":\"rsa-pkcs1-sha256\",\"hash\":\"sha256\",\"digest\":\"HEX\",
   \"key\":\"FINGERPRINT\"}
The algorithm may also be ecdsa-p256-sha256, or ed25519, of which the digest is the message. stdout has the
signature in base 64. With `public-key` in place of `sign`, which `modgraft key certify` asks for, stdout has
the public key in PEM. README.md has more.";

/// Sign packages that are not signed, in place
#[derive(Debug, Args)]
#[command(after_long_help = COMMANDS)]
pub struct Sign {
    #[command(flatten)]
    pub signatures: Signatures,

    #[command(flatten)]
    pub talk: Talk,
}

/// Change the signatures of packages in place, and nothing else of them
#[derive(Debug, Args)]
pub struct Resign {
    #[command(flatten)]
    pub signatures: Signatures,

    /// Leave the packages unsigned
    #[arg(long, conflicts_with_all = ["export", "import"])]
    pub remove: bool,

    #[command(flatten)]
    pub talk: Talk,
}
