//! The modules that are part of the program, and what a module's file says of its C file.

use object::elf::STT_OBJECT;

use super::files::Files;
use super::reader::Module;
use crate::target::objects::Content;
use crate::target::{ModuleStructure, Target};

/// The module structures that a program has, with the C files that they state.
pub(super) fn built_in(program: &Content, cookie: u32) -> Vec<Module> {
    let (data, relocations) = (program.data(), program.relocations().ok());
    let Ok(program) = program.object() else { return Vec::new() };
    let symbols = program.dynamic.symbols.iter();
    let named = symbols
        .filter(|symbol| symbol.exported && symbol.kind == STT_OBJECT && symbol.name.ends_with("_module"));
    let structures = named.filter_map(|symbol| {
        let structure = ModuleStructure::read(&program.dynamic, data, symbol)?;
        let file = relocations
            .and_then(|relocations| ModuleStructure::file_name(&program.dynamic, data, relocations, symbol));
        let module = Module {
            symbol: symbol.name.clone(),
            file: file.map(|file| base_name(&file).to_owned()),
            built_in: true,
            is_mpm: symbol.name.starts_with("mpm_"),
        };
        (structure.cookie == u64::from(cookie)).then_some(module)
    });
    let mut modules: Vec<Module> = structures.collect();
    modules.sort_by(|a, b| a.symbol.cmp(&b.symbol));
    modules
}

/// The C file that a structure in a file of the target states, where it can be read.
pub(super) fn file_name_of(target: &Target, files: &Files, path: &str, symbol: &str) -> Option<String> {
    let content = files.open(target, &files.on_host(path)?).ok()?;
    let object = content.object().ok()?;
    let found = object.definition(symbol, None)?;
    let file =
        ModuleStructure::file_name(&object.dynamic, content.data(), content.relocations().ok()?, found)?;
    Some(base_name(&file).to_owned())
}

/// What is behind the last slash, of either kind: what httpd makes of the name when it takes a module in.
pub(super) fn base_name(file: &str) -> &str {
    file.rsplit(['/', '\\']).next().unwrap_or(file)
}
