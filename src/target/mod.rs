//! An httpd to build for: its variables, headers, MMN, exported symbols, module folder and libc, and the packaging
//! conventions of its distribution.
//!
//! In: a name (`local`, or that of an added target, [`store`]) or a folder with an httpd. Out: a [`Target`].

pub mod calendar;
pub mod diff;
mod digest;
pub mod elf;
mod error;
mod fetch;
mod fingerprint;
mod folder;
mod installed;
mod interface;
mod libraries;
mod local;
mod lock;
mod names;
pub mod objects;
pub mod pack;
pub mod relocations;
pub mod roots;
mod runner;
mod stamp;
pub mod store;
mod structure;
mod symbols;
mod variables;

pub use error::Error;
pub use interface::{HttpdInterface, has_strings};
pub use libraries::{LIBGCC, LIBGCC_PACKAGES, Libraries};
pub use runner::{NotRunnable, Runner};
pub use stamp::{stamp, stamp_beneath};
pub use structure::ModuleStructure;
pub use symbols::{Provider, ProviderKind, Symbols};

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::profile::{Advice, Profile};

use crate::machine::Machine;

/// An httpd to build for.
#[derive(Debug, Clone)]
pub struct Target {
    /// As it was asked for: `local`, or a folder.
    pub name: String,
    /// Its processor.
    pub machine: &'static Machine,
    /// `20120211:141`.
    pub mmn: Mmn,
    /// `MODULE_MAGIC_COOKIE` of ap_mmn.h: what stands in each module structure, and httpd compares.
    pub cookie: u32,
    /// `2.4.68`.
    pub httpd_version: String,
    /// `1.7.2`.
    pub apr_version: String,
    /// apxs's variables (config_vars.mk), with what they refer to put in. Paths are those of the target.
    pub variables: BTreeMap<String, String>,
    /// httpd's, APR's and APR-util's header folders on this host, in order.
    pub include_dirs: Vec<PathBuf>,
    /// The folder on this host with the target's own module files.
    pub modules_dir: PathBuf,
    /// The httpd program on this host, where there is one; [`Target::runner`] tells how it is started.
    pub program: Option<PathBuf>,
    /// Folders with the libraries that the program needs beside the system's.
    pub library_path: Vec<PathBuf>,
    /// The dynamic linker that has to start the program, where its C library is not the system's.
    pub loader: Option<PathBuf>,
    /// Where the target's shared libraries are on this host.
    pub libraries: Libraries,
    /// The target's C library.
    pub glibc: GlibcVersion,
    /// Where things go on the target.
    pub layout: Layout,
    /// The conventions that its packages follow.
    pub profile: Arc<Profile>,
    /// The commands that help on this host where something is missing.
    pub advice: Advice,
    /// How it came to be here.
    pub provenance: Provenance,
    /// Headers, symbols and ELF files, read when they are first asked for and shared by clones.
    pub contents: interface::Contents,
}

/// The module magic number of ap_mmn.h.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mmn {
    /// Must be equal.
    pub major: u32,
    /// Must not be less.
    pub minor: u32,
}

impl fmt::Display for Mmn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.major, self.minor)
    }
}

/// A version of the GNU C library; ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct GlibcVersion {
    /// 2.
    pub major: u32,
    /// 36.
    pub minor: u32,
}

impl GlibcVersion {
    /// The version that a symbol version stands for: `GLIBC_2.34`, `GLIBC_2.2.5`. `GLIBC_ABI_DT_RELR` came with 2.36
    /// (glibc's NEWS) and is needed by objects linked with `-z pack-relative-relocs`.
    pub fn of_symbol(version: &str) -> Option<Self> {
        if version == "GLIBC_ABI_DT_RELR" {
            return Some(GlibcVersion { major: 2, minor: 36 });
        }
        let mut parts = version.strip_prefix("GLIBC_")?.split('.');
        Some(GlibcVersion { major: parts.next()?.parse().ok()?, minor: parts.next()?.parse().ok()? })
    }
}

impl fmt::Display for GlibcVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// Paths and conventions on the target. In the patterns `{name}` stands for the module's name without `mod_`, and
/// `{order}` for the two digits that decide the order of loading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// `/usr/lib64/httpd/modules`.
    pub module_dir: String,
    /// The file that has the LoadModule line; a pattern.
    pub load_file: String,
    /// The file that has directives; may be the same; a pattern.
    pub directives_file: String,
    /// How the module folder is written in LoadModule: `modules`, or the absolute path.
    pub load_prefix: String,
    /// Whether a tool of the distribution writes the LoadModule line, and the drop-in has none.
    pub loaded_by_tool: bool,
    /// The command that an administrator runs to switch the module on, where the files alone do not; a pattern.
    pub enable: Option<String>,
    /// The line of the load file that names the modules to be loaded before, as the distribution's own tool reads it;
    /// `{modules}` stands for their names without `mod_`, separated by spaces.
    pub dependency_line: Option<String>,
    /// What `httpd-mmn` must equal: `20120211x8664`, on EL6 `20051115`.
    pub mmn_requirement: String,
    /// Whether that httpd is a package, which can be required.
    pub httpd_is_packaged: bool,
}

impl Layout {
    /// What the patterns of a profile mean for an httpd with these folders.
    fn of(profile: &Profile, libexecdir: &str, sysconfdir: &str, mmn_requirement: String) -> Self {
        let patterns = &profile.layout;
        let fill = |text: &str| text.replace("{sysconfdir}", sysconfdir).replace("{libexecdir}", libexecdir);
        Layout {
            module_dir: libexecdir.to_owned(),
            load_file: fill(&patterns.load_file),
            directives_file: fill(&patterns.directives_file),
            load_prefix: fill(&patterns.load_prefix),
            loaded_by_tool: patterns.loaded_by_tool,
            enable: patterns.enable.as_deref().map(fill),
            dependency_line: patterns.dependency_line.clone(),
            mmn_requirement,
            httpd_is_packaged: true,
        }
    }

