use std::sync::Arc;

use miette::{Diagnostic, NamedSource, SourceSpan};

use super::text;
use crate::error::Kind;
use crate::source::{self, PatchFile};

/// A place in a patch file: its text and the line.
#[derive(Debug, Clone)]
pub(super) struct Place {
    source_code: NamedSource<Arc<str>>,
    at: SourceSpan,
}

impl Place {
    /// The line of this number (from 1), without its line end.
    pub(super) fn line(patch: &PatchFile, line: u32) -> Place {
        let whole = text::decode(&patch.bytes).0;
        let wanted = usize::try_from(line).unwrap_or(usize::MAX).saturating_sub(1);
        let mut start = 0;
        let mut length = 0;
        for (number, part) in whole.split_inclusive('\n').enumerate() {
            length = part.trim_end_matches(['\n', '\r']).len();
            if number == wanted {
                break;
            }
            start += part.len();
        }
        // Past the end (the patch stops too early): the end itself.
        let start = start.min(whole.len());
        let length = length.min(whole.len() - start);
        Place { source_code: NamedSource::new(&patch.name, whole), at: (start, length).into() }
    }
}

/// What is said of a hunk that does not fit.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    pub(super) place: Place,
    pub(super) message: String,
    pub(super) label: String,
    pub(super) help: &'static str,
}

impl From<Refusal> for Error {
    fn from(Refusal { place, message, label, help }: Refusal) -> Error {
        Error::rejected(place, message, label, help)
    }
}

