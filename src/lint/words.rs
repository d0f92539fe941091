//! Lints of what a package says of itself: licence, summary, description, address, version.

use std::ops::Range;

use super::{Found, Subject};
use crate::licenses;

/// As wide as rpm's own tools show a line, in characters.
const WIDTH: usize = 79;

pub(super) fn license_expression(subject: &Subject) -> Vec<Found> {
    let license = &subject.recipe.license;
    let error = match spdx::Expression::parse(license) {
        Ok(_) => return Vec::new(),
        // Which `license-deprecated` tells of.
        Err(error) if error.reason == spdx::error::Reason::DeprecatedLicenseId => return Vec::new(),
        Err(error) => error,
    };
    let meant = licenses::of_name(license)
        .map(str::to_owned)
        .or_else(|| spdx::Expression::canonicalize(license).ok().flatten());
    let help = match meant {
        Some(meant) => format!("write license = \"{meant}\""),
        None => "use the identifiers of https://spdx.org/licenses, joined by AND, OR and WITH; a licence that is not there is \
                 LicenseRef-NAME"
            .to_owned(),
    };
    let message = format!("the licence is no SPDX expression: {}", error.reason);
    vec![subject.found(&["license".into()], message, help)]
}

pub(super) fn license_deprecated(subject: &Subject) -> Vec<Found> {
    let Ok(expression) = spdx::Expression::parse_mode(&subject.recipe.license, spdx::ParseMode::LAX) else {
        return Vec::new();
    };
    let ids = expression.requirements().filter_map(|requirement| requirement.req.license.id());
    let old: Vec<&str> = ids.filter(|id| id.is_deprecated()).map(|id| id.name).collect();
    if old.is_empty() {
        return Vec::new();
    }
    let help =
        "SPDX has another identifier for it now: for the GNU licences one that ends with -only or -or-later";
    vec![subject.found(&["license".into()], format!("SPDX has retired {}", old.join(", ")), help)]
}

pub(super) fn license_files(subject: &Subject) -> Vec<Found> {
    let has = |document: &crate::recipe::Document| document.kind == crate::recipe::DocumentKind::License;
    if subject.recipe.documents.iter().any(has) {
        return Vec::new();
    }
    let help = "put upstream's licence text beside the recipe and name it in license-files";
    vec![subject.found(&["license".into()], "the package has no licence text", help)]
}

pub(super) fn summary_long(subject: &Subject) -> Vec<Found> {
    let length = subject.recipe.summary.chars().count();
    if length <= WIDTH {
        return Vec::new();
    }
    let help = format!("say it in {WIDTH} characters; more belongs into `description`");
    vec![subject.found(&["summary".into()], format!("the summary has {length} characters"), help)]
}

pub(super) fn summary_stop(subject: &Subject) -> Vec<Found> {
    match subject.recipe.summary.strip_suffix('.') {
        Some(rest) if !rest.ends_with('.') => {
            vec![subject.found(
                &["summary".into()],
                "the summary ends with a full stop",
                "leave it out: it is no sentence",
            )]
        }
        _ => Vec::new(),
    }
}

pub(super) fn summary_name(subject: &Subject) -> Vec<Found> {
    let name = subject.recipe.name.as_str();
    let begins = |name: &str| {
        let rest = subject.recipe.summary.strip_prefix(name);
        rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
    };
    if !begins(name) && !begins(name.trim_start_matches("mod_")) {
        return Vec::new();
    }
    let help = "say what it does: the name stands beside the summary wherever it is shown";
    vec![subject.found(&["summary".into()], "the summary begins with the module's name", help)]
}

pub(super) fn summary_case(subject: &Subject) -> Vec<Found> {
    // `mod_x …` is told of by its name; a word with a digit or a capital in it (`htaccess2`, `iOS`) is spelt so.
    let word = subject.recipe.summary.split(' ').next().unwrap_or_default();
    if !word.chars().all(|c| c.is_ascii_lowercase()) || !summary_name(subject).is_empty() {
        return Vec::new();
    }
    vec![subject.found(
        &["summary".into()],
        "the summary begins with a small letter",
        "write its first letter large",
    )]
}

pub(super) fn description_missing(subject: &Subject) -> Vec<Found> {
    let Subject { recipe, .. } = subject;
    if recipe.description != recipe.summary {
        return Vec::new();
    }
    let help =
        "say in a paragraph what the module does and what one needs it for: description = \"\"\"…\"\"\"";
    vec![subject.found(&["summary".into()], "the description says no more than the summary", help)]
}

pub(super) fn description_wide(subject: &Subject) -> Vec<Found> {
    let long = subject.recipe.description.lines().find(|line| line.chars().count() > WIDTH);
    let Some(line) = long else { return Vec::new() };
    if subject.recipe.description == subject.recipe.summary {
        return Vec::new();
    }
    let message = format!("a line of the description has {} characters", line.chars().count());
    let help = format!("break lines at {WIDTH} characters: tools show them as they are");
    let found = subject.found(&["description".into()], message, help);
    // The line itself, unless it is written with escapes.
    let at = subject.recipe.text[found.at.start..].find(line).map(|at| found.at.start + at);
    vec![Found { at: at.map_or(found.at.clone(), |at| at..at + line.len()), ..found }]
}

pub(super) fn url_missing(subject: &Subject) -> Vec<Found> {
    if subject.recipe.url.is_some() {
        return Vec::new();
    }
    vec![subject.found(&[], "the package names no page of its project", "add url = \"https://…\"")]
}

pub(super) fn url_http(subject: &Subject) -> Vec<Found> {
    match &subject.recipe.url {
        Some(url) if url.starts_with("http://") => {
            let help = "write https://, where the page is there too";
            vec![subject.found(&["url".into()], "the project's page is named without TLS", help)]
        }
        _ => Vec::new(),
    }
}

pub(super) fn version_form(subject: &Subject) -> Vec<Found> {
    let version = &subject.recipe.version;
    if version.starts_with(|c: char| c.is_ascii_digit()) {
        return Vec::new();
    }
    let help = "begin with the number that upstream counts by: rpm compares versions, and letters are older than digits";
    vec![subject.found(&["version".into()], format!("the version {version:?} begins with no digit"), help)]
}

pub(super) fn release_form(subject: &Subject) -> Vec<Found> {
    let release = &subject.recipe.release;
    if release.chars().all(|c| c.is_ascii_digit() || c == '.')
        && release.starts_with(|c: char| c.is_ascii_digit())
    {
        return Vec::new();
    }
    let help = "count packages of one version: 1, 2, …; the target's distribution is added by itself where that is usual";
    vec![subject.found(&["release".into()], format!("the release {release:?} is no number"), help)]
}

/// What stands in place of what `modgraft new` could not know.
pub(crate) const LEFT: &str = "# to write:";

/// What to do about such a comment.
pub(crate) const LEFT_HELP: &str = "write what the comment asks for, or take the comment out";

/// What the text of a recipe leaves to write, in the words of its comments, each with its bytes.
pub(crate) fn left(text: &str) -> impl Iterator<Item = (Range<usize>, &str)> {
    text.match_indices(LEFT).map(|(at, _)| {
        let end = text[at..].find('\n').map_or(text.len(), |end| at + end);
        (at..end, text[at + LEFT.len()..end].trim())
    })
}

pub(super) fn left_to_write(subject: &Subject) -> Vec<Found> {
    let found =
        |(at, what)| Found { at, message: format!("left to write: {what}"), help: LEFT_HELP.to_owned() };
    left(&subject.recipe.text).map(found).collect()
}
