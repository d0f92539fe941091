//! Payload compressors behind one writer.

use std::io::{self, Write};

use flate2::write::GzEncoder;
use liblzma::write::XzEncoder;
use zstd::stream::write::Encoder as ZstdEncoder;

use crate::profile::{Compression, Compressor};

/// A compressor that writes to `W`. All of them give the same bytes for the same input.
pub(super) enum Encoder<W: Write> {
    Gzip(GzEncoder<W>),
    Xz(XzEncoder<W>),
    Zstd(ZstdEncoder<'static, W>),
}

impl<W: Write> Encoder<W> {
    pub(super) fn new(compression: Compression, out: W) -> io::Result<Self> {
        let level = compression.level;
        Ok(match compression.compressor {
            Compressor::Gzip => Encoder::Gzip(GzEncoder::new(out, flate2::Compression::new(level))),
            Compressor::Xz => Encoder::Xz(XzEncoder::new(out, level)),
            // Levels are below 23.
            Compressor::Zstd => Encoder::Zstd(ZstdEncoder::new(out, level as i32)?),
        })
    }

    /// Writes what is left, and gives the sink back.
    pub(super) fn finish(self) -> io::Result<W> {
        match self {
            Encoder::Gzip(encoder) => encoder.finish(),
            Encoder::Xz(encoder) => encoder.finish(),
            Encoder::Zstd(encoder) => encoder.finish(),
        }
    }
}

impl<W: Write> Write for Encoder<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Encoder::Gzip(encoder) => encoder.write(bytes),
            Encoder::Xz(encoder) => encoder.write(bytes),
            Encoder::Zstd(encoder) => encoder.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Encoder::Gzip(encoder) => encoder.flush(),
            Encoder::Xz(encoder) => encoder.flush(),
            Encoder::Zstd(encoder) => encoder.flush(),
        }
    }
}
