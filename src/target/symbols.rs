//! Who exports what in a target: the httpd program, its modules, APR and APR-util.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use object::elf::{STT_FUNC, STT_GNU_IFUNC, STT_NOTYPE, STT_OBJECT};

use super::elf;
use crate::parallel;

/// A file of the target that exports dynamic symbols.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// `httpd`, `mod_proxy.so`, `libapr-1.so.0`.
    pub name: String,
    /// What it is.
    pub kind: ProviderKind,
    /// The module structures that it exports, as LoadModule names them, with their sizes in bytes.
    pub modules: Vec<(String, u64)>,
    /// The libraries that it needs.
    pub needed: Vec<String>,
}

/// What a file of the target is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProviderKind {
    /// The httpd program: always there.
    Program,
    /// APR or APR-util: httpd itself needs it, so it is always there too.
    Library,
    /// A module: there if it was loaded before.
    Module,
}

/// The exported symbols of a target.
#[derive(Debug, Default)]
pub struct Symbols {
    providers: Vec<Provider>,
    by_name: HashMap<String, Vec<u16>>,
}

/// What every shared object has, and none means.
const LINKER_SYMBOLS: &[&str] = &["_init", "_fini", "_edata", "_end", "__bss_start"];

impl Symbols {
    /// Reads the exports of these files. A file that cannot be read or is no ELF file exports nothing: the dynamic linker
    /// would not take it either.
    pub fn read(program: Option<&Path>, libraries: &[PathBuf], modules_dir: &Path) -> Self {
        let files = files(program, libraries, modules_dir);
        let read = parallel::map(&files, read_one).into_iter().flatten();
        let mut symbols = Symbols::default();
        for (provider, names) in read {
            let Ok(index) = u16::try_from(symbols.providers.len()) else { break };
            symbols.providers.push(provider);
            for name in names {
                symbols.by_name.entry(name).or_default().push(index);
            }
        }
        symbols
    }

    /// Those that export a symbol: the program first, then the libraries, then modules by name.
    pub fn providers(&self, name: &str) -> impl Iterator<Item = &Provider> {
        self.by_name
            .get(name)
            .into_iter()
            .flatten()
            .filter_map(|index| self.providers.get(usize::from(*index)))
    }

    /// All names that are exported, in no order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    /// All files that were read.
    pub fn all(&self) -> &[Provider] {
        &self.providers
    }
}

/// The program, the libraries and the modules, these by name.
pub(super) fn files(
    program: Option<&Path>,
    libraries: &[PathBuf],
    modules_dir: &Path,
) -> Vec<(ProviderKind, PathBuf)> {
    let mut files: Vec<(ProviderKind, PathBuf)> = Vec::new();
    files.extend(program.map(|program| (ProviderKind::Program, program.to_owned())));
    files.extend(libraries.iter().map(|library| (ProviderKind::Library, library.clone())));
    let mut modules: Vec<PathBuf> = fs_err::read_dir(modules_dir)
        .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
        .unwrap_or_default();
    modules.retain(|file| file.extension().is_some_and(|extension| extension == "so"));
    modules.sort();
    files.extend(modules.into_iter().map(|module| (ProviderKind::Module, module)));
    files
}

fn read_one((kind, path): &(ProviderKind, PathBuf)) -> Option<(Provider, Vec<String>)> {
    let file = elf::parse(&fs_err::read(path).ok()?).ok()?;
    let name = match kind {
        ProviderKind::Program => "httpd".to_owned(),
        ProviderKind::Library => file.soname.clone().unwrap_or_else(|| file_name(path)),
        ProviderKind::Module => file_name(path),
    };
    let exports = file.symbols.into_iter().filter(|symbol| {
        symbol.exported
            && matches!(symbol.kind, STT_OBJECT | STT_FUNC | STT_NOTYPE | STT_GNU_IFUNC)
            && !LINKER_SYMBOLS.contains(&symbol.name.as_str())
    });
    let mut modules = Vec::new();
    let mut names = Vec::new();
    for symbol in exports {
        if symbol.kind == STT_OBJECT && symbol.name.ends_with("_module") {
            modules.push((symbol.name.clone(), symbol.size));
        }
        names.push(symbol.name);
    }
    Some((Provider { name, kind: *kind, modules, needed: file.needed }, names))
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
