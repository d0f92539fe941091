//! The module structure: what httpd reads of it before it calls anything (`struct module_struct` of http_config.h).

use object::elf::STT_OBJECT;

use super::Expect;
use super::finding::Finding;
use crate::target::elf::{Dynamic, Symbol};
use crate::target::{ModuleStructure, Target};

/// Symbols that a linker makes visible in any shared object, and that bind nobody.
const LINKER_SYMBOLS: &[&str] = &["_init", "_fini", "_edata", "_end", "__bss_start"];

/// Checks what the object exports: the module structure, as httpd takes it, and nothing that is not meant. Returns all exports,
/// the structure first.
pub fn check(
    object: &Dynamic,
    data: &[u8],
    expect: &Expect<'_>,
    target: &Target,
    findings: &mut Vec<Finding>,
) -> Vec<String> {
    let symbol = expect.symbol;
    let exported: Vec<&Symbol> = object
        .symbols
        .iter()
        .filter(|known| known.exported && !LINKER_SYMBOLS.contains(&known.name.as_str()))
        .collect();
    match exported.iter().find(|known| known.name == symbol) {
        Some(module) => structure(object, data, module, target, findings),
        None => findings.push(Finding::NoModule { symbol: symbol.to_owned() }),
    }
    let mut names: Vec<String> = exported.iter().map(|known| known.name.clone()).collect();
    names.sort_by_key(|name| name != symbol);
    let meant = |name: &String| name == symbol || expect.exports.contains(name);
    let extra: Vec<String> = names.iter().filter(|name| !meant(name)).cloned().collect();
    if !extra.is_empty() {
        findings.push(Finding::Exports { symbol: symbol.to_owned(), extra });
    }
    names
}

fn structure(object: &Dynamic, data: &[u8], module: &Symbol, target: &Target, findings: &mut Vec<Finding>) {
    let bad = |reason: String, help: &str| Finding::BadModule {
        symbol: module.name.clone(),
        reason,
        help: help.to_owned(),
    };
    const DECLARE: &str =
        "it must be declared as `module AP_MODULE_DECLARE_DATA NAME = { STANDARD20_MODULE_STUFF, … }`";
    if module.kind != STT_OBJECT {
        findings.push(bad("it is not a variable".to_owned(), DECLARE));
        return;
    }
    let sizes = target.symbols().all().iter().flat_map(|provider| &provider.modules).map(|(_, size)| *size);
    if let Some(expected) = most_frequent(sizes)
        && expected != module.size
    {
        let reason =
            format!("it has {} bytes, and those of the target's own modules have {expected}", module.size);
        findings.push(bad(reason, DECLARE));
        return;
    }
    if !ModuleStructure::is_writable(object, module) {
        let reason = "it is constant, and httpd, which writes to it, would crash".to_owned();
        findings.push(bad(reason, "drop the `const` from its declaration"));
    }
    let Some(header) = ModuleStructure::read(object, data, module) else {
        findings.push(bad("it has no initial value".to_owned(), DECLARE));
        return;
    };
    if header.cookie != u64::from(target.cookie) {
        let reason = format!("its cookie is {:#x}, and httpd expects {:#x}", header.cookie, target.cookie);
        findings.push(bad(reason, DECLARE));
    } else if header.mmn.major != target.mmn.major || header.mmn.minor > target.mmn.minor {
        findings.push(Finding::Mmn { symbol: module.name.clone(), found: header.mmn, expected: target.mmn });
    }
}

/// The structure's size in the target: that of most of its modules, since a symbol may have the name of a structure without
/// being one.
fn most_frequent(sizes: impl Iterator<Item = u64>) -> Option<u64> {
    let mut counts = std::collections::BTreeMap::new();
    for size in sizes {
        *counts.entry(size).or_insert(0_usize) += 1;
    }
    counts.into_iter().max_by_key(|(_, count)| *count).map(|(size, _)| size)
}
