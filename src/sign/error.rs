use std::path::PathBuf;

use miette::Diagnostic;

use crate::error::Kind;
use crate::process;

/// Why this stage could not do its work.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum Error {
    /// A file could not be read or written; the message names it.
    #[error(transparent)]
    #[diagnostic(code(modgraft::io))]
    Io(#[from] std::io::Error),
    /// What stands after `gpg:` names no key.
    #[error("`{spec}` names no key")]
    #[diagnostic(code(modgraft::sign::spec), help("give a key file, `gpg:KEYID` or `none`"))]
    Spec {
        /// As it was typed.
        spec: String,
    },
    /// There is no key file.
    #[error("there is no key file {}", path.display())]
    #[diagnostic(
        code(modgraft::sign::no_file),
        help(
            "give the path of an OpenPGP secret key, `gpg:KEYID` or `none`; `gpg --armor --export-secret-keys KEYID` writes such a file"
        )
    )]
    NoFile {
        /// The path.
        path: PathBuf,
    },
    /// There is no file of public keys.
    #[error("there is no key file {}", path.display())]
    #[diagnostic(
        code(modgraft::sign::no_keyring),
        help("name the file of the distribution's public key, such as RPM-GPG-KEY-CentOS-7")
    )]
    NoKeyring {
        /// The path.
        path: PathBuf,
    },
    /// The file has no public keys that can be used.
    #[error("{} holds no OpenPGP public key to verify with: {reason}", path.display())]
    #[diagnostic(
        code(modgraft::sign::not_a_keyring),
        help(
            "`gpg --armor --export KEYID` writes such a file; distributions publish theirs as RPM-GPG-KEY-…"
        )
    )]
    NotAKeyring {
        /// The path.
        path: PathBuf,
        /// What was found in it.
        reason: String,
    },
    /// The file is no OpenPGP secret key.
    #[error("{} holds no OpenPGP secret key: {reason}", path.display())]
    #[diagnostic(
        code(modgraft::sign::not_a_key),
        help("`gpg --armor --export-secret-keys KEYID` writes such a file")
    )]
    NotAKey {
        /// The path.
        path: PathBuf,
        /// What was found in it.
        reason: String,
    },
    /// The file holds several keys.
    #[error("{} holds {count} keys, and it is not said which one signs", path.display())]
    #[diagnostic(code(modgraft::sign::several_keys), help("export the one key to a file of its own"))]
    SeveralKeys {
        /// The path.
        path: PathBuf,
        /// How many.
        count: usize,
    },
    /// The secret key is encrypted, and no passphrase was given.
    #[error("the key {key} is protected by a passphrase")]
    #[diagnostic(
        code(modgraft::sign::passphrase_needed),
        help("set MODGRAFT_PASSPHRASE, or let MODGRAFT_PASSPHRASE_FILE name a file that holds it")
    )]
    PassphraseNeeded {
        /// Fingerprint, or what the key was called.
        key: String,
    },
    /// The passphrase does not open the key.
    #[error("the passphrase does not open the key {key}")]
    #[diagnostic(
        code(modgraft::sign::wrong_passphrase),
        help("check MODGRAFT_PASSPHRASE, or the file that MODGRAFT_PASSPHRASE_FILE names")
    )]
    WrongPassphrase {
        /// Fingerprint, or what the key was called.
        key: String,
    },
    /// The key was revoked.
    #[error("the key {key} is revoked")]
    #[diagnostic(code(modgraft::sign::revoked), help("sign with another key"))]
    Revoked {
        /// Fingerprint.
        key: String,
    },
    /// The key's validity is over.
    #[error("the key {key} expired on {date}")]
    #[diagnostic(
        code(modgraft::sign::expired),
        help("extend it (`gpg --quick-set-expire`) and export it again, or sign with another key")
    )]
    Expired {
        /// Fingerprint.
        key: String,
        /// The day, `2024-05-31`.
        date: String,
    },
    /// Neither the primary key nor a subkey may sign.
    #[error("the key {key} cannot sign")]
    #[diagnostic(
        code(modgraft::sign::cannot_sign),
        help(
            "neither the primary key nor a subkey whose secret part is here may sign data; use an RSA key whose primary key signs"
        )
    )]
    CannotSign {
        /// Fingerprint.
        key: String,
    },
    /// The target's rpm cannot verify what this key signs.
    #[error("rpm on {distribution} does not accept signatures by the key {key}: {reason}")]
    #[diagnostic(
        code(modgraft::sign::not_accepted),
        help(
            "an RSA-4096 key whose primary key signs, with a SHA-256 self-signature, is accepted by every rpm"
        )
    )]
    NotAccepted {
        /// Fingerprint.
        key: String,
        /// Whose conventions forbid it.
        distribution: String,
        /// What it takes offence at.
        reason: String,
    },
    /// The cryptographic library refused.
    #[error("the key {key} could not make a signature: {reason}")]
    #[diagnostic(code(modgraft::sign::failed), help("try the key with `gpg:KEYID`"))]
    Failed {
        /// Fingerprint.
        key: String,
        /// In the library's words, one line.
        reason: String,
    },
    /// gpg has no such secret key.
    #[error("gpg has no secret key `{key}`")]
    #[diagnostic(
        code(modgraft::sign::no_such_key),
        help("`gpg --list-secret-keys` shows those it has; GNUPGHOME says where it looks")
    )]
    NoSuchKey {
        /// As it was typed.
        key: String,
    },
    /// Several keys of gpg fit.
    #[error("gpg has {count} secret keys that fit `{key}`")]
    #[diagnostic(code(modgraft::sign::ambiguous), help("give the fingerprint"))]
    Ambiguous {
        /// As it was typed.
        key: String,
        /// How many.
        count: usize,
    },
    /// gpg is missing, failed or hung.
    #[error(transparent)]
    #[diagnostic(
        code(modgraft::sign::gpg),
        help(
            "where gpg cannot ask for the passphrase, set MODGRAFT_PASSPHRASE; a key file needs no gpg at all"
        )
    )]
    Gpg(#[from] process::Error),
}

impl Error {
    /// The kind, which decides the exit code.
    pub fn kind(&self) -> Kind {
        match self {
            Error::Spec { .. } | Error::NoFile { .. } | Error::NoKeyring { .. } => Kind::Usage,
            Error::NotAKey { .. }
            | Error::NotAKeyring { .. }
            | Error::SeveralKeys { .. }
            | Error::PassphraseNeeded { .. }
            | Error::WrongPassphrase { .. }
            | Error::Revoked { .. }
            | Error::Expired { .. }
            | Error::CannotSign { .. }
            | Error::NoSuchKey { .. }
            | Error::Ambiguous { .. } => Kind::Input,
            Error::NotAccepted { .. } => Kind::Refused,
            Error::Gpg(process::Error::Interrupted) => Kind::Interrupted,
            Error::Io(_) | Error::Gpg(_) | Error::Failed { .. } => Kind::Environment,
        }
    }
}
