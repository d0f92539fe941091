//! What the shared object would do at load time, read from its ELF structures before any package is written.
//!
//! In: a [`crate::compile::SharedObject`] and a target. Out: an [`Audit`], or the findings as an error.

mod error;
mod finding;
mod hardening;
mod imports;
mod module;

pub use error::Error;
pub use finding::Finding;

use serde::{Deserialize, Serialize};

use crate::compile::SharedObject;
use crate::loader;
use crate::target::{GlibcVersion, Target, elf};

/// Two digits at most.
const LAST: u8 = 99;

/// A shared object that passed.
#[derive(Debug, Clone, Serialize)]
pub struct Audit {
    /// Dynamic symbols that it defines: the module structure, and behind it what the module promises to others.
    pub exports: Vec<String>,
    /// Each undefined symbol and who provides it.
    pub imports: Vec<Import>,
    /// Modules of the target that must be loaded first (`proxy_module` of `mod_proxy.so`).
    pub load_after: Vec<Prerequisite>,
    /// The digits in front of the drop-in's name, where the target's layout has any: the drop-ins of `load_after` come before.
    pub load_order: u8,
    /// NEEDED, in order.
    pub needed: Vec<String>,
    /// Those of `needed` that httpd itself does not load.
    pub own_libraries: Vec<String>,
    /// Libraries that were to be linked and of which nothing is used.
    pub unused_libraries: Vec<String>,
    /// The highest GLIBC version needed.
    pub glibc: Option<GlibcVersion>,
    /// Properties that were verified: `full RELRO`, `NX`, `no text relocations`, `no RPATH`, `no writable code`.
    pub hardening: Vec<String>,
}

/// An undefined symbol.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Import {
    /// The symbol.
    pub symbol: String,
    /// `GLIBC_2.34`, where versioned.
    pub version: Option<String>,
    /// `httpd`, `mod_proxy.so`, `libc.so.6`.
    pub provider: String,
}

/// A module that must be loaded before this one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Prerequisite {
    /// Its structure, as LoadModule names it: `proxy_module`.
    pub symbol: String,
    /// Its file: `mod_proxy.so`.
    pub file: String,
}

/// A module that is loaded before the object, and that need not be the target's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beside {
    /// Its structure and its file.
    pub module: Prerequisite,
    /// What it exports, if it is not the target's.
    pub exports: Vec<String>,
    /// Its own place in the order of loading; 0 where the target has it.
    pub load_order: u8,
}

/// What the object is meant to be.
#[derive(Debug, Clone, Copy, Default)]
pub struct Expect<'a> {
    /// The module structure's C name.
    pub symbol: &'a str,
    /// What it exports besides, for other modules.
    pub exports: &'a [String],
    /// Modules that are loaded before it, whether or not it is bound to them.
    pub beside: &'a [Beside],
    /// Libraries that it was linked with, without `-l`.
    pub libraries: &'a [String],
    /// Libraries whose headers it includes, without `-l`: what it lacks may be theirs.
    pub headers_of: &'a [String],
}

/// Audits a compiled module against the target that it is for.
///
/// # Errors
/// [`Error::Findings`] with all that would keep it from loading or from being safe.
pub fn audit(object: &SharedObject, expect: &Expect<'_>, target: &Target) -> Result<Audit, Error> {
    let data = fs_err::read(&object.file)?;
    let malformed = |reason: String| Error::Malformed { object: object.file.clone(), reason };
    let file = elf::parse(&data).map_err(malformed)?;
    if !file.is_shared_object {
        return Err(malformed("it is an ELF file of another kind".to_owned()));
    }
    let mut findings = Vec::new();
    if elf::header(&object.file).and_then(elf::Header::machine) != Some(target.machine) {
        findings.push(Finding::Machine);
    }
    let exports = module::check(&file, &data, expect, target, &mut findings);
    let imports = imports::resolve(&file, target, expect, &mut findings);
    let hardening = hardening::check(&file, &mut findings);
    if !findings.is_empty() {
        let name = object.file.file_name().unwrap_or(object.file.as_os_str());
        return Err(Error::Findings { object: name.to_string_lossy().into_owned(), findings });
    }
    let mut load_after = imports.load_after;
    load_after.extend(expect.beside.iter().map(|beside| beside.module.clone()));
    let load_after: Vec<Prerequisite> = load_after.into_iter().collect();
    let symbols: Vec<&str> = load_after.iter().map(|prerequisite| prerequisite.symbol.as_str()).collect();
    let behind = expect.beside.iter().map(|beside| beside.load_order.saturating_add(1)).max().unwrap_or(0);
    let name = expect.symbol.strip_suffix("_module").unwrap_or(expect.symbol);
    let load_order = loader::place(target, name, &symbols).order.max(behind.min(LAST));
    let used =
        |library: &String| file.needed.iter().any(|needed| needed.starts_with(&format!("lib{library}.so")));
    Ok(Audit {
        exports,
        imports: imports.imports,
        load_order,
        load_after,
        own_libraries: imports.own_libraries,
        unused_libraries: expect.libraries.iter().filter(|library| !used(library)).cloned().collect(),
        needed: file.needed,
        glibc: imports.glibc,
        hardening,
    })
}
