//! Follows the names that the module uses into the shared files, and decides on each declaration that it meets.

mod decide;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

use super::awaited::Awaited;
use super::error::Place;
use super::parts::{AddedInside, Answer, OtherModule, Part, Parts, Site};
use super::record::Outcome;
use super::resolve::{self, Own};
use super::status::Status;
use super::unit::Warning;
use super::{Error, Interface};
use crate::c::{Declaration, DeclarationKind, Linkage, Role, lex, library, macros};

/// What is taken from the shared files.
#[derive(Debug, Default)]
pub(super) struct Reached {
    /// By place: why it is taken.
    pub picked: BTreeMap<Site, Pick>,
    /// Changed declarations that are not taken although they were met: why.
    pub left: BTreeMap<Site, String>,
    /// Functions of which the target has another version: all calls in play go to the copy.
    pub copies: BTreeSet<String>,
    /// Names that inlined code uses and that nobody is known to declare, with their user.
    pub unresolved: BTreeSet<(String, Site)>,
    /// Names that a rule provides, with the rule and the first user.
    pub provided: BTreeMap<String, (String, Site)>,
    /// Functions that are declared otherwise in the target, without harm: how, with the first user.
    pub noted: BTreeMap<String, (String, Site)>,
    /// What the module will not find, and does not say.
    pub warnings: BTreeSet<Warning>,
    /// Names that another module provides and only code under a condition uses.
    pub awaited: Vec<Awaited>,
    pub own: Own,
}

/// A declaration that is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pick {
    /// Functions and variables become `static`; prototypes of what the target exports stay as they are.
    pub make_static: bool,
    pub reason: String,
}

/// A use of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Use {
    name: String,
    by: Site,
    /// No `#if` stands around it, all the way from the module.
    certain: bool,
    /// A condition asks for it: what it is in the target is the answer.
    tested: bool,
    /// Only the name is meant, by which an optional function is found at run time: whoever has it, it is not called here.
    named: bool,
}

impl Use {
    /// What the use is remembered as: a function that is called is another thing than its name.
    fn key(&self) -> String {
        if self.named { format!("apr_OFN_{}_t", self.name) } else { self.name.clone() }
    }
}

/// Names that the tree was not asked for yet, with the file that uses them.
pub(super) type Missing = BTreeSet<(usize, String)>;

/// What another module has to provide.
#[derive(Debug)]
struct Need {
    module: OtherModule,
    names: BTreeSet<String>,
    used: Use,
}

/// Follows all names from the module's own code. With a tree at hand, the second value is what it has to be asked for before
/// the first one counts.
pub(super) fn follow(
    parts: &Parts,
    offered: &dyn Interface,
    copied: &BTreeSet<String>,
    with_tree: bool,
) -> (Result<Reached, Error>, Missing) {
    let mut walk = Walk {
        parts,
        offered,
        copied,
        with_tree,
        reached: Reached { own: Own::of(parts), ..Reached::default() },
        met: HashSet::new(),
        came_by: HashMap::new(),
        tested: HashSet::new(),
        certain: VecDeque::new(),
        uncertain: VecDeque::new(),
        missing: Missing::new(),
        need: None,
    };
    for (part, _) in parts.own() {
        walk.uses_of_own(part);
    }
    // What is certain first, so that a refusal never rests on code that may not be compiled; and level by level, so that it
    // is the one nearest to the module.
    let mut refusal = Ok(());
    while let Some(next) = walk.certain.pop_front().or_else(|| walk.uncertain.pop_front()) {
        refusal = walk.meet(&next);
        if refusal.is_err() {
            break;
        }
    }
    let needed = walk.needs_module();
    let Walk { reached, missing, .. } = walk;
    (needed.and(refusal).map(|()| reached), missing)
}

struct Walk<'a> {
    parts: &'a Parts,
    offered: &'a dyn Interface,
    /// Functions of the target that are not to be used.
    copied: &'a BTreeSet<String>,
    reached: Reached,
    /// Names with the file that sees them; the module's own files and the headers see the same.
    met: HashSet<(Option<usize>, String)>,
    /// How a taken declaration was met first.
    came_by: HashMap<Site, Use>,
    /// Names that a condition asks for, with the file that does; the module's own files are one.
    tested: HashSet<(Option<usize>, String)>,
    certain: VecDeque<Use>,
    uncertain: VecDeque<Use>,
    with_tree: bool,
    missing: Missing,
    /// What the first module that is needed has to provide.
    need: Option<Need>,
}

impl<'a> Walk<'a> {
    fn part(&self, site: Site) -> Option<(&'a Part, &'a Declaration)> {
        let part = self.parts.get(site.part)?;
        Some((part, part.file.declaration(site.piece)?))
    }

