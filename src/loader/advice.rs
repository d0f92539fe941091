//! What to do about a refusal.

use super::files::Files;
use super::linker::Refusal;
use super::outcome::{Cause, Simulation};
use super::reader::Stop;
use super::{Laid, Options, paths, survey};
use crate::target::objects::Object;
use crate::target::{ProviderKind, Target};

/// The advice on an error.
pub(super) fn of(target: &Target, options: &Options, stop: &Stop) -> String {
    let at = |what: &str| match &stop.place {
        Some(place) => format!("{what} at line {} of {}", place.line, place.file),
        None => what.to_owned(),
    };
    match &stop.cause {
        Cause::Linker(Refusal::Undefined { symbol, version: None, .. }) => {
            undefined(target, options, stop, symbol)
        }
        Cause::Linker(Refusal::Undefined { .. } | Refusal::Version { .. }) => {
            "build the file with the libraries of this target: it was linked with newer ones".to_owned()
        }
        Cause::Linker(Refusal::Library { library, needed_by }) => {
            format!("install the package with {library} on the target: {needed_by} needs it")
        }
        Cause::Linker(Refusal::File { file, .. }) => {
            let files = Files::new(target.roots(), &options.laid);
            match files.kind(file) {
                Ok(_) => format!("put a shared object of the target's processor there, {}", at("or correct the path")),
                Err(_) => format!("install the package with {file}, {}", at("or correct the path")),
            }
        }
        Cause::NoStructure { module } => {
            format!("{}: {module} is not what the file has", at("name the file's own module structure"))
        }
        Cause::Garbled => "build the module with the headers of this target's httpd; another kind of library is loaded with LoadFile".to_owned(),
        Cause::Mmn { .. } => "build the module with the headers of this target's httpd".to_owned(),
        Cause::BuiltIn => at("remove the LoadModule"),
        Cause::TooMany => "switch modules off that are not used".to_owned(),
        Cause::Mpm => "load exactly one of the modules mpm_event_module, mpm_worker_module, mpm_prefork_module".to_owned(),
        Cause::Configuration => at("correct what stands"),
        Cause::Crash => "build the module anew, and do not load it as it is".to_owned(),
    }
}

/// Who has a symbol, and what must be done to have it loaded before.
fn undefined(target: &Target, options: &Options, stop: &Stop, symbol: &str) -> String {
    let all = survey(target, options).ok();
    // A file that is laid over the target's is the one that httpd loads.
    let is_replaced = |name: &str| {
        let files = options.laid.iter().filter(|(_, laid)| matches!(laid, Laid::File(_)));
        files.into_iter().any(|(path, _)| paths::split(path).1 == name)
    };
    let own = target.symbols().providers(symbol).filter(|provider| provider.kind == ProviderKind::Module);
    let (replaced, own): (Vec<String>, Vec<String>) =
        own.map(|provider| provider.name.clone()).partition(|name| is_replaced(name));
    let mut files = own;
    files.extend(options.laid.iter().filter_map(|(path, laid)| match laid {
        Laid::File(file) => {
            let object = Object::parse(&fs_err::read(file).ok()?).ok()?;
            object.defines(symbol, None).then(|| paths::split(path).1.to_owned())
        }
        Laid::Text(_) => None,
    }));
    if let (true, Some(file)) = (files.is_empty(), replaced.first()) {
        return format!(
            "the target's own {file} has `{symbol}`, and the {file} that takes its place does not: build one that exports all that the \
             target's does"
        );
    }
    let Some(first) = files.first() else {
        return format!(
            "nothing that the target has exports `{symbol}`: another version of httpd has it, or a library that is not linked"
        );
    };
    let later = files.iter().find_map(|file| Some((file, place_of(all.as_ref()?, file)?)));
    match (later, &stop.place) {
        (Some((file, place)), Some(own)) => format!(
            "{file} has `{symbol}`: its LoadModule (line {} of {}) must come before line {} of {}{}",
            place.line,
            place.file,
            own.line,
            own.file,
            number_after(&place.file, &own.file)
        ),
        _ => format!(
            "{first} has `{symbol}`, and the configuration does not load it: add `LoadModule {} {}/{first}` before",
            module_of(target, first),
            target.layout.load_prefix
        ),
    }
}

/// The line that loads a file.
fn place_of<'s>(all: &'s Simulation, file: &str) -> Option<&'s super::Place> {
    all.loads.iter().find(|load| paths::split(&load.file).1 == file).map(|load| &load.place)
}

/// The structure of a module's file.
fn module_of(target: &Target, file: &str) -> String {
    let provider = target.symbols().all().iter().find(|provider| provider.name == file);
    let structure = provider.and_then(|provider| provider.modules.first());
    structure.map_or_else(|| "NAME_module".to_owned(), |(symbol, _)| symbol.clone())
}

/// Where both are numbered drop-ins of one folder: the number that would do.
fn number_after(before: &str, own: &str) -> String {
    let ((folder, before), (own_folder, own)) = (paths::split(before), paths::split(own));
    let number = |name: &str| name.get(..2).and_then(|digits| digits.parse::<u8>().ok());
    match (number(before), number(own)) {
        (Some(before), Some(_)) if folder == own_folder && before < 99 => {
            format!("; as {:02}{} it would", before + 1, own.get(2..).unwrap_or_default())
        }
        _ => String::new(),
    }
}
