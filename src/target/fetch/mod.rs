//! The distribution's own packages, fetched by its own package manager into the cache and unpacked there, for a machine
//! that has no httpd or no headers of it. Neither root nor a system that was prepared is needed.

mod apt;
mod dnf;

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::lock::Lock;
use super::{Error, Options};
use crate::profile::{Distribution, Fetch, Manager, Profile};
use crate::unpack::{self, Leave, Limits, Tree};

/// What this machine lacks of an httpd.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// Headers and program.
    Both {
        /// They are installed, but the fetched ones are wanted.
        although_installed: bool,
    },
    /// The headers; the program is installed.
    Headers,
    /// The program; the headers are installed.
    Program,
}

impl Missing {
    fn in_words(self) -> &'static str {
        match self {
            Missing::Both { .. } => "httpd and its headers are",
            Missing::Headers => "httpd's headers are",
            Missing::Program => "the httpd program is",
        }
    }

    /// The part of the cache folder's name. What is fetched for a part must fit the installed rest, so it is kept apart.
    fn suffix(self) -> &'static str {
        match self {
            Missing::Both { .. } => "",
            Missing::Headers => "-headers",
            Missing::Program => "-program",
        }
    }
}

/// What is to be fetched, and for what.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// This machine's distribution.
    pub distribution: &'a Distribution,
    /// Its profile.
    pub profile: &'a Profile,
    /// What it lacks.
    pub missing: Missing,
}

/// Unpacked packages.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// `name version`.
    pub packages: Vec<String>,
    /// The root they were unpacked into.
    pub root: PathBuf,
    /// Whether they were fetched now, and are not from the cache.
    pub fresh: bool,
}

/// A package file that a package manager has fetched and whose digest it has verified.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Package {
    name: String,
    version: String,
    file: PathBuf,
}

/// What a package manager is asked for.
struct Request<'a> {
    profile: &'a Profile,
    fetch: &'a Fetch,
    missing: Missing,
    /// Its own state beneath the cache, kept between runs.
    state: &'a Path,
    /// The folder that takes the package files.
    into: &'a Path,
    notify: &'a dyn Fn(&str),
}

/// What the cache says of an unpacked root; written last, so its presence means that the root is whole.
#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    packages: Vec<String>,
}

const MANIFEST: &str = "packages.json";

/// Free bytes that a fetch needs: package lists and apt's index of them (90 MB), the packages (20), what is in them (50).
const ROOM: u64 = 200_000_000;

/// Reason and help where a disk is full.
const NO_SPACE: (&str, &str) = (
    "no space is left in the cache folder",
    "free some space there, or name another folder in the variable MODGRAFT_CACHE",
);

/// The unpacked packages: from the cache, or fetched now. Two builds at once fetch once.
///
/// # Errors
/// `offline`; no package manager that modgraft knows; the packages cannot be fetched or unpacked.
pub fn root(wanted: &Wanted<'_>, options: &Options, notify: &dyn Fn(&str)) -> Result<Fetched, Error> {
    let folder = folder(wanted, options);
    if let Some(fetched) = cached(&folder) {
        return Ok(fetched);
    }
    let not_installed =
        |why: &str| Error::not_installed(wanted.missing.in_words(), why, &wanted.profile.advice);
    if options.offline {
        return Err(not_installed("--offline forbids to fetch the distribution's packages"));
    }
    let Some(fetch) = &wanted.profile.fetch else {
        return Err(not_installed("modgraft cannot fetch packages of this distribution"));
    };
    fetch_into(&folder, wanted, fetch, options, notify).map_err(|error| match error {
        Error::Io(error) if error.kind() == io::ErrorKind::StorageFull => Error::Fetch {
            packages: "the distribution's packages".to_owned(),
            reason: format!("{} ({})", NO_SPACE.0, options.cache.display()),
            said: String::new(),
            help: NO_SPACE.1.to_owned(),
        },
        error => error,
    })
}

/// Removes what the cache has for this, because it turned out to be damaged.
pub fn forget(wanted: &Wanted<'_>, options: &Options) -> Result<(), Error> {
    Ok(Lock::of(&folder(wanted, options))?.remove()?)
}

fn folder(wanted: &Wanted<'_>, options: &Options) -> PathBuf {
    let Distribution { id, version, .. } = wanted.distribution;
    let name = format!("local-{id}-{version}-{}{}", std::env::consts::ARCH, wanted.missing.suffix());
    // os-release is outside data: what is no plain name must not become a path.
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '_' };
    options.cache.join("targets").join(name.chars().map(plain).collect::<String>())
}

