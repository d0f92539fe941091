//! The one truth that spec, source package and binary packages read: names, relations, files.
//!
//! In: all stages before. Out: a [`PackageSet`].

mod error;
pub use error::Error;

/// The binary package, its debug information and the source package.
#[derive(Debug)]
pub struct PackageSet {
    /// The module.
    pub binary: Package,
    /// Its debug information.
    pub debuginfo: Package,
    /// Its source.
    pub source: Package,
}

/// One package. (The fields are being written.)
#[derive(Debug)]
pub struct Package {
    /// RPM name.
    pub name: String,
}
