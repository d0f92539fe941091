//! What is known of the libraries that modules link: `templates/libraries.toml`.

use std::sync::LazyLock;

use serde::Deserialize;

use crate::c::directive::{self, Include};
use crate::profile::LibraryPackages;

/// A library, or a few that come together.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Library {
    /// Names behind `-l`.
    pub link: Vec<String>,
    /// What other distributions call it.
    #[serde(default)]
    also: Vec<String>,
    #[serde(default)]
    pkg_config: Vec<String>,
    #[serde(rename = "macro", default)]
    macros: Vec<String>,
    #[serde(default)]
    variable: Vec<String>,
    /// Folders with its headers, where those are not in the compiler's own.
    #[serde(default)]
    pub include: Vec<String>,
    #[serde(default)]
    headers: Vec<String>,
    /// Headers of httpd's and APR's own that include its headers.
    #[serde(default)]
    through: Vec<String>,
    /// Libraries whose headers its own headers include: by a name behind `-l`.
    #[serde(default)]
    pub with: Vec<String>,
    debian: Option<String>,
    el: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct All {
    library: Vec<Library>,
}

static ALL: LazyLock<Vec<Library>> = LazyLock::new(|| {
    let text = include_str!("../templates/libraries.toml");
    let data: All =
        toml::from_str(text).unwrap_or_else(|error| panic!("libraries.toml is embedded and tested: {error}"));
    data.library
});

impl Library {
    /// The development packages in words: `libssl-dev (Debian) or openssl-devel (Enterprise Linux)`.
    pub fn packages(&self) -> Option<String> {
        let debian = self.debian.as_ref().map(|name| format!("{name} (Debian)"));
        let el = self.el.as_ref().map(|name| format!("{name} (Enterprise Linux)"));
        let names: Vec<String> = debian.into_iter().chain(el).collect();
        (!names.is_empty()).then(|| names.join(" or "))
    }
}

fn find(has: impl Fn(&Library) -> bool) -> Option<&'static Library> {
    ALL.iter().find(|library| has(library))
}

fn among(names: &[String], name: &str) -> bool {
    names.iter().any(|known| known == name)
}

/// The library of this name behind `-l`.
pub fn of_link(name: &str) -> Option<&'static Library> {
    find(|library| among(&library.link, name))
}

/// The library that pkg-config knows by this name.
pub fn of_pkg_config(name: &str) -> Option<&'static Library> {
    find(|library| among(&library.pkg_config, name))
}

/// The library that this macro of httpd's looks for.
pub fn of_macro(name: &str) -> Option<&'static Library> {
    find(|library| among(&library.macros, name))
}

/// The library that configure puts into this variable.
pub fn of_variable(name: &str) -> Option<&'static Library> {
    find(|library| among(&library.variable, name))
}

/// The library that brings a header, by the path that is included.
pub fn of_header(path: &str) -> Option<&'static Library> {
    find(|library| library.headers.iter().any(|start| path.starts_with(start.as_str())))
}

/// The library that a module may call that includes this header of httpd's or APR's.
pub fn through_header(path: &str) -> Option<&'static Library> {
    find(|library| among(&library.through, path))
}

/// The libraries whose headers a C text includes, under whatever condition, itself or by one of httpd's or APR's; each once.
pub fn of_includes(text: &str) -> Vec<&'static Library> {
    let mut all: Vec<&'static Library> = Vec::new();
    for header in directive::includes(text).filter_map(Include::path) {
        let library = of_header(header).or_else(|| through_header(header));
        all.extend(library.filter(|library| !all.iter().any(|known| std::ptr::eq(*known, *library))));
    }
    all
}

/// These libraries as a target calls them: one that `has` denies by its name is taken by the first other name that it knows.
pub fn as_called(names: &[String], has: impl Fn(&str) -> bool) -> Vec<String> {
    let called = |name: &String| {
        let also = of_link(name).filter(|_| !has(name)).map_or(&[][..], |library| library.also.as_slice());
        also.iter().find(|other| has(other)).unwrap_or(name).clone()
    };
    names.iter().map(called).collect()
}

