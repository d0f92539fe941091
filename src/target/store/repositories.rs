//! Packages from repositories: what a distribution's profile names, and what that needs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::given::{self, Package};
use super::{Error, Pinned};
use crate::address;
use crate::changeset::Glob;
use crate::download::Progress;
use crate::machine::Machine;
use crate::profile::Profile;
use crate::repository::{self, Chosen, Repository, Trust, Wanted};
use crate::sign::Keyring;
use crate::target;

/// What is asked of repositories.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Their urls and folders, in the order in which they are asked.
    pub places: &'a [String],
    /// The public keys that each package must be signed with.
    pub key: Option<&'a Path>,
    /// The distribution.
    pub profile: &'a Profile,
    /// The processor.
    pub machine: &'static Machine,
    /// Folders only.
    pub offline: bool,
}

/// The packages, here.
#[derive(Debug)]
pub struct Fetched {
    /// The files.
    pub packages: Vec<Package>,
    /// As a lock file has them, sorted.
    pub pinned: Vec<Pinned>,
    /// The repositories, so that others find them too.
    pub places: Vec<String>,
    /// The fingerprints of the keys that the packages were checked by, sorted.
    pub keys: Vec<String>,
    /// What was left out, or is nowhere, a line each.
    pub notes: Vec<String>,
}

/// Reads the repositories, chooses, and downloads, all beneath `folder`.
///
/// # Errors
/// A profile that says nothing of repositories; [`Error::Offline`]; the repositories' own.
pub fn fetch(asked: Asked<'_>, folder: &Path, progress: &dyn Progress) -> Result<Fetched, target::Error> {
    let remote = |place: &&String| place.contains("://") && !place.starts_with("file:");
    if let (true, Some(place)) = (asked.offline, asked.places.iter().find(remote)) {
        return Err(Error::Offline { what: format!("packages from {}", address::shown(place)) }.into());
    }
    let trust = match asked.key {
        Some(file) => Trust::Packages(Arc::new(Keyring::open(file).map_err(repository::Error::from)?)),
        None => Trust::Sums,
    };
    let options = repository::Options { cache: folder.join("metadata"), trust: trust.clone() };
    let mut repositories = Vec::new();
    for place in asked.places {
        repositories.push(Repository::open(place, &options, progress)?);
    }
    let chosen = choose(&repositories, asked, progress)?;
    let wanted: Vec<_> = chosen.packages.iter().map(|choice| choice.package.clone()).collect();
    let files = repository::fetch(&wanted, &folder.join("packages"), &trust, progress)?;
    let packages = given::describe(files.iter().map(|file| file.path.clone()).collect())?;
    let mut pinned = Vec::new();
    for package in &packages {
        let from = files.iter().position(|file| file.path == package.file).and_then(|at| wanted.get(at));
        pinned.push(package.pinned(from.map_or_else(String::new, |from| url(&from.url))));
    }
    pinned.sort();
    let places = asked.places.iter().map(|place| url(place)).collect();
    let mut keys = match &trust {
        Trust::Packages(keys) => keys.fingerprints(),
        Trust::Sums | Trust::Metadata(_) => Vec::new(),
    };
    keys.sort();
    // A file may have one twice.
    keys.dedup();
    Ok(Fetched { packages, pinned, places, keys, notes: notes(&chosen) })
}

/// What the profile names; of that, what is not in every release may be missing.
pub(super) fn choose(
    repositories: &[Repository],
    asked: Asked<'_>,
    progress: &dyn Progress,
) -> Result<Chosen, target::Error> {
    let profile = asked.profile;
    let Some(sysroot) = &profile.sysroot else {
        return Err(Error::NoRepositories { profile: profile.name.clone() }.into());
    };
    let packages = &profile.packages;
    let needed = [
        &packages.httpd,
        &packages.httpd_headers,
        &packages.apr_headers,
        &packages.apr_util_headers,
        &packages.libc,
        &packages.libc_headers,
        &packages.kernel_headers,
    ];
    let mut optional: Vec<String> = sysroot.packages.iter().chain(&sysroot.modules).cloned().collect();
    let glob = |pattern: &String| Glob::new(pattern).ok();
    let leave_out: Vec<Glob> = sysroot.leave_out.iter().filter_map(glob).collect();
    loop {
        let names = needed.into_iter().chain(&optional).cloned().collect();
        let wanted = Wanted { names, arch: asked.machine.name.clone(), leave_out: leave_out.clone() };
        match repository::choose(repositories, &wanted, progress) {
            Err(repository::Error::Unknown { name, .. }) if optional.contains(&name) => {
                optional.retain(|known| *known != name);
            }
            chosen => return Ok(chosen?),
        }
    }
}

fn notes(chosen: &Chosen) -> Vec<String> {
    let because = chosen.packages.iter().map(|choice| format!("{}: {}", choice.package, choice.because));
    let left_out = chosen.left_out.iter().map(|left_out| format!("left out {left_out}"));
    let missing = chosen.unresolved.iter().map(|unresolved| {
        format!("no repository has {}, which {} requires", unresolved.requirement, unresolved.by.join(", "))
    });
    because.chain(left_out).chain(missing).collect()
}

/// As it may be written down: without a password, and a path as a url, so that a lock file does not take it for the name of a
/// file that was given.
fn url(place: &str) -> String {
    if place.contains("://") {
        return address::shown(place);
    }
    let path = fs_err::canonicalize(place).unwrap_or_else(|_| PathBuf::from(place));
    format!("file://{}", address::encoded(&path.to_string_lossy(), "/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::download;

    #[test]
    fn a_path_becomes_a_url_that_leads_there() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a b+1%3a2.rpm");
        fs_err::write(&file, "x").unwrap();
        let made = url(file.to_str().unwrap());
        assert!(made.starts_with("file:///") && made.ends_with("/a%20b%2B1%253a2.rpm"), "{made}");
        let to = folder.path().join("to");
        let wanted = download::Download { url: made, to: to.clone(), size: None, digest: None, limit: 9 };
        download::one(&wanted, &download::quiet).unwrap();
        assert_eq!(fs_err::read(to).unwrap(), b"x");
        assert_eq!(url("https://me:secret@example.org/a"), "https://example.org/a");
    }
}
