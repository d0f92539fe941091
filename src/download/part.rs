//! A file that is being received, beside its place. Held by one process at a time.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use fs_err::File;

use super::digest::{Algorithm, Digest, Hasher};
use super::{Download, Error, Fetched};
use crate::locking;

/// What the name of an unfinished file ends with.
const ENDING: &str = ".part";

/// An unfinished file. Dropping it leaves it for a later run, see [`Part::remove`].
pub(super) struct Part {
    path: PathBuf,
    file: File,
    /// Bytes that are here.
    pub length: u64,
    sha256: Hasher,
    /// The digest that was asked for, where it is another one.
    other: Option<Hasher>,
    algorithm: Option<Algorithm>,
}

impl Part {
    /// Opens what is there or makes it, and waits for another process that holds it. What is there is kept only where the
    /// whole file's digest is known, since only that can tell later whether both halves are of one file.
    pub fn open(download: &Download, stopped: &dyn Fn() -> bool) -> Result<Part, Error> {
        if let Some(folder) = download.to.parent() {
            fs_err::create_dir_all(folder)?;
        }
        let mut path = download.to.clone().into_os_string();
        path.push(ENDING);
        let path = PathBuf::from(path);
        let file = loop {
            let file = File::options().read(true).write(true).create(true).truncate(false).open(&path)?;
            lock(&file, stopped)?;
            // Who held it may have renamed or removed it meanwhile.
            if fs_err::metadata(&path).is_ok_and(|found| same(&found, &file)) {
                break file;
            }
        };
        let algorithm = download.digest.as_ref().map(|digest| digest.algorithm);
        let mut part =
            Part { path, file, length: 0, sha256: Hasher::new(Algorithm::Sha256), other: None, algorithm };
        part.restart_hashes();
        let limit = download.size.unwrap_or(download.limit);
        let left = part.file.metadata()?.len();
        if algorithm.is_none() || left > limit {
            part.restart()?;
        } else {
            part.read_again()?;
        }
        Ok(part)
    }

    fn restart_hashes(&mut self) {
        self.sha256 = Hasher::new(Algorithm::Sha256);
        self.other = self.algorithm.filter(|kind| *kind != Algorithm::Sha256).map(Hasher::new);
    }

    /// Begins anew.
    pub fn restart(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.length = 0;
        self.restart_hashes();
        Ok(())
    }

    fn read_again(&mut self) -> io::Result<()> {
        let mut buffer = vec![0; 256 << 10];
        loop {
            let read = self.file.read(&mut buffer)?;
            if read == 0 {
                return Ok(());
            }
            self.hash(&buffer[..read]);
        }
    }

    fn hash(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        if let Some(other) = &mut self.other {
            other.update(bytes);
        }
        self.length += bytes.len() as u64;
    }

    /// Appends.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.hash(bytes);
        Ok(())
    }

    /// The digest so far, by the algorithm that was asked for.
    pub fn digest(&self) -> Digest {
        self.other.clone().unwrap_or_else(|| self.sha256.clone()).finish()
    }

    /// Puts the file into its place.
    pub fn finish(self, to: &Path) -> Result<Fetched, Error> {
        self.file.sync_all()?;
        fs_err::rename(&self.path, to)?;
        Ok(Fetched {
            path: to.to_owned(),
            size: self.length,
            sha256: self.sha256.finish().hex().to_owned(),
            fresh: true,
        })
    }

    /// Leaves nothing behind.
    pub fn remove(self) {
        // What cannot be removed is overwritten by the next run.
        let _ = fs_err::remove_file(&self.path);
    }
}

fn same(found: &std::fs::Metadata, file: &File) -> bool {
    file.metadata().is_ok_and(|held| (held.dev(), held.ino()) == (found.dev(), found.ino()))
}

fn lock(file: &File, stopped: &dyn Fn() -> bool) -> Result<(), Error> {
    let stop = |_| if stopped() { Err(Error::Interrupted) } else { Ok(()) };
    locking::wait(|| file.file().try_lock(), stop)
}

/// The file in its place, where it is the wanted one.
pub(super) fn present(download: &Download) -> Result<Option<Fetched>, Error> {
    let Some(wanted) = &download.digest else { return Ok(None) };
    let Ok(found) = fs_err::metadata(&download.to) else { return Ok(None) };
    let size = found.len();
    if !found.is_file() || size > download.limit || download.size.is_some_and(|wanted| wanted != size) {
        return Ok(None);
    }
    let mut file = File::open(&download.to)?;
    let mut hashers = vec![Hasher::new(Algorithm::Sha256)];
    if wanted.algorithm != Algorithm::Sha256 {
        hashers.push(Hasher::new(wanted.algorithm));
    }
    let mut buffer = vec![0; 256 << 10];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        hashers.iter_mut().for_each(|hasher| hasher.update(&buffer[..read]));
    }
    let digests: Vec<Digest> = hashers.into_iter().map(Hasher::finish).collect();
    let sha256 = digests[0].hex().to_owned();
    let good = digests.contains(wanted);
    Ok(good.then(|| Fetched { path: download.to.clone(), size, sha256, fresh: false }))
}
