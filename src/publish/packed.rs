//! Compressed metadata, made of parts that are compressed one by one.
//!
//! RFC 1952 (2.2) lets a gzip file have several members, RFC 8878 (3.1) a zstd file several frames, and every reader takes
//! them for one: Python's gzip in yum, gzread in librepo and libsolv. Where a part begins is decided by the packages in it
//! alone. So a package that comes or goes changes one part, and the others are taken as they lie there.

use std::collections::HashMap;
use std::io::{self, Write};

use serde::{Deserialize, Serialize};

use super::parallel;
use crate::compression::Compression;
use crate::download::{Algorithm, Hasher};
use crate::profile::MetadataCompression;

/// zlib's own default.
const GZIP_LEVEL: u32 = 6;
/// As createrepo_c has it.
const ZSTD_LEVEL: i32 = 10;

/// The lengths of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Part {
    /// Bytes.
    pub packed: usize,
    /// Decompressed, in bytes.
    pub open: usize,
}

/// A file of metadata, compressed.
#[derive(Debug)]
pub(super) struct Packed {
    pub bytes: Vec<u8>,
    pub parts: Vec<Part>,
    /// Lower-case hexadecimal.
    pub sha256: String,
    pub open_sha256: String,
    /// Bytes.
    pub open_size: usize,
}

/// Parts that are compressed already, with their text; by its length and beginning, since to hash all of it takes longer than
/// to compare it with the one or two that have these in common.
pub(super) type Known<'a> = HashMap<(usize, &'a [u8]), (&'a str, &'a [u8])>;

fn key(text: &str) -> (usize, &[u8]) {
    const BEGINNING: usize = 256;
    (text.len(), &text.as_bytes()[..text.len().min(BEGINNING)])
}

/// Splits a compressed file into the parts that it was made of; nothing where it was not.
pub(super) fn known<'a>(bytes: &'a [u8], text: &'a str, parts: &[Part]) -> Known<'a> {
    let mut known = Known::new();
    let (mut packed, mut open) = (bytes, text);
    for part in parts {
        let (Some((first, rest)), Some((begin, more))) =
            (packed.split_at_checked(part.packed), open.split_at_checked(part.open))
        else {
            return Known::new();
        };
        known.insert(key(begin), (begin, first));
        (packed, open) = (rest, more);
    }
    if packed.is_empty() && open.is_empty() { known } else { Known::new() }
}