    /// The load file of a module (its name without `mod_`), `order` being 0 to 99.
    pub fn load_file_for(&self, name: &str, order: u8) -> String {
        self.load_file.replace("{order}", &format!("{order:02}")).replace("{name}", name)
    }

    /// The file with the directives of a module (its name without `mod_`).
    pub fn directives_file_for(&self, name: &str) -> String {
        self.directives_file.replace("{name}", name)
    }
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
    /// Installed by `make install` into a folder of its own; it uses the system's C library.
    Prefix {
        /// The folder.
        root: PathBuf,
    },
    /// A folder into which packages of a distribution were unpacked, the C library among them.
    Sysroot {
        /// The folder.
        root: PathBuf,
        /// The pack that it was unpacked from; its programs and libraries have no code then.
        pack: Option<Packed>,
    },
}

/// What is known of a target that came from a pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    /// SHA-256 of the pack, in lower-case hexadecimal digits.
    pub id: String,
    /// The file on this host with the layouts that the pack has.
    pub layouts: PathBuf,
}

/// Where and how a target may be looked for.
#[derive(Debug, Clone)]
pub struct Options {
    /// modgraft's cache folder; `targets/` beneath it is this stage's.
    pub cache: PathBuf,
    /// Nothing may be fetched.
    pub offline: bool,
    /// Take the distribution's fetched packages even where httpd is installed.
    pub prefer_fetched: bool,
    /// The lock file that may know a target which was not added here.
    pub lock: Option<PathBuf>,
}

impl Options {
    /// Fetches what is missing into this cache folder.
    pub fn new(cache: PathBuf) -> Self {
        Options { cache, offline: false, prefer_fetched: false, lock: None }
    }
}

/// Finds a target, fetching what `local` lacks. `notify` is called with one line before anything is fetched. A name with a
/// `/` is a folder: the prefix of httpd's `make install`, or a root into which a distribution's packages were unpacked. Any
/// other name is that of an added target ([`store`]).
///
/// # Errors
/// An unknown name; httpd is not installed and may not or cannot be fetched; an installation that is no httpd's, or half of
/// one.
pub fn resolve(name: &str, options: &Options, notify: &dyn Fn(&str)) -> Result<Target, Error> {
    match name {
        "local" => local::resolve(options, notify),
        folder if folder.contains('/') => folder::resolve(folder, Path::new(folder), None),
        _ => added(name, options),
    }
}

fn added(name: &str, options: &Options) -> Result<Target, Error> {
    let store = store::Store::of(&options.cache);
    if let Ok(parsed) = store::Name::parse(name)
        && let Some(added) = store.find(&parsed)?
    {
        return added.resolve();
    }
    Err(store.unknown(name, options.lock.as_deref())?)
}

impl Target {
    /// What its headers declare and its files export, for the stages that ask before they inline.
    pub fn interface(&self) -> HttpdInterface {
        HttpdInterface::new(self)
    }

    /// The headers of httpd, APR and APR-util, as they are included, each with its file on this host; in the order of the
    /// folders, and then by name.
    pub fn public_headers(&self) -> Vec<(String, PathBuf)> {
        interface::headers(&self.include_dirs)
    }

    /// SHA-256, in lower-case hexadecimal digits, of what a module is built against: a list of the target's headers, its
    /// program and its modules, a line each of its own SHA-256 and its name. Read at the first call.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn digest(&self) -> std::io::Result<String> {
        self.contents.digest(self)
    }

    /// The modules that are part of the program, as `httpd -l` would list them by their structures.
    pub fn builtin_modules(&self) -> Vec<String> {
        let programs = self.symbols().all().iter().filter(|provider| provider.kind == ProviderKind::Program);
        programs.flat_map(|program| program.modules.iter().map(|(name, _)| name.clone())).collect()
    }

    /// Where its files are on this host.
    pub fn roots(&self) -> roots::Roots {
        self.contents.roots(|| match &self.provenance {
            Provenance::Installed | Provenance::Prefix { .. } => roots::Roots::host(),
            Provenance::Fetched { root, .. } => roots::Roots::over_host(root.clone()),
            Provenance::Sysroot { root, .. } => roots::Roots::only(root.clone()),
        })
    }

    /// The root that the compiler and the linker must take all from that is not the compiler's own: the C library and its
    /// headers with it. `None`: the host's.
    pub fn sysroot(&self) -> Option<&Path> {
        match &self.provenance {
            Provenance::Sysroot { root, .. } => Some(root),
            Provenance::Installed | Provenance::Fetched { .. } | Provenance::Prefix { .. } => None,
        }
    }

    /// The file or folder that an absolute path of the target has in its sysroot.
    pub fn in_sysroot(&self, path: &str) -> Option<PathBuf> {
        roots::find_in(self.sysroot()?, path)
    }

    /// The libraries that its program needs, those that these need included, in the order of search; read at the first call.
    pub fn needed(&self) -> &[String] {
        self.contents.needed(self)
    }

    /// Its ELF files, each read at the first call for it: program, modules and libraries, and nothing that is not its own.
    pub fn objects(&self) -> &objects::Objects {
        self.contents.objects()
    }

    /// The exported symbols of its program, modules, APR and APR-util; read at the first call.
    pub fn symbols(&self) -> &Symbols {
        self.contents.symbols(self)
    }
}
