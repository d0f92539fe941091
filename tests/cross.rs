//! Modules for another processor, by a cross compiler: what they are bound to, what their packages say, and that they run in
//! the target's own httpd under qemu. And what a person is told where the compiler or the emulator is missing.

mod support;

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use modgraft::compile::Toolchain;
use modgraft::target::{self, GlibcVersion, Options, Target};
use serde_json::Value;
use support::debian::Release;
use support::{run, scratch};

const CROSS: &str = "aarch64-linux-gnu-gcc";

fn modgraft(input: &Path, target: &Path, out: &Path) -> Command {
    let mut command = offline("build-module", out);
    command.arg(input).arg("--target").arg(target);
    command
}

fn offline(subcommand: &str, out: &Path) -> Command {
    assert!(
        !Path::new("/proc/sys/fs/binfmt_misc/qemu-aarch64").exists(),
        "this kernel hides missing emulators"
    );
    let mut command = Command::new(env!("CARGO_BIN_EXE_modgraft"));
    command.env("MODGRAFT_CACHE", scratch("cross")).args([subcommand, "--offline", "--out"]).arg(out);
    // No test gets as far as to read a key file.
    command.env("MODGRAFT_SIGN_KEY", "none");
    // What this machine's own compiler is called must not decide here.
    for name in ["CC", "CFLAGS", "TARGET_CC", "CC_aarch64_unknown_linux_gnu"] {
        command.env_remove(name);
    }
    command
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn report(out: &Path) -> Value {
    serde_json::from_slice(&fs_err::read(out.join("report.json")).unwrap()).unwrap()
}

fn reference() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("modules/mod_proxy_wstunnel")
}

/// The module of the packages in a folder.
fn module(out: &Path, into: &Path) -> PathBuf {
    let package = out.join(report(out)["packages"][0]["file"].as_str().unwrap());
    let archive = into.join("payload.tgz");
    run(Command::new("rpm2archive")
        .arg("-")
        .stdin(fs_err::File::open(package).unwrap().into_file())
        .stdout(fs_err::File::create(&archive).unwrap().into_file()));
    run(Command::new("tar").arg("-xzf").arg(&archive).arg("-C").arg(into));
    let files = walkdir::WalkDir::new(into).into_iter().map(|entry| entry.unwrap().into_path());
    files.into_iter().find(|path| path.extension().is_some_and(|extension| extension == "so")).unwrap()
}

#[test]
fn the_reference_module_works_in_another_processors_httpd() {
    let out = tempfile::tempdir().unwrap();
    run(&mut modgraft(&reference(), &Release::Bookworm.sysroot_for("arm64"), out.path()));
    let report = report(out.path());
    assert_eq!(report["target"]["arch"], "aarch64");
    let call = &report["compile"]["call"];
    assert!(call["program"].as_str().unwrap().ends_with(CROSS), "{call}");
    let checks = report["checks"].as_array().expect("the checks were run under qemu");
    assert!(checks.len() >= 5 && checks.iter().all(|check| check["outcome"] == "passed"), "{checks:?}");
    assert_eq!(report["not_checked"], Value::Null);

    let folder = tempfile::tempdir().unwrap();
    let module = module(out.path(), folder.path());
    let header = run(Command::new("readelf").arg("-h").arg(&module));
    assert!(header.contains("AArch64") && header.contains("DYN (Shared object file)"), "{header}");

    let packages = report["packages"].as_array().unwrap();
    let query = |package: &Value, format: &str| {
        let file = out.path().join(package["file"].as_str().unwrap());
        run(Command::new("rpm").args(["-qp", "--qf", format]).arg(file))
    };
    for package in packages {
        assert_eq!(query(package, "%{ARCH}"), "aarch64", "{package}");
    }
    let [binary, debuginfo, _] = &packages[..] else { panic!("{packages:?}") };
    assert_eq!(query(binary, "%{PLATFORM}"), "aarch64-debian-linux");
    let provides = query(binary, "[%{PROVIDENEVRS}\n]");
    assert!(provides.contains("mod_proxy_wstunnel(aarch-64) = "), "{provides}");
    assert!(query(debuginfo, "[%{PROVIDENEVRS}\n]").contains("mod_proxy_wstunnel-debuginfo(aarch-64) = "));
    assert!(query(debuginfo, "[%{FILENAMES}\n]").contains(".aarch64.debug"));
    let classes = query(binary, "[%{FILECLASS}\n]");
    assert!(classes.contains("ELF 64-bit LSB shared object, ARM aarch64, version 1 (SYSV)"), "{classes}");

    // rpm's own rule for what a module requires.
    let elfdeps = run(Command::new("/usr/lib/rpm/elfdeps").arg("-R").arg(&module));
    let requires = query(binary, "[%{REQUIRENAME}\n]");
    let ours = requires.lines().filter(|name| name.contains(".so") || name.starts_with("rtld("));
    let sorted = |names: &mut dyn Iterator<Item = &str>| {
        let mut names: Vec<String> = names.map(str::to_owned).collect();
        names.sort();
        names.dedup();
        names
    };
    let ours = sorted(&mut ours.into_iter());
    assert_eq!(ours, sorted(&mut elfdeps.lines()));
    assert!(ours.contains(&"libc.so.6(GLIBC_2.17)(64bit)".to_owned()), "{ours:?}");
    assert!(
        requires.contains("httpd-mmn") && query(binary, "[%{REQUIRENEVRS}\n]").contains("20120211aarch64")
    );
}

