//! Which packages are meant where some are to be taken out.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use super::Error;
use super::entry::Entry;

/// How many names are offered for one that there is not.
const OFFERED: usize = 3;

/// What is to be taken out.
#[derive(Debug)]
pub(super) struct Removal<'a> {
    specs: Vec<Spec<'a>>,
}

/// One of what was named.
#[derive(Debug)]
struct Spec<'a> {
    text: &'a str,
    /// It is where a package lies, and means no other that has the same name elsewhere.
    is_place: bool,
}

impl Spec<'_> {
    fn names(&self, entry: &Entry) -> bool {
        let without_epoch =
            || format!("{}-{}-{}.{}", entry.name, entry.evr.version, entry.evr.release, entry.arch);
        self.text == entry.nevra().to_string() || self.text == without_epoch() || self.names_file(&entry.href)
    }

    fn names_file(&self, href: &str) -> bool {
        let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
        self.text == href || (!self.is_place && self.text.ends_with(".rpm") && name(self.text) == name(href))
    }
}

impl<'a> Removal<'a> {
    /// As `specs` name it, of packages that lie at `places`.
    pub fn of<'p>(specs: &'a [String], places: impl Iterator<Item = &'p str>) -> Self {
        let places: HashSet<&str> = if specs.is_empty() { HashSet::new() } else { places.collect() };
        let spec = |text: &'a String| Spec { text, is_place: places.contains(text.as_str()) };
        Removal { specs: specs.iter().map(spec).collect() }
    }

    /// Whether a package is meant.
    pub fn names(&self, entry: &Entry) -> bool {
        self.specs.iter().any(|spec| spec.names(entry))
    }

    /// Whether a file is meant: by its path in the repository, or by its name behind whatever path.
    pub fn names_file(&self, href: &str) -> bool {
        self.specs.iter().any(|spec| spec.names_file(href))
    }
}

/// Takes out what is meant. `gone` are packages that were not read for that: they are out already.
///
/// # Errors
/// [`Error::Unknown`] for what is not there.
pub(super) fn taken_out(
    entries: &mut Vec<Arc<Entry>>,
    removal: &Removal<'_>,
    gone: &[String],
    folder: &Path,
) -> Result<Vec<Arc<Entry>>, Error> {
    for spec in &removal.specs {
        let is_gone = gone.iter().any(|href| spec.names_file(href));
        if !is_gone && !entries.iter().any(|entry| spec.names(entry)) {
            let spec = spec.text;
            let mut near: Vec<(usize, String)> = entries
                .iter()
                .map(|entry| entry.nevra().to_string())
                .map(|name| (strsim::damerau_levenshtein(spec, &name), name))
                .filter(|(distance, name)| *distance * 3 <= spec.len() || name.starts_with(spec))
                .collect();
            near.sort();
            let similar = near.into_iter().take(OFFERED).map(|(_, name)| name).collect();
            return Err(Error::Unknown { name: spec.to_owned(), path: folder.to_owned(), similar });
        }
    }
    if removal.specs.is_empty() {
        return Ok(Vec::new());
    }
    let (removed, kept) = std::mem::take(entries).into_iter().partition(|entry| removal.names(entry));
    *entries = kept;
    Ok(removed)
}
