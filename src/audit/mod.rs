//! What the shared object would do at load time, read from its ELF structures before any package is written.
//!
//! In: a [`crate::compile::SharedObject`] and a target. Out: an [`Audit`], or the findings as an error.

mod error;
pub use error::Error;

use serde::Serialize;

use crate::target::GlibcVersion;

/// A shared object that passed.
#[derive(Debug, Clone, Serialize)]
pub struct Audit {
    /// Dynamic symbols that it defines: the module structure, and nothing else.
    pub exports: Vec<String>,
    /// Each undefined symbol and who provides it.
    pub imports: Vec<Import>,
    /// Modules of the target that must be loaded first (`proxy_module` of `mod_proxy.so`).
    pub load_after: Vec<Prerequisite>,
    /// NEEDED, in order.
    pub needed: Vec<String>,
    /// The highest GLIBC version needed.
    pub glibc: Option<GlibcVersion>,
    /// Properties that were verified: `full RELRO`, `NX`, `no text relocations`, `no RPATH`.
    pub hardening: Vec<String>,
}

/// An undefined symbol.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Import {
    /// The symbol.
    pub symbol: String,
    /// `GLIBC_2.34`, where versioned.
    pub version: Option<String>,
    /// `httpd`, `mod_proxy.so`, `libc.so.6`.
    pub provider: String,
}

/// A module that must be loaded before this one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Prerequisite {
    /// Its structure, as LoadModule names it: `proxy_module`.
    pub symbol: String,
    /// Its file: `mod_proxy.so`.
    pub file: String,
}
