//! `modgraft verify`: what each release makes of a package, against real rpm where one is here.

#[path = "../support/mod.rs"]
mod support;

mod edit;
mod flips;
mod hostile;
mod made;
mod program;
mod signer;
mod structure;