/// Compresses files that are given in parts.
///
/// # Errors
/// A compressor cannot be made.
pub(super) fn pack(
    files: &[Vec<String>],
    compression: MetadataCompression,
    known: &[Known<'_>],
) -> io::Result<Vec<Packed>> {
    let jobs: Vec<Job<'_>> = files
        .iter()
        .enumerate()
        .flat_map(|(number, parts)| {
            let known = known.get(number);
            let of_part = move |part| match known.and_then(|known| known.get(&key(part))) {
                Some((text, packed)) if *text == part => Job::Known(packed),
                _ => Job::New(part),
            };
            std::iter::once(Job::Sum(parts)).chain(parts.iter().map(String::as_str).map(of_part))
        })
        .collect();
    let mut done = parallel::map(&jobs, |job| job.run(compression)).into_iter();
    let mut packed = Vec::with_capacity(files.len());
    for parts in files {
        let Some(Done::Sum(open_sha256)) = done.next().transpose()? else { break };
        let mut file = Packed {
            bytes: Vec::new(),
            parts: Vec::with_capacity(parts.len()),
            sha256: String::new(),
            open_sha256,
            open_size: 0,
        };
        for (part, result) in parts.iter().zip(done.by_ref()) {
            let bytes = match result? {
                Done::Known(bytes) => file.add(bytes, part.len()),
                Done::New(bytes) => file.add(&bytes, part.len()),
                Done::Sum(_) => 0,
            };
            debug_assert!(bytes > 0, "a part has bytes");
        }
        file.sha256 = sha256(&[&file.bytes]);
        packed.push(file);
    }
    Ok(packed)
}

impl Packed {
    fn add(&mut self, bytes: &[u8], open: usize) -> usize {
        self.bytes.extend_from_slice(bytes);
        self.parts.push(Part { packed: bytes.len(), open });
        self.open_size += open;
        bytes.len()
    }
}

/// What is to be done of a file, one part at a time.
enum Job<'a> {
    Sum(&'a [String]),
    Known(&'a [u8]),
    New(&'a str),
}

enum Done<'a> {
    Sum(String),
    Known(&'a [u8]),
    New(Vec<u8>),
}

impl<'a> Job<'a> {
    fn run(&self, compression: MetadataCompression) -> io::Result<Done<'a>> {
        Ok(match self {
            Job::Sum(parts) => Done::Sum(sha256(&parts.iter().map(String::as_bytes).collect::<Vec<_>>())),
            Job::Known(bytes) => Done::Known(bytes),
            Job::New(part) => Done::New(one(part.as_bytes(), compression)?),
        })
    }
}

fn one(text: &[u8], compression: MetadataCompression) -> io::Result<Vec<u8>> {
    match compression {
        MetadataCompression::Gzip => {
            // Without a time: the same text is the same bytes.
            let level = flate2::Compression::new(GZIP_LEVEL);
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
            encoder.write_all(text)?;
            encoder.finish()
        }
        MetadataCompression::Zstd => zstd::bulk::compress(text, ZSTD_LEVEL),
    }
}

/// How such a file's name ends.
pub(super) fn ending(compression: MetadataCompression) -> &'static str {
    match compression {
        MetadataCompression::Gzip => ".gz",
        MetadataCompression::Zstd => ".zst",
    }
}

/// What a file's name says that it is compressed by.
pub(super) fn compression_of(name: &str) -> Option<MetadataCompression> {
    match Compression::of_extension(name.rfind('.').map_or("", |at| &name[at..]))? {
        Compression::Gzip => Some(MetadataCompression::Gzip),
        Compression::Zstd => Some(MetadataCompression::Zstd),
        _ => None,
    }
}

/// Lower-case hexadecimal.
pub(super) fn sha256(parts: &[&[u8]]) -> String {
    let mut hasher = Hasher::new(Algorithm::Sha256);
    for part in parts {
        hasher.update(part);
    }
    hasher.finish().hex().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    fn open(packed: &Packed) -> String {
        let compression = Compression::of(&packed.bytes).unwrap();
        let mut text = String::new();
        compression.decoder(&packed.bytes[..]).unwrap().read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn parts_are_read_as_one_and_taken_again() {
        let files = vec![vec!["abc".to_owned(), "def".repeat(1000)], vec!["x".to_owned()]];
        for compression in [MetadataCompression::Gzip, MetadataCompression::Zstd] {
            let packed = pack(&files, compression, &[]).unwrap();
            let text = files[0].concat();
            assert_eq!(open(&packed[0]), text);
            assert_eq!(packed[0].open_size, text.len());
            assert_eq!(packed[0].open_sha256, sha256(&[text.as_bytes()]));
            assert_eq!(compression_of(&format!("a.xml{}", ending(compression))), Some(compression));

            let old = known(&packed[0].bytes, &text, &packed[0].parts);
            assert_eq!(old.len(), 2);
            // What is known is not compressed again: other bytes in its place come through.
            let marked: Known<'_> =
                old.iter().map(|(key, (text, _))| (*key, (*text, &b"marked"[..]))).collect();
            let again = pack(&files[..1], compression, &[marked]).unwrap();
            assert_eq!(again[0].bytes, b"markedmarked");
            assert!(known(&packed[0].bytes, "other", &packed[0].parts).is_empty());
            assert!(known(&packed[0].bytes[1..], &text, &packed[0].parts).is_empty());
        }
    }
}
