//! A module's whole files from a release or a plain tree: those that are named, those that belong to them, and the headers.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::classify::{Open, decide};
use super::listing::{self, Listing};
use super::modules::definitions;
use super::rules::{Reason, Rules};
use super::{Changeset, Class, Encoding, Error, text};
use crate::c::directive::{self, Include};
use crate::c::{DeclarationKind, File};
use crate::source::path::folder;
use crate::source::{RELEASE_HEADER, Sources, Tree, httpd_version};

/// Reads the files that `sources` names, with what belongs to them.
pub(super) fn read(sources: &Sources, rules: &Rules<'_>) -> Result<Changeset, Error> {
    let Some(tree) = &sources.base else {
        return Ok(Changeset {
            files: Vec::new(),
            based: false,
            messages: Vec::new(),
            unapplied: Vec::new(),
        });
    };
    let release = httpd_version(tree)?.is_some();
    let mut module = Module {
        tree,
        files: Vec::new(),
        listing: None,
        defined: HashSet::new(),
        functions: HashMap::new(),
        promised: BTreeMap::new(),
    };
    for path in &sources.files {
        module.take(path)?;
    }
    module.take_listed()?;
    if module.listing.as_ref().is_none_or(|listing| !listing.whole) {
        let elsewhere = if release { Vec::new() } else { headers_of(tree)? };
        module.take_promised(&elsewhere)?;
    }
    module.take_headers(release)?;
    if release {
        // What says what the module is for, and of which httpd it is.
        let defined = module.sources().find_map(|(_, text)| definitions(text).into_iter().next());
        let listed = module.listing.as_ref().map(|listing| listing.module.name.clone());
        let symbol = defined.map(|found| found.symbol.trim_end_matches("_module").to_owned());
        if let Some(name) = listed.or(symbol) {
            module.take(&format!("docs/manual/mod/mod_{name}.xml"))?;
        }
        module.take(RELEASE_HEADER)?;
    }
    let Module { files, listing, promised, .. } = module;
    let open = files.into_iter().map(|(path, text, encoding)| Open::whole(&path, text, encoding)).collect();
    let mut files = decide(open, rules);
    // Why a sibling is there is said better by the list than by its folder.
    if let Some(Listing { module, sources, .. }) = &listing {
        let why = format!("{} lists it for mod_{}", module.file, module.name);
        for file in files.iter_mut().filter(|file| sources.contains(&file.path)) {
            match file.class {
                Class::SharedSource => {
                    super::classify::reclassify(file, Class::ModuleSource, listing::RULE, why.clone());
                }
                Class::ModuleSource if &*file.reason.rule == "module.beside" => {
                    file.reason = Reason { rule: listing::RULE.into(), why: why.as_str().into() };
                }
                _ => {}
            }
        }
    }
    // Wherever a third party keeps them.
    for file in files.iter_mut().filter(|file| !release && file.class == Class::SharedSource) {
        if let Some(name) = promised.get(&file.path) {
            let why = format!("it defines {name}(), which a header of the module's declares");
            super::classify::reclassify(file, Class::ModuleSource, PROMISED, why);
        }
    }
    Ok(Changeset { files, based: true, messages: Vec::new(), unapplied: Vec::new() })
}

/// Where sources belong to the module for what they define.
const PROMISED: &str = "module.promised";

/// The files of a module as they are gathered.
struct Module<'t> {
    tree: &'t Tree,
    /// In the order in which they were found: the named ones first.
    files: Vec<(String, Arc<str>, Encoding)>,
    listing: Option<Listing>,
    /// The functions that the sources among them define.
    defined: HashSet<String>,
    /// What each source defines that was asked; nothing of another module's.
    functions: HashMap<String, Vec<String>>,
    /// Sources that were taken for a function that a header promises, and that function.
    promised: BTreeMap<String, String>,
}

