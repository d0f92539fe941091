//! Every tag of two packages, one of which rpmbuild made.

use std::collections::BTreeMap;
use std::path::Path;

use rpm::{IndexData, PackageMetadata};

/// A tag, and why it may differ.
pub type Excuse = (u32, &'static str);

/// What may differ between the two.
pub struct Excused {
    /// Tags whose values may differ; the type and its presence may not.
    pub values: &'static [Excuse],
    /// Tags that only rpmbuild has.
    pub not_ours: &'static [Excuse],
    /// Tags that rpmbuild writes in other circumstances.
    pub not_theirs: &'static [Excuse],
}

pub fn header(path: &Path) -> BTreeMap<u32, IndexData> {
    let metadata = PackageMetadata::open(path).unwrap();
    metadata.header.get_all_entries().unwrap().into_iter().collect()
}

pub fn signature(path: &Path) -> BTreeMap<u32, IndexData> {
    let metadata = PackageMetadata::open(path).unwrap();
    metadata.signature.get_all_entries().unwrap().into_iter().collect()
}

/// Lead, signature header and header.
pub fn compare(ours: &Path, theirs: &Path, excused: &Excused) {
    let (our_tags, their_tags) = (header(ours), header(theirs));
    let among = |list: &[Excuse], tag: &u32| list.iter().any(|(excused, _)| excused == tag);
    for (tag, theirs) in &their_tags {
        let Some(ours) = our_tags.get(tag) else {
            assert!(among(excused.not_ours, tag), "{tag} is missing: {theirs:?}");
            continue;
        };
        assert_eq!(ours.to_string(), theirs.to_string(), "type of {tag}");
        if !among(excused.values, tag) {
            assert_eq!(ours, theirs, "{tag}");
        }
    }
    for (tag, ours) in &our_tags {
        let known = among(excused.not_theirs, tag) || their_tags.contains_key(tag);
        assert!(known, "{tag} is not rpmbuild's: {ours:?}");
    }
    // Of the signature header all values differ, but neither tags nor types.
    let kinds = |path: &Path| -> Vec<(u32, String)> {
        signature(path).into_iter().map(|(tag, data)| (tag, data.to_string())).collect()
    };
    assert_eq!(kinds(ours), kinds(theirs));
    let lead = |path: &Path| fs_err::read(path).unwrap()[..96].to_vec();
    assert_eq!(lead(ours), lead(theirs));
}
