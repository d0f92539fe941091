//! filelists.xml: all files of all packages. Large, and read only for paths that primary.xml does not have.

use std::collections::{HashMap, HashSet};
use std::io::BufRead;

use super::xml::{self, Item};

/// The packages, by their checksums, that have any of the `wanted` paths: pairs of path and checksum.
pub(super) fn read(
    input: impl BufRead,
    wanted: &HashSet<&str>,
) -> Result<HashMap<String, Vec<String>>, String> {
    let mut found: HashMap<String, Vec<String>> = HashMap::new();
    let mut package = String::new();
    xml::walk(input, "filelists", &mut |item| {
        match item {
            Item::Start("package", element) => {
                package = xml::required(element, "pkgid")?.to_ascii_lowercase()
            }
            Item::End("file", path) if wanted.contains(path) => {
                found.entry(path.to_owned()).or_default().push(package.clone());
            }
            _ => {}
        }
        Ok(())
    })?;
    Ok(found)
}

/// Whether primary.xml has a path, of whichever package: what clients look for without the long list (createrepo_c's `cr_is_primary`).
pub(crate) fn in_primary(path: &str) -> bool {
    path.starts_with("/etc/") || path.contains("bin/") || path == "/usr/lib/sendmail"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wanted_paths_are_found() {
        let text = r#"<filelists packages="1"><package pkgid="AB" name="a"><version/>
            <file>/usr/lib/a</file><file type="dir">/usr/share/a</file></package></filelists>"#;
        let found = read(text.as_bytes(), &HashSet::from(["/usr/share/a", "/usr/share/b"])).unwrap();
        assert_eq!(found, HashMap::from([("/usr/share/a".to_owned(), vec!["ab".to_owned()])]));
        for (path, primary) in [("/etc/httpd", true), ("/usr/sbin/httpd", true), ("/usr/share/a", false)] {
            assert_eq!(in_primary(path), primary, "{path}");
        }
    }
}
