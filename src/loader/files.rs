//! The target's files, and those that are not installed yet and laid over them.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::paths;
use crate::target::Target;
use crate::target::objects::{Content, Objects};
pub use crate::target::roots::Kind;
use crate::target::roots::Roots;

/// A file that the target does not have yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Laid {
    /// A configuration file's text.
    Text(String),
    /// A file of this host.
    File(PathBuf),
}

/// An entry of a folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// A folder itself, not a link to one.
    pub is_folder: bool,
}

/// A file laid over, with the folder of this host that it would be in, where there is one.
#[derive(Debug)]
struct Over {
    folder: Option<PathBuf>,
    laid: Laid,
}

/// The target's files by their paths there.
#[derive(Debug)]
pub struct Files {
    roots: Roots,
    /// By path, merged.
    over: BTreeMap<String, Over>,
    /// Those laid over that were read; the target's own it reads itself.
    objects: Objects,
}

impl Files {
    /// The files of these roots, under others by their absolute paths.
    pub fn new(roots: Roots, laid: &BTreeMap<String, Laid>) -> Self {
        let over = laid.iter().map(|(path, laid)| {
            let path = paths::merged("/", path);
            let folder = on_host(&roots, paths::split(&path).0);
            (path, Over { folder, laid: laid.clone() })
        });
        let over = over.collect();
        Files { roots, over, objects: Objects::default() }
    }

    /// The file laid over that a path names: by itself, or by another name of its folder.
    fn laid(&self, path: &str) -> Option<&Laid> {
        let path = paths::merged("/", path);
        if let Some(over) = self.over.get(&path) {
            return Some(&over.laid);
        }
        let (folder, name) = paths::split(&path);
        let mut named = self.over.iter().filter(|(known, _)| paths::split(known).1 == name).peekable();
        named.peek()?;
        let folder = on_host(&self.roots, folder)?;
        named.find(|(_, over)| over.folder.as_ref() == Some(&folder)).map(|(_, over)| &over.laid)
    }

    /// The file of this host behind a path.
    pub fn on_host(&self, path: &str) -> Option<PathBuf> {
        match self.laid(path) {
            Some(Laid::File(file)) => Some(file.clone()),
            Some(Laid::Text(_)) => None,
            None => self.roots.find(path),
        }
    }

    /// The content of a file of this host, read at the first call for it.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn open(&self, target: &Target, file: &Path) -> io::Result<Arc<Content>> {
        let laid = self.over.values().any(|over| matches!(&over.laid, Laid::File(laid) if laid == file));
        let objects = if laid { &self.objects } else { target.objects() };
        objects.open(file)
    }

    /// What is at a path; links are followed.
    ///
    /// # Errors
    /// Nothing is, or it cannot be told; in the C library's words.
    pub fn kind(&self, path: &str) -> Result<Kind, String> {
        if self.laid(path).is_some() {
            return Ok(Kind::File);
        }
        let Some(found) = self.roots.look(path) else {
            let beneath = format!("{}/", path.trim_end_matches('/'));
            let made = self.over.keys().any(|known| known.starts_with(&beneath));
            return if made { Ok(Kind::Folder) } else { Err(self.missing(path)) };
        };
        Ok(found.kind)
    }

    /// Why nothing is at a path: a part of it is not there, or is a file.
    fn missing(&self, path: &str) -> String {
        if self.roots.is_host()
            && let Err(error) = fs_err::metadata(path)
        {
            return said(&error);
        }
        let mut folder = paths::split(path).0;
        while folder != "/" {
            if self.roots.find(folder).is_some_and(|folder| folder.is_file()) {
                return said(&io::Error::from_raw_os_error(NO_FOLDER));
            }
            folder = paths::split(folder).0;
        }
        said(&io::Error::from_raw_os_error(NO_SUCH_FILE))
    }

    /// A file's text. What is no UTF-8 is replaced: directives are ASCII.
    ///
    /// # Errors
    /// In the C library's words.
    pub fn read(&self, path: &str) -> Result<String, String> {
        let file = match self.laid(path) {
            Some(Laid::Text(text)) => return Ok(text.clone()),
            Some(Laid::File(file)) => file.clone(),
            None => self.roots.find(path).ok_or_else(|| self.missing(path))?,
        };
        let bytes = fs_err::read(file).map_err(|error| said(&error))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// What is in a folder, in no order that is of use.
    ///
    /// # Errors
    /// In the C library's words.
    pub fn list(&self, folder: &str) -> Result<BTreeSet<Entry>, String> {
        let mut entries = BTreeSet::new();
        let here = on_host(&self.roots, folder);
        let beneath = paths::merged("/", &format!("{folder}/"));
        let mut found = false;
        for (path, over) in &self.over {
            let (parent, name) = paths::split(path);
            if paths::joined(parent, "") == beneath || (here.is_some() && over.folder == here) {
                entries.insert(Entry { name: name.to_owned(), is_folder: false });
                found = true;
            } else if let Some((folder, _)) =
                path.strip_prefix(&beneath).and_then(|rest| rest.split_once('/'))
            {
                // A folder that comes with a file.
                entries.insert(Entry { name: folder.to_owned(), is_folder: true });
                found = true;
            }
        }
        for root in self.roots.iter() {
            let Some(folder) = crate::target::roots::find_in(root, folder) else { continue };
            for entry in fs_err::read_dir(folder).map_err(|error| said(&error))?.flatten() {
                let Ok(name) = entry.file_name().into_string() else { continue };
                if entries.iter().all(|known| known.name != name) {
                    let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
                    entries.insert(Entry { name, is_folder });
                }
            }
            found = true;
        }
        if found { Ok(entries) } else { Err(self.missing(folder)) }
    }
}

