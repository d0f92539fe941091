//! Streams the files of a package through archive, digests and compressor into a spool.

use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use sha2::{Digest, Sha256};
use tempfile::SpooledTempFile;

use super::compress::Encoder;
use super::digest::{Hashing, hex};
use super::{Error, cpio};
use crate::package::{Content, File, FileKind, Package, PackageKind};
use crate::process;

/// A payload up to this size stays in memory; a larger one goes through a temporary file. Bytes.
const IN_MEMORY: usize = 16 << 20;
const CHUNK: usize = 256 << 10;

/// What a header has to say of a file's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    pub size: u32,
    /// SHA-256 in lower case; empty for what is no regular file.
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
}

impl Payload {
    /// Reads each file once.
    pub(super) fn build(package: &Package) -> Result<Self, Error> {
        let spool = Hashing::new(SpooledTempFile::new(IN_MEMORY));
        let mut out = Hashing::new(Encoder::new(package.profile.packaging.payload, spool)?);
        let time = u32::try_from(package.time).map_err(|_| Error::Time { time: package.time })?;
        let mut records = Vec::with_capacity(package.files.len());
        for (inode, file) in (1..).zip(&package.files) {
            let prefix = if package.kind == PackageKind::Source { "" } else { "." };
            let name = format!("{prefix}{}", file.path);
            records.push(append(&mut out, file, &name, inode, time)?);
        }
        cpio::trailer(&mut out)?;
        let (encoder, archive_digest, archive_size) = out.finish();
        let (data, digest, size) = encoder.finish()?.finish();
        let archive_size = u32::try_from(archive_size)
            .map_err(|_| Error::TooLarge { what: package.nevra(), size: archive_size })?;
        Ok(Payload { data, size, archive_size, digest, archive_digest, records })
    }

    /// The compressed bytes from their start.
    pub(super) fn reader(&mut self) -> Result<&mut SpooledTempFile, Error> {
        self.data.seek(SeekFrom::Start(0))?;
        Ok(&mut self.data)
    }
}

fn append(out: &mut impl Write, file: &File, name: &str, inode: u32, time: u32) -> Result<Record, Error> {
    let mode = file.mode();
    let size_of =
        |size: u64| u32::try_from(size).map_err(|_| Error::TooLarge { what: file.path.clone(), size });
    let mut start = |size: u32| cpio::entry(out, cpio::Entry { name, inode, mode, time, size });
    match &file.kind {
        FileKind::Directory => {
            start(0)?;
            Ok(Record { size: 0, digest: String::new() })
        }
        FileKind::Symlink { target } => {
            let size = size_of(target.len() as u64)?;
            start(size)?;
            out.write_all(target.as_bytes())?;
            cpio::pad(out, u64::from(size))?;
            Ok(Record { size, digest: String::new() })
        }
        FileKind::Regular(Content::Memory(bytes)) => {
            let size = size_of(bytes.len() as u64)?;
            start(size)?;
            let digest = copy(&mut &bytes[..], u64::from(size), out, Path::new(&file.path))?;
            cpio::pad(out, u64::from(size))?;
            Ok(Record { size, digest })
        }
        FileKind::Regular(Content::Disk(path)) => {
            let mut content = fs_err::File::open(path)?;
            let size = size_of(content.metadata()?.len())?;
            start(size)?;
            let digest = copy(&mut content, u64::from(size), out, path)?;
            cpio::pad(out, u64::from(size))?;
            Ok(Record { size, digest })
        }
    }
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
