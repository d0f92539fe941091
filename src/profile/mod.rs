//! What is to be known of a distribution to build for its httpd: where httpd is, where its modules and drop-ins go, how its
//! packages are made, what its rpm accepts. It is data: one file each, `templates/targets/NAME.toml`.
//!
//! In: a name, a file, or what os-release says. Out: a [`Profile`].

pub mod acceptance;
mod builtin;
mod distribution;
mod error;
mod packaging;
mod read;

pub use acceptance::Acceptance;
pub use distribution::Distribution;
pub use error::Error;
pub use packaging::{
    Checksum, Compression, Compressor, DebugSources, Fallback, HttpdRelation, LibraryPackages, Macros,
    MetadataCompression, Packaging, Repodata,
};
pub(crate) use read::is_file;

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::machine::Machine;

/// A distribution, or a line of its releases.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Profile {
    /// `el8`: the file's name.
    pub name: String,
    /// One line for a person.
    pub about: String,
    /// Whose profile it is.
    distribution: Releases,
    /// Where its own httpd is.
    pub httpd: HttpdPlaces,
    /// Commands that help on a machine with it.
    pub advice: Advice,
    /// How its own package manager fetches packages, where modgraft can use it.
    pub fetch: Option<Fetch>,
    /// Its names of packages.
    pub packages: Packages,
    /// What is taken from its repositories for a target's root, beside `packages`.
    pub sysroot: Option<SysrootPackages>,
    /// Where things go.
    pub layout: LayoutPatterns,
    /// How packages are made.
    pub packaging: Packaging,
    /// What the clients of its repositories read.
    pub repodata: Repodata,
    /// Profiles whose packaging an httpd of these releases (`2.2`) gets that is not the distribution's own.
    #[serde(default)]
    packaged_as: BTreeMap<String, String>,
    /// The whole of it as TOML that starts from no other.
    #[serde(skip)]
    text: String,
}

/// Distributions by os-release(5).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Releases {
    /// What its members have as `ID` or in `ID_LIKE`.
    ids: Vec<String>,
    /// The first number of `VERSION_ID`; any where it is missing.
    version: Option<String>,
}

/// Where a distribution's own httpd is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct HttpdPlaces {
    /// Its configuration folder.
    pub sysconfdir: String,
    /// `config_vars.mk`, in the order of search.
    pub config_vars: Vec<String>,
    /// The program, in the order of search; asked where no variables tell it.
    pub programs: Vec<String>,
}

/// What to run or do where something is missing on a machine, one command each.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Advice {
    /// For httpd with its headers.
    pub httpd: String,
    /// For a C compiler.
    pub compiler: String,
    /// For objcopy.
    pub binutils: String,
    /// For a C compiler for another processor; `{triple}` stands for GNU's name of it, `{dashed-triple}` for that without
    /// underscores, as Debian's packages have it, `{arch}` for rpm's.
    cross_compiler: String,
    /// For an emulator of other processors' programs.
    pub emulator: String,
}

impl Advice {
    /// What to run or do for a C compiler for another processor.
    pub fn cross_compiler(&self, machine: &Machine) -> String {
        let triple = machine.triple();
        let command = self.cross_compiler.replace("{dashed-triple}", &triple.replace('_', "-"));
        command.replace("{triple}", triple).replace("{arch}", &machine.name)
    }
}

/// The packages that have what a target's root must have.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Packages {
    /// The httpd program and its modules.
    pub httpd: String,
    /// httpd's headers and apxs's variables.
    pub httpd_headers: String,
    /// APR's headers.
    pub apr_headers: String,
    /// APR-util's headers.
    pub apr_util_headers: String,
    /// The C library.
    pub libc: String,
    /// Its headers, and what links with it.
    pub libc_headers: String,
    /// The kernel's headers, which the C library's include.
    pub kernel_headers: String,
    /// os-release.
    pub os_release: String,
}

/// What is taken from a distribution's repositories for a target's root.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SysrootPackages {
    /// Beside [`Packages`]: names, or what packages provide. Those that no repository has are done without.
    pub packages: Vec<String>,
    /// httpd's modules that are packages of their own. Those that no repository has are done without.
    pub modules: Vec<String>,
    /// What packages require and neither compiler nor httpd needs; a `*` stands for anything.
    pub leave_out: Vec<String>,
}

/// How a distribution's own package manager fetches packages.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Fetch {
    /// The program that does it.
    pub manager: Manager,
    /// Packages with httpd's and APR's headers and apxs's variables.
    pub headers: Vec<String>,
    /// Packages with the httpd program; what they need to run comes with them.
    pub program: Vec<String>,
    /// Packages that the program's package requires and no build or check needs; a `*` stands for anything.
    pub leave_out: Vec<String>,
    /// Source packages whose binaries count as not installed where fetched packages are preferred.
    pub sources: Vec<String>,
}

/// A package manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Manager {
    /// apt-get.
    Apt,
    /// dnf, or yumdownloader where there is no dnf.
    Dnf,
}

