//! The conventions of the families of distributions, which are data: `templates/targets/*.toml`.

use serde::Deserialize;

use super::roots::Roots;
use super::{Advice, Error, Layout};

const FAMILIES: &[(&str, &str)] = &[
    ("debian.toml", include_str!("../../templates/targets/debian.toml")),
    ("suse.toml", include_str!("../../templates/targets/suse.toml")),
    ("redhat.toml", include_str!("../../templates/targets/redhat.toml")),
];
const GENERIC: (&str, &str) = ("generic.toml", include_str!("../../templates/targets/generic.toml"));

/// A family of distributions.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Family {
    /// What its members have as `ID` or in `ID_LIKE` of os-release.
    ids: Vec<String>,
    /// The configuration folder of its own httpd.
    sysconfdir: String,
    /// Where its httpd has `config_vars.mk`, in order.
    pub config_vars: Vec<String>,
    /// Where its httpd program is, in order; asked where no variables tell it.
    pub programs: Vec<String>,
    /// Commands that help.
    pub advice: Advice,
    /// How its packages are fetched, where modgraft can.
    pub fetch: Option<Fetch>,
    /// Which packaging conventions its members follow; the first that fits.
    conventions: Vec<Follows>,
    /// Its names of packages.
    pub packages: Packages,
    layout: LayoutData,
}

/// Members of a family that follow the same packaging conventions.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Follows {
    /// Only the distribution with this `ID`.
    id: Option<String>,
    /// Only with this major version.
    version: Option<String>,
    /// Only for an httpd of this release: `2.2`.
    httpd: Option<String>,
    /// A family of `templates/conventions.toml`.
    family: String,
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

/// How a family's packages are fetched.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Fetch {
    /// The program that does it.
    pub manager: Manager,
    /// Packages with httpd's and APR's headers and apxs's variables.
    pub headers: Vec<String>,
    /// Packages with the httpd program; what they need to run comes with them.
    pub program: Vec<String>,
    /// Packages that the program's package requires and no build or check needs; `*` at the end stands for anything.
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

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct LayoutData {
    load_file: String,
    directives_file: String,
    load_prefix: String,
    #[serde(default)]
    load_guard: bool,
    enable: Option<String>,
    dependency_line: Option<String>,
}

/// A distribution, by os-release(5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Distribution {
    /// `debian`; `linux` where nothing is said, as the manual has it.
    pub id: String,
    /// `12`; empty where nothing is said.
    pub version: String,
    like: Vec<String>,
}

impl Distribution {
    /// The distribution in these roots.
    pub fn of(roots: &Roots) -> Self {
        Self::parse(&os_release(roots).unwrap_or_default())
    }

    /// Whether these roots tell of which distribution they are.
    pub fn is_known(roots: &Roots) -> bool {
        os_release(roots).is_some()
    }

    /// Reads os-release(5).
    pub fn parse(text: &str) -> Self {
        let value = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
            line.map(|value| value.trim().trim_matches(['"', '\'']).to_owned())
        };
        Distribution {
            id: value("ID").filter(|id| !id.is_empty()).unwrap_or_else(|| "linux".to_owned()),
            version: value("VERSION_ID").unwrap_or_default(),
            like: value("ID_LIKE").unwrap_or_default().split_whitespace().map(str::to_owned).collect(),
        }
    }
}

fn os_release(roots: &Roots) -> Option<String> {
    let files = ["/etc/os-release", "/usr/lib/os-release"];
    files.iter().filter_map(|file| roots.find(file)).find_map(|file| fs_err::read_to_string(file).ok())
}

impl Family {
    /// The family that a distribution belongs to.
    pub fn of(distribution: &Distribution) -> Self {
        let families = FAMILIES.iter().map(Self::parse);
        let member = |family: &Family| {
            family.ids.iter().any(|id| *id == distribution.id || distribution.like.contains(id))
        };
        families.into_iter().find(member).unwrap_or_else(|| Self::parse(&GENERIC))
    }

