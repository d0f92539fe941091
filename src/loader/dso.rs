//! LoadModule and LoadFile (mod_so.c: `load_module`, `load_file`; config.c: `ap_add_module`).

use super::linker::{Failure, Opened, Process};
use super::outcome::{Cause, Directive, Load, Outcome, Place};
use super::reader::{Module, Server, Stop};
use super::{paths, structures};
use crate::target::ModuleStructure;
use crate::target::elf::Symbol;

/// What every structure's name ends with, to httpd.
const SUFFIX: &str = "_module";

impl Server<'_> {
    pub(super) fn load_file(&mut self, written: &str, place: Place) -> Result<(), Stop> {
        let file = paths::merged(&self.root, written);
        let opened = self.open(written, &file);
        self.record(Directive::LoadFile, None, file, place, &opened);
        opened.map(|_| ())
    }

    pub(super) fn load_module(&mut self, symbol: &str, written: &str, place: Place) -> Result<(), Stop> {
        let file = paths::merged(&self.root, written);
        if self.modules.iter().any(|module| !module.built_in && module.symbol == symbol) {
            // Since 2.4 messages have a number; 2.2 prints the text alone.
            let number = if self.dialect.is_2_4 { "AH01574: " } else { "" };
            self.warnings.push(format!("{number}module {symbol} is already loaded, skipping"));
            self.loads.push(Load {
                directive: Directive::LoadModule,
                module: Some(symbol.to_owned()),
                file,
                place,
                outcome: Outcome::Skipped,
                files_before: self.read.len(),
            });
            return Ok(());
        }
        let loaded = self.checked(symbol, written, &file);
        self.record(Directive::LoadModule, Some(symbol), file, place, &loaded);
        loaded.map(|_| ())
    }

    fn record(
        &mut self,
        directive: Directive,
        module: Option<&str>,
        file: String,
        place: Place,
        result: &Result<Option<Used>, Stop>,
    ) {
        let outcome = match result {
            Ok(opened) => {
                let bound = opened.as_ref().map(|used| used.opened.bound.clone()).unwrap_or_default();
                for displaced in bound.iter().filter(|bound| bound.displaced) {
                    self.notes.push(format!(
                        "{file} has a symbol {} of its own, and is bound to that of {}, which is loaded before",
                        displaced.symbol, displaced.provider
                    ));
                }
                Outcome::Loaded { bound }
            }
            Err(_) => Outcome::Refused,
        };
        self.loads.push(Load {
            directive,
            module: module.map(str::to_owned),
            file,
            place,
            outcome,
            files_before: self.read.len(),
        });
    }

    /// `dlopen` of a file, named as the configuration has it and by its path.
    fn open(&mut self, written: &str, file: &str) -> Result<Option<Used>, Stop> {
        let Some(process) = &mut self.process else { return Ok(None) };
        let mut name = file;
        let mut opened = process.open(name, &self.files);
        // 2.4 asks once more for a name without a folder, from the folders of libraries.
        if matches!(opened, Err(Failure::Refused(_))) && self.dialect.is_2_4 && !written.contains('/') {
            name = written;
            opened = process.open(name, &self.files);
        }
        self.limits.append(&mut process.limits);
        match opened {
            Ok(opened) => Ok(Some(Used { opened, name: name.to_owned() })),
            Err(Failure::Refused(refusal)) => {
                let message = format!("Cannot load {written} into server: {refusal}");
                Err(Stop::new(Cause::Linker(refusal), message))
            }
            Err(Failure::Crash(reason)) => Err(Stop::new(Cause::Crash, reason)),
        }
    }

    /// Loads a module's file, and takes the module in if its structure is one of this httpd.
    fn checked(&mut self, symbol: &str, written: &str, file: &str) -> Result<Option<Used>, Stop> {
        let of_file = symbol.strip_suffix(SUFFIX).filter(|name| !name.is_empty());
        let of_file = of_file.map(|name| format!("mod_{name}.c"));
        let is_built_in = |module: &Module| module.built_in && of_file.is_some() && module.file == of_file;
        if self.modules.iter().any(is_built_in) {
            let message = format!("module {symbol} is built-in and can't be loaded");
            return Err(Stop::new(Cause::BuiltIn, message));
        }
        // 2.2 names the whole path in the messages of LoadModule, though not in those of LoadFile.
        let written = if self.dialect.is_2_4 { written } else { file };
        let used = self.open(written, file)?;
        let (Some(used), Some(process)) = (used, &self.process) else {
            let file = structures::file_name_of(self.target, &self.files, file, symbol);
            self.modules.push(Module { symbol: symbol.to_owned(), file, built_in: false, is_mpm: false });
            return Ok(None);
        };
        let (opened, path) = (&used.opened, &used.name);
        let taken = structure(process, opened, symbol, path, self)?;
        let is_mpm = process.mapped(opened.handle).object.dynamic.symbols.iter().any(hooks_mpm);
        let loaded = self.modules.iter().filter(|module| !module.built_in).count();
        if loaded >= self.dialect.most_modules {
            let message = format!(
                "Module \"{}\" could not be loaded, because the dynamic module limit was reached. Please increase \
                 DYNAMIC_MODULE_LIMIT and recompile.",
                taken.file.as_deref().unwrap_or_default()
            );
            return Err(Stop::new(Cause::TooMany, message));
        }
        if let Some(minor) = taken.newer_minor {
            self.notes.push(format!(
                "{path} was compiled for MMN {minor}, and httpd has {}: it may use what is not there",
                self.target.mmn
            ));
        }
        let file = taken.file.map(|file| structures::base_name(&file).to_owned());
        self.modules.push(Module { symbol: symbol.to_owned(), file, built_in: false, is_mpm });
        Ok(Some(used))
    }
}

