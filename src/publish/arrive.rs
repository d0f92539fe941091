//! Packages that are to be published: read, judged, and copied to where they can be put in place by a rename.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use fs_err::File;

use super::entry::{Entry, Nevra};
use super::fragment::{self, Lying};
use super::piece::Piece;
use super::served::{self, Refusal, Served};
use super::{Error, readable, staging};
use crate::download::{Algorithm, Digest, Hasher};
use crate::parallel;
use crate::process;
use crate::repository::Version;
use crate::repository::location::{beneath, is_name_part};
use crate::rpm::{self, Listing};
use crate::sign::Keyring;

/// A package that is to be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Given {
    pub path: PathBuf,
    /// Where it lies in the repository, if it does.
    pub href: Option<String>,
    /// Whether it was named itself, and not found in a folder.
    pub is_named: bool,
}

/// What is asked of packages.
#[derive(Clone, Copy)]
pub(super) struct Demands<'a> {
    /// One of these has to have signed it, where there are any.
    pub keys: Option<&'a Keyring>,
    /// One of these at least has to take each, where there are any.
    pub served: &'a Served,
    /// Where those are copied to that do not lie in the repository yet.
    pub staging: &'a staging::Staging,
}

/// One that was read.
#[derive(Debug)]
pub(super) struct Arrived {
    pub given: Given,
    pub listing: Listing,
    /// Lower-case hexadecimal.
    pub sha256: String,
    /// The served releases that do not take it.
    pub refusals: Vec<Refusal>,
    /// Its copy on the way, where it does not lie in the repository.
    pub staged: Option<PathBuf>,
}

/// The packages that are meant by files and folders; each once.
///
/// # Errors
/// [`Error::NoFile`], [`Error::Empty`], [`Error::Place`]; what cannot be read.
pub(super) fn given(repository: &Path, paths: &[PathBuf]) -> Result<Vec<Given>, Error> {
    let mut found = Vec::new();
    let root = fs_err::canonicalize(repository)?;
    for path in paths {
        if !path.exists() {
            return Err(Error::NoFile { path: path.clone() });
        }
        if !path.is_dir() {
            // A file whose name ends otherwise is taken at its word.
            found.push((path.clone(), true));
            continue;
        }
        let before = found.len();
        let hidden = |name: &std::ffi::OsStr| name.to_string_lossy().starts_with('.');
        let entries = walkdir::WalkDir::new(path).sort_by_file_name().into_iter();
        for entry in entries.filter_entry(|entry| entry.depth() == 0 || !hidden(entry.file_name())) {
            let entry = entry.map_err(std::io::Error::from)?;
            if entry.file_type().is_file() && entry.path().extension().is_some_and(|end| end == "rpm") {
                found.push((entry.into_path(), false));
            }
        }
        if found.len() == before {
            return Err(Error::Empty { path: path.clone() });
        }
    }
    let mut all: Vec<Given> = Vec::with_capacity(found.len());
    let mut seen = HashMap::new();
    for (path, is_named) in found {
        let whole = fs_err::canonicalize(&path)?;
        let href = whole.strip_prefix(&root).ok().and_then(Path::to_str).map(str::to_owned);
        if let Some(Err(problem)) = href.as_deref().map(beneath) {
            return Err(Error::Place { path, problem });
        }
        match seen.entry(whole) {
            Slot::Vacant(slot) => {
                slot.insert(all.len());
                all.push(Given { path, href, is_named });
            }
            Slot::Occupied(slot) => all[*slot.get()].is_named |= is_named,
        }
    }
    Ok(all)
}

/// Reads packages, and copies those that do not lie in the repository; `known` says of a sum whether it is published already,
/// which those that lie elsewhere are left out for.
///
/// # Errors
/// The first package's that may not be published.
pub(super) fn read(
    given: &[Given],
    demands: Demands<'_>,
    known: &(dyn Fn(&str) -> bool + Sync),
) -> Result<Vec<Option<Arrived>>, Error> {
    let numbered: Vec<(usize, &Given)> = given.iter().enumerate().collect();
    parallel::map(&numbered, |(number, given)| one(given, *number, demands, known)).into_iter().collect()
}

fn one(
    given: &Given,
    number: usize,
    demands: Demands<'_>,
    known: &(dyn Fn(&str) -> bool + Sync),
) -> Result<Option<Arrived>, Error> {
    if process::interrupted() {
        return Err(Error::Interrupted);
    }
    let path = &given.path;
    let before = Standing::of(path)?;
    let sha256 = pass(path, None)?;
    if given.href.is_none() && known(&sha256) {
        return Ok(None);
    }
    let listing = rpm::listing(path)?;
    judge(path, &listing)?;
    if let Some(keys) = demands.keys {
        demand_signature(path, &listing, keys)?;
    }
    let refusals = served::refusals(path, &listing, demands.keys, demands.served)?;
    // What was judged is what has the sum that is listed.
    if Standing::of(path)? != before {
        return Err(Error::Changed { path: path.clone() });
    }
    let staged = match given.href {
        Some(_) => None,
        None => {
            let staged = demands.staging.path(&format!("{number}.rpm"));
            let mut copy = readable::create(&staged)?;
            if pass(path, Some(&mut copy))? != sha256 {
                return Err(Error::Changed { path: path.clone() });
            }
            set_time(copy.file(), listing.build_time)?;
            Some(staged)
        }
    };
    Ok(Some(Arrived { given: given.clone(), listing, sha256, refusals, staged }))
}

