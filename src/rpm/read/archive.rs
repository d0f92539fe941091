//! The payload: decompressed and taken apart as it comes, in constant memory.

use std::io::{self, BufRead, BufReader, Read};

use super::digests::Hash;
use super::{Error, Opened};
use crate::compression::Compression;
use rpm::IndexTag;

/// Longest path in a payload, as in the kernel. Bytes, with the zero that ends it.
pub(super) const LONGEST_NAME: u32 = 4096;

/// What an archive says of an entry.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Name {
    /// A path.
    Path(String),
    /// The number of a file in the header, from 0 (for files of 4 GiB and more).
    Index(u32),
}

/// One entry. Its content has to be read to the end before the next.
#[derive(Debug)]
pub(super) struct Entry {
    pub name: Name,
    /// What the archive states; of an indexed entry, nothing ([`super::files::nodes`] has it).
    pub node: Option<Node>,
}

/// What is known of an entry's content beforehand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Node {
    /// Of the content that comes with this entry. Bytes.
    pub size: u64,
    /// Several names of one file, whose content comes with the last, have more than one.
    pub links: u32,
    /// What such names have in common: the inode and its device's two numbers.
    pub inode: Inode,
}

/// What an entry's content is known by.
pub(super) type Inode = (u32, u32, u32);

/// Reads the entries of a payload.
pub(super) struct Archive<'a> {
    input: Box<dyn Read + 'a>,
    /// Where the archive stands, for padding.
    position: u64,
    /// What it may at most be.
    limit: u64,
    /// Takes all that is read.
    hash: Option<Box<dyn Hash>>,
}

impl<'a> Archive<'a> {
    /// `limit` bounds the decompressed bytes.
    pub(super) fn open(package: &'a Opened, limit: u64) -> Result<Self, Error> {
        Self::of(package, package.payload()?, limit)
    }

    /// As [`Archive::open`], of a payload that comes from elsewhere.
    pub(super) fn of(package: &Opened, payload: impl Read + 'a, limit: u64) -> Result<Self, Error> {
        let mut input = BufReader::with_capacity(64 << 10, payload);
        let compressor = package.text(IndexTag::RPMTAG_PAYLOADCOMPRESSOR)?;
        let start = input.fill_buf()?;
        // By what it is rather than by what is said of it, as rpm does.
        let input: Box<dyn Read + 'a> = if let Some(compression) = Compression::of(start) {
            compression.decoder(input)?
        } else if start.starts_with(b"0707") || start.is_empty() {
            Box::new(input)
        } else if compressor.as_deref() == Some("lzma") {
            Compression::Lzma.decoder(input)?
        } else {
            let name = compressor.unwrap_or_else(|| "an unknown way".to_owned());
            return Err(
                package.damaged(format!("its payload is compressed by {name}, which cannot be read here"))
            );
        };
        Ok(Archive { input, position: 0, limit, hash: None })
    }

    /// Hashes all that is read from here on.
    pub(super) fn hash(&mut self, hash: Box<dyn Hash>) {
        self.hash = Some(hash);
    }

    /// Reads what is left, and gives the digest of all since [`Archive::hash`] and the size of all.
    pub(super) fn digest(mut self) -> io::Result<(Option<String>, u64)> {
        io::copy(&mut self, &mut io::sink())?;
        Ok((self.hash.map(Hash::end), self.position))
    }

    /// The next entry, or `None` at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Entry>> {
        self.align()?;
        let mut magic = [0; 6];
        self.read_exact(&mut magic)?;
        if &magic == b"07070X" {
            let mut digits = [0; 8];
            self.read_exact(&mut digits)?;
            let index = hexadecimal(&digits)?;
            self.align()?;
            return Ok(Some(Entry { name: Name::Index(index), node: None }));
        }
        if &magic != b"070701" && &magic != b"070702" {
            return Err(invalid("an entry of the payload does not begin as one"));
        }
        let mut fields = [0; 104];
        self.read_exact(&mut fields)?;
        let mut numbers = [0; 13];
        for (number, digits) in numbers.iter_mut().zip(fields.chunks_exact(8)) {
            *number = hexadecimal(digits)?;
        }
        let [inode, _, _, _, links, _, size, major, minor, _, _, length, _] = numbers;
        if length == 0 || length > LONGEST_NAME {
            return Err(invalid("an entry of the payload has an impossible name"));
        }
        let mut name = vec![0; length as usize];
        self.read_exact(&mut name)?;
        if name.pop() != Some(0) || name.contains(&0) {
            return Err(invalid("an entry of the payload has an impossible name"));
        }
        let name = String::from_utf8_lossy(&name).into_owned();
        self.align()?;
        if name == "TRAILER!!!" {
            return Ok(None);
        }
        let node = Node { size: u64::from(size), links, inode: (inode, major, minor) };
        Ok(Some(Entry { name: Name::Path(name), node: Some(node) }))
    }

    /// The content of the entry that was read last.
    pub(super) fn content(&mut self, size: u64) -> impl Read + '_ {
        self.take(size)
    }

    fn align(&mut self) -> io::Result<()> {
        let missing = (4 - self.position % 4) % 4;
        let mut pad = [0; 4];
        self.read_exact(&mut pad[..missing as usize])
    }
}

impl Read for Archive<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        self.position += read as u64;
        if self.position > self.limit {
            return Err(invalid("its payload is larger than it states"));
        }
        if let Some(hash) = &mut self.hash {
            hash.take(&buffer[..read]);
        }
        Ok(read)
    }
}

fn hexadecimal(digits: &[u8]) -> io::Result<u32> {
    std::str::from_utf8(digits)
        .ok()
        .filter(|text| text.bytes().all(|digit| digit.is_ascii_hexdigit()))
        .and_then(|text| u32::from_str_radix(text, 16).ok())
        .ok_or_else(|| invalid("an entry of the payload has a number that is none"))
}

pub(super) fn invalid(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}
