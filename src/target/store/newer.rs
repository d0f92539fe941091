//! What the repositories of a locked target have by now.

use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

use super::repositories::{self, Asked};
use super::{Error, Locked, Name, Store};
use crate::download::Progress;
use crate::profile::Profile;
use crate::repository::{self, Repository, Trust};
use crate::sign::Keyring;
use crate::target;

/// The folder in the cache for the metadata of repositories that are only looked at.
const FOLDER: &str = "newer";

/// A package that is another one by now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewPackage {
    /// `httpd-devel`.
    pub name: String,
    /// `x86_64`, `noarch`.
    pub arch: String,
    /// With epoch and release, as it is locked; nothing of one that comes in.
    pub old: Option<String>,
    /// As the repositories have it; nothing of one that is not needed any more.
    pub new: Option<String>,
}

/// What adding the target anew from its repositories would change, by name. Only metadata is downloaded. `lock` is the lock file,
/// from which a profile of a person's own is found.
///
/// # Errors
/// [`Error::Offline`]; the repositories' own.
pub fn newer(
    store: &Store,
    name: &Name,
    locked: &Locked,
    lock: &Path,
    key: Option<&Path>,
    offline: bool,
    progress: &dyn Progress,
) -> Result<Vec<NewPackage>, target::Error> {
    let folder = lock.parent().unwrap_or(Path::new(""));
    let profile = Profile::find(&locked.profile, folder).map_err(Error::from)?;
    let remote = |place: &&String| !place.starts_with("file:");
    if let (true, Some(place)) = (offline, locked.repositories.iter().find(remote)) {
        return Err(Error::Offline { what: format!("the packages of {place}") }.into());
    }
    let trust = match key {
        Some(file) => Trust::Packages(Arc::new(Keyring::open(file).map_err(repository::Error::from)?)),
        None => Trust::Sums,
    };
    let cache = store.cache.join(FOLDER).join(name.as_str());
    let options = repository::Options { cache, trust };
    let mut repositories = Vec::new();
    for place in &locked.repositories {
        repositories.push(Repository::open(place, &options, progress)?);
    }
    let asked =
        Asked { places: &locked.repositories, key, profile: &profile, machine: locked.machine, offline };
    let chosen = repositories::choose(&repositories, asked, progress)?;
    let mut changes = Vec::new();
    for choice in &chosen.packages {
        let new = &choice.package;
        let old = locked.packages.iter().find(|old| (&old.name, &old.arch) == (&new.name, &new.arch));
        // The epoch is written or not.
        let plain = |evr: &str| evr.strip_prefix("0:").unwrap_or(evr).to_owned();
        let evr = new.evr.to_string();
        if old.is_none_or(|old| plain(&old.version) != plain(&evr)) {
            let (name, arch) = (new.name.clone(), new.arch.clone());
            changes.push(NewPackage {
                name,
                arch,
                old: old.map(|old| plain(&old.version)),
                new: Some(plain(&evr)),
            });
        }
    }
    for old in &locked.packages {
        let stays = |choice: &repository::Choice| {
            (&choice.package.name, &choice.package.arch) == (&old.name, &old.arch)
        };
        if !chosen.packages.iter().any(stays) {
            let (name, arch) = (old.name.clone(), old.arch.clone());
            changes.push(NewPackage { name, arch, old: Some(old.version.clone()), new: None });
        }
    }
    changes.sort_by(|one, other| (&one.name, &one.arch).cmp(&(&other.name, &other.arch)));
    Ok(changes)
}
