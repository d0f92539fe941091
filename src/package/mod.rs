//! The one truth that spec, source package and binary packages read: names, relations, files.
//!
//! In: all stages before. Out: a [`PackageSet`].

mod assemble;
mod binary;
mod debuginfo;
mod debugsource;
pub mod documents;
mod dropin;
mod elf;
mod error;
mod features;
pub mod file;
mod names;
pub mod relation;
mod scriptlet;
mod small;
pub mod source;
mod text;

pub use assemble::{Places, assemble};
pub use debugsource::Upstream;
pub use error::Error;
pub use file::{Content, File, FileKind};
pub use relation::Relation;
pub use scriptlet::{Scriptlet, When};
pub use small::{About, Architecture, Contents, Relations};

use std::sync::Arc;

use crate::audit::Audit;
use crate::compile::SharedObject;
use crate::profile::Profile;
use crate::recipe::Recipe;
use crate::source::Sources;
use crate::target::Target;

/// All that packages are made of.
#[derive(Debug)]
pub struct Inputs<'a> {
    /// What is to be packaged.
    pub recipe: &'a Recipe,
    /// For which httpd.
    pub target: &'a Target,
    /// The compiled module.
    pub object: &'a SharedObject,
    /// What the audit found; its one export is the module structure.
    pub audit: &'a Audit,
    /// The flattened C file: name and text.
    pub flat_source: (&'a str, &'a str),
    /// Patches, to be packaged untouched.
    pub sources: &'a Sources,
    /// Modules that must be there first and that are packages like this one: `mod_NAME`.
    pub requires: &'a [String],
    /// Upstream's files that lines of the C file are from.
    pub upstream: &'a Upstream,
    /// Further files for the source package, such as the rules that were applied: name and bytes.
    pub extra_sources: &'a [(String, Arc<[u8]>)],
    /// Documentation that modgraft wrote: name and bytes. It goes into the package behind the recipe's own.
    pub notes: &'a [(String, Arc<[u8]>)],
    /// Seconds since 1970: the time of the build, and of every file.
    pub source_date_epoch: u64,
}

/// The binary package, its debug information and sources for debuggers, and the source package.
#[derive(Debug)]
pub struct PackageSet {
    /// The module.
    pub binary: Package,
    /// Its debug information.
    pub debuginfo: Package,
    /// The sources that a debugger shows, where the distribution has a package for them; else they are in `debuginfo`.
    pub debugsource: Option<Package>,
    /// Its source. The spec is one of its files.
    pub source: Package,
    /// The spec: file name and text.
    pub spec: (String, String),
}

impl PackageSet {
    /// All of them, the module's first and the source's last.
    pub fn packages(&self) -> impl Iterator<Item = &Package> {
        [&self.binary, &self.debuginfo].into_iter().chain(&self.debugsource).chain([&self.source])
    }
}

/// What a package is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PackageKind {
    /// To be installed: the module, or any other that is no debug information.
    Binary,
    /// Debug information.
    Debuginfo,
    /// Sources for debuggers.
    Debugsource,
    /// Source.
    Source,
}

/// One package. A module's come from [`assemble`], any other from [`Package::new`].
#[derive(Debug, Clone)]
pub struct Package {
    /// What it is.
    pub kind: PackageKind,
    /// RPM name.
    pub name: String,
    /// Comes before the version where versions are compared; none counts as 0.
    pub epoch: Option<u32>,
    /// RPM version.
    pub version: String,
    /// RPM release.
    pub release: String,
    /// The processor, also in a source package: the one it was made on. `noarch` for any.
    pub arch: String,
    /// One line.
    pub summary: String,
    /// Lines.
    pub description: String,
    /// SPDX expression.
    pub license: String,
    /// The project's page.
    pub url: Option<String>,
    /// RPM group.
    pub group: &'static str,
    /// The same everywhere, so that packages are reproducible.
    pub build_host: &'static str,
    /// Seconds since 1970: build time, and the time of every file.
    pub time: u64,
    /// File name of the source package.
    pub source_rpm: String,
    /// The compiler flags, for people (tag OPTFLAGS).
    pub optflags: String,
    /// Tag PLATFORM.
    pub platform: String,
    /// Sorted, each once.
    pub provides: Vec<Relation>,
    /// Sorted, each once.
    pub requires: Vec<Relation>,
    /// Sorted, each once.
    pub conflicts: Vec<Relation>,
    /// Sorted, each once: what it takes the place of.
    pub obsoletes: Vec<Relation>,
    /// Sorted, each once: what is installed with it where it can be. rpm 4.12 and later.
    pub recommends: Vec<Relation>,
    /// Sorted, each once. rpm 4.12 and later.
    pub suggests: Vec<Relation>,
    /// What is run; a module's packages have none.
    pub scriptlets: Vec<Scriptlet>,
    /// Newest first.
    pub changelog: Vec<Change>,
    /// Sorted by path.
    pub files: Vec<File>,
    /// In a source package, the sources in the spec's order.
    pub sources: Vec<String>,
    /// The number of the processor in the lead.
    pub lead_arch: u16,
    /// How it is made.
    pub profile: Arc<Profile>,
}

/// One entry of a changelog, as rpm has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Noon UTC of the day, seconds since 1970.
    pub time: u32,
    /// `Thu Jun 13 2013`.
    pub day: String,
    /// `Name <address> - version-release`.
    pub title: String,
    /// Lines, each note with a dash.
    pub text: String,
}

impl Package {
    /// `version-release`, with `epoch:` in front where there is one: what relations compare.
    pub fn evr(&self) -> String {
        let epoch = self.epoch.map(|epoch| format!("{epoch}:")).unwrap_or_default();
        format!("{epoch}{}-{}", self.version, self.release)
    }

    /// `name-version-release`. File names have no epoch.
    pub fn nvr(&self) -> String {
        format!("{}-{}-{}", self.name, self.version, self.release)
    }

    /// `name-version-release.arch`, with `src` as the arch of a source package.
    pub fn nevra(&self) -> String {
        let arch = if self.kind == PackageKind::Source { "src" } else { &self.arch };
        format!("{}.{arch}", self.nvr())
    }

    /// The file's name: `mod_x-1.0-1.x86_64.rpm`.
    pub fn file_name(&self) -> String {
        format!("{}.rpm", self.nevra())
    }
}
