use std::path::PathBuf;

use miette::Diagnostic;

use crate::error::Kind;

/// Why this stage could not do its work.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum Error {
    /// A file could not be read or written; the message names it.
    #[error("{0}")]
    #[diagnostic(code(modgraft::io))]
    Io(#[from] std::io::Error),
    /// A package could not be written.
    #[error("{} cannot be written: {source}", path.display())]
    #[diagnostic(code(modgraft::rpm::write), help("check that the folder exists, is writable and has room"))]
    Write {
        /// Where it was to go.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// A file was changed while it was packaged.
    #[error("{} changed while it was packaged", path.display())]
    #[diagnostic(code(modgraft::rpm::changed), help("run the build again, with nothing else writing there"))]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// What the format has no room for.
    #[error("{what} has {size} bytes, and a package takes 4 GiB at most")]
    #[diagnostic(code(modgraft::rpm::too_large), help("leave out what is not needed"))]
    TooLarge {
        /// The file, or the package.
        what: String,
        /// In bytes.
        size: u64,
    },
    /// A second name of nothing.
    #[error("`{}` is another name of `{}`, which is no regular file of the package", path.escape_debug(), to.escape_debug())]
    #[diagnostic(code(modgraft::rpm::link), help("this is a defect of modgraft"))]
    Link {
        /// The name.
        path: String,
        /// What it is a name of.
        to: String,
    },
    /// A time that the format has no room for.
    #[error("SOURCE_DATE_EPOCH {time} is after the year 2106, where RPM's time ends")]
    #[diagnostic(code(modgraft::rpm::time), help("it counts seconds, not milliseconds"))]
    Time {
        /// Unix seconds.
        time: u64,
    },
    /// The header could not be serialised.
    #[error("the header cannot be written: {reason}")]
    #[diagnostic(code(modgraft::rpm::header), help("this is a defect of modgraft"))]
    Header {
        /// In the library's words.
        reason: String,
    },
    /// A package that is not there.
    #[error("there is no file {}", path.display())]
    #[diagnostic(
        code(modgraft::rpm::no_file),
        help("name packages, by their paths from the folder that this runs in")
    )]
    NoFile {
        /// As it was named.
        path: PathBuf,
    },
    /// No RPM package at all.
    #[error("{} is no RPM package: {reason}", path.display())]
    #[diagnostic(code(modgraft::rpm::not_a_package), help("`file` tells what it is"))]
    NotAPackage {
        /// The file.
        path: PathBuf,
        /// What it lacks.
        reason: String,
    },
    /// A package that is damaged, or was made to do harm.
    #[error("{} is damaged: {reason}", path.display())]
    #[diagnostic(code(modgraft::rpm::damaged), help("fetch or build it again; nothing of it was used"))]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        reason: String,
    },
    /// A package of a format that is only read here.
    #[error("{} is of RPM's format {format}, whose signatures modgraft does not write", path.display())]
    #[diagnostic(code(modgraft::rpm::format), help("sign it with the rpmsign of rpm 6"))]
    Format {
        /// The file.
        path: PathBuf,
        /// Its number.
        format: u64,
    },
    /// No signature at all.
    #[error("{} is not signed", path.display())]
    #[diagnostic(
        code(modgraft::rpm::unsigned),
        help("nothing says where it comes from; fetch it from its distribution, or leave out the key")
    )]
    Unsigned {
        /// The file.
        path: PathBuf,
    },
    /// No signature that counts.
    #[error("{} is not to be trusted: {reason}", path.display())]
    #[diagnostic(
        code(modgraft::rpm::untrusted),
        help("check that the key is the one that its distribution publishes, and fetch the package again")
    )]
    Untrusted {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A key that cannot be used.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Sign(#[from] crate::sign::Error),
    /// Ctrl-C or SIGTERM.
    #[error("interrupted")]
    #[diagnostic(code(modgraft::interrupted))]
    Interrupted,
}

impl Error {
    /// The kind, which decides the exit code.
    pub fn kind(&self) -> Kind {
        match self {
            Error::Io(_) | Error::Write { .. } | Error::Changed { .. } => Kind::Environment,
            Error::TooLarge { .. } | Error::Format { .. } => Kind::Refused,
            Error::Time { .. } | Error::NoFile { .. } => Kind::Usage,
            Error::NotAPackage { .. }
            | Error::Damaged { .. }
            | Error::Unsigned { .. }
            | Error::Untrusted { .. } => Kind::Input,
            Error::Header { .. } | Error::Link { .. } => Kind::Internal,
            Error::Sign(error) => error.kind(),
            Error::Interrupted => Kind::Interrupted,
        }
    }
}
