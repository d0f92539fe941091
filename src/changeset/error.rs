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
                    let [message, label, help] = [message.into(), label.into(), help.into()];
                    Error::$variant(Located { message, source_code, at, label, help })
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

/// What is wrong with a patch, and where.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("{message}")]
pub struct Located {
    message: String,
    #[source_code]
    source_code: NamedSource<Arc<str>>,
    #[label("{label}")]
    at: SourceSpan,
    /// What is there, in a few words.
    label: String,
    /// What to do.
    #[help]
    help: String,
}

/// Why no changeset can be made of the sources.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum Error {
    /// The base tree could not be read.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Source(#[from] source::Error),

    /// The patch ends inside a hunk or a file header.
    #[error(transparent)]
    #[diagnostic(code(modgraft::changeset::truncated), forward(0))]
    Truncated(Located),

    /// The patch contradicts itself.
    #[error(transparent)]
    #[diagnostic(code(modgraft::changeset::syntax), forward(0))]
    Syntax(Located),

    /// No patch, or one in a form that is not read: ed script, context diff, merge, encoded mail.
    #[error(transparent)]
    #[diagnostic(code(modgraft::changeset::form), forward(0))]
    Form(Located),

    /// A path that is absolute, climbs, or is not one that a source tree has.
    #[error(transparent)]
    #[diagnostic(code(modgraft::changeset::path), forward(0))]
    Path(Located),

    /// A hunk does not fit the file that it changes.
    #[error(transparent)]
    #[diagnostic(code("modgraft::changeset::does-not-apply"), forward(0))]
    Rejected(Located),

    /// A file that should be there is not, or the reverse.
    #[error(transparent)]
    #[diagnostic(code(modgraft::changeset::tree), forward(0))]
    Tree(Located),

    /// A binary change of a source file.
    #[error(transparent)]
    #[diagnostic(code("modgraft::changeset::binary-source"), forward(0))]
    Binary(Located),

    /// A source file that is, becomes, or lies behind a symbolic link or a submodule.
    #[error(transparent)]
    #[diagnostic(code(modgraft::changeset::link), forward(0))]
    Link(Located),

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

    /// C source, and all of it is in the server itself.
    #[error("the patch changes httpd itself, and no module: {}", files.join(", "))]
    #[diagnostic(
        code("modgraft::changeset::of-httpd"),
        help("what is linked into httpd itself no module can bring: this change needs an httpd that has it")
    )]
    OfHttpd {
        /// Paths of the changed files.
        files: Vec<String>,
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
            | Error::OfHttpd { .. }
            | Error::SeveralModules { .. }
            | Error::UnknownModule { .. } => Kind::Refused,
        }
    }
}
