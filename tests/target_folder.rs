//! Targets that are folders: the httpd of another release of Debian, with its own C library, in a root of unpacked packages;
//! and an httpd in a prefix of its own. The module is built for it, audited, and run in it.

mod support;

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use miette::Diagnostic;
use modgraft::error::Kind;
use modgraft::target::{self, Error, GlibcVersion, Options, Target};
use serde_json::Value;
use support::debian::Release;
use support::{apxs, run, run_fails, scratch};

fn resolve(folder: &Path) -> Result<Target, Error> {
    let cache = scratch("target_folder");
    target::resolve(folder.to_str().unwrap(), &Options { offline: true, ..Options::new(cache) }, &|_| {})
}

fn modgraft(action: &str, input: &Path, target: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_modgraft"));
    command.env("MODGRAFT_CACHE", scratch("target_folder")).args([action, "--offline"]).arg(input);
    command.arg("--target").arg(target);
    command
}

/// Builds and checks; the packages' folder with its report.
fn build(input: &Path, target: &Path) -> (tempfile::TempDir, Value) {
    let out = tempfile::tempdir().unwrap();
    run(modgraft("build-module", input, target).args(["--sign-key", "none", "--out"]).arg(out.path()));
    let report = fs_err::read(out.path().join("report.json")).unwrap();
    (out, serde_json::from_slice(&report).unwrap())
}

fn reference() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("modules/mod_proxy_wstunnel")
}

/// The module's symbol versions of glibc, by readelf.
fn versions(out: &Path) -> Vec<(GlibcVersion, String)> {
    let package = fs_err::read_dir(out).unwrap().map(|entry| entry.unwrap().path()).find(|path| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.ends_with(".rpm") && !name.ends_with(".src.rpm") && !name.contains("-debuginfo-")
    });
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("payload.tgz");
    run(Command::new("rpm2archive")
        .arg("-")
        .stdin(fs_err::File::open(package.unwrap()).unwrap().into_file())
        .stdout(fs_err::File::create(&archive).unwrap().into_file()));
    run(Command::new("tar").arg("-xzf").arg(&archive).arg("-C").arg(folder.path()));
    let files = walkdir::WalkDir::new(folder.path()).into_iter().map(|entry| entry.unwrap().into_path());
    let module = files.into_iter().find(|path| path.extension().is_some_and(|extension| extension == "so"));
    let symbols = run(Command::new("readelf").args(["--dyn-syms", "-W"]).arg(module.unwrap()));
    let word = |line: &str| line.split_whitespace().nth(7).map(str::to_owned);
    let names = symbols.lines().filter_map(word);
    names.filter_map(|name| Some((GlibcVersion::of_symbol(name.split_once('@')?.1)?, name.clone()))).collect()
}

fn passes_on(release: Release, httpd: &str, glibc: GlibcVersion) {
    let root = release.sysroot();
    let target = resolve(&root).unwrap();
    assert_eq!((target.glibc, target.profile.name.as_str()), (glibc, "debian"));
    assert!(target.httpd_version.starts_with(httpd), "{}", target.httpd_version);
    assert_eq!(target.name, root.to_str().unwrap());

    let (out, report) = build(&reference(), &root);
    let checks = report["checks"].as_array().unwrap();
    assert!(checks.len() >= 5 && checks.iter().all(|check| check["outcome"] == "passed"), "{checks:?}");
    assert_eq!(report["target"]["glibc"], glibc.to_string());
    let found = versions(out.path());
    assert!(!found.is_empty() && found.iter().all(|(version, _)| *version <= glibc), "{found:?}");
    // Where the root lies is of no concern to anyone.
    let text = report.to_string();
    assert!(!text.contains(root.to_str().unwrap()) && text.contains("--sysroot=SYSROOT"), "{text}");
}

#[test]
fn the_reference_module_works_in_an_older_releases_httpd() {
    passes_on(Release::Bullseye, "2.4.62", GlibcVersion { major: 2, minor: 31 });
}

#[test]
fn the_reference_module_works_in_a_newer_releases_httpd() {
    passes_on(Release::Trixie, "2.4.", GlibcVersion { major: 2, minor: 41 });
}

/// Functions whose symbol version says which C library the compiler and the linker saw: `stat` is a symbol since 2.33 only,
/// `dlsym` moved from libdl to libc with 2.34, and `strtol` got another name with 2.38.
const BOUND: &str = r#"#include "httpd.h"
#include "http_config.h"
#include "http_protocol.h"
#include <dlfcn.h>
#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>

static int bound_handler(request_rec *r)
{
    struct stat found;
    if (!r->handler || strcmp(r->handler, "bound")) return DECLINED;
    ap_rprintf(r, "%d %d %ld %d\n", stat("/", &found), dlsym(NULL, "ap_rprintf") != NULL,
               strtol(r->args, NULL, 0), (int)pow(2.0, strtod(r->args, NULL)));
    return OK;
}

