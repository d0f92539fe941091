//! Writes the pipeline of a folder of recipes, for GitHub or GitLab. The texts are in `templates/ci/`.

mod error;
mod origin;
mod render;

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

pub use error::Error;
pub use origin::Origin;
pub use render::{Service, Target, render};

use crate::target::store::{LOCK_FILE, LockFile, Name, Pinned};

/// The target that is always there, and in no lock file.
const LOCAL: &str = "local";

/// Writes a pipeline into the project in `folder`, and returns its file. Without `names` it builds for all targets of the
/// project's modgraft.lock. Without `origin`, variables of the project say where modgraft comes from.
///
/// # Errors
/// [`Error::Exists`] unless `force`; [`Error::NoTargets`], [`Error::Twice`], [`Error::NotLocked`], [`Error::NoUrl`], and those of the lock file
/// and of names. What was there stays as it was then.
pub fn init(
    service: Service,
    folder: &Path,
    names: &[String],
    origin: Option<&Origin>,
    force: bool,
) -> Result<PathBuf, crate::Error> {
    let lock = folder.join(LOCK_FILE);
    let targets = targets(&lock, names)?;
    let file = folder.join(service.file());
    if !force && fs_err::symlink_metadata(&file).is_ok() {
        return Err(Error::Exists(file).into());
    }
    put(&file, &render(service, &targets, origin), force)?;
    Ok(file)
}

fn targets(lock: &Path, names: &[String]) -> Result<Vec<Target>, crate::Error> {
    let locked = LockFile::read(lock).map_err(crate::target::Error::from)?.unwrap_or_default();
    let all: Vec<String> = match names {
        [] => locked.names().map(Name::to_string).collect(),
        names => names.to_vec(),
    };
    if all.is_empty() {
        return Err(Error::NoTargets { lock: lock.to_owned() }.into());
    }
    let mut targets: Vec<Target> = Vec::new();
    for name in all {
        if targets.iter().any(|target| target.name == name) {
            return Err(Error::Twice(name).into());
        }
        if name == LOCAL {
            targets.push(Target { name, profile: None });
            continue;
        }
        let known = Name::parse(&name).map_err(crate::target::Error::from)?;
        let Some(entry) = locked.get(&known) else {
            return Err(Error::NotLocked { name, lock: lock.to_owned() }.into());
        };
        // Files that were given, and those of a folder here, are on no other machine.
        let elsewhere = |package: &&Pinned| !package.is_remote() || package.from.starts_with("file:");
        if let Some(package) = entry.packages.iter().find(elsewhere) {
            let (lock, file) = (lock.to_owned(), package.from.clone());
            return Err(Error::NoUrl { name, lock, file }.into());
        }
        // By its name or its path from here, as the commands of the pipeline take it: they run here too.
        targets.push(Target { name, profile: Some(entry.profile.clone()) });
    }
    Ok(targets)
}

/// Writes a file whole, beside its place first.
fn put(file: &Path, text: &str, force: bool) -> Result<(), Error> {
    let folder = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs_err::create_dir_all(folder)?;
    let named = |error: std::io::Error| {
        Error::Io(std::io::Error::new(error.kind(), format!("{}: {error}", file.display())))
    };
    let mut beside = tempfile::Builder::new().prefix(".modgraft-").tempfile_in(folder).map_err(named)?;
    beside.write_all(text.as_bytes()).map_err(named)?;
    beside.as_file().set_permissions(PermissionsExt::from_mode(0o644)).map_err(named)?;
    beside.as_file().sync_all().map_err(named)?;
    let placed = if force { beside.persist(file) } else { beside.persist_noclobber(file) };
    placed.map(|_| ()).map_err(|error| match error.error.kind() {
        std::io::ErrorKind::AlreadyExists => Error::Exists(file.to_owned()),
        _ => named(error.error),
    })
}
