use std::path::PathBuf;

use miette::Diagnostic;

use crate::error::Kind;
use crate::process;

use super::pkcs11;

/// Why this stage could not do its work.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum Error {
    /// A file could not be read or written; the message names it.
    #[error("{0}")]
    #[diagnostic(code(modgraft::io))]
    Io(#[from] std::io::Error),
    /// What stands after `gpg:` or `command:` names no key.
    #[error("`{spec}` names no key")]
    #[diagnostic(
        code(modgraft::sign::spec),
        help("give a key file, `gpg:KEYID`, `pkcs11:…`, `command:PROGRAM ARGUMENTS` or `none`")
    )]
    Spec {
        /// Its scheme: what follows may be secret.
        spec: String,
    },
    /// The key itself, or something else that no file is called.
    #[error("what names the key is no file's name: it looks like a key itself")]
    #[diagnostic(
        code(modgraft::sign::key_itself),
        help(
            "write the key to a file that its owner alone can read, and give the file's name; CI systems have variables of the type file for it"
        )
    )]
    KeyItself,
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
    /// A file that is not to be overwritten.
    #[error("{} is there already", path.display())]
    #[diagnostic(
        code(modgraft::sign::exists),
        help("a key is never overwritten: give another name, or move that file away")
    )]
    Exists {
        /// The path.
        path: PathBuf,
    },
    /// A secret key, where public ones are given out.
    #[error("{} holds a secret key", path.display())]
    #[diagnostic(
        code(modgraft::sign::secret_key),
        help(
            "give the public key: `modgraft key new` writes it beside the secret one, `gpg --armor --export KEYID` exports it"
        )
    )]
    SecretKey {
        /// The path.
        path: PathBuf,
    },
    /// What is no end of a key.
    #[error("a key cannot expire at `{text}`: {reason}")]
    #[diagnostic(
        code(modgraft::sign::expiry),
        help("give a day (2030-01-31), a time from now on (90d, 18m, 2y), or `never`")
    )]
    Expiry {
        /// As it was typed.
        text: String,
        /// What is wrong with it.
        reason: &'static str,
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
        help(
            "let MODGRAFT_PASSPHRASE_FILE or --passphrase-file name a file that holds it, or set MODGRAFT_PASSPHRASE; gpg's agent may also know it beforehand"
        )
    )]
    PassphraseNeeded {
        /// Fingerprint, or what the key was called.
        key: String,
    },
    /// The passphrase does not open the key.
    #[error("the passphrase does not open the key {key}")]
    #[diagnostic(
        code(modgraft::sign::wrong_passphrase),
        help("check what MODGRAFT_PASSPHRASE, --passphrase-file or --passphrase-fd gives")
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
    /// The key's validity has not begun: gpg neither imports such a key nor takes a signature by it.
    #[error("the key {key} was made on {date}, and by this machine's clock it is {today}")]
    #[diagnostic(
        code(modgraft::sign::not_yet),
        help(
            "one of the two clocks was wrong: put this one right, or make another key (`modgraft key new`); gpg, by which dnf and zypper check metadata, takes no key from the future"
        )
    )]
    NotYet {
        /// Fingerprint.
        key: String,
        /// The day, `2024-05-31`.
        date: String,
        /// As the clock has it.
        today: String,
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
    /// A passphrase in two places.
    #[error("two places are named for the passphrase: {first} and {second}")]
    #[diagnostic(code(modgraft::sign::two_passphrases), help("leave out one of them"))]
    TwoPassphrases {
        /// One.
        first: String,
        /// The other.
        second: String,
    },
    /// A passphrase that cannot be read.
    #[error("no passphrase can be read from {place}: {reason}")]
    #[diagnostic(
        code(modgraft::sign::passphrase_source),
        help("the first line of a file or of a descriptor that is open for reading is the passphrase")
    )]
    PassphraseSource {
        /// A file, a variable, an option.
        place: String,
        /// Why not.
        reason: String,
    },
    /// A token.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Token(#[from] pkcs11::Error),
    /// A key in a token, or of gpg, that cannot sign packages.
    #[error("the key {key} cannot sign packages: {reason}")]
    #[diagnostic(
        code(modgraft::sign::token_key),
        help("RSA of 4096 bits is accepted by every rpm; Ed25519 and ECDSA on P-256 by newer ones")
    )]
    TokenKey {
        /// Its URI, the command, or its fingerprint.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The certificate of a key that is elsewhere was not given.
    #[error("{key} has a secret key only, and rpm needs its OpenPGP public key")]
    #[diagnostic(
        code(modgraft::sign::no_certificate),
        help("give it with --public-key FILE; `modgraft key certify` makes one, once")
    )]
    NoCertificate {
        /// The token or the command.
        key: String,
    },
    /// A certificate that is not that of the key.
    #[error("{} is not the public key of {key}", path.display())]
    #[diagnostic(
        code(modgraft::sign::not_its_certificate),
        help(
            "none of its keys that may sign is the one in the token; `modgraft key certify` makes the right one"
        )
    )]
    NotItsCertificate {
        /// The file.
        path: PathBuf,
        /// The token's key.
        key: String,
    },
    /// A file without one OpenPGP public key.
    #[error("{} does not hold one OpenPGP public key: {reason}", path.display())]
    #[diagnostic(
        code(modgraft::sign::not_a_certificate),
        help("`gpg --armor --export KEYID` or `modgraft key certify` writes such a file")
    )]
    NotACertificate {
        /// The file.
        path: PathBuf,
        /// What was found in it.
        reason: String,
    },
    /// `key certify` for a key that needs none.
    #[error("only a key in a token or of an external command needs a certificate made")]
    #[diagnostic(
        code(modgraft::sign::has_certificate),
        help(
            "`pkcs11:…` or `command:…` names such a key; `gpg --armor --export KEYID` gives the public half of others"
        )
    )]
    HasCertificate,
    /// An unusable user id.
    #[error("the user id is empty or not one line")]
    #[diagnostic(
        code(modgraft::sign::user_id),
        help("a name and an address: `Example packages <rpm@example.org>`")
    )]
    UserId,
    /// An external command is missing, failed or hung.
    #[error("the signing command did not sign: {0}")]
    #[diagnostic(
        code(modgraft::sign::command),
        help("README.md, Signing, says what such a command gets and gives")
    )]
    Command(#[source] process::Error),
    /// An external command answered something else.
    #[error("the answer of `{program}` cannot be used: {reason}")]
    #[diagnostic(code(modgraft::sign::answer), help("README.md, Signing, says what such a command gives"))]
    Answer {
        /// The program.
        program: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A signature that does not hold.
    #[error("what {key} gave is no signature by the key {fingerprint}")]
    #[diagnostic(
        code(modgraft::sign::bad_answer),
        help("check that the public key given is that of the key that signs there")
    )]
    BadAnswer {
        /// The token or the command.
        key: String,
        /// Of the (sub)key that was to sign.
        fingerprint: String,
    },
    /// What gpg gave is not what it was asked for.
    #[error("what gpg gave for the key {key} cannot be put into a package: {reason}")]
    #[diagnostic(
        code(modgraft::sign::gpg_answer),
        help(
            "look into gpg.conf: `local-user`, `textmode` and `sig-notation` change what gpg makes of every call"
        )
    )]
    GpgAnswer {
        /// Fingerprint.
        key: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A detached signature that cannot be used.
    #[error("{} cannot be used: {reason}", file.display())]
    #[diagnostic(
        code(modgraft::sign::imported),
        help("sign the file that was exported: `gpg --detach-sign --digest-algo SHA256 FILE`")
    )]
    Imported {
        /// The signature's file.
        file: PathBuf,
        /// Why not.
        reason: String,
    },
    /// gpg-agent cannot be reached.
    #[error("gpg cannot reach its agent, which has the key {key}")]
    #[diagnostic(code(modgraft::sign::no_agent), help("start it: `gpgconf --launch gpg-agent`"))]
    NoAgent {
        /// Fingerprint.
        key: String,
    },
    /// A person declined.
    #[error("signing by the key {key} was cancelled")]
    #[diagnostic(code(modgraft::sign::cancelled), help("run it again, and allow it"))]
    Cancelled {
        /// Fingerprint, or the token's label.
        key: String,
    },
    /// gpg's card is out or blocked.
    #[error("the card with the key {key} does not sign: {reason}")]
    #[diagnostic(
        code(modgraft::sign::card),
        help("`gpg --card-status` shows the card and how many attempts its PIN has left")
    )]
    Card {
        /// Fingerprint.
        key: String,
        /// `it is not plugged in`, `its PIN is blocked`.
        reason: &'static str,
    },
    /// gpg is missing, failed or hung.
    #[error(transparent)]
    #[diagnostic(
        code(modgraft::sign::gpg),
        help(
            "where gpg cannot ask for the passphrase, set MODGRAFT_PASSPHRASE; a key file needs no gpg at all"
        )
    )]
    Gpg(process::Error),
}

