//! `GRAFT.md`: what of upstream is in the package, what is not, and each place that was changed, for a person.
//!
//! It goes into the package, so it has no time, no path of the machine and nothing of what comes after packaging.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use handlebars::Handlebars;
use serde::Serialize;

use super::graft::Graft;
use crate::adapt::Edit;
use crate::adapt::pack::Risk;
use crate::flatten::{self, Outcome};
use crate::hash::sha256;
use crate::source::{self, SourceSpec};
use crate::templates;

/// The file's name, in the package and in the output folder.
pub const NAME: &str = "GRAFT.md";

/// The template, read once.
static ENGINE: LazyLock<Handlebars<'static>> =
    LazyLock::new(|| templates::built_in(escaped, &[(NAME, include_str!("../../templates/graft.md.hbs"))]));

/// What the template can use: `{{x}}` is text, `{{{x}}}` is Markdown already.
#[derive(Debug, Serialize)]
struct Notes<'a> {
    modgraft: &'static str,
    name: &'a str,
    version: &'a str,
    release: &'a str,
    summary: &'a str,
    httpd: &'a str,
    mmn: String,
    arch: &'a str,
    upstream: Vec<String>,
    left_out: Vec<Reasoned>,
    inlined: Vec<Reasoned>,
    edits: Vec<Shown<'a>>,
    costs: Vec<Cost<'a>>,
    /// What it will not find in the target.
    warnings: Vec<&'a str>,
    overlays: Vec<Overlay>,
    requires: Vec<String>,
    checks: Vec<&'a str>,
}

#[derive(Debug, Serialize)]
struct Reasoned {
    what: String,
    why: String,
}

#[derive(Debug, Serialize)]
struct Shown<'a> {
    number: usize,
    place: String,
    rule: String,
    risk: &'static str,
    note: &'a str,
    finding: &'a str,
    before: String,
    after: String,
    source: &'a str,
}

#[derive(Debug, Serialize)]
struct Cost<'a> {
    rule: String,
    risk: &'static str,
    note: &'a str,
    accepted: bool,
}

#[derive(Debug, Serialize)]
struct Overlay {
    file: String,
    sha256: String,
    message: String,
}

/// The file's text.
pub fn text(graft: &Graft) -> String {
    ENGINE.render(NAME, &notes(graft)).expect("the built-in template names only what Notes has")
}

fn notes(graft: &Graft) -> Notes<'_> {
    let ready = &graft.ready;
    let recipe = &ready.recipe;
    Notes {
        modgraft: env!("CARGO_PKG_VERSION"),
        name: &recipe.name,
        version: &recipe.version,
        release: &recipe.release,
        summary: recipe.summary.trim_end_matches('.'),
        httpd: &ready.target.httpd_version,
        mmn: ready.target.mmn.to_string(),
        arch: &ready.target.machine.name,
        upstream: upstream(graft),
        left_out: left_out(graft),
        inlined: inlined(graft),
        edits: graft.adapted.edits.iter().enumerate().map(|(index, edit)| shown(index + 1, edit)).collect(),
        costs: costs(graft),
        warnings: graft.adapted.unit.warnings.iter().map(|warning| warning.text.as_str()).collect(),
        overlays: graft
            .overlays
            .iter()
            .map(|overlay| Overlay {
                file: code(&overlay.path),
                sha256: code(&sha256(overlay.text.as_bytes())),
                message: overlay.message.clone(),
            })
            .collect(),
        requires: graft.packages_required().iter().map(|name| code(name)).collect(),
        checks: recipe.checks.iter().map(|check| check.name.as_str()).collect(),
    }
}

/// Where the source is from, exactly.
fn upstream(graft: &Graft) -> Vec<String> {
    let ready = &graft.ready;
    let mut all = Vec::new();
    let files = |files: &[String]| files.iter().map(|file| code(file)).collect::<Vec<_>>().join(", ");
    match &ready.spec {
        SourceSpec::Patches { .. } => {}
        SourceSpec::Commit { url, commit } => {
            all.push(format!("commit {} of {}", code(commit), code(&source::portable(url))));
        }
        SourceSpec::Revision { url, commit, files: named } => {
            let at = format!("commit {} of {}", code(commit), code(&source::portable(url)));
            all.push(format!("{} of {at}", files(named)));
        }
        SourceSpec::Release { tarball, sha256, files: named } => {
            let tarball = code(&source::portable(tarball));
            all.push(format!("{} of {tarball}, SHA-256 {}", files(named), code(sha256)));
        }
        SourceSpec::Tree { directory, files: named } => {
            let folder = code(&source::portable(&directory.to_string_lossy()));
            all.push(format!("{} of the folder {folder}", files(named)));
        }
    }
    for patch in &ready.sources.patches {
        all.push(format!("patch {}, SHA-256 {}", code(&patch.name), code(&patch.sha256)));
    }
    if let (SourceSpec::Patches { .. }, Some(tree)) = (&ready.spec, &ready.sources.base) {
        all.push(format!("which applies to {}", code(&source::portable(tree.name()))));
    }
    all
}

