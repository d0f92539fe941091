//! Files that are there and should not be, and files that should be there beside the metadata.

use std::collections::HashSet;

use super::metadata::Listed;
use super::{Problem, ProblemKind, View, in_repodata};
use crate::hash::sha256;
use crate::publish::Error;
use crate::publish::current::{KEYS, REPODATA, REPOMD, SIGNATURE, bounded, file_name};
use crate::publish::settings::key_file;
use crate::publish::staging::STAGING;
use crate::publish::state::STATE;

/// Checks the folder's files against what is listed.
///
/// # Errors
/// A folder that cannot be read.
pub(super) fn check(view: &View<'_>, listed: &[Listed], problems: &mut Vec<Problem>) -> Result<(), Error> {
    if view.folder.join(STAGING).exists() {
        let problem = "a publication was broken off; the next one removes what it left";
        problems.push(Problem::new(ProblemKind::Leftover, STAGING, problem));
    }
    repodata(view, problems)?;
    packages(view, listed, problems)?;
    beside(view, problems)
}

fn repodata(view: &View<'_>, problems: &mut Vec<Problem>) -> Result<(), Error> {
    let mut known: HashSet<&str> = view.records.iter().filter_map(file_name).collect();
    known.extend([REPOMD, SIGNATURE, KEYS, STATE]);
    let older: HashSet<&str> = view
        .state
        .iter()
        .flat_map(|state| &state.older)
        .flat_map(|older| &older.files)
        .map(String::as_str)
        .collect();
    for entry in fs_err::read_dir(view.folder.join(REPODATA))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if known.contains(name.as_str()) {
            continue;
        }
        let path = view.folder.join(in_repodata(&name));
        if !older.contains(name.as_str()) {
            let problem = "no metadata names it";
            problems.push(Problem::new(ProblemKind::Leftover, in_repodata(&name), problem));
        } else if let Some((digits, _)) = name.split_once('-')
            && digits.len() == 64
            && bounded(&path)?.is_some_and(|bytes| sha256(&bytes) != digits)
        {
            let problem = "it is of older metadata, and has not the sum in its name";
            problems.push(Problem::new(ProblemKind::Metadata, in_repodata(&name), problem));
        }
    }
    Ok(())
}

fn packages(view: &View<'_>, listed: &[Listed], problems: &mut Vec<Problem>) -> Result<(), Error> {
    let older = view.state.iter().flat_map(|state| &state.older).flat_map(|older| &older.packages);
    let known: HashSet<&str> =
        listed.iter().map(|package| &package.href).chain(older).map(String::as_str).collect();
    let entries = walkdir::WalkDir::new(view.folder).sort_by_file_name().into_iter();
    for entry in entries.filter_entry(|entry| entry.depth() != 1 || entry.file_name() != STAGING) {
        let entry = entry.map_err(std::io::Error::from)?;
        let is_package = entry.path().extension().is_some_and(|end| end == "rpm");
        let href = entry.path().strip_prefix(view.folder).unwrap_or(entry.path()).to_string_lossy();
        if is_package && !entry.file_type().is_dir() && !known.contains(&*href) {
            problems.push(Problem::new(ProblemKind::Unlisted, &*href, "no metadata names it"));
        }
    }
    Ok(())
}

/// The .repo file and its keys, where modgraft has made them.
fn beside(view: &View<'_>, problems: &mut Vec<Problem>) -> Result<(), Error> {
    let Some(state) = view.state else { return Ok(()) };
    let name = &state.settings.name;
    let keys = bounded(&view.folder.join(in_repodata(KEYS)))?;
    let mut demand = |file: String, good: bool, problem: &str| {
        if !good {
            problems.push(Problem::new(ProblemKind::Signature, file, problem));
        }
    };
    let repo = format!("{name}.repo");
    demand(repo.clone(), view.folder.join(&repo).is_file(), "it is not there");
    if let Some(keys) = keys {
        let file = key_file(name);
        let there = bounded(&view.folder.join(&file))?;
        demand(file, there.as_ref() == Some(&keys), "it does not have the keys that are beside repomd.xml");
    }
    Ok(())
}
