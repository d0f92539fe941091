//! C as far as grafting needs it: split lexically, then parsed piece by piece.
//!
//! In: the text of a source file. Out: its [`Declaration`]s in order, together covering every byte.

use std::ops::Range;

/// What a declaration is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeclarationKind {
    /// `#include`.
    Include,
    /// `#define`, with what follows it on continued lines.
    Macro,
    /// A function with its body.
    Function,
    /// A function without its body.
    Prototype,
    /// An object of file scope (the module structure is one).
    Variable,
    /// `struct`, `union`, `enum` or `typedef`.
    Type,
    /// A macro call at file scope: `APLOG_USE_MODULE(…)`, `APR_IMPLEMENT_…`.
    MacroCall,
    /// `#if`, `#ifdef`, `#else`, `#elif`, `#endif`.
    Condition,
    /// Another preprocessor line: `#pragma`, `#error`, `#undef`.
    Directive,
    /// A comment that belongs to no declaration (a licence header), and blank space.
    Comment,
}

/// Where a name is visible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Linkage {
    /// `static`.
    Internal,
    /// Anything else of file scope.
    External,
    /// Types and macros have none.
    None,
}

/// A piece of a C file.
#[derive(Debug, Clone)]
pub struct Declaration {
    /// What it is.
    pub kind: DeclarationKind,
    /// The names it introduces; a `typedef struct a {…} b` has two, an enum its constants too.
    pub names: Vec<String>,
    /// Visibility.
    pub linkage: Linkage,
    /// Byte range in the text, with the comment that belongs to it.
    pub range: Range<usize>,
    /// Line of the first byte, from 1.
    pub line: u32,
    /// The `#if` conditions that stand around it, outermost first, as written.
    pub conditions: Vec<String>,
    /// Identifiers used in it, sorted, each once, its own names excluded.
    pub uses: Vec<String>,
}