static void bound_hooks(apr_pool_t *p)
{
    ap_hook_handler(bound_handler, NULL, NULL, APR_HOOK_MIDDLE);
}

AP_DECLARE_MODULE(bound) = { STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, bound_hooks };
"#;

const BOUND_RECIPE: &str = r#"
name = "mod_bound"
summary = "Calls what differs between C libraries"
license = "Apache-2.0"
version = "1.0"
libraries = ["m", "dl"]
[source]
directory = "."
files = ["mod_bound.c"]
[[changelog]]
date = 2026-01-01
author = "A. Packager <packager@example.org>"
version = "1.0-1"
notes = ["First package."]
[[check]]
name = "it runs"
config = "SetHandler bound"
request = { path = "/?5" }
expect = { status = 200, body-contains = "0 1 5 32" }
"#;

#[test]
fn a_module_binds_to_the_sysroots_own_c_library() {
    let recipe = tempfile::tempdir().unwrap();
    fs_err::write(recipe.path().join("mod_bound.c"), BOUND).unwrap();
    fs_err::write(recipe.path().join("module.toml"), BOUND_RECIPE).unwrap();
    let names = |release: Release| {
        let (out, _) = build(recipe.path(), &release.sysroot());
        versions(out.path()).into_iter().map(|(_, name)| name).collect::<Vec<_>>()
    };
    let has = |names: &[String], wanted: &str| names.iter().any(|name| name.starts_with(wanted));
    let older = names(Release::Bullseye);
    assert!(has(&older, "__xstat@GLIBC_2.2.5") && has(&older, "strtol@GLIBC_2.2.5"), "{older:?}");
    assert!(has(&older, "dlsym@GLIBC_2.2.5") && has(&older, "pow@GLIBC_2.29"), "{older:?}");
    let newer = names(Release::Trixie);
    assert!(has(&newer, "stat@GLIBC_2.33") && has(&newer, "__isoc23_strtol@GLIBC_2.38"), "{newer:?}");
    assert!(has(&newer, "dlsym@GLIBC_2.34"), "{newer:?}");
}

/// A sysroot that is half there names the package that is missing.
#[test]
fn what_a_sysroot_lacks_is_named_with_its_package() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let root = folder.path().join("root");
    run(Command::new("cp").arg("-al").arg(Release::Bullseye.sysroot()).arg(&root));
    let cases = [
        ("usr/include/apache2/httpd.h", "httpd.h", "apache2-dev"),
        ("usr/share/apache2/build/config_vars.mk", "config_vars.mk (apxs's variables)", "apache2-dev"),
        ("usr/include/apr-1.0/apr.h", "apr.h", "libapr1-dev"),
        ("usr/include/apr-1.0/apu.h", "apu.h", "libaprutil1-dev"),
        ("usr/sbin/apache2", "httpd program", "apache2-bin"),
        ("lib/x86_64-linux-gnu/libc.so.6", "libc.so.6 (the C library)", "libc6"),
        ("usr/include/stdio.h", "usr/include/stdio.h (the C library's headers)", "libc6-dev"),
        ("usr/lib/x86_64-linux-gnu/crti.o", "libc.so and crti.o, which a module is linked with", "libc6-dev"),
        ("usr/include/linux", "usr/include/linux (the kernel's headers)", "linux-libc-dev"),
        ("lib64/ld-linux-x86-64.so.2", "the dynamic linker", "libc6"),
    ];
    for (file, missing, package) in cases {
        let (here, away) = (root.join(file), folder.path().join("away"));
        fs_err::rename(&here, &away).unwrap();
        let error = resolve(&root).unwrap_err();
        fs_err::rename(&away, &here).unwrap();
        assert_eq!(error.kind(), Kind::Environment, "{error}");
        assert_eq!(error.to_string(), format!("{} has no {missing}", root.display()));
        let help = error.help().unwrap().to_string();
        assert_eq!(help, format!("unpack the package {package} there too"));
    }
    let library = root.join("usr/lib/x86_64-linux-gnu/libaprutil-1.so.0");
    fs_err::remove_file(library).unwrap();
    let error = resolve(&root).unwrap_err();
    assert!(error.to_string().ends_with(" has no libaprutil-1.so.0, which its httpd needs"), "{error}");
}

