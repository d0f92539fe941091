//! All lints: the one place that knows them.

use super::{Found, Severity, Subject, checks, history, source, words};

/// Something that is looked for in recipes.
#[derive(Debug)]
pub struct Lint {
    /// What it is called, in findings and in `[lint] allow`.
    pub name: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What is wrong, in one line.
    pub about: &'static str,
    /// Why that matters.
    pub why: &'static str,
    /// Looks for it.
    pub(super) look: fn(&Subject) -> Vec<Found>,
}

/// A recipe that cannot be understood; it cannot be allowed.
pub static UNREADABLE: Lint = Lint {
    name: "unreadable",
    severity: Severity::Error,
    about: "The recipe cannot be understood",
    why: "It is no TOML, a key is missing or unknown, or a value cannot be. Nothing else is looked at.",
    look: |_| Vec::new(),
};

/// All that recipes can allow, by what they are about.
pub static LINTS: &[Lint] = &[
    Lint {
        name: "license-expression",
        severity: Severity::Error,
        about: "The licence is no SPDX expression",
        why: "rpm's own tools, distributions and SBOMs read the licence as an SPDX expression; what is none, nobody can check.",
        look: words::license_expression,
    },
    Lint {
        name: "license-deprecated",
        severity: Severity::Warning,
        about: "The licence has an identifier that SPDX has retired",
        why: "`GPL-2.0` does not say whether a later version may be chosen: `GPL-2.0-only` and `GPL-2.0-or-later` do.",
        look: words::license_deprecated,
    },
    Lint {
        name: "license-files",
        severity: Severity::Warning,
        about: "The package has no licence text",
        why: "Most licences, the Apache License among them, ask that their text goes with each copy.",
        look: words::license_files,
    },
    Lint {
        name: "summary-long",
        severity: Severity::Warning,
        about: "The summary is longer than a line",
        why: "Tools show the summary beside the name, in one line; rpmlint complains beyond 79 characters.",
        look: words::summary_long,
    },
    Lint {
        name: "summary-stop",
        severity: Severity::Warning,
        about: "The summary ends with a full stop",
        why: "A summary is a title; rpmlint complains too.",
        look: words::summary_stop,
    },
    Lint {
        name: "summary-name",
        severity: Severity::Warning,
        about: "The summary begins with the module's name",
        why: "The name stands beside it wherever it is shown; rpmlint complains too.",
        look: words::summary_name,
    },
    Lint {
        name: "summary-case",
        severity: Severity::Note,
        about: "The summary begins with a small letter",
        why: "Summaries stand beneath one another in lists of packages; rpmlint complains too.",
        look: words::summary_case,
    },
    Lint {
        name: "description-missing",
        severity: Severity::Warning,
        about: "The description says no more than the summary",
        why: "It is all that an administrator can read before the installation.",
        look: words::description_missing,
    },
    Lint {
        name: "description-wide",
        severity: Severity::Warning,
        about: "A line of the description is wide",
        why: "rpm shows the lines as they are; rpmlint complains beyond 79 characters.",
        look: words::description_wide,
    },
    Lint {
        name: "url-missing",
        severity: Severity::Note,
        about: "The package names no page of its project",
        why: "Who finds the package installed looks for its manual and for its authors.",
        look: words::url_missing,
    },
    Lint {
        name: "url-http",
        severity: Severity::Note,
        about: "The project's page is named without TLS",
        why: "Who follows the address can be led elsewhere.",
        look: words::url_http,
    },
    Lint {
        name: "version-form",
        severity: Severity::Warning,
        about: "The version begins with no digit",
        why: "rpm takes letters for older than digits: `v1.0` would be older than `0.9`, and never replaced by it.",
        look: words::version_form,
    },
    Lint {
        name: "release-form",
        severity: Severity::Warning,
        about: "The release is no number",
        why: "The release counts packages of one version. What a distribution adds to it (`.el9`) is added for each target.",
        look: words::release_form,
    },
    Lint {
        name: "left-to-write",
        severity: Severity::Warning,
        about: "Something that `modgraft new` could not know is left to write",
        why: "It stands as a comment in the place where it belongs.",
        look: words::left_to_write,
    },
    Lint {
        name: "file-missing",
        severity: Severity::Error,
        about: "A file that the recipe names is not there",
        why: "A build stops at it.",
        look: source::file_missing,
    },
    Lint {
        name: "patch-unused",
        severity: Severity::Warning,
        about: "A patch stands beside the recipe and is not named",
        why: "Most often a patch that was meant to be applied and is not.",
        look: source::patch_unused,
    },
    Lint {
        name: "revision-moves",
        severity: Severity::Warning,
        about: "A tree is named by a branch or a tag",
        why: "What is built tomorrow may be something else: the same recipe gives the same package only where all of its source is named by digests.",
        look: source::revision_moves,
    },
    Lint {
        name: "source-local",
        severity: Severity::Warning,
        about: "The source is on this machine only",
        why: "On another machine, in CI or in a build service the recipe cannot be built.",
        look: source::source_local,
    },
    Lint {
        name: "source-http",
        severity: Severity::Warning,
        about: "The source is fetched without TLS",
        why: "Who is on the way can read and withhold it. That it is what it should be, its digest tells.",
        look: source::source_http,
    },
    Lint {
        name: "checks-missing",
        severity: Severity::Warning,
        about: "The recipe has no checks",
        why: "A module that is loaded can still do nothing, or the wrong thing, in an httpd that it was not written for.",
        look: checks::missing,
    },
    Lint {
        name: "checks-only-parsed",
        severity: Severity::Note,
        about: "No check sends a request",
        why: "That httpd accepts a directive shows that the module is there, and not that it works.",
        look: checks::only_parsed,
    },
    Lint {
        name: "checks-same-name",
        severity: Severity::Warning,
        about: "Two checks have one name",
        why: "A result is found by its check's name.",
        look: checks::same_name,
    },
    Lint {
        name: "risk-accepted",
        severity: Severity::Warning,
        about: "A rule that changes what the module does is accepted",
        why: "`modgraft explain RULE` says what it costs. It is told of until a person allows this lint, and has decided so.",
        look: checks::risk_accepted,
    },
    Lint {
        name: "changelog-missing",
        severity: Severity::Warning,
        about: "The package has no changelog",
        why: "rpm shows it to administrators, and its newest day is the time in the packages.",
        look: history::missing,
    },
    Lint {
        name: "changelog-order",
        severity: Severity::Error,
        about: "The changelog's newest entry does not stand first",
        why: "rpmbuild refuses a spec with such a changelog, and the source package could not be rebuilt.",
        look: history::order,
    },
    Lint {
        name: "changelog-version",
        severity: Severity::Warning,
        about: "The changelog's newest entry is of another version",
        why: "rpmlint complains: either the entry or the version was forgotten.",
        look: history::version,
    },
    Lint {
        name: "changelog-author",
        severity: Severity::Warning,
        about: "An author in the changelog is no name with an address",
        why: "rpm's form is `Name <address>`; tools that read it look for the address.",
        look: history::author,
    },
];

/// The lint of this name.
pub fn find(name: &str) -> Option<&'static Lint> {
    LINTS.iter().chain([&UNREADABLE]).find(|lint| lint.name == name)
}

/// What may have been meant by a name that no lint has, in words.
pub fn nearest(name: &str) -> String {
    let all = LINTS.iter().map(|lint| (strsim::damerau_levenshtein(name, lint.name), lint.name));
    match all.min() {
        Some((distance, near)) if distance <= name.chars().count().max(6) / 3 => {
            format!("did you mean `{near}`?")
        }
        _ => "`modgraft lint --explain` lists all lints".to_owned(),
    }
}
