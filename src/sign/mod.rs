//! Signers behind one trait, and the development key.

mod error;
pub use error::Error;

/// Makes OpenPGP signatures.
pub trait Signer {
    /// A detached version 4 binary OpenPGP signature packet over `bytes`, dated `time` (Unix seconds) or the key's
    /// creation, whichever is later. The same input gives the same bytes.
    ///
    /// # Errors
    /// Where the key cannot be used.
    fn sign(&self, bytes: &[u8], time: u64) -> Result<Vec<u8>, Error>;
}
