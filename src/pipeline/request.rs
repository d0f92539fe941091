//! What a caller asks for, understood.

use std::path::PathBuf;

use crate::recipe::Input;
use crate::sign::{Environment, KeySpec};
use crate::source::Base;

/// What to graft, and onto what.
#[derive(Debug, Clone)]
pub struct Request {
    /// A recipe, the reference module, or patches.
    pub input: Input,
    /// The module that is meant, by its name or its structure's, where the patches bring several.
    pub module: Option<String>,
    /// The target's name.
    pub target: String,
    /// Modules that are loaded first, beside what a recipe says: those that httpd asked for where there is none.
    pub requires: Vec<String>,
    /// The tree that a bare patch applies to; goes before a recipe's own.
    pub base: Option<Base>,
    /// Rules that may change what the module does, beside those that the recipe accepts.
    pub accept_risks: Vec<String>,
    /// Never use the network.
    pub offline: bool,
    /// Whether the C file has `#line` directives.
    pub line_directives: bool,
    /// The lock file that must have every input from outside; `None`: none is asked.
    pub locked: Option<PathBuf>,
}

/// What to do with the C file.
#[derive(Debug, Clone)]
pub struct Packaging {
    /// Where the files go.
    pub out: PathBuf,
    /// What signs them.
    pub key: KeySpec,
    /// How the key is unlocked.
    pub environment: Environment,
    /// Whether the packages are for others: nothing may be provisional.
    pub release: bool,
    /// Whether a real httpd must load the module first.
    pub check: Check,
    /// Whether the work folder stays.
    pub keep: bool,
}

/// Whether a build ends with the check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// It does; a failed check publishes nothing.
    Run,
    /// It does not.
    Skip,
}
