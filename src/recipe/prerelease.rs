//! Versions of what upstream has not released yet.

/// Version and release of a package for upstream's version: of `2.5.1~dev`, `2.5.1` and `0.1.dev`.
///
/// That sorts before 2.5.1-1 for every rpm. `~` in a version does so too, but is known since rpm 4.10 only, and one recipe
/// serves all targets.
pub fn version_and_release(upstream: &str) -> (String, String) {
    match upstream.split_once('~') {
        Some((version, stage)) if !version.is_empty() && !stage.is_empty() => {
            (version.to_owned(), format!("0.1.{}", stage.replace('~', ".")))
        }
        _ => (upstream.to_owned(), "1".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use rpm_version::rpm_evr_compare;

    use super::*;

    #[test]
    fn what_is_not_released_comes_before_what_is() {
        for (upstream, version, release) in [
            ("2.4.62", "2.4.62", "1"),
            ("2.5.1~dev", "2.5.1", "0.1.dev"),
            ("1.0~rc1~git", "1.0", "0.1.rc1.git"),
            ("~", "~", "1"),
        ] {
            assert_eq!(version_and_release(upstream), (version.to_owned(), release.to_owned()));
        }
        let (version, release) = version_and_release("2.5.1~dev");
        let before = format!("{version}-{release}");
        assert_eq!(rpm_evr_compare("2.5.0-1", &before), Ordering::Less);
        assert_eq!(rpm_evr_compare(&before, "2.5.1-1"), Ordering::Less);
    }
}
