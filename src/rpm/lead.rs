//! The lead: 96 bytes from rpm 2's time. Nothing reads more of it than the magic and the type.

use crate::package::{Package, PackageKind};

/// Bytes.
pub(super) const SIZE: usize = 96;
/// How a package begins.
pub(super) const MAGIC: [u8; 4] = [0xed, 0xab, 0xee, 0xdb];

/// Where the format's major version is.
pub(super) const MAJOR: usize = 4;
/// Those that librpm reads.
pub(super) const MAJOR_VERSIONS: [u8; 2] = [3, 4];
/// Where the type of the signature is.
pub(super) const SIGNATURE_TYPE: std::ops::Range<usize> = 78..80;
/// The only one that librpm reads: a header.
pub(super) const HEADER_SIGNATURE: [u8; 2] = [0, 5];

/// As rpmbuild writes it.
pub(super) fn lead(package: &Package) -> [u8; SIZE] {
    let mut lead = [0; SIZE];
    lead[..4].copy_from_slice(&MAGIC);
    lead[4] = 3; // major version; the format is 4's all the same
    lead[7] = u8::from(package.kind == PackageKind::Source);
    lead[8..10].copy_from_slice(&package.lead_arch.to_be_bytes());
    // 66 bytes, the last of which stays NUL. Names are ASCII.
    let name = format!("{}-{}", package.name, package.evr());
    let length = name.len().min(65);
    lead[10..10 + length].copy_from_slice(&name.as_bytes()[..length]);
    lead[77] = 1; // Linux
    lead[79] = 5; // the signature is a header
    lead
}
