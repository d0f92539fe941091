//! Renders the spec file of a package with the template in `templates/`.
//!
//! The spec needs no modgraft: `rpmbuild --rebuild`, mock, Copr, Koji or OBS build with it. It reads the same
//! [`Package`] as the packages that modgraft writes, so both say the same.

mod error;
mod escape;

pub use error::Error;

use std::sync::LazyLock;

use handlebars::Handlebars;
use serde::Serialize;

use crate::package::documents::Documents;
use crate::package::source::{Listed, Role};
use crate::package::{Package, Places, Relation, relation};
use crate::profile::Fallback;
use crate::{libraries, templates};

/// What a spec is made of.
#[derive(Debug)]
pub struct View<'a> {
    /// The package that it builds.
    pub binary: &'a Package,
    /// What the source package has.
    pub sources: &'a [Listed],
    /// The module structure's C name.
    pub symbol: &'a str,
    /// All that it exports, the structure first.
    pub exports: &'a [String],
    /// The module's name, `mod_x`.
    pub module: &'a str,
    /// Libraries to link, without `-l`.
    pub libraries: &'a [String],
    /// Where the files go on the target.
    pub places: &'a Places,
    /// How the module folder is written in LoadModule on the target.
    pub load_prefix: &'a str,
    /// The major module magic number of the target, and what `httpd-mmn` has to equal there.
    pub mmn: (u32, &'a str),
    /// What is required of httpd, and how that is written here.
    pub of_httpd: &'a [(Relation, Option<String>)],
    /// What has to be there to build.
    pub build_requires: &'a [String],
    /// Licence texts and documentation.
    pub documents: &'a Documents,
}

/// The template's names. In the template, `{{x}}` is text, whose percent signs are doubled, `{{{x}}}` is taken as it is.
#[derive(Debug, Serialize)]
struct Names<'a> {
    name: &'a str,
    module: &'a str,
    short_name: &'a str,
    symbol: &'a str,
    exports: String,
    version: &'a str,
    release: &'a str,
    summary: &'a str,
    license: &'a str,
    url: Option<&'a str>,
    group: &'a str,
    description: &'a str,
    legacy: bool,
    macros: Written<'a>,
    fallbacks: Vec<Definition<'a>>,
    load_dir: &'a str,
    load_base: &'a str,
    load_prefix: &'a str,
    directives_base: &'a str,
    sources: Vec<&'a str>,
    build_requires: &'a [String],
    requires: Vec<String>,
    cflags: &'a str,
    libraries: &'a [String],
    library_includes: Vec<&'a str>,
    flat: &'a str,
    upstream: &'a str,
    load_source: &'a str,
    directives: bool,
    directives_source: &'a str,
    directories: &'a [String],
    documents: Vec<Installed<'a>>,
    changes: Vec<Entry<'a>>,
}

/// What is written for the places, by the distribution's macros.
#[derive(Debug, Serialize)]
struct Written<'a> {
    apxs: &'a str,
    module_dir: &'a str,
    load_dir: &'a str,
    directives_dir: &'a str,
}

/// A macro's definition where the distribution has none.
#[derive(Debug, Serialize)]
struct Definition<'a> {
    name: &'a str,
    value: String,
}

#[derive(Debug, Serialize)]
struct Installed<'a> {
    source: &'a str,
    path: &'a str,
    mark: &'a str,
}

#[derive(Debug, Serialize)]
struct Entry<'a> {
    day: &'a str,
    title: &'a str,
    text: &'a str,
}

/// The spec's text.
///
/// # Errors
/// [`Error::Library`] for a library that is no library's name.
pub fn render(view: &View<'_>) -> Result<String, Error> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._+-".contains(c);
    if let Some(library) =
        view.libraries.iter().find(|library| library.is_empty() || !library.chars().all(plain))
    {
        return Err(Error::Library { library: library.clone() });
    }
    // The template is part of the program; but the data is not, and a panic helps nobody.
    ENGINE.render(TEMPLATE, &names(view)).map_err(|error| Error::Template { reason: error.to_string() })
}

