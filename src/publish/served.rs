//! Whether the releases that a repository serves take a package: by the rules that `verify --as` goes by.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::Error;
use crate::profile::Profile;
use crate::rpm::{self, Listing};
use crate::sign::{Key, Keyring, check_accepted};
use crate::verify::ForRelease;

/// The releases that a repository serves.
#[derive(Debug, Default)]
pub(super) struct Served {
    /// Those whose rules are known.
    profiles: Vec<Arc<Profile>>,
    /// The names of the others: they were named by a file, which is not named now.
    unknown: Vec<String>,
}

impl Served {
    /// Of what is said now.
    pub fn of(profiles: &[Arc<Profile>]) -> Self {
        Served { profiles: profiles.to_vec(), unknown: Vec::new() }
    }

    /// Of what was said before.
    pub fn by_name(names: &[String]) -> Self {
        let mut served = Served::default();
        for name in names {
            match Profile::named(name) {
                Ok(profile) => served.profiles.push(profile),
                Err(_) => served.unknown.push(name.clone()),
            }
        }
        served
    }

    /// Refuses a key by which one of the releases could not verify the metadata.
    ///
    /// # Errors
    /// [`Error::Key`].
    pub fn check_key(&self, key: &Key) -> Result<(), Error> {
        let check = |profile: &Arc<Profile>| check_accepted(key, &profile.name, &profile.packaging.keys);
        Ok(self.profiles.iter().try_for_each(check)?)
    }

    /// What a person should know of releases for which nothing is judged.
    pub fn note(&self) -> Option<String> {
        let names = self.unknown.join(", ");
        let note =
            || format!("whether {names} takes the packages is not known: name its file by --for again");
        (!self.unknown.is_empty()).then(note)
    }
}

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
    served: &Served,
) -> Result<Vec<Refusal>, Error> {
    if served.profiles.is_empty() {
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
    let refused = served.profiles.iter().map(judge).filter(|release| !release.accepted);
    let refusals: Vec<Refusal> = refused
        .map(|release| Refusal { release: release.release, reason: release.reasons.join("; ") })
        .collect();
    if refusals.len() == served.profiles.len() && served.unknown.is_empty() {
        return Err(Error::NotServed { path: path.to_owned(), reasons: told(&refusals) });
    }
    Ok(refusals)
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
    fn a_release_whose_rules_are_not_known_is_told() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(Served::by_name(&names(&["el6", "el9"])).note(), None);
        let served = Served::by_name(&names(&["el6", "site", "site-old"]));
        assert_eq!(served.profiles.len(), 1);
        let note = "whether site, site-old takes the packages is not known: name its file by --for again";
        assert_eq!(served.note().as_deref(), Some(note));
    }

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
