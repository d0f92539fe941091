use miette::Diagnostic;

use crate::error::Kind;

/// Why this stage could not do its work.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum Error {
    /// A file could not be read or written; the message names it.
    #[error("{0}")]
    #[diagnostic(code(modgraft::io))]
    Io(#[from] std::io::Error),
    /// What is no library's name.
    #[error("`{}` is no library's name", library.escape_debug())]
    #[diagnostic(
        code(modgraft::spec::library),
        help("write it as after `-l`: letters, digits, `.`, `_`, `+` and `-`")
    )]
    Library {
        /// As the recipe has it.
        library: String,
    },
    /// The built-in template does not fit the data.
    #[error("the spec could not be rendered: {reason}")]
    #[diagnostic(code(modgraft::spec::template), help("this is a defect of modgraft"))]
    Template {
        /// In the template engine's words.
        reason: String,
    },
}

impl Error {
    /// The kind, which decides the exit code.
    pub fn kind(&self) -> Kind {
        match self {
            Error::Io(_) => Kind::Environment,
            Error::Library { .. } => Kind::Input,
            Error::Template { .. } => Kind::Internal,
        }
    }
}
