//! Compressed metadata, made of parts that are compressed one by one.
//!
//! RFC 1952 (2.2) lets a gzip file have several members, RFC 8878 (3.1) a zstd file several frames, and every reader takes
//! them for one: Python's gzip in yum, gzread in librepo and libsolv. Where a part begins is decided by the packages in it
//! alone. So a package that comes or goes changes one part, and the others are taken as they lie there.

use std::cell::RefCell;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use flate2::{Compress, Crc, Decompress, FlushCompress, FlushDecompress, Status};
use serde::{Deserialize, Serialize};

use super::piece::{Before, Rope, Text};
use crate::compression::Compression;
use crate::download::{Algorithm, Hasher};
use crate::hash::sha256;
use crate::parallel;
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

/// A file that was made before, and what parts it was made of.
#[derive(Debug)]
pub(super) struct Made {
    bytes: Arc<Vec<u8>>,
    compression: MetadataCompression,
    /// Where each is, and its length when it is decompressed.
    parts: Vec<(Range<usize>, usize)>,
}

impl Made {
    /// `limit` is how many bytes they have at most when they are decompressed.
    ///
    /// # Errors
    /// In words: it was not made of these.
    pub fn new(
        bytes: Vec<u8>,
        compression: MetadataCompression,
        parts: &[Part],
        limit: u64,
    ) -> Result<Made, String> {
        let mut ends = (0_usize, 0_usize);
        let mut places = Vec::with_capacity(parts.len());
        for part in parts {
            let start = ends.0;
            ends = start.checked_add(part.packed).zip(ends.1.checked_add(part.open)).ok_or(OTHERWISE)?;
            places.push((start..ends.0, part.open));
        }
        if ends.0 != bytes.len() || ends.1 as u64 > limit {
            return Err(OTHERWISE.to_owned());
        }
        Ok(Made { bytes: Arc::new(bytes), compression, parts: places })
    }

    /// How many parts it has.
    pub fn parts(&self) -> usize {
        self.parts.len()
    }

    /// Of the file, lower-case hexadecimal.
    pub fn sha256(&self) -> String {
        sha256(&self.bytes)
    }

    /// Decompresses a part.
    ///
    /// # Errors
    /// In words: it is not what was made.
    pub fn open(&self, number: usize) -> Result<Arc<Text>, String> {
        let (range, length) = self.parts.get(number).ok_or(OTHERWISE)?;
        let text = unpack(&self.bytes[range.clone()], *length, self.compression)
            .map_err(|error| error.to_string())?;
        let text = String::from_utf8(text).map_err(|error| error.to_string())?;
        let before =
            Before { compression: self.compression, file: Arc::clone(&self.bytes), range: range.clone() };
        Ok(Arc::new(Text::new(text, Some(before))))
    }
}

const OTHERWISE: &str = "it is not made of the parts that are noted";

/// Decompresses what has exactly `length` bytes then.
fn unpack(packed: &[u8], length: usize, compression: MetadataCompression) -> io::Result<Vec<u8>> {
    let text = match compression {
        MetadataCompression::Gzip => inflate(packed, length)?,
        MetadataCompression::Zstd => zstd::bulk::decompress(packed, length)?,
    };
    if text.len() == length { Ok(text) } else { Err(io::Error::other(OTHERWISE)) }
}

/// Decompresses a gzip member that [`one`] has made. Its own check sum is passed over: that of the whole file is a better one.
fn inflate(packed: &[u8], length: usize) -> io::Result<Vec<u8>> {
    /// RFC 1952, 2.3: magic number, deflate, and no flag that brings a field of its own.
    const BEGIN: [u8; 4] = [0x1f, 0x8b, 8, 0];
    const HEADER: usize = 10;
    const TRAILER: usize = 8;
    let otherwise = || io::Error::other(OTHERWISE);
    let end = packed.len().checked_sub(TRAILER).filter(|end| *end >= HEADER).ok_or_else(otherwise)?;
    if !packed.starts_with(&BEGIN) {
        return Err(otherwise());
    }
    let deflated = &packed[HEADER..end];
    // To make one takes as long as a part does.
    thread_local! {
        static INFLATER: RefCell<Decompress> = RefCell::new(Decompress::new(false));
    }
    INFLATER.with_borrow_mut(|inflater| {
        inflater.reset(false);
        // One more than there are shows that there are more.
        let mut text = Vec::with_capacity(length.checked_add(1).ok_or_else(otherwise)?);
        let status = inflater.decompress_vec(deflated, &mut text, FlushDecompress::Finish)?;
        let whole = status == Status::StreamEnd && inflater.total_in() == deflated.len() as u64;
        if whole { Ok(text) } else { Err(otherwise()) }
    })
}

/// Compresses files that are given in parts, but for the parts of which it is known what they become.
///
/// # Errors
/// A compressor cannot be made.
pub(super) fn pack(files: &[Vec<Rope>], compression: MetadataCompression) -> io::Result<Vec<Packed>> {
    let of_part = |part| match Rope::before(part, compression) {
        Some(packed) => Job::Known(packed),
        None => Job::New(part),
    };
    let jobs: Vec<Job<'_>> = files
        .iter()
        .flat_map(|parts| std::iter::once(Job::Sum(parts)).chain(parts.iter().map(of_part)))
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
        file.sha256 = sha256(&file.bytes);
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
            Job::Sum(parts) => {
                let mut hasher = Hasher::new(Algorithm::Sha256);
                parts.iter().flat_map(Rope::pieces).for_each(|piece| hasher.update(piece.as_bytes()));
                Done::Sum(hasher.finish().hex().to_owned())
            }
            Job::Known(bytes) => Done::Known(bytes),
            Job::New(part) => Done::New(one(&part.pieces().collect::<String>(), compression)?),
        })
    }
}

