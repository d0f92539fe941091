//! Clashes of names between the files that become one, and with the target; and what is renamed for them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::parts::{Part, PartKind, Parts, Site};
use super::reach::Reached;
use super::resolve::{defines, is_private};
use super::{Error, Interface};
use crate::c::{Declaration, DeclarationKind, Role, macros};

/// New names. A name is looked up in the file's own list first, then among those of all files.
#[derive(Debug, Default)]
pub(super) struct Renames {
    everywhere: BTreeMap<String, String>,
    /// An entry may say that a name stays as it is.
    in_part: HashMap<usize, BTreeMap<String, String>>,
}

impl Renames {
    /// The new name of `name` where part `part` uses it; nothing where it stays.
    pub fn of(&self, part: usize, name: &str) -> Option<&str> {
        let own = self.in_part.get(&part).and_then(|names| names.get(name));
        own.or_else(|| self.everywhere.get(name)).map(String::as_str).filter(|new| *new != name)
    }

    /// Whether part `part` has no name that changes.
    pub fn is_empty(&self, part: usize) -> bool {
        self.everywhere.is_empty() && !self.in_part.contains_key(&part)
    }
}

/// The pieces that are going to be in the unit.
pub(super) fn in_unit(parts: &Parts, reached: &Reached) -> Vec<Site> {
    let mut sites = Vec::new();
    for (part, file) in parts.own() {
        sites.extend(file.solid().map(|piece| Site { part, piece }));
    }
    sites.extend(reached.picked.keys().copied());
    sites
}

/// Finds the clashes and names the ways out of them.
pub(super) fn clashes(parts: &Parts, reached: &Reached, offered: &dyn Interface) -> Result<Renames, Error> {
    let sites = in_unit(parts, reached);
    let mut owners: BTreeMap<&str, Owners> = BTreeMap::new();
    let mut taken: HashSet<&str> = HashSet::new();
    for site in &sites {
        let Some((part, declaration)) = at(parts, *site) else { continue };
        let text = part.file.text();
        taken.extend(declaration.identifiers.iter().filter_map(|used| text.get(used.range.clone())));
        if !can_clash(part, declaration) {
            continue;
        }
        for name in &declaration.names {
            let entry = owners.entry(name).or_default();
            if part.is_header() || !is_private(declaration) {
                entry.shared.insert(site.part);
            } else {
                entry.private.insert(site.part);
            }
        }
    }
    let mut namer = Namer { parts, offered, taken, renames: Renames::default() };
    for (name, owner) in &owners {
        namer.settle(name, owner, reached);
    }
    namer.check_lookups(&sites)?;
    Ok(namer.renames)
}

fn at(parts: &Parts, site: Site) -> Option<(&Part, &Declaration)> {
    let part = parts.get(site.part)?;
    Some((part, part.file.declaration(site.piece)?))
}

/// The module's own macros are undefined at the end of their file instead, and what only announces can stand twice.
fn can_clash(part: &Part, declaration: &Declaration) -> bool {
    match declaration.kind {
        DeclarationKind::Function | DeclarationKind::Variable | DeclarationKind::Type => {
            defines(declaration) && !declaration.macro_call
        }
        DeclarationKind::Prototype => is_private(declaration),
        DeclarationKind::Macro => part.kind.is_foreign_source() && defines(declaration),
        _ => false,
    }
}

#[derive(Default)]
struct Owners {
    /// Files in which it is one thing for all.
    shared: BTreeSet<usize>,
    /// Files in each of which it is another thing.
    private: BTreeSet<usize>,
}

struct Namer<'a> {
    parts: &'a Parts,
    offered: &'a dyn Interface,
    taken: HashSet<&'a str>,
    renames: Renames,
}

impl Namer<'_> {
    fn settle(&mut self, name: &str, owner: &Owners, reached: &Reached) {
        if reached.copies.contains(name) {
            let new = self.fresh(name, "graft");
            self.renames.everywhere.insert(name.to_owned(), new);
        }
        let declared = self.declared_elsewhere(name);
        let mut is_free = owner.shared.is_empty() && !declared && !reached.copies.contains(name);
        // Another file uses the target's, or an inlined, thing of that name.
        for part in &owner.private {
            if std::mem::take(&mut is_free) {
                continue;
            }
            let several = self.parts.own().filter(|(_, part)| part.kind == PartKind::Module).count() > 1;
            let suffix = self.suffix(*part, several);
            let new = self.fresh(name, &suffix);
            self.renames.in_part.entry(*part).or_default().insert(name.to_owned(), new);
        }
    }

    /// Whether a header of the target declares it that no header of the patches stands for.
    fn declared_elsewhere(&self, name: &str) -> bool {
        let Some(header) = self.offered.declared_in(name) else { return false };
        let replaced = |part: &Part| {
            part.kind == PartKind::PrivateHeader
                && part.path.rsplit_once('/').map_or(&*part.path, |(_, file)| file) == header
        };
        !self.parts.own().any(|(_, part)| replaced(part))
    }

    /// What tells the new name from the old one: the source's own name where several make the module.
    fn suffix(&self, part: usize, several: bool) -> String {
        let Some(part) = self.parts.get(part).filter(|part| part.own && several) else {
            return "graft".to_owned();
        };
        let file = part.path.rsplit_once('/').map_or(&*part.path, |(_, file)| file);
        let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
        stem.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' }).collect()
    }

    fn fresh(&self, name: &str, suffix: &str) -> String {
        let is_free = |new: &String| {
            let used = self.taken.contains(new.as_str())
                || self.offered.declared_in(new).is_some()
                || self.offered.exported_by(new).is_some();
            let given = |names: &BTreeMap<String, String>| names.values().any(|other| other == new);
            !used && !given(&self.renames.everywhere) && !self.renames.in_part.values().any(given)
        };
        let first = format!("{name}_{suffix}");
        if is_free(&first) {
            return first;
        }
        // Only finitely many names are taken.
        let mut number = 2u32;
        loop {
            let next = format!("{name}_{suffix}{number}");
            if is_free(&next) {
                return next;
            }
            number += 1;
        }
    }

    /// A renamed function that is looked up by a string would not be found.
    fn check_lookups(&self, sites: &[Site]) -> Result<(), Error> {
        for site in sites {
            let Some((part, declaration)) = at(self.parts, *site) else { continue };
            if self.renames.is_empty(site.part) {
                continue;
            }
            let text = part.file.text();
            let global: Vec<_> =
                declaration.identifiers.iter().filter(|used| used.role == Role::Global).collect();
            for pair in global.windows(2) {
                let [call, argument] = pair else { continue };
                let called = text.get(call.range.clone()).unwrap_or_default();
                let name = text.get(argument.range.clone()).unwrap_or_default();
                let between = text.get(call.range.end..argument.range.start).unwrap_or_default();
                let direct = between.trim() == "(";
                if macros::stringifies(called) && direct && self.renames.of(site.part, name).is_some() {
                    return Err(Error::LookedUpByName {
                        name: name.to_owned(),
                        source_code: part.named_source(),
                        at: (argument.range.start, argument.range.len()).into(),
                    });
                }
            }
        }
        Ok(())
    }
}
