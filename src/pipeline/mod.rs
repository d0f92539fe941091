//! The only place that knows the order of the stages.

mod build;
mod clock;
mod diff;
mod epoch;
mod error;
mod graft;
mod graft_notes;
mod measured;
mod output;
mod overlay;
mod prepare;
mod record;
mod request;
mod required;
mod several;
mod signing;
mod simulate;
mod summary;
mod targets;
mod trial;
mod upstream;
mod verdict;

pub use build::{build, check, flatten};
pub use diff::{Compared, diff};
pub use error::Error;
pub use measured::{Call, Prepared};
pub use overlay::{WorkTree, overlay_save, overlay_start};
pub use request::{Check, Packaging, Request};
pub use several::build_for;
pub use targets::{add_target, pack_target};
pub use trial::{Made, Reached, Trial, Tried, attempt, modules_of};
pub use verdict::{ModuleDiff, Verdict};