    fn uses_of_own(&mut self, at: usize) {
        let Some(part) = self.parts.get(at) else { return };
        for piece in part.solid() {
            self.uses_of(Site { part: at, piece }, true);
        }
    }

    /// Queues what a piece uses.
    fn uses_of(&mut self, by: Site, certain: bool) {
        let Some((part, declaration)) = self.part(by) else { return };
        if declaration.is_dead() {
            return;
        }
        let text = part.file.text();
        let certain = certain && declaration.conditions.is_empty();
        let own_names: HashSet<&str> = declaration.names.iter().map(String::as_str).collect();
        let scope = self.asker(by);
        let mut seen = HashSet::new();
        let mut add = |name: &str, certain: bool, tested: bool, named: bool| {
            if tested {
                self.tested.insert((scope, name.to_owned()));
            }
            if seen.insert((name.to_owned(), certain, tested, named)) {
                let queue = if certain { &mut self.certain } else { &mut self.uncertain };
                queue.push_back(Use { name: name.to_owned(), by, certain, tested, named });
            }
        };
        for identifier in declaration.identifiers.iter().filter(|identifier| identifier.role == Role::Global)
        {
            let Some(name) = text.get(identifier.range.clone()) else { continue };
            if !own_names.contains(name) {
                let certain = certain && !identifier.conditional && !identifier.tested;
                let named = macros::only_names(text, identifier.range.start);
                add(name, certain, identifier.tested, named);
            }
        }
        for condition in &declaration.conditions {
            for token in lex::tokens(condition, 0..condition.len()) {
                let name = token.text(condition);
                if token.kind == lex::TokenKind::Identifier && name != "defined" {
                    add(name, false, true, false);
                }
            }
        }
    }

    fn meet(&mut self, used: &Use) -> Result<(), Error> {
        let from_own = self.parts.get(used.by.part).is_some_and(|part| part.own);
        let sees_private = self.parts.get(used.by.part).is_some_and(|part| part.kind.is_foreign_source());
        let scope = sees_private.then_some(used.by.part);
        if from_own && self.reached.own.has(used.by.part, &used.name) {
            return Ok(());
        }
        if !self.met.insert((scope, used.key())) {
            return Ok(());
        }
        let copied = self.copied.contains(&used.name);
        let declared = self.offered.declared_in(&used.name).filter(|_| !copied);
        let exported = self.offered.exported_by(&used.name).filter(|_| !copied);
        let has = declared.is_some() || exported.is_some();
        if declared.is_none() && !from_own && self.is_structure_of_another(used) {
            return self.refuse(used, |name, (source_code, at, label)| Error::OtherModulesState {
                name,
                source_code,
                at,
                label,
            });
        }
        let mut candidates = resolve::candidates(self.parts, used.by.part, &used.name, has);
        candidates.sites.retain(|site| !used.named || !self.is_function(*site));
        let mut asked = None;
        if !has && !candidates.private {
            if !copied
                && !self.reached.own.shared.contains(&used.name)
                && let Some(rule) = self.offered.provided_by(&used.name)
            {
                // A hook of another new module is not one that the target never runs: that module must be there first.
                if used.name.contains("_hook_") {
                    let Some(answer) = self.ask_tree(used) else { return Ok(()) };
                    if let Some(module) = &answer.module {
                        self.need(used, module);
                        return Ok(());
                    }
                }
                self.leave(&candidates.sites, &format!("the rule {rule} provides it, or rewrites its uses"));
                self.reached.provided.insert(used.name.clone(), (rule, used.by));
                return Ok(());
            }
            if candidates.sites.iter().all(|site| self.announces(*site)) {
                match self.ask_tree(used) {
                    Some(answer) => {
                        let sites = answer.sites.iter().copied();
                        candidates.sites.extend(sites.filter(|site| !used.named || !self.is_function(*site)));
                        asked = Some(answer);
                    }
                    None => return Ok(()),
                }
            }
        }
        // Exported and declared nowhere: upstream's header says how it is called, and its body is never taken.
        if declared.is_none() && exported.is_some() && candidates.sites.is_empty() {
            match self.ask_tree(used) {
                Some(answer) => {
                    let announced = answer.sites.iter().copied().filter(|site| self.announces(*site));
                    candidates.sites.extend(announced);
                }
                None => return Ok(()),
            }
        }
        if candidates.sites.is_empty() {
            if let Some(module) = asked.and_then(|answer| answer.module.as_ref()) {
                self.need(used, module);
                return Ok(());
            }
            return if has { Ok(()) } else { self.met_nowhere(used, from_own) };
        }
        // A shared name is one thing, whoever uses it.
        if scope.is_some() && !candidates.private && !self.met.insert((None, used.key())) {
            return Ok(());
        }
        if !from_own && !candidates.private && self.reached.own.shared.contains(&used.name) {
            return Ok(());
        }
        // A name of another file's own has nothing to do with what the target calls so.
        let has = target_has(declared.as_deref(), exported.as_deref()).filter(|_| !candidates.private);
        if has.is_none()
            && let Some(module) = asked.and_then(|answer| answer.module.as_ref())
            && candidates.sites.iter().any(|site| self.runs(*site) && !self.is_optional(*site))
        {
            self.need(used, module);
            return Ok(());
        }
        let of_tree = asked.is_some_and(|answer| !answer.sites.is_empty());
        match self.decide(used, &candidates, has, declared.is_some()) {
            // The compiler will say so, if it ever reads the place.
            Err(_) if of_tree && !used.certain => Ok(()),
            decided => decided,
        }
    }