impl Module<'_> {
    /// Adds the file at `path`, if it is there and not taken already.
    fn take(&mut self, path: &str) -> Result<(), Error> {
        if self.files.iter().any(|(known, ..)| known == path) {
            return Ok(());
        }
        if let Some(bytes) = self.tree.read(path)? {
            let (text, encoding) = text::read(&bytes);
            if path.ends_with(".c") {
                self.defined.extend(names(&text, DeclarationKind::Function));
            }
            self.files.push((path.to_owned(), text, encoding));
        }
        Ok(())
    }

    fn sources(&self) -> impl Iterator<Item = (&str, &Arc<str>)> {
        self.files
            .iter()
            .filter(|(path, ..)| path.ends_with(".c"))
            .map(|(path, text, _)| (path.as_str(), text))
    }

    /// The files that the build system lists for the module.
    fn take_listed(&mut self) -> Result<(), Error> {
        let main =
            self.sources().find(|(_, text)| !definitions(text).is_empty()).map(|(path, _)| path.to_owned());
        // Of a file that is none of a module's, the module's list is asked all the same: it may be a sibling.
        let Some(asked) = main.or_else(|| self.sources().next().map(|(path, _)| path.to_owned())) else {
            return Ok(());
        };
        self.listing = listing::in_tree(self.tree, &asked)?;
        for path in self.listing.iter().flat_map(|listing| listing.sources.clone()).collect::<Vec<_>>() {
            self.take(&path)?;
        }
        Ok(())
    }

    /// Where no list is there, or it is not all: the sources beside that define what the headers beside promise. Of `elsewhere`
    /// a header is meant that is the only one of its name, as a third party's `-I` would have it; its sources are beside it.
    fn take_promised(&mut self, elsewhere: &[String]) -> Result<(), Error> {
        let mut next = 0;
        let mut promised: BTreeSet<String> = BTreeSet::new();
        let mut asked: HashSet<String> = HashSet::new();
        let mut folders: BTreeSet<String> = BTreeSet::new();
        while next < self.files.len() {
            let (path, text) = (self.files[next].0.clone(), self.files[next].1.clone());
            next += 1;
            // Headers that headers include promise as well.
            let mut headers = included(&path, &text);
            while let Some(header) = headers.pop() {
                let Some(header) = self.header(header, elsewhere)? else { continue };
                if asked.insert(header.clone())
                    && let Some(bytes) = self.tree.read(&header)?
                {
                    let (text, _) = text::read(&bytes);
                    promised.extend(names(&text, DeclarationKind::Prototype));
                    headers.extend(included(&header, &text));
                    folders.insert(folder(&header).to_owned());
                }
            }
            promised.retain(|name| !self.defined.contains(name));
            if promised.is_empty() {
                continue;
            }
            folders.insert(folder(&path).to_owned());
            for beside in &folders {
                self.take_providers(beside, &promised)?;
            }
        }
        Ok(())
    }

    /// The sources of a folder that define one of these functions, and are no module themselves.
    fn take_providers(&mut self, folder: &str, promised: &BTreeSet<String>) -> Result<(), Error> {
        for source in self.tree.list(folder)?.iter().filter(|path| path.ends_with(".c")) {
            if !self.functions.contains_key(source) {
                let Some(bytes) = self.tree.read(source)? else { continue };
                let (text, _) = text::read(&bytes);
                let is_module = !definitions(&text).is_empty();
                let functions = if is_module { Vec::new() } else { names(&text, DeclarationKind::Function) };
                self.functions.insert(source.clone(), functions);
            }
            if let Some(name) = self.functions[source].iter().find(|name| promised.contains(*name)) {
                self.promised.entry(source.clone()).or_insert_with(|| name.clone());
                self.take(source)?;
            }
        }
        Ok(())
    }

    /// The header that is meant by this path beside the includer: it, or the only one of `elsewhere` with that name.
    fn header(&self, beside: String, elsewhere: &[String]) -> Result<Option<String>, Error> {
        if self.tree.read(&beside)?.is_some() {
            return Ok(Some(beside));
        }
        let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
        let wanted = name(&beside);
        let mut called = elsewhere.iter().filter(|path| name(path) == wanted);
        Ok(called.next().filter(|_| called.next().is_none()).cloned())
    }

    /// The headers beside the files that include them. Of a release of httpd only the module's own: for any other header the
    /// target's is the one that counts, and flattening takes it from the release where the target has none.
    fn take_headers(&mut self, release: bool) -> Result<(), Error> {
        let stems: HashSet<String> =
            self.sources().filter_map(|(path, _)| path.strip_suffix(".c").map(str::to_owned)).collect();
        let mut next = 0;
        while next < self.files.len() {
            let (path, text) = (self.files[next].0.clone(), self.files[next].1.clone());
            next += 1;
            for header in included(&path, &text) {
                if let Some(bytes) = self.tree.read(&header)?
                    && (!release || {
                        let (text, _) = text::read(&bytes);
                        header.strip_suffix(".h").is_some_and(|stem| stems.contains(stem))
                            || names(&text, DeclarationKind::Prototype)
                                .iter()
                                .any(|name| self.defined.contains(name))
                    })
                {
                    self.take(&header)?;
                }
            }
        }
        Ok(())
    }
}

/// All headers of a tree.
fn headers_of(tree: &Tree) -> Result<Vec<String>, Error> {
    let mut files = tree.walk("")?;
    files.retain(|path| path.ends_with(".h"));
    Ok(files)
}

/// The names that declarations of one kind have in a text.
fn names(text: &Arc<str>, kind: DeclarationKind) -> Vec<String> {
    let file = File::new(text.clone());
    let outlines = (0..file.len()).filter_map(|piece| file.outline(piece));
    outlines.filter(|outline| outline.kind == kind).flat_map(|outline| outline.names.clone()).collect()
}

/// Paths of the headers that a file includes by quotes from its own folder.
pub(crate) fn included(path: &str, text: &str) -> Vec<String> {
    let folder = folder(path);
    let names = directive::includes(text).filter_map(|include| match include {
        Include::Quoted(name) => Some(name),
        Include::System(_) | Include::Computed => None,
    });
    names
        .filter(|name| {
            !name.starts_with('/') && !name.split('/').any(|part| part == "..") && !name.is_empty()
        })
        .map(|name| if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") })
        .collect()
}
