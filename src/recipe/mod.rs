//! What is to be built: `modules/NAME/module.toml`, read and understood.
//!
//! [`manifest`] is what a person wrote (serde, unknown keys are errors with line and column), [`Recipe`] is what it means.

mod builtin;
pub mod check;
mod compat;
mod define;
mod find;
mod infer;
pub mod manifest;
mod overlays;
mod prerelease;
mod read;
mod repin;
pub mod schema;

use std::path::PathBuf;
use std::sync::Arc;

use crate::adapt::pack::Pack;
use crate::changeset::rules::Rule;
use crate::source::SourceSpec;

mod error;
pub use builtin::unpack as unpack_reference;
pub use define::Define;
pub use error::Error;
pub use find::{Input, MANIFEST, MODULES, beneath, find, find_in};
pub use infer::infer;
pub use overlays::{
    Overlays, folder as overlay_folder, keys as overlay_keys, overlays, path as overlay_path,
};
pub use prerelease::version_and_release;
pub use read::{parse, read};
pub use repin::repin;

/// A module to graft, with everything that a package of it needs to say.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// The module's file name without ending, `mod_NAME`: `[a-z0-9_]`, starts with `mod_`.
    pub name: String,
    /// The C name of the module structure (`proxy_wstunnel_module`), where the recipe states it; found in the source else.
    pub symbol: Option<String>,
    /// One line.
    pub summary: String,
    /// Paragraphs of plain text.
    pub description: String,
    /// An SPDX expression.
    pub license: String,
    /// The project's page.
    pub url: Option<String>,
    /// RPM version: no `-`.
    pub version: String,
    /// RPM release: no `-`.
    pub release: String,
    /// Newest first.
    pub changelog: Vec<ChangelogEntry>,
    /// Where the sources come from.
    pub source: SourceSpec,
    /// Libraries to link, without `-l`. Where a written recipe names none, those that the source's build system names.
    pub libraries: Vec<String>,
    /// Headers beneath `directory` that are read as if they stood in the source's tree.
    pub headers: Vec<PathBuf>,
    /// Macros that are defined in front of the source; no name twice.
    pub defines: Vec<Define>,
    /// Directives for the drop-in, as the recipe has them; `None`: the drop-in only loads the module.
    pub directives: Option<String>,
    /// What a real httpd must do with the module.
    pub checks: Vec<check::Check>,
    /// Modules that must be there first, `mod_NAME`, each once.
    pub requires: Vec<String>,
    /// The recipe's own rule packs, asked before the built-in ones.
    pub compat: Compat,
    /// Ids of rules that may change what the module does; each is a rule that there is.
    pub accept_risks: Vec<String>,
    /// Names of lints that are not to be told of; each is one that there is.
    pub allowed_lints: Vec<String>,
    /// The recipe's own classification rules, asked before the built-in ones.
    pub rules: Vec<Rule>,
    /// Licence texts and documentation, beneath `directory`.
    pub documents: Vec<Document>,
    /// The folder of `module.toml`: patches and documents are relative to it.
    pub directory: PathBuf,
    /// The text that this is the meaning of: it goes into the source package.
    pub text: Arc<str>,
    /// What was not stated and had to be assumed, in words, for a person to confirm. Empty for a written recipe.
    pub assumptions: Vec<String>,
}

/// A recipe's rule packs.
#[derive(Debug, Clone, Default)]
pub struct Compat {
    /// What they mean, in the recipe's order.
    pub packs: Vec<Pack>,
    /// Name and text of each file: they go into the source package.
    pub files: Vec<(String, Arc<str>)>,
}

/// One entry of the package's changelog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangelogEntry {
    /// The day.
    pub date: jiff::civil::Date,
    /// `Name <address>`.
    pub author: String,
    /// `version-release`, where stated.
    pub version: Option<String>,
    /// One line each, without the dash.
    pub notes: Vec<String>,
}

/// A file beside the recipe that goes into the package as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Relative to the recipe's folder.
    pub path: PathBuf,
    /// `%license` or `%doc`.
    pub kind: DocumentKind,
}

/// How a document is marked in the package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DocumentKind {
    /// `%license`.
    License,
    /// `%doc`.
    Documentation,
}
