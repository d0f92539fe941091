//! Writes and reads RPM files: payload, header, signature; streamed and atomic.

mod error;
pub use error::Error;