    /// The family whose places for httpd's variables and its program both have a file, for a root that has no os-release.
    pub fn of_layout(roots: &Roots) -> Option<Self> {
        let has = |files: &[String]| files.iter().any(|file| roots.find(file).is_some());
        let mut families = FAMILIES.iter().map(Self::parse);
        families.find(|family| has(&family.config_vars) && has(&family.programs))
    }

    /// Whether all of its members follow the same packaging conventions.
    pub fn is_uniform(&self) -> bool {
        self.conventions.len() == 1
    }

    /// The family of `templates/conventions.toml` that packages for `distribution` follow; `httpd` is the version of an httpd
    /// with the configuration folder `sysconfdir`.
    pub fn conventions(&self, distribution: &Distribution, sysconfdir: &str, httpd: &str) -> String {
        let major = distribution.version.split('.').next().unwrap_or_default();
        let fits = |follows: &&Follows| {
            follows.id.as_ref().is_none_or(|id| *id == distribution.id)
                && follows.version.as_ref().is_none_or(|version| version == major)
                && follows.httpd.as_ref().is_none_or(|release| is_of(httpd, release))
        };
        let generic = Self::parse(&GENERIC).conventions;
        let beside = |follows: &&Follows| follows.httpd.is_some() && !self.is_own(Some(sysconfdir));
        let follows = generic.iter().filter(beside).find(fits);
        let follows = follows.or_else(|| self.conventions.iter().find(fits)).or(self.conventions.last());
        follows.map(|follows| follows.family.clone()).unwrap_or_default()
    }

    /// Whether an httpd with this configuration folder is the distribution's own.
    pub fn is_own(&self, sysconfdir: Option<&str>) -> bool {
        sysconfdir == Some(&self.sysconfdir)
    }

    fn parse(&(name, text): &(&str, &str)) -> Self {
        toml::from_str(text)
            .unwrap_or_else(|error| panic!("templates/targets/{name} is embedded and tested: {error}"))
    }

    /// Where things go, for an httpd with these folders. An httpd that is not the distribution's own (another `sysconfdir`)
    /// gets the generic layout.
    pub fn layout(&self, libexecdir: &str, sysconfdir: &str, mmn_requirement: String) -> Layout {
        let generic;
        let data = if self.sysconfdir == sysconfdir {
            &self.layout
        } else {
            generic = Self::parse(&GENERIC);
            &generic.layout
        };
        let fill = |text: &str| text.replace("{sysconfdir}", sysconfdir).replace("{libexecdir}", libexecdir);
        Layout {
            module_dir: libexecdir.to_owned(),
            load_file: fill(&data.load_file),
            directives_file: fill(&data.directives_file),
            load_prefix: fill(&data.load_prefix),
            load_guard: data.load_guard,
            enable: data.enable.as_deref().map(fill),
            dependency_line: data.dependency_line.clone(),
            mmn_requirement,
            httpd_is_packaged: true,
        }
    }
}

/// Whether `2.2.15` is a version of the release `2.2`.
fn is_of(version: &str, release: &str) -> bool {
    version.strip_prefix(release).is_some_and(|rest| rest.starts_with('.'))
}

impl Fetch {
    /// Whether a package is required by the distribution's package only, not by what modgraft does with it.
    pub fn leaves_out(&self, package: &str) -> bool {
        self.leave_out.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(start) => package.starts_with(start),
            None => package == pattern,
        })
    }
}

