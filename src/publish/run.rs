//! A publication from its beginning to its end.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use fs_err::File;

use super::arrive::{self, Arrived, Demands, Given};
use super::current::{Current, KEYS, REPODATA, REPOMD, SIGNATURE, file_name, is_foreign};
use super::entry::Entry;
use super::lock::{For, LOCK, Lock};
use super::packed::{self, Packed};
use super::remove::taken_out;
use super::repo_file::check_url;
use super::request::{Published, Request};
use super::staging::{self, Staging};
use super::state::{Older, STATE, Settings, State};
use super::swap::{Swapped, swap};
use super::{Checks, Error, KINDS, RepoFile, check_id, fragment, page, parallel, repomd};
use crate::download::{Algorithm, Digest};
use crate::process;
use crate::repository::repomd::Record;
use crate::sign::{Keyring, Signer, armored_signature, check_accepted};

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
    let mut folder = Folder::open(&request.folder)?;
    let lock = Lock::take(&request.folder, For::Publishing, request.wait)?;
    let published = Publication::begin(request, signer)?.run()?;
    folder.keep = true;
    drop(lock);
    Ok(published)
}

/// The repository's folder; one that was made for a publication that failed is removed again.
struct Folder {
    path: PathBuf,
    made: Vec<PathBuf>,
    keep: bool,
}

impl Folder {
    fn open(path: &Path) -> Result<Self, Error> {
        if path.exists() && !path.is_dir() {
            return Err(Error::NoFolder { path: path.to_owned() });
        }
        let missing =
            path.ancestors().take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists());
        let folder =
            Folder { path: path.to_owned(), made: missing.map(Path::to_owned).collect(), keep: false };
        fs_err::create_dir_all(path)?;
        Ok(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.keep || self.made.is_empty() {
            return;
        }
        let _ = fs_err::remove_file(self.path.join(LOCK));
        for folder in &self.made {
            // Fails, rightly, where somebody has put something there in the meantime.
            let _ = fs_err::remove_dir(folder);
        }
    }
}

/// A file beside the metadata, written and on its way to its place.
struct Beside {
    staged: PathBuf,
    place: PathBuf,
    is_keys: bool,
}

impl Beside {
    fn put(&self) -> Result<(), Error> {
        Ok(fs_err::rename(&self.staged, &self.place)?)
    }
}

