//! The only place that knows the order of the stages.

mod error;
pub use error::Error;
