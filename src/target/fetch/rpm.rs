//! Unpacking an RPM. Its payload's digest was verified by the package manager that fetched it.

use std::io;
use std::path::Path;

use ::rpm::{FileType, PackageReader};

use super::tree::Tree;

/// Unpacks the files of a package into `tree`.
pub fn unpack(package: &Path, tree: &mut Tree) -> io::Result<()> {
    let mut reader = PackageReader::open(package).map_err(io::Error::other)?;
    while let Some(mut file) = reader.next_file().map_err(io::Error::other)? {
        if !file.has_payload() {
            continue;
        }
        let path = file.metadata.path();
        match file.metadata.file_type() {
            FileType::Regular => {
                let mode = u32::from(file.metadata.permissions());
                tree.file(&path, mode, &mut file)?;
            }
            FileType::Dir => tree.folder(&path)?,
            FileType::SymbolicLink => {
                let target = file.metadata.linkto().unwrap_or_default().to_owned();
                tree.link(&path, Path::new(&target))?;
            }
            // Devices and pipes are of no use to a build.
            _ => {}
        }
        file.finish()?;
    }
    Ok(())
}
