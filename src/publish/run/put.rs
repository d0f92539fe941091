//! Everything written beside the old state, and put in its place.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fs_err::File;

use super::Publication;
use super::metadata::NewMetadata;
use crate::beneath::at;
use crate::publish::arrive::Arrived;
use crate::publish::current::{KEYS, REPODATA, REPOMD, SIGNATURE, bounded, file_name};
use crate::publish::entry::Entry;
use crate::publish::settings::key_file;
use crate::publish::state::STATE;
use crate::publish::swap::{Swapped, swap};
use crate::publish::{Checks, Error, RepoFile, page, readable};
use crate::sign::Keyring;
use crate::{parallel, process};

/// A file beside the metadata, written and on its way to its place.
pub(super) struct Beside {
    staged: PathBuf,
    place: PathBuf,
    pub(super) is_keys: bool,
}

/// Which of them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Keys,
    RepoFile,
    Page,
}

/// The first line of a .repo file, by which a later publication knows it for one that modgraft wrote.
const MARK: &str = "# Written by modgraft repo publish";

/// The texts of two of them.
pub(super) struct Pages {
    /// The .repo file's name.
    repo_file: String,
    repo: String,
    /// index.html.
    index: String,
}

impl Beside {
    pub(super) fn put(&self) -> Result<(), Error> {
        Ok(fs_err::rename(&self.staged, &self.place)?)
    }
}

/// Gives a file of the old metadata a name in the new one's folder; on a file system without hard links that takes a copy. What
/// a link leads to may lie anywhere, and is not for clients to see.
fn take_along(from: &Path, to: &Path) -> io::Result<()> {
    if !fs_err::symlink_metadata(from)?.is_file() {
        return Err(at(from, io::Error::other("it is no file")));
    }
    fs_err::hard_link(from, to).or_else(|_| fs_err::copy(from, to).map(drop))
}

