//! Digests of what passes by.

use std::io::{self, Read, Write};
use std::thread;

use super::beside::Beside;
use super::sha256::Stream;

/// What is read at a time. Bytes.
const CHUNK: usize = 256 << 10;

/// Counts and hashes what is written through it.
pub(super) struct Hashing<W> {
    out: W,
    hash: Stream,
    size: u64,
}

impl<W: Write> Hashing<W> {
    pub(super) fn new(out: W) -> Self {
        Hashing { out, hash: Stream::new(), size: 0 }
    }

    /// Writes all, and hashes it for `other` too: in one go, which takes less time than two.
    pub(super) fn write_for_both(&mut self, bytes: &[u8], other: &mut Stream) -> io::Result<()> {
        self.out.write_all(bytes)?;
        Stream::update_both(&mut self.hash, other, bytes);
        self.size += bytes.len() as u64;
        Ok(())
    }

    /// The sink, the lower-case SHA-256 and the number of bytes.
    pub(super) fn finish(self) -> (W, String, u64) {
        (self.out, self.hash.finish(), self.size)
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// The MD5 of a header and all that is left to read. From the second chunk on it is read on one thread and hashed on another.
pub(super) fn md5(header: &[u8], content: &mut dyn Read) -> io::Result<[u8; 16]> {
    let mut hash = Md5(fast_md5::Md5::new());
    hash.0.update(header);
    let mut buffer = vec![0; CHUNK];
    let first = fill(content, &mut buffer)?;
    hash.0.update(&buffer[..first]);
    if first < CHUNK {
        return Ok(hash.0.finalize());
    }
    thread::scope(|scope| {
        let mut hash = Beside::new(scope, hash);
        loop {
            match fill(content, &mut buffer)? {
                0 => return Ok(hash.finish()?.0.finalize()),
                read => hash.write_all(&buffer[..read])?,
            }
        }
    })
}

/// Reads until the buffer is full or nothing is left.
fn fill(content: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match content.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Hashes what is written to it. A package ends with the time that this takes, as rpm has the header under the same MD5 as the payload
/// behind it; so it is the fastest of the crates. Readers of packages have another crate's, by which the tests see both agree.
struct Md5(fast_md5::Md5);

impl Write for Md5 {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use md5::Digest as _;

    use super::*;

    #[test]
    fn both_md5s_agree() {
        let bytes: Vec<u8> = (0..3 * CHUNK + 1).map(|at| ((at * at) >> 3) as u8).collect();
        for length in (0..260).chain([CHUNK - 1, CHUNK, CHUNK + 1, bytes.len()]) {
            let content = &bytes[..length];
            for header in [&b""[..], b"header", &[7; 64]] {
                let other = md5::Md5::new().chain_update(header).chain_update(content).finalize();
                assert_eq!(md5(header, &mut &*content).unwrap(), <[u8; 16]>::from(other), "{length}");
            }
        }
    }
}
