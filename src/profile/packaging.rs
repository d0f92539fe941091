//! How packages are made for a distribution, and what reads them there.

use serde::Deserialize;

use super::acceptance::{Acceptance, PackageRules};

/// How packages are made.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Packaging {
    /// The release of rpm whose form the packages have (tag RPMVERSION).
    pub rpm: String,
    /// How the payload is compressed.
    pub payload: Compression,
    /// Whether a second signature covers header and payload (tags 1002, 1005): only rpm before 4.14 needs it.
    pub payload_signature: bool,
    /// Which keys its rpm accepts.
    pub keys: Acceptance,
    /// Which packages its rpm accepts.
    pub accepts: PackageRules,
    /// The package's name, from the module's.
    pub package_name: String,
    /// What a module requires of httpd.
    pub requires: Vec<HttpdRelation>,
    /// What its httpd provides as `httpd-mmn`, where httpd's headers do not state it (`.mmn`).
    pub httpd_mmn: String,
    /// The distribution's macros for packagers of modules, as specs use them.
    pub macros: Macros,
    /// What has to be there to build.
    pub build_requires: Vec<String>,
    /// Whose names the development packages of libraries have.
    pub library_packages: LibraryPackages,
    /// Tag PLATFORM.
    pub platform: String,
    /// What debug files have between the module's file name and `.debug`.
    pub debug_suffix: String,
    /// Where the sources go that debug information names.
    pub debug_sources: DebugSources,
    /// Where documentation goes.
    pub doc_dir: String,
    /// Where licence texts go.
    pub license_dir: String,
    /// Whether its rpm knows `%license`.
    pub license_flag: bool,
    /// Whether the file name of a shared object without soname is among the provides.
    pub soname_provides: bool,
    /// Whether the spec has to have Group, BuildRoot, %clean and %defattr.
    pub legacy_spec: bool,
    /// Compiler flags for the spec, before the distribution's own.
    pub cflags: String,
}

/// Which package has the sources that a debugger shows (`_debugsource_packages` of the distribution's rpm macros).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DebugSources {
    /// NAME-debuginfo, as rpm before 4.14 and Debian's do it.
    Debuginfo,
    /// NAME-debugsource.
    Debugsource,
}

impl Packaging {
    /// The name of a module's package.
    pub fn package_named(&self, module: &str) -> String {
        self.package_name.replace("{name}", module)
    }
}

/// How a payload is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Compression {
    /// By what.
    pub compressor: Compressor,
    /// In the compressor's own scale.
    pub level: u32,
}

/// A payload compressor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compressor {
    /// Every rpm reads it.
    Gzip,
    /// rpm 4.8 and later.
    Xz,
    /// rpm 4.14 and later.
    Zstd,
}

impl Packaging {
    /// Its rpm for a person: `rpm 4.11`.
    pub fn rpm_line(&self) -> String {
        let numbers: Vec<&str> = self.rpm.splitn(3, '.').take(2).collect();
        format!("rpm {}", numbers.join("."))
    }
}

impl Compressor {
    /// Tag PAYLOADCOMPRESSOR.
    pub fn name(self) -> &'static str {
        match self {
            Compressor::Gzip => "gzip",
            Compressor::Xz => "xz",
            Compressor::Zstd => "zstd",
        }
    }
}

/// A distribution's macros for packagers of modules: what a spec writes for each place.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Macros {
    /// apxs.
    pub apxs: String,
    /// The folder of modules.
    pub module_dir: String,
    /// The folder of the file that loads the module.
    pub load_dir: String,
    /// The folder of the file with directives.
    pub directives_dir: String,
    /// What macros are where the distribution does not define them, in the order in which they are defined.
    pub fallbacks: Vec<Fallback>,
}

/// A macro's own definition, for where the distribution has none.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Fallback {
    /// Without percent sign.
    pub name: String,
    /// The body, macros in it included. `{module-dir}`, `{load-dir}`, `{directives-dir}`, `{mmn}` and
    /// `{httpd-mmn}` are the target's.
    pub value: String,
}

/// A relation to httpd, with `{mmn}` and `{httpd-mmn}` still to be filled in.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct HttpdRelation {
    /// The capability.
    pub name: String,
    /// The exact version, where it has one.
    pub version: Option<String>,
    /// How specs write it, by the distribution's macros.
    pub spec: Option<String>,
}

/// Whose names the development packages of libraries have: a column of `templates/libraries.toml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LibraryPackages {
    /// Debian's.
    Debian,
    /// Enterprise Linux's and Fedora's.
    El,
    /// SUSE's, which are not listed.
    Suse,
}

/// What the clients of a distribution's repositories read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Repodata {
    /// How the metadata may be compressed.
    pub compression: MetadataCompression,
    /// What its digests and those of packages are.
    pub checksum: Checksum,
    /// Where the clients look for .repo files.
    pub repo_dir: String,
}

/// The compression of a repository's metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MetadataCompression {
    /// Every client reads it.
    Gzip,
    /// dnf of Enterprise Linux 10, Fedora 41 and zypper of today.
    Zstd,
}

/// The digest of a repository's metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Checksum {
    /// yum of Enterprise Linux 6 and all later clients.
    Sha256,
}
