//! The order of inlined declarations: what is used comes first, and where functions call each other, a prototype does.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::parts::{PartKind, Parts, Site};
use super::reach::Reached;
use crate::c::DeclarationKind;

/// A step of the inlined part of the unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The declaration itself.
    Declaration(Site),
    /// The prototype of a function whose definition follows.
    Prototype(Site),
}

impl Step {
    pub fn site(self) -> Site {
        match self {
            Step::Declaration(site) | Step::Prototype(site) => site,
        }
    }
}

/// The inlined declarations in an order that C accepts, as near to that of their files as can be.
pub(super) fn ordered(parts: &Parts, reached: &Reached) -> Vec<Step> {
    let graph = Graph::of(parts, reached);
    let mut roots: Vec<Site> = reached.picked.keys().copied().collect();
    roots.sort_by_key(|site| (parts.get(site.part).is_some_and(|part| !part.is_header()), *site));
    let mut steps = Vec::new();
    let mut entered: HashSet<Site> = HashSet::new();
    let mut done: HashSet<Site> = HashSet::new();
    let mut announced: HashSet<Site> = HashSet::new();
    for root in roots {
        // Each frame: a declaration, and how many of those that it uses were looked at.
        let mut stack: Vec<(Site, usize)> = if entered.insert(root) { vec![(root, 0)] } else { Vec::new() };
        while let Some((site, next)) = stack.last_mut() {
            let used = graph.uses(*site);
            if let Some(dependency) = used.get(*next).copied() {
                *next += 1;
                if entered.insert(dependency) {
                    stack.push((dependency, 0));
                }
                continue;
            }
            let site = *site;
            stack.pop();
            // A function that is used here and still open above calls this one in turn.
            for open in used.iter().filter(|open| **open != site && !done.contains(*open)) {
                if graph.is_function(*open) && announced.insert(*open) {
                    steps.push(Step::Prototype(*open));
                }
            }
            done.insert(site);
            steps.push(Step::Declaration(site));
        }
    }
    steps
}

struct Graph {
    /// Types and macros before functions, so that a prototype never stands before its types.
    uses: BTreeMap<Site, Vec<Site>>,
    functions: HashSet<Site>,
}

impl Graph {
    fn of(parts: &Parts, reached: &Reached) -> Self {
        let mut by_name: HashMap<&str, Vec<Site>> = HashMap::new();
        let mut functions = HashSet::new();
        let declared = |site: Site| parts.get(site.part).and_then(|part| part.file.declaration(site.piece));
        for site in reached.picked.keys().copied() {
            let Some(declaration) = declared(site) else { continue };
            if declaration.kind == DeclarationKind::Function {
                functions.insert(site);
            }
            for name in &declaration.names {
                by_name.entry(name).or_default().push(site);
            }
        }
        let mut uses = BTreeMap::new();
        for site in reached.picked.keys().copied() {
            let (Some(part), Some(declaration)) = (parts.get(site.part), declared(site)) else { continue };
            let mut used: Vec<Site> = declaration
                .uses(part.file.text())
                .into_iter()
                .chain(declaration.conditions.iter().flat_map(|condition| words(condition)))
                .flat_map(|name| by_name.get(name).into_iter().flatten().copied())
                .filter(|other| *other != site && visible(parts, site, *other))
                .collect();
            used.sort_by_key(|other| (functions.contains(other), *other));
            used.dedup();
            uses.insert(site, used);
        }
        Graph { uses, functions }
    }

    fn uses(&self, site: Site) -> &[Site] {
        self.uses.get(&site).map_or(&[], Vec::as_slice)
    }

    fn is_function(&self, site: Site) -> bool {
        self.functions.contains(&site)
    }
}

fn words(condition: &str) -> impl Iterator<Item = &str> {
    condition.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
}

/// Names of another source's own are other things.
fn visible(parts: &Parts, from: Site, to: Site) -> bool {
    let Some(part) = parts.get(to.part) else { return false };
    let private = part.kind == PartKind::SharedSource
        && part.file.declaration(to.piece).is_some_and(super::resolve::is_private);
    from.part == to.part || !private
}
