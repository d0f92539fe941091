use std::path::PathBuf;

use miette::Diagnostic;

use crate::error::Kind;

/// What is wrong with added targets.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum Error {
    /// A name that no target can have.
    #[error("`{name}` cannot be a target's name: {reason}")]
    #[diagnostic(code(modgraft::target::name), help("such as el8, debian-11 or el9-aarch64"))]
    Name {
        /// As it was typed.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The cache is damaged, or of another modgraft.
    #[error("{} cannot be used: {reason}", path.display())]
    #[diagnostic(
        code(modgraft::target::manifest),
        help("add the target again, with --force: nothing of it is needed but its source")
    )]
    Manifest {
        /// `target.toml`.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A file could not be read or written; the message names it.
    #[error(transparent)]
    #[diagnostic(code(modgraft::io))]
    Io(#[from] std::io::Error),
}

impl Error {
    /// The kind, which decides the exit code.
    pub fn kind(&self) -> Kind {
        match self {
            Error::Name { .. } => Kind::Usage,
            Error::Manifest { .. } | Error::Io(_) => Kind::Environment,
        }
    }
}
