use std::path::PathBuf;

use miette::Diagnostic;

use crate::error::Kind;
use crate::source;

/// Why no recipe was started.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum Error {
    /// A file could not be read or written; the message names it.
    #[error("{0}")]
    #[diagnostic(code(modgraft::io))]
    Io(#[from] std::io::Error),

    /// The tree could not be read.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Source(#[from] Box<source::Error>),

    /// The folder of the recipe is there.
    #[error("{} is there already", .0.display())]
    #[diagnostic(
        code(modgraft::scaffold::exists),
        help("a recipe is never written over: name another folder with --out, or move that one away")
    )]
    Exists(PathBuf),

    /// Nothing in the tree is a module.
    #[error("no C file of {tree} defines a module for httpd 2")]
    #[diagnostic(
        code(modgraft::scaffold::no_module),
        help(
            "a module is defined by its structure, `module AP_MODULE_DECLARE_DATA example_module = {{ STANDARD20_MODULE_STUFF, … }};` or \
             `AP_DECLARE_MODULE(example) = …`; where it is made by a macro, name the file behind --from TREE"
        )
    )]
    NoModule {
        /// What the tree is called.
        tree: String,
    },

    /// Several files are modules.
    #[error("{tree} has several modules: {}", .files.join(", "))]
    #[diagnostic(
        code(modgraft::scaffold::several_modules),
        help("name one of these files behind --from TREE")
    )]
    SeveralModules {
        /// What the tree is called.
        tree: String,
        /// Their paths in it.
        files: Vec<String>,
    },

    /// No patch and no tree.
    #[error("there is nothing to start a recipe from")]
    #[diagnostic(
        code(modgraft::scaffold::nothing),
        help("name patch files, --commit GIT@REV, or --from with a tarball, a GIT@REV or a folder")
    )]
    Nothing,
}

impl From<source::Error> for Error {
    fn from(error: source::Error) -> Self {
        Error::Source(Box::new(error))
    }
}

impl Error {
    /// The kind, which decides the exit code.
    pub fn kind(&self) -> Kind {
        match self {
            Error::Io(_) => Kind::Environment,
            Error::Source(error) => error.kind(),
            Error::Exists(_) | Error::SeveralModules { .. } | Error::Nothing => Kind::Usage,
            Error::NoModule { .. } => Kind::Input,
        }
    }
}
