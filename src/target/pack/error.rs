use std::path::PathBuf;

use miette::Diagnostic;

use crate::error::Kind;
use crate::{layout, profile, unpack};

/// Why a pack was not written or taken.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum Error {
    /// The target's parts are those of this machine.
    #[error("the target {target} cannot be packed: it uses the C library and the headers of this machine")]
    #[diagnostic(
        code(modgraft::pack::not_whole),
        help(
            "a pack has a whole root: add the target from its distribution's packages (modgraft target add), and pack that"
        )
    )]
    NotWhole {
        /// Its name.
        target: String,
    },
    /// The target came from a pack.
    #[error("the target {target} came from a pack itself")]
    #[diagnostic(code(modgraft::pack::again), help("pass that file on: its id is {id}"))]
    Again {
        /// Its name.
        target: String,
        /// The pack's id.
        id: String,
    },
    /// There is none.
    #[error("there is no target pack {}", .0.display())]
    #[diagnostic(
        code(modgraft::pack::no_file),
        help("name the file that `modgraft target pack NAME` made where the target is")
    )]
    NoFile(PathBuf),
    /// Another sort of file.
    #[error("{} is no target pack: {reason}", file.display())]
    #[diagnostic(code(modgraft::pack::no_pack), help("`modgraft target pack NAME` makes one"))]
    NotAPack {
        /// The file.
        file: PathBuf,
        /// What it is, or lacks.
        reason: String,
    },
    /// A form that is to come.
    #[error("the pack {} was made by a newer modgraft: its format is {format}", file.display())]
    #[diagnostic(
        code(modgraft::pack::newer),
        help(
            "this modgraft reads formats up to {known}: take a newer one, or have the pack made by this one"
        )
    )]
    Newer {
        /// The file.
        file: PathBuf,
        /// Its format.
        format: u32,
        /// What this modgraft reads.
        known: u32,
    },
    /// A form that was before.
    #[error("the pack {} was made by an older modgraft: its format is {format}", file.display())]
    #[diagnostic(
        code(modgraft::pack::older),
        help(
            "this modgraft reads format {known}: make the pack anew, where its target is, with `modgraft target pack`"
        )
    )]
    Older {
        /// The file.
        file: PathBuf,
        /// Its format.
        format: u32,
        /// What this modgraft reads.
        known: u32,
    },
    /// Another content than was wanted.
    #[error("the pack {} is not the one that is wanted: its SHA-256 is {found}, and {wanted} is expected", file.display())]
    #[diagnostic(
        code(modgraft::pack::digest),
        help("fetch it again from where it was made; nothing of it was read")
    )]
    Digest {
        /// The file.
        file: PathBuf,
        /// Its digest.
        found: String,
        /// The wanted digest, or the digits of it in the file's name.
        wanted: String,
    },
    /// A digest that is none.
    #[error("`{typed}` is no SHA-256")]
    #[diagnostic(
        code(modgraft::pack::no_digest),
        help("it has 64 hexadecimal digits, as `sha256sum FILE` prints them")
    )]
    NoDigest {
        /// As it was typed.
        typed: String,
    },
    /// What it says of itself, and what is in it, do not agree.
    #[error("the pack {} is damaged: {reason}", file.display())]
    #[diagnostic(code(modgraft::pack::damaged), help("have it made anew; nothing of it was kept"))]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A file of the target that should be ELF is none, or is malformed.
    #[error("{} cannot be packed: {reason}", file.display())]
    #[diagnostic(
        code(modgraft::pack::elf),
        help("add the target again: the file is not as its package has it")
    )]
    Elf {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The layouts could not be found out.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Layout(Box<layout::Error>),
    /// Its profile.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Profile(Box<profile::Error>),
    /// It cannot be unpacked.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Unpack(Box<unpack::Error>),
    /// A file could not be read or written; the message names it.
    #[error("{0}")]
    #[diagnostic(code(modgraft::io))]
    Io(#[from] std::io::Error),
    /// Ctrl-C or SIGTERM.
    #[error("interrupted")]
    #[diagnostic(code(modgraft::interrupted))]
    Interrupted,
}

impl From<unpack::Error> for Error {
    fn from(error: unpack::Error) -> Self {
        match error {
            unpack::Error::Io(error) => Error::Io(error),
            unpack::Error::Interrupted => Error::Interrupted,
            error => Error::Unpack(Box::new(error)),
        }
    }
}

impl From<profile::Error> for Error {
    fn from(error: profile::Error) -> Self {
        Error::Profile(Box::new(error))
    }
}

impl Error {
    /// The kind, which decides the exit code.
    pub fn kind(&self) -> Kind {
        match self {
            Error::NotWhole { .. } | Error::Again { .. } => Kind::Refused,
            Error::NoFile(_) | Error::NoDigest { .. } => Kind::Usage,
            Error::NotAPack { .. }
            | Error::Newer { .. }
            | Error::Older { .. }
            | Error::Digest { .. }
            | Error::Damaged { .. } => Kind::Input,
            Error::Layout(error) => error.kind(),
            Error::Profile(error) => error.kind(),
            Error::Unpack(error) => error.kind(),
            Error::Elf { .. } | Error::Io(_) => Kind::Environment,
            Error::Interrupted => Kind::Interrupted,
        }
    }
}
