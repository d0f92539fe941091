//! Headers that upstream's configure makes, so that no tree has them.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::c::{directive, lex};
use crate::source::{self, Tree};

/// A header, and a text to start from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Its path in the tree.
    pub path: String,
    /// Each name that configure may define in it, undefined.
    pub text: String,
}

/// What configure makes, by the names that autoconf's manual and packages give it.
fn is_made(name: &str) -> bool {
    name == "config.h" || name.ends_with("/config.h") || name.ends_with("_config_auto.h")
}

/// The headers among `included` (by quotes, as paths in the tree) that are not in the tree and that configure makes: those of which
/// the tree has a template (`NAME.in`), and `config.h`.
///
/// # Errors
/// As [`Tree::read`].
pub fn made_by_configure(tree: &Tree, included: &BTreeSet<String>) -> Result<Vec<Header>, source::Error> {
    let mut made = Vec::new();
    for path in included {
        if tree.contains(path)? {
            continue;
        }
        let template = tree.read(&format!("{path}.in"))?;
        if template.is_none() && !is_made(path) {
            continue;
        }
        let mut names: Vec<String> = Vec::new();
        let mut add = |found: Vec<String>| {
            for name in found {
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        };
        if let Some(bytes) = &template {
            add(undefined(&String::from_utf8_lossy(bytes)));
        } else {
            for configure in ["configure.ac", "configure.in"] {
                if let Some(bytes) = tree.read(configure)? {
                    add(crate::autoconf::defined(&String::from_utf8_lossy(&bytes)));
                }
            }
        }
        let mut text = String::from(
            "/* What upstream's configure would find: write `#define NAME 1` in place of what is so. */\n",
        );
        for name in names {
            let _ = writeln!(text, "/* #undef {name} */");
        }
        made.push(Header { path: path.clone(), text });
    }
    Ok(made)
}

/// The names that a template has as `#undef NAME`.
fn undefined(text: &str) -> Vec<String> {
    let name = |line: &str| {
        let rest = directive::behind(line, "undef")?;
        rest.split_whitespace().next().map(str::to_owned)
    };
    text.lines().filter_map(name).filter(|name| name.chars().all(lex::is_identifier_part)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn a_header_of_configure_is_started_with_all_its_names() {
        let files = [
            ("src/x_config.h.in", "/* a */\n#undef HAVE_A\n# undef HAVE_B\n#undef BAD*/\n"),
            ("configure.ac", "AC_DEFINE([HAVE_C],[],[c]) AC_DEFINE(HAVE_C, 1)"),
            ("here.h", ""),
        ];
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().into()));
        let tree = Tree::memory("x".to_owned(), files.collect::<BTreeMap<_, _>>());
        let included = ["src/x_config.h", "config.h", "here.h", "elsewhere.h"].map(str::to_owned).into();
        let made = made_by_configure(&tree, &included).unwrap();
        let names = |at: usize| made[at].text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(
            (made.len(), made[0].path.as_str(), made[1].path.as_str()),
            (2, "config.h", "src/x_config.h")
        );
        assert_eq!(names(0), ["/* #undef HAVE_C */"]);
        assert_eq!(names(1), ["/* #undef HAVE_A */", "/* #undef HAVE_B */"]);
    }
}
