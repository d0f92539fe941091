//! The list from which SUSE's own tool makes the LoadModule lines, before each start of httpd (`/usr/share/apache2` of its
//! package: `load_configuration`, `get_module_list`): APACHE_MODULES of `/etc/sysconfig/apache2`.

use std::collections::BTreeMap;

use super::files::Files;
use super::{Laid, paths};
use crate::target::Target;

const LIST: &str = "/etc/sysconfig/apache2";

/// What the tool writes, and httpd.conf includes where it is started by it.
const WRITTEN: &str = "/etc/apache2/sysconfig.d";
const LOADS: &str = "loadmodule.conf";
const OTHERS: &[&str] = &["global.conf", "include.conf"];

/// The name by which httpd.conf knows that the tool has started it.
pub(super) const DEFINED: &str = "SYSCONFIG";

/// Lays what the tool would write over the target's files, `built_in` being the structures that need no file, and `more` what
/// a2enmod adds to the list.
pub(super) fn lay(target: &Target, built_in: &[&str], more: &[String], laid: &mut BTreeMap<String, Laid>) {
    let files = Files::new(target.roots(), laid);
    let text = files.read(LIST).unwrap_or_default();
    let mut names: Vec<&str> = list(&text).collect();
    names.extend(more.iter().map(String::as_str).filter(|name| !list(&text).any(|known| known == *name)));
    let line = |name: &&str| {
        // A module of a third party may stand there with its whole path.
        let file = if name.starts_with('/') {
            (*name).to_owned()
        } else {
            format!("{}/mod_{name}.so", target.layout.module_dir)
        };
        let base = paths::split(&file).1.trim_end_matches(".so");
        let symbol = format!("{}_module", base.strip_prefix("mod_").unwrap_or(base));
        (!built_in.contains(&symbol.as_str())).then(|| format!("LoadModule {symbol} {file}\n"))
    };
    let loads: String = names.iter().filter_map(line).collect();
    let others: Vec<String> = OTHERS.iter().map(|name| paths::joined(WRITTEN, name)).collect();
    let others = others.into_iter().filter(|path| files.kind(path).is_err());
    let others: Vec<(String, Laid)> = others.map(|path| (path, Laid::Text(String::new()))).collect();
    laid.insert(paths::joined(WRITTEN, LOADS), Laid::Text(loads));
    laid.extend(others);
}

/// The names in the list, as the shell would have them.
fn list(text: &str) -> impl Iterator<Item = &str> {
    let mut values = text.lines().rev().filter_map(|line| line.trim().strip_prefix("APACHE_MODULES="));
    values.next().unwrap_or_default().trim_matches(['"', '\'']).split_whitespace()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_list_counts() {
        let text = "# APACHE_MODULES=\"no\"\nAPACHE_MODULES=\"a\"\nAPACHE_MODULES=\"actions  alias\"\nAPACHE_SERVER_FLAGS=\"x\"\n";
        assert_eq!(list(text).collect::<Vec<_>>(), ["actions", "alias"]);
        assert_eq!(list("").count(), 0);
    }
}
