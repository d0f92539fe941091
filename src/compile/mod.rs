//! The apxs-equivalent cc call, as data, and what it makes.
//!
//! In: a rendered translation unit and a [`crate::target::Target`]. Out: a [`SharedObject`].

mod error;
pub use error::Error;

use std::path::PathBuf;

use serde::Serialize;

/// A compiler call as data: what was run, and what `report.json` shows.
#[derive(Debug, Clone, Serialize)]
pub struct CompilerCall {
    /// The compiler.
    pub program: PathBuf,
    /// All arguments in order.
    pub arguments: Vec<String>,
}

/// A compiled module.
#[derive(Debug)]
pub struct SharedObject {
    /// `mod_NAME.so`, stripped of debug information.
    pub file: PathBuf,
    /// `mod_NAME.so.debug`, its debug information.
    pub debug_file: PathBuf,
    /// The ELF build id, as bytes.
    pub build_id: Vec<u8>,
    /// The call that made it.
    pub call: CompilerCall,
    /// The compiler's warnings, each as one text.
    pub warnings: Vec<String>,
}
