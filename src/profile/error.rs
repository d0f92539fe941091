use std::path::PathBuf;
use std::sync::Arc;

use miette::{Diagnostic, NamedSource, SourceSpan};

use crate::error::Kind;

/// Why a profile cannot be used.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum Error {
    /// There is no profile of that name.
    #[error("there is no profile `{name}`")]
    #[diagnostic(code(modgraft::profile::unknown))]
    Unknown {
        /// As it was typed.
        name: String,
        /// What there is.
        #[help]
        help: String,
    },
    /// A profile that others start from.
    #[error("the profile `{name}` is {about}, and nothing is built for it")]
    #[diagnostic(code(modgraft::profile::template), help("profiles that start from it: {heirs}"))]
    Template {
        /// As it was typed.
        name: String,
        /// What it is.
        about: String,
        /// Profiles that start from it.
        heirs: String,
    },
    /// Not TOML, an unknown key, a missing key, a value of the wrong type.
    #[error("{message}")]
    #[diagnostic(code(modgraft::profile::syntax))]
    Syntax {
        /// What the TOML reader said, in one line.
        message: String,
        /// The profile's text.
        #[source_code]
        source_code: NamedSource<Arc<str>>,
        /// Where.
        #[label("here")]
        at: SourceSpan,
        /// What to do.
        #[help]
        help: String,
    },
    /// The profile is not UTF-8.
    #[error("{} is not UTF-8 text", .0.display())]
    #[diagnostic(code(modgraft::profile::encoding), help("a profile is a TOML file; is this the right one?"))]
    Encoding(PathBuf),
    /// A file could not be read; the message names it.
    #[error("{0}")]
    #[diagnostic(code(modgraft::io))]
    Io(#[from] std::io::Error),
}

impl Error {
    /// The kind, which decides the exit code.
    pub fn kind(&self) -> Kind {
        match self {
            Error::Unknown { .. } | Error::Template { .. } | Error::Io(_) => Kind::Usage,
            Error::Syntax { .. } | Error::Encoding(_) => Kind::Input,
        }
    }
}
