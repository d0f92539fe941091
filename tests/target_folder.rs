//! Targets that are folders: the httpd of another release of Debian, with its own C library, in a root into which dpkg-deb has
//! unpacked packages; and an httpd in a prefix of its own. The module is built for it, audited, and run in it.

mod support;

use std::path::Path;
use std::process::Command;

use miette::Diagnostic;
use modgraft::error::Kind;
use modgraft::target::{self, Error, Options, Target};
use serde_json::Value;
use support::debian::Release;
use support::made::{reference, versions};
use support::prefix::prefix;
use support::{run, run_fails, scratch};

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
