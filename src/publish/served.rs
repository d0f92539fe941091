//! Whether the releases that a repository serves take a package: by the rules that `verify --as` goes by.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::Error;
use crate::profile::Profile;
use crate::rpm::{self, Listing};
use crate::sign::Keyring;
use crate::verify::ForRelease;

/// A release that is served and does not take a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The profile's name.
    pub release: String,
    /// Why, all of it.
    pub reason: String,
}

/// Of the served releases those that do not take a package. Signatures are judged where it has any: whether it needs one is
/// asked elsewhere.
///
/// # Errors
/// [`Error::NotServed`] where none takes it; [`Error::Rpm`].
pub(super) fn refusals(
    path: &Path,
    package: &Listing,
    keys: Option<&Keyring>,
    served: &[Arc<Profile>],
) -> Result<Vec<Refusal>, Error> {
    if served.is_empty() {
        return Ok(Vec::new());
    }
    let examined = rpm::examine(path, keys)?;
    let judge = |profile: &Arc<Profile>| {
        if package.signed {
            ForRelease::of(&examined, keys.is_some(), profile)
        } else {
            ForRelease::unsigned(&examined, profile)
        }
    };
    let refused = served.iter().map(judge).filter(|release| !release.accepted);
    let refusals: Vec<Refusal> = refused
        .map(|release| Refusal { release: release.release, reason: release.reasons.join("; ") })
        .collect();
    if refusals.len() == served.len() {
        return Err(Error::NotServed { path: path.to_owned(), reasons: told(&refusals) });
    }
    Ok(refusals)
}

/// The profiles of what was said to be served before, as far as they are built in.
pub(super) fn by_name(names: &[String]) -> Vec<Arc<Profile>> {
    names.iter().filter_map(|name| Profile::named(name).ok()).collect()
}

/// `el6: …; el7: …`.
fn told(refusals: &[Refusal]) -> String {
    let told = |refusal: &Refusal| format!("{}: {}", refusal.release, refusal.reason);
    refusals.iter().map(told).collect::<Vec<_>>().join("; ")
}

/// What a person should know of packages that some of the served releases do not take; one line for each release and reason.
pub(super) fn notes<'a>(packages: impl IntoIterator<Item = (String, &'a [Refusal])>) -> Vec<String> {
    let mut by_reason: BTreeMap<(&str, &str), (String, usize)> = BTreeMap::new();
    for (nevra, refusals) in packages {
        for Refusal { release, reason } in refusals {
            by_reason.entry((release, reason)).or_insert_with(|| (nevra.clone(), 0)).1 += 1;
        }
    }
    let line = |((release, reason), (first, count)): ((&str, &str), (String, usize))| {
        let more = if count > 1 { format!(" and {} more", count - 1) } else { String::new() };
        format!("{release} does not take {first}{more}: {reason}")
    };
    by_reason.into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_is_told_once() {
        let refusal =
            |release: &str, reason: &str| Refusal { release: release.to_owned(), reason: reason.to_owned() };
        let (zstd, old) = (refusal("el7", "zstd"), refusal("el6", "old"));
        let both = [zstd.clone(), old];
        let packages = [
            ("a-1-1.noarch".to_owned(), &both[..]),
            ("b-1-1.noarch".to_owned(), std::slice::from_ref(&zstd)),
            ("c-1-1.noarch".to_owned(), &[]),
        ];
        assert_eq!(
            notes(packages),
            ["el6 does not take a-1-1.noarch: old", "el7 does not take a-1-1.noarch and 1 more: zstd"]
        );
        assert_eq!(told(&both), "el7: zstd; el6: old");
    }
}