/// What has another symbol or version in each C library: `stat` is a symbol since 2.33 only, `dlsym` moved from libdl to libc
/// with 2.34. And what the headers say of themselves: those of the cross compiler's own C library, 2.36, come first in its
/// search, whatever it is told of a sysroot.
const BOUND: &str = r#"#include "httpd.h"
#include "http_config.h"
#include "http_protocol.h"
#include <dlfcn.h>
#include <sys/stat.h>

static int bound_handler(request_rec *r)
{
    struct stat found;
    if (!r->handler || strcmp(r->handler, "bound")) return DECLINED;
    ap_rprintf(r, "%d %d %d\n", stat("/", &found), dlsym(NULL, "ap_rprintf") != NULL, __GLIBC_MINOR__);
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
libraries = ["dl"]
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
request = { path = "/" }
expect = { status = 200, body-contains = "0 1 31" }
"#;

/// The versioned names that the module takes from libraries; its check has run it.
fn bound(target: &Path, compiler: &str) -> Vec<String> {
    let (recipe, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs_err::write(recipe.path().join("mod_bound.c"), BOUND).unwrap();
    fs_err::write(recipe.path().join("module.toml"), BOUND_RECIPE).unwrap();
    run(modgraft(recipe.path(), target, out.path()).env("CC_aarch64_unknown_linux_gnu", compiler));
    assert_eq!(report(out.path())["checks"][0]["outcome"], "passed");
    let folder = tempfile::tempdir().unwrap();
    let symbols =
        run(Command::new("readelf").args(["--dyn-syms", "-W"]).arg(module(out.path(), folder.path())));
    symbols.lines().filter_map(|line| line.split_whitespace().nth(7)).map(str::to_owned).collect()
}

fn newest(names: &[String]) -> GlibcVersion {
    names.iter().filter_map(|name| GlibcVersion::of_symbol(name.split_once('@')?.1)).max().unwrap()
}

#[test]
fn a_module_binds_to_the_other_processors_own_c_library() {
    let own = Path::new("/usr/aarch64-linux-gnu/include/features.h");
    assert!(own.exists(), "libc6-dev-arm64-cross, whose headers must not be found, is needed by this test");
    for compiler in [CROSS, "clang"] {
        binds_with(compiler);
    }
}

fn binds_with(compiler: &str) {
    let names = bound(&Release::Bullseye.sysroot_for("arm64"), compiler);
    assert!(names.iter().any(|name| name.starts_with("__xstat@GLIBC_2.17")), "{names:?}");
    assert!(names.iter().any(|name| name.starts_with("dlsym@GLIBC_2.17")), "{names:?}");
    assert!(newest(&names) <= GlibcVersion { major: 2, minor: 31 }, "{names:?}");
}

fn resolved(root: &Path) -> Target {
    let options = Options { offline: true, ..Options::new(scratch("cross")) };
    target::resolve(root.to_str().unwrap(), &options, &|_| {}).unwrap()
}

#[test]
fn flags_of_another_processors_build_are_dropped_where_they_are_of_no_use() {
    let flags = "-O2 -m64 -mtune=generic -fcf-protection -mbranch-protection=standard -fstack-clash-protection \
                 --param=ssp-buffer-size=4 -fnever-heard-of -march=x86-64-v2";
    let unknown = |root: &Path| {
        let mut target = resolved(root);
        target.variables.insert("CFLAGS".to_owned(), flags.to_owned());
        target.variables.insert("LDFLAGS".to_owned(), "-Wl,-z,now -Wl,--never-heard-of".to_owned());
        let toolchain = Toolchain::find(&target).unwrap();
        let unknown = toolchain.unknown_flags(&target).unwrap();
        assert!(unknown.iter().all(|flag| !flag.said.is_empty() && !flag.said.contains('\n')), "{unknown:?}");
        unknown.iter().map(|unknown| unknown.flag.clone()).collect::<Vec<_>>()
    };
    assert_eq!(
        unknown(&Release::Bookworm.sysroot_for("arm64")),
        ["-m64", "-fcf-protection", "-fnever-heard-of", "-march=x86-64-v2", "-Wl,--never-heard-of"]
    );
    let here = unknown(&Release::Bullseye.sysroot());
    assert_eq!(here, ["-mbranch-protection=standard", "-fnever-heard-of", "-Wl,--never-heard-of"]);
}

#[test]
fn a_compiler_for_another_processor_is_refused() {
    let out = tempfile::tempdir().unwrap();
    let root = Release::Bookworm.sysroot_for("arm64");
    for (variable, value) in [("CC_aarch64_unknown_linux_gnu", "gcc"), ("CC", "gcc -DX")] {
        let output = modgraft(&reference(), &root, out.path()).env(variable, value).output().unwrap();
        let said = said(&output);
        assert_eq!(output.status.code(), Some(5), "{said}");
        assert!(said.contains("modgraft::compile::other_processor"), "{said}");
        assert!(
            said.contains("`gcc` makes objects for x86_64, and the target's processor is aarch64"),
            "{said}"
        );
        assert!(said.contains("apt-get install gcc-aarch64-linux-gnu"), "{said}");
        assert_eq!(fs_err::read_dir(out.path()).unwrap().count(), 0);
    }
}

/// A folder with links to these programs alone.
fn path_with(programs: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for program in programs {
        let file = Path::new("/usr/bin").join(program);
        assert!(file.exists(), "`{program}` is needed by this test");
        symlink(file, folder.path().join(program)).unwrap();
    }
    folder
}

#[test]
fn a_processor_without_a_compiler_here_is_told_with_the_package_to_install() {
    let (out, path) = (tempfile::tempdir().unwrap(), path_with(&["gcc", "objcopy"]));
    let root = Release::Bookworm.sysroot_for("arm64");
    let output = modgraft(&reference(), &root, out.path()).env("PATH", path.path()).output().unwrap();
    let said = said(&output);
    assert_eq!(output.status.code(), Some(5), "{said}");
    assert!(said.contains("modgraft::compile::no_cross_compiler"), "{said}");
    assert!(said.contains(CROSS) && said.contains("apt-get install gcc-aarch64-linux-gnu"), "{said}");
    assert!(said.contains("CC_aarch64_unknown_linux_gnu"), "{said}");
    assert_eq!(fs_err::read_dir(out.path()).unwrap().count(), 0);
}

#[test]
fn without_an_emulator_a_package_is_built_and_said_not_to_be_checked() {
    let path = path_with(&[CROSS, "aarch64-linux-gnu-objcopy"]);
    let root = Release::Bookworm.sysroot_for("arm64");
    let out = tempfile::tempdir().unwrap();
    let output = modgraft(&reference(), &root, out.path()).env("PATH", path.path()).output().unwrap();
    let words = said(&output);
    assert!(output.status.success(), "{words}");
    let why = "its httpd is for aarch64, and qemu-aarch64 is not installed";
    assert!(
        words.contains(&format!("the package will not be checked: {why} (apt-get install qemu-user)")),
        "{words}"
    );
    assert!(words.contains(&format!("not checked in a real httpd: {why}")), "{words}");
    let report = report(out.path());
    assert_eq!((&report["checks"], &report["not_checked"]), (&Value::Null, &Value::from(why)));

    // What is built for others has been checked.
    let out = tempfile::tempdir().unwrap();
    let mut command = modgraft(&reference(), &root, out.path());
    command.env("PATH", path.path()).env("MODGRAFT_SIGN_KEY", "key.asc").arg("--release");
    let output = command.output().unwrap();
    let words = said(&output);
    assert_eq!(output.status.code(), Some(5), "{words}");
    assert!(words.contains("modgraft::check::release_unchecked") && words.contains(why), "{words}");
    assert_eq!(fs_err::read_dir(out.path()).unwrap().count(), 0);
}

#[test]
fn what_was_not_checked_for_want_of_an_emulator_is_built_anew_with_one() {
    let path = path_with(&[CROSS, "aarch64-linux-gnu-objcopy"]);
    let (root, place) = (Release::Bookworm.sysroot_for("arm64"), tempfile::tempdir().unwrap());
    let run = || {
        let mut command = offline("build-all", &place.path().join("out"));
        command.arg(reference()).arg("--targets").arg(&root).args(["--json", "--cache"]);
        command.arg(place.path().join("cache")).env("PATH", path.path());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
        let text = String::from_utf8(output.stdout).unwrap();
        let mut lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let job = lines.find(|line| line["event"] == "job").unwrap();
        (job["outcome"].as_str().unwrap().to_owned(), job["notes"].to_string().contains("not be checked"))
    };
    assert_eq!(run(), ("built".to_owned(), true));
    assert_eq!(run(), ("unchanged".to_owned(), true));
    symlink("/usr/bin/qemu-aarch64", path.path().join("qemu-aarch64")).unwrap();
    assert_eq!(run(), ("built".to_owned(), false));
    assert_eq!(run(), ("unchanged".to_owned(), false));
}
