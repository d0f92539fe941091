//! What a publication goes by: what is said now, and what was said before.

use std::path::Path;

use super::request::Request;
use super::state::Settings;
use super::{Error, check_id};

/// What counts: what is said now, else what was said before.
pub(super) fn settings(request: &Request, before: Option<&Settings>) -> Result<Settings, Error> {
    let before = before.cloned().unwrap_or_default();
    let name = match (&request.name, before.name.is_empty()) {
        (Some(name), _) => name.clone(),
        (None, false) => before.name,
        (None, true) => name_of(&request.folder)?,
    };
    let (served, zstd) = match &request.serve[..] {
        [] => (before.served, before.zstd),
        profiles => (profiles.iter().map(|profile| profile.name.clone()).collect(), request.reads_zstd()),
    };
    Ok(Settings {
        name,
        base_url: request.base_url.clone().or(before.base_url),
        served,
        zstd,
        packages_signed: false,
    })
}

/// The folder's own name, as far as it can be a repository's.
fn name_of(folder: &Path) -> Result<String, Error> {
    let whole = fs_err::canonicalize(folder)?;
    let name = whole.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let plain =
        |letter: char| if letter.is_ascii_alphanumeric() || "._-".contains(letter) { letter } else { '-' };
    let name: String = name.chars().map(plain).collect();
    let name = name.trim_start_matches(['.', '_', '-']).to_owned();
    check_id(&name)?;
    Ok(name)
}

/// What the keys' file is called, beside the .repo file.
pub(super) fn key_file(name: &str) -> String {
    format!("RPM-GPG-KEY-{name}")
}
