//! The record of what was changed.

use serde::Serialize;

use super::pack::Risk;

/// One change of upstream's code, or one thing that was put beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Edit {
    /// The rule's id; `target/include` where a header of the target was all that was missing.
    pub rule: String,
    /// What it costs.
    pub risk: Risk,
    /// The compiler's words, or what modgraft found.
    pub finding: String,
    /// Path in upstream's tree of the place; empty for what modgraft wrote.
    pub file: String,
    /// Line of the place in that file after the patches, from 1; 0 where there is none.
    pub line: u32,
    /// What stood there; empty for what was put in.
    pub before: String,
    /// What stands there now.
    pub after: String,
    /// Why it is right, or what is lost.
    pub note: String,
    /// The document or experiment that the rule rests on.
    pub source: String,
}