impl Publication<'_> {
    /// Writes the new metadata beside the old.
    ///
    /// # Errors
    /// A file that cannot be written, or one of the old metadata that has to be in the new one and is not there.
    pub(super) fn write(&mut self, new: &NewMetadata) -> Result<(), Error> {
        let mut written = Vec::new();
        let mut write = |name: &str, bytes: &[u8]| -> io::Result<()> {
            let path = self.staging.metadata(name);
            readable::write(&path, bytes)?;
            written.push(path);
            Ok(())
        };
        for (file, record) in new.files.iter().zip(&new.records) {
            write(file_name(record).unwrap_or_default(), &file.bytes)?;
        }
        write(REPOMD, new.text.as_bytes())?;
        if let Some(signature) = &new.signature {
            write(SIGNATURE, signature.as_bytes())?;
        }
        if let Some(keys) = &new.keys {
            write(KEYS, keys.as_bytes())?;
        }
        write(STATE, new.state.render().as_bytes())?;
        for name in new.foreign.iter().chain(new.state.older.iter().flat_map(|older| &older.files)) {
            let (from, to) = (self.folder.join(REPODATA).join(name), self.staging.metadata(name));
            if to.exists() {
                continue;
            }
            // What somebody has removed is not missed.
            let taken = take_along(&from, &to);
            if new.foreign.contains(name) {
                taken?;
            }
        }
        written.push(self.staging.path(REPODATA));
        self.pending.append(&mut written);
        Ok(())
    }

    /// The packages that come, with their places, noted for whoever has to clean up.
    pub(super) fn announce(
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

    /// Puts the packages that come in their places, which nothing names yet, but those of `broken` ones.
    pub(super) fn place(
        &mut self,
        coming: Vec<(PathBuf, String)>,
        broken: &HashSet<String>,
    ) -> Result<(), Error> {
        for (staged, href) in coming {
            self.staging.place(&staged, &href, broken.contains(&href))?;
        }
        let folders: Vec<PathBuf> = self.staging.folders().into_iter().collect();
        Ok(parallel::sync(&folders)?)
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

    /// What the .repo file and index.html say.
    pub(super) fn pages(&self, entries: &[Arc<Entry>], keys: Option<&str>) -> Result<Pages, Error> {
        let base = self.base_url()?;
        let name = &self.settings.name;
        let key_file = key_file(name);
        let urls = keys.map(|_| format!("{base}/{key_file}")).into_iter().collect();
        let repo = RepoFile::new(name, name, &base, urls, self.checks())?;
        let repo_text = format!("{MARK}\n{}", repo.render());
        let index = page::render(&page::View {
            name,
            base_url: &base,
            repo_file: &repo.file_name(),
            repo: &repo_text,
            key_file: &key_file,
            served: &self.settings.served,
            fingerprints: &self.fingerprints(),
            checks: self.checks(),
            entries,
        })?;
        Ok(Pages { repo_file: repo.file_name(), repo: repo_text, index })
    }

    /// The .repo file, the keys and index.html, where they are not there as they are to be: written, not in place yet.
    pub(super) fn beside(&mut self, pages: &Pages, keys: Option<&str>) -> Result<Vec<Beside>, Error> {
        if self.settings.base_url.is_none() {
            let note = "the .repo file has the folder's own path: --base-url says where clients reach it";
            self.done.notes.push(note.to_owned());
        }
        self.done.repo_file = self.folder.join(&pages.repo_file);
        let mut beside = Vec::new();
        if let Some(keys) = keys {
            beside.extend(self.stage(&key_file(&self.settings.name), keys, What::Keys)?);
        }
        beside.extend(self.stage(&pages.repo_file, &pages.repo, What::RepoFile)?);
        beside.extend(self.stage("index.html", &pages.index, What::Page)?);
        Ok(beside)
    }

    /// Writes a file, where it is not there as it is to be. One that somebody else has written stays, and that is told; but not in
    /// the place of the keys, which clients are to have as they are signed by: there it is told what went.
    fn stage(&mut self, name: &str, text: &str, what: What) -> Result<Option<Beside>, Error> {
        let place = self.folder.join(name);
        if let Some(there) = bounded(&place)? {
            if there == text.as_bytes() {
                return Ok(None);
            }
            let there_as_text = String::from_utf8_lossy(&there);
            let is_ours = match what {
                What::Keys => true,
                What::RepoFile => there_as_text.starts_with(MARK),
                What::Page => page::is_ours(&there_as_text),
            };
            if !is_ours {
                let note = format!(
                    "{name} stays as it is: modgraft did not write it. Take it away, and the next publication writes its own"
                );
                self.done.notes.push(note);
                return Ok(None);
            }
            if what == What::Keys {
                self.done.notes.extend(self.lost_keys(name, &there));
            }
        }
        let staged = self.staging.path(name);
        readable::write(&staged, text.as_bytes())?;
        self.pending.push(staged.clone());
        Ok(Some(Beside { staged, place, is_keys: what == What::Keys }))
    }

    /// What is to be told of keys in the folder's own file of them that nobody published: they are not given out any more.
    fn lost_keys(&self, name: &str, there: &[u8]) -> Option<String> {
        let before = self.current.as_ref().and_then(|current| current.texts.keys.as_deref());
        if before == Some(there) {
            return None;
        }
        let parse = |keys: &[u8]| Keyring::parse(keys, Path::new(name)).map(|ring| ring.fingerprints());
        let Ok(there) = parse(there) else {
            return Some(format!("{name} had something else in it than keys; now it has the repository's"));
        };
        let known: Vec<String> = before
            .and_then(|keys| parse(keys).ok())
            .into_iter()
            .flatten()
            .chain(self.fingerprints())
            .collect();
        let lost: Vec<String> = there.into_iter().filter(|key| !known.contains(key)).collect();
        let note = || format!("{name} has no more {}, which --key FILE gives out, too", lost.join(", "));
        (!lost.is_empty()).then(note)
    }

    /// The moment in which the new state is there.
    pub(super) fn swap(&mut self) -> Result<(), Error> {
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
