//! Licence texts and documentation of a recipe.

use std::path::Path;
use std::sync::Arc;

use super::assemble::Common;
use super::file;
use super::names::Unique;
use super::{Error, File};
use crate::beside;
use crate::recipe::{Document, DocumentKind};

/// The documents of a package, read.
#[derive(Debug, Default)]
pub struct Documents {
    /// Directories that the package owns.
    pub(crate) directories: Vec<String>,
    /// Where each goes, and what it is.
    pub(crate) files: Vec<Packaged>,
}

/// One document.
#[derive(Debug)]
pub(crate) struct Packaged {
    /// Plain file name.
    pub name: String,
    /// Where it is installed.
    pub path: String,
    /// `%license`, where the target's rpm knows that; else `%doc`.
    pub is_license: bool,
    pub bytes: Arc<[u8]>,
}

impl Documents {
    /// Reads the documents beneath the recipe's folder; `notes` are at hand.
    ///
    /// # Errors
    /// [`Error::Document`] for what is no regular file there, or is too large.
    pub(super) fn read(
        documents: &[Document],
        folder: &Path,
        notes: &[(String, Arc<[u8]>)],
        common: &Common,
    ) -> Result<Self, Error> {
        let packaging = &common.profile.packaging;
        let (doc_dir, license_dir) = (common.path(&packaging.doc_dir), common.path(&packaging.license_dir));
        let mut read = Documents::default();
        let mut names = Unique::default();
        let mut all = Vec::new();
        for document in documents {
            let name = document.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            all.push((name, document.kind, content(document, folder)?));
        }
        let written =
            notes.iter().map(|(name, bytes)| (name.clone(), DocumentKind::Documentation, bytes.clone()));
        all.extend(written);
        for (name, kind, bytes) in all {
            let name = names.take(&name);
            let license = kind == DocumentKind::License;
            let directory = if license { &license_dir } else { &doc_dir };
            if !read.directories.contains(directory) {
                read.directories.push(directory.clone());
            }
            read.files.push(Packaged {
                path: format!("{directory}/{name}"),
                name,
                is_license: license && packaging.license_flag,
                bytes,
            });
        }
        Ok(read)
    }

    /// As files of the binary package.
    pub(super) fn to_files(&self) -> impl Iterator<Item = File> {
        let directories = self.directories.iter().map(|path| File::directory(path.clone()));
        let files = self.files.iter().map(|document| {
            let flag = if document.is_license { file::LICENSE } else { file::DOC };
            File::text(document.path.clone(), document.bytes.clone()).flagged(flag)
        });
        directories.chain(files)
    }
}

fn content(document: &Document, folder: &Path) -> Result<Arc<[u8]>, Error> {
    let bytes = beside::read(folder, &document.path);
    let refuse =
        |error: std::io::Error| Error::Document { path: document.path.clone(), reason: error.to_string() };
    bytes.map(Arc::from).map_err(refuse)
}
