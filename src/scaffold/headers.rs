//! Headers that upstream's configure makes, so that no tree has them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::tree::folders;
use crate::c::{directive, lex};
use crate::source::{self, Tree};
use crate::{autoconf, changeset};

/// A header, and a text to start from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Its path in the tree.
    pub path: String,
    /// Its template with each name that configure may define in it undefined; these names alone where there is no template.
    pub text: String,
    /// What in the text configure would put something else for: `@int32_value@`, `${VERSION}`.
    pub places: Vec<String>,
}

/// What configure makes, by the names that autoconf's manual and packages give it.
fn is_made(name: &str) -> bool {
    name == "config.h" || name.ends_with("/config.h") || name.ends_with("_config_auto.h")
}

/// More headers than this are not looked through.
const MOST: usize = 1000;

/// The headers that are not in the tree and that configure makes, among those `included` (by quotes, as paths in the tree beside
/// the file that includes them) and those that the tree's own headers include: of which the tree has a template (`NAME.in`), which a
/// `configure.ac` names, and `config.h`.
///
/// # Errors
/// As [`Tree::read`].
pub fn made_by_configure(tree: &Tree, included: &BTreeSet<String>) -> Result<Vec<Header>, source::Error> {
    let files: BTreeSet<String> = tree.walk("")?.into_iter().collect();
    let mut made: BTreeMap<String, Header> = BTreeMap::new();
    let mut open: Vec<String> = included.iter().cloned().collect();
    let mut met: BTreeSet<String> = BTreeSet::new();
    while let Some(path) = open.pop() {
        if met.len() == MOST || !met.insert(path.clone()) {
            continue;
        }
        if files.contains(&path) {
            open.extend(changeset::included(&path, &read(tree, &path)?));
            continue;
        }
        match find(tree, &files, &path)? {
            Some(Found::There(place)) => open.push(place),
            Some(Found::Made(header)) => {
                made.insert(header.path.clone(), header);
            }
            None => {}
        }
    }
    Ok(made.into_values().collect())
}

enum Found {
    /// The tree has it, at this path.
    There(String),
    Made(Header),
}

/// What is meant by a header that is not beside the file that includes it: builds look for headers in the folders further out, too,
/// and in each one's `include`.
fn find(tree: &Tree, files: &BTreeSet<String>, path: &str) -> Result<Option<Found>, source::Error> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let places =
        folders(path).flat_map(|folder| [joined(folder, name), joined(folder, &format!("include/{name}"))]);
    for place in places {
        let template = format!("{place}.in");
        if files.contains(&template) {
            return Ok(Some(Found::Made(of_template(place, &read(tree, &template)?))));
        }
        if files.contains(&place) {
            return Ok(Some(Found::There(place)));
        }
    }
    Ok(configured(tree, files, path, name)?.map(Found::Made))
}

/// The header as the nearest `configure.ac` has it.
fn configured(
    tree: &Tree,
    files: &BTreeSet<String>,
    path: &str,
    name: &str,
) -> Result<Option<Header>, source::Error> {
    let mut place = is_made(path).then(|| path.to_owned());
    let mut names: Vec<String> = Vec::new();
    let all = folders(path).flat_map(|folder| ["configure.ac", "configure.in"].map(|file| (folder, file)));
    for (folder, file) in all {
        let file = joined(folder, file);
        if !files.contains(&file) {
            continue;
        }
        let text = read(tree, &file)?;
        for name in autoconf::defined(&text) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let is_it = |(header, _): &(String, String)| header.rsplit('/').next() == Some(name);
        if let Some((header, template)) = autoconf::headers(&text).into_iter().find(is_it)
            && is_plain(&header)
        {
            let template = joined(folder, &template);
            let header = joined(folder, &header);
            if files.contains(&template) {
                return Ok(Some(of_template(header, &read(tree, &template)?)));
            }
            place = Some(header);
        }
    }
    Ok(place.map(|path| {
        let mut text = TOP.to_owned();
        for name in names {
            let _ = writeln!(text, "/* #undef {name} */");
        }
        Header { path, text, places: Vec::new() }
    }))
}

/// What stands above the text.
const TOP: &str =
    "/* What upstream's configure would find: write `#define NAME 1` in place of what is so. */\n";

/// The template as configure would write it where it finds nothing: that is how config.status and CMake leave a name undefined.
fn of_template(path: String, template: &str) -> Header {
    let mut text = TOP.to_owned();
    let mut places: Vec<String> = Vec::new();
    for line in template.lines() {
        let named = |directive| {
            let rest = directive::behind(line, directive)?;
            let name = rest.strip_prefix(char::is_whitespace)?.split_whitespace().next()?;
            name.chars().all(lex::is_identifier_part).then_some(name)
        };
        let _ = if let Some(name) = named("undef").or_else(|| named("cmakedefine")) {
            writeln!(text, "/* #undef {name} */")
        } else if let Some(name) = named("cmakedefine01") {
            writeln!(text, "#define {name} 0")
        } else {
            for place in substituted(line, "@", "@").chain(substituted(line, "${", "}")) {
                if !places.iter().any(|known| known == place) {
                    places.push(place.to_owned());
                }
            }
            writeln!(text, "{line}")
        };
    }
    Header { path, text, places }
}

