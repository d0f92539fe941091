use std::path::PathBuf;
use std::sync::Arc;

use miette::{Diagnostic, NamedSource, SourceSpan};

use crate::error::Kind;

/// Why this stage could not do its work.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum Error {
    /// A file could not be read or written; the message names it.
    #[error("{0}")]
    #[diagnostic(code(modgraft::io))]
    Io(#[from] std::io::Error),
    /// A field that has to say something is empty.
    #[error("the {field} is empty")]
    #[diagnostic(code(modgraft::package::empty), help("fill it in in module.toml"))]
    Empty {
        /// Which field.
        field: &'static str,
    },
    /// A character that is no text.
    #[error("the {field} has a control character (U+{code:04X})")]
    #[diagnostic(code(modgraft::package::control_character), help("remove it from module.toml"))]
    ControlCharacter {
        /// Which field.
        field: &'static str,
        /// The character.
        code: u32,
    },
    /// A version or release that rpm would not take.
    #[error("the {field} `{}` is no RPM {field}: {reason}", text.escape_debug())]
    #[diagnostic(code(modgraft::package::bad_version))]
    BadVersion {
        /// `version` or `release`.
        field: &'static str,
        /// As it was written.
        text: String,
        /// What is wrong with it.
        reason: String,
        /// What to write instead.
        #[help]
        help: String,
    },
    /// A name that rpm would not take.
    #[error("`{}` is no RPM package name", name.escape_debug())]
    #[diagnostic(
        code(modgraft::package::bad_name),
        help("use letters, digits, `.`, `_`, `+` and `-`, 64 at most, beginning with a letter or a digit")
    )]
    BadName {
        /// As it was written.
        name: String,
    },
    /// A URL with blanks or worse in it.
    #[error("`{}` is no URL", url.escape_debug())]
    #[diagnostic(
        code(modgraft::package::bad_url),
        help("write it as a browser shows it, with blanks as %20")
    )]
    BadUrl {
        /// As it was written.
        url: String,
    },
    /// The directives of the recipe are no valid template.
    #[error("the directives cannot be rendered: {reason}")]
    #[diagnostic(
        code(modgraft::package::directives),
        help("known names: {known}; a literal `{{{{` is written `\\{{{{`")
    )]
    Directives {
        /// In the template engine's words.
        reason: String,
        /// The names that a template can use.
        known: String,
        /// The template.
        #[source_code]
        template: NamedSource<Arc<str>>,
        /// The line.
        #[label("here")]
        span: SourceSpan,
    },
    /// A document of the recipe that is not there.
    #[error("the document {} cannot be packaged: {reason}", path.display())]
    #[diagnostic(code(modgraft::package::document), help("name a regular file beneath the recipe's folder"))]
    Document {
        /// As the recipe names it.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A file that no package can have.
    #[error("`{}` cannot be packaged: {reason}", path.escape_debug())]
    #[diagnostic(
        code(modgraft::package::file),
        help("give each file a path of its own, from the root and without `.` and `..`")
    )]
    File {
        /// As it was given.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A relation that rpm could not read.
    #[error("`{}` is no relation of a package", relation.escape_debug())]
    #[diagnostic(
        code(modgraft::package::relation),
        help("it has a name and may have a version, both without blanks")
    )]
    Relation {
        /// As it was given.
        relation: String,
    },
    /// A weak dependency for an rpm that knows none.
    #[error("rpm {rpm} on the target knows no weak dependencies such as `{}`", relation.escape_debug())]
    #[diagnostic(code(modgraft::package::weak_dependency), help("leave it out, or require it"))]
    WeakDependency {
        /// The relation.
        relation: String,
        /// The target's rpm.
        rpm: String,
    },
    /// A path of the target's layout that no package can own.
    #[error("the target's {what} `{}` is no absolute path", path.escape_debug())]
    #[diagnostic(code(modgraft::package::layout), help("correct the target's layout"))]
    Layout {
        /// Which.
        what: &'static str,
        /// As it was given.
        path: String,
    },
    /// A file that is no shared object, or a broken one.
    #[error("{} cannot be read as a shared object: {reason}", path.display())]
    #[diagnostic(
        code(modgraft::package::elf),
        help("this is a defect of modgraft, or the file was changed meanwhile")
    )]
    Elf {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The spec could not be rendered.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Spec(#[from] crate::spec::Error),
}

impl Error {
    /// The kind, which decides the exit code.
    pub fn kind(&self) -> Kind {
        match self {
            Error::Io(_) => Kind::Environment,
            Error::Empty { .. }
            | Error::ControlCharacter { .. }
            | Error::BadVersion { .. }
            | Error::BadName { .. }
            | Error::BadUrl { .. }
            | Error::Directives { .. }
            | Error::Document { .. }
            | Error::File { .. }
            | Error::Relation { .. }
            | Error::WeakDependency { .. } => Kind::Input,
            Error::Layout { .. } => Kind::Usage,
            Error::Elf { .. } => Kind::Internal,
            Error::Spec(error) => error.kind(),
        }
    }
}
