//! A module of a few lines, flattened and adapted as the pipeline does it, and run where that shows something.

#![allow(dead_code, reason = "each test file uses its part")]

pub mod prefix;
#[path = "../support/mod.rs"]
pub mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use miette::Diagnostic;
use modgraft::adapt::pack::Rules;
use modgraft::adapt::{self, Adapted, Error, Inputs, Offered};
use modgraft::changeset;
use modgraft::compile::{self, Toolchain};
use modgraft::flatten::{self, Interface, ModuleId, SourceTree, TranslationUnit, Upstream};
use modgraft::source::{Sources, Tree};
use modgraft::target::Target;
use modgraft::target::calendar::Steps;
use support::run;

/// Where the module's file stands in its tree.
pub const FILE: &str = "modules/sample/mod_sample.c";

/// How long a compiler may take for a file of a few lines.
const LIMIT: Duration = Duration::from_secs(60);

/// A tree with a module in it.
pub struct Source {
    files: BTreeMap<String, Arc<[u8]>>,
}

impl Source {
    /// A module of one file.
    pub fn new(text: impl Into<Vec<u8>>) -> Self {
        Source { files: BTreeMap::from([(FILE.to_owned(), text.into().into())]) }
    }

    /// Another file of the tree.
    pub fn with(mut self, path: &str, text: &str) -> Self {
        self.files.insert(path.to_owned(), text.as_bytes().into());
        self
    }

    /// A module with these includes and this code, whose hooks are registered by `hooks`, statements that may use `pool`.
    pub fn module(headers: &[&str], code: &str, hooks: &str) -> Self {
        let includes: String = headers.iter().map(|header| format!("#include \"{header}\"\n")).collect();
        Source::new(format!(
            "{includes}\nextern module AP_MODULE_DECLARE_DATA sample_module;\n\n{code}\n\
             static void sample_hooks(apr_pool_t *pool)\n{{\n{hooks}\n}}\n\n\
             module AP_MODULE_DECLARE_DATA sample_module = {{\n    STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, sample_hooks\n}};\n"
        ))
    }

    /// Flattens and adapts it.
    pub fn adapt(&self, target: &Target, rules: &Rules) -> Result<Adapted, Error> {
        let tree = || Tree::memory("tree".to_owned(), self.files.clone());
        let sources = Sources {
            patches: Vec::new(),
            base: Some(tree()),
            files: vec![FILE.to_owned()],
            description: "a test's".to_owned(),
        };
        let tree = tree();
        let base = SourceTree::new(&tree);
        let changeset = changeset::read(&sources, &[]).unwrap_or_else(|error| panic!("{}", words(&error)));
        let module = changeset::single_module(&changeset, None, None)
            .unwrap_or_else(|error| panic!("{}", words(&error)));
        let changeset = changeset.focused_on(&module).unwrap();
        let id = ModuleId { name: module.name.clone(), symbol: module.symbol.clone() };
        let interface = target.interface();
        let flatten = |offered: &dyn Interface| -> Result<TranslationUnit, Error> {
            let base: &dyn Upstream = &base;
            Ok(flatten::flatten(&changeset, &id, Some(base), offered).map_err(Box::new)?)
        };
        let steps = base.read("include/ap_mmn.h").unwrap();
        let nothing_missing = BTreeSet::new();
        let unit = flatten(&Offered::new(&interface, rules, &nothing_missing, &[]))?;
        let inputs = Inputs {
            compiles: None,
            target,
            interface: &interface,
            toolchain: &toolchain(target),
            rules,
            again: &flatten,
            base: Some(&base),
            steps: &steps.map_or_else(Steps::default, |text| Steps::read(&text)),
            libraries: &[],
            by_hand: "decide by hand",
            limit: LIMIT,
        };
        adapt::adapt(unit, &inputs)
    }
}

/// The compiler of this machine: gcc, or what CC names.
pub fn toolchain(target: &Target) -> Toolchain {
    static FOUND: Mutex<BTreeMap<String, Toolchain>> = Mutex::new(BTreeMap::new());
    let mut found = FOUND.lock().unwrap_or_else(PoisonError::into_inner);
    let find = || Toolchain::find(target).unwrap_or_else(|error| panic!("{error}"));
    found.entry(target.name.clone()).or_insert_with(find).clone()
}

/// The rules that are built in for a target.
pub fn built_in(target: &Target) -> Rules {
    Rules::of(&[], target.mmn)
}

/// All that an error says: its message, labels and help, and those of what it lists.
pub fn words(error: &dyn Diagnostic) -> String {
    let mut said = format!("{error}\n");
    for label in error.labels().into_iter().flatten() {
        said.push_str(label.label().unwrap_or_default());
        said.push('\n');
    }
    if let Some(help) = error.help() {
        said.push_str(&format!("help: {help}\n"));
    }
    for other in error.related().into_iter().flatten() {
        said.push_str(&words(other));
    }
    said
}

/// Compiles the adapted unit to a program: `stubs` behind it, then a `main` of these statements, which may use `pool`. What
/// it prints. What httpd has and the program does not use is left unresolved.
pub fn execute(adapted: &Adapted, target: &Target, stubs: &str, main: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "{}\n#include <stdio.h>\n#include \"apr_general.h\"\n#include \"apr_strings.h\"\n{stubs}\n\
         int main(void)\n{{\n    apr_pool_t *pool;\n    apr_initialize();\n    apr_pool_create(&pool, NULL);\n{main}\n    return 0;\n}}\n",
        adapted.unit.render(false)
    );
    let (source, program) = (folder.path().join("program.c"), folder.path().join("program"));
    fs_err::write(&source, text).unwrap();
    let toolchain = toolchain(target);
    let mut command = Command::new(&toolchain.program);
    command.args(&toolchain.leading).args(compile::language(target, &toolchain, &[]).unwrap());
    command
        .arg("-o")
        .arg(&program)
        .arg(&source)
        .arg("-no-pie")
        .arg("-Wl,-z,lazy,--unresolved-symbols=ignore-all");
    run(command.args(["-lapr-1", "-laprutil-1"]));
    run(&mut Command::new(&program))
}