/// The names in a line between these signs, with the signs.
fn substituted<'l>(line: &'l str, begin: &'l str, end: &'l str) -> impl Iterator<Item = &'l str> {
    line.match_indices(begin).filter_map(move |(at, _)| {
        let name = &line[at + begin.len()..];
        let length = name.find(|letter| !lex::is_identifier_part(letter)).filter(|length| *length > 0)?;
        name[length..].starts_with(end).then(|| &line[at..at + begin.len() + length + end.len()])
    })
}

fn joined(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// Whether a path is of plain names: a build system's may lead anywhere.
fn is_plain(path: &str) -> bool {
    path.split('/').all(|part| !part.is_empty() && part != "." && part != "..")
}

fn read(tree: &Tree, path: &str) -> Result<String, source::Error> {
    let bytes = tree.read(path)?.unwrap_or_default();
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn made(files: &[(&str, &str)], included: &[&str]) -> Vec<Header> {
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), Arc::from(text.as_bytes())));
        let tree = Tree::memory("x".to_owned(), files.collect::<BTreeMap<_, _>>());
        let included = included.iter().map(|path| (*path).to_owned()).collect();
        made_by_configure(&tree, &included).unwrap()
    }

    fn lines(header: &Header) -> Vec<&str> {
        header.text.lines().skip(1).collect()
    }

    #[test]
    fn a_header_of_configure_is_started_with_all_its_names() {
        let files = [
            ("src/x_config.h.in", "/* a */\n#undef HAVE_A\n# undef HAVE_B\n#undef BAD*/\n"),
            ("configure.ac", "AC_DEFINE([HAVE_C],[],[c]) AC_DEFINE(HAVE_C, 1)"),
            ("here.h", ""),
        ];
        let made = made(&files, &["src/x_config.h", "config.h", "here.h", "elsewhere.h"]);
        assert_eq!(
            (made.len(), made[0].path.as_str(), made[1].path.as_str()),
            (2, "config.h", "src/x_config.h")
        );
        assert_eq!(lines(&made[0]), ["/* #undef HAVE_C */"]);
        assert_eq!(
            lines(&made[1]),
            ["/* a */", "/* #undef HAVE_A */", "/* #undef HAVE_B */", "#undef BAD*/"]
        );
    }

    #[test]
    fn a_template_keeps_its_text_and_tells_what_is_to_be_put_in() {
        let types = "#ifndef T_H\n#define T_H\ntypedef unsigned @int32@ t32; /* a@b.org, c@d.org */\n@fmt@\n@fmt@\n#endif\n";
        let cmake = "#cmakedefine HAVE_A 1\n#cmakedefine01 HAVE_B\n#define V \"${V_MAJOR}\"\n";
        let made = made(&[("t.h.in", types), ("v.h.in", cmake)], &["t.h", "v.h"]);
        assert_eq!(lines(&made[0]), types.lines().collect::<Vec<_>>());
        assert_eq!(made[0].places, ["@int32@", "@fmt@"]);
        assert_eq!(lines(&made[1]), ["/* #undef HAVE_A */", "#define HAVE_B 0", "#define V \"${V_MAJOR}\""]);
        assert_eq!(made[1].places, ["${V_MAJOR}"]);
    }

    #[test]
    fn a_template_is_found_where_builds_look_for_headers() {
        let files = [
            ("top_config.h.in", "#undef TOP\n"),
            ("include/x.h", "#include \"x-config.h\"\n"),
            ("include/x-config.h.in", "#undef X\n"),
            (
                "src/configure.ac",
                "AC_CONFIG_HEADERS([made.h conf/odd.h:odd.tmpl ../../out.h])\nAC_DEFINE(MADE)",
            ),
            ("src/odd.tmpl", "#undef ODD\n"),
        ];
        let included = ["src/top_config.h", "src/x.h", "src/made.h", "src/odd.h", "src/out.h"];
        let made = made(&files, &included);
        let found: Vec<(&str, Vec<&str>)> =
            made.iter().map(|header| (header.path.as_str(), lines(header))).collect();
        assert_eq!(
            found,
            [
                ("include/x-config.h", vec!["/* #undef X */"]),
                ("src/conf/odd.h", vec!["/* #undef ODD */"]),
                ("src/made.h", vec!["/* #undef MADE */"]),
                ("top_config.h", vec!["/* #undef TOP */"]),
            ]
        );
    }
}
