//! Paths as APR merges them (file_io/unix/filepath.c: `apr_filepath_merge`): those of the target, never of this host.

/// A path beneath `base`, or itself where it is absolute. Doubled slashes, `.` and `..` are gone; a slash at the end stays.
pub fn merged(base: &str, path: &str) -> String {
    let mut whole = if path.starts_with('/') { "/".to_owned() } else { base.to_owned() };
    for part in path.split_inclusive('/') {
        match part.trim_end_matches('/') {
            "" | "." => {}
            ".." => {
                let parent = whole.trim_end_matches('/').rfind('/').map_or(0, |slash| slash + 1);
                whole.truncate(parent.max(1));
            }
            _ => {
                if !whole.ends_with('/') {
                    whole.push('/');
                }
                whole.push_str(part);
            }
        }
    }
    whole
}

/// A file in a folder (`ap_make_full_path`).
pub fn joined(folder: &str, name: &str) -> String {
    if folder.ends_with('/') { format!("{folder}{name}") } else { format!("{folder}/{name}") }
}

/// The folder and the name of an absolute path.
pub fn split(path: &str) -> (&str, &str) {
    let path = path.trim_end_matches('/');
    match path.rsplit_once('/') {
        Some(("", name)) => ("/", name),
        Some(split) => split,
        None => ("/", path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_merged_as_apr_does() {
        for (path, expected) in [
            ("modules/mod_x.so", "/etc/httpd/modules/mod_x.so"),
            ("/a//b/./c", "/a/b/c"),
            ("../x/", "/etc/x/"),
            ("../../../x", "/x"),
            ("", "/etc/httpd"),
            ("conf.d/", "/etc/httpd/conf.d/"),
            ("/a/../b", "/b"),
        ] {
            assert_eq!(merged("/etc/httpd", path), expected, "{path}");
        }
        assert_eq!(merged("/", "x"), "/x");
        assert_eq!(split("/"), ("/", ""));
        assert_eq!(split("/a"), ("/", "a"));
        assert_eq!(split("/a/b"), ("/a", "b"));
        assert_eq!(joined("/a/", "b"), "/a/b");
    }
}
