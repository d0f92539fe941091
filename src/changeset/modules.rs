//! Module structures: what makes a C file an httpd module.

use serde::Serialize;

use super::owners::Owners;
use super::tokens::{Place, Tokens};
use super::{Changeset, Class, Error, FileText, Unapplied};
use crate::source::Tree;

/// A module that a file of the changeset defines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModuleFound {
    /// What the shared object is called, without ending: the file's name where it begins with `mod_`, else `mod_` and the
    /// symbol without `_module`.
    pub name: String,
    /// The structure's C name: `proxy_wstunnel_module`.
    pub symbol: String,
    /// The file's path.
    pub file: String,
    /// Line of the definition after the change, from 1.
    pub line: u32,
}

/// The modules that the module-source files define, in the order of the files. (What is only declared, as `extern module
/// core_module;`, is not defined.)
pub fn modules(changeset: &Changeset) -> Vec<ModuleFound> {
    defined(changeset, |class| class == Class::ModuleSource)
}

/// The modules that files of the classes that `is_meant` picks define.
fn defined(changeset: &Changeset, is_meant: impl Fn(Class) -> bool) -> Vec<ModuleFound> {
    let sources = changeset.files.iter().filter(|file| is_meant(file.class) && file.path.ends_with(".c"));
    sources
        .flat_map(|file| match &file.text {
            FileText::Whole { after, .. } => {
                definitions(after).into_iter().map(|found| named(&file.path, found)).collect()
            }
            FileText::Fragments(_) => Vec::new(),
        })
        .collect()
}

/// The one module to build: the only one there is, or the one that `wanted` names (`proxy_wstunnel_module`, or
/// `mod_proxy_wstunnel`). That one may also be an existing module which a patch changes beside bringing another, or one of which
/// it changes files beside the main one, that the build system of `base` lists; pass the answer to [`Changeset::focused_on`], and
/// what [`listing`](super::listing()) says of it to [`Changeset::listed`].
///
/// # Errors
/// [`Error::Source`] where `base` cannot be read; [`Error::NoSource`], [`Error::NoModule`], [`Error::OfHttpd`],
/// [`Error::SeveralModules`], [`Error::UnknownModule`]; [`Error::Rejected`] where it can only be a module that the patches do
/// not fit.
pub fn single_module(
    changeset: &Changeset,
    base: Option<&Tree>,
    wanted: Option<&str>,
) -> Result<ModuleFound, Error> {
    let own = modules(changeset);
    let list = |found: &[ModuleFound]| {
        found.iter().map(|m| format!("{} ({}:{})", m.symbol, m.file, m.line)).collect()
    };
    if let Some(wanted) = wanted {
        let all = defined(changeset, |class| !class.is_stripped());
        let called = |found: &[ModuleFound]| {
            let by_symbol = found.iter().find(|module| module.symbol == wanted);
            by_symbol.or_else(|| found.iter().find(|module| module.name == wanted)).cloned()
        };
        if let Some(module) = called(&own).or_else(|| called(&all)) {
            return Ok(module);
        }
        if let Some(error) = unapplied(changeset, Some(wanted)) {
            return Err(error);
        }
        let owners = Owners::of(changeset, base)?;
        let others: Vec<ModuleFound> =
            owners.possible().filter(|owner| !all.contains(owner)).cloned().collect();
        let found = [all, others].concat();
        return match called(&found) {
            Some(module) => Ok(module),
            None if found.is_empty() => Err(none(changeset, &owners)),
            None => Err(Error::UnknownModule { wanted: wanted.to_owned(), found: list(&found) }),
        };
    }
    let several = |found: &[ModuleFound], first: &ModuleFound| Error::SeveralModules {
        found: list(found),
        example: first.symbol.clone(),
    };
    match own.as_slice() {
        [only] => return Ok(only.clone()),
        [first, ..] => return Err(several(&own, first)),
        [] => {}
    }
    if let Some(error) = unapplied(changeset, None) {
        return Err(error);
    }
    let owners = Owners::of(changeset, base)?;
    match owners.meant() {
        [only] => Ok(only.clone()),
        found @ [first, ..] => Err(several(found, first)),
        [] => Err(none(changeset, &owners)),
    }
}

/// What is wrong with the module that is wanted, or with any, where the patches do not fit it.
fn unapplied(changeset: &Changeset, wanted: Option<&str>) -> Option<Error> {
    let is_meant = |one: &&Unapplied| {
        let symbols = one.modules.iter().cloned();
        let mut found = symbols.map(|symbol| named(&one.path, Definition { symbol, line: 1 }));
        wanted.is_none_or(|wanted| found.any(|found| found.symbol == wanted || found.name == wanted))
    };
    changeset.unapplied.iter().find(is_meant).map(Unapplied::refused)
}

