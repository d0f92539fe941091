//! The packages of all repositories for one processor, and who provides what.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

use super::package::{Entry, Package};
use super::relation::Relation;
use super::rich::Requirement;
use super::{Error, Repository, filelists};
use crate::download::Progress;

/// A package's number in a pool.
pub(super) type Id = usize;

/// Packages that can be chosen from.
pub(super) struct Pool<'a> {
    /// With the number of their repository.
    entries: Vec<(usize, &'a Entry)>,
    names: HashMap<&'a str, Vec<Id>>,
    provides: HashMap<&'a str, Vec<(Id, &'a Relation)>>,
    files: HashMap<&'a str, Vec<Id>>,
    /// From filelists.xml.
    more_files: HashMap<String, Vec<Id>>,
}

impl<'a> Pool<'a> {
    /// What is for `arch`, or for all.
    pub fn new(repositories: &'a [Repository], arch: &str) -> Self {
        let mut pool = Pool {
            entries: Vec::new(),
            names: HashMap::new(),
            provides: HashMap::new(),
            files: HashMap::new(),
            more_files: HashMap::new(),
        };
        for (number, repository) in repositories.iter().enumerate() {
            for entry in &repository.entries {
                if entry.package.arch != arch && entry.package.arch != "noarch" {
                    continue;
                }
                let id = pool.entries.len();
                pool.entries.push((number, entry));
                pool.names.entry(&entry.package.name).or_default().push(id);
                for relation in &entry.provides {
                    pool.provides.entry(&relation.name).or_default().push((id, relation));
                }
                for file in &entry.files {
                    pool.files.entry(file).or_default().push(id);
                }
            }
        }
        pool
    }

    pub fn entry(&self, id: Id) -> &'a Entry {
        self.entries[id].1
    }

    pub fn package(&self, id: Id) -> &'a Package {
        &self.entries[id].1.package
    }

    pub fn names(&self) -> impl Iterator<Item = &'a str> + '_ {
        self.names.keys().copied()
    }

    /// Those that are called so.
    pub fn named(&self, name: &str) -> &[Id] {
        self.names.get(name).map_or(&[], Vec::as_slice)
    }

    /// Those that provide it; a path, by having the file.
    pub fn providers(&self, required: &Relation) -> Vec<Id> {
        let found = self.exactly(required);
        if !found.is_empty() || !required.name.starts_with('/') {
            return found;
        }
        // The same file where /bin and /usr/bin, or bin and sbin, are one folder.
        let other = |name: String| self.exactly(&Relation { name, versions: required.versions.clone() });
        let merged = match required.name.strip_prefix("/usr") {
            Some(short) => short.to_owned(),
            None => format!("/usr{}", required.name),
        };
        let found = other(merged);
        if found.is_empty() { other(required.name.replace("/sbin/", "/bin/")) } else { found }
    }

    fn exactly(&self, required: &Relation) -> Vec<Id> {
        let relations = self.provides.get(required.name.as_str()).into_iter().flatten();
        let mut found: Vec<Id> =
            relations.filter(|(_, has)| has.satisfies(required)).map(|(id, _)| *id).collect();
        if required.name.starts_with('/') {
            found.extend(self.files.get(required.name.as_str()).into_iter().flatten());
            found.extend(self.more_files.get(&required.name).into_iter().flatten());
        }
        // A package has its provides in a row.
        found.dedup();
        found
    }

    /// Those that are all of it: a requirement that one package has to satisfy. Others have none.
    pub fn candidates(&self, required: &Requirement) -> Vec<Id> {
        match required {
            Requirement::Plain(relation) => self.providers(relation),
            Requirement::With(parts) => {
                let mut parts = parts.iter().map(|part| self.candidates(part));
                let first = parts.next().unwrap_or_default();
                parts.fold(first, |found, part| found.into_iter().filter(|id| part.contains(id)).collect())
            }
            Requirement::Without(two) => {
                let not = self.candidates(&two[1]);
                self.candidates(&two[0]).into_iter().filter(|id| !not.contains(id)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Which of two is rather taken for what is called `name`: what has that very name, what is of an earlier repository,
    /// what has the shorter name, and the newer.
    pub fn rank(&self, name: &str, left: Id, right: Id) -> Ordering {
        let ((of, a), (other, b)) = (self.entries[left], self.entries[right]);
        let (a, b) = (&a.package, &b.package);
        (b.name == name)
            .cmp(&(a.name == name))
            .then(of.cmp(&other))
            .then_with(|| a.name.len().cmp(&b.name.len()))
            .then_with(|| a.name.cmp(&b.name))
            .then_with(|| a.newer_first(b))
    }

    /// Learns from filelists.xml who has the files that are required anywhere, and `also`.
    pub fn read_filelists(
        &mut self,
        repositories: &[Repository],
        also: &[String],
        progress: &dyn Progress,
    ) -> Result<(), Error> {
        let mut paths: HashSet<&str> = HashSet::new();
        for (_, entry) in &self.entries {
            entry.requires.iter().for_each(|required| collect(required, &mut paths));
        }
        paths.extend(also.iter().map(String::as_str).filter(|name| name.starts_with('/')));
        paths.retain(|path| !filelists::in_primary(path));
        for (number, repository) in repositories.iter().enumerate() {
            let ids: HashMap<&str, Id> = self
                .entries
                .iter()
                .enumerate()
                .filter(|(_, (of, _))| *of == number)
                .map(|(id, (_, entry))| (entry.package.checksum.hex(), id))
                .collect();
            for (path, owners) in repository.owners(&paths, progress)? {
                let found = owners.iter().filter_map(|checksum| ids.get(checksum.as_str()).copied());
                self.more_files.entry(path).or_default().extend(found);
            }
        }
        Ok(())
    }
}

/// The paths in a requirement.
fn collect<'a>(required: &'a Requirement, paths: &mut HashSet<&'a str>) {
    match required {
        Requirement::Plain(relation) => {
            if relation.name.starts_with('/') {
                paths.insert(&relation.name);
            }
        }
        Requirement::And(parts) | Requirement::Or(parts) | Requirement::With(parts) => {
            parts.iter().for_each(|part| collect(part, paths));
        }
        Requirement::Without(two) => two.iter().for_each(|part| collect(part, paths)),
        Requirement::If(two, other) | Requirement::Unless(two, other) => {
            two.iter().chain(other.as_deref()).for_each(|part| collect(part, paths));
        }
    }
}