#[test]
fn a_folder_that_is_no_target_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs_err::write(&file, "").unwrap();
    fs_err::create_dir_all(folder.path().join("root/usr/lib")).unwrap();
    let cases = [
        (folder.path().to_owned(), "neither httpd nor unpacked packages are in it"),
        (folder.path().join("nothing"), "there is no such folder"),
        (file, "it is no folder"),
        (folder.path().join("root"), "the packages in it have no httpd"),
    ];
    for (folder, reason) in cases {
        let error = resolve(&folder).unwrap_err();
        assert_eq!(error.kind(), Kind::Usage, "{error}");
        assert_eq!(error.to_string(), format!("{} is no httpd to build for: {reason}", folder.display()));
    }
    let said = run_fails(&mut modgraft("flatten", &reference(), &folder.path().join("nothing")));
    assert!(said.contains("modgraft::target::no_httpd") && said.contains("make install"), "{said}");
}

/// This system's httpd, laid out as `make install` would.
fn prefix() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for name in ["bin", "build", "conf"] {
        fs_err::create_dir(path(name)).unwrap();
    }
    let program = Path::new(&apxs("SBINDIR")).join(apxs("PROGNAME"));
    fs_err::copy(program, path("bin/httpd")).unwrap();
    symlink(apxs("INCLUDEDIR"), path("include")).unwrap();
    symlink(apxs("LIBEXECDIR"), path("modules")).unwrap();
    let variables = format!(
        "prefix = {}\nexec_prefix = ${{prefix}}\nsbindir = ${{exec_prefix}}/bin\nprogname = httpd\n\
         includedir = ${{prefix}}/include\nlibexecdir = ${{exec_prefix}}/modules\nsysconfdir = ${{prefix}}/conf\n\
         CC = gcc\nEXTRA_CPPFLAGS = {}\nAPR_INCLUDEDIR = {}\nAPU_INCLUDEDIR = {}\n",
        folder.path().display(),
        apxs("EXTRA_CPPFLAGS"),
        apxs("APR_INCLUDEDIR"),
        apxs("APU_INCLUDEDIR"),
    );
    fs_err::write(path("build/config_vars.mk"), variables).unwrap();
    folder
}

#[test]
fn an_httpd_in_a_prefix_gets_its_module_where_it_looks_for_it() {
    let prefix = prefix();
    let (out, report) = build(&reference(), prefix.path());
    assert!(report["checks"].as_array().unwrap().iter().all(|check| check["outcome"] == "passed"));
    let package = report["packages"][0]["file"].as_str().unwrap();
    let package = out.path().join(package);
    let query = |format: &str| run(Command::new("rpm").args(["-qp", "--qf", format]).arg(&package));
    let files = query("[%{FILENAMES}\n]");
    for name in ["modules/mod_proxy_wstunnel.so", "conf/extra/proxy_wstunnel.conf"] {
        assert!(files.lines().any(|file| Path::new(file) == prefix.path().join(name)), "{name} in {files}");
    }
    // No package provides what an httpd of one's own is.
    let requires = query("[%{REQUIRENEVRS}\n]");
    assert!(!requires.contains("httpd-mmn") && requires.contains("libc.so.6"), "{requires}");
}

#[test]
fn half_a_prefix_is_told() {
    let prefix = prefix();
    let path = |name: &str| prefix.path().join(name);
    let error = |expected: &str| {
        let error = resolve(prefix.path()).unwrap_err();
        assert_eq!(error.kind(), Kind::Environment, "{error}");
        assert!(error.to_string().ends_with(expected), "{error}");
    };
    fs_err::rename(path("bin/httpd"), path("bin/x")).unwrap();
    error(" has no httpd program");
    fs_err::rename(path("bin/x"), path("bin/httpd")).unwrap();
    fs_err::rename(path("include"), path("x")).unwrap();
    error(" has no httpd.h");
    fs_err::rename(path("x"), path("include")).unwrap();
    let variables = fs_err::read_to_string(path("build/config_vars.mk")).unwrap();
    let moved = variables.replace(prefix.path().to_str().unwrap(), "/opt/elsewhere");
    fs_err::write(path("build/config_vars.mk"), moved).unwrap();
    error(&format!("was built for the folder /opt/elsewhere, and lies in {}", prefix.path().display()));
    fs_err::remove_file(path("build/config_vars.mk")).unwrap();
    error(" has no build/config_vars.mk (apxs's variables)");
}

#[test]
fn upstreams_source_comes_with_the_distributions() {
    for (release, minor) in [(Release::Bullseye, 62), (Release::Bookworm, 68)] {
        let archive = release.upstream_source("apache2");
        let name = archive.file_name().unwrap().to_string_lossy();
        let version = name.strip_prefix("apache2_2.4.").and_then(|rest| rest.split('.').next());
        let version: u32 = version.and_then(|version| version.parse().ok()).unwrap();
        assert!(version >= minor, "{name}");
        let listed = run(Command::new("tar").arg("-tf").arg(&archive));
        assert!(listed.lines().any(|line| line.ends_with("/modules/proxy/mod_proxy_wstunnel.c")), "{name}");
    }
}
