//! Names of the C library and of the compiler, which no header of httpd explains. The knowledge is `library.toml`.

use std::collections::HashSet;
use std::sync::LazyLock;

use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Data {
    prefixes: Vec<String>,
    names: HashSet<String>,
}

static DATA: LazyLock<Data> = LazyLock::new(|| {
    toml::from_str(include_str!("library.toml"))
        .expect("library.toml is part of the program, and a unit test reads it")
});

/// Whether the C library, POSIX or the compiler gives `name` its meaning. What is not listed is only looked for in vain.
pub(crate) fn has(name: &str) -> bool {
    DATA.names.contains(name) || DATA.prefixes.iter().any(|prefix| name.starts_with(prefix.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_library_is_told_from_httpd() {
        for name in ["NULL", "strlen", "__GNUC__", "SIGTERM", "pthread_mutex_t", "WIN32"] {
            assert!(has(name), "{name}");
        }
        for name in ["ap_strstr_c", "apr_palloc", "request_rec", "OK", "SSL_read"] {
            assert!(!has(name), "{name}");
        }
    }
}
