use miette::Diagnostic;

use crate::error::Kind;

/// What goes wrong with a cache.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum Error {
    /// It cannot be read or written; the message names the file.
    #[error(transparent)]
    #[diagnostic(
        code(modgraft::cache::io),
        help("`--cache DIR` names another folder, and `--cache none` does without")
    )]
    Io(#[from] std::io::Error),

    /// A file of a result is not what was kept.
    #[error("the kept result {key} is damaged: {reason}")]
    #[diagnostic(code(modgraft::cache::damaged), help("it was removed, and is made anew"))]
    Damaged {
        /// Of the result, shortened.
        key: String,
        /// In words.
        reason: String,
    },

    /// SIGINT or SIGTERM, while another process had the cache for itself.
    #[error("interrupted")]
    #[diagnostic(code(modgraft::cache::interrupted))]
    Interrupted,
}

impl Error {
    /// The kind, which decides the exit code.
    pub fn kind(&self) -> Kind {
        match self {
            Error::Io(_) | Error::Damaged { .. } => Kind::Environment,
            Error::Interrupted => Kind::Interrupted,
        }
    }
}
