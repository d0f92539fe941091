//! A publication from its beginning to its end.

mod gather;
mod metadata;
mod put;

use std::path::{Path, PathBuf};
use std::thread;

use super::arrive;
use super::current::{Current, Packages, Texts};
use super::keys;
use super::lock::{For, LOCK, Lock};
use super::remove::{Removal, taken_out};
use super::repo_file::check_url;
use super::request::{Published, Request};
use super::served::Served;
use super::settings::settings;
use super::staging::{self, Staging};
use super::state::Settings;
use super::trust::{self, Trust};
use super::{Error, check_id, readable};
use crate::parallel;
use crate::sign::{Keyring, Signer};
use gather::{Kept, refusal_notes};
use put::Beside;

/// Publishes packages. Whatever fails, and whenever the process ends: what clients see is the old state or the new one.
///
/// # Errors
/// Clients see the repository as it was then; but for the .repo file and index.html, which follow the metadata.
pub fn publish(request: &Request, signer: Option<&dyn Signer>) -> Result<Published, Error> {
    if let Some(name) = &request.name {
        check_id(name)?;
    }
    if let Some(url) = &request.base_url {
        check_url(url)?;
    }
    let mut folder = Folder::open(&request.folder, request.wait)?;
    let published = Publication::begin(request, signer)?.run()?;
    folder.keep = true;
    Ok(published)
}

/// The repository's folder, locked; one that was made for a publication that failed is removed again.
struct Folder {
    path: PathBuf,
    made: Vec<PathBuf>,
    keep: bool,
    lock: Option<Lock>,
}

impl Folder {
    fn open(path: &Path, wait: bool) -> Result<Self, Error> {
        if path.exists() && !path.is_dir() {
            return Err(Error::NoFolder { path: path.to_owned() });
        }
        let mut folder = Folder { path: path.to_owned(), made: Vec::new(), keep: false, lock: None };
        // Somebody else may have made it, and remove it again before this one has the lock.
        while folder.lock.is_none() {
            folder.made.extend(readable::missing(path));
            readable::create_folder(path)?;
            folder.lock = Lock::take(path, For::Publishing, wait)?;
        }
        Ok(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.keep || self.made.is_empty() {
            return;
        }
        // While it is held, and unlocked only then: whoever waits for it sees that it is no more the folder's.
        if self.lock.is_some() && fs_err::read_dir(&self.path).is_ok_and(|entries| entries.count() == 1) {
            let _ = fs_err::remove_file(self.path.join(LOCK));
        }
        for folder in &self.made {
            // Fails, rightly, where somebody has put something there in the meantime.
            let _ = fs_err::remove_dir(folder);
        }
    }
}

/// A publication on its way.
struct Publication<'a> {
    request: &'a Request,
    signer: Option<&'a dyn Signer>,
    folder: &'a Path,
    current: Option<Current>,
    settings: Settings,
    served: Served,
    keys: Option<Keyring>,
    staging: Staging,
    /// What is written and may not be on disk yet.
    pending: Vec<PathBuf>,
    done: Published,
}

impl<'a> Publication<'a> {
    fn begin(request: &'a Request, signer: Option<&'a dyn Signer>) -> Result<Self, Error> {
        let folder = request.folder.as_path();
        staging::restore(folder)?;
        let named = keys::named(request, signer)?;
        let texts = Texts::read(folder)?;
        let trust = match (&texts, signer, &named) {
            (Some(texts), Some(signer), Some(named)) => {
                trust::judge(folder, texts, signer.key(), named, request.take_over)?
            }
            _ => Trust::NotAsked,
        };
        let current = texts.map(|texts| Current::read(folder, texts, &trust)).transpose()?;
        let mut done = Published::default();
        if staging::clean_up(folder, &current.as_ref().map(Current::named).unwrap_or_default())? {
            done.notes.push("removed what a publication that was broken off had left".to_owned());
        }
        if let (Some(current), None) = (&current, signer)
            && current.texts.signature.is_some()
            && !request.allow_unsigned
        {
            return Err(Error::NoKey { path: folder.to_owned() });
        }
        done.notes.extend(signer.and_then(|signer| trust.note(signer.key())));
        if let Some(Current { packages: Packages::Unread { why, .. }, .. }) = &current {
            done.notes.push(format!("all packages are read: {why}"));
        }
        // What was said is not lost with the metadata. Nothing in it says that a package is good.
        let before = current.as_ref().and_then(|current| current.state.as_ref());
        let settings = settings(request, before.map(|state| &state.settings))?;
        let served = match &request.serve[..] {
            [] => Served::by_name(&settings.served),
            profiles => Served::of(profiles),
        };
        if let Some(signer) = signer {
            served.check_key(signer.key())?;
        }
        done.notes.extend(served.note());
        let texts = current.as_ref().map(|current| &current.texts);
        let keys = keys::all(folder, named, texts, &trust)?;
        done.notes.extend(texts.and_then(|texts| keys::note(texts, keys.as_ref())));
        let staging = Staging::new(folder)?;
        Ok(Publication {
            request,
            signer,
            folder,
            current,
            settings,
            served,
            keys,
            staging,
            pending: Vec::new(),
            done,
        })
    }

