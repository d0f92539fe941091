use miette::Diagnostic;

use crate::error::Kind;
use crate::{download, sign};

/// Why a repository, or a package of it, could not be had.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum Error {
    /// A file could not be read or written; the message names it.
    #[error("{0}")]
    #[diagnostic(code(modgraft::io))]
    Io(#[from] std::io::Error),
    /// A file could not be fetched.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Download(#[from] download::Error),
    /// The key file.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Key(#[from] sign::Error),
    /// There is no repodata/repomd.xml.
    #[error("{place} is no package repository: {url} is not there")]
    #[diagnostic(
        code(modgraft::repository::none),
        help(
            "name the place that has the folder `repodata`: `baseurl` in the distribution's .repo files, with $releasever and $basearch filled in; of a folder of packages, `createrepo_c FOLDER` makes a repository"
        )
    )]
    None {
        /// As it was named.
        place: String,
        /// What was looked for.
        url: String,
    },
    /// repomd.xml names what is not there, or is another file.
    #[error("the repository {place} is not whole: {problem}")]
    #[diagnostic(
        code(modgraft::repository::incomplete),
        help(
            "a mirror that is being brought up to date is so for minutes: try again later, or name another mirror"
        )
    )]
    Incomplete {
        /// As it was named.
        place: String,
        /// Which file, and how.
        problem: String,
    },
    /// Metadata that cannot be read, or is not what it states to be.
    #[error("the repository {place} has broken metadata: {file}: {problem}")]
    #[diagnostic(
        code(modgraft::repository::metadata),
        help("nothing of it was used; try another mirror, or tell the repository's owner")
    )]
    Metadata {
        /// As it was named.
        place: String,
        /// Its url or path.
        file: String,
        /// What is wrong.
        problem: String,
    },
    /// A location outside of the repository.
    #[error("the repository {place} names a file at `{href}`, which is not gone to: {problem}")]
    #[diagnostic(
        code(modgraft::repository::location),
        help(
            "an honest repository has its files beneath itself, or at an http or https address of their own; nothing was fetched"
        )
    )]
    Location {
        /// As it was named.
        place: String,
        /// As written there.
        href: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// No signature, and a key was given.
    #[error("{what} is not signed, and a key was given to check it by")]
    #[diagnostic(
        code(modgraft::repository::unsigned),
        help("{}", if *.metadata {
            "the repository has no repodata/repomd.xml.asc: where its packages are signed, have their signatures checked instead"
        } else {
            "it was not kept; take the package from its distribution, or leave out the key if you trust the place itself"
        })
    )]
    Unsigned {
        /// Url or path.
        what: String,
        /// Whether it is the metadata, and not a package.
        metadata: bool,
    },
    /// A signature that does not count.
    #[error("{what} is not to be trusted: {reason}")]
    #[diagnostic(
        code(modgraft::repository::untrusted),
        help(
            "it was not kept; check that the key file has the key that the distribution publishes for this release"
        )
    )]
    Untrusted {
        /// Url or path.
        what: String,
        /// Why.
        reason: String,
    },
    /// A file that is no package, or a damaged one, though its sum is as stated.
    #[error("{url} is no package that can be used: {reason}")]
    #[diagnostic(
        code(modgraft::repository::package),
        help("it was not kept; try another mirror, or tell the repository's owner")
    )]
    Package {
        /// Url or path.
        url: String,
        /// Why.
        reason: String,
    },
    /// No package of that name.
    #[error("no repository has `{name}`{}", elsewhere(.other_archs))]
    #[diagnostic(code(modgraft::repository::unknown), help("{}", alike(.similar, .places)))]
    Unknown {
        /// As asked for.
        name: String,
        /// The processors that it is there for.
        other_archs: Vec<String>,
        /// Names that are like it.
        similar: Vec<String>,
        /// The repositories.
        places: Vec<String>,
    },
}

fn elsewhere(archs: &[String]) -> String {
    if archs.is_empty() {
        String::new()
    } else {
        format!(" for this processor, but for {}", archs.join(", "))
    }
}

fn alike(names: &[String], places: &[String]) -> String {
    match names {
        [] => {
            format!("looked for in {}: another repository of the distribution may have it", places.join(", "))
        }
        names => format!("like it are: {}", names.join(", ")),
    }
}

impl Error {
    /// The kind, which decides the exit code.
    pub fn kind(&self) -> Kind {
        match self {
            Error::Io(_) | Error::Incomplete { .. } => Kind::Environment,
            Error::Download(error) => error.kind(),
            Error::Key(error) => error.kind(),
            Error::None { .. } | Error::Unknown { .. } => Kind::Usage,
            Error::Metadata { .. }
            | Error::Location { .. }
            | Error::Unsigned { .. }
            | Error::Untrusted { .. }
            | Error::Package { .. } => Kind::Input,
        }
    }
}