/// Files first, each with its hunks where it is kept; then what the patches change in files that are no part of the module.
fn left_out(graft: &Graft) -> Vec<Reasoned> {
    let mut all = Vec::new();
    for file in &graft.ready.changeset.files {
        if file.class.is_stripped() {
            let what = format!("{} ({})", code(&file.path), file.class.words());
            all.push(Reasoned { what, why: file.reason.why.to_string() });
            continue;
        }
        for hunk in file.hunks.iter().filter(|hunk| hunk.class.is_stripped()) {
            let what = format!("{} line {} ({})", code(&file.path), hunk.new_start, hunk.class.words());
            all.push(Reasoned { what, why: hunk.reason.why.to_string() });
        }
    }
    for (file, names) in flatten::untaken(&graft.adapted.unit.record) {
        let names: Vec<String> = names.into_iter().map(code).collect();
        let of = if names.is_empty() { String::new() } else { format!("{} of ", names.join(", ")) };
        let what = format!("the change to {of}{}", code(file));
        all.push(Reasoned { what, why: "it is no part of the module, or the target has its own".to_owned() });
    }
    all
}

fn inlined(graft: &Graft) -> Vec<Reasoned> {
    let fates = graft.adapted.unit.record.iter().filter(|fate| fate.outcome == Outcome::Inlined);
    fates
        .map(|fate| {
            let renamed: String =
                fate.renamed.iter().map(|(from, to)| format!(", {} as {}", code(from), code(to))).collect();
            let place = code(&format!("{}:{}", fate.file, fate.line));
            let what = format!("{} {} from {place}{renamed}", fate.kind.describe(), code(&fate.name));
            Reasoned { what, why: fate.reason.clone() }
        })
        .collect()
}

fn shown(number: usize, edit: &Edit) -> Shown<'_> {
    let place = match edit.file.as_str() {
        "" => "beside upstream's code".to_owned(),
        file => code(&format!("{file}:{}", edit.line)),
    };
    Shown {
        number,
        place,
        rule: code(&edit.rule),
        // No rule can know what a person's own patch costs.
        risk: if edit.rule.starts_with("overlay/") { "a person's to judge" } else { edit.risk.words() },
        note: edit.note.trim_end_matches('.'),
        finding: &edit.finding,
        before: block(&edit.before),
        after: block(&edit.after),
        source: &edit.source,
    }
}

/// Each rule once that costs something.
fn costs(graft: &Graft) -> Vec<Cost<'_>> {
    let mut told = BTreeSet::new();
    let edits = graft.adapted.edits.iter().filter(|edit| edit.risk != Risk::None);
    edits
        .filter(|edit| told.insert((edit.rule.as_str(), edit.note.as_str())))
        .map(|edit| Cost {
            rule: code(&edit.rule),
            risk: edit.risk.words(),
            note: &edit.note,
            accepted: graft.accepted.contains(&edit.rule),
        })
        .collect()
}

/// Text in which nothing is Markdown, in one line.
fn escaped(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut out = String::with_capacity(text.len() + 16);
    let mut before = ' ';
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let inside = before.is_alphanumeric() && letters.peek().is_some_and(|next| next.is_alphanumeric());
        let special = match letter {
            '\\' | '`' | '*' | '[' | ']' | '<' | '>' | '|' | '&' | '~' => true,
            '_' => !inside,
            _ => false,
        };
        if special {
            out.push('\\');
        }
        out.push(if letter.is_control() { ' ' } else { letter });
        before = letter;
    }
    out
}

/// Text as a code span: between more back quotes than it has in a row.
fn code(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let fence = "`".repeat(longest_run(&text) + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// Text as a block of C; nothing where it is empty.
fn block(text: &str) -> String {
    let text = text.trim_matches('\n').trim_end();
    if text.is_empty() {
        return String::new();
    }
    let fence = "`".repeat((longest_run(text) + 1).max(3));
    format!("{fence}c\n{text}\n{fence}")
}

fn longest_run(text: &str) -> usize {
    let mut longest = 0;
    let mut run = 0;
    for letter in text.chars() {
        run = if letter == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_no_markdown() {
        assert_eq!(
            escaped("a *b* <c>\n# d_e _f_ `g` [h](i) & \\"),
            "a \\*b\\* \\<c\\> # d_e \\_f\\_ \\`g\\` \\[h\\](i) \\& \\\\"
        );
        assert_eq!(code("a_b"), "`a_b`");
        assert_eq!(code("`a``b"), "``` `a``b ```");
        assert_eq!(block("int a;\n"), "```c\nint a;\n```");
        assert_eq!(block("/* ``` */"), "````c\n/* ``` */\n````");
        assert_eq!(block("\n"), "");
    }
}
