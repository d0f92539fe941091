//! Who provides each undefined symbol, in the order in which the dynamic linker would look: the program and its libraries,
//! the object's own libraries, and the modules that were loaded before.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::finding::Finding;
use super::{Beside, Expect, Import, Prerequisite};
use crate::target::elf::{Dynamic, Symbol};
use crate::target::objects::Object;
use crate::target::{GlibcVersion, ProviderKind, Target};

/// What the object takes from elsewhere.
#[derive(Debug, Default)]
pub struct Imports {
    pub imports: Vec<Import>,
    pub load_after: BTreeSet<Prerequisite>,
    /// Libraries that httpd itself does not load.
    pub own_libraries: Vec<String>,
    pub glibc: Option<GlibcVersion>,
}

/// Finds the provider of each undefined symbol.
pub fn resolve(
    object: &Dynamic,
    target: &Target,
    expect: &Expect<'_>,
    findings: &mut Vec<Finding>,
) -> Imports {
    let libraries = Libraries(target);
    let program = target.needed();
    let mut undefined: Vec<String> = Vec::new();
    let mut result = Imports {
        own_libraries: object.needed.iter().filter(|name| !program.contains(*name)).cloned().collect(),
        ..Imports::default()
    };
    for library in &object.needed {
        if target.libraries.find(library).is_none() {
            findings.push(Finding::Library { library: library.clone() });
        }
    }
    versions(object, target, &libraries, findings);
    result.glibc = glibc(object, target, findings);
    for symbol in object.symbols.iter().filter(|symbol| symbol.undefined) {
        let provider = match &symbol.library {
            // Whether the library has it in that version was checked by the version alone, as the dynamic linker does.
            Some(library) => Some(library.clone()),
            None => unversioned(symbol, object, program, target, &libraries, &mut result.load_after)
                .or_else(|| of_beside(symbol, expect.beside)),
        };
        match provider {
            Some(provider) => result.imports.push(Import {
                symbol: symbol.name.clone(),
                version: symbol.version.clone(),
                provider,
            }),
            // What is weak may be missing: the object asks before it calls it (_ITM_…, __gmon_start__).
            None if symbol.weak => {}
            None => undefined.push(symbol.name.clone()),
        }
    }
    for library in expect.headers_of {
        let of_library = |symbol: &String| libraries.exports(&format!("lib{library}.so"), symbol);
        let (symbols, others): (Vec<_>, Vec<_>) = undefined.into_iter().partition(of_library);
        if !symbols.is_empty() {
            findings.push(Finding::NotLinked { library: library.clone(), symbols });
        }
        undefined = others;
    }
    findings.extend(undefined.into_iter().map(|symbol| Finding::Undefined { symbol }));
    result.imports.sort_by(|a, b| (&a.provider, &a.symbol).cmp(&(&b.provider, &b.symbol)));
    result
}

/// The module that is loaded before the object and exports the symbol.
fn of_beside(symbol: &Symbol, beside: &[Beside]) -> Option<String> {
    let module = beside.iter().find(|module| module.exports.contains(&symbol.name))?;
    Some(module.module.file.clone())
}

fn unversioned(
    symbol: &Symbol,
    object: &Dynamic,
    program: &[String],
    target: &Target,
    libraries: &Libraries<'_>,
    load_after: &mut BTreeSet<Prerequisite>,
) -> Option<String> {
    let known: Vec<_> = target.symbols().providers(&symbol.name).collect();
    if let Some(always) = known.iter().find(|provider| provider.kind != ProviderKind::Module) {
        return Some(always.name.clone());
    }
    let mut needed = program.iter().chain(&object.needed);
    if let Some(library) = needed.find(|library| libraries.exports(library, &symbol.name)) {
        return Some(library.clone());
    }
    // A module that must be loaded for another symbol's sake is as good as any.
    let prerequisite = |provider: &&&crate::target::Provider| {
        load_after.iter().any(|prerequisite| prerequisite.file == provider.name)
    };
    let loadable = |provider: &&&crate::target::Provider| !provider.modules.is_empty();
    let module = known.iter().filter(loadable).find(prerequisite).or_else(|| known.iter().find(loadable))?;
    let (structure, _) = module.modules.first()?;
    load_after.insert(Prerequisite { symbol: structure.clone(), file: module.name.clone() });
    Some(module.name.clone())
}

/// Versions that the target's libraries do not define. glibc's are told in a finding of their own.
fn versions(object: &Dynamic, target: &Target, libraries: &Libraries<'_>, findings: &mut Vec<Finding>) {
    for (library, version) in &object.needs {
        if version.starts_with("GLIBC_") || target.libraries.find(library).is_none() {
            continue;
        }
        if !libraries.defines(library, version) {
            findings.push(Finding::Version { library: library.clone(), version: version.clone() });
        }
    }
}

fn glibc(object: &Dynamic, target: &Target, findings: &mut Vec<Finding>) -> Option<GlibcVersion> {
    let of = |wanted: &dyn Fn(&str) -> bool| -> Vec<String> {
        let symbols = object.symbols.iter().filter(|symbol| symbol.undefined);
        let matching = symbols.filter(|symbol| symbol.version.as_deref().is_some_and(wanted));
        matching.map(|symbol| symbol.name.clone()).collect()
    };
    if object.needs.iter().any(|(_, version)| version == "GLIBC_PRIVATE") {
        findings.push(Finding::GlibcPrivate { symbols: of(&|version| version == "GLIBC_PRIVATE") });
    }
    let highest = object.needs.iter().filter_map(|(_, version)| GlibcVersion::of_symbol(version)).max()?;
    if highest > target.glibc {
        let symbols =
            of(&|version| GlibcVersion::of_symbol(version).is_some_and(|version| version > target.glibc));
        findings.push(Finding::Glibc { needed: highest, target: target.glibc, symbols });
    }
    Some(highest)
}

/// The target's libraries.
struct Libraries<'t>(&'t Target);

impl Libraries<'_> {
    fn of(&self, library: &str) -> Option<Arc<Object>> {
        self.0.objects().read(&self.0.libraries.find(library)?).ok()
    }

    fn exports(&self, library: &str, symbol: &str) -> bool {
        self.of(library).is_some_and(|object| object.defines(symbol, None))
    }

    fn defines(&self, library: &str, version: &str) -> bool {
        self.of(library).is_some_and(|object| object.dynamic.defines.iter().any(|known| known == version))
    }
}
