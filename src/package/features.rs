//! The features of rpm that a package needs: what rpmbuild puts among the requires as `rpmlib(…)`.

use super::{File, FileKind, Package, PackageKind, Relation};
use crate::profile::Compressor;

/// Of a package with these files, names and versions; its relations may still be missing.
pub(super) fn of(package: &Package) -> Vec<Relation> {
    let mut all =
        vec![Relation::rpmlib("CompressedFileNames", "3.0.4-1"), Relation::rpmlib("FileDigests", "4.6.0-1")];
    if package.kind != PackageKind::Source {
        all.push(Relation::rpmlib("PayloadFilesHavePrefix", "4.0-1"));
    }
    match package.profile.packaging.payload.compressor {
        Compressor::Gzip => {}
        Compressor::Xz => all.push(Relation::rpmlib("PayloadIsXz", "5.2-1")),
        Compressor::Zstd => all.push(Relation::rpmlib("PayloadIsZstd", "5.4.18-1")),
    }
    let files = |has: fn(&File) -> bool| package.files.iter().any(has);
    if files(|file| !file.capabilities.is_empty()) {
        all.push(Relation::rpmlib("FileCaps", "4.6.1-1"));
    }
    if files(|file| matches!(file.kind, FileKind::HardLink { .. })) {
        all.push(Relation::rpmlib("PartialHardlinkSets", "4.0.4-1"));
    }
    for (sign, feature, since) in [('~', "TildeInVersions", "4.10.0-1"), ('^', "CaretInVersions", "4.15.0-1")]
    {
        if package.version.contains(sign) || package.release.contains(sign) {
            all.push(Relation::rpmlib(feature, since));
        }
    }
    all
}
