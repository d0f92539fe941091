//! What httpd's `config*.m4` say of a module: its object files and the libraries that it needs.
//!
//! In: the text of the files. Out: [`Module`]s. It is a tolerant reader, not an m4: `APACHE_MODULE` calls are found wherever
//! they stand, and lists are followed through shell variables. Nothing is executed, and no branch of the shell code is chosen:
//! all that may be linked is named, and what a module does not use the linker leaves out.

mod libraries;
mod m4;
mod shell;

use shell::Variables;

/// A module as a configuration file declares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Module {
    /// `proxy_wstunnel`.
    pub name: String,
    /// What `configure --help` says of it, on one line.
    pub help: String,
    /// Its C files, relative to the configuration file's folder; `mod_NAME.c` where none are listed.
    pub sources: Vec<String>,
    /// Whether `sources` is all: a module may also link a library of its own tree (`libmd.la`), whose files a makefile lists.
    pub complete: bool,
    /// Whether it is linked into httpd always (`static`), and is no shared object.
    pub linked_in: bool,
    /// The libraries to link, without `-l`.
    pub libraries: Vec<String>,
    /// What it asks of pkg-config and modgraft does not know.
    pub unknown: Vec<String>,
    /// The configuration file.
    pub file: String,
}

/// A configuration file's path and text.
#[derive(Debug, Clone, Copy)]
pub struct Text<'a> {
    /// For messages.
    pub path: &'a str,
    /// All of it, or what is known of it.
    pub text: &'a str,
}

/// The modules that `files` declare, in order; each once. `shared` is what their macros may be defined in besides
/// (`acinclude.m4`).
pub fn modules(files: &[Text<'_>], shared: &[Text<'_>]) -> Vec<Module> {
    let all = files.iter().chain(shared);
    let texts: Vec<String> = all.map(|file| m4::without_comments(bounded(file.text))).collect();
    let definitions: Vec<m4::Call> = texts.iter().flat_map(|text| m4::calls(text, "AC_DEFUN")).collect();
    let mut variables = Variables::default();
    texts.iter().for_each(|text| variables.read(text));
    let mut found: Vec<Module> = Vec::new();
    for (file, text) in files.iter().zip(&texts) {
        for call in m4::calls(text, "APACHE_MODULE") {
            let name = call.argument(0);
            if name.is_empty()
                || !name.chars().all(m4::is_name)
                || found.iter().any(|known| known.name == name)
            {
                continue;
            }
            let listed: Vec<String> =
                variables.words(call.argument(2)).iter().filter_map(|word| source(word)).collect();
            let listed = of_unix(listed);
            let libraries = libraries::of(call.argument(5), &definitions, &variables);
            found.push(Module {
                name: name.to_owned(),
                help: call.argument(1).split_whitespace().collect::<Vec<_>>().join(" "),
                sources: if listed.is_empty() { vec![format!("mod_{name}.c")] } else { listed },
                complete: !links_own_library(call.argument(5)),
                linked_in: call.argument(4) == "static",
                libraries: libraries.names,
                unknown: libraries.unknown,
                file: file.path.to_owned(),
            });
        }
    }
    found
}

/// What `AC_INIT` says of a package.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Package {
    /// Where it is written out, and no macro.
    pub version: Option<String>,
    /// The project's page.
    pub url: Option<String>,
}

/// What the `AC_INIT` of a `configure.ac` says.
pub fn package(text: &str) -> Package {
    let text = m4::without_comments(bounded(text));
    let Some(call) = m4::calls(&text, "AC_INIT").into_iter().next() else { return Package::default() };
    let version = call.argument(1).trim();
    let url = call.argument(4).trim();
    Package {
        version: version.starts_with(|c: char| c.is_ascii_digit()).then(|| version.to_owned()),
        url: url.starts_with("http").then(|| url.to_owned()),
    }
}

