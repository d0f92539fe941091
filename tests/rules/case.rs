//! One case of a rule, as the TOML files beside this one have it.

use modgraft::adapt::pack::Risk;
use modgraft::recipe::check::Check;
use serde::Deserialize;

/// A file of cases.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cases {
    #[serde(rename = "case")]
    pub cases: Vec<Case>,
}

/// See the top of `main.rs`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Case {
    pub rule: String,
    pub target: On,
    #[serde(default)]
    pub lacks: Vec<String>,
    #[serde(default)]
    pub headers: Vec<String>,
    #[serde(default)]
    pub code: String,
    #[serde(default)]
    pub hooks: String,
    pub whole: Option<String>,
    #[serde(default)]
    pub files: Vec<File>,
    #[serde(default)]
    pub has: Vec<String>,
    #[serde(default)]
    pub has_not: Vec<String>,
    pub refused: Option<String>,
    pub risk: Option<Risk>,
    #[serde(default)]
    pub stubs: String,
    #[serde(default)]
    pub main: String,
    pub prints: Option<String>,
    #[serde(default, rename = "check")]
    pub checks: Vec<Check>,
}

/// The httpd that a case is adapted to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum On {
    /// The header fixtures of httpd 2.2.
    #[serde(rename = "2.2")]
    Older22,
    /// This machine's headers without what came behind 2.4.6.
    #[serde(rename = "2.4")]
    Older24,
    /// The httpd of this machine.
    #[serde(rename = "local")]
    Local,
}

/// Another file of upstream's tree.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    pub path: String,
    pub text: String,
}
