//! The errors of all stages under one roof, and the exit code that each kind ends with.
//!
//! A stage has its own typed error (`STAGE::Error`), derived by `thiserror` and `miette`: a stable code
//! (`modgraft::patch::truncated`), a message, where there is one the source text with a label, and a help that says what
//! to do. The renderer in `report` turns any of them into the same shape.

use miette::Diagnostic;
use thiserror::Error as ThisError;

/// What sort of thing went wrong; decides the exit code. The list is part of the interface: README.md documents it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// What was typed: unknown option, missing file. Exit code 2, as clap's own.
    Usage,
    /// A patch, recipe, key or package that is malformed. Exit code 3.
    Input,
    /// The input is well formed, but no package can be made of it that would work. Exit code 4.
    Refused,
    /// The machine: a tool that is missing, a full disk, no network. Exit code 5.
    Environment,
    /// The C compiler refused the translation unit. Exit code 6.
    Compile,
    /// The audit of the shared object found something that would not load or not be safe. Exit code 7.
    Audit,
    /// A real httpd did not load the module, or a check was answered wrongly; or it is told that httpd would refuse. Exit code 8.
    Check,
    /// A signing key that is missing, locked, expired, revoked or not accepted. Exit code 9.
    Key,
    /// Ctrl-C or SIGTERM. Exit code 130.
    Interrupted,
    /// A defect of modgraft itself. Exit code 70.
    Internal,
}

impl Kind {
    /// The process exit code of this kind.
    pub fn exit_code(self) -> u8 {
        match self {
            Kind::Usage => 2,
            Kind::Input => 3,
            Kind::Refused => 4,
            Kind::Environment => 5,
            Kind::Compile => 6,
            Kind::Audit => 7,
            Kind::Check => 8,
            Kind::Key => 9,
            Kind::Internal => 70,
            Kind::Interrupted => 130,
        }
    }
}

macro_rules! stages {
    ($($variant:ident => $stage:ident),+ $(,)?) => {
        /// Any stage's error.
        #[derive(Debug, ThisError, Diagnostic)]
        pub enum Error {
            $(
                #[error(transparent)]
                #[diagnostic(transparent)]
                $variant(#[from] Box<crate::$stage::Error>),
            )+
        }

        $(
            impl From<crate::$stage::Error> for Error {
                fn from(error: crate::$stage::Error) -> Self {
                    Error::$variant(Box::new(error))
                }
            }
        )+

        impl Error {
            /// The kind, which decides the exit code.
            pub fn kind(&self) -> Kind {
                match self { $(Error::$variant(error) => error.kind(),)+ }
            }
        }
    };
}

stages! {
    Download => download,
    Repository => repository,
    Recipe => recipe,
    Lint => lint,
    Scaffold => scaffold,
    Source => source,
    Changeset => changeset,
    Flatten => flatten,
    Profile => profile,
    Target => target,
    Unpack => unpack,
    Layout => layout,
    Adapt => adapt,
    Compile => compile,
    Audit => audit,
    Package => package,
    Spec => spec,
    Rpm => rpm,
    Sign => sign,
    Publish => publish,
    Check => check,
    Cache => cache,
    Loader => loader,
    Submit => submit,
    Ci => ci,
    Pipeline => pipeline,
}
