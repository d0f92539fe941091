//! Sources of other modules that the patches do not fit: whether that matters shows when the module is known.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use super::error::Refusal;
use super::modules::{ModuleFound, structures};
use super::parse::Hunk;
use super::{Changeset, Class, Error, FileText, text};
use crate::c::DeclarationKind::{Function, MacroCall, Partial, Variable};
use crate::c::{Declaration, DeclarationKind, File, Linkage};

/// Where a file is left out because the patches do not fit it.
pub(super) const RULE: &str = "module.unapplied";

/// A file of another module's that the patches do not fit.
#[derive(Debug)]
pub struct Unapplied {
    pub(super) path: String,
    /// The structures of the modules that it defines.
    pub(super) modules: Vec<String>,
    /// What it has for other files, before the patches and by their hunks.
    names: BTreeSet<String>,
    refusal: Refusal,
}

impl Unapplied {
    /// Nothing where the file, as it is before the hunks, is no module.
    pub(super) fn new(path: &str, before: &[u8], refusal: Refusal) -> Option<Unapplied> {
        let before = text::decode(before).0;
        let modules = if path.ends_with(".c") { structures(&before) } else { Vec::new() };
        (!modules.is_empty()).then(|| Unapplied {
            path: path.to_owned(),
            modules,
            names: names(before, &[Function, Partial, Variable, MacroCall]),
            refusal,
        })
    }

    /// Adds what hunks define.
    pub(super) fn add(&mut self, hunks: &[&Hunk]) {
        for hunk in hunks {
            let new: Vec<u8> = hunk.new_side().flat_map(|line| line.text.iter().copied()).collect();
            // What stands inside a body looks like other declarations here.
            self.names.extend(names(text::decode(&new).0, &[Function, Partial]));
        }
    }

    pub(super) fn refused(&self) -> Error {
        self.refusal.clone().into()
    }
}

/// What a text has for other files, of declarations of these kinds.
fn names(text: Arc<str>, kinds: &[DeclarationKind]) -> BTreeSet<String> {
    let file = File::new(text);
    let is_shared = |found: &&Declaration| kinds.contains(&found.kind) && found.linkage == Linkage::External;
    let shared = file.declarations().filter(is_shared);
    shared.flat_map(|found| found.names.iter().cloned()).collect()
}

impl Changeset {
    /// Leaves out what the patches do not fit, where it is no matter to `module`.
    pub(super) fn without_unapplied(mut self, module: &ModuleFound) -> Result<Changeset, Error> {
        for unapplied in &self.unapplied {
            let others =
                self.files.iter().filter(|file| !file.class.is_stripped() && file.path != unapplied.path);
            let mut texts = others.flat_map(|file| match &file.text {
                FileText::Whole { after, .. } => vec![&**after],
                FileText::Fragments(all) => {
                    all.iter().flat_map(|one| &one.lines).map(|line| line.text.as_str()).collect()
                }
            });
            if texts.any(|text| words(text).iter().any(|word| unapplied.names.contains(*word))) {
                return Err(unapplied.refused());
            }
        }
        let left_out = self.unapplied.iter();
        for (path, modules) in left_out.map(|one| (&one.path, one.modules.join(", "))) {
            let why =
                format!("the patches do not fit it, and nothing of {} uses what {modules} has", module.name);
            for file in self.files.iter_mut().filter(|file| file.path == *path) {
                super::classify::reclassify(file, Class::Other, RULE, why.clone());
            }
        }
        Ok(self)
    }

    /// The files that were left out because the patches do not fit them: path, and why that is no matter.
    pub fn left_out(&self) -> impl Iterator<Item = (&str, &str)> {
        let left_out = self.files.iter().filter(|file| &*file.reason.rule == RULE);
        left_out.map(|file| (file.path.as_str(), &*file.reason.why))
    }
}

fn words(text: &str) -> HashSet<&str> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).collect()
}
