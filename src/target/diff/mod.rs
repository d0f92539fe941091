//! What is otherwise in another target: versions, folders, libraries, exported symbols, prototypes, types, macros.
//!
//! In: two targets with their [`crate::layout::Found`] and their macros. Out: a [`Diff`], from the old one to the new one.
//!
//! An equal module magic number proves nothing of this: httpd compares its major number only, and distributions change
//! structures without touching it.

mod text;
mod types;

pub use types::{ConstantDiff, MemberDiff, Place, TypeDiff};

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::Target;
use crate::layout::{Found, Layout, MacroText, Shape};

/// One side of a comparison.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The target.
    pub target: &'a Target,
    /// Its types.
    pub found: &'a Found,
    /// Its macros.
    pub macros: &'a BTreeMap<String, MacroText>,
}

/// What differs between two targets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diff {
    /// The old target's name.
    pub old: String,
    /// The new target's name.
    pub new: String,
    /// All facts that are told of a target, in order, whether or not they differ.
    pub facts: Vec<Fact>,
    /// Whether httpd would load a module of either: the major module magic numbers are equal. It proves nothing of all below.
    pub same_major: bool,
    /// Libraries that httpd loads, by soname.
    pub libraries: Names,
    /// Module files, and modules that are part of the program.
    pub modules: Names,
    /// Public headers.
    pub headers: Names,
    /// Symbols that nothing exports any more, or that nothing exported before, by who has them.
    pub symbols: BTreeMap<String, Names>,
    /// Symbols that another file exports now: where that is a module, it must be loaded first.
    pub moved_symbols: Vec<Moved>,
    /// Functions and variables that are declared otherwise.
    pub prototypes: Vec<Prototype>,
    /// Types.
    pub types: Names,
    /// Types that both have, and not alike.
    pub changed_types: Vec<TypeDiff>,
    /// Macros of public headers.
    pub macros: Names,
    /// Macros that stand for something else.
    pub changed_macros: Vec<MacroDiff>,
    /// Public headers that do not compile by themselves, of either target: nothing is said of their types.
    pub not_compared: BTreeSet<String>,
}

/// Something that was one thing and is another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Changed<T> {
    /// In the old target.
    pub old: T,
    /// In the new target.
    pub new: T,
}

impl<T: PartialEq> Changed<T> {
    /// None where nothing changed.
    pub fn of(old: T, new: T) -> Option<Self> {
        (old != new).then_some(Changed { old, new })
    }
}

/// Something that is told of a target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fact {
    /// `httpd`, `MMN`, …
    pub what: &'static str,
    /// The old target's.
    pub old: String,
    /// The new target's.
    pub new: String,
}

/// Names that only one of the two has, sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Names {
    /// The old one's.
    pub gone: Vec<String>,
    /// The new one's.
    pub new: Vec<String>,
}

impl Names {
    fn of<T: AsRef<str> + Ord>(old: impl IntoIterator<Item = T>, new: impl IntoIterator<Item = T>) -> Self {
        let (old, new): (BTreeSet<T>, BTreeSet<T>) = (old.into_iter().collect(), new.into_iter().collect());
        let only = |one: &BTreeSet<T>, other: &BTreeSet<T>| {
            one.difference(other).map(|name| name.as_ref().to_owned()).collect()
        };
        Names { gone: only(&old, &new), new: only(&new, &old) }
    }

    /// Whether both have the same.
    pub fn is_empty(&self) -> bool {
        self.gone.is_empty() && self.new.is_empty()
    }
}

/// A symbol that changed its file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Moved {
    /// The symbol.
    pub name: String,
    /// `httpd`.
    pub old: String,
    /// `mod_proxy.so`.
    pub new: String,
}

/// A function or variable that is declared otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Prototype {
    /// Its name.
    pub name: String,
    /// The new target's header.
    pub header: String,
    /// As C writes its type.
    pub old: String,
    /// As C writes its type.
    pub new: String,
}

/// A macro that stands for something else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MacroDiff {
    /// Its name.
    pub name: String,
    /// The new target's header.
    pub header: String,
    /// Parameters and replacement.
    pub old: String,
    /// Parameters and replacement.
    pub new: String,
}

impl Diff {
    /// Compares two targets.
    pub fn between(old: Subject<'_>, new: Subject<'_>) -> Self {
        let (symbols, moved_symbols) = symbols(old.target, new.target);
        let types = |subject: Subject<'_>| subject.found.layouts.types.keys().cloned().collect::<Vec<_>>();
        Diff {
            old: old.target.name.clone(),
            new: new.target.name.clone(),
            facts: facts(old.target, new.target),
            same_major: (old.target.cookie, old.target.mmn.major)
                == (new.target.cookie, new.target.mmn.major),
            libraries: Names::of(libraries(old.target), libraries(new.target)),
            modules: Names::of(modules(old.target), modules(new.target)),
            headers: Names::of(headers(old.target), headers(new.target)),
            symbols,
            moved_symbols,
            prototypes: prototypes(old, new),
            types: Names::of(types(old), types(new)),
            changed_types: changed_types(old, new),
            macros: Names::of(old.macros.keys(), new.macros.keys()),
            changed_macros: changed_macros(old, new),
            not_compared: old
                .found
                .left_out
                .iter()
                .chain(&new.found.left_out)
                .map(|(name, _)| name.clone())
                .collect(),
        }
    }

    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        let names = [&self.libraries, &self.modules, &self.headers, &self.types, &self.macros];
        self.facts.iter().all(|fact| fact.old == fact.new)
            && names.into_iter().all(Names::is_empty)
            && self.symbols.is_empty()
            && self.moved_symbols.is_empty()
            && self.prototypes.is_empty()
            && self.changed_types.is_empty()
            && self.changed_macros.is_empty()
    }
}

