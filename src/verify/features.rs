//! What packages require of rpm itself: `rpmlib(NAME) <= VERSION`.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use rpm_version::Evr;
use serde::Deserialize;

/// A feature as rpm provides it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Feature {
    /// What it is provided as.
    version: String,
    /// The first release of rpm that has it.
    since: String,
}

static FEATURES: LazyLock<BTreeMap<String, Feature>> = LazyLock::new(|| {
    let text = include_str!("../../templates/rpmlib.toml");
    toml::from_str(text)
        .unwrap_or_else(|error| panic!("templates/rpmlib.toml is embedded and tested: {error}"))
});

/// Whether rpm of this release has the feature, in that version at least.
pub(super) fn has(rpm: &str, name: &str, version: &str) -> bool {
    FEATURES.get(name).is_some_and(|feature| {
        compare(&feature.since, rpm) != Ordering::Greater
            && compare(version, &feature.version) != Ordering::Greater
    })
}

fn compare(left: &str, right: &str) -> Ordering {
    Evr::parse(left).cmp(&Evr::parse(right))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_release_has_what_came_with_it() {
        for (rpm, name, version, expected) in [
            ("4.8.1", "PayloadIsXz", "5.2-1", true),
            ("4.8.1", "FileDigests", "4.6.0-1", true),
            ("4.8.1", "TildeInVersions", "4.10.0-1", false),
            ("4.11.3", "TildeInVersions", "4.10.0-1", true),
            ("4.11.3", "PayloadIsZstd", "5.4.18-1", false),
            ("4.11.3", "RichDependencies", "4.12.0-1", false),
            ("4.14.3", "PayloadIsZstd", "5.4.18-1", true),
            ("4.14.3", "CaretInVersions", "4.15.0-1", false),
            ("6.0.2", "CaretInVersions", "4.15.0-1", true),
            ("6.0.2", "FileDigests", "9.0-1", false),
            ("6.0.2", "Telepathy", "1.0-1", false),
        ] {
            assert_eq!(has(rpm, name, version), expected, "{rpm} {name}");
        }
    }
}
