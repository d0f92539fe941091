use miette::Diagnostic;

use crate::error::Kind;

/// Why this stage could not do its work, or what its work found.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum Error {
    /// The target's httpd cannot be started in thought.
    #[error("the httpd of the target `{target}` cannot be simulated: {reason}")]
    #[diagnostic(
        code(modgraft::loader::program),
        help("the target needs the httpd program and the libraries that it needs, not its headers alone")
    )]
    Program {
        /// The target.
        target: String,
        /// What is missing.
        reason: String,
    },
    /// The target has no configuration here.
    #[error("the target `{target}` has no configuration here: {reason}")]
    #[diagnostic(code(modgraft::loader::no_configuration), help("{help}"))]
    NoConfiguration {
        /// The target.
        target: String,
        /// Which file is not there.
        reason: String,
        /// What to do next.
        help: String,
    },
    /// httpd would not start with this configuration.
    #[error("httpd would refuse this configuration: {said}")]
    #[diagnostic(code(modgraft::loader::refused), help("{advice}"))]
    Refused {
        /// As httpd prints it.
        said: String,
        /// What to do next.
        advice: String,
    },
    /// A file could not be read; the message names it.
    #[error("{0}")]
    #[diagnostic(code(modgraft::io))]
    Io(#[from] std::io::Error),
}

impl Error {
    /// The kind, which decides the exit code.
    pub fn kind(&self) -> Kind {
        match self {
            Error::Refused { .. } => Kind::Check,
            Error::Program { .. } | Error::NoConfiguration { .. } | Error::Io(_) => Kind::Environment,
        }
    }
}
