use std::path::PathBuf;

use miette::Diagnostic;

use crate::error::Kind;

/// Why a token does not sign.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum Error {
    /// A `pkcs11:` URI that names no key.
    #[error("the token's URI names no key: {reason}")]
    #[diagnostic(
        code(modgraft::sign::token_uri),
        help(
            "RFC 7512: pkcs11:token=LABEL;object=LABEL?module-path=/usr/lib/….so&pin-source=FILE, with `%20` for a blank; `p11tool --list-tokens` or `pkcs11-tool -L` shows labels"
        )
    )]
    Uri {
        /// What is wrong, with no value of it.
        reason: String,
    },
    /// No library for a token.
    #[error("{} is no PKCS#11 module that works: {reason}", module.display())]
    #[diagnostic(
        code(modgraft::sign::token_module),
        help("name the token's library in the URI: `?module-path=/usr/lib/….so`")
    )]
    Module {
        /// The library.
        module: PathBuf,
        /// Why it cannot be used.
        reason: String,
    },
    /// No such token.
    #[error("there is no token {token}")]
    #[diagnostic(
        code(modgraft::sign::no_token),
        help("plug it in; `pkcs11-tool --module MODULE -L` shows the tokens that a module sees")
    )]
    NoToken {
        /// Its URI.
        token: String,
    },
    /// No such key in the token.
    #[error("the token has no private key {key}")]
    #[diagnostic(
        code(modgraft::sign::no_token_key),
        help("`pkcs11-tool --module MODULE --login -O` shows a token's keys")
    )]
    NoKey {
        /// Its URI.
        key: String,
    },
    /// More than one token or key fits.
    #[error("{count} {what} fit {key}")]
    #[diagnostic(code(modgraft::sign::ambiguous_token), help("say more: `serial=…`, `object=…`, `id=%01`"))]
    Ambiguous {
        /// `tokens`, `private keys`.
        what: &'static str,
        /// How many.
        count: usize,
        /// The URI.
        key: String,
    },
    /// The token has locked itself.
    #[error("the token {token} is locked: its PIN was wrong too often")]
    #[diagnostic(code(modgraft::sign::token_locked), help("its security officer can set a new PIN"))]
    Locked {
        /// Its label.
        token: String,
    },
    /// One more wrong PIN would lock the token.
    #[error("the token {token} takes one more attempt before it locks itself, and modgraft does not risk it")]
    #[diagnostic(
        code(modgraft::sign::last_attempt),
        help(
            "log in by hand with the right PIN, which resets the count: `pkcs11-tool --module MODULE --login -O`"
        )
    )]
    LastAttempt {
        /// Its label.
        token: String,
    },
    /// The PIN is wrong.
    #[error("the PIN does not open the token {token}")]
    #[diagnostic(
        code(modgraft::sign::wrong_pin),
        help("check it before the next run: each run is one attempt, and a token locks itself after a few")
    )]
    WrongPin {
        /// Its label.
        token: String,
    },
    /// The token wants a PIN, and there is none.
    #[error("the token {token} is protected by a PIN")]
    #[diagnostic(
        code(modgraft::sign::pin_needed),
        help(
            "`pin-source=FILE` in its URI names a file that holds it, or give it as the passphrase (MODGRAFT_PASSPHRASE_FILE, --passphrase-fd, MODGRAFT_PASSPHRASE)"
        )
    )]
    PinNeeded {
        /// Its label.
        token: String,
    },
    /// The token failed.
    #[error("the token {token} failed: {reason}")]
    #[diagnostic(
        code(modgraft::sign::token),
        help("try it with `pkcs11-tool --module MODULE --login --test`")
    )]
    Failed {
        /// Its label or URI.
        token: String,
        /// The function and its return code.
        reason: String,
    },
}

impl Error {
    /// The kind, which decides the exit code.
    pub fn kind(&self) -> Kind {
        match self {
            Error::Uri { .. } => Kind::Usage,
            Error::Module { .. }
            | Error::NoToken { .. }
            | Error::NoKey { .. }
            | Error::Ambiguous { .. }
            | Error::Locked { .. }
            | Error::LastAttempt { .. }
            | Error::WrongPin { .. }
            | Error::PinNeeded { .. }
            | Error::Failed { .. } => Kind::Key,
        }
    }
}
