//! Adding a target. Everything is made and tried beside its place, and put there at the end.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::downloads::Downloads;
use super::given::{self, Package};
use super::lockfile::{Change, LockFile, Locked};
use super::manifest::{self, Manifest, Origin, Pinned};
use super::repositories::{Asked, Fetched};
use super::{Error, Name, ROOT, Store};
use crate::download::Progress;
use crate::machine::Machine;
use crate::process;
use crate::profile::{self, Profile};
use crate::target::lock::{Lock, Stage};
use crate::target::{self, Provenance, Target, folder, pack};
use crate::unpack::{self, Leave, Limits, Tree};

/// What is to be added.
#[derive(Debug, Clone)]
pub struct Request {
    /// What it will be called.
    pub name: Name,
    /// A profile's name, or a profile's file (with a `/` or `.toml` in it); found out by what is added where it is missing.
    pub profile: Option<String>,
    /// Where it comes from.
    pub source: Source,
    /// The processor; that of the packages, or this machine's, where it is missing.
    pub machine: Option<&'static Machine>,
    /// Whether one of that name is replaced.
    pub force: bool,
    /// The lock file; `None`: there is none, and none is written.
    pub lock: Option<PathBuf>,
    /// Whether the packages must be those of the lock file.
    pub locked: bool,
    /// Nothing may be downloaded.
    pub offline: bool,
}

/// Where a target comes from.
#[derive(Debug, Clone)]
pub enum Source {
    /// Package files, and folders of such.
    Packages(Vec<PathBuf>),
    /// The folder of a `make install` of httpd.
    Prefix(PathBuf),
    /// Repositories.
    Repositories {
        /// Urls and folders, in the order in which they are asked.
        places: Vec<String>,
        /// The public keys that each package must be signed with.
        key: Option<PathBuf>,
    },
    /// A target pack.
    Pack {
        /// The file.
        file: PathBuf,
        /// What its SHA-256 must be, as it was typed.
        sha256: Option<String>,
    },
    /// What the lock file says.
    Lock,
}

/// What came of it.
#[derive(Debug)]
pub struct Done {
    /// The target.
    pub target: Target,
    /// How many packages it has.
    pub packages: usize,
    /// The lock file, where it has changed.
    pub lock: Option<PathBuf>,
    /// Why each package is there, and what is not; a line each.
    pub notes: Vec<String>,
}

/// The packages, and all that is to be remembered of them.
struct Chosen {
    packages: Vec<Package>,
    pinned: Vec<Pinned>,
    repositories: Vec<String>,
    /// The fingerprints of the keys that the packages were checked by.
    keys: Vec<String>,
    machine: &'static Machine,
    profile: Option<Named>,
    /// Why each package is there, and what is not; a line each.
    notes: Vec<String>,
}

/// A profile that somebody named.
struct Named {
    profile: Arc<Profile>,
    /// Its file, where it is none of modgraft's own.
    file: Option<PathBuf>,
}

/// Adds a target to a store, and says the same in the lock file. `progress` is told of downloads.
///
/// # Errors
/// Whatever is wrong with what was given, in which case targets and lock file are as they were before. What was downloaded
/// before the network failed, or before a signal came, is kept for the next time.
pub fn add(store: &Store, request: &Request, progress: &dyn Progress) -> Result<Done, target::Error> {
    not_there(store, request)?;
    let lock = Lock::of(&store.folder(&request.name))?;
    // Another process may have added it while this one waited.
    not_there(store, request)?;
    let downloads = Downloads::into(store, &request.name);
    let known = || match &request.lock {
        Some(path) => LockFile::read(path),
        None => Ok(None),
    };
    let chosen = match &request.source {
        Source::Prefix(prefix) => return add_prefix(request, prefix, &lock),
        Source::Pack { file, sha256 } => return add_pack(store, request, file, sha256.as_deref(), &lock),
        Source::Packages(given) => given_packages(request, given, known()?.as_ref())?,
        Source::Repositories { places, key } => {
            let known = known()?;
            repository_packages(request, places, key.as_deref(), known.as_ref(), &downloads, progress)?
        }
        Source::Lock => locked_packages(request, known()?.as_ref(), &downloads, progress)?,
    };
    let stage = lock.stage()?;
    let manifest = unpacked(request, &chosen, &stage)?;
    fs_err::write(stage.path().join(manifest::FILE), manifest.text())?;
    let change = match &request.lock {
        Some(path) => Some(Change::of(path, &request.name, chosen.locked(path, &manifest))?),
        None => None,
    };
    publish(stage)?;
    let changed = change.map(Change::publish).transpose()?.unwrap_or(false);
    done(store, request, changed, chosen.notes)
}

