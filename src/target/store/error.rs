use std::path::PathBuf;
use std::sync::Arc;

use miette::{Diagnostic, NamedSource, SourceSpan};

use crate::error::Kind;
use crate::profile;

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
    /// There is one of that name.
    #[error("there is a target `{name}` already, of {origin}")]
    #[diagnostic(
        code(modgraft::target::exists),
        help("replace it with --force, or add the new one under another name")
    )]
    Exists {
        /// Its name.
        name: String,
        /// Where it came from.
        origin: String,
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
    /// A profile that is not there or malformed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Profile(Box<profile::Error>),
    /// A processor that modgraft does not know.
    #[error("the processor `{name}` is not known")]
    #[diagnostic(code(modgraft::target::processor), help("processors: {known}"))]
    UnknownProcessor {
        /// As it was typed, or as a package states it.
        name: String,
        /// Their names.
        known: String,
    },
    /// A folder without packages, or nothing at all.
    #[error("{}: {reason}", place.display())]
    #[diagnostic(
        code(modgraft::target::no_packages),
        help("name .rpm or .deb files, or a folder that they are in")
    )]
    NoPackages {
        /// As it was typed.
        place: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Packages that no machine has together.
    #[error("the packages do not belong together: {reason}")]
    #[diagnostic(code(modgraft::target::mixed), help("{help}"))]
    Mixed {
        /// Which two, and in what they differ.
        reason: String,
        /// What to do.
        help: &'static str,
    },
    /// The packages are for another processor than the one that was asked for.
    #[error("{what} is for {arch}, and --arch asks for {wanted}")]
    #[diagnostic(code(modgraft::target::processor), help("give what is for {wanted}, or leave --arch out"))]
    OtherProcessor {
        /// `the package httpd.rpm`.
        what: String,
        /// As it states.
        arch: String,
        /// rpm's name.
        wanted: String,
    },
    /// A lock file that is malformed.
    #[error("{message}")]
    #[diagnostic(code(modgraft::lock::syntax))]
    Lock {
        /// What is wrong.
        message: String,
        /// The file's text.
        #[source_code]
        source_code: NamedSource<Arc<str>>,
        /// Where.
        #[label("{label}")]
        at: SourceSpan,
        /// What is wrong with it, in a few words.
        label: String,
        /// What to do.
        #[help]
        help: String,
    },
    /// A target that the lock file does not have.
    #[error("{} says nothing of a target `{name}`", lock.display())]
    #[diagnostic(
        code(modgraft::lock::unknown),
        help(
            "say where it comes from: --repo URL, --packages FILE… or --prefix DIR; the lock file remembers it"
        )
    )]
    NotLocked {
        /// Its name.
        name: String,
        /// The lock file.
        lock: PathBuf,
    },
    /// Neither a source nor a lock file.
    #[error("nothing says where the target `{name}` comes from")]
    #[diagnostic(
        code(modgraft::target::no_source),
        help("say it: --repo URL, --packages FILE… or --prefix DIR")
    )]
    NoSource {
        /// Its name.
        name: String,
    },
    /// No lock file.
    #[error("there is no {}, and nothing says where the target `{name}` comes from", lock.display())]
    #[diagnostic(
        code(modgraft::lock::missing),
        help("say it: --repo URL, --packages FILE… or --prefix DIR; or name the lock file: --lock FILE")
    )]
    NoLock {
        /// The target.
        name: String,
        /// Where it should be.
        lock: PathBuf,
    },
    /// Packages that the lock file has by their file names only.
    #[error("{file}, which {} names for the target `{name}`, has no url", lock.display())]
    #[diagnostic(
        code(modgraft::lock::files),
        help("say where these files are: modgraft target add {name} --locked --packages DIR")
    )]
    LockedFile {
        /// The target.
        name: String,
        /// The lock file.
        lock: PathBuf,
        /// The first of the packages' files.
        file: String,
    },
    /// Packages that are not those of the lock file.
    #[error("{}: {reason}", lock.display())]
    #[diagnostic(
        code(modgraft::lock::differs),
        help("give the packages that the lock file names; without --locked, it is written anew")
    )]
    Differs {
        /// The lock file.
        lock: PathBuf,
        /// Which package, and how.
        reason: String,
    },
    /// Packages that nobody has locked yet, of a target that was added with a key.
    #[error("no key is given, and those of the target `{name}` that {} has were checked by {keys}", lock.display())]
    #[diagnostic(
        code(modgraft::lock::no_key),
        help(
            "give the file with the distribution's public keys: --key FILE; where its packages need not be signed any more, take `keys` out of the target in {}, which whoever reviews that file sees",
            lock.display()
        )
    )]
    NoKey {
        /// The target.
        name: String,
        /// The lock file.
        lock: PathBuf,
        /// Their fingerprints.
        keys: String,
    },
    /// Repositories without a distribution.
    #[error("which of the repositories' packages are needed, a profile says, and none is named")]
    #[diagnostic(
        code(modgraft::target::no_profile),
        help("name the distribution: --profile el8; profiles: {known}")
    )]
    NoProfile {
        /// Their names.
        known: String,
    },
    /// A profile without repositories.
    #[error("the profile `{profile}` does not say which packages of a repository are needed")]
    #[diagnostic(
        code(modgraft::target::no_repositories),
        help(
            "download the packages with the distribution's own tools, and give them: --packages FILE…; or add [sysroot] to a profile of your own"
        )
    )]
    NoRepositories {
        /// Its name.
        profile: String,
    },
    /// The network is needed, and may not be used.
    #[error("--offline forbids to download {what}")]
    #[diagnostic(code(modgraft::target::offline), help("leave --offline out once; what was added stays"))]
    Offline {
        /// `httpd-devel and 20 more`.
        what: String,
    },
    /// A file could not be read or written; the message names it.
    #[error("{0}")]
    #[diagnostic(code(modgraft::io))]
    Io(#[from] std::io::Error),
}

impl Error {
    /// The kind, which decides the exit code.
    pub fn kind(&self) -> Kind {
        match self {
            Error::Name { .. }
            | Error::Exists { .. }
            | Error::UnknownProcessor { .. }
            | Error::NoPackages { .. }
            | Error::NoProfile { .. }
            | Error::NoRepositories { .. }
            | Error::NoSource { .. }
            | Error::NotLocked { .. }
            | Error::NoLock { .. }
            | Error::LockedFile { .. }
            | Error::NoKey { .. } => Kind::Usage,
            Error::Mixed { .. }
            | Error::OtherProcessor { .. }
            | Error::Lock { .. }
            | Error::Differs { .. } => Kind::Input,
            Error::Profile(error) => error.kind(),
            Error::Manifest { .. } | Error::Offline { .. } | Error::Io(_) => Kind::Environment,
        }
    }
}

impl From<profile::Error> for Error {
    fn from(error: profile::Error) -> Self {
        Error::Profile(Box::new(error))
    }
}