/// The names that a `configure.ac` may define in the header that it makes.
pub fn defined(text: &str) -> Vec<String> {
    let text = m4::without_comments(bounded(text));
    let calls = m4::calls(&text, "AC_DEFINE").into_iter().chain(m4::calls(&text, "AC_DEFINE_UNQUOTED"));
    let names = calls.map(|call| call.argument(0).trim().to_owned());
    names.filter(|name| !name.is_empty() && name.chars().all(m4::is_name)).collect()
}

/// The headers that a `configure.ac` makes, each with its template, relative to its folder.
pub fn headers(text: &str) -> Vec<(String, String)> {
    let text = m4::without_comments(bounded(text));
    let macros = ["AC_CONFIG_HEADERS", "AC_CONFIG_HEADER", "AM_CONFIG_HEADER"];
    let calls = macros.iter().flat_map(|name| m4::calls(&text, name));
    let lists: Vec<String> = calls.map(|call| call.argument(0).to_owned()).collect();
    let header = |word: &str| match word.split_once(':') {
        Some((header, template)) => (header.to_owned(), template.to_owned()),
        None => (word.to_owned(), format!("{word}.in")),
    };
    lists.iter().flat_map(|list| list.split_whitespace()).map(header).collect()
}

/// What a whole `configure.ac` asks of pkg-config or looks for as a library.
pub fn asked(text: &str) -> Asked {
    let text = m4::without_comments(bounded(text));
    let libraries::Found { names, unknown } = libraries::of(&text, &[], &Variables::default());
    Asked { libraries: names, unknown }
}

/// Libraries that a build system looks for; it may do without some of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// Without `-l`.
    pub libraries: Vec<String>,
    /// Names of pkg-config's of which it is not known what they link.
    pub unknown: Vec<String>,
}

impl Asked {
    /// With what another file of the build system asks for.
    pub fn add(&mut self, other: Asked) {
        let Asked { libraries, unknown } = other;
        for (all, more) in [(&mut self.libraries, libraries), (&mut self.unknown, unknown)] {
            for name in more {
                if !all.contains(&name) {
                    all.push(name);
                }
            }
        }
    }
}

fn links_own_library(configuration: &str) -> bool {
    let words = configuration.split(|c: char| c.is_whitespace() || "\"'[](),$".contains(c));
    words
        .map(|word| word.rsplit('/').next().unwrap_or(word))
        .any(|name| name.starts_with("lib") && name.ends_with(".la"))
}

/// The largest of httpd's configuration files has some 30 KiB.
const MAX_TEXT: usize = 256 << 10;

/// As much of a text as is read.
fn bounded(text: &str) -> &str {
    let end = (0..=MAX_TEXT.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    &text[..end]
}

/// Whether this is the name of a file that declares modules: `config.m4`, `config5.m4`.
pub fn is_configuration(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let number = name.strip_prefix("config").and_then(|rest| rest.strip_suffix(".m4"));
    number.is_some_and(|number| number.chars().all(|c| c.is_ascii_digit()))
}

/// Endings of the names of files that other systems have in place of one for Unix.
const ELSEWHERE: &[&str] = &["_win", "_win32", "_winnt", "_netware", "_os2", "_beos"];

/// Without the files of other systems: those beside which the same one for Unix is listed, as shell code chooses between them.
fn of_unix(listed: Vec<String>) -> Vec<String> {
    let elsewhere = |file: &String| {
        let stem = file.strip_suffix(".c").unwrap_or(file);
        let common = ELSEWHERE.iter().find_map(|ending| stem.strip_suffix(ending));
        common.is_some_and(|common| listed.contains(&format!("{common}_unix.c")))
    };
    listed.iter().filter(|file| !elsewhere(file)).cloned().collect()
}

/// `mod_x.lo` as `mod_x.c`. Libraries of other modules (`mod_x.la`), which some platforms link, are none.
fn source(object: &str) -> Option<String> {
    let stem = object
        .strip_suffix(".lo")
        .or_else(|| object.strip_suffix(".o"))
        .or_else(|| object.strip_suffix(".slo"))?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "._+-/".contains(c);
    (!stem.is_empty() && stem.chars().all(plain) && !stem.starts_with('/')).then(|| format!("{stem}.c"))
}

#[cfg(test)]
mod tests;
