//! Unpacking an RPM: its headers, digests and payload are checked on the way ([`crate::rpm::each_file`]).

use std::path::Path;

use super::Error;
use super::error::Wrong;
use super::tree::Tree;
use crate::rpm;

/// Name, version and architecture.
pub fn names(package: &Path) -> Result<[String; 3], Error> {
    let identity = rpm::identify(package)?;
    if identity.is_source {
        return Err(Error::NotAPackage {
            package: package.to_owned(),
            reason: "it is a source package".to_owned(),
        });
    }
    Ok([identity.name, identity.version, identity.arch])
}

/// Unpacks the files of a package into `tree`.
pub fn unpack(package: &Path, tree: &mut Tree) -> Result<(), Wrong> {
    // Twice what may be written: the rest is names, and what is left out.
    let most = tree.limits().all.saturating_mul(2);
    rpm::each_file(package, most, &mut |file, content| {
        let path = Path::new(file.path);
        match (file.mode & 0o170_000, file.same_as) {
            (0o100_000, Some(original)) => tree.hard_link(path, Path::new(original)),
            (0o100_000, None) => tree.file(path, u32::from(file.mode), content),
            (0o040_000, _) => tree.folder(path),
            (0o120_000, _) => tree.link(path, Path::new(file.target)),
            // Devices and pipes are of no use to a build.
            _ => Ok(()),
        }
    })
}
