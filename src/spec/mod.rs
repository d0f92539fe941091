//! Renders the spec file from a [`crate::package::PackageSet`] with the template in `templates/`.

mod error;
pub use error::Error;
