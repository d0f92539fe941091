//! One translation unit from the module's sources and what they reach, each span knowing where it comes from.
//!
//! In: a [`Changeset`], the tree where there is one, and what the target offers. Out: a [`TranslationUnit`].

mod error;
pub use error::Error;

use std::sync::Arc;

use serde::Serialize;

use crate::c::DeclarationKind;

/// What an httpd offers to a module: asked before anything is inlined.
pub trait Interface {
    /// The header that declares or defines `name` (function, type or macro), as it would be included (`mod_proxy.h`).
    fn declared_in(&self, name: &str) -> Option<String>;
    /// Who exports `name` as a dynamic symbol: `httpd`, `mod_proxy.so`, `libapr-1.so.0`.
    fn exported_by(&self, name: &str) -> Option<String>;
    /// Whether `#include "path"` finds a header there.
    fn has_header(&self, path: &str) -> bool;
}

/// One C file, in pieces.
#[derive(Debug, Clone)]
pub struct TranslationUnit {
    /// `mod_NAME`.
    pub module: String,
    /// The module structure's C name.
    pub symbol: String,
    /// In order; rendered one behind the other.
    pub pieces: Vec<Piece>,
    /// What became of every declaration that was considered.
    pub record: Vec<Fate>,
}

/// A span of the unit with one origin.
#[derive(Debug, Clone)]
pub struct Piece {
    /// Ends with a newline.
    pub text: String,
    /// Where it comes from.
    pub origin: Origin,
}

/// Where a piece comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Upstream's own file.
    Upstream {
        /// Path in upstream's tree.
        file: Arc<str>,
        /// Line of the piece's first line, from 1.
        line: u32,
    },
    /// Written by modgraft, by the rule of this name.
    Generated(&'static str),
}

/// What became of a declaration, for the report.
#[derive(Debug, Clone, Serialize)]
pub struct Fate {
    /// Its first name; the included path for an include.
    pub name: String,
    /// What it is.
    pub kind: DeclarationKind,
    /// Path in upstream's tree.
    pub file: String,
    /// From 1.
    pub line: u32,
    /// What was done.
    pub outcome: Outcome,
    /// Why, in words.
    pub reason: String,
}

/// What was done with a declaration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The module's own.
    Kept,
    /// Taken from another file because the module reaches it.
    Inlined,
    /// Left out.
    Dropped,
}
