//! Which headers inlined code needs beside those that the module includes.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::Interface;
use super::parts::{Parts, Site};
use super::reach::Reached;
use crate::c::directive::{self, Directive, Include};

/// An include to be added, as it is written after `#include`.
pub(super) type Added = (String, String);

/// The includes to add for inlined code, each with the reason.
pub(super) fn needed(parts: &Parts, reached: &Reached, offered: &dyn Interface) -> Vec<Added> {
    let mut closure = Closure { offered, known: HashMap::new() };
    let mut visible: HashSet<String> = HashSet::new();
    for (_, part) in parts.own() {
        for (_, include, _) in part.includes() {
            if let Include::Quoted(path) | Include::System(path) = include.0 {
                visible.extend(closure.of(path));
            }
        }
    }
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
            let path = donors.iter().copied().find(includes).unwrap_or(&header).to_owned();
            visible.extend(closure.of(&path));
            added.push((format!("\"{path}\""), format!("{user} uses {name}")));
        }
    }
    added.extend(system_headers(parts, reached));
    added
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
                added.push((format!("<{path}>"), format!("{} includes it", part.path)));
            }
        }
    }
    added
}

/// What a header of the target brings with it.
struct Closure<'a> {
    offered: &'a dyn Interface,
    known: HashMap<String, HashSet<String>>,
}

impl Closure<'_> {
    /// `path` and all that it includes.
    fn of(&mut self, path: &str) -> HashSet<String> {
        if let Some(known) = self.known.get(path) {
            return known.clone();
        }
        let mut all = HashSet::new();
        let mut waiting = vec![path.to_owned()];
        while let Some(next) = waiting.pop() {
            if !all.insert(next.clone()) {
                continue;
            }
            if let Some(text) = self.offered.read_header(&next) {
                waiting.extend(included(&text));
            }
        }
        self.known.insert(path.to_owned(), all.clone());
        all
    }
}

/// The headers that a text includes, whatever the conditions: what is not compiled in does no harm here.
fn included(text: &str) -> Vec<String> {
    let lines = memchr::memmem::find_iter(text.as_bytes(), b"include").filter_map(|at| {
        let start = text.get(..at)?.rfind('\n').map_or(0, |end| end + 1);
        let before = text.get(start..at)?;
        if before.trim_start().strip_prefix('#')?.trim().is_empty() {
            text.get(start..)?.lines().next()
        } else {
            None
        }
    });
    let found = lines.filter_map(|line| match directive::read(line, 0..line.len()) {
        Directive::Include(Include::Quoted(path) | Include::System(path)) => Some(path.to_owned()),
        _ => None,
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn includes_are_found_without_reading_the_rest() {
        let text =
            "/* include \"no.h\" */\n#include \"a.h\"\n # include <b/c.h>\nint include;\n#define include 1";
        assert_eq!(included(text), ["a.h", "b/c.h"]);
    }
}
