//! The order of inlined declarations: upstream's own, with what is used of other files in front, and a prototype in front
//! of a function that calls a later one.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::parts::{Parts, Site};
use super::reach::Reached;
use crate::c::lex::{self, TokenKind};
use crate::c::{Declaration, DeclarationKind, Role};

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
            for later in graph.calls(site).iter().filter(|later| **later != site && !done.contains(*later)) {
                if announced.insert(*later) {
                    steps.push(Step::Prototype(*later));
                }
            }
            done.insert(site);
            steps.push(Step::Declaration(site));
        }
    }
    steps
}

struct Graph {
    /// What has to stand in front. Types and macros before functions, so that a prototype never stands before its types.
    uses: BTreeMap<Site, Vec<Site>>,
    calls: BTreeMap<Site, Vec<Site>>,
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
            let mut used: Vec<Site> = needed_before(part.file.text(), declaration)
                .into_iter()
                .chain(declaration.conditions.iter().flat_map(|condition| words(condition)))
                .flat_map(|name| by_name.get(name).into_iter().flatten().copied())
                .filter(|other| *other != site && visible(parts, site, *other))
                .collect();
            used.sort_by_key(|other| (functions.contains(other), *other));
            used.dedup();
            uses.insert(site, used);
        }
        // A later function of the same file needs no more than its prototype in front, and that prototype its types.
        let mut calls = BTreeMap::new();
        let mut before = BTreeMap::new();
        for (site, used) in &uses {
            let called = |other: &&Site| functions.contains(*other);
            let later = |other: &Site| {
                functions.contains(other) && other.part == site.part && other.piece > site.piece
            };
            let of_prototypes = used
                .iter()
                .filter(|other| later(other))
                .flat_map(|other| uses.get(other).into_iter().flatten());
            let of_prototypes = of_prototypes.filter(|other| !functions.contains(other) && *other != site);
            let mut all: Vec<Site> =
                used.iter().filter(|other| !later(other)).chain(of_prototypes).copied().collect();
            all.sort_by_key(|other| (functions.contains(other), *other));
            all.dedup();
            calls.insert(*site, used.iter().filter(called).copied().collect());
            before.insert(*site, all);
        }
        Graph { uses: before, calls }
    }

    fn uses(&self, site: Site) -> &[Site] {
        self.uses.get(&site).map_or(&[], Vec::as_slice)
    }

    fn calls(&self, site: Site) -> &[Site] {
        self.calls.get(&site).map_or(&[], Vec::as_slice)
    }
}

/// The names that have to be declared before a declaration. In a type `struct s *` needs nothing: that is how structures
/// point at each other.
fn needed_before<'t>(text: &'t str, declaration: &Declaration) -> BTreeSet<&'t str> {
    if declaration.kind != DeclarationKind::Type {
        return declaration.uses(text);
    }
    let tokens: Vec<_> = lex::tokens(text, declaration.code..declaration.range.end)
        .filter(|token| token.kind != TokenKind::Comment)
        .collect();
    let pointed_at = |start: usize| {
        let at = tokens.partition_point(|token| token.start < start);
        let before = at.checked_sub(1).and_then(|at| tokens.get(at)).map_or("", |token| token.text(text));
        matches!(before, "struct" | "union") && tokens.get(at + 1).is_some_and(|next| next.is(b'*'))
    };
    let global = declaration.identifiers.iter().filter(|used| used.role == Role::Global);
    global
        .filter(|used| !pointed_at(used.range.start))
        .filter_map(|used| text.get(used.range.clone()))
        .filter(|name| !declaration.names.iter().any(|own| own == name))
        .collect()
}

fn words(condition: &str) -> impl Iterator<Item = &str> {
    condition.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
}

/// Names of another source's own are other things.
fn visible(parts: &Parts, from: Site, to: Site) -> bool {
    let Some(part) = parts.get(to.part) else { return false };
    let private = part.kind.is_foreign_source()
        && part.file.declaration(to.piece).is_some_and(super::resolve::is_private);
    from.part == to.part || !private
}
