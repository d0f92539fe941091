//! Names of the C library and of the compiler, which no header of httpd explains. The knowledge is `library.toml`.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Data {
    prefixes: Vec<String>,
    names: HashSet<String>,
    never_defined: HashSet<String>,
    headers: HashMap<String, Vec<String>>,
}

static DATA: LazyLock<Data> = LazyLock::new(|| {
    toml::from_str(include_str!("library.toml"))
        .expect("library.toml is part of the program, and a unit test reads it")
});

/// Whether the C library, POSIX or the compiler gives `name` its meaning. What is not listed is only looked for in vain.
pub(crate) fn has(name: &str) -> bool {
    DATA.names.contains(name)
        || is_never_defined(name)
        || DATA.prefixes.iter().any(|prefix| name.starts_with(prefix.as_str()))
}

/// Whether `name` is a macro of a system or tool for which nothing is made here: no target defines it.
pub(crate) fn is_never_defined(name: &str) -> bool {
    DATA.never_defined.contains(name)
}

/// The header in which POSIX declares `name`, where it is known.
pub(crate) fn header(name: &str) -> Option<&'static str> {
    let declares = |(header, names): (&'static String, &Vec<String>)| {
        names.iter().any(|known| known == name).then_some(header.as_str())
    };
    DATA.headers.iter().find_map(declares)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_header_declares_names_of_the_library_and_no_other_does() {
        for (file, names) in &DATA.headers {
            for name in names {
                assert!(has(name), "{name}");
                assert_eq!(header(name), Some(file.as_str()), "{name}");
                assert_eq!(names.iter().filter(|other| *other == name).count(), 1, "{name}");
            }
        }
        assert_eq!(header("strptime"), None);
    }

    #[test]
    fn the_library_is_told_from_httpd() {
        for name in ["NULL", "strlen", "__GNUC__", "SIGTERM", "pthread_mutex_t", "WIN32"] {
            assert!(has(name), "{name}");
        }
        for name in ["ap_strstr_c", "apr_palloc", "request_rec", "OK", "SSL_read"] {
            assert!(!has(name), "{name}");
        }
        for name in ["WIN32", "OS390", "__cplusplus"] {
            assert!(is_never_defined(name) && has(name), "{name}");
        }
        assert!(!is_never_defined("linux"));
    }
}
