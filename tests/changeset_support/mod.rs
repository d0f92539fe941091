//! Changesets from texts, and what is in them.
#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::BTreeMap;
use std::sync::Arc;

use miette::Diagnostic;
use modgraft::changeset::rules::Rule;
use modgraft::changeset::{self, Changeset, Error, FileChange, FileText};
use modgraft::source::{PatchFile, Sources, Tree};

/// Sources of these patches (name, bytes) on a tree of these files (path, bytes).
pub fn sources(patches: &[(&str, &[u8])], base: Option<&[(&str, &[u8])]>) -> Sources {
    let tree = base.map(|files| {
        let files = files.iter().map(|(path, bytes)| ((*path).to_owned(), Arc::from(*bytes)));
        Tree::memory("base".to_owned(), files.collect::<BTreeMap<_, _>>())
    });
    Sources {
        patches: patches.iter().map(|(name, bytes)| PatchFile::new(*name, *bytes, None)).collect(),
        base: tree,
        files: Vec::new(),
        description: String::new(),
    }
}

/// The changeset of one patch without a base tree.
pub fn read(patch: impl AsRef<[u8]>) -> Result<Changeset, Error> {
    changeset::read(&sources(&[("the.patch", patch.as_ref())], None), &[])
}

/// The changeset of one patch on a tree.
pub fn read_on(patch: impl AsRef<[u8]>, base: &[(&str, &[u8])]) -> Result<Changeset, Error> {
    changeset::read(&sources(&[("the.patch", patch.as_ref())], Some(base)), &[])
}

/// Rules as a recipe has them.
pub fn rules(text: &str) -> Vec<Rule> {
    #[derive(serde::Deserialize)]
    struct File {
        classify: Vec<Rule>,
    }
    toml::from_str::<File>(text).expect("rules of a test are well formed").classify
}

pub fn file<'c>(changeset: &'c Changeset, path: &str) -> &'c FileChange {
    changeset
        .files
        .iter()
        .find(|file| file.path == path)
        .unwrap_or_else(|| panic!("no {path} in {:?}", paths(changeset)))
}

pub fn paths(changeset: &Changeset) -> Vec<&str> {
    changeset.files.iter().map(|file| file.path.as_str()).collect()
}

/// The whole text after the change.
pub fn after<'c>(changeset: &'c Changeset, path: &str) -> &'c str {
    match &file(changeset, path).text {
        FileText::Whole { after, .. } => after,
        FileText::Fragments(_) => panic!("{path} is known in fragments only"),
    }
}

/// The known lines with numbers: `12+text` for added ones, `!` behind the number where removed lines stood before; `-text`
/// for removed ones.
pub fn fragments(changeset: &Changeset, path: &str) -> String {
    let FileText::Fragments(fragments) = &file(changeset, path).text else { panic!("{path} is known whole") };
    let mut out = String::new();
    for fragment in fragments {
        for (number, line) in (fragment.start..).zip(&fragment.lines) {
            let after = if line.follows_removal { "!" } else { "" };
            let side = if line.added { "+" } else { " " };
            out.push_str(&format!("{number}{after}{side}{}", line.text));
            if !line.text.ends_with('\n') {
                out.push_str("<no newline>\n");
            }
        }
        for line in &fragment.removed {
            out.push_str(&format!("-{line}"));
        }
    }
    out
}

/// One line a file: action, class, rule, path, hunks.
pub fn listing(changeset: &Changeset) -> String {
    let line = |file: &FileChange| {
        let from = file.renamed_from.as_ref().map(|from| format!(" (was {from})")).unwrap_or_default();
        let from = file.copied_from.as_ref().map(|from| format!(" (copy of {from})")).unwrap_or(from);
        let hunks: Vec<String> =
            file.hunks.iter().map(|h| format!("@{}+{}-{}", h.line, h.added, h.removed)).collect();
        format!(
            "{:?} {} by {}: {}{from} {}",
            file.action,
            file.class.words(),
            file.reason.rule,
            file.path,
            hunks.join(" ")
        )
    };
    changeset.files.iter().map(line).map(|line| line.trim_end().to_owned() + "\n").collect()
}

/// An error as a person would see it: code, message, place, label, help.
pub fn shown(error: &Error) -> String {
    let mut out = format!("{}: {error}\n", error.code().expect("each error has a code"));
    for label in error.labels().into_iter().flatten() {
        let source = error.source_code().expect("a label has a text");
        let place = source.read_span(label.inner(), 0, 0).expect("a label is in its text");
        let text = String::from_utf8_lossy(place.data()).into_owned();
        out.push_str(&format!(
            "  --> {}:{} | {} ({})\n",
            place.name().unwrap_or("?"),
            place.line() + 1,
            text.trim_end(),
            label.label().unwrap_or_default(),
        ));
    }
    out.push_str(&format!("  help: {}\n", error.help().expect("each error has a help")));
    out
}

/// What reading the patch without a base fails with.
pub fn fails(patch: impl AsRef<[u8]>) -> String {
    shown(&read(patch).map(|changeset| panic!("it was read:\n{}", listing(&changeset))).unwrap_err())
}

/// What reading the patch on a tree fails with.
pub fn fails_on(patch: impl AsRef<[u8]>, base: &[(&str, &[u8])]) -> String {
    shown(&read_on(patch, base).map(|changeset| panic!("it was read:\n{}", listing(&changeset))).unwrap_err())
}