/// Where things go on a machine with the distribution. `{name}` stands for the module's name without `mod_`, `{order}` for the
/// two digits that decide the order of loading, `{libexecdir}` and `{sysconfdir}` for httpd's folders.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LayoutPatterns {
    /// The file that has the LoadModule line.
    pub load_file: String,
    /// The file that has directives; may be the same.
    pub directives_file: String,
    /// How the module folder is written in LoadModule.
    pub load_prefix: String,
    /// Whether a tool of the distribution writes the LoadModule lines, from a list of its own that `enable` changes. The drop-in
    /// has no such line then, and its directives count where the module is loaded.
    #[serde(default)]
    pub loaded_by_tool: bool,
    /// The command that an administrator runs to switch the module on, where the files alone do not.
    pub enable: Option<String>,
    /// The line of the load file that names the modules to be loaded before, as the distribution's own tool reads it.
    pub dependency_line: Option<String>,
}

impl Profile {
    /// Whether an httpd with this configuration folder is the distribution's own.
    pub fn is_own(&self, sysconfdir: Option<&str>) -> bool {
        sysconfdir == Some(&self.httpd.sysconfdir)
    }

    /// The profile for an httpd with the configuration folder `sysconfdir`, of the version `httpd`. One that is not the
    /// distribution's own is laid out as [`LOCAL`] says; its packages are the distribution's, or those of an older one whose
    /// rpm is of that httpd's time.
    pub fn for_httpd(&self, sysconfdir: &str, httpd: &str) -> Profile {
        if self.is_own(Some(sysconfdir)) {
            return self.clone();
        }
        let local = Profile::local();
        let older = local.packaged_as.iter().find(|(release, _)| is_of(httpd, release));
        // Each name in a built-in profile is of one: a test reads them all.
        let packaged = older.and_then(|(_, name)| Profile::named(name).ok());
        let packaged = packaged.as_deref().unwrap_or(self);
        Profile { layout: local.layout.clone(), advice: self.advice.clone(), ..packaged.clone() }
    }

    /// The whole of it as TOML that starts from no other: what [`Profile::parse`] takes.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// The profile of an httpd that no distribution made.
pub const LOCAL: &str = "local";

/// Whether `2.2.15` is a version of the release `2.2`.
fn is_of(version: &str, release: &str) -> bool {
    version.strip_prefix(release).is_some_and(|rest| rest.starts_with('.'))
}

impl Fetch {
    /// Whether a package is required by the distribution's package only, not by what modgraft does with it.
    pub fn leaves_out(&self, package: &str) -> bool {
        leaves_out(&self.leave_out, package)
    }
}

impl SysrootPackages {
    /// Whether a package is required by others of the distribution only, not by what modgraft does with them.
    pub fn leaves_out(&self, package: &str) -> bool {
        leaves_out(&self.leave_out, package)
    }
}

fn leaves_out(patterns: &[String], package: &str) -> bool {
    patterns.iter().any(|pattern| match pattern.split_once('*') {
        Some((start, end)) => {
            package.len() >= start.len() + end.len() && package.starts_with(start) && package.ends_with(end)
        }
        None => package == pattern,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_httpd_of_ones_own_is_laid_out_by_its_own_folders() {
        let own = Profile::named("debian").unwrap().for_httpd("/opt/httpd/conf", "2.4.62");
        assert_eq!(own.layout, Profile::local().layout);
        assert_eq!(own.layout.load_file, "{sysconfdir}/extra/{name}.conf");
        assert_eq!((&*own.name, &*own.packaging.platform), ("debian", "{arch}-debian-linux"));
    }

    #[test]
    fn an_httpd_of_ones_own_follows_the_distribution_unless_it_is_older() {
        let el9 = Profile::named("el9").unwrap();
        let name = |folder: &str, httpd: &str| el9.for_httpd(folder, httpd).name;
        assert_eq!(name("/opt/httpd/conf", "2.4.62"), "el9");
        assert_eq!(name("/opt/httpd/conf", "2.2.15"), "el6");
        assert_eq!(name("/opt/httpd/conf", "2.20.1"), "el9");
        assert_eq!(name("/etc/httpd/conf", "2.2.15"), "el9");
        // What helps is what helps on this machine.
        assert_eq!(el9.for_httpd("/opt/httpd/conf", "2.2.15").advice, el9.advice);
    }

    #[test]
    fn red_hats_layout_is_the_one_of_its_packages() {
        let layout = &Profile::named("el8").unwrap().layout;
        assert_eq!(layout.load_file, "/etc/httpd/conf.modules.d/{order}-{name}.conf");
        assert_eq!(layout.directives_file, "/etc/httpd/conf.d/{name}.conf");
        assert_eq!(layout.load_prefix, "modules");
    }

    #[test]
    fn packages_that_only_helper_scripts_need_are_left_out() {
        let fetch = Profile::named("debian").unwrap().fetch.clone().unwrap();
        assert!(fetch.leaves_out("perl") && fetch.leaves_out("perl-modules-5.36"));
        assert!(!fetch.leaves_out("libpcre2-8-0") && !fetch.leaves_out("perlx"));
        let sysroot = Profile::named("el9").unwrap().sysroot.clone().unwrap();
        assert!(sysroot.leaves_out("rocky-gpg-keys") && sysroot.leaves_out("systemd-libs"));
        assert!(!sysroot.leaves_out("glibc") && !sysroot.leaves_out("openssl-libs"));
    }
}
