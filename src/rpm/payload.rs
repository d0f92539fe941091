//! Streams the files of a package through archive, digests and compressor into a spool.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::thread;

use sha2::{Digest, Sha256};
use tempfile::SpooledTempFile;

use super::beside::Beside;
use super::compress::Encoder;
use super::digest::{Hashing, hex};
use super::links::{Links, Member};
use super::{Error, cpio};
use crate::package::{Content, File, FileKind, Package, PackageKind};
use crate::process;

/// A payload up to this size stays in memory; a larger one goes through a temporary file. Bytes.
const IN_MEMORY: usize = 16 << 20;
/// From this size on, compressor and digests run beside each other: below, threads cost more than they save. Bytes.
const LARGE: u64 = 1 << 20;
const CHUNK: usize = 256 << 10;

/// What a header has to say of a file's content.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Record {
    pub size: u32,
    /// SHA-256 in lower case; empty for what is no regular file, and for a ghost.
    pub digest: String,
}

/// A compressed payload, and what the headers say of it.
pub(super) struct Payload {
    data: SpooledTempFile,
    /// Compressed.
    pub size: u64,
    /// Of the archive.
    pub archive_size: u32,
    /// SHA-256, compressed.
    pub digest: String,
    /// SHA-256, of the archive.
    pub archive_digest: String,
    /// In the order of the package's files.
    pub records: Vec<Record>,
    /// Of the package's files.
    pub links: Links,
}

impl Payload {
    /// Reads each file once. Memory does not grow with the files.
    pub(super) fn build(package: &Package) -> Result<Self, Error> {
        let links = Links::new(&package.files)?;
        let compression = package.profile.packaging.payload;
        let spool = Hashing::new(SpooledTempFile::new(IN_MEMORY));
        let (spool, archive) = if size_of_files(package)? < LARGE {
            let mut out = Hashing::new(Encoder::new(compression, spool)?);
            let records = archive(package, &links, &mut out)?;
            let (encoder, digest, size) = out.finish();
            (encoder.finish()?, (records, digest, size))
        } else {
            thread::scope(|scope| -> Result<_, Error> {
                let encoder = Encoder::new(compression, Beside::new(scope, spool))?;
                let mut out = Hashing::new(Beside::new(scope, encoder));
                let records = archive(package, &links, &mut out);
                let (encoder, digest, size) = out.finish();
                // What went wrong there is the reason for what went wrong here.
                let spool = encoder.finish()?.finish()?.finish()?;
                Ok((spool, (records?, digest, size)))
            })?
        };
        let (data, digest, size) = spool.finish();
        let (records, archive_digest, archive_size) = archive;
        let archive_size = u32::try_from(archive_size)
            .map_err(|_| Error::TooLarge { what: package.nevra(), size: archive_size })?;
        Ok(Payload { data, size, archive_size, digest, archive_digest, records, links })
    }

    /// The compressed bytes from their start.
    pub(super) fn reader(&mut self) -> Result<&mut SpooledTempFile, Error> {
        self.data.seek(SeekFrom::Start(0))?;
        Ok(&mut self.data)
    }

    /// What the files take once they are installed: each once, however many names it has. Bytes.
    pub(super) fn installed_size(&self) -> u64 {
        let sizes = self.records.iter().enumerate().filter(|(number, _)| self.links.is_first(*number));
        sizes.map(|(_, record)| u64::from(record.size)).sum()
    }
}

fn size_of_files(package: &Package) -> Result<u64, Error> {
    let mut size = 0;
    for file in &package.files {
        size += content_size(file)?;
    }
    Ok(size)
}

/// Of what a file has in the archive, in bytes.
fn content_size(file: &File) -> Result<u64, Error> {
    Ok(match &file.kind {
        FileKind::Regular(Content::Memory(bytes)) => bytes.len() as u64,
        FileKind::Regular(Content::Disk(path)) => fs_err::metadata(path)?.len(),
        FileKind::Symlink { target } => target.len() as u64,
        FileKind::Directory | FileKind::HardLink { .. } => 0,
    })
}

/// Writes the archive, and returns what it has of each file.
fn archive(package: &Package, links: &Links, out: &mut impl Write) -> Result<Vec<Record>, Error> {
    let files = &package.files;
    let time = u32::try_from(package.time).map_err(|_| Error::Time { time: package.time })?;
    let prefix = if package.kind == PackageKind::Source { "" } else { "." };
    let mut records = vec![Record::default(); files.len()];
    for ghost in (0..files.len()).filter(|number| files[*number].is_ghost()) {
        records[ghost].size = fitting(&files[ghost], content_size(&files[ghost])?)?;
    }
    for member in links.members(files) {
        let Member { file: number, content, links: count } = member;
        let file = &files[number];
        let name = format!("{prefix}{}", file.path);
        let mut start = |out: &mut _, size| {
            let (inode, mode) = (links.inode(number), file.mode());
            cpio::entry(out, cpio::Entry { name: &name, inode, mode, links: count, time, size })
        };
        match content {
            Some(content) => records[content] = append(out, &files[content], &mut start)?,
            None => start(out, 0)?,
        }
    }
    cpio::trailer(out)?;
    links.share(&mut records);
    Ok(records)
}

fn fitting(file: &File, size: u64) -> Result<u32, Error> {
    u32::try_from(size).map_err(|_| Error::TooLarge { what: file.path.clone(), size })
}

/// Writes an entry, which `start` begins, and its content.
fn append<W: Write>(
    out: &mut W,
    file: &File,
    start: &mut dyn FnMut(&mut W, u32) -> io::Result<()>,
) -> Result<Record, Error> {
    let (size, digest) = match &file.kind {
        FileKind::Directory | FileKind::HardLink { .. } => {
            start(out, 0)?;
            (0, String::new())
        }
        FileKind::Symlink { target } => {
            let size = fitting(file, target.len() as u64)?;
            start(out, size)?;
            out.write_all(target.as_bytes())?;
            (size, String::new())
        }
        FileKind::Regular(Content::Memory(bytes)) => {
            let size = fitting(file, bytes.len() as u64)?;
            start(out, size)?;
            (size, copy(&mut &bytes[..], u64::from(size), out, Path::new(&file.path))?)
        }
        FileKind::Regular(Content::Disk(path)) => {
            let mut content = fs_err::File::open(path)?;
            let size = fitting(file, content.metadata()?.len())?;
            start(out, size)?;
            (size, copy(&mut content, u64::from(size), out, path)?)
        }
    };
    cpio::pad(out, u64::from(size))?;
    Ok(Record { size, digest })
}

/// Copies exactly `size` bytes, and returns their SHA-256.
fn copy(content: &mut dyn Read, size: u64, out: &mut impl Write, path: &Path) -> Result<String, Error> {
    let mut hash = Sha256::new();
    let mut left = size;
    let mut buffer = vec![0; CHUNK.min(size as usize + 1)];
    loop {
        if process::interrupted() {
            return Err(Error::Interrupted);
        }
        let read = content.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        left = left.checked_sub(read as u64).ok_or_else(|| Error::Changed { path: path.to_owned() })?;
        hash.update(&buffer[..read]);
        out.write_all(&buffer[..read])?;
    }
    if left > 0 {
        return Err(Error::Changed { path: path.to_owned() });
    }
    Ok(hex(&hash.finalize()))
}
