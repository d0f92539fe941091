//! Which headers inlined code needs beside those that the module includes.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::Interface;
use super::parts::{Part, PartKind, Parts, Site};
use super::reach::Reached;
use crate::c::directive::{self, Include};
use crate::c::{DeclarationKind, File, Role};

/// An include to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Added {
    /// As it is written after `#include`.
    pub written: String,
    pub reason: String,
}

/// The includes to add: for inlined code, and for what the module's own includes no longer bring.
pub(super) fn needed(parts: &Parts, reached: &Reached, offered: &dyn Interface) -> Vec<Added> {
    let mut closure = Closure { offered, direct: HashMap::new() };
    // Inlined code stands behind the includes of the first source, and before those of the others.
    let first = parts.own().find(|(_, part)| part.kind == PartKind::Module).map(|(at, _)| at);
    // The target's copy of a header that is in the unit already would say all of it a second time.
    let mut visible: HashSet<String> = brought(parts).map(str::to_owned).collect();
    closure.add_includes(parts, first, &mut visible);
    let mut added: Vec<Added> = Vec::new();
    for site in reached.picked.keys() {
        let Some(part) = parts.get(site.part) else { continue };
        let Some(declaration) = part.file.declaration(site.piece) else { continue };
        let user = declaration.names.first().map_or("inlined code", String::as_str);
        let donors: Vec<&str> = part
            .includes()
            .filter_map(|(_, include, conditional)| match include.0 {
                Include::Quoted(path) if !conditional && offered.has_header(path) => Some(path),
                _ => None,
            })
            .collect();
        for name in declaration.uses(part.file.text()) {
            let Some(header) = offered.declared_in(name) else { continue };
            if visible.contains(&header) {
                continue;
            }
            // Rather the header that upstream's own file includes than the one that it gets by way of it.
            let includes = |path: &&str| closure.of(path).contains(&header);
            let path = match donors.iter().copied().find(includes) {
                Some(path) => path.to_owned(),
                // Without the headers' text nothing is known of what others bring.
                None if offered.read_header(&header).is_none_or(|text| !is_declared_by(&text, name)) => {
                    continue;
                }
                None => header,
            };
            visible.extend(closure.of(&path));
            added.push(Added { written: format!("\"{path}\""), reason: format!("{user} uses {name}") });
        }
    }
    for (at, part) in parts.own() {
        closure.add_includes(parts, Some(at), &mut visible);
        // A header that the module gets by way of others is not asked to bring anything by itself.
        if part.kind == PartKind::Module {
            added.extend(missing_for(at, part, reached, &mut closure, &mut visible));
        }
    }
    added.extend(system_headers(parts, reached));
    added
}

/// The module's own headers, by the names under which a target that has the module ships them.
fn brought(parts: &Parts) -> impl Iterator<Item = &str> {
    let headers = parts.own().filter(|(_, part)| part.is_header());
    headers.filter_map(|(_, part)| part.path.rsplit('/').next())
}

/// Headers of the target that declare what a source uses and that it does not get: in the httpd that it was written for,
/// another header brought them.
fn missing_for(
    at: usize,
    part: &Part,
    reached: &Reached,
    closure: &mut Closure<'_>,
    visible: &mut HashSet<String>,
) -> Vec<Added> {
    let text = part.file.text();
    let mut asked: HashSet<&str> = HashSet::new();
    let mut added = Vec::new();
    for declaration in
        part.file.declarations().filter(|one| one.conditions.is_empty() && !one.names.is_empty())
    {
        let certain =
            declaration.identifiers.iter().filter(|used| used.role == Role::Global && !used.conditional);
        for name in certain.filter_map(|used| text.get(used.range.clone())) {
            if !asked.insert(name) || reached.own.has(at, name) {
                continue;
            }
            let Some(header) = closure.offered.declared_in(name).filter(|header| !visible.contains(header))
            else {
                continue;
            };
            // Without the header's text nothing is known of what others bring.
            let Some(text) = closure.offered.read_header(&header) else { continue };
            if !is_declared_by(&text, name) {
                continue;
            }
            visible.extend(closure.of(&header));
            let user = declaration.names.first().map_or("the module", String::as_str);
            added.push(Added { written: format!("\"{header}\""), reason: format!("{user} uses {name}") });
        }
    }
    added
}

/// Whether a header is the place to get a name from: it may just mention it, and a macro of another name than httpd's own
/// may stand for something of the C library.
fn is_declared_by(text: &Arc<str>, name: &str) -> bool {
    let file = File::new(text.clone());
    let httpd = name.starts_with("ap") || name.starts_with("AP");
    file.find_outline(name).any(|(_, found)| found.kind != DeclarationKind::Macro || httpd)
}

/// For names that no header of httpd declares: the system headers of the file that the code comes from.
fn system_headers(parts: &Parts, reached: &Reached) -> Vec<Added> {
    let unresolved: BTreeSet<Site> = reached.unresolved.iter().map(|(_, site)| *site).collect();
    let mut have: HashSet<&str> = HashSet::new();
    for (_, part) in parts.own() {
        have.extend(part.includes().filter_map(|(_, include, _)| match include.0 {
            Include::System(path) => Some(path),
            _ => None,
        }));
    }
    let mut added = Vec::new();
    for site in unresolved {
        let Some(part) = parts.get(site.part) else { continue };
        for (_, include, conditional) in part.includes() {
            if let Include::System(path) = include.0
                && !conditional
                && have.insert(path)
            {
                added.push(Added {
                    written: format!("<{path}>"),
                    reason: format!("{} includes it", part.path),
                });
            }
        }
    }
    added
}

/// What headers of the target bring with them.
struct Closure<'a> {
    offered: &'a dyn Interface,
    /// What each header includes itself.
    direct: HashMap<String, Vec<String>>,
}

impl Closure<'_> {
    /// Adds what the includes of a file bring, those of the module's own headers too.
    fn add_includes(&mut self, parts: &Parts, from: Option<usize>, visible: &mut HashSet<String>) {
        let mut waiting: Vec<usize> = from.into_iter().collect();
        let mut seen = HashSet::new();
        while let Some(at) = waiting.pop() {
            let Some(part) = parts.get(at).filter(|_| seen.insert(at)) else { continue };
            for (piece, include, _) in part.includes() {
                if let Some(inner) = parts.included.get(&Site { part: at, piece }) {
                    waiting.push(*inner);
                } else if let Include::Quoted(path) | Include::System(path) = include.0 {
                    visible.extend(self.of(path));
                }
            }
        }
    }

    /// `path` and all that it includes.
    fn of(&mut self, path: &str) -> HashSet<String> {
        let mut all = HashSet::new();
        let mut waiting = vec![path.to_owned()];
        while let Some(next) = waiting.pop() {
            if all.contains(&next) {
                continue;
            }
            let offered = self.offered;
            let direct = self.direct.entry(next.clone()).or_insert_with(|| {
                let text = offered.read_header(&next);
                text.map_or(Vec::new(), |text| included(&text))
            });
            waiting.extend(direct.iter().cloned());
            all.insert(next);
        }
        all
    }
}

/// The headers that a text includes, whatever the conditions: what is not compiled in does no harm here.
pub(super) fn included(text: &str) -> Vec<String> {
    directive::includes(text).filter_map(Include::path).map(str::to_owned).collect()
}
