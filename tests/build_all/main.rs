//! `modgraft build-all`, as it is used: many recipes, many jobs, a cache.

#[path = "../support/mod.rs"]
mod support;

mod bad_input;
mod cache;
mod jobs;
mod place;
mod whole;
