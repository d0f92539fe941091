//! A file of metadata: fetched, decompressed as it is read, and checked to be what repomd.xml says in both forms.

use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use super::repomd::Record;
use crate::compression::Compression;
use crate::download::{Digest, Hasher};

/// What a file may at most have, in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// As it lies there.
    pub packed: u64,
    /// Decompressed.
    pub open: u64,
}

/// Of primary.xml. Fedora's and openSUSE's have some 200 MB, decompressed.
pub(crate) const PRIMARY: Limits = Limits { packed: 256 << 20, open: 1 << 30 };
/// Of filelists.xml, which is four times as long.
pub(crate) const FILELISTS: Limits = Limits { packed: 1 << 30, open: 4 << 30 };

/// Reads the file at `path` with `parse`, which reads it to its end, and checks what it has read.
///
/// # Errors
/// In words, after the file's name. What `parse` finds wrong comes first, unless the file is too long.
pub(crate) fn read<T, E: From<String>>(
    path: &Path,
    record: &Record,
    limits: Limits,
    parse: impl FnOnce(&mut dyn BufRead) -> Result<T, E>,
) -> Result<T, E> {
    let stated = record.open_size.unwrap_or(limits.open);
    if stated > limits.open {
        return Err(E::from(format!(
            "it has {stated} bytes, and {} are the most that are read",
            limits.open
        )));
    }
    let unreadable = |error: io::Error| E::from(format!("it cannot be read: {}", one_line(&error)));
    let mut file = BufReader::with_capacity(256 << 10, fs_err::File::open(path).map_err(unreadable)?);
    let start = file.fill_buf().map_err(unreadable)?;
    let input: Box<dyn Read> = match Compression::of(start) {
        Some(compression) => compression.decoder(file).map_err(unreadable)?,
        None => Box::new(file),
    };
    let hasher = record.open_digest.as_ref().map(|digest| Hasher::new(digest.algorithm));
    let counted = Counted { input, hasher, count: 0, limit: stated, over: false };
    let mut buffered = BufReader::with_capacity(256 << 10, counted);
    let parsed = parse(&mut buffered);
    let counted = buffered.into_inner();
    if counted.over {
        return Err(E::from(format!("decompressed, it has more than the {stated} bytes that it may have")));
    }
    let parsed = parsed?;
    if let Some(size) = record.open_size.filter(|size| *size != counted.count) {
        return Err(E::from(format!("decompressed, it has {} bytes, and should have {size}", counted.count)));
    }
    match (&record.open_digest, counted.hasher.map(Hasher::finish)) {
        (Some(stated), Some(found)) if *stated != found => Err(E::from(differs(stated, &found))),
        _ => Ok(parsed),
    }
}

fn differs(stated: &Digest, found: &Digest) -> String {
    format!("decompressed, it is not what it should be\n  expected {stated}\n  found    {found}")
}

fn one_line(error: &dyn std::fmt::Display) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

/// Counts and hashes what passes, and ends where there is more than may be.
struct Counted<'a> {
    input: Box<dyn Read + 'a>,
    hasher: Option<Hasher>,
    count: u64,
    limit: u64,
    over: bool,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        self.count += read as u64;
        if self.count > self.limit {
            self.over = true;
            return Err(io::Error::new(io::ErrorKind::InvalidData, "it is longer than it may be"));
        }
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&buffer[..read]);
        }
        Ok(read)
    }
}
