//! A whole upstream tree to take modules from: a release's tarball, a revision of a git repository, or a folder.

use std::path::{Path, PathBuf};

use super::{Base, Error, Options, Snapshot, SourceSpec, Tree, base, release};
use crate::address::shown;
use crate::c::directive;
use crate::hash::sha256;

/// Endings of archives.
const ARCHIVES: &[&str] = &[".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz"];

/// What stands between a tarball and its digest.
const DIGEST: &str = "#sha256=";

impl Snapshot {
    /// Reads what `--from` takes: `TARBALL`, `TARBALL#sha256=DIGEST`, `GIT@REV` or `DIR`. What is wrong with it shows in
    /// [`Snapshot::pin`].
    pub fn parse(text: &str) -> Snapshot {
        let (path, digest) = match text.split_once(DIGEST) {
            Some((path, digest)) => (path, Some(digest.to_owned())),
            None => (text, None),
        };
        let archive = ARCHIVES.iter().any(|ending| path.ends_with(ending)) || Path::new(path).is_file();
        match () {
            () if archive || digest.is_some() => {
                Snapshot::Tarball { tarball: path.to_owned(), sha256: digest }
            }
            () if Path::new(text).is_dir() => Snapshot::Tree(Base::Directory(text.into())),
            () => Snapshot::Tree(Base::parse(text)),
        }
    }

    /// The same with paths of repositories made absolute from the current folder, for what was typed on a command line.
    ///
    /// # Errors
    /// [`Error::Io`] where there is no current folder.
    pub fn absolute(self) -> Result<Snapshot, Error> {
        Ok(match self {
            Snapshot::Tree(tree) => Snapshot::Tree(tree.absolute()?),
            tarball @ Snapshot::Tarball { .. } => tarball,
        })
    }

    /// As a recipe names it: a tarball by its digest, a revision by its commit. `files` are the module's own.
    ///
    /// # Errors
    /// As [`fetch`](super::fetch); and [`Error::SnapshotText`], [`Error::SnapshotMissing`], [`Error::SnapshotDigest`].
    pub fn pin(&self, files: &[String], options: &Options) -> Result<SourceSpec, Error> {
        let files = files.to_owned();
        match self {
            Snapshot::Tarball { tarball, sha256: Some(sha256) } => {
                Ok(SourceSpec::Release { tarball: tarball.clone(), sha256: sha256.clone(), files })
            }
            Snapshot::Tarball { tarball, sha256: None } if tarball.contains("://") => {
                Err(Error::SnapshotDigest { url: shown(tarball) })
            }
            Snapshot::Tarball { tarball, sha256: None } => {
                let sha256 = sha256(&release::read(Path::new(tarball), tarball)?);
                Ok(SourceSpec::Release { tarball: tarball.clone(), sha256, files })
            }
            Snapshot::Tree(tree) => {
                let found = match tree {
                    Base::Directory(directory) => base::folder(tree, directory.clone()).map(|directory| {
                        let files = files.iter().map(|file| beneath(&directory, file)).collect();
                        SourceSpec::Tree { directory, files }
                    }),
                    Base::Git { repository, .. } => base::commit(tree, Path::new(""), options)
                        .map(|(_, commit)| SourceSpec::Revision { url: repository.clone(), commit, files }),
                };
                // What is said there is said of --base.
                found.map_err(|error| match error {
                    Error::BaseText { text, problem } => Error::SnapshotText { text, problem },
                    Error::Base { path, problem } => Error::SnapshotMissing { path, problem },
                    other => other,
                })
            }
        }
    }
}

/// A file that was named from the current folder, as a path beneath the tree.
fn beneath(directory: &Path, file: &str) -> String {
    let real = |path: &Path| fs_err::canonicalize(path).ok();
    let inside = || {
        let (directory, file) = (real(directory)?, real(Path::new(file))?);
        Some(file.strip_prefix(directory).ok()?.to_str()?.to_owned())
    };
    // What the tree has under this very path is meant first.
    if directory.join(file).is_file() && !Path::new(file).is_absolute() {
        return file.to_owned();
    }
    inside().unwrap_or_else(|| file.to_owned())
}

/// The version of the httpd whose tree this is: `2.4.62`, with `~dev` behind it between releases: as upstream counts, not as every rpm does. Nothing where the tree is
/// no httpd's.
///
/// # Errors
/// As [`Tree::read`].
pub fn httpd_version(tree: &Tree) -> Result<Option<String>, Error> {
    let Some(bytes) = tree.read(RELEASE_HEADER)? else { return Ok(None) };
    Ok(version(&String::from_utf8_lossy(&bytes)))
}

