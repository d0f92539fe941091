//! The record: what became of each declaration, and why.

use std::collections::BTreeMap;

use serde::Serialize;

use super::parts::{Parts, Site};
use crate::c::DeclarationKind;

/// What became of a declaration, for the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fate {
    /// Its first name; the included path for an include; empty for a part of a declaration whose name is not seen.
    pub name: String,
    /// What it is.
    pub kind: DeclarationKind,
    /// Path in upstream's tree.
    pub file: String,
    /// Line of its code in that file after the patches, from 1.
    pub line: u32,
    /// What was done.
    pub outcome: Outcome,
    /// Why, in words.
    pub reason: String,
    /// New names: what it was called, and what it is called in the unit.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub renamed: Vec<(String, String)>,
    /// What the decision rests on.
    pub evidence: Evidence,
}

/// What was done with a declaration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The module's own.
    Kept,
    /// Taken from another file because the module reaches it.
    Inlined,
    /// Left out.
    Dropped,
    /// Changed by the patches where it is no part of the module: what the target has in its place counts.
    Untaken,
    /// Used, and left to a rule: [`crate::flatten::Interface::provided_by`].
    Provided,
    /// Used as the target has it, which differs without harm from what the code was written for.
    Noted,
}

/// What a decision rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Evidence {
    /// The whole file.
    Whole,
    /// What the hunks show, without a base tree: conditions around it are not known.
    Hunks,
}

/// The names of what is [`Outcome::Untaken`], by file; none of a part of a file whose names are not seen.
pub fn untaken(record: &[Fate]) -> BTreeMap<&str, Vec<&str>> {
    let mut files: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for fate in record.iter().filter(|fate| fate.outcome == Outcome::Untaken) {
        let names = files.entry(&fate.file).or_default();
        if !fate.name.is_empty() && !names.contains(&fate.name.as_str()) {
            names.push(&fate.name);
        }
    }
    files
}

/// The fate of the piece at `site`, without renames.
pub(super) fn fate(parts: &Parts, site: Site, outcome: Outcome, reason: impl Into<String>) -> Option<Fate> {
    let part = parts.get(site.part)?;
    let outline = part.file.outline(site.piece)?;
    let name = match outline.kind {
        DeclarationKind::Include => {
            part.includes().find(|(piece, ..)| *piece == site.piece).map(|(_, path, _)| path.to_string())
        }
        _ => outline.names.first().cloned(),
    };
    Some(Fate {
        name: name.unwrap_or_default(),
        kind: outline.kind,
        file: part.path.to_string(),
        line: part.file.line(part.file.code_range(site.piece).start),
        outcome,
        reason: reason.into(),
        renamed: Vec::new(),
        evidence: part.evidence,
    })
}
