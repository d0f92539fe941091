//! How much is unpacked at most.

/// The most that a root may take, whatever the packages state. Bytes, but for `entries`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// A package's file.
    pub package: u64,
    /// A file in a package.
    pub file: u64,
    /// All files together.
    pub all: u64,
    /// Files, folders and links of all packages together.
    pub entries: u64,
}

impl Default for Limits {
    /// httpd with all that a module is built with has less than 200 MB in 10,000 files, and its debug information, with that of
    /// the C library, twice as much.
    fn default() -> Self {
        Limits { package: 1 << 30, file: 1 << 30, all: 2 << 30, entries: 250_000 }
    }
}