/// The header that has httpd's own version, since 2.0.
pub const RELEASE_HEADER: &str = "include/ap_release.h";

/// The version that `include/ap_release.h` states. Numbers stand there bare (2.2 and later) or in quotes (2.0).
pub fn version(text: &str) -> Option<String> {
    let value = |name: &str| {
        text.lines().find_map(|line| {
            let rest = directive::behind(line, "define")?;
            let rest = rest.trim_start().strip_prefix(name)?;
            let value = rest.strip_prefix([' ', '\t'])?.trim().trim_matches('"');
            let digits: String = value.chars().take_while(char::is_ascii_digit).collect();
            (!digits.is_empty()).then_some(digits)
        })
    };
    let number = |part: &str| {
        value(&format!("AP_SERVER_{part}_NUMBER")).or_else(|| value(&format!("AP_SERVER_{part}")))
    };
    let patch = number("PATCHLEVEL")?;
    let development = value("AP_SERVER_DEVBUILD_BOOLEAN").is_some_and(|value| value != "0");
    let sign = if development { "~dev" } else { "" };
    Some(format!("{}.{}.{patch}{sign}", number("MAJORVERSION")?, number("MINORVERSION")?))
}

/// A local path's last part, a url without user and password: what a recipe that travels can say of a place.
pub fn portable(place: &str) -> String {
    match super::git::Location::of(place) {
        super::git::Location::Remote => shown(place),
        super::git::Location::Path => {
            let path = PathBuf::from(place);
            path.file_name().map_or_else(|| ".".to_owned(), |name| name.to_string_lossy().into_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_is_told_by_its_spelling() {
        let tar = |tarball: &str, sha256: Option<&str>| Snapshot::Tarball {
            tarball: tarball.to_owned(),
            sha256: sha256.map(str::to_owned),
        };
        let git = |repository: &str, revision: &str| {
            Snapshot::Tree(Base::Git { repository: repository.to_owned(), revision: revision.to_owned() })
        };
        for (text, snapshot) in [
            ("httpd-2.4.62.tar.gz", tar("httpd-2.4.62.tar.gz", None)),
            ("https://x/httpd.tar.bz2#sha256=ab", tar("https://x/httpd.tar.bz2", Some("ab"))),
            ("download#sha256=ab", tar("download", Some("ab"))),
            ("https://x/httpd@2.4.62", git("https://x/httpd", "2.4.62")),
            ("git@x:httpd.git@2.4.x", git("git@x:httpd.git", "2.4.x")),
            ("../httpd@2.4.62", git("../httpd", "2.4.62")),
            ("../httpd", Snapshot::Tree(Base::Directory("../httpd".into()))),
        ] {
            assert_eq!(Snapshot::parse(text), snapshot, "{text}");
        }
    }

    #[test]
    fn versions_of_all_ages_are_read() {
        let new = "#define AP_SERVER_MAJORVERSION_NUMBER 2\n#define AP_SERVER_MINORVERSION_NUMBER 4\n\
                   #define AP_SERVER_PATCHLEVEL_NUMBER   62\n#define AP_SERVER_DEVBUILD_BOOLEAN    0\n";
        assert_eq!(version(new).as_deref(), Some("2.4.62"));
        assert_eq!(version(&new.replace("BOOLEAN    0", "BOOLEAN 1")).as_deref(), Some("2.4.62~dev"));
        let old = "#define AP_SERVER_MAJORVERSION \"2\"\n#define AP_SERVER_MINORVERSION \"0\"\n\
                   #define AP_SERVER_PATCHLEVEL   \"65-dev\"\n";
        assert_eq!(version(old).as_deref(), Some("2.0.65"));
        assert_eq!(version("#define AP_SERVER_MAJORVERSION AP_X\n"), None);
    }

    #[test]
    fn a_recipe_names_no_folder_of_this_machine_and_no_password() {
        for (place, name) in [
            ("/home/me/httpd", "httpd"),
            ("../x/httpd-2.4.62.tar.gz", "httpd-2.4.62.tar.gz"),
            ("https://example.org/httpd", "https://example.org/httpd"),
            ("https://oauth2:token@example.org/httpd", "https://example.org/httpd"),
            ("git@example.org:httpd.git", "git@example.org:httpd.git"),
            ("/", "."),
        ] {
            assert_eq!(portable(place), name);
        }
    }
}
