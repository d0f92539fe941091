//! A real httpd loads the module from the built package's payload and answers the recipe's checks.
//!
//! In: a recipe's checks and a [`Plan`]. Out: a [`CheckResult`], or the failures as an error. Checks with the same
//! configuration share one httpd, which listens at a free loopback port and lives in a folder of its own. Each httpd is
//! tested by `httpd -t` before it is started, and stopped on every path.

pub mod backend;
mod config;
mod error;
pub mod http;
pub mod httpd;
mod log;
pub mod modules;
mod neighbours;
mod plan;
mod result;
mod run;
pub mod stream;
mod template;
pub mod websocket;

pub use error::Error;
pub use plan::{DropIn, Httpd, Plan};
pub use result::{CheckResult, Checked, Outcome};
pub use run::run;
pub use template::BackendValues;
