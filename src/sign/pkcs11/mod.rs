//! Keys in tokens: smart cards, hardware security modules, by their PKCS#11 library.

mod token;
mod uri;

pub(super) use token::Token;
pub use uri::TokenUri;
