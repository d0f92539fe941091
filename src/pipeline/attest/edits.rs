//! What was done to upstream's code, as data: what GRAFT.md tells a person.

use serde::Serialize;

use crate::adapt::Edit;
use crate::flatten::{Fate, Outcome};
use crate::pipeline::graft::Graft;

/// Each thing that is otherwise than upstream has it.
#[derive(Debug, Serialize)]
pub struct Done<'a> {
    /// Changes that rules and people made, in order.
    edits: &'a [Edit],
    /// What was taken from other files.
    inlined: Vec<&'a Fate>,
    /// What of the patches was left out: files, and hunks of files that were kept.
    stripped: Vec<Stripped<'a>>,
}

#[derive(Debug, Serialize)]
struct Stripped<'a> {
    file: &'a str,
    /// Of the hunk, after the patch; nothing where it is the whole file.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    rule: &'a str,
    why: &'a str,
}

impl<'a> Done<'a> {
    pub fn of(graft: &'a Graft) -> Self {
        let mut stripped = Vec::new();
        for file in &graft.ready.changeset.files {
            if file.class.is_stripped() {
                let (rule, why) = (&*file.reason.rule, &*file.reason.why);
                stripped.push(Stripped { file: &file.path, line: None, rule, why });
                continue;
            }
            for hunk in file.hunks.iter().filter(|hunk| hunk.class.is_stripped()) {
                let (rule, why) = (&*hunk.reason.rule, &*hunk.reason.why);
                stripped.push(Stripped { file: &file.path, line: Some(hunk.new_start), rule, why });
            }
        }
        let inlined = |fate: &&Fate| fate.outcome == Outcome::Inlined;
        Done {
            edits: &graft.adapted.edits,
            inlined: graft.adapted.unit.record.iter().filter(inlined).collect(),
            stripped,
        }
    }
}

/// In one line: what, where and why.
pub fn sentence(edit: &Edit) -> String {
    let place = match edit.file.as_str() {
        "" => String::new(),
        file => format!(" at {file}:{}", edit.line),
    };
    format!("{}{place}: {}; {}", edit.rule, edit.finding, edit.note)
}
