//! The target's modules that the module is to stand before or after, and those that are to stand before or after it.
//!
//! A module asks for its place in a hook by the names of other modules, and httpd sorts all of them at its start. Two releases can
//! have the same two modules the other way round, and the sort of a circle never ends (`apr_hook_sort_all`). A check's httpd
//! loads few modules, so it would not show. Names are read from the files' strings, where each list has them.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use memchr::memmem;

use super::Error;
use super::modules::{Modules, entry};
use super::plan::Plan;

/// A module of the target, and the line that loads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Neighbour {
    /// `mod_proxy`.
    pub name: String,
    /// `LoadModule …`.
    pub line: String,
}

/// Those that are not loaded yet, by name.
///
/// # Errors
/// Files that cannot be read; a path that httpd's configuration cannot express.
pub fn neighbours(
    plan: &Plan,
    loaded: &Modules,
    built_in: &BTreeSet<String>,
) -> Result<Vec<Neighbour>, Error> {
    let own = plan.module_file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let text = fs_err::read(&plan.module_file)?;
    let mut found = Vec::new();
    for (name, path) in modules_in(&plan.httpd.modules_dir)? {
        let symbol = format!("{}_module", name.trim_start_matches("mod_"));
        if name == own || built_in.contains(&name) || loaded.load.iter().any(|load| load.symbol == symbol) {
            continue;
        }
        if names(&text, &name) || names(&fs_err::read(&path)?, &own) {
            let load = entry(symbol, &path)?;
            found.push(Neighbour { name, line: format!("LoadModule {} {}\n", load.symbol, load.file) });
        }
    }
    Ok(found)
}

/// The modules of a folder, by name: one that others build upon comes before them, as mod_proxy before mod_proxy_http.
fn modules_in(folder: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let files = fs_err::read_dir(folder)?.map(|file| Ok(file?.path())).collect::<io::Result<Vec<_>>>()?;
    let named = files.into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "so"));
    let mut named: Vec<(String, PathBuf)> = named
        .filter_map(|path| Some((path.file_stem()?.to_str()?.to_owned(), path)))
        .filter(|(name, _)| name.starts_with("mod_") && !name.starts_with("mod_mpm_"))
        .collect();
    named.sort_unstable();
    Ok(named)
}

/// Whether a shared object has the string by which a module is known in lists of hooks. A linker can keep it as the end of a longer
/// one, the path of the module's source.
fn names(object: &[u8], module: &str) -> bool {
    let string = format!("{module}.c\0");
    memmem::find_iter(object, &string).any(|at| {
        let before = at.checked_sub(1).and_then(|at| object.get(at));
        !before.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::plan::Httpd;
    use crate::recipe::check::Mpm;
    use crate::target::Runner;
    use std::time::Duration;

    #[test]
    fn neighbours_name_or_are_named() {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("mod_named.so", "\0core.c\0"),
            ("mod_names.so", "\0mod_own.c\0"),
            ("mod_loaded.so", "\0mod_own.c\0"),
            ("mod_static.so", "\0mod_own.c\0"),
            ("mod_mpm_event.so", "\0mod_own.c\0"),
            ("mod_other.so", "\0mod_names.c\0"),
            ("mod_own.so", "\0mod_own.c\0"),
        ] {
            fs_err::write(folder.path().join(name), text).unwrap();
        }
        let module_file = folder.path().join("package/mod_own.so");
        fs_err::create_dir(folder.path().join("package")).unwrap();
        fs_err::write(&module_file, "\0mod_own.c\0mod_named.c\0mod_absent.c\0").unwrap();
        let plan = Plan {
            httpd: Httpd {
                runner: Runner::native("httpd".into()),
                modules_dir: folder.path().to_owned(),
                version: "2.4.62".to_owned(),
            },
            module_file,
            symbol: "own_module".to_owned(),
            load_after: Vec::new(),
            beside: Vec::new(),
            drop_ins: Vec::new(),
            limit: Duration::from_secs(1),
            keep_in: None,
        };
        let loaded = entry("loaded_module".to_owned(), &folder.path().join("mod_loaded.so")).unwrap();
        let loaded = Modules { mpm: Mpm::Event, load: vec![loaded] };
        let found = neighbours(&plan, &loaded, &BTreeSet::from(["mod_static".to_owned()])).unwrap();
        let found: Vec<&str> = found.iter().map(|neighbour| neighbour.name.as_str()).collect();
        assert_eq!(found, ["mod_named", "mod_names"]);
    }

    #[test]
    fn a_name_is_a_whole_one() {
        for (object, named) in [
            (&b"\0mod_proxy.c\0"[..], true),
            (b"mod_proxy.c\0", true),
            (b"\0./mod_proxy.c\0", true),
            (b"\0xmod_proxy.c\0", false),
            (b"\0mod_proxy.cc\0", false),
            (b"\0mod_proxy_http.c\0", false),
        ] {
            assert_eq!(names(object, "mod_proxy"), named, "{}", object.escape_ascii());
        }
    }
}
