//! A recipe to start from, for a module that has none.
//!
//! In: the module that was found, the texts of its files, and what its tree says of it. Out: a [`Draft`]: the text of a
//! `module.toml`, and the files beside it. What is not known stands there as a comment that says what to write, and
//! `modgraft lint` tells of it.
//!
//! `commands` reads the table of directives, `tree` what a third party's tree says, `prose` what its README does, `defines` what
//! its build gives to the compiler; `write` puts all of it into words, and `text` these into a recipe.

mod commands;
mod defines;
mod error;
mod find;
mod headers;
mod prose;
mod text;
mod tree;
mod write;

pub use commands::{Arguments, Command, commands};
pub use error::Error;
pub use find::main_file;
pub use headers::{Header, made_by_configure};
pub use tree::{Paper, TreeFacts};
pub use write::draft;

use std::sync::Arc;

use crate::changeset::{Listing, ModuleFound, PatchFacts};
use crate::source::SourceSpec;

/// What is known of a module.
#[derive(Debug)]
pub struct Known<'k> {
    /// The module.
    pub module: &'k ModuleFound,
    /// Whether it is one of httpd's own.
    pub of_httpd: bool,
    /// What its source says of itself.
    pub facts: &'k PatchFacts,
    /// What httpd's build system says of it.
    pub listing: Option<&'k Listing>,
    /// The texts of its C files and headers.
    pub texts: &'k [Arc<str>],
    /// What a third party's tree says of it; empty for a module of httpd's own.
    pub tree: &'k TreeFacts,
    /// Headers that its sources include and only configure makes.
    pub headers: &'k [Header],
    /// Where it comes from, as the recipe is to say it.
    pub source: &'k SourceSpec,
}

/// A recipe that was started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The text of `module.toml`.
    pub text: String,
    /// What is left to write, in the words of its comments.
    pub left: Vec<String>,
}
