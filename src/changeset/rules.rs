//! Classification rules as data: a glob or a content test, the class, and the reason in words.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// One rule. (The built-in set is `templates/classify.toml`.)
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Rule {
    /// A glob on the path (`**/Makefile*`).
    pub path: String,
}

/// Which rule decided, and why, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// The rule's stable name (`build-system.m4`).
    pub rule: Arc<str>,
    /// For a person: `autoconf input: configure is not run for a single module`.
    pub why: Arc<str>,
}