fn facts(old: &Target, new: &Target) -> Vec<Fact> {
    type Tell<'a> = (&'static str, &'a dyn Fn(&Target) -> String);
    let tell: [Tell<'_>; 9] = [
        ("httpd", &|target| target.httpd_version.clone()),
        ("MMN", &|target| target.mmn.to_string()),
        ("APR", &|target| target.apr_version.clone()),
        ("glibc", &|target| target.glibc.to_string()),
        ("processor", &|target| target.machine.name.to_owned()),
        ("modules", &|target| target.layout.module_dir.clone()),
        ("load file", &|target| target.layout.load_file.clone()),
        ("directives", &|target| target.layout.directives_file.clone()),
        ("httpd-mmn", &|target| target.layout.mmn_requirement.clone()),
    ];
    tell.into_iter().map(|(what, of)| Fact { what, old: of(old), new: of(new) }).collect()
}

fn libraries(target: &Target) -> Vec<String> {
    target.needed().to_vec()
}

/// `mod_proxy.so`, and `core_module` of those within the program.
fn modules(target: &Target) -> Vec<String> {
    let files = target.symbols().all().iter().filter(|provider| provider.kind == super::ProviderKind::Module);
    let files = files.map(|provider| provider.name.clone());
    let builtin = target.builtin_modules().into_iter().map(|module| format!("{module} (in httpd)"));
    files.chain(builtin).collect()
}

fn headers(target: &Target) -> Vec<String> {
    target.public_headers().into_iter().map(|(name, _)| name).collect()
}

/// Gone and new ones by their provider, and those that have another provider now.
fn symbols(old: &Target, new: &Target) -> (BTreeMap<String, Names>, Vec<Moved>) {
    let first = |target: &Target, name: &str| {
        target.symbols().providers(name).next().map(|provider| provider.name.clone())
    };
    let (before, after) = (old.symbols(), new.symbols());
    let mut by_provider: BTreeMap<String, Names> = BTreeMap::new();
    let mut moved = Vec::new();
    for name in before.names().collect::<BTreeSet<_>>() {
        match (first(old, name), first(new, name)) {
            (Some(old), None) => by_provider.entry(old).or_default().gone.push(name.to_owned()),
            (Some(old), Some(new)) if old != new => moved.push(Moved { name: name.to_owned(), old, new }),
            _ => {}
        }
    }
    for name in after.names().collect::<BTreeSet<_>>() {
        if let (None, Some(new)) = (first(old, name), first(new, name)) {
            by_provider.entry(new).or_default().new.push(name.to_owned());
        }
    }
    (by_provider, moved)
}

fn prototypes(old: Subject<'_>, new: Subject<'_>) -> Vec<Prototype> {
    let after = &new.found.layouts.objects;
    let both = old.found.layouts.objects.iter().filter_map(|(name, old)| Some((name, old, after.get(name)?)));
    both.filter(|(_, old, new)| old.type_name != new.type_name)
        .map(|(name, old, new)| Prototype {
            name: name.clone(),
            header: new.header.clone(),
            old: old.type_name.clone(),
            new: new.type_name.clone(),
        })
        .collect()
}

fn changed_types(old: Subject<'_>, new: Subject<'_>) -> Vec<TypeDiff> {
    let after = &new.found.layouts.types;
    let both = old.found.layouts.types.iter().filter_map(|(name, old)| Some((name, old, after.get(name)?)));
    // A typedef of a type that is told itself has nothing to add.
    let told = |old: &Layout, new: &Layout| match (&old.shape, &new.shape) {
        (Shape::Alias(old), Shape::Alias(new)) => old == new && after.contains_key(new),
        _ => false,
    };
    both.filter(|(_, old, new)| !told(old, new))
        .filter_map(|(name, old, new)| types::compare(name, old, new))
        .collect()
}

fn changed_macros(old: Subject<'_>, new: Subject<'_>) -> Vec<MacroDiff> {
    let both = old.macros.iter().filter_map(|(name, old)| Some((name, old, new.macros.get(name)?)));
    both.filter(|(_, old, new)| old.text != new.text)
        .map(|(name, old, new)| MacroDiff {
            name: name.clone(),
            header: new.header.clone(),
            old: old.text.clone(),
            new: new.text.clone(),
        })
        .collect()
}
