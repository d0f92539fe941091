//! Compressed metadata, made of parts that are compressed one by one.
//!
//! RFC 1952 (2.2) lets a gzip file have several members, RFC 8878 (3.1) a zstd file several frames, and every reader takes
//! them for one: Python's gzip in yum, gzread in librepo and libsolv. Where a part begins is decided by the packages in it
//! alone. So a package that comes or goes changes one part, and the others are taken as they lie there.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::parallel;
use super::piece::Rope;
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

/// A file that was made before, with what it is decompressed.
#[derive(Debug)]
pub(super) struct Known {
    pub text: Arc<String>,
    bytes: Vec<u8>,
    /// Where a part of the text begins: where it ends, and where it is in the bytes.
    parts: HashMap<usize, (usize, Range<usize>)>,
}

impl Known {
    /// The compressed form of a text that is one of its parts. Who has a piece of its text has not changed that.
    fn packed(&self, rope: &Rope) -> Option<&[u8]> {
        let place = rope.single()?.place_in(&self.text)?;
        let (end, packed) = self.parts.get(&place.start)?;
        (*end == place.end).then(|| &self.bytes[packed.clone()])
    }
}

/// Decompresses files of which it is known what parts they were made of, and that they have at most `limit` bytes then.
///
/// # Errors
/// In words: they were not made of these.
pub(super) fn open(files: Vec<(Vec<u8>, &[Part])>, limit: u64) -> Result<Vec<Known>, String> {
    let mut texts = Vec::with_capacity(files.len());
    let mut places = Vec::with_capacity(files.len());
    for (bytes, parts) in &files {
        let mut ends = (0_usize, 0_usize);
        let mut known = HashMap::with_capacity(parts.len());
        for part in *parts {
            let start = ends;
            ends = start.0.checked_add(part.packed).zip(start.1.checked_add(part.open)).ok_or(OTHERWISE)?;
            known.insert(start.1, (ends.1, start.0..ends.0));
        }
        if ends.0 != bytes.len() || ends.1 as u64 > limit {
            return Err(OTHERWISE.to_owned());
        }
        texts.push(vec![0; ends.1]);
        places.push(known);
    }
    let mut jobs = Vec::new();
    for ((bytes, parts), text) in files.iter().zip(&mut texts) {
        let (mut packed, mut open) = (&bytes[..], &mut text[..]);
        for part in *parts {
            let (first, rest) = packed.split_at(part.packed);
            let (begin, more) = open.split_at_mut(part.open);
            jobs.push((first, begin));
            (packed, open) = (rest, more);
        }
    }
    let unpacked = parallel::map(jobs, |(packed, text)| unpack(packed, text));
    unpacked.into_iter().collect::<io::Result<()>>().map_err(|error| error.to_string())?;
    let known = files.into_iter().zip(texts).zip(places).map(|(((bytes, _), text), parts)| {
        let text = String::from_utf8(text).map_err(|error| error.to_string())?;
        Ok(Known { text: Arc::new(text), bytes, parts })
    });
    known.collect()
}

const OTHERWISE: &str = "it is not made of the parts that are noted";

/// Decompresses a part into what it has to fill.
fn unpack(packed: &[u8], text: &mut [u8]) -> io::Result<()> {
    let compression = Compression::of(packed).ok_or_else(|| io::Error::other(OTHERWISE))?;
    let mut decoder = compression.decoder(packed)?;
    decoder.read_exact(text)?;
    match decoder.read(&mut [0])? {
        0 => Ok(()),
        _ => Err(io::Error::other(OTHERWISE)),
    }
}

