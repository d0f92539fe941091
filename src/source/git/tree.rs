//! A commit's tree, by its objects: folders are read once, files as they are asked for.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Kind, Objects};
use crate::hash::hex;
use crate::source::Error;

const MODE_FOLDER: u32 = 0o040000;
/// The mode of a symbolic link.
pub(in crate::source) const MODE_LINK: u32 = 0o120000;

/// An entry of a git tree.
#[derive(Debug, Clone)]
pub(in crate::source) struct Entry {
    pub(in crate::source) mode: u32,
    name: String,
    /// As bytes: most entries of a folder are never looked up.
    id: Vec<u8>,
}

impl Entry {
    /// Whether it is a regular file.
    pub(in crate::source) fn is_file(&self) -> bool {
        // Regular files are 100644 and 100755, in old histories 100664 too; a submodule is 160000.
        self.mode & 0o170000 == 0o100000
    }

    fn hex(&self) -> String {
        hex(&self.id)
    }
}

/// The tree of a commit, read as it is asked for.
#[derive(Debug)]
pub(in crate::source) struct GitTree {
    objects: Objects,
    root: String,
    folders: HashMap<String, Arc<Vec<Entry>>>,
}

impl GitTree {
    /// The tree of this full id.
    pub(in crate::source) fn new(objects: Objects, root: &str) -> GitTree {
        GitTree { objects, root: root.to_owned(), folders: HashMap::new() }
    }

    fn folder(&mut self, id: &str) -> Result<Arc<Vec<Entry>>, Error> {
        if let Some(known) = self.folders.get(id) {
            return Ok(known.clone());
        }
        let Some(bytes) = self.objects.get_kind(id, Kind::Tree)? else {
            return Err(Error::Git {
                action: "read the base tree".into(),
                detail: format!("tree {id} is missing"),
            });
        };
        let entries = Arc::new(entries(&bytes, id.len() / 2));
        self.folders.insert(id.to_owned(), entries.clone());
        Ok(entries)
    }

    /// The entry at a path.
    pub(in crate::source) fn find(&mut self, path: &str) -> Result<Option<Entry>, Error> {
        let mut folder = self.root.clone();
        let mut parts = path.split('/').peekable();
        while let Some(part) = parts.next() {
            let entries = self.folder(&folder)?;
            let Some(entry) = entries.iter().find(|entry| entry.name == part) else { return Ok(None) };
            if parts.peek().is_none() {
                return Ok(Some(entry.clone()));
            }
            if entry.mode != MODE_FOLDER {
                return Ok(None);
            }
            folder = entry.hex();
        }
        Ok(None)
    }

    /// The content of the file at a path.
    pub(in crate::source) fn read(&mut self, path: &str) -> Result<Option<Arc<[u8]>>, Error> {
        let Some(entry) = self.find(path)?.filter(Entry::is_file) else { return Ok(None) };
        match self.objects.get_kind(&entry.hex(), Kind::Blob)? {
            Some(bytes) => Ok(Some(bytes.into())),
            None => Err(Error::Git {
                action: format!("read {path}"),
                detail: format!("{} is missing", entry.hex()),
            }),
        }
    }

    /// The content of the files at `paths`, read together.
    pub(in crate::source) fn read_many(&mut self, paths: &[String]) -> Result<Vec<Option<Arc<[u8]>>>, Error> {
        let mut ids = Vec::with_capacity(paths.len());
        for path in paths {
            ids.push(self.find(path)?.filter(Entry::is_file).map(|entry| entry.hex()));
        }
        let asked: Vec<String> = ids.iter().flatten().cloned().collect();
        let mut answers = self.objects.get_many(&asked)?.into_iter();
        let mut found = Vec::with_capacity(paths.len());
        for (path, id) in paths.iter().zip(ids) {
            found.push(match id {
                None => None,
                Some(id) => match answers.next().flatten().filter(|object| object.kind == Kind::Blob) {
                    Some(object) => Some(object.bytes.into()),
                    None => {
                        let detail = format!("{id} is missing");
                        return Err(Error::Git { action: format!("read {path}"), detail });
                    }
                },
            });
        }
        Ok(found)
    }

    /// The paths of all files beneath a folder, in no order.
    pub(in crate::source) fn walk(&mut self, directory: &str) -> Result<Vec<String>, Error> {
        let start = if directory.is_empty() {
            self.root.clone()
        } else {
            match self.find(directory)? {
                Some(entry) if entry.mode == MODE_FOLDER => entry.hex(),
                _ => return Ok(Vec::new()),
            }
        };
        let mut files = Vec::new();
        let mut open = vec![(directory.to_owned(), start)];
        while let Some((path, id)) = open.pop() {
            for entry in self.folder(&id)?.iter() {
                let below =
                    if path.is_empty() { entry.name.clone() } else { format!("{path}/{}", entry.name) };
                if entry.mode == MODE_FOLDER {
                    open.push((below, entry.hex()));
                } else if entry.is_file() {
                    files.push(below);
                }
            }
        }
        Ok(files)
    }
}

/// A tree object: mode in octal, blank, name, NUL, the id's `id_bytes` bytes; and again. A name that is not UTF-8 is passed
/// over, as no path that modgraft handles could be it.
fn entries(mut bytes: &[u8], id_bytes: usize) -> Vec<Entry> {
    let mut entries = Vec::new();
    while let Some(nul) = memchr::memchr(0, bytes) {
        let (head, rest) = (&bytes[..nul], &bytes[nul + 1..]);
        if rest.len() < id_bytes {
            break;
        }
        let (id, rest) = rest.split_at(id_bytes);
        bytes = rest;
        let Ok(head) = std::str::from_utf8(head) else { continue };
        let Some((mode, name)) = head.split_once(' ') else { continue };
        let Ok(mode) = u32::from_str_radix(mode, 8) else { continue };
        entries.push(Entry { mode, name: name.to_owned(), id: id.to_vec() });
    }
    entries
}
