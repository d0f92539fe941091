use std::path::PathBuf;

use miette::Diagnostic;

use crate::download;
use crate::error::Kind;
use crate::process;
use crate::profile::Advice;
use crate::repository;
use crate::unpack;

use super::{pack, store};

/// Why this stage could not do its work.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum Error {
    /// There is no target of that name.
    #[error("there is no target `{name}`")]
    #[diagnostic(
        code(modgraft::target::unknown),
        help(
            "targets: {}, or a folder with an httpd, which has a `/` in its name (`./{name}`); {how}",
            known.join(", ")
        )
    )]
    Unknown {
        /// As it was typed.
        name: String,
        /// What there is.
        known: Vec<String>,
        /// How it comes to be there.
        how: String,
    },
    /// A folder that is no target.
    #[error("{} is no httpd to build for: {reason}", folder.display())]
    #[diagnostic(
        code(modgraft::target::no_httpd),
        help(
            "name the folder that `make install` of httpd made (it has build/config_vars.mk), or one into which a distribution's packages were unpacked (it has usr/)"
        )
    )]
    NoHttpd {
        /// The folder.
        folder: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A part of a target.
    #[error("{what} no {missing}")]
    #[diagnostic(code(modgraft::target::incomplete), help("{help}"))]
    Incomplete {
        /// `/opt/httpd has`, `the packages have`.
        what: String,
        /// What is missing: `httpd.h (httpd's headers)`.
        missing: String,
        /// What to do next.
        help: String,
    },
    /// httpd's headers or program are not installed, and may not or cannot be fetched.
    #[error("{missing} not installed, and {why}")]
    #[diagnostic(code(modgraft::target::not_installed), help("{advice}"))]
    NotInstalled {
        /// `httpd's headers are`, `the httpd program is`.
        missing: String,
        /// Why they were not fetched.
        why: String,
        /// The command that installs them.
        advice: String,
    },
    /// The distribution's packages could not be fetched.
    #[error("{packages} could not be fetched: {reason}{}", detail(.said))]
    #[diagnostic(code(modgraft::target::fetch), help("{help}"))]
    Fetch {
        /// `apache2-dev and 2 more`.
        packages: String,
        /// What went wrong, in words.
        reason: String,
        /// The package manager's own last lines.
        said: String,
        /// What to do next.
        help: String,
    },
    /// Packages that cannot be downloaded.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Download(Box<download::Error>),
    /// Repositories that do not give what is needed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Repository(Box<repository::Error>),
    /// A package that cannot be unpacked.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Unpack(Box<unpack::Error>),
    /// Installed, but not as httpd installs itself.
    #[error("{}: {reason}", path.display())]
    #[diagnostic(code(modgraft::target::malformed), help("{help}"))]
    Malformed {
        /// The file that is missing or wrong.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
        /// What to do next.
        help: String,
    },
    /// An added target, or one to be added.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Store(#[from] Box<store::Error>),
    /// A target pack.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Pack(Box<pack::Error>),
    /// A program could not be run, or modgraft was asked to stop.
    #[error(transparent)]
    #[diagnostic(code(modgraft::target::process))]
    Process(#[from] process::Error),
    /// A file could not be read or written; the message names it.
    #[error("{0}")]
    #[diagnostic(code(modgraft::io))]
    Io(#[from] std::io::Error),
}

impl From<download::Error> for Error {
    fn from(error: download::Error) -> Self {
        match error {
            download::Error::Io(error) => Error::Io(error),
            download::Error::Interrupted => Error::Process(process::Error::Interrupted),
            error => Error::Download(Box::new(error)),
        }
    }
}

impl From<repository::Error> for Error {
    fn from(error: repository::Error) -> Self {
        match error {
            repository::Error::Io(error) => Error::Io(error),
            repository::Error::Download(error) => error.into(),
            error => Error::Repository(Box::new(error)),
        }
    }
}

impl From<unpack::Error> for Error {
    fn from(error: unpack::Error) -> Self {
        match error {
            unpack::Error::Io(error) => Error::Io(error),
            unpack::Error::Interrupted => Error::Process(process::Error::Interrupted),
            error => Error::Unpack(Box::new(error)),
        }
    }
}

impl From<pack::Error> for Error {
    fn from(error: pack::Error) -> Self {
        match error {
            pack::Error::Interrupted => Error::Process(process::Error::Interrupted),
            error => Error::Pack(Box::new(error)),
        }
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        Error::Store(Box::new(error))
    }
}

/// What another program said, as a suffix to a message.
fn detail(said: &str) -> String {
    said.lines().filter(|line| !line.trim().is_empty()).map(|line| format!("\n  {}", line.trim())).collect()
}

impl Error {
    /// Parts of httpd that are missing and cannot come from the cache.
    pub(super) fn not_installed(missing: &str, why: &str, advice: &Advice) -> Self {
        Error::NotInstalled { missing: missing.to_owned(), why: why.to_owned(), advice: advice.httpd.clone() }
    }

    /// The kind, which decides the exit code.
    pub fn kind(&self) -> Kind {
        match self {
            Error::Unknown { .. } | Error::NoHttpd { .. } => Kind::Usage,
            Error::Store(error) => error.kind(),
            Error::Pack(error) => error.kind(),
            Error::Download(error) => error.kind(),
            Error::Repository(error) => error.kind(),
            Error::Unpack(error) => error.kind(),
            Error::Process(process::Error::Interrupted) => Kind::Interrupted,
            _ => Kind::Environment,
        }
    }
}