    /// Whose conditions a piece is under: a file's, or those of the module's own files together.
    fn asker(&self, site: Site) -> Option<usize> {
        self.parts.get(site.part).is_some_and(|part| !part.own).then_some(site.part)
    }

    /// What the tree has of a name that is known to nobody else; nothing where it is yet to be asked.
    fn ask_tree(&mut self, used: &Use) -> Option<&'a Answer> {
        static NOTHING: Answer = Answer { sites: Vec::new(), module: None };
        let (at, name) = (used.by.part, &used.name);
        // Whoever asks whether a name is there has something else to do where it is not.
        let left = used.tested || !used.certain && self.tested.contains(&(self.asker(used.by), name.clone()));
        let settled = self.reached.own.shared.contains(name)
            || macros::wraps(name)
            || macros::decorates(name)
            || library::has(name);
        if left || !self.with_tree || settled {
            if left {
                // A condition asks, and whoever uses the name without one asks the tree.
                self.met.remove(&(None, used.key()));
                self.met.remove(&(Some(at), used.key()));
            }
            return Some(&NOTHING);
        }
        let known = self.parts.answers.get(&(at, name.clone()));
        if known.is_none() {
            self.missing.insert((at, name.clone()));
        }
        known
    }

    fn announces(&self, site: Site) -> bool {
        self.part(site).is_some_and(|(_, found)| {
            found.kind == DeclarationKind::Prototype
                || found.kind == DeclarationKind::Variable && found.forward
        })
    }

    fn is_function(&self, site: Site) -> bool {
        let kinds = [DeclarationKind::Function, DeclarationKind::Partial];
        self.part(site).is_some_and(|(_, found)| kinds.contains(&found.kind))
    }

    /// Whether a declaration stands for something of a program that runs, not only for the compiler.
    fn runs(&self, site: Site) -> bool {
        self.part(site).is_some_and(|(part, found)| match found.kind {
            DeclarationKind::Function => part.kind.is_foreign_source(),
            DeclarationKind::Variable => found.linkage == Linkage::External,
            kind => matches!(kind, DeclarationKind::Prototype | DeclarationKind::MacroCall),
        })
    }

    /// Whether a declaration is that of an optional function, which the module may do without.
    fn is_optional(&self, site: Site) -> bool {
        self.parts.get(site.part).is_some_and(|part| {
            part.file.code(site.piece).trim_start().starts_with("APR_DECLARE_OPTIONAL_FN")
        })
    }

    /// Whether `&NAME_module` is meant: the key to a module's own configuration.
    fn is_structure_of_another(&self, used: &Use) -> bool {
        let own = &self.reached.own.shared;
        if !used.name.ends_with("_module") || !used.certain || own.contains(&used.name) {
            return false;
        }
        let Some((part, declaration)) = self.part(used.by) else { return false };
        let text = part.file.text();
        let mut named = declaration.identifiers.iter().filter(|found| found.role == Role::Global);
        named.any(|found| {
            text.get(found.range.clone()) == Some(&used.name)
                && text.get(..found.range.start).is_some_and(|before| before.trim_end().ends_with('&'))
        })
    }

    fn refuse(&self, used: &Use, error: impl FnOnce(String, Place) -> Error) -> Result<(), Error> {
        Err(error(used.name.clone(), self.place(used)))
    }

    /// Notes that another module must be there first, for certain or where the compiler reads the place. All that is needed
    /// of it is one refusal.
    fn need(&mut self, used: &Use, module: &OtherModule) {
        if !used.certain {
            let (name, place) = (used.name.clone(), self.place(used));
            self.reached.awaited.push(Awaited { name, module: module.clone(), place });
            return;
        }
        let need = self.need.get_or_insert_with(|| Need {
            module: module.clone(),
            names: BTreeSet::new(),
            used: used.clone(),
        });
        if need.module == *module {
            need.names.insert(used.name.clone());
        }
    }

    fn needs_module(&self) -> Result<(), Error> {
        let Some(Need { module, names, used }) = &self.need else { return Ok(()) };
        Err(Error::needs(module, names, self.place(used)))
    }

    fn met_nowhere(&mut self, used: &Use, from_own: bool) -> Result<(), Error> {
        if self.reached.own.shared.contains(&used.name) {
            return Ok(());
        }
        if !from_own {
            if macros::wraps(&used.name) || macros::decorates(&used.name) {
                return Ok(());
            }
            self.reached.unresolved.insert((used.name.clone(), used.by));
            return Ok(());
        }
        // A header that comes with the module may promise what nobody keeps.
        for (_, part) in self.parts.own().filter(|(_, part)| part.is_header()) {
            let promised = part.file.find(&used.name).any(|(_, declaration)| {
                let announces = declaration.kind == DeclarationKind::Prototype
                    || declaration.kind == DeclarationKind::Variable && declaration.forward;
                announces && declaration.conditions.is_empty() && !declaration.macro_call
            });
            if promised && used.certain {
                let (source_code, at, label) = self.place(used);
                let (name, file) = (used.name.clone(), part.path.to_string());
                return Err(Error::NoProvider { name, file, source_code, at, label });
            }
        }
        for (_, part) in self.parts.donors().filter(|(_, part)| part.is_header() && used.certain) {
            let Some(added) = part.added_inside(&used.name) else { continue };
            let (source_code, at, label) = self.place(used);
            let (name, file) = (used.name.clone(), part.path.to_string());
            return Err(match added {
                AddedInside::Listed => {
                    Error::EnumerationGrown { constant: name, file, source_code, at, label }
                }
                AddedInside::Otherwise => Error::NotSeenWhole { name, file, source_code, at, label },
            });
        }
        Ok(())
    }

    /// The name that the module's own code uses, on the way to `used`.
    fn needed(&self, used: &Use) -> String {
        let mut used = used;
        while let Some(before) = self.came_by.get(&used.by) {
            used = before;
        }
        used.name.clone()
    }

    /// The place of a use for an error, and the way to it in words.
    fn place(&self, used: &Use) -> Place {
        let mut way = Vec::new();
        let mut by = used.by;
        while let Some((_, user)) = self.part(by) {
            way.extend(user.names.first().cloned());
            // The walk goes from the module outwards, so this ends; a limit keeps the label readable.
            match self.came_by.get(&by) {
                Some(before) if way.len() < 8 => by = before.by,
                _ => break,
            }
        }
        way.reverse();
        let label = match way.len() {
            0 => "used here".to_owned(),
            1 => format!("used by {}", way.join("")),
            _ => format!("reached by way of {}", way.join(", ")),
        };
        let part = self.parts.get(used.by.part);
        let source_code =
            part.map_or_else(|| miette::NamedSource::new("", "".into()), |part| part.named_source());
        let at = part.map_or_else(|| (0, 0).into(), |part| part.span_of(used.by.piece, &used.name));
        (source_code, at, label)
    }
}

