use std::path::PathBuf;
use std::sync::Arc;

use miette::{Diagnostic, NamedSource, SourceSpan};

use crate::adapt::pack;
use crate::error::Kind;

/// Why a recipe cannot be used.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum Error {
    /// A file could not be read or written; the message names it.
    #[error("{0}")]
    #[diagnostic(code(modgraft::io))]
    Io(#[from] std::io::Error),

    /// Not TOML, an unknown key, a missing key, a value of the wrong type.
    #[error("{message}")]
    #[diagnostic(code(modgraft::recipe::syntax))]
    Syntax {
        /// What the TOML reader said, in one line.
        message: String,
        /// The recipe's text.
        #[source_code]
        source_code: NamedSource<Arc<str>>,
        /// Where.
        #[label("here")]
        at: SourceSpan,
        /// What to do.
        #[help]
        help: String,
    },

    /// Well formed, but with a value that cannot be.
    #[error("{message}")]
    #[diagnostic(code(modgraft::recipe::value))]
    Value {
        /// What is wrong.
        message: String,
        /// The recipe's text.
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

    /// A rule pack of the recipe.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Pack(#[from] Box<pack::Error>),

    /// The recipe is not UTF-8.
    #[error("{} is not UTF-8 text", .0.display())]
    #[diagnostic(code(modgraft::recipe::encoding), help("a recipe is a TOML file; is this the right one?"))]
    Encoding(PathBuf),

    /// No recipe by that name, and no such file.
    #[error("there is no recipe or patch `{asked}`")]
    #[diagnostic(code(modgraft::recipe::unknown))]
    Unknown {
        /// As it was typed.
        asked: String,
        /// What there is.
        #[help]
        help: String,
    },

    /// Recipes and patches were mixed, or several recipes given.
    #[error("`{recipe}` is a recipe, and `{other}` was given beside it")]
    #[diagnostic(
        code(modgraft::recipe::mixed),
        help("give one recipe, or patch files alone: a recipe names its patches itself")
    )]
    Mixed {
        /// The recipe.
        recipe: String,
        /// What stood beside it.
        other: String,
    },

    /// `--from` without a file.
    #[error("--from names a tree, and no file of it is named")]
    #[diagnostic(
        code(modgraft::recipe::from),
        help(
            "name the module's C file in it: `--from httpd-2.4.62.tar.gz modules/proxy/mod_proxy_wstunnel.c`"
        )
    )]
    FromNothing,

    /// `--from` with what is no file of a tree.
    #[error("`{word}` is {what}, and --from takes the files of a module in a whole tree")]
    #[diagnostic(
        code(modgraft::recipe::from),
        help(
            "name a C file of the tree with --from, or leave --from out: a recipe names its source itself, and a patch's tree is --base"
        )
    )]
    FromMixed {
        /// As it was typed.
        word: String,
        /// `a recipe`, `a patch`.
        what: &'static str,
    },
}

impl Error {
    /// The kind, which decides the exit code.
    pub fn kind(&self) -> Kind {
        match self {
            Error::Io(_) => Kind::Environment,
            Error::Syntax { .. } | Error::Value { .. } | Error::Pack(_) | Error::Encoding(_) => Kind::Input,
            Error::Unknown { .. } | Error::Mixed { .. } | Error::FromNothing | Error::FromMixed { .. } => {
                Kind::Usage
            }
        }
    }
}
