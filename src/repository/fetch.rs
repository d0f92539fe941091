//! The packages themselves.

use std::path::Path;

use super::{Error, Package, Trust};
use crate::download::{self, Download, Fetched, Progress};
use crate::rpm;

/// The largest package that is fetched, in bytes: a kernel's debug information has a GB.
const LARGEST: u64 = 1 << 30;

/// Fetches packages into a folder, each under its [`Package::file_name`], and checks them: size, checksum, that each is the
/// package that its metadata says, and its signature where [`Trust::Packages`] demands one. What is there already and good
/// is not fetched again, but checked all the same. In the order of `packages`; each with its SHA-256, whatever the metadata
/// states.
///
/// # Errors
/// [`Error::Download`], [`Error::Unsigned`], [`Error::Untrusted`], [`Error::Package`]; the file that is at fault is not kept.
pub fn fetch(
    packages: &[Package],
    into: &Path,
    trust: &Trust,
    progress: &dyn Progress,
) -> Result<Vec<Fetched>, Error> {
    let wanted: Vec<Download> = packages
        .iter()
        .map(|package| Download {
            url: package.url.clone(),
            to: into.join(package.file_name()),
            size: Some(package.size),
            digest: Some(package.checksum.clone()),
            limit: LARGEST,
        })
        .collect();
    let fetched = download::all(&wanted, progress)?;
    for (package, file) in packages.iter().zip(&fetched) {
        if let Err(error) = check(package, &file.path, trust) {
            fs_err::remove_file(&file.path)?;
            return Err(error);
        }
    }
    Ok(fetched)
}

fn check(package: &Package, file: &Path, trust: &Trust) -> Result<(), Error> {
    let url = || package.url.clone();
    let refused = |error: rpm::Error| match error {
        rpm::Error::Unsigned { .. } => Error::Unsigned { what: url(), metadata: false },
        rpm::Error::Untrusted { reason, .. } => Error::Untrusted { what: url(), reason },
        rpm::Error::Damaged { reason, .. } | rpm::Error::NotAPackage { reason, .. } => {
            Error::Package { url: url(), reason }
        }
        rpm::Error::Io(error) => Error::Io(error),
        other => Error::Package { url: url(), reason: other.to_string() },
    };
    let found = rpm::nevra(file).map_err(refused)?;
    let wanted = package.nevra();
    if found != wanted {
        return Err(Error::Package { url: url(), reason: format!("it is {found}, and should be {wanted}") });
    }
    if let Trust::Packages(keys) = trust {
        rpm::verify(file, keys).map_err(refused)?;
    }
    Ok(())
}