/// Whether a declaration is that of a hook, with its registration and its run function, or the private state behind them.
fn is_hook(declaration: &Declaration, name: &str) -> bool {
    let hooked = name.contains("_hook_") || name.contains("_run_");
    let kind = matches!(declaration.kind, DeclarationKind::Prototype | DeclarationKind::MacroCall);
    declaration.macro_call && kind && hooked
}

/// Why the target needs no copy of a name, in words.
fn target_has(declared: Option<&str>, exported: Option<&str>) -> Option<String> {
    match (declared, exported) {
        (Some(header), Some(file)) => {
            Some(format!("the target declares it in {header}, and {file} exports it"))
        }
        (Some(header), None) => Some(format!("the target has it in {header}")),
        (None, Some(file)) => Some(format!("{file} of the target exports it")),
        (None, None) => None,
    }
}

impl Reached {
    /// The outcome of a changed declaration of a shared file, and why.
    pub fn outcome(&self, parts: &Parts, site: Site) -> (Outcome, String) {
        if let Some(pick) = self.picked.get(&site) {
            return (Outcome::Inlined, pick.reason.clone());
        }
        let seen = parts.get(site.part).map(|part| part.seen(site.piece));
        let modified = seen.is_some_and(|seen| seen.status == Status::Modified);
        if let Some(why) = self.left.get(&site) {
            return if modified {
                (Outcome::Untaken, format!("{why}: its version counts, not the patch's"))
            } else {
                (Outcome::Dropped, why.clone())
            };
        }
        if modified {
            return (Outcome::Untaken, "the patch changes it, and it is no part of the module".to_owned());
        }
        let why = match seen.map(|seen| seen.whole) {
            Some(false) => {
                "the patch adds it, the hunks do not show all of it, and the module does not reach it"
            }
            _ => "the patch adds it, and the module does not reach it",
        };
        (Outcome::Dropped, why.to_owned())
    }
}