fn one(text: &str, compression: MetadataCompression) -> io::Result<Vec<u8>> {
    match compression {
        MetadataCompression::Gzip => deflate(text.as_bytes()),
        MetadataCompression::Zstd => zstd::bulk::compress(text.as_bytes(), ZSTD_LEVEL),
    }
}

/// A gzip member as flate2's own encoder makes it: without a time, so that the same text is the same bytes.
fn deflate(text: &[u8]) -> io::Result<Vec<u8>> {
    const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    // To make one takes as long as a part does.
    thread_local! {
        static DEFLATER: RefCell<Compress> =
            RefCell::new(Compress::new(flate2::Compression::new(GZIP_LEVEL), false));
    }
    let mut packed = Vec::with_capacity(text.len() / 4 + 64);
    packed.extend(HEADER);
    DEFLATER.with_borrow_mut(|deflater| -> io::Result<()> {
        deflater.reset();
        loop {
            let rest = usize::try_from(deflater.total_in()).map_or(&[][..], |taken| &text[taken..]);
            if deflater.compress_vec(rest, &mut packed, FlushCompress::Finish)? == Status::StreamEnd {
                return Ok(());
            }
            packed.reserve(rest.len() / 4 + 64);
        }
    })?;
    let mut sum = Crc::new();
    sum.update(text);
    packed.extend(sum.sum().to_le_bytes());
    packed.extend(sum.amount().to_le_bytes());
    Ok(packed)
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

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;
    use crate::publish::piece::Piece;

    #[test]
    fn parts_are_read_as_one_and_taken_again() {
        for compression in [MetadataCompression::Gzip, MetadataCompression::Zstd] {
            let texts = ["abc".to_owned(), "def".repeat(1000)];
            let file: Vec<Rope> = texts.iter().cloned().map(Rope::from).collect();
            let packed = pack(&[file, vec!["x".to_owned().into()]], compression).unwrap().remove(0);
            let text = texts.concat();
            let mut read = String::new();
            let found = Compression::of(&packed.bytes).unwrap();
            found.decoder(&packed.bytes[..]).unwrap().read_to_string(&mut read).unwrap();
            assert_eq!(read, text);
            assert_eq!(packed.open_size, text.len());
            assert_eq!(packed.open_sha256, sha256(text.as_bytes()));
            assert_eq!(compression_of(&format!("a.xml{}", ending(compression))), Some(compression));

            let made = Made::new(packed.bytes.clone(), compression, &packed.parts, 4000).unwrap();
            assert_eq!((made.parts(), made.sha256()), (2, packed.sha256.clone()));
            let opened = [0, 1].map(|number| made.open(number).unwrap());
            assert_eq!(opened.each_ref().map(|text| text.to_string()), texts);

            // What is known is not compressed again: other bytes in its place come through.
            let again = |text: &Text| {
                let before = Before { compression, file: Arc::new(b"!!!".to_vec()), range: 0..3 };
                let text = Arc::new(Text::new(text.to_string(), Some(before)));
                let mut rope = Rope::default();
                rope.push(Piece::of(&text, 0..text.len()).unwrap());
                rope
            };
            let file = opened.iter().map(|text| again(text)).collect();
            let again = pack(&[file], compression).unwrap().remove(0);
            assert_eq!(again.bytes, b"!!!!!!");
            assert_eq!((again.open_sha256, again.open_size), (packed.open_sha256, packed.open_size));
        }
    }

    #[test]
    fn a_member_is_what_the_library_makes() {
        use std::io::Write;
        let mut mixed = 0_u32;
        let mut next = || {
            mixed = mixed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            char::from(b' ' + (mixed >> 25) as u8 % 90)
        };
        // What hardly compresses, and what does; each after another, by one compressor.
        let random: String = (0..100_000).map(|_| next()).collect();
        for text in ["", "a", &random, &"abc".repeat(50_000), &random[..77]] {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(GZIP_LEVEL));
            encoder.write_all(text.as_bytes()).unwrap();
            let packed = deflate(text.as_bytes()).unwrap();
            assert_eq!(packed, encoder.finish().unwrap(), "{} bytes", text.len());
            assert_eq!(inflate(&packed, text.len()).unwrap(), text.as_bytes());
        }
    }

    #[test]
    fn what_was_made_otherwise_is_refused() {
        let packed = pack(&[vec!["abc".to_owned().into()]], MetadataCompression::Gzip).unwrap().remove(0);
        let bytes = &packed.bytes;
        let [part] = packed.parts[..] else { panic!("one part") };
        let made = |bytes, parts: &[Part], limit| Made::new(bytes, MetadataCompression::Gzip, parts, limit);
        for (bytes, part) in [
            (bytes[1..].to_vec(), part),
            (bytes.clone(), Part { open: 2, ..part }),
            (bytes.clone(), Part { open: 4, ..part }),
            (bytes.clone(), Part { packed: usize::MAX, ..part }),
            (bytes.clone(), Part { open: 1 << 60, ..part }),
            (vec![0; bytes.len()], part),
        ] {
            let opened = made(bytes, &[part], 1000).and_then(|made| made.open(0));
            assert!(opened.is_err(), "{part:?}");
        }
        assert!(made(bytes.clone(), &[part, part], 1000).is_err());
        assert!(made(bytes.clone(), &[part], 2).is_err());
        assert!(made(bytes.clone(), &[part], 3).is_ok());
    }
}
