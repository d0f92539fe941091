use miette::Diagnostic;

use crate::error::Kind;
use crate::recipe;

/// Why a recipe cannot be looked at.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum Error {
    /// The recipe's folder could not be read; the message names it.
    #[error("{0}")]
    #[diagnostic(code(modgraft::io))]
    Io(#[from] std::io::Error),

    /// The recipe cannot be read at all.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Recipe(#[from] Box<recipe::Error>),

    /// No such lint.
    #[error("there is no lint `{name}`")]
    #[diagnostic(code(modgraft::lint::unknown))]
    Unknown {
        /// As it was typed.
        name: String,
        /// The nearest one.
        #[help]
        help: String,
    },

    /// There is nothing to look at.
    #[error("there are no recipes beneath modules/")]
    #[diagnostic(code(modgraft::lint::nothing), help("name a recipe: its folder, or its module.toml"))]
    Nothing,
}

impl Error {
    /// The kind, which decides the exit code.
    pub fn kind(&self) -> Kind {
        match self {
            Error::Io(_) => Kind::Environment,
            Error::Recipe(error) => error.kind(),
            Error::Unknown { .. } | Error::Nothing => Kind::Usage,
        }
    }
}
