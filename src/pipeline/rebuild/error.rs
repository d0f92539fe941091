use std::path::PathBuf;

use miette::Diagnostic;

use crate::error::Kind;

/// Why a package cannot be built again.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum Error {
    /// No statement lies beside the package.
    #[error("{} is not there, so it is not known what {} was made from", provenance.display(), package.display())]
    #[diagnostic(
        code(modgraft::rebuild::no_provenance),
        help(
            "build-module writes it beside each package; --provenance names it where it is elsewhere. A package that modgraft did not make has none"
        )
    )]
    NoProvenance {
        /// The package.
        package: PathBuf,
        /// Where it was looked for.
        provenance: PathBuf,
    },

    /// The file is no statement, or another builder's.
    #[error("{} is no provenance of modgraft's: {reason}", path.display())]
    #[diagnostic(
        code(modgraft::rebuild::provenance),
        help("a package that modgraft did not make is built again by what made it")
    )]
    Provenance {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },

    /// The statement is about something else.
    #[error("{} is not the package that {} is about", package.display(), provenance.display())]
    #[diagnostic(
        code(modgraft::rebuild::other_package),
        help("its SHA-256 is another, and so is that of its header, which a new signature leaves as it is")
    )]
    OtherPackage {
        /// The package.
        package: PathBuf,
        /// The statement.
        provenance: PathBuf,
    },

    /// The source package is nowhere.
    #[error("the source package {} is not there", .0.display())]
    #[diagnostic(code(modgraft::rebuild::no_source), help("name it with --srpm"))]
    NoSource(PathBuf),

    /// The source package is of another build.
    #[error("{} is not the source package that {} was built with", srpm.display(), package.display())]
    #[diagnostic(
        code(modgraft::rebuild::other_source),
        help("name the one with --srpm that came with the package: its header has another SHA-256")
    )]
    OtherSource {
        /// The source package.
        srpm: PathBuf,
        /// The package.
        package: PathBuf,
    },

    /// The source package does not hold what modgraft puts there.
    #[error("{} cannot be built again: {reason}", srpm.display())]
    #[diagnostic(code(modgraft::rebuild::source), help("it is built by `rpmbuild --rebuild` all the same"))]
    Source {
        /// The source package.
        srpm: PathBuf,
        /// What is wrong with it.
        reason: String,
    },

    /// No name of a target is known.
    #[error("the package was built for a folder, and it is not known where that is here")]
    #[diagnostic(code(modgraft::rebuild::no_target), help("name the target with --target"))]
    NoTarget,

    /// The target or the compiler is another than it was.
    #[error("{what} was `{then}`, and here it is `{here}`")]
    #[diagnostic(
        code(modgraft::rebuild::differs),
        help(
            "the same bytes come of the same httpd and the same compiler only: --target names another target, CC another compiler"
        )
    )]
    Differs {
        /// In words: `the compiler`.
        what: String,
        /// When the package was built.
        then: String,
        /// On this machine.
        here: String,
    },
}

impl Error {
    /// The kind, which decides the exit code.
    pub fn kind(&self) -> Kind {
        match self {
            Error::NoProvenance { .. } | Error::NoSource(_) | Error::NoTarget => Kind::Usage,
            Error::Provenance { .. }
            | Error::OtherPackage { .. }
            | Error::OtherSource { .. }
            | Error::Source { .. } => Kind::Input,
            Error::Differs { .. } => Kind::Environment,
        }
    }
}
