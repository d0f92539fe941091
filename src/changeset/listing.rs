//! What the build system that comes with a module says of it: its files and its libraries.
//!
//! The `config*.m4` files are stripped as build system, and read all the same.

use super::classify::reclassify;
use super::modules::ModuleFound;
use super::{Action, Changeset, Class, Error, FileChange, FileText, text};
use crate::autoconf::{self, Module, Text};
use crate::source::Tree;
use crate::source::path::{folder, joined};

/// Where httpd's own macros for configure are.
const SHARED: &str = "acinclude.m4";

/// What the build system says of a module, with the C files by their paths in the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// As it is declared.
    pub module: Module,
    /// Its C files, in the build system's order.
    pub sources: Vec<String>,
    /// Whether the list is known whole, so that what is not in it is not the module's.
    pub whole: bool,
}

/// The configuration files of a folder, as far as they are known: path and text.
type Files = Vec<(String, String)>;

/// What the build system in the changes, or in the tree that they apply to, says of `module`. Nothing where it says nothing.
///
/// # Errors
/// [`Error::Source`] where the tree cannot be read.
pub fn listing(
    changeset: &Changeset,
    base: Option<&Tree>,
    module: &ModuleFound,
) -> Result<Option<Listing>, Error> {
    let found = in_folder(changeset, base, folder(&module.file))?;
    Ok(found.into_iter().find(|listing| listing.sources.contains(&module.file)))
}

/// What the build system in the changes, or in the tree that they apply to, says of the modules of a folder.
pub(super) fn in_folder(
    changeset: &Changeset,
    base: Option<&Tree>,
    home: &str,
) -> Result<Vec<Listing>, Error> {
    let mut files: Files = Vec::new();
    let mut parts: Vec<&str> = Vec::new();
    let mut shared: Files = Vec::new();
    for file in changeset.files.iter().filter(|file| file.action != Action::Deleted) {
        if folder(&file.path) == home && autoconf::is_configuration(&file.path) {
            files.push((file.path.clone(), known(file)));
            if matches!(file.text, FileText::Fragments(_)) {
                parts.push(&file.path);
            }
        } else if file.path == SHARED {
            shared.push((file.path.clone(), known(file)));
        }
    }
    if let Some(tree) = base {
        // Behind the changes, of which only the hunks may be known: what they say goes first.
        files.extend(of_folder(tree, home)?);
        shared.extend(one(tree, SHARED)?);
    }
    let listings = declared(&files, &shared, home).map(|listing| {
        let whole = !parts.contains(&listing.module.file.as_str());
        Listing { whole: whole && listing.whole, ..listing }
    });
    Ok(listings.collect())
}

/// What a tree's build system says of the module whose file this is.
pub(super) fn in_tree(tree: &Tree, source: &str) -> Result<Option<Listing>, Error> {
    let files = of_folder(tree, folder(source))?;
    if files.is_empty() {
        return Ok(None);
    }
    let shared: Files = one(tree, SHARED)?.into_iter().collect();
    let found = declared(&files, &shared, folder(source))
        .find(|listing| listing.sources.iter().any(|listed| listed == source));
    Ok(found)
}

fn of_folder(tree: &Tree, folder: &str) -> Result<Files, Error> {
    let mut files = Vec::new();
    for path in tree.list(folder)?.iter().filter(|path| autoconf::is_configuration(path)) {
        files.extend(one(tree, path)?);
    }
    Ok(files)
}

fn one(tree: &Tree, path: &str) -> Result<Option<(String, String)>, Error> {
    let bytes = tree.read(path)?;
    Ok(bytes.map(|bytes| (path.to_owned(), text::read(&bytes).0.to_string())))
}

/// The text after the change, as far as it is known.
fn known(file: &FileChange) -> String {
    match &file.text {
        FileText::Whole { after, .. } => after.to_string(),
        FileText::Fragments(fragments) => {
            fragments.iter().flat_map(|fragment| &fragment.lines).map(|line| line.text.as_str()).collect()
        }
    }
}

/// The modules that the configuration files of the folder `home` declare.
fn declared(files: &Files, shared: &Files, home: &str) -> impl Iterator<Item = Listing> {
    let files: Vec<Text<'_>> = files.iter().map(|(path, text)| Text { path, text }).collect();
    let shared: Vec<Text<'_>> = shared.iter().map(|(path, text)| Text { path, text }).collect();
    autoconf::modules(&files, &shared).into_iter().map(move |module| {
        let sources: Vec<String> = module.sources.iter().filter_map(|name| joined(home, name)).collect();
        Listing { whole: module.complete, module, sources }
    })
}

impl Changeset {
    /// The changeset with the module's files as the build system lists them: those that patches leave alone come from the tree,
    /// what stands beside them in other folders is module source too, and what only stands in their folder is not.
    ///
    /// # Errors
    /// [`Error::Source`] where the tree cannot be read.
    pub fn listed(mut self, listing: Option<&Listing>, base: Option<&Tree>) -> Result<Changeset, Error> {
        let Some(listing) = listing else { return Ok(self) };
        let why = format!("{} lists it for mod_{}", listing.module.file, listing.module.name);
        for path in &listing.sources {
            self.add_source(path, RULE, &why, base)?;
        }
        if listing.whole {
            let why = format!("{} does not list it for mod_{}", listing.module.file, listing.module.name);
            for file in self.files.iter_mut().filter(|file| &*file.reason.rule == "module.beside") {
                if !listing.sources.contains(&file.path) {
                    reclassify(file, Class::SharedSource, "module.unlisted", why.clone());
                }
            }
        }
        Ok(self)
    }

    /// Makes a file module source, taken from the tree where patches leave it alone; whether it is there.
    fn add_source(&mut self, path: &str, rule: &str, why: &str, base: Option<&Tree>) -> Result<bool, Error> {
        if let Some(file) = self.files.iter_mut().find(|file| file.path == *path) {
            // What a rule of the recipe strips stays stripped.
            if file.class == Class::SharedSource {
                reclassify(file, Class::ModuleSource, rule, why.to_owned());
            }
            return Ok(true);
        }
        let Some(bytes) = base.map(|tree| tree.read(path)).transpose()?.flatten() else { return Ok(false) };
        let (after, encoding) = text::read(&bytes);
        self.files.push(FileChange {
            path: path.to_owned(),
            renamed_from: None,
            copied_from: None,
            action: Action::Modified,
            class: Class::ModuleSource,
            reason: super::rules::Reason { rule: rule.into(), why: why.into() },
            hunks: Vec::new(),
            text: FileText::Whole { before: Some(after.clone()), after },
            encoding,
        });
        Ok(true)
    }
}

/// The name under which the report has this decision.
pub(super) const RULE: &str = "module.listed";
