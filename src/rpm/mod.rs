//! Writes and reads RPM files: payload, header, signature; streamed and atomic.

mod compress;
mod cpio;
mod digest;
mod error;
mod header;
mod lead;
mod payload;
mod signature;
mod write;

pub use error::Error;
pub use write::{Destinations, Written, WrittenSet, write, write_set};
