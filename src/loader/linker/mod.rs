//! The target's dynamic linker: which files a process has loaded, and what becomes of one more (`dlopen` with RTLD_NOW and
//! RTLD_GLOBAL, as APR calls it).
//!
//! It follows glibc: the file and its libraries are found, breadth first; versions are compared; then each new file's
//! references are bound, libraries before those that need them, first to what is loaded already, in that order, and then to
//! the file's own libraries. Constructors, audit modules, LD_PRELOAD and the limit of static thread storage are left out.

mod bind;
mod openable;
mod refusal;

pub use bind::Bound;
pub use refusal::Refusal;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use refusal::CANNOT_OPEN;

use super::files::{self, Files};
use super::{Error, paths};
use crate::target::elf::{self, Header};
use crate::target::objects::{Content, Object};
use crate::target::{Libraries, Target};

/// A file in the process.
#[derive(Debug)]
pub struct Mapped {
    /// The path by which the dynamic linker knows it, on the target.
    pub name: String,
    /// What it was asked for as, and its soname.
    names: Vec<String>,
    identity: Option<(u64, u64)>,
    /// What the dynamic linker reads of it.
    pub object: Arc<Object>,
    /// All of it.
    pub content: Arc<Content>,
    /// What it is.
    pub kind: Kind,
    /// It, its libraries, their libraries: where a symbol is looked for with its handle.
    scope: Vec<usize>,
}

/// How a file came into the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The program, or a library that it needs: always there.
    Program,
    /// By LoadModule or LoadFile.
    Opened,
    /// Needed by one of those.
    Needed,
}

/// A process of the target's httpd.
#[derive(Debug)]
pub struct Process<'t> {
    target: &'t Target,
    header: Header,
    mapped: Vec<Mapped>,
    /// Where symbols are looked for first, in order.
    global: Vec<usize>,
    /// Files that could not be read as a dynamic linker reads them.
    pub limits: Vec<String>,
}

/// A file that was loaded, or was there.
#[derive(Debug)]
pub struct Opened {
    /// Of [`Process::mapped`].
    pub handle: usize,
    /// What its references, and those of the libraries that came with it, were bound to.
    pub bound: Vec<Bound>,
}

/// Why a file was not loaded.
#[derive(Debug)]
pub enum Failure {
    /// The dynamic linker says so.
    Refused(Refusal),
    /// The process would end with a signal; in words.
    Crash(String),
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Failure::Refused(refusal)
    }
}

impl<'t> Process<'t> {
    /// The process as it is when httpd's `main` begins.
    ///
    /// # Errors
    /// The target has no program here, or the program is none that could start.
    pub fn start(target: &'t Target, files: &Files) -> Result<Self, Error> {
        let no_program = |reason: String| Error::Program { target: target.name.clone(), reason };
        let program =
            target.program.as_ref().ok_or_else(|| no_program("it is not on this host".to_owned()))?;
        let header = elf::header(program)
            .ok_or_else(|| no_program(format!("{} is no ELF file", program.display())))?;
        let content = files.open(target, program).map_err(|error| no_program(error.to_string()))?;
        let object = content.object().map_err(no_program)?;
        let mapped = Mapped {
            name: String::new(),
            names: Vec::new(),
            identity: files::identity(program),
            object,
            content,
            kind: Kind::Program,
            scope: Vec::new(),
        };
        let mut process =
            Process { target, header, mapped: vec![mapped], global: Vec::new(), limits: Vec::new() };
        let needed = process.map_needed(0, Kind::Program, files);
        process.global = needed.map_err(|failure| {
            no_program(match failure {
                Failure::Refused(refusal) => refusal.to_string(),
                Failure::Crash(reason) => reason,
            })
        })?;
        Ok(process)
    }

    /// A file in the process.
    pub fn mapped(&self, handle: usize) -> &Mapped {
        &self.mapped[handle]
    }

    /// Loads a file: one with a `/` in its name from there, another from the folders of libraries.
    ///
    /// # Errors
    /// The first of the dynamic linker's complaints; the process is as it was.
    pub fn open(&mut self, name: &str, files: &Files) -> Result<Opened, Failure> {
        let before = self.mapped.len();
        let opened = self.try_open(name, before, files);
        if opened.is_err() {
            self.mapped.truncate(before);
        }
        opened
    }

    fn try_open(&mut self, name: &str, before: usize, files: &Files) -> Result<Opened, Failure> {
        let handle = self.map(name, None, Kind::Opened, files)?;
        if handle < before && !self.mapped[handle].scope.is_empty() {
            self.add_to_global(handle);
            return Ok(Opened { handle, bound: Vec::new() });
        }
        self.mapped[handle].scope = self.map_needed(handle, Kind::Needed, files)?;
        self.check_versions(handle, before)?;
        let bound = self.bind(handle, before)?;
        self.add_to_global(handle);
        Ok(Opened { handle, bound })
    }

    fn add_to_global(&mut self, handle: usize) {
        for index in self.mapped[handle].scope.clone() {
            if !self.global.contains(&index) {
                self.global.push(index);
            }
        }
    }

