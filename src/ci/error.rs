use std::path::PathBuf;

use miette::Diagnostic;

use crate::error::Kind;

/// Why no pipeline was written.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum Error {
    /// A file could not be read or written; the message names it.
    #[error("{0}")]
    #[diagnostic(code(modgraft::io))]
    Io(#[from] std::io::Error),

    /// It may have been edited.
    #[error("{} is there already", .0.display())]
    #[diagnostic(
        code(modgraft::ci::exists),
        help("--force writes it anew; what was changed in it is lost then")
    )]
    Exists(PathBuf),

    /// Nothing to build for.
    #[error("it is not said what to build for")]
    #[diagnostic(
        code(modgraft::ci::no_targets),
        help(
            "name targets with --targets; those in {} are taken where there are any, and `modgraft target add` puts them there",
            lock.display()
        )
    )]
    NoTargets {
        /// The lock file that was looked at.
        lock: PathBuf,
    },

    /// Not an address that a pipeline can have.
    #[error("`{git}` is no git address for a pipeline: {problem}")]
    #[diagnostic(
        code(modgraft::ci::git),
        help(
            "--git takes an address as `cargo install --git` does: https://HOST/PATH or ssh://git@HOST/PATH"
        )
    )]
    Git {
        /// As typed, without a password.
        git: String,
        /// What is wrong with it.
        problem: &'static str,
    },

    /// Not a full commit id.
    #[error("`{rev}` is no full commit id")]
    #[diagnostic(
        code(modgraft::ci::rev),
        help(
            "--rev takes all 40 digits, so that every run installs the same modgraft: `git rev-parse {rev}`"
        )
    )]
    Rev {
        /// As typed.
        rev: String,
    },

    /// One target twice.
    #[error("the target `{0}` is named twice")]
    #[diagnostic(code(modgraft::ci::twice), help("each has a job of its own: name it once"))]
    Twice(String),

    /// A target whose packages the pipeline's machines cannot get.
    #[error(
        "the pipeline could not add the target `{name}`: {} does not say where in the network {file} is",
        lock.display()
    )]
    #[diagnostic(
        code(modgraft::ci::no_url),
        help(
            "add it from repositories that the pipeline reaches: modgraft target add {name} --force --profile NAME --repo URL…; or name the other targets with --targets"
        )
    )]
    NoUrl {
        /// The target.
        name: String,
        /// The lock file.
        lock: PathBuf,
        /// The first of its packages that has none.
        file: String,
    },

    /// A target that the pipeline could not add.
    #[error("{} does not have the target `{name}`", lock.display())]
    #[diagnostic(
        code(modgraft::ci::not_locked),
        help(
            "`modgraft target add {name} …` puts it there; the pipeline builds for what is pinned, or for `local`"
        )
    )]
    NotLocked {
        /// The target.
        name: String,
        /// The lock file.
        lock: PathBuf,
    },
}

impl Error {
    /// The kind, which decides the exit code.
    pub fn kind(&self) -> Kind {
        match self {
            Error::Io(_) => Kind::Environment,
            Error::Exists(_)
            | Error::NoTargets { .. }
            | Error::Git { .. }
            | Error::Rev { .. }
            | Error::Twice(_)
            | Error::NoUrl { .. }
            | Error::NotLocked { .. } => Kind::Usage,
        }
    }
}
