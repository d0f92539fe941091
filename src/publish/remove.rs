//! Which packages are meant where some are to be taken out.

use std::path::Path;
use std::sync::Arc;

use super::Error;
use super::entry::Entry;

/// How many names are offered for one that there is not.
const OFFERED: usize = 3;

/// Whether a package is meant by one of `specs`.
pub(super) fn is_named(specs: &[String], entry: &Entry) -> bool {
    specs.iter().any(|spec| names(spec, entry))
}

fn names(spec: &str, entry: &Entry) -> bool {
    let without_epoch =
        || format!("{}-{}-{}.{}", entry.name, entry.evr.version, entry.evr.release, entry.arch);
    spec == entry.nevra().to_string() || spec == without_epoch() || names_file(spec, &entry.href)
}

/// Whether a file is meant: by its path in the repository, or by its name behind whatever path.
pub(super) fn names_file(spec: &str, href: &str) -> bool {
    let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    spec.ends_with(".rpm") && (spec == href || name(spec) == name(href))
}

/// Takes out what is meant.
///
/// # Errors
/// [`Error::Unknown`] for what is not there.
pub(super) fn taken_out(
    entries: &mut Vec<Arc<Entry>>,
    specs: &[String],
    folder: &Path,
) -> Result<Vec<Arc<Entry>>, Error> {
    for spec in specs {
        if !entries.iter().any(|entry| names(spec, entry)) {
            let mut near: Vec<(usize, String)> = entries
                .iter()
                .map(|entry| entry.nevra().to_string())
                .map(|name| (strsim::damerau_levenshtein(spec, &name), name))
                .filter(|(distance, name)| *distance * 3 <= spec.len() || name.starts_with(spec.as_str()))
                .collect();
            near.sort();
            let similar = near.into_iter().take(OFFERED).map(|(_, name)| name).collect();
            return Err(Error::Unknown { name: spec.clone(), path: folder.to_owned(), similar });
        }
    }
    if specs.is_empty() {
        return Ok(Vec::new());
    }
    let (removed, kept) = std::mem::take(entries).into_iter().partition(|entry| is_named(specs, entry));
    *entries = kept;
    Ok(removed)
}
