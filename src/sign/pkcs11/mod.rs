//! Keys in tokens: smart cards, hardware security modules, by their PKCS#11 library.

mod error;
mod token;
mod uri;

pub use error::Error;
pub(super) use token::Token;
pub use uri::TokenUri;