/// The folders with the headers of these libraries (named as behind `-l`), where those are not in the compiler's own.
pub fn include_folders(names: &[String]) -> Vec<&'static str> {
    unique(names, |library| library.include.iter().map(String::as_str).collect())
}

/// The development packages of these libraries by the names of a distribution, as far as they are known.
pub fn development_packages(names: &[String], named_as: LibraryPackages) -> Vec<&'static str> {
    unique(names, |library| {
        let name = match named_as {
            LibraryPackages::Debian => &library.debian,
            LibraryPackages::El => &library.el,
            LibraryPackages::Suse => &None,
        };
        name.iter().map(String::as_str).collect()
    })
}

/// What `of` tells of each library and of those whose headers it includes, each once.
fn unique(names: &[String], of: impl Fn(&'static Library) -> Vec<&'static str>) -> Vec<&'static str> {
    let mut found: Vec<&str> = Vec::new();
    let own = names.iter().filter_map(|name| of_link(name));
    let all = own.flat_map(|library| {
        std::iter::once(library).chain(library.with.iter().filter_map(|name| of_link(name)))
    });
    for item in all.flat_map(of) {
        if !found.contains(&item) {
            found.push(item);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_found_by_each_of_their_names() {
        assert_eq!(of_macro("APACHE_CHECK_OPENSSL").unwrap().link, ["ssl", "crypto"]);
        assert_eq!(of_pkg_config("libcurl").unwrap().link, ["curl"]);
        assert_eq!(of_variable("LDAP_LIBS").unwrap().link, ["ldap", "lber"]);
        assert_eq!(through_header("apr_ldap.h").unwrap().link, ["ldap", "lber"]);
        assert!(through_header("ldap.h").is_none() && of_header("apr_ldap.h").is_none());
        assert_eq!(of_header("libxml/parser.h").unwrap().include, ["/usr/include/libxml2"]);
        let words = of_link("brotlienc").unwrap().packages().unwrap();
        assert_eq!(words, "libbrotli-dev (Debian) or brotli-devel (Enterprise Linux)");
        assert!(of_link("no_such").is_none());
        let names = ["ssl", "crypto", "xml2", "no_such"].map(str::to_owned);
        let lua = ["z", "lua"].map(str::to_owned);
        assert_eq!(as_called(&lua, |name| ["lua5.3", "lua5.4"].contains(&name)), ["z", "lua5.4"]);
        assert_eq!(as_called(&lua, |name| name.starts_with("lua")), ["z", "lua"]);
        assert_eq!(as_called(&lua, |_| false), lua);
        assert_eq!(include_folders(&names), ["/usr/include/libxml2"]);
        assert_eq!(development_packages(&names, LibraryPackages::El), ["openssl-devel", "libxml2-devel"]);
        assert_eq!(development_packages(&names, LibraryPackages::Debian), ["libssl-dev", "libxml2-dev"]);
    }

    #[test]
    fn a_library_brings_the_folders_of_those_that_its_headers_include() {
        let folders = include_folders(&["lasso".to_owned()]);
        assert!(
            folders.contains(&"/usr/include/glib-2.0") && folders.contains(&"/usr/include/xmlsec1"),
            "{folders:?}"
        );
        for name in ALL.iter().flat_map(|library| &library.with) {
            assert!(of_link(name).is_some(), "{name}");
        }
    }

    #[test]
    fn each_name_is_one_librarys() {
        for names in
            [|library: &Library| library.link.clone(), |library: &Library| library.pkg_config.clone()]
        {
            let mut all: Vec<String> = ALL.iter().flat_map(names).collect();
            let count = all.len();
            all.sort();
            all.dedup();
            assert_eq!(all.len(), count);
        }
    }
}
