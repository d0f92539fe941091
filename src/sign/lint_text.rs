//! What is wrong with a key file, for a person.

use std::fmt::Write as _;

use super::validity::day;
use super::{Algorithm, Lint, Severity};

impl Lint {
    /// As lines. What a key says does not drive the terminal.
    pub fn text(&self) -> String {
        let mut out = String::new();
        let mut line = |name: &str, value: &str| {
            let plain: String =
                value.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect();
            // Writing to a String does not fail.
            let _ = writeln!(out, "{name:>9}  {plain}");
        };
        for key in &self.keys {
            let algorithm = match key.algorithm {
                Algorithm::Rsa { bits } => format!("rsa-{bits}"),
                other => other.word().to_owned(),
            };
            let users = key.user_ids.join(", ");
            let end = key
                .expires
                .map_or_else(|| "never expires".to_owned(), |end| format!("expires on {}", day(end)));
            line(
                "key",
                &format!("{} {users}: {algorithm}, made on {}, {end}", key.fingerprint, day(key.created)),
            );
        }
        for finding in &self.findings {
            let severity = match finding.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Note => "note",
            };
            let breaks = match finding.breaks.as_slice() {
                [] => String::new(),
                releases => format!(" (breaks {})", releases.join(", ")),
            };
            line(severity, &format!("{}: {}{breaks}", finding.name, finding.text));
        }
        for release in &self.releases {
            line(&release.release, if release.accepted { "accepted" } else { "refused" });
        }
        out
    }
}
