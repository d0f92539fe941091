//! What came of a trial in one word, and whether that is what was expected.

use serde::Serialize;

use crate::Kind;

/// What came of a trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// There is a package; no httpd of that target runs here.
    Built,
    /// The target's httpd runs with it.
    Loaded,
    /// And answers the recipe's checks.
    Checked,
    /// It cannot be made to work there, and the reason was told.
    Refused,
    /// It should have been made or refused, and was neither: a defect of modgraft.
    Failed,
}

impl Outcome {
    /// All of them, the best first.
    pub const ALL: [Outcome; 5] =
        [Outcome::Checked, Outcome::Loaded, Outcome::Built, Outcome::Refused, Outcome::Failed];

    /// For a table.
    pub fn word(self) -> &'static str {
        match self {
            Outcome::Built => "built",
            Outcome::Loaded => "loaded",
            Outcome::Checked => "checked",
            Outcome::Refused => "refused",
            Outcome::Failed => "failed",
        }
    }

    /// What an error means here. Only a refusal is an answer: of upstream's own commits none is malformed, and what the
    /// compiler, the audit or httpd found was to be found before.
    pub fn of_error(kind: Kind) -> Outcome {
        if kind == Kind::Refused { Outcome::Refused } else { Outcome::Failed }
    }

    fn is_made(self) -> bool {
        matches!(self, Outcome::Built | Outcome::Loaded | Outcome::Checked)
    }
}

/// What a person expects of a commit on one httpd.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub enum Expected {
    /// It loads as it is.
    #[serde(rename = "ok")]
    Ok,
    /// It would load as it is, and do something else than it says: that must be seen.
    #[serde(rename = "ok*")]
    OkNot,
    /// It loads after edits.
    #[serde(rename = "auto")]
    Auto,
    /// A person was needed.
    #[serde(rename = "manual")]
    Manual,
    /// An external library is involved.
    #[serde(rename = "ext")]
    External,
    /// A wall.
    #[serde(rename = "impossible")]
    Impossible,
}

impl Expected {
    /// The words, for a message.
    pub const KNOWN: &str = "one of: ok, ok*, auto, manual, ext, impossible; or nothing";

    /// All of them.
    pub const ALL: [Expected; 6] = [
        Expected::Ok,
        Expected::OkNot,
        Expected::Auto,
        Expected::Manual,
        Expected::External,
        Expected::Impossible,
    ];

    /// For a table.
    pub fn word(self) -> &'static str {
        match self {
            Expected::Ok => "ok",
            Expected::OkNot => "ok*",
            Expected::Auto => "auto",
            Expected::Manual => "manual",
            Expected::External => "ext",
            Expected::Impossible => "impossible",
        }
    }

    /// Reads [`Expected::word`].
    pub fn read(text: &str) -> Option<Expected> {
        Expected::ALL.into_iter().find(|expected| expected.word() == text)
    }
}

/// Why an outcome is not what was expected; nothing where it is. `seen` tells whether anything was changed, copied or noted.
pub fn differs(outcome: Outcome, expected: Option<Expected>, seen: bool) -> Option<String> {
    if outcome == Outcome::Failed {
        return Some(match expected {
            Some(expected) => format!("failed, expected {}", expected.word()),
            None => "failed".to_owned(),
        });
    }
    let expected = expected?;
    match expected {
        Expected::Ok | Expected::Auto if !outcome.is_made() => {
            Some(format!("{}, expected {}", outcome.word(), expected.word()))
        }
        Expected::OkNot if outcome.is_made() && !seen => {
            Some(format!("{} with nothing changed or noted, expected ok*", outcome.word()))
        }
        Expected::Impossible if outcome.is_made() => Some(format!("{}, expected impossible", outcome.word())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expectation_holds_or_not() {
        let not = |outcome, expected, seen| differs(outcome, Some(expected), seen).is_some();
        for made in [Outcome::Built, Outcome::Loaded, Outcome::Checked] {
            assert!(!not(made, Expected::Ok, false) && !not(made, Expected::Auto, true));
            assert!(not(made, Expected::OkNot, false) && !not(made, Expected::OkNot, true));
            assert!(not(made, Expected::Impossible, true));
            assert!(!not(made, Expected::Manual, false) && !not(made, Expected::External, false));
            assert_eq!(differs(made, None, false), None);
        }
        assert!(not(Outcome::Refused, Expected::Ok, true) && not(Outcome::Refused, Expected::Auto, true));
        for expected in [Expected::OkNot, Expected::Manual, Expected::External, Expected::Impossible] {
            assert!(!not(Outcome::Refused, expected, false));
        }
    }

    #[test]
    fn a_failure_is_never_expected() {
        for expected in Expected::ALL.into_iter().map(Some).chain([None]) {
            assert!(differs(Outcome::Failed, expected, true).is_some());
        }
        assert_eq!(Outcome::of_error(Kind::Refused), Outcome::Refused);
        for kind in [Kind::Input, Kind::Compile, Kind::Audit, Kind::Check, Kind::Internal, Kind::Environment]
        {
            assert_eq!(Outcome::of_error(kind), Outcome::Failed);
        }
    }

    #[test]
    fn words_are_read_as_they_are_written() {
        for expected in Expected::ALL {
            assert_eq!(Expected::read(expected.word()), Some(expected));
            assert_eq!(serde_json::to_value(expected).unwrap(), expected.word());
        }
        assert_eq!(Expected::read("OK"), None);
    }
}
