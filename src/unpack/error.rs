use std::io;
use std::path::{Path, PathBuf};

use miette::Diagnostic;

use crate::error::Kind;
use crate::rpm;

/// Why a package was not unpacked.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum Error {
    /// A file could not be read or written; the message names it.
    #[error("{0}")]
    #[diagnostic(code(modgraft::io))]
    Io(#[from] io::Error),
    /// Something else than a package.
    #[error("{} is no package to unpack: {reason}", package.display())]
    #[diagnostic(
        code(modgraft::unpack::not_a_package),
        help("give .rpm or .deb files, as the distribution's servers have them")
    )]
    NotAPackage {
        /// The file.
        package: PathBuf,
        /// What it is, or lacks.
        reason: String,
    },
    /// A package that is cut off, or that was made to do harm.
    #[error("the package {} is damaged: {reason}", package.display())]
    #[diagnostic(
        code(modgraft::unpack::damaged),
        help("fetch it again, from where it is signed; nothing of it was kept")
    )]
    Damaged {
        /// The file.
        package: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A path or a hard link that would be written elsewhere.
    #[error("the package {} has a path that leaves the root: {inside}", package.display())]
    #[diagnostic(
        code(modgraft::unpack::outside),
        help("no distribution makes such a package: do not use it; nothing of it was kept")
    )]
    Outside {
        /// The file.
        package: PathBuf,
        /// The path, as it is in there.
        inside: String,
    },
    /// More than is unpacked.
    #[error("the package {} is not unpacked: {reason}", package.display())]
    #[diagnostic(
        code(modgraft::unpack::too_large),
        help(
            "give only the packages that a module is built with; httpd with all that it needs has less than 200 MB"
        )
    )]
    TooLarge {
        /// The file.
        package: PathBuf,
        /// What is too large, and the limit.
        reason: String,
    },
    /// Files of two packages that cannot both be there.
    #[error("the package {} does not fit those before it: {reason}", package.display())]
    #[diagnostic(code(modgraft::unpack::conflict), help("give the packages of one release only"))]
    Conflict {
        /// The file.
        package: PathBuf,
        /// What is in the way.
        reason: String,
    },
    /// An RPM that cannot be read.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Rpm(Box<rpm::Error>),
    /// Ctrl-C or SIGTERM.
    #[error("interrupted")]
    #[diagnostic(code(modgraft::interrupted))]
    Interrupted,
}

impl From<rpm::Error> for Error {
    fn from(error: rpm::Error) -> Self {
        match error {
            rpm::Error::Io(error) => Error::Io(error),
            rpm::Error::Interrupted => Error::Interrupted,
            error => Error::Rpm(Box::new(error)),
        }
    }
}

impl Error {
    /// The kind, which decides the exit code.
    pub fn kind(&self) -> Kind {
        match self {
            Error::Io(_) => Kind::Environment,
            Error::NotAPackage { .. }
            | Error::Damaged { .. }
            | Error::Outside { .. }
            | Error::TooLarge { .. }
            | Error::Conflict { .. } => Kind::Input,
            Error::Rpm(error) => error.kind(),
            Error::Interrupted => Kind::Interrupted,
        }
    }
}

/// What is wrong, where the package is not known by its file.
#[derive(Debug)]
pub enum Wrong {
    /// [`Error::Damaged`].
    Damaged(String),
    /// [`Error::Outside`].
    Outside(String),
    /// [`Error::TooLarge`].
    TooLarge(String),
    /// [`Error::Conflict`].
    Conflict(String),
    /// An RPM's own.
    Rpm(rpm::Error),
    /// The machine's fault.
    Io(io::Error),
    /// Ctrl-C or SIGTERM.
    Interrupted,
}

impl Wrong {
    /// The error, of this package.
    pub fn of(self, package: &Path) -> Error {
        let package = package.to_owned();
        match self {
            Wrong::Damaged(reason) => Error::Damaged { package, reason },
            Wrong::Outside(inside) => Error::Outside { package, inside },
            Wrong::TooLarge(reason) => Error::TooLarge { package, reason },
            Wrong::Conflict(reason) => Error::Conflict { package, reason },
            Wrong::Rpm(error) => error.into(),
            Wrong::Io(error) => Error::Io(error),
            Wrong::Interrupted => Error::Interrupted,
        }
    }

    /// An error of writing into the root: what is in the way there came from another package.
    pub fn writing(error: io::Error) -> Self {
        use io::ErrorKind::{AlreadyExists, DirectoryNotEmpty, IsADirectory, NotADirectory};
        match error.kind() {
            AlreadyExists | NotADirectory | IsADirectory | DirectoryNotEmpty => {
                Wrong::Conflict(error.to_string())
            }
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidFilename => Wrong::Damaged(error.to_string()),
            _ => Wrong::Io(error),
        }
    }
}

impl From<rpm::Error> for Wrong {
    fn from(error: rpm::Error) -> Self {
        Wrong::Rpm(error)
    }
}
