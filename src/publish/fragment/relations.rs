//! Relations as metadata has them: without those that say nothing to a client, by createrepo_c's rules (its parsehdr.c).

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

use rpm_version::rpm_evr_compare;

use crate::package::Relation;
use crate::package::relation::{EQUAL, GREATER, LESS};
use crate::repository::filelists::in_primary;
use crate::rpm::Listing;

/// Senses that make a requirement one of the transaction itself: PREREQ, SCRIPT_PRE, SCRIPT_POST, PRETRANS, POSTTRANS
/// (lib/rpmds.h).
const PRE: u32 = 1 << 6 | 1 << 9 | 1 << 10 | 1 << 7 | 1 << 5;
/// MISSINGOK: how rpm of old said `Recommends`.
const MISSING_OK: u32 = 1 << 19;

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry<'a> {
    pub name: &'a str,
    /// `EQ`; nothing where any version will do.
    pub flags: Option<&'static str>,
    pub epoch: &'a str,
    pub version: &'a str,
    pub release: &'a str,
    pub pre: bool,
}

/// Relations but requirements, one by one.
pub(super) fn plain(relations: &[Relation]) -> Vec<Entry<'_>> {
    relations.iter().filter_map(|relation| entry(relation, false)).collect()
}

/// What a package requires of others, and what of that it can do without.
pub(super) fn required(package: &Listing) -> (Vec<Entry<'_>>, Vec<Entry<'_>>) {
    type Key<'a> = (&'a str, Option<&'static str>, &'a str);
    fn key(relation: &Relation) -> Key<'_> {
        (&relation.name, sense(relation.flags), &relation.version)
    }
    let own: HashSet<&str> =
        package.files.iter().map(|file| file.path.as_str()).filter(|path| in_primary(path)).collect();
    let provided: HashSet<Key<'_>> = package.provides.iter().map(key).collect();
    // The last entry of each name: as createrepo_c does it, only what repeats that one is left out.
    let mut last = HashMap::new();
    let (mut requires, mut recommends) = (Vec::new(), Vec::new());
    let mut libc: Option<Entry<'_>> = None;
    for relation in &package.requires {
        let name = relation.name.as_str();
        if name.starts_with("rpmlib(") || own.contains(name) || provided.contains(&key(relation)) {
            continue;
        }
        let Some(entry) = entry(relation, relation.flags & PRE != 0) else { continue };
        if relation.flags & MISSING_OK != 0 {
            recommends.push(entry);
        } else if name.starts_with("libc.so.6") {
            // The newest of its versions has all the others.
            if libc.as_ref().is_none_or(|best| newer_libc(name, best.name)) {
                libc = Some(entry);
            }
        } else if last.insert(name, (key(relation), entry.pre)) != Some((key(relation), entry.pre)) {
            requires.push(entry);
        }
    }
    requires.extend(libc);
    (requires, recommends)
}

/// Nothing for an epoch that is no number, which no version can be compared with.
fn entry(relation: &Relation, pre: bool) -> Option<Entry<'_>> {
    let flags = sense(relation.flags);
    if relation.name.is_empty() {
        return None;
    }
    let (epoch, rest) = match relation.version.split_once(':') {
        Some(("", rest)) => ("0", rest),
        Some((epoch, rest)) if epoch.bytes().all(|digit| digit.is_ascii_digit()) => (epoch, rest),
        Some(_) => return None,
        None if relation.version.is_empty() => ("", ""),
        None => ("0", relation.version.as_str()),
    };
    let (version, release) = rest.split_once('-').unwrap_or((rest, ""));
    Some(Entry { name: &relation.name, flags, epoch, version, release, pre })
}

fn sense(flags: u32) -> Option<&'static str> {
    const LESS_OR_EQUAL: u32 = LESS | EQUAL;
    const GREATER_OR_EQUAL: u32 = GREATER | EQUAL;
    match flags & (LESS | GREATER | EQUAL) {
        LESS => Some("LT"),
        GREATER => Some("GT"),
        EQUAL => Some("EQ"),
        LESS_OR_EQUAL => Some("LE"),
        GREATER_OR_EQUAL => Some("GE"),
        _ => None,
    }
}

/// Whether `libc.so.6(GLIBC_2.4)(64bit)` is of a later version than another.
fn newer_libc(name: &str, than: &str) -> bool {
    match (libc_version(name), libc_version(than)) {
        (Some(own), Some(other)) => rpm_evr_compare(own, other) == Ordering::Greater,
        (Some(_), None) => true,
        (None, _) => false,
    }
}

/// From the first digit within the first parentheses to their end.
fn libc_version(name: &str) -> Option<&str> {
    let inner = name.split_once('(')?.1.split_once(')')?.0;
    inner.find(|letter: char| letter.is_ascii_digit()).map(|at| &inner[at..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_taken_apart() {
        let of = |version: &str| {
            let relation = Relation::equal("a", version);
            entry(&relation, false)
                .map(|entry| format!("{}|{}|{}", entry.epoch, entry.version, entry.release))
        };
        assert_eq!(of("1:2-3").as_deref(), Some("1|2|3"));
        assert_eq!(of(":2").as_deref(), Some("0|2|"));
        assert_eq!(of("2-3-4").as_deref(), Some("0|2|3-4"));
        assert_eq!(of("").as_deref(), Some("||"));
        assert_eq!(of("x:2"), None);
    }

    #[test]
    fn the_newest_libc_stands_for_all() {
        for (newer, older) in [
            ("libc.so.6(GLIBC_2.34)(64bit)", "libc.so.6(GLIBC_2.4)(64bit)"),
            ("libc.so.6(GLIBC_2.2.5)(64bit)", "libc.so.6()(64bit)"),
            ("libc.so.6(GLIBC_2.2.5)(64bit)", "libc.so.6(GLIBC_PRIVATE)(64bit)"),
        ] {
            assert!(newer_libc(newer, older) && !newer_libc(older, newer), "{newer}");
        }
    }
}
