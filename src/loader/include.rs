//! Include and IncludeOptional: which files, and in which order (server/config.c and util.c: `ap_process_fnmatch_configs`,
//! `ap_dir_fnmatch`; 2.2: `ap_process_resource_config`).

use super::files::Kind;
use super::reader::{Server, Stop};
use super::{paths, pattern};

/// AP_MAX_INCLUDE_DEPTH: files within files.
const MOST_FILES: usize = 128;

/// AP_MAX_INCLUDE_DIR_DEPTH, AP_MAX_FNMATCH_DIR_DEPTH: folders within folders.
const MOST_FOLDERS: usize = 128;

/// Reads what an Include names.
pub(super) fn include(server: &mut Server<'_>, name: &str, optional: bool) -> Result<(), Stop> {
    server.including += 1;
    if server.including > MOST_FILES {
        return Err(Stop::configuration(server.dialect.too_deep(MOST_FILES)));
    }
    let path = paths::merged(&server.root, name);
    if !pattern::has_wildcards(&path) {
        plain(server, &path, optional, 0)?;
    } else if server.dialect.is_2_4 {
        let rest = path.trim_start_matches('/').to_owned();
        wild(server, "/", &rest, optional)?;
    } else {
        wild_2_2(server, &path)?;
    }
    server.including -= 1;
    Ok(())
}

/// A path without wildcards: a file, or all files of a folder and the folders in it.
fn plain(server: &mut Server<'_>, path: &str, optional: bool, depth: usize) -> Result<(), Stop> {
    match server.files.kind(path) {
        Ok(Kind::Folder) => {
            if depth >= MOST_FOLDERS {
                return Err(Stop::configuration(server.dialect.folders_too_deep(path, MOST_FOLDERS)));
            }
            let entries = server.files.list(path);
            let entries = entries.map_err(|why| Stop::configuration(server.dialect.no_folder(path, &why)))?;
            for path in sorted(entries.iter().map(|entry| paths::joined(path, &entry.name))) {
                plain(server, &path, optional, depth + 1)?;
            }
            Ok(())
        }
        Err(_) if optional && server.dialect.optional_missing => Ok(()),
        _ => server.file(path),
    }
}

/// Below `folder`, a path of which any part may have wildcards.
fn wild(server: &mut Server<'_>, folder: &str, path: &str, optional: bool) -> Result<(), Stop> {
    let (part, rest) = match path.split_once('/') {
        Some((part, rest)) => (part, Some(rest)),
        None => (path, None),
    };
    if !pattern::has_wildcards(part) {
        let path = paths::joined(folder, part);
        return match rest {
            Some(rest) => wild(server, &path, rest, optional),
            None => plain(server, &path, optional, 0),
        };
    }
    let entries = match server.files.list(folder) {
        Ok(entries) => entries,
        Err(why) if optional && server.dialect.optional_missing && why == "No such file or directory" => {
            return Ok(());
        }
        Err(why) => return Err(Stop::configuration(server.dialect.no_folder(folder, &why))),
    };
    // A link to a folder is none here: the kind is asked of the entry, not of what it leads to.
    let fitting = entries.iter().filter(|entry| pattern::matches(part, &entry.name));
    let fitting = fitting.filter(|entry| rest.is_none() || entry.is_folder);
    let found = sorted(fitting.map(|entry| paths::joined(folder, &entry.name)));
    if found.is_empty() && !optional {
        return Err(Stop::configuration(server.dialect.no_matches(part, folder)));
    }
    for path in found {
        match rest {
            Some(rest) => wild(server, &path, rest, optional)?,
            None => plain(server, &path, optional, 0)?,
        }
    }
    Ok(())
}

/// httpd 2.2: wildcards in the last part only, and no error where nothing fits.
fn wild_2_2(server: &mut Server<'_>, path: &str) -> Result<(), Stop> {
    let (folder, part) = paths::split(path);
    let refused = |message: String| Err(Stop::configuration(message));
    if pattern::has_wildcards(folder) {
        return refused(format!("Wildcard patterns not allowed in Include {path}"));
    }
    if server.files.kind(folder) != Ok(Kind::Folder) {
        return refused(format!("Include directory '{folder}' not found"));
    }
    let entries = match server.files.list(folder) {
        Ok(entries) => entries,
        Err(why) => return refused(server.dialect.no_folder(folder, &why)),
    };
    let fitting = entries.iter().filter(|entry| pattern::matches(part, &entry.name));
    for path in sorted(fitting.map(|entry| paths::joined(folder, &entry.name))) {
        plain(server, &path, false, 0)?;
    }
    Ok(())
}

/// By the bytes of the whole path, as `strcmp` compares.
fn sorted(paths: impl Iterator<Item = String>) -> Vec<String> {
    let mut paths: Vec<String> = paths.collect();
    paths.sort();
    paths
}
