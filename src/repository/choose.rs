//! Which packages are needed: those that are asked for, and what they require, and what that requires.
//!
//! One version of a name is chosen, of the first repository that has the name, the highest there; where something requires
//! another one, that. Weak dependencies, obsoletes and conflicts count for nothing: what is chosen is unpacked side by side
//! to compile against and not installed. Streams of modules (EL8) are not known: of two streams the higher version is taken.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

use super::package::Package;
use super::pool::{Id, Pool};
use super::relation::Relation;
use super::rich::Requirement;
use super::{Error, Repository, filelists};
use crate::changeset::Glob;
use crate::download::Progress;

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Names of packages; what packages provide, and paths of their files, will do as well.
    pub names: Vec<String>,
    /// rpm's name of a processor. Packages for it and for all (`noarch`) are taken, never those for another.
    pub arch: String,
    /// What is not followed: packages by their names (`glibc-langpack-*`), and requirements by what they say (`perl(*`;
    /// `usr/share/**`, without the slash in front, for paths). What is asked for by name is taken all the same.
    pub leave_out: Vec<Glob>,
}

/// What is needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// By their names; there is one of each name.
    pub packages: Vec<Choice>,
    /// What nobody provides, though something that is chosen requires it.
    pub unresolved: Vec<Unresolved>,
    /// Packages and requirements that were left out, as was asked.
    pub left_out: Vec<String>,
}

/// A package, and why it is needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The package.
    pub package: Package,
    /// `asked for`, or what was required first, and by which package.
    pub because: String,
}

/// A requirement that is not met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unresolved {
    /// As it stands in the metadata.
    pub requirement: String,
    /// The packages that have it.
    pub by: Vec<String>,
}

/// How often the choice begins anew since something requires another version than the one that was chosen first.
const MOST_RESTARTS: usize = 100;

/// Chooses from repositories, of which an earlier one goes before a later one.
///
/// # Errors
/// [`Error::Unknown`] where no repository has what is asked for by name; what goes wrong with filelists.xml, which is
/// fetched only where a file is required that primary.xml does not list.
pub fn choose(
    repositories: &[Repository],
    wanted: &Wanted,
    progress: &dyn Progress,
) -> Result<Chosen, Error> {
    let mut pool = Pool::new(repositories, &wanted.arch);
    let long = |name: &str| name.starts_with('/') && !filelists::in_primary(name);
    let mut all_files = false;
    if wanted.names.iter().any(|name| long(name)) {
        pool.read_filelists(repositories, &wanted.names, progress)?;
        all_files = true;
    }
    loop {
        let chosen = solve(&pool, repositories, wanted)?;
        let missing = chosen
            .unresolved
            .iter()
            .any(|unresolved| unresolved.requirement.split([' ', '(', ')']).any(long));
        if all_files || !missing {
            return Ok(chosen);
        }
        pool.read_filelists(repositories, &wanted.names, progress)?;
        all_files = true;
    }
}

fn solve(pool: &Pool<'_>, repositories: &[Repository], wanted: &Wanted) -> Result<Chosen, Error> {
    let mut allowed = HashMap::new();
    for restarts in 0.. {
        let mut solver = Solver::new(pool, wanted, &allowed, restarts < MOST_RESTARTS);
        match solver.run(repositories) {
            Ok(()) => return Ok(solver.chosen()),
            Err(Stop::Error(error)) => return Err(*error),
            Err(Stop::Anew(name, ids)) => {
                allowed.insert(name, ids);
            }
        }
    }
    unreachable!("the last solver does not begin anew")
}

/// Why a solver stops.
enum Stop<'a> {
    Error(Box<Error>),
    /// Of this name only these will do.
    Anew(&'a str, HashSet<Id>),
}

