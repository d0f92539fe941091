//! Where a recipe's overlays are: `overlays/KEY/*.patch` beside `module.toml`.
//!
//! The key says for which targets: a target's name (`el6`), a release of httpd (`httpd-2.2.15`), or a branch (`httpd-2.2`).
//! Of these, the first that there is a folder of counts, and only that one: what was decided for a target stands alone.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Error;
use crate::beneath::at;
use crate::beside;
use crate::target::Target;

/// The folder beneath the recipe's.
const FOLDER: &str = "overlays";

/// The name of every httpd of this machine: it says nothing elsewhere.
const LOCAL: &str = "local";

/// A recipe's overlays for one target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overlays {
    /// The key that counts.
    pub key: String,
    /// Name and text of each patch, by name.
    pub files: Vec<(String, Arc<str>)>,
}

/// The keys of a target, the most particular first.
pub fn keys(target: &Target) -> Vec<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._+-".contains(c);
    let named = |name: &str| name != LOCAL && !name.starts_with('.') && name.chars().all(plain);
    let mut keys: Vec<String> = Some(&target.name).filter(|name| named(name)).cloned().into_iter().collect();
    let version = &target.httpd_version;
    keys.push(format!("httpd-{version}"));
    let branch: Vec<&str> = version.splitn(3, '.').take(2).collect();
    keys.push(format!("httpd-{}", branch.join(".")));
    keys
}

/// `overlays/KEY/NAME`.
pub fn path(key: &str, name: &str) -> String {
    format!("{FOLDER}/{key}/{name}")
}

/// The folder of a key.
pub fn folder(directory: &Path, key: &str) -> PathBuf {
    directory.join(FOLDER).join(key)
}

/// The key that counts, and its patches by name; the first key, and none, where the recipe has nothing for this target.
///
/// # Errors
/// [`Error::Io`] for what cannot be read.
pub fn overlays(directory: &Path, keys: &[String]) -> Result<Overlays, Error> {
    let Some(key) = keys.iter().find(|key| folder(directory, key).is_dir()) else {
        return Ok(Overlays { key: keys.first().cloned().unwrap_or_default(), files: Vec::new() });
    };
    let mut patches = Vec::new();
    for entry in fs_err::read_dir(folder(directory, key))? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        if name.ends_with(".patch") && !name.starts_with('.') && path.is_file() {
            let text = beside::read_text(directory, Path::new(&self::path(key, &name)));
            patches.push((name, Arc::from(text.map_err(|error| at(&path, error))?)));
        }
    }
    patches.sort();
    Ok(Overlays { key: key.clone(), files: patches })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_particular_folder_counts_alone() {
        let here = tempfile::tempdir().unwrap();
        let keys = ["el6", "httpd-2.2.15", "httpd-2.2"].map(str::to_owned);
        let write = |name: &str| {
            let path = here.path().join(name);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, "text").unwrap();
        };
        let found = || {
            let Overlays { key, files } = overlays(here.path(), &keys).unwrap();
            (key, files.into_iter().map(|(name, _)| name).collect::<Vec<_>>())
        };
        assert_eq!(found(), ("el6".to_owned(), Vec::new()));
        write("overlays/httpd-2.2/b.patch");
        write("overlays/httpd-2.2/a.patch");
        write("overlays/httpd-2.2/README.md");
        assert_eq!(found(), ("httpd-2.2".to_owned(), vec!["a.patch".to_owned(), "b.patch".to_owned()]));
        write("overlays/httpd-2.2.15/c.patch");
        assert_eq!(found(), ("httpd-2.2.15".to_owned(), vec!["c.patch".to_owned()]));
    }
}