fn none(changeset: &Changeset, owners: &Owners) -> Error {
    if !owners.of_httpd.is_empty() {
        return Error::OfHttpd { files: owners.of_httpd.clone() };
    }
    let kept: Vec<_> = changeset.files.iter().filter(|file| !file.class.is_stripped()).collect();
    let sources = || kept.iter().filter(|file| file.path.ends_with(".c"));
    if sources().next().is_none() {
        let mut found: Vec<String> = Vec::new();
        for class in Class::ALL {
            let count = changeset.files.iter().filter(|file| file.class == class).count();
            if count > 0 {
                found.push(format!("{count} {}", class.words()));
            }
        }
        let help = "this patch brings no module: name the one that adds the module's .c file; where a file was classed wrongly, a \
                    [[classify]] rule in module.toml overrules it";
        return Error::NoSource { found: found.join(", "), help: help.to_owned() };
    }
    let unseen = || {
        let fragments = sources().filter(|file| matches!(file.text, FileText::Fragments(_)));
        fragments.map(|file| file.path.as_str())
    };
    let is_main = |path: &&str| path.rsplit('/').next().is_some_and(|name| name.starts_with("mod_"));
    let help = match unseen().find(is_main).or_else(|| unseen().find(|path| path.starts_with("modules/"))) {
        None => "a module is defined by its structure, `module AP_MODULE_DECLARE_DATA example_module = { STANDARD20_MODULE_STUFF, … };` or \
               `AP_DECLARE_MODULE(example) = …`: is its file in the patch?"
            .to_owned(),
        Some(path) => format!(
            "the patch changes {path} without bringing it whole: name the tree that it applies to with --base (DIR or GIT@REV), or \
             `base` in module.toml"
        ),
    };
    Error::NoModule { help }
}

pub(super) fn named(file: &str, Definition { symbol, line }: Definition) -> ModuleFound {
    let base = file.rsplit('/').next().unwrap_or(file);
    let stem = base.strip_suffix(".c").unwrap_or(base);
    // `mod_rpaf-2.0.c` is a name of its file only.
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let name = match stem.starts_with("mod_") && stem.chars().all(plain) {
        true => stem.to_owned(),
        false => format!("mod_{}", symbol.strip_suffix("_module").unwrap_or(&symbol)),
    };
    ModuleFound { name, symbol, file: file.to_owned(), line }
}

/// The names of the module structures that C text defines.
pub(crate) fn structures(text: &str) -> Vec<String> {
    definitions(text).into_iter().map(|found| found.symbol).collect()
}

/// A module structure's definition.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Definition {
    pub(super) symbol: String,
    pub(super) line: u32,
}

/// All definitions of module structures in C text: `module … NAME =` and `AP_DECLARE_MODULE(NAME) =`, outside comments,
/// strings and macros. Of several branches of one `#if` the first that has one counts; `#if 0` does not.
pub(super) fn definitions(text: &str) -> Vec<Definition> {
    // Most files have none, and this is asked of every C file of a patch.
    if !is_worth_reading(text) {
        return Vec::new();
    }
    let (tokens, branches) = Tokens::read(text);
    let word = |at: usize| tokens.get(at).map_or("", |token| token.text);
    let mut found: Vec<(Definition, Place)> = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let symbol = match token.text {
            "AP_DECLARE_MODULE" if word(at + 1) == "(" && word(at + 3) == ")" && word(at + 4) == "=" => {
                format!("{}_module", word(at + 2))
            }
            "module" if !at.checked_sub(1).is_some_and(|before| is_declaring(word(before))) => {
                // Qualifiers (`const`, `AP_MODULE_DECLARE_DATA`, `MODULE_VAR_EXPORT`), then the name.
                let names: Vec<&str> = tokens[at + 1..]
                    .iter()
                    .take(5)
                    .map(|token| token.text)
                    .take_while(|text| is_word(text))
                    .collect();
                let Some(symbol) = names.last() else { continue };
                let exported = names.len() > 1 || symbol.ends_with("_module");
                if word(at + 1 + names.len()) != "=" || !exported {
                    continue;
                }
                (*symbol).to_owned()
            }
            _ => continue,
        };
        let excluded = found.iter().any(|(_, other)| branches.exclude_each_other(*other, token.place));
        if !excluded && !branches.is_dead(token.place) {
            found.push((Definition { symbol, line: token.line }, token.place));
        }
        if found.len() == MAX_DEFINITIONS {
            break;
        }
    }
    found.into_iter().map(|(definition, _)| definition).collect()
}

/// Whether a definition could be there, comments and literals taken for code: `module` or `AP_DECLARE_MODULE`, and only names
/// and blanks up to a `=`.
fn is_worth_reading(text: &str) -> bool {
    let bytes = text.as_bytes();
    let begins = |needle: &[u8], is_between: fn(&u8) -> bool| {
        memchr::memmem::find_iter(bytes, needle).any(|at| {
            let rest = &bytes[at + needle.len()..];
            // Longer than any such line; a comment in it is taken for the end of the names.
            let rest = &rest[..rest.len().min(200)];
            rest.iter().find(|byte| !is_between(byte)).is_some_and(|byte| matches!(byte, b'=' | b'/' | b'#'))
        })
    };
    let name = |byte: &u8| byte.is_ascii_alphanumeric() || byte.is_ascii_whitespace() || *byte == b'_';
    let name_in_brackets =
        |byte: &u8| byte.is_ascii_alphanumeric() || byte.is_ascii_whitespace() || b"_()".contains(byte);
    begins(b"module", name) || begins(b"AP_DECLARE_MODULE", name_in_brackets)
}