/// Unpacks the packages, and finds the httpd in them.
fn unpacked(request: &Request, chosen: &Chosen, stage: &Stage<'_>) -> Result<Manifest, target::Error> {
    let root = stage.path().join(ROOT);
    let mut tree = Tree::create(&root, Leave::Documentation, Limits::default())?;
    for package in &chosen.packages {
        unpack::unpack(&package.file, &mut tree)?;
    }
    tree.finish()?;
    let profile = chosen.profile.as_ref().map(|named| named.profile.clone());
    let found = folder::sysroot(request.name.as_str(), root, profile, folder::Given::Packages)?;
    if found.machine != chosen.machine {
        let reason = format!("they are for {}, and the httpd in them for {}", chosen.machine, found.machine);
        return Err(Error::Mixed { reason, help: "give the packages for one processor" }.into());
    }
    let origin = match &chosen.repositories[..] {
        [] => Origin::Packages,
        repositories => Origin::Repository { from: repositories.to_vec() },
    };
    Ok(manifest(&found, chosen.profile.as_ref(), origin, chosen.pinned.clone()))
}

fn not_there(store: &Store, request: &Request) -> Result<(), Error> {
    let folder = store.folder(&request.name);
    if request.force || folder.symlink_metadata().is_err() {
        return Ok(());
    }
    let origin = match store.find(&request.name) {
        Ok(Some(added)) => added.manifest.origin.in_short(),
        // A damaged one, or a folder that is none of modgraft's.
        _ => folder.display().to_string(),
    };
    Err(Error::Exists { name: request.name.to_string(), origin })
}

fn add_prefix(request: &Request, prefix: &Path, lock: &Lock) -> Result<Done, target::Error> {
    let profile = request.profile.as_deref().map(|word| Named::parse(word, Path::new(""))).transpose()?;
    let known = profile.as_ref().map(|named| named.profile.clone());
    let found = folder::resolve(request.name.as_str(), prefix, known)?;
    let Provenance::Prefix { root } = &found.provenance else {
        return Err(target::Error::NoHttpd {
            folder: prefix.to_owned(),
            reason: "it is a root of unpacked packages, and no prefix".to_owned(),
        });
    };
    if let Some(wanted) = request.machine
        && wanted != found.machine
    {
        let what = format!("the httpd in {}", prefix.display());
        let (arch, wanted) = (found.machine.name.clone(), wanted.name.clone());
        return Err(Error::OtherProcessor { what, arch, wanted }.into());
    }
    let origin = Origin::Prefix { folder: root.clone() };
    let manifest = manifest(&found, profile.as_ref(), origin, Vec::new());
    let stage = lock.stage()?;
    fs_err::write(stage.path().join(manifest::FILE), manifest.text())?;
    publish(stage)?;
    Ok(Done { target: found, packages: 0, lock: None, notes: Vec::new() })
}

/// A pack has all that a target is: neither the lock file nor a profile adds to it.
fn add_pack(
    store: &Store,
    request: &Request,
    file: &Path,
    sha256: Option<&str>,
    lock: &Lock,
) -> Result<Done, target::Error> {
    let pack = pack::open(file, sha256)?;
    if let Some(wanted) = request.machine
        && wanted.name != pack.facts.arch
    {
        let what = format!("the pack {}", file.display());
        let (arch, wanted) = (pack.facts.arch.clone(), wanted.name.clone());
        return Err(Error::OtherProcessor { what, arch, wanted }.into());
    }
    let stage = lock.stage()?;
    let root = stage.path().join(ROOT);
    pack.unpack(&root)?;
    let known = Some(pack.profile.clone());
    let found = folder::sysroot(request.name.as_str(), root, known, folder::Given::Packages)?;
    pack.verify(&found)?;
    let origin = Origin::Pack { sha256: pack.sha256.clone() };
    let (profile, text) = (pack.profile.name.clone(), Some(pack.profile.text().to_owned()));
    let manifest = Manifest::new(&found, profile, text, origin, Vec::new());
    fs_err::write(stage.path().join(manifest::FILE), manifest.text())?;
    publish(stage)?;
    done(store, request, false, Vec::new())
}

