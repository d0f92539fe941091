//! Numbers that mean something to httpd's own code: a copy of one that the target does not know would compile and do nothing, or
//! something else. The knowledge is `codes.toml`.

use std::sync::LazyLock;

use serde::Deserialize;

use super::Interface;
use crate::c::macros;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Data {
    family: Vec<Family>,
}

/// Numbers of one use.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Family {
    /// How their names begin.
    pub prefix: String,
    /// One that each httpd has that has any of them.
    known: String,
    /// How those names end that begin so, and are sizes of arrays.
    sizes: Option<String>,
    /// Those that only functions read which are as new: where one is called, it is pulled.
    #[serde(default)]
    unread: Vec<String>,
}

impl Family {
    fn has(&self, name: &str) -> bool {
        let is_size = self.sizes.as_ref().is_some_and(|ending| name.ends_with(ending.as_str()));
        name.starts_with(&self.prefix) && !is_size && !self.unread.iter().any(|unread| unread == name)
    }
}

static DATA: LazyLock<Data> = LazyLock::new(|| {
    toml::from_str(include_str!("codes.toml"))
        .expect("codes.toml is part of the program, and a unit test reads it")
});

/// The family of the macro `name`, where the target has others of it; `definition` is the macro's, from the `#` on.
pub(super) fn family(name: &str, definition: &str, offered: &dyn Interface) -> Option<&'static Family> {
    let family = DATA.family.iter().find(|family| family.has(name))?;
    let (_, value) = definition.split_once(name)?;
    // A macro with parameters is code.
    let is_number = macros::is_upper(name) && !value.starts_with('(') && !value.trim().is_empty();
    (is_number && offered.declared_in(&family.known).is_some()).then_some(family)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Has(&'static str);

    impl Interface for Has {
        fn declared_in(&self, name: &str) -> Option<String> {
            (name == self.0).then(|| "httpd.h".to_owned())
        }
        fn exported_by(&self, _: &str) -> Option<String> {
            None
        }
        fn has_header(&self, _: &str) -> bool {
            false
        }
    }

    #[test]
    fn only_numbers_of_a_family_that_the_target_has() {
        let is = |name: &str, definition: &str, known| family(name, definition, &Has(known)).is_some();
        assert!(is("AP_MPMQ_NEW", "#define AP_MPMQ_NEW 99 /* new */", "AP_MPMQ_IS_THREADED"));
        assert!(is("SUSPENDED", "# define SUSPENDED -3", "DECLINED"));
        assert!(!is("AP_MPMQ_NEW", "#define AP_MPMQ_NEW 99", "HTTP_OK"));
        assert!(!is("HTTP_VERSION", "#define HTTP_VERSION(major,minor) (1000*(major)+(minor))", "HTTP_OK"));
        assert!(is("PROXY_WORKER_HC_FAIL", "#define PROXY_WORKER_HC_FAIL 0x0400", "PROXY_WORKER_IN_ERROR"));
        assert!(!is(
            "PROXY_WORKER_UDS_PATH_SIZE",
            "#define PROXY_WORKER_UDS_PATH_SIZE 256",
            "PROXY_WORKER_IN_ERROR"
        ));
        assert!(is("AP_REG_DOTALL", "#define AP_REG_DOTALL 0x40", "AP_REG_ICASE"));
        assert!(!is("AP_REG_MULTI", "#define AP_REG_MULTI 0x10 /* /g */", "AP_REG_ICASE"));
        assert!(!is("HTTP_GUARD", "#define HTTP_GUARD\n", "HTTP_OK"));
        assert!(!is("AP_IOBUFSIZE", "#define AP_IOBUFSIZE 8192", "HTTP_OK"));
    }
}
