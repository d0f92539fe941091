//! Packages judged by the rules of releases.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::profile::Profile;
use crate::report::Reporter;
use crate::rpm;
use crate::sign::Keyring;
use crate::verify::Verified;

/// The releases that are judged for where none is named: those that modgraft is for.
pub const RELEASES: [&str; 6] = ["el6", "el7", "el8", "el9", "el10", "fedora"];

/// Gets each file, and what came of it.
pub type Each<'a> = &'a mut dyn FnMut(&Path, Result<Verified, crate::Error>) -> Result<(), crate::Error>;

/// The profiles of these names or files; of [`RELEASES`] where there are none.
///
/// # Errors
/// [`crate::profile::Error`] for one that is not there or cannot be read.
pub fn releases(named: &[String]) -> Result<Vec<Arc<Profile>>, crate::Error> {
    match named {
        [] => RELEASES.iter().map(|name| release(name)).collect(),
        named => named.iter().map(|name| release(name)).collect(),
    }
}

/// The profile of this name or file.
///
/// # Errors
/// [`crate::profile::Error`] where it is not there or cannot be read.
pub fn release(name: &str) -> Result<Arc<Profile>, crate::Error> {
    Ok(Profile::find(name, Path::new(""))?)
}

/// Judges packages for each release, by all keys in these files; without any, signatures are not judged, and a warning says so. A
/// package that cannot be read spoils no other: `each` gets every file in its order, with what came of it.
///
/// # Errors
/// A key file that cannot be read; what `each` returns. A package that is refused is no error.
pub fn verify(
    packages: &[PathBuf],
    keys: &[PathBuf],
    releases: &[Arc<Profile>],
    reporter: &dyn Reporter,
    each: Each<'_>,
) -> Result<(), crate::Error> {
    let keyring = match keys {
        [] => None,
        files => Some(Keyring::of(files)?),
    };
    if keyring.is_none() {
        reporter.warning("without --key nobody can tell whose the signatures are, or whether they hold: the rest is judged".to_owned());
    }
    for file in packages {
        let verified = rpm::examine(file, keyring.as_ref()).map(|package| {
            let profiles = releases.iter().map(Arc::as_ref);
            Verified::of(file.clone(), package, keyring.is_some(), profiles)
        });
        each(file, verified.map_err(crate::Error::from))?;
    }
    Ok(())
}
