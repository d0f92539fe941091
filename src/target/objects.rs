//! A target's ELF files as its dynamic linker sees them, each read when it is first asked for.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use object::elf;

use super::elf::{self as parse, Dynamic};
use super::relocations::{self, Relocations};
use crate::memo::Memo;

/// A file of the target.
#[derive(Debug, Default)]
pub struct Object {
    /// What the dynamic linker reads of it.
    pub dynamic: Dynamic,
    /// The symbols that others can be bound to, by their names.
    exports: HashMap<String, Vec<usize>>,
}

impl Object {
    /// Parses a file's content.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn parse(data: &[u8]) -> Result<Self, String> {
        let dynamic = parse::parse(data)?;
        let mut exports: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, symbol) in dynamic.symbols.iter().enumerate() {
            // A file's or a section's name is nothing to be bound to (elf/dl-lookup.c: ALLOWED_STT).
            let of_use = !matches!(symbol.kind, elf::STT_FILE | elf::STT_SECTION);
            if symbol.exported && of_use {
                exports.entry(symbol.name.clone()).or_default().push(index);
            }
        }
        Ok(Object { dynamic, exports })
    }

    /// The symbol that a reference is bound to in this file, as glibc decides it (elf/dl-lookup.c: check_match): with a
    /// version, that version, or any symbol of a file that has none; without one, what is not hidden from such references.
    pub fn definition(&self, symbol: &str, version: Option<&str>) -> Option<&parse::Symbol> {
        let known = self.exports.get(symbol)?.iter().filter_map(|index| self.dynamic.symbols.get(*index));
        let versioned = !self.dynamic.defines.is_empty();
        let mut fitting = known.filter(|known| match version {
            Some(version) => known.version.as_deref() == Some(version) || !versioned,
            None => !known.hidden_version,
        });
        fitting.next()
    }

    /// Whether there is such a symbol.
    pub fn defines(&self, symbol: &str, version: Option<&str>) -> bool {
        self.definition(symbol, version).is_some()
    }
}

/// A file that was read. What is parsed of it is parsed when it is first asked for.
#[derive(Debug, Default)]
pub struct Content {
    data: Vec<u8>,
    object: OnceLock<Result<Arc<Object>, String>>,
    relocations: OnceLock<Result<Relocations, String>>,
}

impl Content {
    /// All of its bytes.
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// # Errors
    /// It is no ELF file; in words.
    pub fn object(&self) -> Result<Arc<Object>, String> {
        self.object.get_or_init(|| Object::parse(&self.data).map(Arc::new)).clone()
    }

    /// # Errors
    /// It is no ELF file; in words.
    pub fn relocations(&self) -> Result<&Relocations, String> {
        self.relocations.get_or_init(|| relocations::parse(&self.data)).as_ref().map_err(Clone::clone)
    }
}

/// The files that were read, for as many threads as like.
#[derive(Debug, Default)]
pub struct Objects(Memo<PathBuf, Arc<Content>>);

impl Objects {
    /// A file of this host, read at the first call.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn open(&self, file: &Path) -> io::Result<Arc<Content>> {
        self.0.try_get(file, || Ok(Arc::new(Content { data: fs_err::read(file)?, ..Content::default() })))
    }

    /// As [`Objects::open`], parsed.
    ///
    /// # Errors
    /// It cannot be read, or is no ELF file; in words.
    pub fn read(&self, file: &Path) -> Result<Arc<Object>, String> {
        self.open(file).map_err(|error| error.to_string())?.object()
    }
}
