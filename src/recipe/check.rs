//! The checks of a recipe: what a real httpd must do with the module.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One check. (The fields are being written.)
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Check {
    /// What the check shows, in words; printed with its result.
    pub name: String,
}
