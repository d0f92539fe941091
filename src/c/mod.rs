//! C as far as grafting needs it: split lexically, then parsed piece by piece.
//!
//! In: the text of a source file. Out: its [`Declaration`]s in order, together covering every byte. [`File`] does the
//! same lazily: it splits at once, and parses only the pieces that are asked for.

mod candidates;
pub(crate) mod directive;
pub mod expression;
mod file;
pub(crate) mod lex;
pub(crate) mod library;
pub(crate) mod macros;
mod roles;
mod split;
mod syntax;

use std::collections::BTreeSet;
use std::ops::Range;

use serde::{Deserialize, Serialize};

pub use directive::Include;
pub use file::{File, Guard};

/// What a declaration is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
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
    /// `extern "C" {`, or the brace that ends it.
    ExternC,
    /// A comment that belongs to no declaration (a licence header), and blank space.
    Comment,
    /// Not seen whole: it begins before the text does, or ends after it.
    Partial,
}

impl DeclarationKind {
    /// In words: `function`, `macro call`.
    pub fn describe(self) -> &'static str {
        match self {
            DeclarationKind::Include => "include",
            DeclarationKind::Macro => "macro",
            DeclarationKind::Function => "function",
            DeclarationKind::Prototype => "prototype",
            DeclarationKind::Variable => "variable",
            DeclarationKind::Type => "type",
            DeclarationKind::MacroCall => "macro call",
            DeclarationKind::Condition => "condition",
            DeclarationKind::Directive => "preprocessor line",
            DeclarationKind::ExternC => "language linkage",
            DeclarationKind::Comment => "comment",
            DeclarationKind::Partial => "part of a declaration",
        }
    }
}

/// Where a name is visible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Linkage {
    /// `static`.
    Internal,
    /// Anything else of file scope.
    External,
    /// Types and macros have none.
    None,
}

/// A piece of a C file. All ranges are byte ranges in the file's text.
#[derive(Debug, Clone)]
pub struct Declaration {
    /// What it is.
    pub kind: DeclarationKind,
    /// The names it introduces, tags, typedefs and enumeration constants alike: `typedef struct a {…} b` has two.
    pub names: Vec<String>,
    /// Visibility.
    pub linkage: Linkage,
    /// With the comment that belongs to it.
    pub range: Range<usize>,
    /// Where the code begins behind that comment.
    pub code: usize,
    /// Of a function, where its body's brace opens.
    pub body: Option<usize>,
    /// Line of the first byte of `range`, from 1.
    pub line: u32,
    /// Line of the first byte of code, from 1.
    pub code_line: u32,
    /// The `#if` conditions that stand around it, outermost first, each an expression that can stand behind `#if`. The
    /// include guard of a header is none.
    pub conditions: Vec<String>,
    /// All identifiers in it, in order.
    pub identifiers: Vec<Identifier>,
    /// Of a type: its members' names, those of inner types too.
    pub members: Vec<String>,
    /// Of a type: the enumeration constants among `names`.
    pub constants: Vec<String>,
    /// It only announces: `extern int x;`, `struct s;`, `typedef struct s s;`. Prototypes are not marked.
    pub forward: bool,
    /// It is written as a macro call: `AP_DECLARE_HOOK(…)`, `AP_DECLARE_MODULE(x) = {…}`.
    pub macro_call: bool,
    /// Of a variable: it cannot be written to.
    pub constant: bool,
    /// Of a function: its own variables that outlive a call and can be written to.
    pub state: Vec<String>,
}

/// What a declaration is called, told without parsing a function's body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline {
    /// What it is.
    pub kind: DeclarationKind,
    /// The names it introduces.
    pub names: Vec<String>,
}

/// An identifier in a declaration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identifier {
    /// Byte range in the file's text.
    pub range: Range<usize>,
    /// What it stands for.
    pub role: Role,
    /// It stands inside an `#if` within the declaration, so that it may not be compiled.
    pub conditional: bool,
    /// It stands in a condition of the preprocessor itself: asked about, not used.
    pub tested: bool,
}

/// What an identifier stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Something of file scope, or a macro.
    Global,
    /// A member of a structure or union.
    Member,
    /// A parameter, a variable or type of a function, a parameter of a macro.
    Local,
    /// A label.
    Label,
}

impl Declaration {
    /// What it uses of file scope, its own names excluded; `text` is the file's.
    pub fn uses<'t>(&self, text: &'t str) -> BTreeSet<&'t str> {
        self.named(text, Role::Global).filter(|name| !self.names.iter().any(|own| own == name)).collect()
    }

    /// The members it accesses or defines; `text` is the file's.
    pub fn members_used<'t>(&self, text: &'t str) -> BTreeSet<&'t str> {
        self.named(text, Role::Member).collect()
    }

    /// Whether it stands in a branch that is never compiled: `#if 0`.
    pub fn is_dead(&self) -> bool {
        self.conditions.iter().any(|condition| condition == "0" || condition.starts_with("0 &&"))
    }

    fn named<'t>(&self, text: &'t str, role: Role) -> impl Iterator<Item = &'t str> {
        let found = self.identifiers.iter().filter(move |identifier| identifier.role == role);
        found.filter_map(|identifier| text.get(identifier.range.clone()))
    }
}

/// The declarations of a whole file, in order; together they cover every byte of it. Nothing is refused: what is no C
/// comes out as [`DeclarationKind::Partial`].
pub fn declarations(text: &str) -> Vec<Declaration> {
    File::new(text.into()).into_declarations()
}
