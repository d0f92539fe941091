//! Whose the changed files are that define no module: siblings of a module's main file, and headers. The build system says it,
//! of the changes or of the tree that they apply to; the main file may be one that no patch touches.

use std::collections::HashSet;
use std::sync::Arc;

use super::listing::{Listing, in_folder};
use super::modules::{ModuleFound, definitions, named};
use super::whole::included;
use super::{Action, Changeset, Class, Error, FileChange, FileText, text};
use crate::source::path::folder;
use crate::source::{Tree, httpd_version};

/// Folders of httpd's tree whose C is in the server itself, but for those of [`MPMS`].
const SERVER: &[&str] = &["server/", "include/", "os/"];

/// Since 2.4 these are modules, and nothing that is read here says which file is whose.
const MPMS: &str = "server/mpm/";

/// The modules that changed files belong to.
#[derive(Debug, Default)]
pub(super) struct Owners {
    /// Those whose sources are changed; of no source, those whose header it is by its name (`mod_x.h` beside `mod_x.c`).
    pub(super) sure: Vec<ModuleFound>,
    /// Those that include a changed header.
    pub(super) including: Vec<ModuleFound>,
    /// Changed files that are in the server itself, and in no module.
    pub(super) of_httpd: Vec<String>,
}

impl Owners {
    /// Without a base tree there are none: the main file would not be at hand.
    ///
    /// # Errors
    /// [`Error::Source`] where the tree cannot be read.
    pub(super) fn of(changeset: &Changeset, base: Option<&Tree>) -> Result<Owners, Error> {
        let Some(tree) = base else { return Ok(Owners::default()) };
        let search = Search { changeset, tree, of_httpd: httpd_version(tree)?.is_some() };
        let mut owners = Owners::default();
        let mut by_name = Vec::new();
        let counts = |file: &&FileChange| !file.class.is_stripped() && file.action != Action::Deleted;
        for file in changeset.files.iter().filter(counts) {
            let path = file.path.as_str();
            if path.ends_with(".c") {
                search.owners_of_source(path, &mut owners)?;
            } else if path.ends_with(".h") {
                search.owners_of_header(path, &mut by_name, &mut owners)?;
            }
        }
        if owners.sure.is_empty() {
            owners.sure = by_name;
        }
        Ok(owners)
    }

    /// The modules to choose from where none is named.
    pub(super) fn meant(&self) -> &[ModuleFound] {
        if self.sure.is_empty() { &self.including } else { &self.sure }
    }

    /// The modules that may be named.
    pub(super) fn possible(&self) -> impl Iterator<Item = &ModuleFound> {
        self.sure.iter().chain(self.including.iter().filter(|module| !self.sure.contains(module)))
    }
}

impl Changeset {
    /// The headers that the patches change, where they change nothing else that is built, and no header that is by its name that
    /// of a source of the module. Where the target has such a header itself, its modules share it, and its version counts.
    pub fn common_headers_alone(&self) -> Vec<&str> {
        let own: HashSet<&str> = (self.files.iter())
            .filter(|file| file.class == Class::ModuleSource)
            .filter_map(|file| file.path.strip_suffix(".c"))
            .collect();
        let changed: Vec<&FileChange> =
            self.files.iter().filter(|file| !file.class.is_stripped() && !file.hunks.is_empty()).collect();
        let is_common = |file: &&FileChange| {
            let stem = file.path.strip_suffix(".h");
            file.class == Class::SharedHeader && stem.is_some_and(|stem| !own.contains(stem))
        };
        match changed.iter().copied().all(|file| is_common(&file)) {
            true => changed.iter().map(|file| file.path.as_str()).collect(),
            false => Vec::new(),
        }
    }
}

struct Search<'a> {
    changeset: &'a Changeset,
    tree: &'a Tree,
    /// Whether the tree is one of httpd.
    of_httpd: bool,
}

impl Search<'_> {
    fn owners_of_source(&self, path: &str, owners: &mut Owners) -> Result<(), Error> {
        // A list may name files of folders below its own.
        let mut home = path;
        while !folder(home).is_empty() {
            home = folder(home);
            let mut listings = in_folder(self.changeset, Some(self.tree), home)?;
            listings.retain(|listing| listing.sources.iter().any(|source| source == path));
            if listings.is_empty() {
                continue;
            }
            for listing in &listings {
                if listing.module.linked_in {
                    add(&mut owners.of_httpd, path.to_owned());
                } else if let Some(main) = self.main(listing)? {
                    add(&mut owners.sure, main);
                }
            }
            return Ok(());
        }
        self.note_server(path, owners);
        Ok(())
    }

    fn owners_of_header(
        &self,
        path: &str,
        by_name: &mut Vec<ModuleFound>,
        owners: &mut Owners,
    ) -> Result<(), Error> {
        let source = format!("{}.c", path.strip_suffix(".h").unwrap_or(path));
        for listing in in_folder(self.changeset, Some(self.tree), folder(path))? {
            let is_its_own = listing.sources.contains(&source);
            if listing.module.linked_in || !is_its_own && !self.includes(&listing, path)? {
                continue;
            }
            if let Some(main) = self.main(&listing)? {
                add(if is_its_own { by_name } else { &mut owners.including }, main);
            }
        }
        self.note_server(path, owners);
        Ok(())
    }

    fn note_server(&self, path: &str, owners: &mut Owners) {
        let is_server = SERVER.iter().any(|folder| path.starts_with(folder)) && !path.starts_with(MPMS);
        if self.of_httpd && is_server {
            add(&mut owners.of_httpd, path.to_owned());
        }
    }

    /// The listed file that defines the module.
    fn main(&self, listing: &Listing) -> Result<Option<ModuleFound>, Error> {
        for path in &listing.sources {
            let Some(text) = self.text(path)? else { continue };
            if let Some(found) = definitions(&text).into_iter().next() {
                return Ok(Some(named(path, found)));
            }
        }
        Ok(None)
    }

    /// Whether a source of the module includes the header, or a header that does.
    fn includes(&self, listing: &Listing, header: &str) -> Result<bool, Error> {
        let mut open: Vec<String> = listing.sources.clone();
        let mut met: HashSet<String> = HashSet::new();
        while let Some(path) = open.pop() {
            if path == header {
                return Ok(true);
            }
            if met.insert(path.clone())
                && let Some(text) = self.text(&path)?
            {
                open.extend(included(&path, &text));
            }
        }
        Ok(false)
    }

    /// A file's text after the changes; nothing where it is not known whole.
    fn text(&self, path: &str) -> Result<Option<Arc<str>>, Error> {
        Ok(match self.changeset.files.iter().find(|file| file.path == path).map(|file| &file.text) {
            Some(FileText::Whole { after, .. }) => Some(after.clone()),
            Some(FileText::Fragments(_)) => None,
            None => self.tree.read(path)?.map(|bytes| text::read(&bytes).0),
        })
    }
}

fn add<T: PartialEq>(all: &mut Vec<T>, one: T) {
    if !all.contains(&one) {
        all.push(one);
    }
}
