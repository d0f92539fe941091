//! What the patches change beside the module, and the package does not have.

use crate::flatten::record::{self, Fate};
use crate::flatten::unit::Warning;

/// How many names of one file are named.
const SHOWN: usize = 5;

/// One for each file.
pub(super) fn warnings(record: &[Fate]) -> Vec<Warning> {
    let warning = |(file, names): (&str, Vec<&str>)| Warning {
        about: file.to_owned(),
        text: format!(
            "the patch also changes {file}{}, and the package does not have that: what the target has in its place stays as it is",
            listed(&names)
        ),
    };
    record::untaken(record).into_iter().map(warning).collect()
}

/// ` (a, b and 3 more)`; nothing where there are none.
fn listed(names: &[&str]) -> String {
    let (shown, more) = names.split_at(names.len().min(SHOWN));
    match (shown, more.len()) {
        ([], _) => String::new(),
        (shown, 0) => format!(" ({})", shown.join(", ")),
        (shown, more) => format!(" ({} and {more} more)", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::c::DeclarationKind;
    use crate::flatten::record::{Evidence, Outcome};

    #[test]
    fn each_file_is_told_once() {
        let fate = |file: &str, name: &str, outcome| Fate {
            name: name.to_owned(),
            kind: DeclarationKind::Function,
            file: file.to_owned(),
            line: 1,
            outcome,
            reason: String::new(),
            renamed: Vec::new(),
            evidence: Evidence::Whole,
        };
        let mut record = vec![
            fate("server/b.c", "kept", Outcome::Kept),
            fate("server/a.c", "one", Outcome::Untaken),
            fate("server/a.c", "", Outcome::Untaken),
            fate("server/a.c", "one", Outcome::Untaken),
            fate("include/h.h", "", Outcome::Untaken),
            fate("server/c.c", "left", Outcome::Dropped),
        ];
        record.extend(["2", "3", "4", "5", "6", "7"].map(|name| fate("server/a.c", name, Outcome::Untaken)));
        let told: Vec<String> = warnings(&record).into_iter().map(|warning| warning.text).collect();
        assert_eq!(
            told,
            ["include/h.h", "server/a.c (one, 2, 3, 4, 5 and 2 more)"].map(|what| format!(
                "the patch also changes {what}, and the package does not have that: what the target has in its place stays as it is"
            ))
        );
    }
}
