//! An httpd to build for: its variables, headers, MMN, exported symbols, module folder and libc, and the packaging
//! conventions of its distribution.
//!
//! In: a name (`local`). Out: a [`Target`].

mod error;
pub use error::Error;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

/// An httpd to build for.
#[derive(Debug, Clone)]
pub struct Target {
    /// As it was asked for: `local`.
    pub name: String,
    /// `x86_64`, `aarch64`: rpm's name of the processor.
    pub arch: String,
    /// `20120211:141`.
    pub mmn: Mmn,
    /// `2.4.68`.
    pub httpd_version: String,
    /// apxs's variables (config_vars.mk).
    pub variables: BTreeMap<String, String>,
    /// httpd's, APR's and APR-util's header folders on this host, in order.
    pub include_dirs: Vec<PathBuf>,
    /// The folder on this host with the target's own module files.
    pub modules_dir: PathBuf,
    /// The httpd program on this host, where it can run here.
    pub program: Option<PathBuf>,
    /// Folders with the libraries that the program needs beside the system's.
    pub library_path: Vec<PathBuf>,
    /// The target's C library.
    pub glibc: GlibcVersion,
    /// Where things go on the target.
    pub layout: Layout,
    /// How it came to be here.
    pub provenance: Provenance,
}

/// The module magic number of ap_mmn.h.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Mmn {
    /// Must be equal.
    pub major: u32,
    /// Must not be less.
    pub minor: u32,
}

/// A version of the GNU C library; ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct GlibcVersion {
    /// 2.
    pub major: u32,
    /// 36.
    pub minor: u32,
}

/// Paths on the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// `/usr/lib64/httpd/modules`.
    pub module_dir: String,
    /// The file that has the LoadModule line; `{name}` stands for the module's name without `mod_`.
    pub load_file: String,
    /// The file that has directives; may be the same.
    pub directives_file: String,
    /// How the module folder is written in LoadModule: `modules`, or the absolute path.
    pub load_prefix: String,
}

/// How a target came to be on this host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Provenance {
    /// Installed in the system.
    Installed,
    /// The distribution's packages, fetched and unpacked in the cache.
    Fetched {
        /// `name version`.
        packages: Vec<String>,
        /// The root they were unpacked into.
        root: PathBuf,
    },
}