/// A publication on its way.
struct Publication<'a> {
    request: &'a Request,
    signer: Option<&'a dyn Signer>,
    folder: &'a Path,
    current: Option<Current>,
    settings: Settings,
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
        let before = current.as_ref().and_then(|current| current.own.as_ref());
        if current.is_some() && before.is_none() {
            done.notes.push("all packages are read: the metadata was written by another program".to_owned());
        }
        let settings = settings(request, before.map(|own| &own.state.settings))?;
        let keys = keys(request, signer, current.as_ref())?;
        let staging = Staging::new(folder)?;
        Ok(Publication {
            request,
            signer,
            folder,
            current,
            settings,
            keys,
            staging,
            pending: Vec::new(),
            done,
        })
    }

    fn run(mut self) -> Result<Published, Error> {
        let (mut entries, replaced) = self.kept()?;
        self.done.replaced = replaced;
        let removed = taken_out(&mut entries, &self.request.remove, self.folder)?;
        self.done.removed = removed.iter().map(Entry::nevra).collect();
        let arrived = self.arrived(&entries)?;
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

        let files = self.pack(&entries)?;
        let (records, foreign) = self.records(&files)?;
        let text = repomd::render(&records, time);
        let signature = self.sign(&text, time)?;
        let state = self.state(&text, &entries, &files, &records);
        let keys = self.keys.as_ref().map(Keyring::armored).transpose()?;

        let as_it_is = self.is_published(&text, signature.as_deref(), keys.as_deref(), &state);
        let mut beside = self.beside(&entries, keys.as_deref())?;
        if !as_it_is {
            self.write(&files, &records, &foreign, &text, signature.as_deref(), keys.as_deref(), &state)?;
            let coming = self.announce(&arrived, &places)?;
            // All at once, and nothing is in its place before all of it is on disk.
            staging::sync(&std::mem::take(&mut self.pending))?;
            self.place(coming)?;
            if self.current.is_some() {
                // Before the signatures that are checked with them. They are good for the old state too: no key leaves.
                for keys in beside.extract_if(.., |file| file.is_keys) {
                    keys.put()?;
                }
            }
            self.swap()?;
        } else {
            staging::sync(&std::mem::take(&mut self.pending))?;
        }
        beside.iter().try_for_each(Beside::put)?;
        for href in &state.leaving {
            staging::remove(&self.folder.join(href))?;
        }
        self.staging.keep();
        self.done.changed = !as_it_is;
        Ok(self.done)
    }

    /// The packages that stay where they are, and those of them of which there is another file now.
    fn kept(&self) -> Result<(Vec<Entry>, Vec<String>), Error> {
        let Some(current) = &self.current else { return Ok((Vec::new(), Vec::new())) };
        let own = current.own.as_ref();
        let known_to_be_signed = own.is_some_and(|own| own.state.settings.packages_signed);
        let entries = own.map_or(&[][..], |own| &own.entries);
        let gone = |href: &str| self.request.remove.iter().any(|spec| super::remove::names_file(spec, href));
        // A signature that is demanded now and was not looked at before takes reading.
        let full = self.request.full || (self.demanded().is_some() && !known_to_be_signed);
        let unchanged = parallel::map(entries, |entry| {
            let found = fs_err::symlink_metadata(self.folder.join(&entry.href));
            match found {
                Ok(found) => Ok(!full && is_as(&found, entry)),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    let leaves = super::remove::is_named(&self.request.remove, entry);
                    if leaves { Ok(true) } else { Err(self.gone(&entry.href)) }
                }
                Err(error) => Err(error.into()),
            }
        });
        let mut kept = Vec::with_capacity(entries.len());
        let mut again: Vec<Given> = Vec::new();
        let in_place = |href: &str| Given { path: self.folder.join(href), href: Some(href.to_owned()) };
        for (entry, unchanged) in entries.iter().zip(unchanged) {
            if unchanged? {
                kept.push(entry.clone());
            } else {
                again.push(in_place(&entry.href));
            }
        }
        for href in current.unread.iter().filter(|href| !gone(href)) {
            if !self.folder.join(href).exists() {
                return Err(self.gone(href));
            }
            again.push(in_place(href));
        }
        let by_href: HashMap<&str, &Entry> =
            entries.iter().map(|entry| (entry.href.as_str(), entry)).collect();
        let mut replaced = Vec::new();
        for arrived in self.read(&again, &|_| false)? {
            let href = arrived.given.href.clone().unwrap_or_default();
            if let Some(old) = by_href.get(href.as_str()).filter(|old| old.sha256 != arrived.sha256) {
                if !self.request.replace {
                    return Err(Error::Replaced { nevra: old.nevra(), path: arrived.given.path });
                }
                replaced.push(old.nevra());
            }
            kept.push(self.in_place(&arrived, &href)?);
        }
        Ok((kept, replaced))
    }

    fn gone(&self, href: &str) -> Error {
        Error::Gone { path: self.folder.join(href), file: href.to_owned() }
    }

    /// The keys of which one has to have signed each package.
    fn demanded(&self) -> Option<&Keyring> {
        self.keys.as_ref().filter(|_| !self.request.allow_unsigned)
    }

    fn read(&self, given: &[Given], known: &(dyn Fn(&str) -> bool + Sync)) -> Result<Vec<Arrived>, Error> {
        let demands = Demands { keys: self.demanded(), staging: &self.staging };
        Ok(arrive::read(given, demands, known)?.into_iter().flatten().collect())
    }

    /// The packages that were given and are not published yet.
    fn arrived(&self, entries: &[Entry]) -> Result<Vec<Arrived>, Error> {
        let given = arrive::given(self.folder, &self.request.packages)?;
        let sums: HashSet<&str> = entries.iter().map(|entry| entry.sha256.as_str()).collect();
        let places: HashSet<&str> = entries.iter().map(|entry| entry.href.as_str()).collect();
        let known = |sha256: &str| sums.contains(sha256);
        let new = given
            .into_iter()
            .filter(|given| !given.href.as_deref().is_some_and(|href| places.contains(href)));
        self.read(&new.collect::<Vec<_>>(), &known)
    }

    /// What a package that lies in the repository is in its metadata. Its time becomes that of its build.
    fn in_place(&self, arrived: &Arrived, href: &str) -> Result<Entry, Error> {
        let file = File::open(self.folder.join(href))?;
        arrive::set_time(file.file(), arrived.listing.build_time)?;
        Ok(arrived.entry(href))
    }

    /// Puts what arrived among the entries, and says where each is to lie.
    fn merge(&mut self, entries: &mut Vec<Entry>, arrived: &[Arrived]) -> Result<Vec<Option<String>>, Error> {
        let mut names: HashMap<String, usize> =
            entries.iter().enumerate().map(|(number, entry)| (entry.nevra(), number)).collect();
        let mut from: HashMap<usize, &Path> = HashMap::new();
        let mut places = Vec::with_capacity(arrived.len());
        for package in arrived {
            let path = package.given.path.as_path();
            let entry = package.entry("");
            let nevra = entry.nevra();
            let same = names.get(&nevra).copied();
            if let Some(number) = same {
                let old = &entries[number];
                match (from.get(&number), old.sha256 == entry.sha256) {
                    (_, true) => {
                        places.push(None);
                        continue;
                    }
                    (Some(first), false) => {
                        let (first, second) = ((*first).to_owned(), path.to_owned());
                        return Err(Error::Twice { nevra, first, second });
                    }
                    (None, false) if !self.request.replace => {
                        return Err(Error::Replaced { nevra, path: path.to_owned() });
                    }
                    (None, false) => {}
                }
            }
            let (entry, place) = match &package.given.href {
                Some(href) => (self.in_place(package, href)?, None),
                None => {
                    let (href, there) = self.place_for(&entry)?;
                    (package.entry(&href), (!there).then_some(href))
                }
            };
            places.push(place);
            let number = match same {
                Some(number) => {
                    self.done.replaced.push(nevra.clone());
                    entries[number] = entry;
                    number
                }
                None => {
                    self.done.added.push(nevra.clone());
                    entries.push(entry);
                    entries.len() - 1
                }
            };
            names.insert(nevra, number);
            from.insert(number, path);
        }
        Ok(places)
    }

    /// Where a package that comes from elsewhere is to lie, and whether it does already. No file is ever replaced by another:
    /// clients that have older metadata ask for the one that it names.
    fn place_for(&self, entry: &Entry) -> Result<(String, bool), Error> {
        let version = &entry.evr;
        let name = format!("{}-{}-{}.{}.rpm", entry.name, version.version, version.release, entry.arch);
        let digits = entry.sha256.get(..16).unwrap_or_default();
        for href in [format!("Packages/{name}"), format!("Packages/{digits}/{name}")] {
            let path = self.folder.join(&href);
            if !path.exists() {
                return Ok((href, false));
            }
            if path.is_file() && arrive::pass(&path, None)? == entry.sha256 {
                return Ok((href, true));
            }
        }
        // What is at a place that is named by these digits is damaged.
        Ok((format!("Packages/{digits}/{name}"), false))
    }

    /// Primary, filelists and other.
    fn pack(&self, entries: &[Entry]) -> Result<Vec<Packed>, Error> {
        let compression = self.settings.compression();
        let beginnings = fragment::beginnings(entries.len());
        let files: Vec<Vec<String>> = beginnings
            .into_iter()
            .zip(fragment::ENDS)
            .enumerate()
            .map(|(number, (beginning, end))| {
                let mut parts = vec![beginning, String::new()];
                for entry in entries {
                    if entry.begins_member() {
                        parts.push(String::new());
                    }
                    if let Some(part) = parts.last_mut() {
                        part.push_str(&entry.xml[number]);
                    }
                }
                parts.push(end.to_owned());
                parts.retain(|part| !part.is_empty());
                parts
            })
            .collect();
        let own = self.current.as_ref().and_then(|current| current.own.as_ref());
        let known = own.map(|own| own.known(compression)).unwrap_or_default();
        Ok(packed::pack(&files, compression, &known)?)
    }

    /// What repomd.xml names, and which of that are files of the old state.
    fn records(&self, files: &[Packed]) -> Result<(Vec<Record>, Vec<String>), Error> {
        let ending = packed::ending(self.settings.compression());
        let digest = |hex: &str| Digest::new(Algorithm::Sha256, hex);
        let mut records = Vec::new();
        for (kind, file) in KINDS.iter().zip(files) {
            let Some(sum) = digest(&file.sha256) else { continue };
            records.push(Record {
                kind: (*kind).to_owned(),
                href: format!("{REPODATA}/{}-{kind}.xml{ending}", file.sha256),
                base: None,
                digest: sum,
                open_digest: digest(&file.open_sha256),
                size: Some(file.bytes.len() as u64),
                open_size: Some(file.open_size as u64),
            });
        }
        let mut foreign = Vec::new();
        let old = self.current.iter().flat_map(|current| &current.records);
        for record in old.filter(|record| is_foreign(&record.kind)) {
            if let Some(name) = file_name(record) {
                foreign.push(name.to_owned());
                records.push(record.clone());
            }
        }
        Ok((records, foreign))
    }

    fn sign(&self, text: &str, time: u64) -> Result<Option<String>, Error> {
        let Some(signer) = self.signer else { return Ok(None) };
        let packet = signer.sign(&mut text.as_bytes(), time)?;
        let signature = armored_signature(&packet).map_err(|reason| Error::Signature { reason })?;
        Ok(Some(signature))
    }

    /// What is noted, with what is kept of older states and what leaves with them.
    fn state(&self, text: &str, entries: &[Entry], files: &[Packed], records: &[Record]) -> State {
        let mut parts = files.iter().map(|file| file.parts.clone());
        let parts = [(); 3].map(|()| parts.next().unwrap_or_default());
        let mut state = State::new(packed::sha256(&[text.as_bytes()]), self.settings.clone(), parts);
        let Some(current) = &self.current else { return state };
        let now: HashSet<&str> = entries.iter().map(|entry| entry.href.as_str()).collect();
        let files: HashSet<&str> = records.iter().filter_map(file_name).collect();
        let mut older = Vec::new();
        let mut left: HashSet<String> = HashSet::new();
        let before = Older {
            files: current.files().into_iter().filter(|name| !files.contains(name.as_str())).collect(),
            packages: current.packages().filter(|href| !now.contains(href)).map(str::to_owned).collect(),
        };
        if current.repomd != text.as_bytes() {
            older.push(before);
        }
        if let Some(own) = &current.own {
            older.extend(own.state.older.iter().cloned());
            left.extend(own.state.leaving.iter().cloned());
        }
        let dropped = older.split_off(older.len().min(self.request.keep));
        left.extend(dropped.into_iter().flat_map(|dropped| dropped.packages));
        let kept: HashSet<&str> =
            older.iter().flat_map(|older| &older.packages).map(String::as_str).collect();
        let mut leaving: Vec<String> = left
            .into_iter()
            .filter(|href| !now.contains(href.as_str()) && !kept.contains(href.as_str()))
            .filter(|href| self.folder.join(href).exists())
            .collect();
        leaving.sort();
        state.older = older;
        state.leaving = leaving;
        state
    }

    /// Whether all that would be written stands there already.
    fn is_published(&self, text: &str, signature: Option<&str>, keys: Option<&str>, state: &State) -> bool {
        let Some(current) = &self.current else { return false };
        let Some(own) = &current.own else { return false };
        let signed = match (signature, &current.signature) {
            (None, None) => true,
            // Not every signer makes the same bytes twice: what holds is good.
            (Some(_), Some(there)) => self.signer.is_some_and(|signer| {
                let key = Keyring::parse(signer.key().public_key.as_bytes(), Path::new(KEYS));
                let data = || Ok(Box::new(text.as_bytes()) as Box<dyn std::io::Read>);
                key.is_ok_and(|key| key.verify_detached(there, &data).is_ok())
            }),
            _ => false,
        };
        signed
            && current.repomd == text.as_bytes()
            && current.keys.as_deref() == keys.map(str::as_bytes)
            // What has left is no reason to write it all anew.
            && own.state.clone().without_leaving() == state.clone().without_leaving()
    }

    /// Writes the new metadata beside the old.
    #[expect(clippy::too_many_arguments, reason = "the parts of one folder, each made by a step of its own")]
    fn write(
        &mut self,
        files: &[Packed],
        records: &[Record],
        foreign: &[String],
        text: &str,
        signature: Option<&str>,
        keys: Option<&str>,
        state: &State,
    ) -> Result<(), Error> {
        let mut written = Vec::new();
        let mut write = |name: &str, bytes: &[u8]| -> std::io::Result<()> {
            let path = self.staging.metadata(name);
            staging::write(&path, bytes)?;
            written.push(path);
            Ok(())
        };
        for (file, record) in files.iter().zip(records) {
            write(file_name(record).unwrap_or_default(), &file.bytes)?;
        }
        write(REPOMD, text.as_bytes())?;
        if let Some(signature) = signature {
            write(SIGNATURE, signature.as_bytes())?;
        }
        if let Some(keys) = keys {
            write(KEYS, keys.as_bytes())?;
        }
        write(STATE, state.render().as_bytes())?;
        for name in foreign.iter().chain(state.older.iter().flat_map(|older| &older.files)) {
            let (from, to) = (self.folder.join(REPODATA).join(name), self.staging.metadata(name));
            if to.exists() {
                continue;
            }
            // A file system without hard links takes copies. What somebody has removed is not missed.
            let linked = fs_err::hard_link(&from, &to).or_else(|_| fs_err::copy(&from, &to).map(drop));
            if foreign.contains(name) {
                linked?;
            }
        }
        written.push(self.staging.path(REPODATA));
        self.pending.append(&mut written);
        Ok(())
    }

    /// The packages that come, with their places, noted for whoever has to clean up.
    fn announce(
        &mut self,
        arrived: &[Arrived],
        places: &[Option<String>],
    ) -> Result<Vec<(PathBuf, String)>, Error> {
        let coming: Vec<(PathBuf, String)> = arrived
            .iter()
            .zip(places)
            .filter_map(|(package, place)| Some((package.staged.clone()?, place.clone()?)))
            .collect();
        if !coming.is_empty() {
            let hrefs: Vec<&str> = coming.iter().map(|(_, href)| href.as_str()).collect();
            self.pending.extend(self.staging.announce(&hrefs)?);
            self.pending.extend(coming.iter().map(|(staged, _)| staged.clone()));
        }
        Ok(coming)
    }

    /// Puts the packages that come in their places, which nothing names yet.
    fn place(&mut self, coming: Vec<(PathBuf, String)>) -> Result<(), Error> {
        for (staged, href) in coming {
            self.staging.place(&staged, &href)?;
        }
        let folders: Vec<PathBuf> = self.staging.folders().into_iter().map(Path::to_owned).collect();
        Ok(staging::sync(&folders)?)
    }

    /// Where clients reach the folder, without a slash at the end.
    fn base_url(&self) -> Result<String, Error> {
        Ok(match &self.settings.base_url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => format!("file://{}", fs_err::canonicalize(self.folder)?.display()),
        })
    }

    fn checks(&self) -> Checks {
        Checks { packages: self.settings.packages_signed, metadata: self.signer.is_some() }
    }

    /// The .repo file, the keys and index.html, where they are not there as they are to be: written, not in place yet.
    fn beside(&mut self, entries: &[Entry], keys: Option<&str>) -> Result<Vec<Beside>, Error> {
        let base = self.base_url()?;
        if self.settings.base_url.is_none() {
            let note = "the .repo file has the folder's own path: --base-url says where clients reach it";
            self.done.notes.push(note.to_owned());
        }
        let name = self.settings.name.clone();
        let key_file = key_file(&name);
        let urls = keys.map(|_| format!("{base}/{key_file}")).into_iter().collect();
        let repo = RepoFile::new(&name, &name, &base, urls, self.checks())?;
        self.done.repo_file = self.folder.join(repo.file_name());
        let page = page::render(&page::View {
            name: &name,
            base_url: &base,
            repo_file: &repo.file_name(),
            key_file: &key_file,
            served: &self.settings.served,
            fingerprints: &self.keys.as_ref().map(Keyring::fingerprints).unwrap_or_default(),
            checks: self.checks(),
            entries,
        })?;
        let mut beside = Vec::new();
        if let Some(keys) = keys {
            beside.extend(self.stage(&key_file, keys, true)?);
        }
        beside.extend(self.stage(&repo.file_name(), &repo.render(), false)?);
        beside.extend(self.stage("index.html", &page, false)?);
        Ok(beside)
    }

    /// Writes a file, where it is not there as it is to be.
    fn stage(&mut self, name: &str, text: &str, is_keys: bool) -> Result<Option<Beside>, Error> {
        let place = self.folder.join(name);
        if fs_err::read(&place).is_ok_and(|there| there == text.as_bytes()) {
            return Ok(None);
        }
        let staged = self.staging.path(name);
        staging::write(&staged, text.as_bytes())?;
        self.pending.push(staged.clone());
        Ok(Some(Beside { staged, place, is_keys }))
    }

    /// The moment in which the new state is there.
    fn swap(&mut self) -> Result<(), Error> {
        if process::interrupted() {
            return Err(Error::Interrupted);
        }
        let place = self.folder.join(REPODATA);
        let swapped = swap(&self.staging.path(REPODATA), &place, &self.staging.aside())?;
        self.staging.keep();
        File::open(self.folder)?.sync_all()?;
        if swapped == Swapped::InTwoSteps {
            let note = "this file system cannot exchange folders: for a moment clients found no metadata";
            self.done.notes.push(note.to_owned());
        }
        Ok(())
    }
}