struct Solver<'p, 'a> {
    pool: &'p Pool<'a>,
    wanted: &'p Wanted,
    /// Names of which only some versions will do.
    allowed: &'p HashMap<&'a str, HashSet<Id>>,
    may_restart: bool,
    /// By name.
    taken: HashMap<&'a str, Id>,
    because: HashMap<Id, String>,
    queue: VecDeque<(&'a Requirement, Id)>,
    seen: HashSet<&'a Requirement>,
    /// Conditional requirements, looked at when all else is decided.
    conditional: Vec<(&'a Requirement, Id)>,
    unresolved: BTreeMap<String, BTreeSet<String>>,
    left_out: BTreeSet<String>,
}

impl<'p, 'a> Solver<'p, 'a> {
    fn new(
        pool: &'p Pool<'a>,
        wanted: &'p Wanted,
        allowed: &'p HashMap<&'a str, HashSet<Id>>,
        may_restart: bool,
    ) -> Self {
        Solver {
            pool,
            wanted,
            allowed,
            may_restart,
            taken: HashMap::new(),
            because: HashMap::new(),
            queue: VecDeque::new(),
            seen: HashSet::new(),
            conditional: Vec::new(),
            unresolved: BTreeMap::new(),
            left_out: BTreeSet::new(),
        }
    }

    fn run(&mut self, repositories: &[Repository]) -> Result<(), Stop<'a>> {
        for name in &self.wanted.names {
            let named = self.pool.named(name);
            let found =
                if named.is_empty() { self.pool.providers(&Relation::any(name)) } else { named.to_vec() };
            let Some(best) = self.best(name, found.iter().copied()) else {
                return Err(Stop::Error(Box::new(self.unknown(name, repositories))));
            };
            self.take(best, "asked for".to_owned());
        }
        loop {
            while let Some((required, by)) = self.queue.pop_front() {
                self.need(required, by)?;
            }
            if !self.decide_conditions()? {
                return Ok(());
            }
        }
    }

    /// The best of what will do, unless another of its name is taken.
    fn best(&self, name: &str, ids: impl Iterator<Item = Id>) -> Option<Id> {
        let will_do = |id: &Id| {
            let name = self.pool.package(*id).name.as_str();
            self.taken.get(name).is_none_or(|taken| taken == id)
                && self.allowed.get(name).is_none_or(|allowed| allowed.contains(id))
        };
        ids.filter(will_do).min_by(|left, right| self.pool.rank(name, *left, *right))
    }

    fn take(&mut self, id: Id, because: String) {
        let entry = self.pool.entry(id);
        if self.taken.insert(&entry.package.name, id).is_none() {
            self.because.insert(id, because);
            self.queue.extend(entry.requires.iter().map(|required| (required, id)));
        }
    }

    fn is_taken(&self, id: Id) -> bool {
        self.because.contains_key(&id)
    }

    fn is_left_out(&self, name: &str) -> bool {
        let name = name.strip_prefix('/').unwrap_or(name);
        self.wanted.leave_out.iter().any(|pattern| pattern.matches(name))
    }

    fn need(&mut self, required: &'a Requirement, by: Id) -> Result<(), Stop<'a>> {
        if self.seen.contains(required) && !self.unresolved.contains_key(&required.to_string()) {
            return Ok(());
        }
        self.seen.insert(required);
        match required {
            Requirement::And(parts) => parts.iter().try_for_each(|part| self.need(part, by)),
            Requirement::Or(parts) => {
                if self.is_there(required) {
                    return Ok(());
                }
                match parts.iter().find(|part| self.can_be(part)) {
                    Some(part) => self.need(part, by),
                    None => {
                        self.miss(required, by);
                        Ok(())
                    }
                }
            }
            Requirement::If(..) | Requirement::Unless(..) => {
                self.conditional.push((required, by));
                Ok(())
            }
            Requirement::Plain(_) | Requirement::With(_) | Requirement::Without(_) => {
                self.need_one(required, by)
            }
        }
    }

    /// What one package has to be.
    fn need_one(&mut self, required: &'a Requirement, by: Id) -> Result<(), Stop<'a>> {
        let all = self.pool.candidates(required);
        if all.iter().any(|id| self.is_taken(*id)) {
            return Ok(());
        }
        let name = leading_name(required);
        if self.is_left_out(name) {
            self.left_out.insert(name.to_owned());
            return Ok(());
        }
        let (out, rest): (Vec<Id>, Vec<Id>) =
            all.into_iter().partition(|id| self.is_left_out(&self.pool.package(*id).name));
        if rest.is_empty() && !out.is_empty() {
            self.left_out.extend(out.into_iter().map(|id| self.pool.package(id).name.clone()));
            return Ok(());
        }
        if let Some(best) = self.best(name, rest.iter().copied()) {
            let because = format!("{required}, for {}", self.pool.package(by).nevra());
            self.take(best, because);
            return Ok(());
        }
        // Another version of what is taken would do: unless something else rules that out, it is taken from the start.
        let blocked = rest.iter().find_map(|id| {
            let name = self.pool.package(*id).name.as_str();
            let will_do = |other: &Id| {
                self.pool.package(*other).name == name
                    && self.allowed.get(name).is_none_or(|allowed| allowed.contains(other))
            };
            let ids: HashSet<Id> = rest.iter().copied().filter(will_do).collect();
            (!ids.is_empty() && self.taken.contains_key(name)).then_some((name, ids))
        });
        match blocked {
            Some((name, ids)) if self.may_restart => Err(Stop::Anew(name, ids)),
            _ => {
                self.miss(required, by);
                Ok(())
            }
        }
    }

    fn miss(&mut self, required: &Requirement, by: Id) {
        let nevra = self.pool.package(by).nevra();
        self.unresolved.entry(required.to_string()).or_default().insert(nevra);
    }

    /// Whether what is taken has it.
    fn is_there(&self, required: &Requirement) -> bool {
        match required {
            Requirement::And(parts) => parts.iter().all(|part| self.is_there(part)),
            Requirement::Or(parts) => parts.iter().any(|part| self.is_there(part)),
            Requirement::If(two, other) => match self.is_there(&two[1]) {
                true => self.is_there(&two[0]),
                false => other.as_ref().is_none_or(|other| self.is_there(other)),
            },
            Requirement::Unless(two, other) => match self.is_there(&two[1]) {
                true => other.as_ref().is_none_or(|other| self.is_there(other)),
                false => self.is_there(&two[0]),
            },
            one => self.pool.candidates(one).into_iter().any(|id| self.is_taken(id)),
        }
    }

    /// Whether there are packages for it.
    fn can_be(&self, required: &Requirement) -> bool {
        match required {
            Requirement::And(parts) => parts.iter().all(|part| self.can_be(part)),
            Requirement::Or(parts) => parts.iter().any(|part| self.can_be(part)),
            Requirement::If(..) | Requirement::Unless(..) => true,
            one => !self.pool.candidates(one).is_empty(),
        }
    }

    /// Asks for what a condition makes needed, one at a time, since it may decide the next. Those that something is there
    /// for come before those that something is missing for, which may still come.
    fn decide_conditions(&mut self) -> Result<bool, Stop<'a>> {
        let due = |solver: &Self, want_present: bool| {
            solver.conditional.iter().enumerate().find_map(|(index, (required, _))| {
                let (two, other, when_there) = match required {
                    Requirement::If(two, other) => (two, other, true),
                    Requirement::Unless(two, other) => (two, other, false),
                    _ => return None,
                };
                let there = solver.is_there(&two[1]);
                if there != want_present {
                    return None;
                }
                let part = if there == when_there { Some(&two[0]) } else { other.as_deref() };
                part.filter(|part| !solver.is_there(part)).map(|part| (index, part))
            })
        };
        let Some((index, part)) = due(self, true).or_else(|| due(self, false)) else { return Ok(false) };
        let (_, by) = self.conditional.remove(index);
        self.need(part, by)?;
        Ok(true)
    }

    fn unknown(&self, name: &str, repositories: &[Repository]) -> Error {
        let others =
            repositories.iter().flat_map(Repository::packages).filter(|package| package.name == name);
        let other_archs: BTreeSet<String> = others.map(|package| package.arch.clone()).collect();
        let alike = |other: &str| {
            let contained = other.contains(name) && name.len() > 3;
            strsim::jaro_winkler(name, other) + if contained { 0.2 } else { 0.0 }
        };
        let mut similar: Vec<(f64, &str)> =
            self.pool.names().map(|other| (alike(other), other)).filter(|(alike, _)| *alike > 0.88).collect();
        similar.sort_by(|left, right| right.0.total_cmp(&left.0).then(left.1.cmp(right.1)));
        Error::Unknown {
            name: name.to_owned(),
            other_archs: other_archs.into_iter().collect(),
            similar: similar.into_iter().take(3).map(|(_, name)| name.to_owned()).collect(),
            places: repositories.iter().map(|repository| repository.place().to_owned()).collect(),
        }
    }

    fn chosen(self) -> Chosen {
        let mut packages: Vec<Choice> = self
            .because
            .into_iter()
            .map(|(id, because)| Choice { package: self.pool.package(id).clone(), because })
            .collect();
        packages.sort_by(|left, right| left.package.name.cmp(&right.package.name));
        let unresolved = self.unresolved.into_iter();
        Chosen {
            packages,
            unresolved: unresolved
                .map(|(requirement, by)| Unresolved { requirement, by: by.into_iter().collect() })
                .collect(),
            left_out: self.left_out.into_iter().collect(),
        }
    }
}

/// The name that stands first.
fn leading_name(required: &Requirement) -> &str {
    match required {
        Requirement::Plain(relation) => &relation.name,
        Requirement::With(parts) => parts.first().map_or("", leading_name),
        Requirement::Without(two) => leading_name(&two[0]),
        _ => "",
    }
}

#[cfg(test)]
mod tests;
