//! The .repo file, by which dnf, yum and zypper learn of a repository.

use handlebars::Handlebars;
use serde::Serialize;

use super::Error;
use crate::address;
use crate::download::Place;

/// What a .repo file says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RepoFile {
    id: String,
    name: String,
    base_url: String,
    keys: Vec<String>,
    packages_signed: bool,
    metadata_signed: bool,
}

/// What the clients of a repository are to check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checks {
    /// Each package's signature: `gpgcheck`.
    pub packages: bool,
    /// That of repomd.xml: `repo_gpgcheck`.
    pub metadata: bool,
}

impl RepoFile {
    /// `id` is the name in brackets; `name` is for people; `base_url` is the place that has `repodata`; `keys` are the urls of the
    /// public keys, `file:///etc/pki/rpm-gpg/…` where a package brings them.
    ///
    /// # Errors
    /// [`Error::Name`], [`Error::Url`]: what would not be read as it is meant. [`Error::Login`].
    pub fn new(
        id: &str,
        name: &str,
        base_url: &str,
        keys: Vec<String>,
        checks: Checks,
    ) -> Result<Self, Error> {
        check_id(id)?;
        if name.trim().is_empty() || name.chars().any(char::is_control) {
            return Err(Error::Name { name: name.to_owned() });
        }
        for url in keys.iter().map(String::as_str).chain([base_url]) {
            check_url(url)?;
        }
        Ok(RepoFile {
            id: id.to_owned(),
            name: name.trim().to_owned(),
            base_url: base_url.to_owned(),
            packages_signed: checks.packages,
            metadata_signed: checks.metadata,
            keys,
        })
    }

    /// Its name in /etc/yum.repos.d and /etc/zypp/repos.d.
    pub fn file_name(&self) -> String {
        format!("{}.repo", self.id)
    }

    /// Its text.
    pub fn render(&self) -> String {
        let mut engine = Handlebars::new();
        // No HTML; what could be misread was refused.
        engine.register_escape_fn(handlebars::no_escape);
        engine.set_strict_mode(true);
        // The template is part of the program, and the tests render it with all that can be in it.
        let text = engine.render_template(include_str!("../../templates/repo-file.hbs"), self);
        text.expect("the built-in .repo file renders")
    }
}

/// Refuses what dnf takes for no repository's id, and what could not be a file's name.
///
/// # Errors
/// [`Error::Name`].
pub fn check_id(id: &str) -> Result<(), Error> {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
    let good = id.starts_with(|first: char| first.is_ascii_alphanumeric())
        && id.len() <= 128
        && id.chars().all(plain)
        && id != "main";
    if good { Ok(()) } else { Err(Error::Name { name: id.to_owned() }) }
}

/// Refuses what a .repo file cannot have as a url, or should not: a login, which everybody could read then. `$releasever` and its like
/// stay as they are.
pub(super) fn check_url(url: &str) -> Result<(), Error> {
    let public = address::shown(url);
    let refuse = |reason: &'static str| Err(Error::Url { url: public.clone(), reason });
    if url.chars().any(|letter| letter.is_whitespace() || letter.is_control() || "\"'<>\\".contains(letter)) {
        return refuse("it has a space, a quotation mark or another letter that no url has");
    }
    match Place::parse(url) {
        Ok(_) if !url.contains("://") => refuse("it is a path"),
        Ok(_) if address::login(url).is_some_and(|login| !is_of_variables(login)) => {
            Err(Error::Login { url: public })
        }
        Ok(_) => Ok(()),
        Err(_) => refuse("it is neither http, https nor file"),
    }
}

/// Whether all of a login is the client's to fill in: `$user:${password}`.
fn is_of_variables(login: &str) -> bool {
    let is_variable = |part: &str| {
        let name = part.strip_prefix("${").and_then(|name| name.strip_suffix('}'));
        let name = name.or_else(|| part.strip_prefix('$')).unwrap_or_default();
        !name.is_empty() && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
    };
    login.split(':').all(is_variable)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(keys: &[&str], checks: Checks) -> Result<RepoFile, Error> {
        let keys = keys.iter().map(|key| (*key).to_owned()).collect();
        RepoFile::new("mods", "Modules & more", "https://x.example/el$releasever/$basearch", keys, checks)
    }

    #[test]
    fn a_signed_repository_has_all_checked() {
        let checks = Checks { packages: true, metadata: true };
        let text = file(&["https://x.example/a", "file:///etc/pki/rpm-gpg/RPM-GPG-KEY-mods"], checks);
        assert_eq!(
            text.unwrap().render(),
            "[mods]\nname=Modules & more\nbaseurl=https://x.example/el$releasever/$basearch\nenabled=1\n\
             gpgcheck=1\nrepo_gpgcheck=1\ngpgkey=https://x.example/a\n       file:///etc/pki/rpm-gpg/RPM-GPG-KEY-mods\n"
        );
        let none = file(&[], Checks { packages: false, metadata: false }).unwrap().render();
        assert!(none.ends_with("enabled=1\ngpgcheck=0\nrepo_gpgcheck=0\n"), "{none}");
    }

    #[test]
    fn nothing_is_written_that_would_be_read_otherwise() {
        let checks = Checks { packages: true, metadata: true };
        for url in ["x", "/srv/x", "ftp://x", "https://x/a b", "https://x\nenabled=0", "https://x/<a>"] {
            assert!(matches!(file(&[url], checks), Err(Error::Url { .. })), "{url}");
        }
        for url in [
            "https://me:secret@x/y",
            "https://token@x",
            "https://$user:secret@x",
            "https://$user:${a}@secret@x/",
        ] {
            let error = file(&[url], checks).unwrap_err();
            assert!(matches!(error, Error::Login { .. }), "{url}");
            assert!(
                !format!("{error:?}").contains("secret") && !error.to_string().contains("token"),
                "{error}"
            );
        }
        for url in ["https://$user:${password}@x/y", "https://$token@x/@y", "https://x/me:secret@y"] {
            assert!(file(&[url], checks).is_ok(), "{url}");
        }
        for id in ["", "main", "a b", "[a]", "-a", "a/b", "a\nb", "../a"] {
            assert!(matches!(check_id(id), Err(Error::Name { .. })), "{id}");
        }
        let name = RepoFile::new("a", "b\ngpgcheck=0", "https://x", Vec::new(), checks);
        assert!(matches!(name, Err(Error::Name { .. })));
    }
}