impl Error {
    /// The kind, which decides the exit code.
    pub fn kind(&self) -> Kind {
        match self {
            Error::Token(error) => error.kind(),
            Error::Exists { .. } | Error::SecretKey { .. } | Error::Expiry { .. } => Kind::Usage,
            Error::Spec { .. }
            | Error::KeyItself
            | Error::NoKeyring { .. }
            | Error::TwoPassphrases { .. }
            | Error::PassphraseSource { .. }
            | Error::NoCertificate { .. }
            | Error::HasCertificate
            | Error::UserId => Kind::Usage,
            Error::NotAKey { .. }
            | Error::SeveralKeys { .. }
            | Error::NotAKeyring { .. }
            | Error::NotACertificate { .. }
            | Error::Imported { .. } => Kind::Input,
            Error::NoFile { .. }
            | Error::PassphraseNeeded { .. }
            | Error::WrongPassphrase { .. }
            | Error::Revoked { .. }
            | Error::Expired { .. }
            | Error::NotYet { .. }
            | Error::CannotSign { .. }
            | Error::NotAccepted { .. }
            | Error::Failed { .. }
            | Error::NoSuchKey { .. }
            | Error::Ambiguous { .. }
            | Error::TokenKey { .. }
            | Error::NotItsCertificate { .. }
            | Error::Answer { .. }
            | Error::BadAnswer { .. }
            | Error::GpgAnswer { .. }
            | Error::NoAgent { .. }
            | Error::Cancelled { .. }
            | Error::Card { .. } => Kind::Key,
            Error::Gpg(process::Error::Interrupted) | Error::Command(process::Error::Interrupted) => {
                Kind::Interrupted
            }
            // It was asked and said no.
            Error::Gpg(process::Error::Failed { .. }) | Error::Command(process::Error::Failed { .. }) => {
                Kind::Key
            }
            Error::Io(_) | Error::Gpg(_) | Error::Command(_) => Kind::Environment,
        }
    }
}
