//! Which distribution it is, by os-release(5), and which profile is its.

use std::sync::Arc;

use super::{Profile, builtin};

/// A distribution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Distribution {
    /// `debian`; `linux` where nothing is said, as the manual has it.
    pub id: String,
    /// `12`; empty where nothing is said.
    pub version: String,
    /// Those that it is like, the nearest first.
    like: Vec<String>,
}

impl Distribution {
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

    /// The profile of this distribution: of those that know its id, or one of those that it is like, the one of its version,
    /// else the one of all versions; [`super::LOCAL`] where none knows it.
    pub fn profile(&self) -> Arc<Profile> {
        let major = self.version.split('.').next().unwrap_or_default();
        for id in [&self.id].into_iter().chain(&self.like) {
            let members = || builtin::all().filter(|profile| profile.distribution.ids.contains(id));
            let of = |version: Option<&str>| {
                members().find(|profile| profile.distribution.version.as_deref() == version)
            };
            if let Some(profile) = of(Some(major)).or_else(|| of(None)) {
                return profile.clone();
            }
        }
        Profile::local()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_release_finds_its_profile() {
        for (os_release, expected) in [
            ("ID=debian\nVERSION_ID=\"12\"\n", "debian"),
            ("ID=ubuntu\nID_LIKE=debian\nVERSION_ID=\"24.04\"", "debian"),
            ("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n", "debian"),
            ("ID=\"centos\"\nVERSION_ID=\"6.10\"", "el6"),
            ("ID=\"rhel\"\nVERSION_ID=\"7.9\"", "el7"),
            ("ID=\"rocky\"\nID_LIKE=\"rhel fedora\"\nVERSION_ID=\"9.4\"", "el9"),
            ("ID=\"anew\"\nID_LIKE=\"rhel fedora\"\nVERSION_ID=\"8.10\"", "el8"),
            ("ID=\"almalinux\"\nID_LIKE=\"rhel\"\nVERSION_ID=\"11.1\"", "el10"),
            ("ID=fedora\nVERSION_ID=43", "fedora"),
            ("ID=\"amzn\"\nID_LIKE=\"centos rhel fedora\"\nVERSION_ID=\"2\"", "amazon2"),
            ("ID=\"amzn\"\nID_LIKE=\"fedora\"\nVERSION_ID=\"2023\"", "amazon2023"),
            ("ID=\"opensuse-leap\"\nID_LIKE=\"suse opensuse\"\nVERSION_ID=\"15.6\"", "leap"),
            ("ID=\"opensuse-tumbleweed\"\nID_LIKE=\"opensuse suse\"\nVERSION_ID=\"20261101\"", "tumbleweed"),
            ("ID=\"sles\"\nID_LIKE=\"suse\"\nVERSION_ID=\"15.6\"", "suse"),
            ("ID=arch", "local"),
            ("", "local"),
        ] {
            assert_eq!(Distribution::parse(os_release).profile().name, expected, "{os_release}");
        }
    }
}
