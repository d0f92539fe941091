use miette::Diagnostic;

use crate::compile;
use crate::error::Kind;

/// Why this stage could not do its work.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum Error {
    /// The headers do not compile, whichever of them are left out.
    #[error("the public headers of target `{target}` cannot be compiled: {reason}")]
    #[diagnostic(
        code(modgraft::layout::headers),
        help("build a module for this target first: the compiler's errors there say more")
    )]
    Headers {
        /// The target.
        target: String,
        /// The compiler's first objection.
        reason: String,
    },
    /// What the compiler made cannot be read.
    #[error("the debug information that the compiler wrote cannot be read: {reason}")]
    #[diagnostic(
        code(modgraft::layout::debug_information),
        help("take another compiler with the variable CC, or leave -g flags out of the variable CFLAGS")
    )]
    DebugInformation {
        /// What is wrong with it.
        reason: String,
    },
    /// The compiler could not be run.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Compile(#[from] Box<compile::Error>),
    /// A file could not be read or written; the message names it.
    #[error("{0}")]
    #[diagnostic(code(modgraft::io))]
    Io(#[from] std::io::Error),
}

impl From<compile::Error> for Error {
    fn from(error: compile::Error) -> Self {
        Error::Compile(Box::new(error))
    }
}

impl Error {
    /// The kind, which decides the exit code.
    pub fn kind(&self) -> Kind {
        match self {
            Error::Headers { .. } => Kind::Compile,
            Error::Compile(error) => error.kind(),
            Error::DebugInformation { .. } | Error::Io(_) => Kind::Environment,
        }
    }
}