fn cached(folder: &Path) -> Option<Fetched> {
    let manifest = fs_err::read(folder.join(MANIFEST)).ok()?;
    let manifest: Manifest = serde_json::from_slice(&manifest).ok()?;
    Some(Fetched { packages: manifest.packages, root: folder.join("root"), fresh: false })
}

fn fetch_into(
    folder: &Path,
    wanted: &Wanted<'_>,
    fetch: &Fetch,
    options: &Options,
    notify: &dyn Fn(&str),
) -> Result<Fetched, Error> {
    let lock = Lock::of(folder)?;
    if let Some(fetched) = cached(folder) {
        return Ok(fetched);
    }
    room(&options.cache, ROOM)?;
    let stage = lock.stage()?;
    let into = stage.scratch("packages")?;
    let state = options.cache.join("packages");
    // It is one for all that is fetched.
    let _state_lock = Lock::of(&state)?;
    fs_err::create_dir_all(&state)?;
    let request = Request {
        profile: wanted.profile,
        fetch,
        missing: wanted.missing,
        state: &state,
        into: &into,
        notify,
    };
    let packages = match fetch.manager {
        Manager::Apt => apt::download(&request)?,
        Manager::Dnf => dnf::download(&request, &[])?,
    };
    unpack(&packages, &stage.path().join("root"))?;
    let manifest = Manifest {
        packages: packages.iter().map(|package| format!("{} {}", package.name, package.version)).collect(),
    };
    let text = serde_json::to_vec_pretty(&manifest).map_err(io::Error::from)?;
    fs_err::write(stage.path().join(MANIFEST), text)?;
    stage.publish()?;
    Ok(Fetched { packages: manifest.packages, root: folder.join("root"), fresh: true })
}

/// Refuses to begin where there is too little room: apt-get hangs when a disk is full.
fn room(folder: &Path, wanted: u64) -> Result<(), Error> {
    let system = rustix::fs::statvfs(folder).map_err(io::Error::from)?;
    let left = system.f_bavail.saturating_mul(system.f_frsize);
    if left >= wanted {
        return Ok(());
    }
    Err(Error::Fetch {
        packages: "the distribution's packages".to_owned(),
        reason: format!(
            "{} has {} MB left, and {} MB are needed meanwhile",
            folder.display(),
            left / 1_000_000,
            wanted / 1_000_000
        ),
        said: String::new(),
        help: NO_SPACE.1.to_owned(),
    })
}

fn unpack(packages: &[Package], root: &Path) -> Result<(), Error> {
    let mut tree = Tree::create(root, Leave::DocumentationAndDebug, Limits::default())?;
    for package in packages {
        unpack::unpack(&package.file, &mut tree)?;
    }
    Ok(tree.finish()?)
}

/// `apache2-dev 2.4.62-1 and 14 more`.
fn in_short(packages: &[String]) -> String {
    match packages {
        [] => "no packages".to_owned(),
        [package] => package.clone(),
        [package, rest @ ..] => format!("{package} and {} more", rest.len()),
    }
}

/// The lines of a program's stderr that say what went wrong, the last few of them.
fn last_lines(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(4)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_little_room_is_told_before_anything_is_fetched() {
        let folder = tempfile::tempdir().unwrap();
        room(folder.path(), 1).unwrap();
        let error = room(folder.path(), u64::MAX).unwrap_err();
        assert!(error.to_string().contains(&*folder.path().to_string_lossy()), "{error}");
        assert!(error.to_string().contains(" MB left"), "{error}");
    }

    #[test]
    fn a_distributions_name_cannot_leave_the_cache() {
        let distribution = Distribution::parse("ID=../../etc\nVERSION_ID=\"1/2\"\n");
        let profile = distribution.profile();
        let missing = Missing::Headers;
        let wanted = Wanted { distribution: &distribution, profile: &profile, missing };
        let folder = folder(&wanted, &Options::new(PathBuf::from("/cache")));
        assert_eq!(folder.parent(), Some(Path::new("/cache/targets")));
        assert!(folder.file_name().unwrap().to_string_lossy().ends_with("-headers"));
    }

    #[test]
    fn messages_name_the_first_package_and_count_the_rest() {
        let names = |count: usize| (0..count).map(|n| format!("p{n} 1")).collect::<Vec<_>>();
        assert_eq!(in_short(&names(1)), "p0 1");
        assert_eq!(in_short(&names(15)), "p0 1 and 14 more");
    }
}
