//! The verdicts for a person.

use std::fmt::Write as _;

use super::Verified;
use crate::rpm::{Judged, PackageForm, digest_line, plain, signature_line};

impl Verified {
    /// As lines: the package, its digests and signatures, and one line for each release. What a package says does not drive the
    /// terminal.
    pub fn text(&self) -> String {
        let mut out = String::new();
        let mut line = |name: &str, value: &str| {
            // Writing to a String does not fail.
            let _ = writeln!(out, "{name:>9}  {}", plain(value));
        };
        let package = &self.package;
        let form = match package.form {
            PackageForm::Binary => "",
            PackageForm::Source => ", a source package",
            PackageForm::Delta => ", the difference of two packages",
        };
        let version =
            if package.version == 4 { String::new() } else { format!(", version {}", package.version) };
        line("package", &format!("{}{form}{version}", package.nevra));
        for digest in &package.digests {
            line("digest", &digest_line(digest));
        }
        if package.signatures.is_empty() {
            line("signature", "none");
        }
        for signature in &package.signatures {
            let verdict = match &signature.judged {
                Judged::NoKeys => "not judged, as no key was given".to_owned(),
                Judged::Good { by } => format!("good, by {}", by.by.user_id),
                Judged::Refused { .. } if signature.info.problem.is_some() => String::new(),
                Judged::Refused { reason, .. } => reason.clone(),
            };
            let separator = if verdict.is_empty() { "" } else { ": " };
            line("signature", &format!("{}{separator}{verdict}", signature_line(&signature.info)));
        }
        for release in &self.releases {
            // What is refused is refused; what else could be said of it, only programs are told.
            let said = if release.accepted { &release.notes } else { &release.reasons };
            let verdict = if release.accepted { "accepted" } else { "refused " };
            let said = said.join("; ");
            line(&release.release, format!("{verdict}  {said}").trim_end());
        }
        out
    }
}
