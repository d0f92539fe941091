//! SHA-256 of two streams at once.
//!
//! What a package brings is hashed as a file and again as a part of the archive. A stream's rounds wait for one another, and
//! meanwhile the processor has time for those of a second one. No crate does that for streams; each block is the `sha2`
//! crate's, but where two are done in turns.

mod pair;

use std::slice;

use sha2::block_api::compress256;

use crate::hash::hex;

/// A block, FIPS 180-4, 5.2.1. Bytes.
const BLOCK: usize = 64;
/// FIPS 180-4, 5.3.3.
const INITIAL: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// A stream of which the end has not been seen.
#[derive(Clone)]
pub(super) struct Stream {
    state: [u32; 8],
    /// The block that has begun, of which `begun` bytes are there.
    block: [u8; BLOCK],
    begun: usize,
    /// Of the whole stream, in bytes.
    length: u64,
}

impl Stream {
    pub fn new() -> Self {
        Stream { state: INITIAL, block: [0; BLOCK], begun: 0, length: 0 }
    }

    pub fn update(&mut self, bytes: &[u8]) {
        let blocks = self.take(bytes);
        compress256(&mut self.state, blocks);
    }

    /// Updates both with the same bytes.
    pub fn update_both(one: &mut Stream, other: &mut Stream, bytes: &[u8]) {
        let blocks = [one.take(bytes), other.take(bytes)];
        // Where one had begun a block and the other had not, it may have one more to do.
        let both = blocks[0].len().min(blocks[1].len());
        pair::compress([&mut one.state, &mut other.state], blocks.map(|blocks| &blocks[..both]));
        compress256(&mut one.state, &blocks[0][both..]);
        compress256(&mut other.state, &blocks[1][both..]);
    }

    /// In lower-case hexadecimal digits.
    pub fn finish(mut self) -> String {
        /// What the length takes at the end of the last block.
        const LENGTH: usize = size_of::<u64>();
        let bits = self.length * 8;
        let begun = self.begun;
        // FIPS 180-4, 5.1.1: one bit that is set, and as many that are not as it takes.
        let mut end = [0; 2 * BLOCK];
        end[..begun].copy_from_slice(&self.block[..begun]);
        end[begun] = 0x80;
        let size = if begun + 1 + LENGTH <= BLOCK { BLOCK } else { 2 * BLOCK };
        end[size - LENGTH..size].copy_from_slice(&bits.to_be_bytes());
        compress256(&mut self.state, end[..size].as_chunks().0);
        hex(self.state.map(u32::to_be_bytes).as_flattened())
    }

    /// Takes the bytes in, but for the whole blocks among them, which it returns, to be done next.
    fn take<'a>(&mut self, mut bytes: &'a [u8]) -> &'a [[u8; BLOCK]] {
        self.length += bytes.len() as u64;
        if self.begun > 0 {
            let (first, rest) = bytes.split_at(bytes.len().min(BLOCK - self.begun));
            self.keep(first);
            bytes = rest;
            if self.begun < BLOCK {
                return &[];
            }
            compress256(&mut self.state, slice::from_ref(&self.block));
            self.begun = 0;
        }
        let (blocks, rest) = bytes.as_chunks();
        self.keep(rest);
        blocks
    }

    fn keep(&mut self, bytes: &[u8]) {
        let end = self.begun + bytes.len();
        self.block[self.begun..end].copy_from_slice(bytes);
        self.begun = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::sha256;

    #[test]
    fn each_stream_has_its_own_digest() {
        let text: Vec<u8> = (0..9_000_u32).map(|number| (number * number % 251) as u8).collect();
        // Where a block ends, where its padding just fits and where it does not; and parts that begin and end within blocks.
        for before in [0, 1, 55, 56, 63, 64, 110, 119, 120, 128] {
            for part in [1, 7, 63, 64, 65, 128, 1000, 4096] {
                let (mut file, mut archive) = (Stream::new(), Stream::new());
                archive.update(&text[..before]);
                for some in text.chunks(part) {
                    Stream::update_both(&mut file, &mut archive, some);
                }
                archive.update(&text[..before]);
                assert_eq!(file.finish(), sha256(&text), "{before} {part}");
                let whole = [&text[..before], &text, &text[..before]].concat();
                assert_eq!(archive.finish(), sha256(&whole), "{before} {part}");
            }
        }
        for length in 0..200 {
            let mut stream = Stream::new();
            stream.update(&text[..length]);
            assert_eq!(stream.finish(), sha256(&text[..length]), "{length}");
        }
    }
}
