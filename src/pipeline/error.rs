use std::path::PathBuf;

use miette::Diagnostic;

use crate::error::Kind;

/// What no single stage can know.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum Error {
    /// A file could not be read or written; the message names it.
    #[error(transparent)]
    #[diagnostic(code(modgraft::io))]
    Io(#[from] std::io::Error),

    /// SIGINT or SIGTERM.
    #[error("interrupted; the output folder is as it was")]
    #[diagnostic(code(modgraft::interrupted))]
    Interrupted,

    /// The source brings another module than the recipe names.
    #[error("the recipe is for `{recipe}`, and its source brings `{found}`")]
    #[diagnostic(
        code(modgraft::recipe::other_module),
        help("correct `name`, or `source`: a package called {recipe} with {found}.so in it would mislead")
    )]
    OtherModule {
        /// The recipe's `name`.
        recipe: String,
        /// The module that was found.
        found: String,
    },

    /// `--release` with something provisional.
    #[error("--release refuses {what}")]
    #[diagnostic(code(modgraft::release))]
    Provisional {
        /// What is provisional.
        what: String,
        /// What to do.
        #[help]
        help: String,
    },

    /// `SOURCE_DATE_EPOCH` is not a number.
    #[error("SOURCE_DATE_EPOCH is {0:?}, which is not a number of seconds")]
    #[diagnostic(code(modgraft::source_date_epoch), help("set it to seconds since 1970, or unset it"))]
    Epoch(String),

    /// The package to be checked is of another module.
    #[error("{} has no {file}", .package.display())]
    #[diagnostic(code(modgraft::check::no_module), help("give the package that was built from this recipe"))]
    NoModule {
        /// The package.
        package: PathBuf,
        /// What it should have.
        file: String,
    },

    /// The check was asked for, and there is no httpd here to run.
    #[error("there is no httpd program for target `{0}` that can run here")]
    #[diagnostic(
        code(modgraft::check::no_httpd),
        help("--no-check builds without it; the package is then not proved to load")
    )]
    NoHttpd(String),
}

impl Error {
    /// The kind, which decides the exit code.
    pub fn kind(&self) -> Kind {
        match self {
            Error::Io(_) | Error::NoHttpd(_) => Kind::Environment,
            Error::Interrupted => Kind::Interrupted,
            Error::OtherModule { .. } => Kind::Refused,
            Error::Provisional { .. } | Error::Epoch(_) | Error::NoModule { .. } => Kind::Usage,
        }
    }
}