/// The target as it is there now: while it was made, its paths were others.
fn done(store: &Store, request: &Request, changed: bool, notes: Vec<String>) -> Result<Done, target::Error> {
    let added = store.find(&request.name)?.ok_or_else(|| Error::Manifest {
        path: store.folder(&request.name),
        reason: "it was removed at once".to_owned(),
    })?;
    let lock = request.lock.clone().filter(|_| changed);
    Ok(Done { target: added.resolve()?, packages: added.manifest.packages.len(), lock, notes })
}

/// Puts a target into its place, unless somebody has asked to stop.
fn publish(stage: Stage<'_>) -> Result<(), target::Error> {
    if process::interrupted() {
        return Err(process::Error::Interrupted.into());
    }
    Ok(stage.publish()?)
}

fn given_packages(
    request: &Request,
    given: &[PathBuf],
    known: Option<&LockFile>,
) -> Result<Chosen, target::Error> {
    let packages = given::read(given)?;
    let machine = given::machine(&packages, request.machine)?;
    let mut pinned: Vec<Pinned> =
        packages.iter().map(|package| package.pinned(given::file_name(&package.file))).collect();
    pinned.sort();
    let (repositories, keys) = (Vec::new(), Vec::new());
    let mut chosen =
        Chosen { packages, pinned, repositories, keys, machine, profile: None, notes: Vec::new() };
    let mut profile = request.profile.as_deref().map(|word| (word, Path::new("")));
    if let (true, Some(path)) = (request.locked, &request.lock) {
        let locked = locked(request, known, path)?;
        same(path, &request.name, locked, &mut chosen.pinned)?;
        chosen.repositories.clone_from(&locked.repositories);
        chosen.keys.clone_from(&locked.keys);
        profile = profile.or(Some((&*locked.profile, beside(path))));
    }
    chosen.profile = profile.map(|(word, folder)| Named::parse(word, folder)).transpose()?;
    Ok(chosen)
}

fn repository_packages(
    request: &Request,
    places: &[String],
    key: Option<&Path>,
    known: Option<&LockFile>,
    downloads: &Downloads,
    progress: &dyn Progress,
) -> Result<Chosen, target::Error> {
    let Some(word) = &request.profile else {
        return Err(Error::NoProfile { known: Profile::names().collect::<Vec<_>>().join(", ") }.into());
    };
    let profile = Named::parse(word, Path::new(""))?;
    let machine = match request.machine {
        Some(machine) => machine,
        None => given::machine(&[], None)?,
    };
    // Those that are locked may be told by their digests alone.
    if let (false, Some(path), Some(known)) = (request.locked, &request.lock, known)
        && let Some(locked) = known.get(&request.name)
    {
        locked.demand_key(&request.name, path, key)?;
    }
    let asked = Asked { places, key, profile: &profile.profile, machine, offline: request.offline };
    let Fetched { packages, mut pinned, places, mut keys, notes } = downloads.choose(asked, progress)?;
    given::machine(&packages, Some(machine))?;
    if let (true, Some(path)) = (request.locked, &request.lock) {
        let locked = locked(request, known, path)?;
        same(path, &request.name, locked, &mut pinned)?;
        keys.clone_from(&locked.keys);
    }
    Ok(Chosen { packages, pinned, repositories: places, keys, machine, profile: Some(profile), notes })
}

/// Exactly the packages that the lock file names.
fn locked_packages(
    request: &Request,
    known: Option<&LockFile>,
    downloads: &Downloads,
    progress: &dyn Progress,
) -> Result<Chosen, target::Error> {
    let name = request.name.to_string();
    let Some(path) = &request.lock else { return Err(Error::NoSource { name }.into()) };
    let locked = locked(request, known, path)?;
    if let Some(file) = locked.packages.iter().find(|pinned| !pinned.is_remote()) {
        return Err(Error::LockedFile { name, lock: path.clone(), file: file.from.clone() }.into());
    }
    if let Some(wanted) = request.machine
        && wanted != locked.machine
    {
        let what = format!("the target {name} of {}", path.display());
        let (arch, wanted) = (locked.machine.name.clone(), wanted.name.clone());
        return Err(Error::OtherProcessor { what, arch, wanted }.into());
    }
    let profile = match &request.profile {
        Some(word) => Named::parse(word, Path::new(""))?,
        None => Named::parse(&locked.profile, beside(path))?,
    };
    let packages = downloads.fetch(&locked.packages, request.offline, progress)?;
    given::machine(&packages, Some(locked.machine))?;
    let mut pinned = packages.iter().map(|package| package.pinned(String::new())).collect();
    same(path, &request.name, locked, &mut pinned)?;
    let (repositories, keys) = (locked.repositories.clone(), locked.keys.clone());
    let (machine, profile) = (locked.machine, Some(profile));
    Ok(Chosen { packages, pinned, repositories, keys, machine, profile, notes: Vec::new() })
}

