//! Decompressors behind one reader, with bounded memory: what they read may be a stranger's.

use std::io::{self, BufRead, Read};

use liblzma::bufread::XzDecoder;
use liblzma::stream::{CONCATENATED, Stream};

/// Memory for an xz or lzma dictionary: level 9 needs 65 MiB. Bytes.
pub const XZ_MEMORY: u64 = 128 << 20;

/// 128 MiB, as zstd's own command line allows.
const ZSTD_WINDOW: u32 = 27;

/// How something is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
    /// The .xz format.
    Xz,
    /// The format before it, which has no magic number.
    Lzma,
    /// bzip2.
    Bzip2,
}

impl Compression {
    /// What the first bytes say; all but lzma have a magic number.
    pub fn of(start: &[u8]) -> Option<Self> {
        match start {
            [0x1f, 0x8b, ..] => Some(Compression::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Compression::Zstd),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Compression::Xz),
            [b'B', b'Z', b'h', ..] => Some(Compression::Bzip2),
            _ => None,
        }
    }

    /// What a file name's last extension says (`.gz`).
    pub fn of_extension(extension: &str) -> Option<Self> {
        match extension {
            ".gz" => Some(Compression::Gzip),
            ".zst" => Some(Compression::Zstd),
            ".xz" => Some(Compression::Xz),
            ".lzma" => Some(Compression::Lzma),
            ".bz2" => Some(Compression::Bzip2),
            _ => None,
        }
    }

    /// A reader of what is in `input`. How much that is, the caller bounds.
    ///
    /// # Errors
    /// A decompressor cannot be made.
    pub fn decoder<'a>(self, input: impl BufRead + 'a) -> io::Result<Box<dyn Read + 'a>> {
        Ok(match self {
            Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(input)),
            Compression::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(input)),
            Compression::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(input)?;
                decoder.window_log_max(ZSTD_WINDOW)?;
                Box::new(decoder)
            }
            Compression::Xz => {
                Box::new(XzDecoder::new_stream(input, Stream::new_stream_decoder(XZ_MEMORY, CONCATENATED)?))
            }
            Compression::Lzma => Box::new(XzDecoder::new_stream(input, Stream::new_lzma_decoder(XZ_MEMORY)?)),
        })
    }
}

/// Fails where more than `limit` bytes come, in place of ending there.
pub struct Bounded<R> {
    input: R,
    left: u64,
    limit: u64,
}

impl<R: Read> Bounded<R> {
    /// At most `limit` bytes of `input`.
    pub fn new(input: R, limit: u64) -> Self {
        Bounded { input, left: limit, limit }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        match self.left.checked_sub(read as u64) {
            Some(left) => self.left = left,
            None => {
                let text = format!("it unpacks to more than {} MiB", self.limit.div_ceil(1 << 20));
                return Err(io::Error::new(io::ErrorKind::InvalidData, text));
            }
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn each_compression_is_read_and_bounded() {
        let plain = vec![b'x'; 3 << 20];
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&plain).unwrap();
        let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        bzip2.write_all(&plain).unwrap();
        let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 1);
        xz.write_all(&plain).unwrap();
        let options = liblzma::stream::LzmaOptions::new_preset(1).unwrap();
        let stream = Stream::new_lzma_encoder(&options).unwrap();
        let mut lzma = liblzma::write::XzEncoder::new_stream(Vec::new(), stream);
        lzma.write_all(&plain).unwrap();
        let cases = [
            (".gz", gzip.finish().unwrap()),
            (".bz2", bzip2.finish().unwrap()),
            (".xz", xz.finish().unwrap()),
            (".lzma", lzma.finish().unwrap()),
            (".zst", zstd::encode_all(&plain[..], 1).unwrap()),
        ];
        for (extension, packed) in cases {
            let compression = Compression::of_extension(extension).unwrap();
            if compression != Compression::Lzma {
                assert_eq!(Compression::of(&packed), Some(compression));
            }
            let read = |limit| {
                let mut out = Vec::new();
                let reader = compression.decoder(&packed[..]).unwrap();
                Bounded::new(reader, limit).read_to_end(&mut out).map(|_| out)
            };
            assert_eq!(read(3 << 20).unwrap(), plain, "{extension}");
            let error = read((3 << 20) - 1).unwrap_err();
            assert_eq!(error.to_string(), "it unpacks to more than 3 MiB", "{extension}");
            let cut = compression.decoder(&packed[..packed.len() / 2]).unwrap().read_to_end(&mut Vec::new());
            assert!(cut.is_err(), "{extension}");
        }
        assert_eq!((Compression::of(b"070701"), Compression::of_extension(".br")), (None, None));
    }
}
