use miette::Diagnostic;

use crate::error::Kind;

/// Why this stage could not do its work.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum Error {
    /// A file could not be read or written; the message names it.
    #[error(transparent)]
    #[diagnostic(code(modgraft::io))]
    Io(#[from] std::io::Error),
}

impl Error {
    /// The kind, which decides the exit code.
    pub fn kind(&self) -> Kind {
        match self {
            Error::Io(_) => Kind::Environment,
        }
    }
}
