//! Streams the files of a package through archive, digests and compressor, to where the payload is to be.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::thread;

use tempfile::NamedTempFile;

use super::beside::Beside;
use super::compress::Encoder;
use super::digest::Hashing;
use super::links::{Links, Member};
use super::sha256::Stream;
use super::{Error, cpio};
use crate::hash::hex;
use crate::package::{Content, File, FileKind, Package, PackageKind};
use crate::process;

/// Payloads of less stay in memory until all is known; others go to where they are to be in the package's file, and compressor,
/// digests and disk work beside each other: below, threads cost more than they save. Bytes, before compression.
const LARGE: u64 = 1 << 20;
const CHUNK: usize = 256 << 10;

/// What a header has to say of a file's content.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Record {
    pub size: u32,
    /// SHA-256 in lower case; empty for what is no regular file, and for a ghost.
    pub digest: String,
}

/// What the headers say of a payload.
pub(super) struct Summary {
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

/// A compressed payload.
pub(super) struct Payload {
    pub summary: Summary,
    pub data: Data,
}

/// Where a payload's bytes are.
pub(super) enum Data {
    /// Here.
    Memory(Vec<u8>),
    /// In the package's own file, which goes with the value until it is given its name.
    File {
        file: NamedTempFile,
        /// Where they begin; what comes before is not written yet.
        start: u64,
    },
}

impl Payload {
    /// Reads each file once. A large one goes into a file that `place` opens, and begins where that says.
    pub(super) fn build(
        package: &Package,
        place: impl FnOnce(&Summary) -> Result<(NamedTempFile, u64), Error>,
    ) -> Result<Self, Error> {
        let links = Links::new(&package.files)?;
        let compression = package.profile.packaging.payload;
        if size_of_files(package)? < LARGE {
            let mut out = Hashing::new(Encoder::new(compression, Hashing::new(Vec::new()))?);
            let records = archive(package, &links, &mut out)?;
            let (encoder, digest, size) = out.finish();
            let (bytes, summary) = Summary::new(package, links, records, (digest, size), encoder.finish()?)?;
            return Ok(Payload { summary, data: Data::Memory(bytes) });
        }
        let planned = Summary::planned(package, links);
        let (file, start) = place(&planned)?;
        let written = |source| Error::Write { path: file.path().to_owned(), source };
        let mut end = file.as_file();
        end.seek(SeekFrom::Start(start)).map_err(written)?;
        let (_, summary) = thread::scope(|scope| -> Result<_, Error> {
            // Three threads: files are read, they and the archive are hashed; it is compressed, which takes longest; that is
            // hashed and written.
            let encoder = Encoder::new(compression, Beside::new(scope, Hashing::new(end)))?;
            let mut out = Hashing::new(Beside::new(scope, encoder));
            let records = archive(package, &planned.links, &mut out);
            let (out, digest, size) = out.finish();
            // What went wrong there is the reason for what went wrong here.
            let encoder = out.finish().map_err(written)?;
            let compressed = encoder.finish().and_then(Beside::finish).map_err(written)?;
            Summary::new(package, planned.links, records?, (digest, size), compressed)
        })?;
        Ok(Payload { summary, data: Data::File { file, start } })
    }
}

impl Data {
    /// The compressed bytes from their start.
    pub(super) fn reader(&self) -> io::Result<Box<dyn Read + '_>> {
        Ok(match self {
            Data::Memory(bytes) => Box::new(&bytes[..]),
            Data::File { file, start } => {
                let mut file = file.as_file();
                file.seek(SeekFrom::Start(*start))?;
                Box::new(file)
            }
        })
    }
}

impl Summary {
    fn new<W: Write>(
        package: &Package,
        links: Links,
        records: Vec<Record>,
        (archive_digest, archive_size): (String, u64),
        compressed: Hashing<W>,
    ) -> Result<(W, Self), Error> {
        let (out, digest, size) = compressed.finish();
        let archive_size = u32::try_from(archive_size)
            .map_err(|_| Error::TooLarge { what: package.nevra(), size: archive_size })?;
        Ok((out, Summary { size, archive_size, digest, archive_digest, records, links }))
    }

    /// One that takes as much room in a header as the real one will: sizes and digests are of one length each.
    fn planned(package: &Package, links: Links) -> Self {
        let digest = hex(&[0; 32]);
        let record = |file: &File| {
            let hashed = matches!(file.kind, FileKind::Regular(_) | FileKind::HardLink { .. });
            Record {
                size: 0,
                digest: if hashed && !file.is_ghost() { digest.clone() } else { String::new() },
            }
        };
        let records = package.files.iter().map(record).collect();
        Summary { size: 0, archive_size: 0, archive_digest: digest.clone(), records, links, digest }
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
fn archive<W: Write>(package: &Package, links: &Links, out: &mut Hashing<W>) -> Result<Vec<Record>, Error> {
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
    out: &mut Hashing<W>,
    file: &File,
    start: &mut dyn FnMut(&mut Hashing<W>, u32) -> io::Result<()>,
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
fn copy<W: Write>(
    content: &mut dyn Read,
    size: u64,
    out: &mut Hashing<W>,
    path: &Path,
) -> Result<String, Error> {
    let mut hash = Stream::new();
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
        out.write_for_both(&buffer[..read], &mut hash)?;
    }
    if left > 0 {
        return Err(Error::Changed { path: path.to_owned() });
    }
    Ok(hash.finish())
}
