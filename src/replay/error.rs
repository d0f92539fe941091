use std::path::PathBuf;
use std::sync::Arc;

use miette::{Diagnostic, NamedSource, SourceSpan};

use crate::error::Kind;

/// Why nothing was replayed.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum Error {
    /// A file could not be read or written; the message names it.
    #[error("{0}")]
    #[diagnostic(code(modgraft::io))]
    Io(#[from] std::io::Error),

    /// A line of the list.
    #[error("{problem}")]
    #[diagnostic(code(modgraft::replay::list))]
    List {
        /// What is wrong.
        problem: String,
        /// The list.
        #[source_code]
        text: NamedSource<Arc<str>>,
        /// The place.
        #[label("here")]
        at: SourceSpan,
        /// What to write.
        #[help]
        help: String,
    },

    /// A list without commits.
    #[error("{} names no commit", .0.display())]
    #[diagnostic(
        code(modgraft::replay::empty),
        help("write one a line: its id, and the module's name behind it where it brings several")
    )]
    Empty(PathBuf),

    /// Ctrl-C or SIGTERM.
    #[error("interrupted; nothing was written")]
    #[diagnostic(code(modgraft::interrupted))]
    Interrupted,

    /// A stage's, before the first trial.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Stage(#[from] Box<crate::Error>),
}

impl From<crate::Error> for Error {
    fn from(error: crate::Error) -> Self {
        Error::Stage(Box::new(error))
    }
}

impl Error {
    /// The kind, which decides the exit code.
    pub fn kind(&self) -> Kind {
        match self {
            Error::Io(_) => Kind::Environment,
            Error::List { .. } | Error::Empty(_) => Kind::Input,
            Error::Interrupted => Kind::Interrupted,
            Error::Stage(error) => error.kind(),
        }
    }
}