    /// Maps all that a file needs, breadth first; the file itself is the first of the result.
    fn map_needed(&mut self, handle: usize, kind: Kind, files: &Files) -> Result<Vec<usize>, Failure> {
        let mut scope = vec![handle];
        let mut next = 0;
        while let Some(index) = scope.get(next).copied() {
            let object = Arc::clone(&self.mapped[index].object);
            for library in &object.dynamic.needed {
                let found = self.map(library, Some(index), kind, files)?;
                if !scope.contains(&found) {
                    scope.push(found);
                }
            }
            next += 1;
        }
        Ok(scope)
    }

    /// The file of that name in the process, mapped if it is not yet.
    fn map(
        &mut self,
        name: &str,
        needed_by: Option<usize>,
        kind: Kind,
        files: &Files,
    ) -> Result<usize, Failure> {
        let known = |mapped: &Mapped| mapped.name == name || mapped.names.iter().any(|known| known == name);
        if let Some(index) = self.mapped.iter().position(known) {
            return Ok(index);
        }
        let (path, file) = self.find(name, needed_by, files)?;
        let identity = files::identity(&file);
        if let Some(index) =
            self.mapped.iter().position(|mapped| mapped.identity == identity && identity.is_some())
        {
            self.mapped[index].names.push(name.to_owned());
            return Ok(index);
        }
        let refused = |reason: String| Refusal::File { file: path.clone(), reason };
        let content = openable::read(files.open(self.target, &file), self.header).map_err(refused)?;
        let object = content.object().map_err(|reason| {
            Failure::Crash(format!(
                "{path} is malformed in a way that the dynamic linker does not look for: {reason}"
            ))
        })?;
        openable::segments(&object.dynamic, self.target.glibc).map_err(refused)?;
        if !openable::is_whole(&object.dynamic, content.data().len() as u64) {
            return Err(Failure::Crash(format!("{path} is cut off: its end is not in the file")));
        }
        if object.dynamic.symbols.is_empty() {
            self.limits.push(format!(
                "{path} has no table of sections, or no symbols: what it binds to is not known"
            ));
        }
        let names = [Some(name.to_owned()), object.dynamic.soname.clone()].into_iter().flatten().collect();
        let scope = Vec::new();
        self.mapped.push(Mapped { name: path, names, identity, object, content, kind, scope });
        Ok(self.mapped.len() - 1)
    }

    /// The path and the file behind a name.
    fn find(
        &self,
        name: &str,
        needed_by: Option<usize>,
        files: &Files,
    ) -> Result<(String, PathBuf), Refusal> {
        if name.contains('/') {
            return match files.on_host(name) {
                Some(file) => Ok((name.to_owned(), file)),
                None => {
                    let why =
                        files.kind(name).err().unwrap_or_else(|| "No such file or directory".to_owned());
                    Err(Refusal::File { file: name.to_owned(), reason: format!("{CANNOT_OPEN}: {why}") })
                }
            };
        }
        let own = needed_by.and_then(|index| self.find_by_run_path(name, index, files));
        if let Some(found) = own.or_else(|| self.target.libraries.find_named(name)) {
            return Ok(found);
        }
        Err(match needed_by {
            Some(index) => {
                Refusal::Library { library: name.to_owned(), needed_by: self.mapped[index].name.clone() }
            }
            None => Refusal::File {
                file: name.to_owned(),
                reason: format!("{CANNOT_OPEN}: No such file or directory"),
            },
        })
    }

    /// In the folders that the file itself names: RUNPATH, or RPATH where it has no RUNPATH.
    fn find_by_run_path(&self, name: &str, index: usize, files: &Files) -> Option<(String, PathBuf)> {
        let mapped = &self.mapped[index];
        let run_paths = &mapped.object.dynamic.run_paths;
        let tag = if run_paths.iter().any(|(tag, _)| *tag == "RUNPATH") { "RUNPATH" } else { "RPATH" };
        let origin = paths::split(&mapped.name).0;
        let folders =
            run_paths.iter().filter(|(known, _)| *known == tag).flat_map(|(_, path)| path.split(':'));
        let mut found = folders.filter(|folder| !folder.is_empty()).filter_map(|folder| {
            let folder = Libraries::with_origin(folder, origin);
            let path = paths::joined(&folder, name);
            let file = files.on_host(&path).filter(|file| self.fits(file))?;
            Some((path, file))
        });
        found.next()
    }

    fn fits(&self, file: &Path) -> bool {
        elf::header(file) == Some(self.header)
    }

    /// Each version that a new file needs must be in the library that it names.
    fn check_versions(&self, handle: usize, before: usize) -> Result<(), Refusal> {
        for index in self.mapped[handle].scope.iter().filter(|index| **index >= before) {
            let mapped = &self.mapped[*index];
            for (library, version) in &mapped.object.dynamic.needs {
                let known = |other: &&Mapped| other.names.iter().any(|name| name == library);
                let Some(provider) = self.mapped.iter().find(known) else { continue };
                let defines = &provider.object.dynamic.defines;
                if !defines.is_empty() && !defines.contains(version) {
                    return Err(Refusal::Version {
                        library: provider.name.clone(),
                        version: version.clone(),
                        needed_by: mapped.name.clone(),
                    });
                }
            }
        }
        Ok(())
    }

    /// The file in which a symbol of a handle is found (`dlsym`).
    pub fn symbol(&self, handle: usize, symbol: &str) -> Option<usize> {
        let scope = self.mapped[handle].scope.iter().copied();
        scope.into_iter().find(|index| self.mapped[*index].object.defines(symbol, None))
    }
}