/// What counts: what is said now, else what was said before.
fn settings(request: &Request, before: Option<&Settings>) -> Result<Settings, Error> {
    let before = before.cloned().unwrap_or_default();
    let name = match (&request.name, before.name.is_empty()) {
        (Some(name), _) => name.clone(),
        (None, false) => before.name,
        (None, true) => name_of(&request.folder)?,
    };
    let (served, zstd) = match &request.serve[..] {
        [] => (before.served, before.zstd),
        profiles => (profiles.iter().map(|profile| profile.name.clone()).collect(), request.reads_zstd()),
    };
    Ok(Settings {
        name,
        base_url: request.base_url.clone().or(before.base_url),
        served,
        zstd,
        packages_signed: false,
    })
}

/// The folder's own name, as far as it can be a repository's.
fn name_of(folder: &Path) -> Result<String, Error> {
    let whole = fs_err::canonicalize(folder)?;
    let name = whole.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let plain =
        |letter: char| if letter.is_ascii_alphanumeric() || "._-".contains(letter) { letter } else { '-' };
    let name: String = name.chars().map(plain).collect();
    let name = name.trim_start_matches(['.', '_', '-']).to_owned();
    check_id(&name)?;
    Ok(name)
}

/// The signer's key, those that are given, and those that were there: what was signed before stays signed.
fn keys(
    request: &Request,
    signer: Option<&dyn Signer>,
    current: Option<&Current>,
) -> Result<Option<Keyring>, Error> {
    let shown = Path::new(KEYS);
    let mut rings = Vec::new();
    if let Some(signer) = signer {
        rings.push(Keyring::parse(signer.key().public_key.as_bytes(), shown)?);
    }
    for file in &request.keys {
        rings.push(Keyring::open(file)?);
    }
    if let Some(there) = current.and_then(|current| current.keys.as_deref()) {
        rings.push(Keyring::parse(there, &request.folder.join(REPODATA).join(KEYS))?);
    }
    Ok((!rings.is_empty()).then(|| Keyring::joined(rings, shown).sorted_behind_first()))
}

/// What the keys' file is called, beside the .repo file.
pub(super) fn key_file(name: &str) -> String {
    format!("RPM-GPG-KEY-{name}")
}

/// Whether a file is what was read when it was published, by its size and time. It was given a time of whole seconds: one that
/// somebody wrote in that very second has a fraction.
fn is_as(found: &std::fs::Metadata, entry: &Entry) -> bool {
    use std::os::unix::fs::MetadataExt;
    let dated = u64::try_from(found.mtime()) == Ok(entry.time) && found.mtime_nsec() == 0;
    found.is_file() && found.len() == entry.size && dated
}
