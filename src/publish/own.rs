//! Metadata that modgraft has written, read back.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use memchr::memmem;

use super::current::{REPODATA, file_name, read};
use super::entry::Entry;
use super::packed::{self, Known, Part};
use super::piece::Piece;
use super::state::State;
use super::{KINDS, parallel};
use crate::profile::MetadataCompression;
use crate::repository::metadata;
use crate::repository::repomd::Record;

/// What modgraft has written.
#[derive(Debug)]
pub(super) struct Own {
    pub state: State,
    pub entries: Vec<Arc<Entry>>,
    files: Vec<Known>,
    compression: MetadataCompression,
}

impl Own {
    /// Reads it, in pieces of as few texts as files.
    ///
    /// # Errors
    /// In words: it is not what modgraft wrote.
    pub fn read(folder: &Path, records: &[Record], state: State) -> Result<Own, String> {
        let mut names = Vec::with_capacity(KINDS.len());
        let mut files: Vec<(Vec<u8>, &[Part])> = Vec::with_capacity(KINDS.len());
        for (kind, parts) in KINDS.iter().zip(&state.parts) {
            let missing = || format!("the file of {kind} is missing");
            let record = records.iter().find(|record| record.kind == *kind).ok_or_else(missing)?;
            let name = file_name(record).ok_or_else(missing)?;
            let size = record.size.unwrap_or(0).min(metadata::FILELISTS.packed);
            let bytes = read(&folder.join(REPODATA).join(name), size).map_err(|error| error.to_string())?;
            if packed::sha256([&bytes[..]]) != record.digest.hex() {
                return Err(format!("the sum of the file of {kind} does not hold"));
            }
            files.push((bytes, parts));
            names.push(name);
        }
        let [first, ..] = names[..] else { return Err("it has no files".to_owned()) };
        let compression = packed::compression_of(first).ok_or("it is compressed otherwise")?;
        // What has our own sum is what we have written, but the bound costs nothing.
        let files = packed::open(files, metadata::FILELISTS.open)?;
        let entries = entries(&files)?;
        Ok(Own { state, entries, files, compression })
    }

    /// Primary, filelists and other, where they are compressed as they are to be.
    pub fn known(&self, compression: MetadataCompression) -> &[Known] {
        if compression == self.compression { &self.files } else { &[] }
    }
}

/// The packages that the three files tell of.
fn entries(files: &[Known]) -> Result<Vec<Arc<Entry>>, String> {
    const DIFFER: &str = "its files do not tell of the same packages";
    /// So many at once: each takes microseconds.
    const CHUNK: usize = 64;
    let [primary, filelists, other] = files else { return Err(DIFFER.to_owned()) };
    let fragments = parallel::map([primary, filelists, other], |file| fragments(&file.text));
    let [one, two, three] = &fragments[..] else { return Err(DIFFER.to_owned()) };
    if one.len() != two.len() || one.len() != three.len() {
        return Err(DIFFER.to_owned());
    }
    let numbers: Vec<usize> = (0..one.len()).collect();
    let entry = |number: usize| {
        let piece = |file: &Known, ranges: &[Range<usize>]| Piece::of(&file.text, ranges[number].clone());
        let pieces = piece(primary, one).zip(piece(filelists, two)).zip(piece(other, three));
        let ((one, two), three) = pieces.ok_or(DIFFER)?;
        Entry::read([one, two, three]).map(Arc::new)
    };
    let read = parallel::map(numbers.chunks(CHUNK), |chunk| {
        chunk.iter().map(|number| entry(*number)).collect::<Result<Vec<_>, String>>()
    });
    Ok(read.into_iter().collect::<Result<Vec<_>, String>>()?.concat())
}

/// Where the packages stand in metadata that modgraft has written, where neither of the two can stand in a text.
fn fragments(text: &str) -> Vec<Range<usize>> {
    const END: &str = "</package>\n";
    let Some(mut start) = memmem::find(text.as_bytes(), b"<package ") else { return Vec::new() };
    let ends = memmem::find_iter(text.as_bytes(), END.as_bytes()).map(|at| at + END.len());
    ends.map(|end| std::mem::replace(&mut start, end)..end).collect()
}
