//! A real httpd loads the module from the built package's payload and answers the recipe's checks.

mod error;
pub use error::Error;
