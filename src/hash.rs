//! Digests in hexadecimal digits, and of lists of texts.

use std::io::{self, Read};
use std::path::Path;

use fs_err::File;
use sha2::{Digest, Sha256};

/// Lower-case hexadecimal digits, two a byte.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

/// The SHA-256 of bytes, in lower-case hexadecimal digits.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// The SHA-256 of a file, in lower-case hexadecimal digits.
///
/// # Errors
/// It cannot be read.
pub(crate) fn sha256_of(file: &Path) -> io::Result<String> {
    sha256_from(&mut File::open(file)?)
}

/// The SHA-256 of all that comes, in lower-case hexadecimal digits.
///
/// # Errors
/// Those of the reader.
pub(crate) fn sha256_from(from: &mut dyn Read) -> io::Result<String> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; CHUNK];
    loop {
        match from.read(&mut buffer)? {
            0 => return Ok(hex(&hash.finalize())),
            read => hash.update(&buffer[..read]),
        }
    }
}

/// Bytes that are read at a time: few enough to stay in the processor's cache.
const CHUNK: usize = 64 << 10;

/// The SHA-256 of a list: other items, and the same ones divided in another way, give another one.
#[derive(Default)]
pub(crate) struct ListHash(Sha256);

impl ListHash {
    /// Adds an item.
    pub fn add(&mut self, item: impl AsRef<[u8]>) {
        let item = item.as_ref();
        self.0.update((item.len() as u64).to_le_bytes());
        self.0.update(item);
    }

    /// In lower-case hexadecimal digits.
    pub fn hex(self) -> String {
        hex(&self.0.finalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_more_than_its_letters() {
        assert_eq!(hex(&[0, 0x0f, 0xa0, 0xff]), "000fa0ff");
        assert_eq!(sha256(b""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        let file = tempfile::NamedTempFile::new().unwrap();
        let long = vec![b'x'; 3 * CHUNK / 2];
        fs_err::write(file.path(), &long).unwrap();
        assert_eq!(sha256_of(file.path()).unwrap(), sha256(&long));
        let of = |items: &[&str]| {
            let mut list = ListHash::default();
            items.iter().for_each(|item| list.add(item));
            list.hex()
        };
        let lists: [&[&str]; 5] = [&["ab"], &["a", "b"], &["", "ab"], &["b", "a"], &[]];
        let hashes: std::collections::BTreeSet<String> = lists.iter().map(|list| of(list)).collect();
        assert_eq!(hashes.len(), lists.len());
    }
}