macro_rules! located {
    ($($(#[$doc:meta])* $constructor:ident => $variant:ident),+ $(,)?) => {
        impl Error {
            $(
                $(#[$doc])*
                pub(super) fn $constructor(
                    place: Place,
                    message: impl Into<String>,
                    label: impl Into<String>,
                    help: impl Into<String>,
                ) -> Error {
                    let Place { source_code, at } = place;
                    Error::$variant { message: message.into(), source_code, at, label: label.into(), help: help.into() }
                }
            )+
        }
    };
}

located! {
    truncated => Truncated,
    syntax => Syntax,
    form => Form,
    path => Path,
    rejected => Rejected,
    tree => Tree,
    binary => Binary,
    link => Link,
}

/// Why no changeset can be made of the sources.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum Error {
    /// The base tree could not be read.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Source(#[from] source::Error),

    /// The patch ends inside a hunk or a file header.
    #[error("{message}")]
    #[diagnostic(code(modgraft::changeset::truncated))]
    Truncated {
        /// What is missing.
        message: String,
        /// The patch.
        #[source_code]
        source_code: NamedSource<Arc<str>>,
        /// Where.
        #[label("{label}")]
        at: SourceSpan,
        /// What is there, in a few words.
        label: String,
        /// What to do.
        #[help]
        help: String,
    },

    /// The patch contradicts itself.
    #[error("{message}")]
    #[diagnostic(code(modgraft::changeset::syntax))]
    Syntax {
        /// What is wrong.
        message: String,
        /// The patch.
        #[source_code]
        source_code: NamedSource<Arc<str>>,
        /// Where.
        #[label("{label}")]
        at: SourceSpan,
        /// What is there, in a few words.
        label: String,
        /// What to do.
        #[help]
        help: String,
    },

    /// No patch, or one in a form that is not read: ed script, context diff, merge, encoded mail.
    #[error("{message}")]
    #[diagnostic(code(modgraft::changeset::form))]
    Form {
        /// What it is.
        message: String,
        /// The file.
        #[source_code]
        source_code: NamedSource<Arc<str>>,
        /// Where.
        #[label("{label}")]
        at: SourceSpan,
        /// What gives it away, in a few words.
        label: String,
        /// What to do.
        #[help]
        help: String,
    },

    /// A path that is absolute, climbs, or is not one that a source tree has.
    #[error("{message}")]
    #[diagnostic(code(modgraft::changeset::path))]
    Path {
        /// What is wrong with which path.
        message: String,
        /// The patch.
        #[source_code]
        source_code: NamedSource<Arc<str>>,
        /// Where.
        #[label("{label}")]
        at: SourceSpan,
        /// In a few words.
        label: String,
        /// What to do.
        #[help]
        help: String,
    },

    /// A hunk does not fit the file that it changes.
    #[error("{message}")]
    #[diagnostic(code("modgraft::changeset::does-not-apply"))]
    Rejected {
        /// Which hunk and file, and the lines that were expected and found.
        message: String,
        /// The patch.
        #[source_code]
        source_code: NamedSource<Arc<str>>,
        /// Where.
        #[label("{label}")]
        at: SourceSpan,
        /// In a few words.
        label: String,
        /// What to do.
        #[help]
        help: String,
    },

    /// A file that should be there is not, or the reverse.
    #[error("{message}")]
    #[diagnostic(code(modgraft::changeset::tree))]
    Tree {
        /// Which file, and which of the two.
        message: String,
        /// The patch.
        #[source_code]
        source_code: NamedSource<Arc<str>>,
        /// Where.
        #[label("{label}")]
        at: SourceSpan,
        /// In a few words.
        label: String,
        /// What to do.
        #[help]
        help: String,
    },

    /// A binary change of a source file.
    #[error("{message}")]
    #[diagnostic(code("modgraft::changeset::binary-source"))]
    Binary {
        /// Which file.
        message: String,
        /// The patch.
        #[source_code]
        source_code: NamedSource<Arc<str>>,
        /// Where.
        #[label("{label}")]
        at: SourceSpan,
        /// In a few words.
        label: String,
        /// What to do.
        #[help]
        help: String,
    },

    /// A source file that is, becomes, or lies behind a symbolic link or a submodule.
    #[error("{message}")]
    #[diagnostic(code(modgraft::changeset::link))]
    Link {
        /// Which path.
        message: String,
        /// The patch.
        #[source_code]
        source_code: NamedSource<Arc<str>>,
        /// Where.
        #[label("{label}")]
        at: SourceSpan,
        /// In a few words.
        label: String,
        /// What to do.
        #[help]
        help: String,
    },

    /// Nothing but build files, documentation and tests.
    #[error("no C source is left: {found}")]
    #[diagnostic(code("modgraft::changeset::no-source"), help("{help}"))]
    NoSource {
        /// What there was, by class.
        found: String,
        /// What to do.
        help: String,
    },

    /// C source, and none of it defines a module.
    #[error("no file defines a module structure (`module AP_MODULE_DECLARE_DATA NAME_module = {{ … }}`)")]
    #[diagnostic(code("modgraft::changeset::no-module"), help("{help}"))]
    NoModule {
        /// What to do.
        help: String,
    },

    /// Several modules, and nothing says which.
    #[error("{} modules are defined: {}", found.len(), found.join(", "))]
    #[diagnostic(
        code("modgraft::changeset::two-modules"),
        help(
            "a package holds one: name it, by --module (as {example}), or in module.toml by `symbol` (`symbol = \"{example}\"`); the others have packages of their own"
        )
    )]
    SeveralModules {
        /// Symbol and place of each.
        found: Vec<String>,
        /// One of the symbols.
        example: String,
    },

    /// The module that was asked for is not among those found.
    #[error("no file defines the module `{wanted}`; defined: {}", found.join(", "))]
    #[diagnostic(
        code("modgraft::changeset::unknown-module"),
        help(
            "name one of these, by --module, or in module.toml by `symbol`: the C name of the module structure, as `proxy_wstunnel_module`"
        )
    )]
    UnknownModule {
        /// As asked for.
        wanted: String,
        /// Symbol and place of each.
        found: Vec<String>,
    },
}

impl Error {
    /// The kind, which decides the exit code.
    pub fn kind(&self) -> Kind {
        match self {
            Error::Source(error) => error.kind(),
            Error::Truncated { .. }
            | Error::Syntax { .. }
            | Error::Form { .. }
            | Error::Path { .. }
            | Error::Rejected { .. }
            | Error::Tree { .. }
            | Error::Binary { .. }
            | Error::Link { .. } => Kind::Input,
            Error::NoSource { .. }
            | Error::NoModule { .. }
            | Error::SeveralModules { .. }
            | Error::UnknownModule { .. } => Kind::Refused,
        }
    }
}
