//! The only place that knows the order of the stages.

mod build;
mod clock;
mod epoch;
mod error;
mod graft;
mod output;
mod pristine;
mod record;
mod request;
mod summary;

pub use build::{build, check, flatten};
pub use error::Error;
pub use request::{Check, Packaging, Request};
