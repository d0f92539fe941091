//! The sources that the debug information names, before the tools that read it: debugedit, gdb.

mod support;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use modgraft::package::Package;
use modgraft::profile::{DebugSources, Profile};
use modgraft::rpm::{self, write};
use support::module::Module;
use support::run;

const PLACE: &str = "/usr/src/debug/mod_tiny-1.0-1.x86_64";

/// The package that has them.
fn sources_of(module: &Module) -> Package {
    let set = module.packages();
    set.debugsource.unwrap_or(set.debuginfo)
}

fn paths(package: &Package) -> BTreeSet<&str> {
    package.files.iter().map(|file| file.path.as_str()).filter(|path| path.starts_with("/usr/src")).collect()
}

#[test]
fn each_distribution_has_them_where_its_rpmbuild_puts_them() {
    for profile in Profile::all() {
        let old = ["el6", "el7", "amazon2", "debian", "local"].contains(&profile.name.as_str());
        assert_eq!(profile.packaging.debug_sources == DebugSources::Debuginfo, old, "{}", profile.name);
        let mut module = Module::of_profile(&profile.name);
        module.upstream.files = [("../etc/passwd".to_owned(), Arc::from(*b"x"))].into();
        let set = module.packages();
        let name = format!("{}-1.0-1.x86_64", set.binary.name);
        let expected = [format!("/usr/src/debug/{name}"), format!("/usr/src/debug/{name}/mod_tiny.c")];
        assert_eq!(set.packages().count(), if old { 3 } else { 4 });
        let Some(debugsource) = &set.debugsource else {
            assert!(old, "{}", profile.name);
            assert_eq!(paths(&set.debuginfo), expected.iter().map(String::as_str).collect());
            assert!(set.debuginfo.recommends.is_empty());
            continue;
        };
        assert_eq!(debugsource.name, format!("{}-debugsource", set.binary.name));
        assert_eq!(paths(debugsource), expected.iter().map(String::as_str).collect());
        assert!(paths(&set.debuginfo).is_empty());
        let recommended: Vec<String> =
            set.debuginfo.recommends.iter().map(|relation| relation.text()).collect();
        assert_eq!(recommended, [format!("{}(x86-64) = 1.0-1", debugsource.name)]);
    }
}

/// What debugedit, which find-debuginfo asks, finds named beneath the package's folder.
fn named(debug_file: &Path, folder: &Path) -> BTreeSet<String> {
    let copy = folder.join("copy.debug");
    fs_err::copy(debug_file, &copy).unwrap();
    let list = folder.join("list");
    run(Command::new("debugedit").args(["-b", PLACE, "-d", PLACE, "-l"]).arg(&list).arg(&copy));
    let list = String::from_utf8(fs_err::read(list).unwrap()).unwrap();
    let named =
        list.split('\0').filter(|name| !name.is_empty() && !name.contains('<') && !name.ends_with('/'));
    named.map(str::to_owned).collect()
}

#[test]
fn what_the_debug_information_names_is_there_as_far_as_it_is_at_hand() {
    let module = Module::of_upstream();
    let folder = tempfile::tempdir().unwrap();
    let named = named(&module.object.debug_file, folder.path());
    let all = ["mod_tiny.c", "modules/tiny/mod_tiny.c", "server/gone.c", "server/hunk.c"];
    assert_eq!(named, all.map(str::to_owned).into());
    let packaged = sources_of(&module);
    let expected: BTreeSet<String> = ["", "/modules", "/modules/tiny", "/server"]
        .into_iter()
        .map(str::to_owned)
        .chain(named.iter().filter(|name| *name != "server/gone.c").map(|name| format!("/{name}")))
        .map(|path| format!("{PLACE}{path}"))
        .collect();
    assert_eq!(paths(&packaged), expected.iter().map(String::as_str).collect());
}

#[test]
fn gdb_shows_the_lines() {
    let module = Module::of_upstream();
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    let package = folder.path().join("sources.rpm");
    write(&sources_of(&module), None, &package).unwrap();
    fs_err::create_dir(&root).unwrap();
    rpm::extract(&package, &root).unwrap();
    let list = |function: &str| {
        run(Command::new("gdb")
            .args(["-nx", "-batch", "-ex"])
            .arg(format!("set substitute-path {PLACE} {}{PLACE}", root.display()))
            .args(["-ex", &format!("info source {function}"), "-ex", &format!("list {function}")])
            .arg(&module.object.debug_file))
    };
    assert!(list("from_hunk").contains("43\t    return number * 7 + getpid();"), "{}", list("from_hunk"));
    let handler = list("tiny_handler");
    assert!(handler.contains("static int tiny_handler(request_rec *r)"), "{handler}");
    let upstream = String::from_utf8(module.upstream.files["modules/tiny/mod_tiny.c"].to_vec()).unwrap();
    let line = upstream.lines().position(|line| line.starts_with("static int tiny_handler")).unwrap() + 1;
    assert!(handler.contains(&format!("{line}\tstatic int tiny_handler")), "{line}: {handler}");
    assert!(!list("gone").contains("number / 3"), "nobody has that file");
}