/// More than this in one file are no honest source, and each is compared with the others.
const MAX_DEFINITIONS: usize = 64;

/// `extern module x_module` is no way to write a definition; `struct module` and `->module` are other things.
fn is_declaring(word: &str) -> bool {
    ["extern", "struct", ".", ">", "typedef"].contains(&word)
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn symbols(text: &str) -> Vec<(String, u32)> {
        definitions(text).into_iter().map(|found| (found.symbol, found.line)).collect()
    }

    #[test]
    fn definitions_of_all_ages_are_found() {
        for (text, symbol) in [
            ("module AP_MODULE_DECLARE_DATA a_module = {", "a_module"),
            ("module AP_MODULE_DECLARE_DATA odd =\n{ STANDARD20_MODULE_STUFF", "odd"),
            ("AP_DECLARE_MODULE(b) = {", "b_module"),
            ("AP_DECLARE_MODULE( b )\n= {", "b_module"),
            ("module c_module = {", "c_module"),
            ("const module AP_MODULE_DECLARE_DATA d_module = {", "d_module"),
            ("module MODULE_VAR_EXPORT e_module = {", "e_module"),
            ("AP_MODULE_DECLARE_DATA module f_module = {", "f_module"),
        ] {
            assert_eq!(symbols(text), [(symbol.to_owned(), 1)], "{text}");
        }
    }

    #[test]
    fn what_is_only_declared_or_said_is_not_defined() {
        for text in [
            "extern module AP_MODULE_DECLARE_DATA core_module;",
            "module AP_MODULE_DECLARE_DATA x_module;",
            "/* module AP_MODULE_DECLARE_DATA x_module = { */",
            "// AP_DECLARE_MODULE(x) = {",
            "const char *s = \"module x_module = {\";",
            "#define AP_DECLARE_MODULE(foo) \\\n  module AP_MODULE_DECLARE_DATA foo##_module = {",
            "module *m = ap_top_module;",
            "module *ap_preloaded_modules[] = {",
            "for (module m = first; ;)",
            "a->module x_module = 1;",
            "struct module x_module = {0};",
            "char c = '\"'; /* \" */ int module;",
        ] {
            assert_eq!(symbols(text), [], "{text}");
        }
    }

    #[test]
    fn branches_of_one_condition_are_one_definition() {
        let two =
            "#if NEW\nAP_DECLARE_MODULE(x) =\n#else\nmodule AP_MODULE_DECLARE_DATA x =\n#endif\n{ 0 };\n";
        assert_eq!(symbols(two), [("x_module".to_owned(), 2)]);
        let dead =
            "#if 0\nmodule a_module = {0};\n#else\nmodule b_module = {0};\n#endif\nmodule c_module = {0};\n";
        assert_eq!(symbols(dead), [("b_module".to_owned(), 4), ("c_module".to_owned(), 6)]);
    }

    #[test]
    fn only_branches_of_one_condition_exclude_each_other() {
        let text = |between: &str| {
            format!(
                "#if A\n#if B\nmodule a_module = {{0}};\n#endif\n{between}\nmodule b_module = {{0}};\n#endif\n"
            )
        };
        assert_eq!(symbols(&text("#else")), [("a_module".to_owned(), 3)]);
        assert_eq!(symbols(&text("#if B")).len(), 2);
        assert_eq!(symbols(&text("#endif\n#ifndef A")).len(), 2);
        let nested = "#if 0\n#if A\nmodule a_module = {0};\n#else\nmodule b_module = {0};\n#endif\n#endif\n";
        assert_eq!(symbols(nested), []);
        let open = "#if A\n".repeat(100_000);
        let hostile = format!("{open}module a_module = {{0}};\n{open}module b_module = {{0}};\n");
        assert_eq!(symbols(&hostile).len(), 2);
    }

    #[test]
    fn lines_are_counted_through_everything() {
        let text = "/* a\n b */\n#define X \\\n  \"y\n'\nchar *s = \"\\\n\";\nmodule x_module = {\n";
        assert_eq!(symbols(text), [("x_module".to_owned(), 8)]);
    }

    #[test]
    fn unclosed_things_end_with_the_text() {
        for text in [
            "module /*",
            "module \"",
            "module '\\",
            "module x_module = {\"",
            "/",
            "#define \\",
            "module AP_DECLARE_MODULE(",
        ] {
            let _ = symbols(text);
        }
    }
}