/// Compresses files that are given in parts, but for the parts that are `known` of each.
///
/// # Errors
/// A compressor cannot be made.
pub(super) fn pack(
    files: &[Vec<Rope>],
    compression: MetadataCompression,
    known: &[Known],
) -> io::Result<Vec<Packed>> {
    let jobs: Vec<Job<'_>> = files
        .iter()
        .enumerate()
        .flat_map(|(number, parts)| {
            let known = known.get(number);
            let of_part = move |part| match known.and_then(|known| known.packed(part)) {
                Some(packed) => Job::Known(packed),
                None => Job::New(part),
            };
            std::iter::once(Job::Sum(parts)).chain(parts.iter().map(of_part))
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
        file.sha256 = sha256([&file.bytes[..]]);
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
    Sum(&'a [Rope]),
    Known(&'a [u8]),
    New(&'a Rope),
}

enum Done<'a> {
    Sum(String),
    Known(&'a [u8]),
    New(Vec<u8>),
}

impl<'a> Job<'a> {
    fn run(&self, compression: MetadataCompression) -> io::Result<Done<'a>> {
        Ok(match self {
            Job::Sum(parts) => Done::Sum(sha256(parts.iter().flat_map(Rope::pieces).map(str::as_bytes))),
            Job::Known(bytes) => Done::Known(bytes),
            Job::New(part) => Done::New(one(&part.pieces().collect::<String>(), compression)?),
        })
    }
}

fn one(text: &str, compression: MetadataCompression) -> io::Result<Vec<u8>> {
    match compression {
        MetadataCompression::Gzip => {
            // Without a time: the same text is the same bytes.
            let level = flate2::Compression::new(GZIP_LEVEL);
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
            encoder.write_all(text.as_bytes())?;
            encoder.finish()
        }
        MetadataCompression::Zstd => zstd::bulk::compress(text.as_bytes(), ZSTD_LEVEL),
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
pub(super) fn sha256<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hasher = Hasher::new(Algorithm::Sha256);
    for part in parts {
        hasher.update(part);
    }
    hasher.finish().hex().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::publish::piece::Piece;

    #[test]
    fn parts_are_read_as_one_and_taken_again() {
        for compression in [MetadataCompression::Gzip, MetadataCompression::Zstd] {
            let texts = ["abc".to_owned(), "def".repeat(1000)];
            let file: Vec<Rope> = texts.iter().cloned().map(Rope::from).collect();
            let packed = pack(&[file, vec!["x".to_owned().into()]], compression, &[]).unwrap().remove(0);
            let text = texts.concat();
            let mut read = String::new();
            let found = Compression::of(&packed.bytes).unwrap();
            found.decoder(&packed.bytes[..]).unwrap().read_to_string(&mut read).unwrap();
            assert_eq!(read, text);
            assert_eq!(packed.open_size, text.len());
            assert_eq!(packed.open_sha256, sha256([text.as_bytes()]));
            assert_eq!(compression_of(&format!("a.xml{}", ending(compression))), Some(compression));

            let mut known = open(vec![(packed.bytes.clone(), &packed.parts)], 4000).unwrap().remove(0);
            assert_eq!(*known.text, text);
            // What is known is not compressed again: other bytes in its place come through.
            known.bytes.fill(b'!');
            let rope = |range| {
                let mut rope = Rope::default();
                rope.push(Piece::of(&known.text, range).unwrap());
                rope
            };
            let again =
                |rope| pack(&[vec![rope]], compression, std::slice::from_ref(&known)).unwrap().remove(0);
            let taken = |rope| again(rope).bytes.iter().all(|byte| *byte == b'!');
            assert!(taken(rope(0..3)) && taken(rope(3..text.len())));
            // Neither a part of a part, nor two of them, nor the same letters from elsewhere.
            assert!(!taken(rope(0..2)) && !taken(rope(0..text.len())) && !taken("abc".to_owned().into()));
        }
    }

    #[test]
    fn what_was_made_otherwise_is_refused() {
        let packed =
            pack(&[vec!["abc".to_owned().into()]], MetadataCompression::Gzip, &[]).unwrap().remove(0);
        let bytes = &packed.bytes;
        let [part] = packed.parts[..] else { panic!("one part") };
        for (bytes, part) in [
            (bytes[1..].to_vec(), part),
            (bytes.clone(), Part { open: 2, ..part }),
            (bytes.clone(), Part { open: 4, ..part }),
            (bytes.clone(), Part { packed: usize::MAX, ..part }),
            (bytes.clone(), Part { open: 1 << 60, ..part }),
            (vec![0; bytes.len()], part),
        ] {
            assert!(open(vec![(bytes, &[part])], 1000).is_err(), "{part:?}");
        }
        assert!(open(vec![(bytes.clone(), &[part, part])], 1000).is_err());
        assert!(open(vec![(bytes.clone(), &[part])], 2).is_err());
        assert!(open(vec![(bytes.clone(), &[part])], 3).is_ok());
    }
}
