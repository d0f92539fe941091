//! Whether the rpm of a release accepts a package, by the rules of its profile.
//!
//! In: an [`Examination`] and a [`Profile`]. Out: [`ForRelease`]. Nothing is read and nothing run here.

mod features;
mod rules;
mod signatures;
mod text;

use std::path::PathBuf;

use serde::Serialize;

use crate::profile::Profile;
use crate::rpm::Examination;

/// A package, and what each release makes of it.
#[derive(Debug, Clone, Serialize)]
pub struct Verified {
    /// The file.
    #[serde(serialize_with = "crate::report::path")]
    pub file: PathBuf,
    /// What is in it.
    #[serde(flatten)]
    pub package: Examination,
    /// Whether there were keys to judge signatures by.
    pub with_keys: bool,
    /// In the order in which they were asked for.
    pub releases: Vec<ForRelease>,
}

impl Verified {
    /// Judges a package for each of the releases. With keys, a package has to be signed by one of them: this is what yum, dnf
    /// and zypper ask for in every release (gpgcheck=1).
    pub fn of<'a>(
        file: PathBuf,
        package: Examination,
        with_keys: bool,
        releases: impl IntoIterator<Item = &'a Profile>,
    ) -> Self {
        let releases =
            releases.into_iter().map(|profile| ForRelease::of(&package, with_keys, profile)).collect();
        Verified { file, package, with_keys, releases }
    }

    /// Whether every release accepts it.
    pub fn is_accepted(&self) -> bool {
        self.releases.iter().all(|release| release.accepted)
    }
}

/// What one release makes of a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ForRelease {
    /// `el7`: the profile's name.
    pub release: String,
    /// `rpm 4.11`.
    pub rpm: String,
    /// Whether it takes the package.
    pub accepted: bool,
    /// Why not, each to be read for itself.
    pub reasons: Vec<String>,
    /// What it does not notice, or takes for less than it is.
    pub notes: Vec<String>,
}

impl ForRelease {
    /// Judges a package for one release.
    pub fn of(package: &Examination, with_keys: bool, profile: &Profile) -> Self {
        Self::judged(package, with_keys, true, profile)
    }

    /// Judges for one release a package that is not signed, and need not be.
    pub fn unsigned(package: &Examination, profile: &Profile) -> Self {
        Self::judged(package, false, false, profile)
    }

    fn judged(package: &Examination, with_keys: bool, by_signatures: bool, profile: &Profile) -> Self {
        let rpm = profile.packaging.rpm_line();
        let mut findings = Findings::default();
        let case = Case { package, with_keys, rpm: &rpm, profile };
        rules::form(&case, &mut findings);
        // What is not read at all need not be judged further.
        if findings.reasons.is_empty() {
            rules::payload(&case, &mut findings);
            rules::sizes(&case, &mut findings);
            rules::signature_header(&case, &mut findings);
            rules::digests(&case, &mut findings);
            if by_signatures {
                signatures::signatures(&case, &mut findings);
            }
            rules::requires(&case, &mut findings);
        }
        let Findings { reasons, notes } = findings;
        ForRelease { release: profile.name.clone(), accepted: reasons.is_empty(), rpm, reasons, notes }
    }
}

/// A package before a release's rpm.
struct Case<'a> {
    package: &'a Examination,
    with_keys: bool,
    /// `rpm 4.11`.
    rpm: &'a str,
    profile: &'a Profile,
}

/// What is found, in the order of the rules.
#[derive(Default)]
struct Findings {
    reasons: Vec<String>,
    notes: Vec<String>,
}

impl Findings {
    fn refuse(&mut self, reason: impl Into<String>) {
        self.reasons.push(reason.into());
    }

    fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }
}
