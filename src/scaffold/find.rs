//! The C file that defines a tree's module.

use super::Error;
use crate::changeset::structures;
use crate::source::Tree;

/// Folders of what is no module for this httpd: other systems, tests, other httpds.
const ELSEWHERE: &[&str] = &[
    "test",
    "tests",
    "t",
    "win32",
    "windows",
    "netware",
    "iis",
    "nsapi",
    "apache-1.3",
    "apache1.3",
    "examples",
];

/// What a module for httpd 2 has in it, and one for 1.3 has not.
const OF_HTTPD_2: &[&str] = &["STANDARD20_MODULE_STUFF", "AP_DECLARE_MODULE"];

/// The path of the one C file in `tree` that defines a module for httpd 2.
///
/// # Errors
/// [`Error::NoModule`], [`Error::SeveralModules`], [`Error::Source`].
pub fn main_file(tree: &Tree) -> Result<String, Error> {
    let mut files = Vec::new();
    for path in tree.walk("")?.into_iter().filter(|path| path.ends_with(".c") && is_here(path)) {
        let Some(bytes) = tree.read(&path)? else { continue };
        let text = String::from_utf8_lossy(&bytes);
        if OF_HTTPD_2.iter().any(|word| text.contains(word)) && !structures(&text).is_empty() {
            files.push(path);
        }
    }
    match files.len() {
        0 => Err(Error::NoModule { tree: tree.name().to_owned() }),
        1 => Ok(files.remove(0)),
        _ => Err(Error::SeveralModules { tree: tree.name().to_owned(), files }),
    }
}

fn is_here(path: &str) -> bool {
    let (folders, _) = path.rsplit_once('/').unwrap_or(("", path));
    !folders.split('/').any(|folder| ELSEWHERE.contains(&folder.to_ascii_lowercase().as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn tree(files: &[(&str, &str)]) -> Tree {
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().into()));
        Tree::memory("x.tar.gz".to_owned(), files.collect::<BTreeMap<_, _>>())
    }

    const NEW: &str = "module AP_MODULE_DECLARE_DATA x_module = { STANDARD20_MODULE_STUFF, };";

    #[test]
    fn the_module_for_httpd_2_is_found_among_others() {
        let old = "module MODULE_VAR_EXPORT x_module = { STANDARD_MODULE_STUFF, };";
        let all = [
            ("src/mod_x.c", NEW),
            ("apache1.3/mod_x.c", NEW),
            ("mod_x13.c", old),
            ("test/stub.c", NEW),
            ("src/util.c", "int f(void) { return 0; }"),
        ];
        assert_eq!(main_file(&tree(&all)).unwrap(), "src/mod_x.c");
    }

    #[test]
    fn none_and_several_are_told() {
        let error = main_file(&tree(&[("a.c", "int x;")])).unwrap_err();
        assert_eq!(error.to_string(), "no C file of x.tar.gz defines a module for httpd 2");
        let error = main_file(&tree(&[("a.c", NEW), ("b.c", NEW)])).unwrap_err();
        assert_eq!(error.to_string(), "x.tar.gz has several modules: a.c, b.c");
    }
}
