//! Packages that are downloaded to be unpacked.

use std::cell::Cell;
use std::path::PathBuf;

use super::given::{self, Package};
use super::repositories::{self, Asked, Fetched};
use super::{Error, Name, Pinned, Store};
use crate::download::{self, Algorithm, Digest, Download, Progress};
use crate::process;
use crate::target;
use crate::unpack::Limits;

/// The folder in the cache for downloads.
const FOLDER: &str = "downloads";

/// What is downloaded for a target, by whoever has its lock. It is removed in the end, unless the network failed or a signal
/// came: the next time goes on with it then.
#[derive(Debug)]
pub struct Downloads {
    folder: PathBuf,
    keep: Cell<bool>,
}

impl Downloads {
    /// Of this target.
    pub fn into(store: &Store, name: &Name) -> Self {
        Downloads { folder: store.cache.join(FOLDER).join(name.as_str()), keep: Cell::new(false) }
    }

    /// Fetches packages that are pinned by their digests.
    ///
    /// # Errors
    /// `offline`, where one is not here yet; the network's; a file that is no package.
    pub fn fetch(
        &self,
        packages: &[Pinned],
        offline: bool,
        progress: &dyn Progress,
    ) -> Result<Vec<Package>, target::Error> {
        let mut wanted = Vec::new();
        for pinned in packages {
            let digest = Digest::new(Algorithm::Sha256, &pinned.sha256);
            wanted.push(Download {
                url: pinned.from.clone(),
                to: self.folder.join(&pinned.sha256),
                size: Some(pinned.size),
                digest,
                limit: pinned.size.min(Limits::default().package),
            });
        }
        let local = |download: &Download| download.url.starts_with("file:") || download.to.is_file();
        if let (true, Some(first)) =
            (offline, packages.iter().zip(&wanted).find(|(_, wanted)| !local(wanted)))
        {
            return Err(Error::Offline { what: format!("{} {}", first.0.name, first.0.version) }.into());
        }
        let fetched = download::all(&wanted, progress).map_err(target::Error::from);
        let files = self.going_on(fetched)?.into_iter().map(|file| file.path).collect();
        given::describe(files)
    }

    /// Fetches what a distribution's profile names from repositories.
    ///
    /// # Errors
    /// The network's; the repositories'.
    pub fn choose(&self, asked: Asked<'_>, progress: &dyn Progress) -> Result<Fetched, target::Error> {
        self.going_on(repositories::fetch(asked, &self.folder, progress))
    }

    /// Remembers whether the next time can go on with what is here.
    fn going_on<T>(&self, fetched: Result<T, target::Error>) -> Result<T, target::Error> {
        if let Err(target::Error::Download(error)) = &fetched {
            self.keep.set(matches!(**error, download::Error::Unreachable { .. }));
        }
        fetched
    }
}

impl Drop for Downloads {
    fn drop(&mut self) {
        if !self.keep.get() && !process::interrupted() {
            // Nothing can be done about what stays; the next time uses it.
            let _ = fs_err::remove_dir_all(&self.folder);
        }
        if let Some(parent) = self.folder.parent() {
            // Only where it is empty.
            let _ = fs_err::remove_dir(parent);
        }
    }
}
