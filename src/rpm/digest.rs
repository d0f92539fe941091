//! Digests of what passes by.

use std::io::{self, Write};

use sha2::{Digest, Sha256};

/// Counts and hashes what is written through it.
pub(super) struct Hashing<W> {
    out: W,
    hash: Sha256,
    size: u64,
}

impl<W: Write> Hashing<W> {
    pub(super) fn new(out: W) -> Self {
        Hashing { out, hash: Sha256::new(), size: 0 }
    }

    /// The sink, the lower-case SHA-256 and the number of bytes.
    pub(super) fn finish(self) -> (W, String, u64) {
        (self.out, hex(&self.hash.finalize()), self.size)
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

/// Lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