/// The folder of this host, without links: two names of one folder have the same.
fn on_host(roots: &Roots, folder: &str) -> Option<PathBuf> {
    roots.find(folder).and_then(|folder| fs_err::canonicalize(folder).ok())
}

/// ENOENT and ENOTDIR.
const NO_SUCH_FILE: i32 = 2;
const NO_FOLDER: i32 = 20;

/// An error of the system as the C library words it.
pub fn said(error: &io::Error) -> String {
    // fs_err puts what it did before it, and Rust the number behind, which is all that is left of the system's own error.
    let text = error.to_string();
    let number = text.rsplit_once(" (os error ").and_then(|(_, rest)| rest.strip_suffix(')')?.parse().ok());
    let text = number.map_or(text, |number| io::Error::from_raw_os_error(number).to_string());
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

/// Whether two paths are the same file of this host.
pub fn identity(file: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    fs_err::metadata(file).ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_laid_over_is_found_by_each_name_of_its_folder() {
        let root = tempfile::tempdir().unwrap();
        fs_err::create_dir_all(root.path().join("usr/lib64/httpd/modules")).unwrap();
        fs_err::create_dir_all(root.path().join("etc/httpd")).unwrap();
        fs_err::write(root.path().join("usr/lib64/httpd/modules/mod_a.so"), "a").unwrap();
        std::os::unix::fs::symlink("../../usr/lib64/httpd/modules", root.path().join("etc/httpd/modules"))
            .unwrap();
        let laid = BTreeMap::from([
            ("/usr/lib64/httpd/modules/mod_x.so".to_owned(), Laid::File("/proc/self/exe".into())),
            ("/etc/httpd/conf.modules.d/10-x.conf".to_owned(), Laid::Text("X".to_owned())),
        ]);
        let files = Files::new(Roots::only(root.path().to_owned()), &laid);
        assert_eq!(files.on_host("/etc/httpd/modules/mod_x.so"), Some(PathBuf::from("/proc/self/exe")));
        assert_eq!(files.on_host("/etc/httpd/modules/mod_y.so"), None);
        let names = |folder: &str| {
            let entries = files.list(folder)?;
            Ok::<_, String>(entries.into_iter().map(|entry| entry.name).collect::<Vec<_>>())
        };
        assert_eq!(names("/etc/httpd/modules/").unwrap(), ["mod_a.so", "mod_x.so"]);
        assert_eq!(names("/etc/httpd/conf.modules.d").unwrap(), ["10-x.conf"]);
        assert_eq!(names("/etc/httpd").unwrap(), ["conf.modules.d", "modules"]);
        assert_eq!(names("/etc/httpd/none").unwrap_err(), "No such file or directory");
        assert_eq!(files.read("/usr/lib64/httpd/modules/mod_a.so/x").unwrap_err(), "Not a directory");
        assert_eq!(files.kind("/etc/httpd/conf.modules.d"), Ok(Kind::Folder));
        assert_eq!(files.kind("/etc/httpd/conf.modules.d/10-x.conf"), Ok(Kind::File));
        assert_eq!(files.kind("/etc/x").unwrap_err(), "No such file or directory");
        assert_eq!(files.read("/etc/httpd/conf.modules.d/10-x.conf").unwrap(), "X");
    }
}
