//! What came of the checks.

use std::time::Duration;

use serde::{Serialize, Serializer};

/// The checks of one package, in the recipe's order.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CheckResult {
    /// How many times httpd was started with the module: at least once, without any check too.
    pub starts: usize,
    /// Each check.
    pub checks: Vec<Checked>,
    /// All of it, from the first `httpd -t` to the end of the last httpd; milliseconds in JSON.
    #[serde(serialize_with = "milliseconds")]
    pub duration: Duration,
}

impl CheckResult {
    /// How many checks were answered as they should be.
    pub fn passed(&self) -> usize {
        self.checks.iter().filter(|check| check.outcome == Outcome::Passed).count()
    }
}

/// One check.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Checked {
    /// Its name in the recipe.
    pub name: String,
    /// What came of it.
    pub outcome: Outcome,
    /// How long it took; milliseconds in JSON.
    #[serde(serialize_with = "milliseconds")]
    pub duration: Duration,
}

/// What came of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// As it should be.
    Passed,
    /// The reason why not: what was expected, and what was found.
    Failed(String),
}

fn milliseconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    // To the microsecond: more digits would be noise.
    serializer.serialize_f64(duration.as_micros() as f64 / 1000.0)
}