    /// Of all keys.
    fn fingerprints(&self) -> Vec<String> {
        self.keys.as_ref().map(Keyring::fingerprints).unwrap_or_default()
    }

    fn run(mut self) -> Result<Published, Error> {
        let removal = Removal::of(&self.request.remove, self.current.iter().flat_map(Current::packages));
        let given = arrive::given(self.folder, &self.request.packages)?;
        let Kept { mut entries, gone, broken, replaced, notes } = self.kept(&removal, &given)?;
        self.done.replaced = replaced;
        self.done.notes.extend(notes);
        let removed = taken_out(&mut entries, &removal, &gone, self.folder)?;
        self.done.removed = removed.iter().map(|entry| entry.nevra().to_string()).chain(gone).collect();
        let arrived = self.arrived(given, &entries, &broken)?;
        self.done.notes.extend(refusal_notes(&arrived));
        let places = self.merge(&mut entries, &arrived, &broken)?;
        entries.sort_by(|one, other| one.order().cmp(&other.order()));
        // Where signatures are demanded, nothing has come this far without one.
        self.settings.packages_signed = self.demanded().is_some();

        let newest = entries.iter().map(|entry| entry.built).max().unwrap_or(0);
        // Clients take metadata that is older than what they have for an attack, or for a mirror that lags behind.
        let before = self.current.as_ref().map_or(0, |current| current.revision);
        let time = self.request.time.unwrap_or(newest).max(before);
        self.done.revision = time;
        self.done.packages = entries.len();

        let keys = self.keys.as_ref().map(Keyring::armored).transpose()?;
        let (pages, files) = parallel::both(|| self.pages(&entries, keys.as_deref()), || self.pack(&entries));
        let (pages, files) = (pages?, files?);
        let new = self.metadata(&entries, files, keys, time)?;
        let as_it_is = self.is_published(&new);
        let mut beside = self.beside(&pages, new.keys.as_deref())?;
        if !as_it_is {
            self.write(&new)?;
        }
        let coming = self.announce(&arrived, &places)?;
        // All at once, and nothing is in its place before all of it is on disk.
        parallel::sync(&std::mem::take(&mut self.pending))?;
        self.done.repaired =
            coming.iter().filter(|(_, href)| broken.contains(href)).map(|(_, href)| href.clone()).collect();
        self.place(coming, &broken)?;
        if !as_it_is {
            if self.current.is_some() {
                // Before the signatures that are checked with them. They are good for the old state too: no key leaves.
                for keys in beside.extract_if(.., |file| file.is_keys) {
                    keys.put()?;
                }
            }
            self.swap()?;
        }
        beside.iter().try_for_each(Beside::put)?;
        for href in &new.state.leaving {
            staging::remove(self.folder, href)?;
        }
        self.staging.keep();
        self.done.changed = !as_it_is;
        let Publication { current, done, .. } = self;
        // To free thousands of packages' texts takes longer than to put the new state in place, and nobody has to wait for it.
        thread::spawn(move || drop((current, entries, new, pages)));
        Ok(done)
    }
}
