//! A publication from its beginning to its end.

mod gather;
mod metadata;
mod put;

use std::path::{Path, PathBuf};
use std::thread;

use super::current::Current;
use super::lock::{For, LOCK, Lock};
use super::remove::taken_out;
use super::repo_file::check_url;
use super::request::{Published, Request};
use super::served::Served;
use super::settings::{keys, new_key, settings};
use super::staging::{self, Staging};
use super::state::Settings;
use super::{Error, check_id, repomd};
use crate::parallel;
use crate::sign::{Keyring, Signer, check_accepted};
use gather::{Kept, refusal_notes};
use put::Beside;

/// Publishes packages. Whatever fails, and whenever the process ends: what clients see is the old state or the new one.
///
/// # Errors
/// Clients see the repository as it was then; but for the .repo file and index.html, which follow the metadata.
pub fn publish(request: &Request, signer: Option<&dyn Signer>) -> Result<Published, Error> {
    for profile in &request.serve {
        if let Some(signer) = signer {
            check_accepted(signer.key(), &profile.name, &profile.packaging.keys)?;
        }
    }
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
            let missing =
                path.ancestors().take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists());
            folder.made.extend(missing.map(Path::to_owned));
            fs_err::create_dir_all(path)?;
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
        let current = Current::read(folder)?;
        let mut done = Published::default();
        if staging::clean_up(folder, &current.as_ref().map(Current::named).unwrap_or_default())? {
            done.notes.push("removed what a publication that was broken off had left".to_owned());
        }
        if let (Some(current), None) = (&current, signer)
            && current.signature.is_some()
            && !request.allow_unsigned
        {
            return Err(Error::NoKey { path: folder.to_owned() });
        }
        if let (Some(current), Some(signer)) = (&current, signer) {
            done.notes.extend(new_key(folder, current, signer.key())?);
        }
        let before = current.as_ref().and_then(|current| current.own.as_ref());
        if current.is_some() && before.is_none() {
            done.notes.push("all packages are read: the metadata was written by another program".to_owned());
        }
        let settings = settings(request, before.map(|own| &own.state.settings))?;
        let served = match &request.serve[..] {
            [] => Served::by_name(&settings.served),
            profiles => Served::of(profiles),
        };
        done.notes.extend(served.note());
        let keys = keys(request, signer, current.as_ref())?;
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

    fn run(mut self) -> Result<Published, Error> {
        let Kept { mut entries, replaced, notes } = self.kept()?;
        self.done.replaced = replaced;
        self.done.notes.extend(notes);
        let removed = taken_out(&mut entries, &self.request.remove, self.folder)?;
        self.done.removed = removed.iter().map(|entry| entry.nevra().to_string()).collect();
        let arrived = self.arrived(&entries)?;
        self.done.notes.extend(refusal_notes(&arrived));
        let places = self.merge(&mut entries, &arrived)?;
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
        let (records, foreign) = self.records(&files)?;
        let text = repomd::render(&records, time);
        let signature = self.sign(&text, time)?;
        let state = self.state(&text, &entries, &files, &records);

        let as_it_is = self.is_published(&text, signature.as_deref(), keys.as_deref(), &state);
        let mut beside = self.beside(&pages, keys.as_deref())?;
        if !as_it_is {
            self.write(&files, &records, &foreign, &text, signature.as_deref(), keys.as_deref(), &state)?;
            let coming = self.announce(&arrived, &places)?;
            // All at once, and nothing is in its place before all of it is on disk.
            parallel::sync(&std::mem::take(&mut self.pending))?;
            self.place(coming)?;
            if self.current.is_some() {
                // Before the signatures that are checked with them. They are good for the old state too: no key leaves.
                for keys in beside.extract_if(.., |file| file.is_keys) {
                    keys.put()?;
                }
            }
            self.swap()?;
        } else {
            parallel::sync(&std::mem::take(&mut self.pending))?;
        }
        beside.iter().try_for_each(Beside::put)?;
        for href in &state.leaving {
            staging::remove(self.folder, href)?;
        }
        self.staging.keep();
        self.done.changed = !as_it_is;
        let Publication { current, done, .. } = self;
        // To free thousands of packages' texts takes longer than to put the new state in place, and nobody has to wait for it.
        thread::spawn(move || drop((current, entries, files, pages)));
        Ok(done)
    }
}
