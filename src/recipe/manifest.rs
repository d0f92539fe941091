//! The TOML of `module.toml`, as a person wrote it. What it means is [`super::Recipe`].

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use super::check::Check;
use crate::changeset::rules::Rule;

/// A module to graft: what it is called, where its source comes from, what its package says, what it must do.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Manifest {
    /// The module's file name without ending: `mod_` and then lower-case letters, digits and `_`. Also the package's name.
    #[schemars(with = "String", regex(pattern = r"^mod_[a-z0-9_]+$"))]
    pub name: Spanned<String>,
    /// The C name of the module structure (`proxy_wstunnel_module`); needed only where the source defines several.
    pub symbol: Option<String>,
    /// One line, no full stop.
    #[schemars(with = "String")]
    pub summary: Spanned<String>,
    /// Paragraphs of plain text; the summary where it is missing.
    pub description: Option<String>,
    /// An SPDX expression: `Apache-2.0`.
    #[schemars(with = "String")]
    pub license: Spanned<String>,
    /// The project's page.
    #[schemars(with = "Option<String>")]
    pub url: Option<Spanned<String>>,
    /// The package's version: letters, digits and `.` `_` `+` `~` `^`.
    #[schemars(with = "String", regex(pattern = r"^[A-Za-z0-9._+~^]+$"))]
    pub version: Spanned<String>,
    /// The package's release, `1` where it is missing; the same characters.
    #[schemars(with = "Option<String>", regex(pattern = r"^[A-Za-z0-9._+~^]+$"))]
    pub release: Option<Spanned<String>>,
    /// Licence texts beside this file that go into the package.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub license_files: Vec<Spanned<PathBuf>>,
    /// Documentation beside this file that goes into the package.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub documentation: Vec<Spanned<PathBuf>>,
    /// Libraries to link, without `-l`; where the key is missing, those that the source's build system names.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub libraries: Vec<Spanned<String>>,
    /// Headers beside this file that upstream's configure would make: they are read as if they stood in the source's tree, under the
    /// same paths.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub headers: Vec<Spanned<PathBuf>>,
    /// Macros that upstream's build would define for the compiler: `NAME`, which stands for 1, or `NAME=VALUE`.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub defines: Vec<Spanned<String>>,
    /// Other modules that this one uses and that must be there first: `mod_session`. Each is grafted from the recipe of that
    /// name, or from the same source; where the target has it, nothing is asked for.
    #[serde(default)]
    #[schemars(with = "Vec<String>", inner(regex(pattern = r"^mod_[a-z0-9_]+$")))]
    pub requires: Vec<Spanned<String>>,
    /// Rule packs beside this file, asked before the built-in ones.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub compat: Vec<Spanned<PathBuf>>,
    /// Rules that may change what the module does, each by its id: `PACK/NAME`.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub accept_risks: Vec<Spanned<String>>,
    /// Where the source comes from.
    #[schemars(with = "Source")]
    pub source: Spanned<Source>,
    /// What `modgraft lint` is not to tell of.
    #[serde(default)]
    pub lint: Lint,
    /// The configuration file that the package installs.
    #[serde(default)]
    pub drop_in: DropIn,
    /// The package's history, newest first.
    #[serde(default)]
    pub changelog: Vec<Entry>,
    /// Rules that say what a file or a hunk of the patches is, asked before the built-in ones.
    #[serde(default)]
    pub classify: Vec<Rule>,
    /// What a real httpd must do with the module.
    #[serde(default)]
    pub check: Vec<Check>,
}

/// One of: `patches` (with or without `base`); `git` and `commit`, for what the commit changes; `git`, `commit` and `files`,
/// for whole files as they are in it; `tarball`, `sha256` and `files`; `directory` and `files`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Source {
    /// Patch files beside this file, in the order in which they apply.
    pub patches: Option<Vec<PathBuf>>,
    /// The tree that the first patch applies to: a folder, or `REPOSITORY@REVISION`.
    #[schemars(with = "Option<String>")]
    pub base: Option<Spanned<String>>,
    /// A git repository's url.
    #[schemars(with = "Option<String>")]
    pub git: Option<Spanned<String>>,
    /// The commit that brings the module, or has its `files`; all 40 digits.
    #[schemars(with = "Option<String>", regex(pattern = r"^[0-9a-f]{40}$"))]
    pub commit: Option<Spanned<String>>,
    /// A release: a url, or a path relative to this file.
    #[schemars(with = "Option<String>")]
    pub tarball: Option<Spanned<String>>,
    /// The tarball's SHA-256, 64 lower-case hexadecimal digits.
    #[schemars(with = "Option<String>", regex(pattern = r"^[0-9a-f]{64}$"))]
    pub sha256: Option<Spanned<String>>,
    /// A third-party module's own tree, relative to this file.
    pub directory: Option<PathBuf>,
    /// The module's own files in that tarball (beneath its top folder), commit or directory. Of a module that httpd's build
    /// system lists, its main file is enough.
    pub files: Option<Vec<String>>,
}

/// The configuration file that the package installs: the LoadModule line comes by itself.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DropIn {
    /// Directives: a template over `name`, `short_name` (without `mod_`), `symbol`, `version`, `release`, `module_dir`,
    /// `load_prefix` and `httpd_version`, as `{{symbol}}`.
    pub directives: Option<String>,
}

/// What `modgraft lint` is not to tell of.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Lint {
    /// Names of lints: `modgraft lint --explain` lists them.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub allow: Vec<Spanned<String>>,
}

/// One entry of the package's history.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Entry {
    /// The day: `2026-11-22`.
    #[schemars(with = "String")]
    pub date: Spanned<toml::value::Datetime>,
    /// `Name <address>`.
    #[schemars(with = "String")]
    pub author: Spanned<String>,
    /// `VERSION-RELEASE`.
    pub version: Option<String>,
    /// What changed, one line each.
    pub notes: Vec<String>,
}
