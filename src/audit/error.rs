use std::path::PathBuf;

use miette::Diagnostic;

use super::finding::Finding;
use crate::error::Kind;

/// Why this stage could not do its work.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum Error {
    /// The object would not load, or would not be safe.
    #[error("{object} must not be packaged: {}", count(findings.len()))]
    #[diagnostic(code(modgraft::audit::findings))]
    Findings {
        /// `mod_NAME.so`.
        object: String,
        /// All of what is wrong with it.
        #[related]
        findings: Vec<Finding>,
    },
    /// The object cannot be read as an ELF file.
    #[error("{} is no shared object: {reason}", object.display())]
    #[diagnostic(
        code(modgraft::audit::malformed),
        help("take another compiler or linker with the variables CC and CFLAGS")
    )]
    Malformed {
        /// The file.
        object: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A file could not be read or written; the message names it.
    #[error("{0}")]
    #[diagnostic(code(modgraft::io))]
    Io(#[from] std::io::Error),
}

fn count(findings: usize) -> String {
    format!("{findings} finding{}", if findings == 1 { "" } else { "s" })
}

impl Error {
    /// The kind, which decides the exit code.
    pub fn kind(&self) -> Kind {
        match self {
            Error::Findings { .. } | Error::Malformed { .. } => Kind::Audit,
            Error::Io(_) => Kind::Environment,
        }
    }
}