fn locked<'a>(request: &Request, known: Option<&'a LockFile>, path: &Path) -> Result<&'a Locked, Error> {
    let name = request.name.to_string();
    let known = known.ok_or_else(|| Error::NoLock { name: name.clone(), lock: path.to_owned() })?;
    known.get(&request.name).ok_or_else(|| Error::NotLocked { name, lock: path.to_owned() })
}

/// The folder that a file is in.
fn beside(file: &Path) -> &Path {
    file.parent().unwrap_or(Path::new(""))
}

impl Named {
    /// The profile that a word names; as a path, it begins at `folder`.
    fn parse(word: &str, folder: &Path) -> Result<Self, Error> {
        let file = profile::is_file(word).then(|| folder.join(word));
        Ok(Named { profile: Profile::find(word, folder)?, file })
    }

    /// As a lock file has it: one of a person's own by its path from there.
    fn in_lock(&self, lock: &Path) -> String {
        let Some(file) = &self.file else { return self.profile.name.clone() };
        let folder = beside(lock);
        let folder = if folder == Path::new("") { Path::new(".") } else { folder };
        let (Ok(whole), Ok(folder)) = (fs_err::canonicalize(file), fs_err::canonicalize(folder)) else {
            return file.display().to_string();
        };
        match whole.strip_prefix(&folder) {
            Ok(below) => format!("./{}", below.display()),
            Err(_) => whole.display().to_string(),
        }
    }
}

impl Chosen {
    fn locked(&self, lock: &Path, manifest: &Manifest) -> Locked {
        Locked {
            profile: self
                .profile
                .as_ref()
                .map_or_else(|| manifest.profile.clone(), |named| named.in_lock(lock)),
            machine: self.machine,
            repositories: self.repositories.clone(),
            keys: self.keys.clone(),
            packages: self.pinned.clone(),
        }
    }
}

fn manifest(found: &Target, profile: Option<&Named>, origin: Origin, packages: Vec<Pinned>) -> Manifest {
    let (name, text) = match profile {
        Some(Named { profile, file }) => {
            (profile.name.clone(), file.as_ref().map(|_| profile.text().to_owned()))
        }
        None => (found.profile.name.clone(), None),
    };
    Manifest::new(found, name, text, origin, packages)
}

/// Whether packages are those that the lock file names, all of them and no others; they become known as it has them.
fn same(path: &Path, name: &Name, locked: &Locked, pinned: &mut Vec<Pinned>) -> Result<(), Error> {
    let differs = |reason: String| Err(Error::Differs { lock: path.to_owned(), reason });
    let id = |pinned: &Pinned| (pinned.name.clone(), pinned.version.clone(), pinned.arch.clone());
    for wanted in &locked.packages {
        let called = format!("{} {}", wanted.name, wanted.version);
        match pinned.iter().find(|pinned| (&pinned.name, &pinned.arch) == (&wanted.name, &wanted.arch)) {
            Some(found) if found.sha256 == wanted.sha256 && id(found) == id(wanted) => {}
            Some(found) => {
                let (version, sha256) = (&found.version, &found.sha256);
                return differs(format!(
                    "{called} has the SHA-256 {}, and the package is {} {version} with {sha256}",
                    wanted.sha256, found.name
                ));
            }
            None => return differs(format!("{called} is not among the packages")),
        }
    }
    let more = pinned.iter().find(|found| !locked.packages.iter().any(|wanted| id(wanted) == id(found)));
    if let Some(more) = more {
        return differs(format!("`{name}` has no package {} {} {}", more.name, more.version, more.arch));
    }
    pinned.clone_from(&locked.packages);
    Ok(())
}
