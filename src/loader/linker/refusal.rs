//! Why the dynamic linker would not load a file, in glibc's words (elf/dl-load.c, dl-version.c, dl-lookup.c).

use serde::Serialize;

/// What `dlerror` would say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Refusal {
    /// The file itself.
    #[error("{file}: {reason}")]
    File {
        /// As it was asked for.
        file: String,
        /// `cannot open shared object file: No such file or directory`, `invalid ELF header`.
        reason: String,
    },
    /// A library that it needs, or that one of its libraries needs.
    #[error("{library}: cannot open shared object file: No such file or directory")]
    Library {
        /// Its soname.
        library: String,
        /// The file that needs it.
        needed_by: String,
    },
    /// A version of a library.
    #[error("{library}: version `{version}' not found (required by {needed_by})")]
    Version {
        /// The library's path.
        library: String,
        /// `GLIBC_2.38`.
        version: String,
        /// The file that needs it.
        needed_by: String,
    },
    /// A symbol that nothing has which is loaded before, nor one of its own libraries.
    #[error("{file}: undefined symbol: {symbol}{}", of_version(version.as_deref()))]
    Undefined {
        /// The file that needs it.
        file: String,
        /// The symbol.
        symbol: String,
        /// Its version, where it needs one.
        version: Option<String>,
    },
}

fn of_version(version: Option<&str>) -> String {
    version.map(|version| format!(", version {version}")).unwrap_or_default()
}

/// What is said of a file that is not there.
pub const CANNOT_OPEN: &str = "cannot open shared object file";