/// Refuses a package that is not signed by one of the keys.
pub(super) fn demand_signature(path: &Path, listing: &Listing, keys: &Keyring) -> Result<(), Error> {
    if !listing.signed {
        return Err(Error::Unsigned { path: path.to_owned() });
    }
    match rpm::verify(path, keys) {
        Ok(_) => Ok(()),
        Err(rpm::Error::Untrusted { path, reason }) => Err(Error::Untrusted { path, reason }),
        Err(error) => Err(error.into()),
    }
}

/// Refuses what no honest package has, and what no metadata could tell.
pub(super) fn judge(path: &Path, package: &Listing) -> Result<(), Error> {
    for part in [&package.name, &package.version, &package.release, &package.arch] {
        if !is_name_part(part) {
            return Err(Error::Called { path: path.to_owned(), name: part.clone() });
        }
    }
    for file in &package.files {
        let claimed = file.path.as_str();
        let reason = if claimed.split('/').any(|part| part == "..") {
            "leads out of its folder"
        } else if claimed.chars().any(char::is_control) {
            "has a control character in it"
        } else if package.is_source && claimed.contains('/') {
            "is in a folder, in a source package"
        } else if !package.is_source && !claimed.starts_with('/') {
            "is not absolute"
        } else {
            continue;
        };
        return Err(Error::Claims { path: path.to_owned(), claimed: claimed.to_owned(), reason });
    }
    Ok(())
}

/// Which file is at a path, in which state: the time of its last change is one that nobody can set.
#[derive(Debug, PartialEq, Eq)]
struct Standing {
    device: u64,
    inode: u64,
    size: u64,
    /// Seconds and nanoseconds.
    changed: (i64, i64),
}

impl Standing {
    fn of(path: &Path) -> std::io::Result<Self> {
        let found = fs_err::metadata(path)?;
        Ok(Standing {
            device: found.dev(),
            inode: found.ino(),
            size: found.size(),
            changed: (found.ctime(), found.ctime_nsec()),
        })
    }
}

/// Reads a file to its end, writes it on where that is wanted, and returns its SHA-256.
pub(super) fn pass(path: &Path, to: Option<&mut File>) -> std::io::Result<String> {
    Ok(read_through(path, Algorithm::Sha256, to)?.hex().to_owned())
}

/// The digest of a whole file.
pub(super) fn digest_of(path: &Path, algorithm: Algorithm) -> std::io::Result<Digest> {
    read_through(path, algorithm, None)
}

fn read_through(path: &Path, algorithm: Algorithm, mut to: Option<&mut File>) -> std::io::Result<Digest> {
    let mut file = File::open(path)?;
    let mut hasher = Hasher::new(algorithm);
    let mut buffer = vec![0; 64 << 10];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hasher.finish()),
            read => {
                hasher.update(&buffer[..read]);
                if let Some(to) = &mut to {
                    to.write_all(&buffer[..read])?;
                }
            }
        }
    }
}

/// Dates a published file by its build: the metadata states that time, and is then the same on every machine.
pub(super) fn set_time(file: &std::fs::File, seconds: u64) -> std::io::Result<()> {
    let time = UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
    let time =
        time.ok_or_else(|| std::io::Error::other("a package states a build time that no file can have"))?;
    file.set_modified(time)
}

/// What a package is called.
pub(super) fn nevra(package: &Listing) -> Nevra<'_> {
    let Listing { name, version, release, arch, .. } = package;
    // rpm's own epochs are of 32 bits.
    let epoch = u32::try_from(package.epoch).unwrap_or(u32::MAX);
    Nevra { name, epoch, version, release, arch }
}

impl Arrived {
    pub fn nevra(&self) -> Nevra<'_> {
        nevra(&self.listing)
    }

    /// What it is in the metadata, when it lies at `href`.
    pub fn entry(&self, href: &str) -> Entry {
        let package = &self.listing;
        let time = package.build_time;
        Entry {
            name: package.name.clone(),
            evr: Version {
                epoch: self.nevra().epoch,
                version: package.version.clone(),
                release: package.release.clone(),
            },
            arch: package.arch.clone(),
            summary: package.summary.clone(),
            sha256: self.sha256.clone(),
            href: href.to_owned(),
            size: package.file_size,
            time,
            built: time,
            xml: fragment::of(package, Lying { href, sha256: &self.sha256, time }).map(Piece::from),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread::sleep;

    use super::*;

    #[test]
    fn a_file_that_was_changed_for_a_moment_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs_err::write(&path, "good").unwrap();
        let time = fs_err::metadata(&path).unwrap().modified().unwrap();
        // As finely as file systems tell times.
        let later = || sleep(Duration::from_millis(50));
        later();
        let before = Standing::of(&path).unwrap();
        assert_eq!(Standing::of(&path).unwrap(), before);
        for text in ["evil", "good"] {
            fs_err::write(&path, text).unwrap();
            fs_err::File::open(&path).unwrap().set_modified(time).unwrap();
        }
        assert_ne!(Standing::of(&path).unwrap(), before);
    }
}
