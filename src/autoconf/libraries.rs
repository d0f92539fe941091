//! The libraries that a module's configuration asks for.

use std::collections::BTreeSet;

use super::m4::{self, is_name};
use super::shell::{Variables, references};
use crate::libraries;

/// Variables of configure's own bookkeeping: what they have had added elsewhere is not this module's.
const COMMON: &[&str] =
    &["LIBS", "LDFLAGS", "CFLAGS", "CPPFLAGS", "INCLUDES", "PKGCONFIG", "PKG_CONFIG", "PKG_CONFIG_PATH"];

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Without `-l`, in order.
    pub names: Vec<String>,
    /// Names of pkg-config's of which it is not known what they link.
    pub unknown: Vec<String>,
}

impl Found {
    fn add(&mut self, name: &str) {
        if !self.names.iter().any(|known| known == name) {
            self.names.push(name.to_owned());
        }
    }

    fn package(&mut self, name: &str) {
        match libraries::of_pkg_config(name) {
            Some(library) => library.link.iter().for_each(|name| self.add(name)),
            None if self.unknown.iter().any(|known| known == name) => {}
            None => self.unknown.push(name.to_owned()),
        }
    }
}

/// Follows `configuration`, the shell code of a module, through the macros in `definitions` and the variables that they
/// assign.
pub(super) fn of(configuration: &str, definitions: &[m4::Call], variables: &Variables) -> Found {
    let mut found = Found::default();
    let mut met: BTreeSet<String> = BTreeSet::new();
    let mut open = vec![configuration.to_owned()];
    while let Some(text) = open.pop() {
        gather(&text, &mut found);
        for macro_name in names(&text) {
            if !met.insert(macro_name.to_owned()) {
                continue;
            }
            if let Some(definition) =
                definitions.iter().find(|definition| definition.argument(0) == macro_name)
            {
                open.push(definition.argument(1).to_owned());
            } else if let Some(library) = libraries::of_macro(macro_name) {
                library.link.iter().for_each(|name| found.add(name));
            }
        }
        for variable in references(&text) {
            if COMMON.contains(&variable)
                || variable.starts_with("save")
                || !met.insert(format!("${variable}"))
            {
                continue;
            }
            if let Some(library) = libraries::of_variable(variable) {
                library.link.iter().for_each(|name| found.add(name));
            } else {
                open.extend(variables.of(variable).iter().cloned());
            }
        }
    }
    found
}

/// The names in a text that could be macros: capitals.
fn names(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !is_name(c))
        .filter(|name| name.contains('_') && name.starts_with(|c: char| c.is_ascii_uppercase()))
}

/// What stands in the text itself.
fn gather(text: &str, found: &mut Found) {
    for (at, _) in text.match_indices("-l") {
        // `${x:--lfoo}` has a default; `--libs-only-l` is no library.
        let before = text[..at].chars().next_back();
        let apart =
            before.is_none_or(|c| c.is_whitespace() || "\"'[=".contains(c)) || text[..at].ends_with(":-");
        let name = &text[at + 2..];
        let name = &name
            [..name.find(|c: char| !c.is_ascii_alphanumeric() && !"._+-".contains(c)).unwrap_or(name.len())];
        // A sentence about it may end there.
        let name = name.trim_end_matches('.');
        let cut = text[at + 2 + name.len()..].starts_with('$');
        if apart && !cut && !COMPARED.contains(&name) && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        {
            found.add(name);
        }
    }
    for call in m4::calls(text, "AC_CHECK_LIB") {
        if is_plain(call.argument(0)) {
            found.add(call.argument(0));
        }
    }
    for call in m4::calls(text, "PKG_CHECK_MODULES") {
        packages(call.argument(1), found);
    }
    for line in text.lines() {
        for program in ["$PKGCONFIG", "${PKGCONFIG}", "$PKG_CONFIG", "${PKG_CONFIG}", "pkg-config"] {
            for (at, _) in line.match_indices(program) {
                let rest = &line[at + program.len()..];
                let call = rest.split(['`', ';', ')']).next().unwrap_or_default();
                // Without a question it is a message that mentions the program.
                if rest.starts_with(' ') && ASKING.iter().any(|option| call.contains(option)) {
                    packages(call, found);
                }
            }
        }
    }
}

/// What stands behind the `-l` of the shell's comparisons `-lt` and `-le`.
const COMPARED: &[&str] = &["t", "e"];

/// Options by which pkg-config is asked for a package.
const ASKING: &[&str] = &["--libs", "--cflags", "--exists", "--modversion", "--atleast-version"];

/// The packages among the words behind pkg-config: neither options nor versions.
fn packages(text: &str, found: &mut Found) {
    let mut version = false;
    for word in text.split(|c: char| c.is_whitespace() || "\"'".contains(c)).filter(|word| !word.is_empty()) {
        if std::mem::take(&mut version) {
            continue;
        }
        if word.starts_with(['<', '>', '=', '!']) {
            version = true;
        } else if is_plain(word) && word.starts_with(|c: char| c.is_ascii_alphabetic()) {
            found.package(word);
        }
    }
}

fn is_plain(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "._+-".contains(c))
}
