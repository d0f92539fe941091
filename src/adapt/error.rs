use miette::Diagnostic;

use super::{overlay, pack};
use crate::compile::Complaint;
use crate::error::Kind;
use crate::{compile, flatten};

/// Why a module does not fit the target.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum Error {
    /// What is left when no rule helps any more.
    #[error("{module} cannot be grafted onto httpd {httpd}: {count} thing{} in the way{}", plural(*count), compile::not_shown(*count, walls.len()))]
    #[diagnostic(code(modgraft::adapt::wall))]
    Walls {
        /// `mod_NAME`.
        module: String,
        /// The target's httpd.
        httpd: String,
        /// How many there are.
        count: usize,
        /// The first of them.
        #[related]
        walls: Vec<Complaint>,
        /// Whether the compiler speaks of nothing that a target could lack: then the module itself is no C.
        own_fault: bool,
    },
    /// Edits that change what the module does need a person's word.
    #[error("{module} would behave differently on httpd {httpd}: {}", rules.join(", "))]
    #[diagnostic(code(modgraft::adapt::risk), help("{help}"))]
    Risk {
        /// `mod_NAME`.
        module: String,
        /// The target's httpd.
        httpd: String,
        /// The rules.
        rules: Vec<String>,
        /// What each of them does, and how to accept it.
        help: String,
    },
    /// A part of httpd became part of the module, and nothing would start it.
    #[error("{module} needs a part of httpd that the rule {rule} brings with it, and nothing would start it")]
    #[diagnostic(
        code(modgraft::adapt::not_started),
        help(
            "it is started in front of the function that registers the module's hooks: write the module structure with its \
             seven elements in order, STANDARD20_MODULE_STUFF first, in an overlay"
        )
    )]
    NotStarted {
        /// `mod_NAME`.
        module: String,
        /// The rule.
        rule: String,
    },
    /// A rule was accepted that there is none of.
    #[error("there is no rule `{id}`")]
    #[diagnostic(code(modgraft::adapt::unknown_rule), help("{help}"))]
    UnknownRule {
        /// As it was written.
        id: String,
        /// The nearest, or where to look.
        help: String,
    },
    /// What the compiler denied cannot be taken from upstream either.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Flatten(#[from] Box<flatten::Error>),
    /// The compiler could not be asked.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Compile(#[from] Box<compile::Error>),
    /// A patch of the flattened file.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Overlay(#[from] Box<overlay::Error>),
    /// A recipe's pack.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Pack(#[from] Box<pack::Error>),
    /// A file could not be read or written; the message names it.
    #[error("{0}")]
    #[diagnostic(code(modgraft::io))]
    Io(#[from] std::io::Error),
}

fn plural(count: usize) -> &'static str {
    if count == 1 { " stands" } else { "s stand" }
}

impl Error {
    /// The kind, which decides the exit code.
    pub fn kind(&self) -> Kind {
        match self {
            Error::Walls { own_fault: true, .. } => Kind::Compile,
            Error::Walls { .. } | Error::Risk { .. } | Error::NotStarted { .. } => Kind::Refused,
            Error::UnknownRule { .. } => Kind::Usage,
            Error::Flatten(error) => error.kind(),
            Error::Compile(error) => error.kind(),
            Error::Overlay(error) => match **error {
                overlay::Error::Malformed { .. } => Kind::Input,
                overlay::Error::Misfit { .. } => Kind::Refused,
            },
            Error::Pack(_) => Kind::Input,
            Error::Io(_) => Kind::Environment,
        }
    }
}