const TEMPLATE: &str = "module.spec";

/// The template, read once.
static ENGINE: LazyLock<Handlebars<'static>> = LazyLock::new(|| {
    templates::built_in(escape::text, &[(TEMPLATE, include_str!("../../templates/module.spec.hbs"))])
});

fn names<'a>(view: &View<'a>) -> Names<'a> {
    let package = view.binary;
    let packaging = &package.profile.packaging;
    let source = |role: &Role| {
        view.sources.iter().find(|source| source.role == *role).map_or("", |source| source.name.as_str())
    };
    let (load_dir, load_base) = split(&view.places.load_file);
    let macros = &packaging.macros;
    let (_, directives_base) = split(&view.places.directives_file);
    Names {
        name: &package.name,
        module: view.module,
        short_name: view.module.strip_prefix("mod_").unwrap_or(view.module),
        symbol: view.symbol,
        exports: view.exports.join("; "),
        version: &package.version,
        release: &package.release,
        summary: &package.summary,
        license: &package.license,
        url: package.url.as_deref(),
        group: package.group,
        description: &package.description,
        legacy: packaging.legacy_spec,
        macros: Written {
            apxs: &macros.apxs,
            module_dir: &macros.module_dir,
            load_dir: &macros.load_dir,
            directives_dir: &macros.directives_dir,
        },
        fallbacks: macros.fallbacks.iter().map(|fallback| definition(fallback, view)).collect(),
        load_dir,
        load_base,
        load_prefix: view.load_prefix,
        directives_base,
        sources: view.sources.iter().map(|source| source.name.as_str()).collect(),
        build_requires: view.build_requires,
        requires: explicit_requires(package, view.of_httpd),
        cflags: &packaging.cflags,
        libraries: view.libraries,
        library_includes: libraries::include_folders(view.libraries),
        flat: source(&Role::Flat),
        upstream: source(&Role::Upstream),
        load_source: source(&Role::Load),
        directives: !source(&Role::Directives).is_empty(),
        directives_source: source(&Role::Directives),
        directories: &view.documents.directories,
        documents: view
            .documents
            .files
            .iter()
            .enumerate()
            .map(|(index, document)| Installed {
                source: source(&Role::Document(index)),
                path: &document.path,
                mark: if document.is_license { "%license" } else { "%doc" },
            })
            .collect(),
        changes: package
            .changelog
            .iter()
            .map(|change| Entry { day: &change.day, title: &change.title, text: &change.text })
            .collect(),
    }
}

/// The body is expanded when the definition is, not when the line with the condition is read: its percent signs are doubled.
fn definition<'a>(fallback: &'a Fallback, view: &View<'a>) -> Definition<'a> {
    let folder = |path: &'a str| split(path).0;
    let (mmn, httpd_mmn) = view.mmn;
    let value = fallback
        .value
        .replace('%', "%%")
        .replace("{module-dir}", &view.places.module_dir)
        .replace("{load-dir}", folder(&view.places.load_file))
        .replace("{directives-dir}", folder(&view.places.directives_file))
        .replace("{mmn}", &mmn.to_string())
        .replace("{httpd-mmn}", httpd_mmn);
    Definition { name: &fallback.name, value }
}

/// What rpmbuild does not find by itself, with the distribution's macros in place of the target's own numbers.
fn explicit_requires(package: &Package, of_httpd: &[(Relation, Option<String>)]) -> Vec<String> {
    let found = relation::FIND_REQUIRES | relation::RPMLIB | relation::CONFIG;
    let stated = package.requires.iter().filter(|relation| relation.flags & found == 0);
    let written = |relation: &&Relation| {
        let known = of_httpd.iter().find(|(known, _)| known == *relation);
        known.and_then(|(_, written)| written.clone()).unwrap_or_else(|| relation.text())
    };
    stated.map(|relation| written(&relation)).collect()
}

/// Folder and name. The places are absolute paths, so there is always a slash.
fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}
