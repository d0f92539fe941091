//! modgraft turns an upstream Apache httpd patch that brings a module into a signed RPM for a stock httpd.
//!
//! The folders are the stages, and data flows one way through them:
//!
//! `recipe` → `source` → `changeset` (on `autoconf`) → `target` (on `profile`) → `flatten` (on `c`) → `adapt` → `compile` → `audit` →
//! `package` →
//! `spec` and `rpm` (with `sign`) → `check`. `pipeline` is the only place that knows this order, `report` the only one
//! that talks to a person, `cli` the only one that knows what was typed, `download` the only one that fetches by http.
//! `repository` reads what dnf reads, `publish` writes it. `layout` tells how a target's public types lie in memory. `replay` is a program beside: it
//! tries many commits on many targets. `verify` tells whether the rpm of a release accepts a package. `cache` keeps what builds
//! gave, by all that went into them. `submit` has source packages built elsewhere, `ci` writes the pipeline of a folder of recipes.
//! `scaffold` starts recipes, `lint` tells what is not right with them.

pub mod adapt;
mod address;
pub mod audit;
pub mod autoconf;
pub mod beneath;
mod beside;
pub mod c;
pub mod cache;
pub mod changeset;
pub mod check;
pub mod ci;
pub mod cli;
pub mod compile;
pub mod compression;
pub mod download;
mod environment;
pub mod error;
pub mod flatten;
#[doc(hidden)]
pub mod fuzz;
mod hash;
pub mod layout;
pub mod libraries;
pub mod licenses;
pub mod lint;
pub mod loader;
mod locking;
pub mod machine;
mod memo;
pub mod package;
mod parallel;
pub mod paths;
pub mod pipeline;
pub mod process;
pub mod profile;
pub mod publish;
pub mod recipe;
pub mod replay;
pub mod report;
pub mod repository;
pub mod rpm;
pub mod scaffold;
mod shell;
pub mod sign;
pub mod source;
pub mod spec;
pub mod submit;
pub mod target;
mod templates;
pub mod unpack;
pub mod verify;
mod xml;

pub use error::{Error, Kind};