impl Family {
    /// The error for parts of httpd that are missing and cannot come from the cache.
    pub fn not_installed(&self, missing: &str, why: &str) -> Error {
        Error::NotInstalled {
            missing: missing.to_owned(),
            why: why.to_owned(),
            advice: self.advice.httpd.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn family(os_release: &str) -> Family {
        Family::of(&Distribution::parse(os_release))
    }

    #[test]
    fn the_embedded_families_are_well_formed() {
        for data in FAMILIES.iter().chain([&GENERIC]) {
            Family::parse(data);
        }
    }

    #[test]
    fn every_release_finds_conventions_that_there_are() {
        for (os_release, expected) in [
            ("ID=debian\nVERSION_ID=12", "debian"),
            ("ID=\"centos\"\nVERSION_ID=\"6.10\"", "el6"),
            ("ID=\"rhel\"\nVERSION_ID=\"7.9\"", "el7"),
            ("ID=\"rocky\"\nID_LIKE=\"rhel fedora\"\nVERSION_ID=\"9.4\"", "el9"),
            ("ID=\"almalinux\"\nID_LIKE=\"rhel\"\nVERSION_ID=\"11.1\"", "el10"),
            ("ID=fedora\nVERSION_ID=43", "fedora"),
            ("ID=\"amzn\"\nVERSION_ID=\"2\"", "el7"),
            ("ID=\"amzn\"\nVERSION_ID=\"2023\"", "el9"),
            ("ID=\"opensuse-leap\"\nVERSION_ID=\"15.6\"", "suse"),
            ("ID=arch", "el9"),
        ] {
            let family = family(os_release);
            let distribution = Distribution::parse(os_release);
            let conventions = family.conventions(&distribution, &family.sysconfdir, "2.4.62");
            assert_eq!(conventions, expected, "{os_release}");
            crate::package::Conventions::of(&conventions).unwrap();
        }
    }

    #[test]
    fn distributions_find_their_families() {
        let cases = [
            ("ID=debian\nVERSION_ID=\"12\"\n", "apt-get"),
            ("ID=ubuntu\nID_LIKE=debian\n", "apt-get"),
            ("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n", "apt-get"),
            ("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n", "dnf"),
            ("ID=fedora\n", "dnf"),
            ("ID=\"opensuse-leap\"\nID_LIKE=\"suse opensuse\"\n", "zypper"),
            ("ID=arch\n", "install"),
            ("", "install"),
        ];
        for (os_release, expected) in cases {
            let advice = family(os_release).advice.httpd;
            assert_eq!(advice.split(' ').next(), Some(expected), "{os_release}");
        }
    }

    #[test]
    fn an_httpd_of_ones_own_is_laid_out_by_its_own_folders() {
        let layout =
            family("ID=debian").layout("/opt/httpd/modules", "/opt/httpd/conf", "20120211x8664".to_owned());
        assert_eq!(layout.load_file_for("x", 10), "/opt/httpd/conf/extra/x.conf");
        assert_eq!(layout.directives_file_for("x"), "/opt/httpd/conf/extra/x.conf");
        assert_eq!(layout.load_prefix, "/opt/httpd/modules");
        let enable = layout.enable.unwrap();
        assert_eq!(enable, "echo 'Include /opt/httpd/conf/extra/{name}.conf' >> /opt/httpd/conf/httpd.conf");
    }

    #[test]
    fn an_httpd_of_ones_own_follows_the_distribution_unless_it_is_older() {
        let distribution = Distribution::parse("ID=rocky\nID_LIKE=rhel\nVERSION_ID=9.4");
        let family = Family::of(&distribution);
        let conventions = |folder: &str, httpd: &str| family.conventions(&distribution, folder, httpd);
        assert_eq!(conventions("/opt/httpd/conf", "2.4.62"), "el9");
        assert_eq!(conventions("/opt/httpd/conf", "2.2.15"), "el6");
        assert_eq!(conventions("/opt/httpd/conf", "2.20.1"), "el9");
        assert_eq!(conventions("/etc/httpd", "2.2.15"), "el9");
    }

    #[test]
    fn red_hats_layout_is_the_one_of_its_packages() {
        let layout =
            family("ID=rhel").layout("/usr/lib64/httpd/modules", "/etc/httpd", "20120211x8664".to_owned());
        assert_eq!(layout.load_file_for("proxy_foo", 10), "/etc/httpd/conf.modules.d/10-proxy_foo.conf");
        assert_eq!(layout.directives_file_for("proxy_foo"), "/etc/httpd/conf.d/proxy_foo.conf");
        assert_eq!(layout.load_prefix, "modules");
    }

    #[test]
    fn packages_that_only_helper_scripts_need_are_left_out() {
        let fetch = family("ID=debian").fetch.unwrap();
        assert!(fetch.leaves_out("perl") && fetch.leaves_out("perl-modules-5.36"));
        assert!(!fetch.leaves_out("libpcre2-8-0") && !fetch.leaves_out("perlx"));
    }
}
