//! Writes what dnf, yum and zypper install from: a folder that any web server serves. `repository` reads such folders.

mod error;
mod repo_file;

pub use error::Error;
pub use repo_file::{Checks, RepoFile, check_id};
