//! The tree that the patches apply to, as flattening reads it.

use std::sync::{Arc, OnceLock};

use super::test_char;
use crate::c::File;
use crate::changeset::text;
use crate::memo::Memo;
use crate::source::{RELEASE_HEADER, Tree};

/// What keeps a tree from being read.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The tree that the patches apply to, as far as flattening reads it.
///
/// It is asked for nothing but headers that nobody else has, until a name is missing in target and patches. What was read
/// or parsed is best kept: flattening may be asked again with another answer of the target's.
pub trait Upstream {
    /// The text of the file at `path`, relative to the top; nothing where there is none.
    ///
    /// # Errors
    /// Whatever kept it from being read.
    fn read(&self, path: &str) -> Result<Option<Arc<str>>, Failure>;

    /// The paths of httpd's own C sources and headers, sorted. Of a tree that names none, nothing is pulled.
    ///
    /// # Errors
    /// Whatever kept the folders from being read.
    fn c_files(&self) -> Result<Arc<[String]>, Failure> {
        Ok(Arc::from([]))
    }

    /// Says that these files are going to be read, so that they can be fetched together.
    ///
    /// # Errors
    /// Whatever kept them from being read.
    fn preload(&self, _paths: &[String]) -> Result<(), Failure> {
        Ok(())
    }

    /// The file at `path`, split; nothing where there is none.
    ///
    /// # Errors
    /// As [`Upstream::read`].
    fn parsed(&self, path: &str) -> Result<Option<Arc<File>>, Failure> {
        Ok(self.read(path)?.map(|text| Arc::new(File::new(text))))
    }
}

/// The folders of httpd's own tree from which something can be pulled.
const FOLDERS: &[&str] = &["include", "server", "modules", "os/unix"];

/// Parts of them that are of another system, or no part of httpd.
const ELSEWHERE: &[&str] = &[
    "modules/arch/win32/",
    "modules/arch/netware/",
    "modules/test/",
    "server/mpm/winnt/",
    "server/mpm/netware/",
    "server/mpm/beos/",
    "server/mpm/mpmt_os2/",
];

/// A [`Tree`] of which what was read and split is kept.
#[derive(Debug)]
pub struct SourceTree<'t> {
    tree: &'t Tree,
    listed: OnceLock<Arc<[String]>>,
    texts: Memo<String, Option<Arc<str>>>,
    files: Memo<String, Option<Arc<File>>>,
}

impl<'t> SourceTree<'t> {
    /// Reads nothing yet.
    pub fn new(tree: &'t Tree) -> Self {
        SourceTree { tree, listed: OnceLock::new(), texts: Memo::new(), files: Memo::new() }
    }
}

impl Upstream for SourceTree<'_> {
    fn read(&self, path: &str) -> Result<Option<Arc<str>>, Failure> {
        self.texts.try_get(path, || match self.tree.read(path)? {
            None if path == test_char::HEADER => {
                let program = self.read(test_char::PROGRAM)?;
                Ok(program.and_then(|program| test_char::header(&program)).map(Arc::from))
            }
            // Comments of old sources hold names in Latin-1.
            bytes => Ok(bytes.map(|bytes| text::read(&bytes).0)),
        })
    }

    fn c_files(&self) -> Result<Arc<[String]>, Failure> {
        if let Some(listed) = self.listed.get() {
            return Ok(listed.clone());
        }
        let mut files = Vec::new();
        // A third party's tree is laid out as it likes.
        let is_httpd = self.tree.read(RELEASE_HEADER)?.is_some();
        for folder in if is_httpd { FOLDERS } else { &[""] } {
            files.extend(self.tree.walk(folder)?);
        }
        files.retain(|path| {
            (path.ends_with(".c") || path.ends_with(".h"))
                && !ELSEWHERE.iter().any(|folder| path.starts_with(folder))
        });
        // The one header that is made and not shipped.
        if files.iter().any(|path| path == test_char::PROGRAM) {
            files.push(test_char::HEADER.to_owned());
        }
        files.sort();
        files.dedup();
        Ok(self.listed.get_or_init(|| files.into()).clone())
    }

    fn preload(&self, paths: &[String]) -> Result<(), Failure> {
        Ok(self.tree.preload(paths)?)
    }

    fn parsed(&self, path: &str) -> Result<Option<Arc<File>>, Failure> {
        self.files.try_get(path, || Ok(self.read(path)?.map(|text| Arc::new(File::new(text)))))
    }
}
