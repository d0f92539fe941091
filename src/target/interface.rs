//! What a target offers to a module: its headers' names and its files' symbols, read when first asked for, and once.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use super::names::{self, NameKind};
use super::objects::Objects;
use super::roots::Roots;
use super::symbols::Symbols;
use super::{Target, digest, symbols};
use crate::flatten::Interface;
use crate::memo::Memo;
use crate::parallel;

/// Headers, symbols and files of a target, read lazily. Clones share what was read.
#[derive(Debug, Clone, Default)]
pub struct Contents(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    names: OnceLock<Names>,
    symbols: OnceLock<Symbols>,
    digest: Memo<(), String>,
    objects: Objects,
    roots: OnceLock<Roots>,
    /// The libraries that the program needs.
    needed: OnceLock<Vec<String>>,
    /// By the path under which they are included; nothing where there is none.
    headers: Memo<String, Option<Arc<str>>>,
}

/// The names that a target's headers declare or define.
#[derive(Debug, Default)]
struct Names {
    headers: Vec<String>,
    by_name: HashMap<String, (NameKind, u16)>,
}

impl Contents {
    pub(super) fn symbols(&self, target: &Target) -> &Symbols {
        self.0.symbols.get_or_init(|| {
            // APR's own file names: the program's NEEDED would tell them too, at the cost of reading it first.
            let libraries = ["libapr-1.so.0", "libaprutil-1.so.0", "libapr-2.so.0"];
            let libraries: Vec<PathBuf> =
                libraries.iter().filter_map(|soname| target.libraries.find(soname)).collect();
            Symbols::read(target.program.as_deref(), &libraries, &target.modules_dir)
        })
    }

    pub(super) fn digest(&self, target: &Target) -> std::io::Result<String> {
        self.0.digest.once((), || digest::of(target))
    }

    pub(super) fn needed(&self, target: &Target) -> &[String] {
        self.0.needed.get_or_init(|| {
            let program = target.program.as_ref();
            program.map(|program| target.libraries.needed_by(program)).unwrap_or_default()
        })
    }

    pub(super) fn objects(&self) -> &Objects {
        &self.0.objects
    }

    pub(super) fn roots(&self, known: impl FnOnce() -> Roots) -> Roots {
        self.0.roots.get_or_init(known).clone()
    }

    fn names(&self, include_dirs: &[PathBuf]) -> &Names {
        self.0.names.get_or_init(|| Names::read(include_dirs))
    }
}

/// Answers what a [`Target`] declares, exports and has headers for.
#[derive(Debug, Clone)]
pub struct HttpdInterface {
    target: Target,
}

impl HttpdInterface {
    pub(super) fn new(target: &Target) -> Self {
        HttpdInterface { target: target.clone() }
    }

    /// Where `#include "path"` finds a header on this host; nothing outside the target's header folders.
    fn header(&self, path: &str) -> Option<PathBuf> {
        let below = Path::new(path).components().all(|part| matches!(part, std::path::Component::Normal(_)));
        let mut folders = self.target.include_dirs.iter().filter(|_| below);
        folders.find_map(|folder| Some(folder.join(path)).filter(|file| file.is_file()))
    }
}

impl Interface for HttpdInterface {
    fn declared_in(&self, name: &str) -> Option<String> {
        let names = self.target.contents.names(&self.target.include_dirs);
        let (_, header) = names.by_name.get(name)?;
        names.headers.get(usize::from(*header)).cloned()
    }

    fn exported_by(&self, name: &str) -> Option<String> {
        self.target.symbols().providers(name).next().map(|provider: &symbols::Provider| provider.name.clone())
    }

    fn has_header(&self, path: &str) -> bool {
        self.header(path).is_some()
    }

    fn read_header(&self, path: &str) -> Option<Arc<str>> {
        self.target.contents.0.headers.get(path, || {
            let bytes = self.header(path).and_then(|file| fs_err::read(file).ok());
            bytes.map(|bytes| Arc::from(String::from_utf8_lossy(&bytes)))
        })
    }

    fn file_with(&self, strings: &[&str], besides: &str) -> Option<String> {
        let files = symbols::files(self.target.program.as_deref(), &[], &self.target.modules_dir);
        let named = parallel::map(&files, |(_, path)| {
            let name = path.file_name()?.to_str()?.to_owned();
            (name != besides && has_strings(path, strings)).then_some(name)
        });
        named.into_iter().flatten().next()
    }
}

/// Whether a file has all of these, each with the byte 0 behind it, as C's strings and the names of symbols have it. What stands
/// in front does not matter: linkers keep a string within a longer one that ends alike. A file that cannot be read has none.
pub fn has_strings(file: &Path, strings: &[&str]) -> bool {
    let data = fs_err::read(file).unwrap_or_default();
    let has = |text: &&str| memchr::memmem::find(&data, &[text.as_bytes(), b"\0"].concat()).is_some();
    strings.iter().all(has)
}

impl Names {
    /// Reads all headers of these folders; the first declaration of the best kind counts.
    fn read(include_dirs: &[PathBuf]) -> Self {
        let files = headers(include_dirs);
        let read = parallel::map(&files, |(_, path)| read_one(path));
        let mut all = Names {
            headers: files.into_iter().map(|(name, _)| name).collect(),
            by_name: HashMap::with_capacity(8192),
        };
        for (index, found) in read.into_iter().enumerate() {
            let Ok(index) = u16::try_from(index) else { break };
            for (name, kind) in found {
                let entry = all.by_name.entry(name).or_insert((kind, index));
                if kind < entry.0 {
                    *entry = (kind, index);
                }
            }
        }
        all
    }
}

fn read_one(path: &Path) -> Vec<(String, NameKind)> {
    let text = fs_err::read(path).unwrap_or_default();
    let mut found = Vec::new();
    names::names(&text, &mut |name, kind| found.push((String::from_utf8_lossy(name).into_owned(), kind)));
    found
}

/// The headers of these folders, as they are included, in the folders' order and then by name. Of a folder that is the
/// system's own (`/usr/include`, where some build APR into) only httpd's and APR's.
pub(super) fn headers(include_dirs: &[PathBuf]) -> Vec<(String, PathBuf)> {
    let mut files = Vec::new();
    for folder in include_dirs {
        let shared = folder.ends_with("usr/include") || folder.ends_with("usr/local/include");
        let Ok(entries) = fs_err::read_dir(folder) else { continue };
        let mut here: Vec<(String, PathBuf)> = entries
            .flatten()
            .filter_map(|entry| Some((entry.file_name().into_string().ok()?, entry.path())))
            .filter(|(name, _)| name.ends_with(".h"))
            .filter(|(name, _)| !shared || name.starts_with("ap") || name.starts_with("http"))
            .collect();
        here.sort();
        files.extend(here);
    }
    files
}