/// What httpd calls when a module asks to be the one that serves connections: each MPM does, and nothing else.
fn hooks_mpm(symbol: &Symbol) -> bool {
    symbol.undefined && symbol.name == "ap_hook_mpm"
}

/// A file that was loaded.
pub(super) struct Used {
    opened: Opened,
    /// The name under which it was found.
    name: String,
}

/// A structure that httpd takes.
struct Taken {
    /// The C file that it states, with folders.
    file: Option<String>,
    /// The module's MMN, where its minor number is newer than httpd's.
    newer_minor: Option<crate::target::Mmn>,
}

fn structure(
    process: &Process<'_>,
    opened: &Opened,
    symbol: &str,
    path: &str,
    server: &Server<'_>,
) -> Result<Taken, Stop> {
    let target = server.target;
    let missing = || {
        let file = &process.mapped(opened.handle).name;
        let message = format!(
            "Can't locate API module structure `{symbol}' in file {path}: {file}: undefined symbol: {symbol}"
        );
        Stop::new(Cause::NoStructure { module: symbol.to_owned() }, message)
    };
    let mapped = process.mapped(process.symbol(opened.handle, symbol).ok_or_else(missing)?);
    let dynamic = &mapped.object.dynamic;
    let found = mapped.object.definition(symbol, None).ok_or_else(missing)?;
    if !ModuleStructure::is_writable(dynamic, found) {
        let message = format!("httpd writes to {symbol} of {path}, which is constant: it would crash");
        return Err(Stop::new(Cause::Crash, message));
    }
    let data = mapped.content.data();
    // Without an initial value all of it is zero.
    let read = ModuleStructure::read(dynamic, data, found);
    let cookie = read.map_or(0, |structure| structure.cookie);
    let Some(structure) = read.filter(|_| cookie == u64::from(target.cookie)) else {
        let message = format!(
            "API module structure '{symbol}' in file {path} is garbled - expected signature {:08x} but saw {cookie:08x} - \
             perhaps this is not an Apache module DSO, or was compiled for a different Apache version?",
            target.cookie
        );
        return Err(Stop::new(Cause::Garbled, message));
    };
    let relocations = mapped.content.relocations().ok();
    let file =
        relocations.and_then(|relocations| ModuleStructure::file_name(dynamic, data, relocations, found));
    if structure.mmn.major != target.mmn.major {
        // It is an int to httpd.
        let found = structure.mmn.major.cast_signed();
        let message = format!(
            "Module \"{}\" is not compatible with this version of Apache (found {found}, need {}). Please contact the \
             vendor for the correct version.",
            file.as_deref().unwrap_or_default(),
            target.mmn.major
        );
        return Err(Stop::new(
            Cause::Mmn { found: structure.mmn.major, expected: target.mmn.major },
            message,
        ));
    }
    let newer_minor = (structure.mmn.minor > target.mmn.minor).then_some(structure.mmn);
    Ok(Taken { file, newer_minor })
}
