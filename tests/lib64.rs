//! Sysroots with the folders of Red Hat's distributions: libraries, start files and linker scripts in lib64, headers in no
//! multiarch folder. And one with EL6's C library, which is older than any whose packages there still are: a module for it is
//! bound to nothing newer, whichever compiler builds it.

mod support;

use std::collections::BTreeMap;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use modgraft::target::GlibcVersion;
use serde_json::Value;
use support::debian::Release;
use support::{run, scratch};

const MULTIARCH: &str = "x86_64-linux-gnu";

/// Debian 11's httpd and C library, each file where Red Hat's packages have theirs. Gone with the value.
struct Lib64 {
    folder: tempfile::TempDir,
}

impl Lib64 {
    fn new(version: &str) -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let lib64 = Lib64 { folder };
        let root = lib64.root();
        // Hard links: a file that is changed below is replaced.
        run(Command::new("cp").arg("-al").arg(Release::Bullseye.sysroot()).arg(&root));
        fs_err::remove_dir_all(root.join("lib64")).unwrap();
        for (from, to) in [
            (format!("lib/{MULTIARCH}"), "lib64"),
            (format!("usr/lib/{MULTIARCH}"), "usr/lib64"),
            ("usr/include/apache2".to_owned(), "usr/include/httpd"),
            ("usr/include/apr-1.0".to_owned(), "usr/include/apr-1"),
            ("usr/sbin/apache2".to_owned(), "usr/sbin/httpd"),
        ] {
            fs_err::rename(root.join(from), root.join(to)).unwrap();
        }
        for (from, to) in [
            (format!("usr/include/{MULTIARCH}"), "usr/include"),
            ("usr/lib/apache2/modules".to_owned(), "usr/lib64/httpd/modules"),
        ] {
            fs_err::create_dir_all(root.join(to)).unwrap();
            run(Command::new("cp").arg("-alT").arg(root.join(&from)).arg(root.join(to)));
            fs_err::remove_dir_all(root.join(from)).unwrap();
        }
        let loader = root.join("lib64/ld-linux-x86-64.so.2");
        assert!(loader.exists() && fs_err::read_link(&loader).unwrap() == Path::new("ld-2.31.so"));
        for entry in fs_err::read_dir(root.join("usr/lib64")).unwrap() {
            moved(&entry.unwrap().path());
        }
        lib64.write(
            "etc/os-release",
            &format!("ID=\"centos\"\nID_LIKE=\"rhel fedora\"\nVERSION_ID=\"{version}\"\n"),
        );
        lib64.write(
            "usr/lib64/httpd/build/config_vars.mk",
            "prefix = /usr\nexp_sbindir = /usr/sbin\nexp_libexecdir = /usr/lib64/httpd/modules\n\
             exp_includedir = /usr/include/httpd\nexp_sysconfdir = /etc/httpd\nprogname = httpd\nCC = gcc\n\
             CFLAGS = -O2 -g -pipe -Wall -Werror=format-security -Wp,-D_FORTIFY_SOURCE=2 -fexceptions \
             -fstack-protector-strong -grecord-gcc-switches -specs=/usr/lib/rpm/redhat/redhat-hardened-cc1 -m64 -mtune=generic \
             -fcf-protection\nEXTRA_CPPFLAGS = -DLINUX -D_REENTRANT -D_GNU_SOURCE\nLDFLAGS = -Wl,-z,relro -Wl,-z,now \
             -specs=/usr/lib/rpm/redhat/redhat-hardened-ld -lpcre -L/usr/lib64\nAPR_INCLUDEDIR = /usr/include/apr-1\n\
             APU_INCLUDEDIR = /usr/include/apr-1\n",
        );
        lib64
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    fn write(&self, name: &str, text: &str) {
        let file = self.root().join(name);
        let _ = fs_err::remove_file(&file);
        fs_err::create_dir_all(file.parent().unwrap()).unwrap();
        fs_err::write(file, text).unwrap();
    }
}

/// Lets a link, or a linker script, lead to where the libraries are now.
fn moved(file: &Path) {
    let here = |text: &str| text.replace(&format!("/lib/{MULTIARCH}"), "/lib64");
    if let Ok(leads_to) = file.read_link() {
        fs_err::remove_file(file).unwrap();
        symlink(here(&leads_to.to_string_lossy()), file).unwrap();
    } else if file.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() < 1000)
        && let Ok(text) = fs_err::read_to_string(file)
    {
        fs_err::remove_file(file).unwrap();
        fs_err::write(file, here(&text)).unwrap();
    }
}

fn modgraft(target: &Path, compiler: &str, out: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_modgraft"));
    command.env("MODGRAFT_CACHE", scratch("lib64")).env("CC", compiler).args(["build-module", "--offline"]);
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("modules/mod_proxy_wstunnel"));
    command.arg("--target").arg(target).args(["--sign-key", "none", "--out"]).arg(out);
    command
}

fn report(out: &Path) -> Value {
    serde_json::from_slice(&fs_err::read(out.join("report.json")).unwrap()).unwrap()
}

fn works_with(compiler: &str) {
    let (lib64, out) = (Lib64::new("8.9"), tempfile::tempdir().unwrap());
    run(&mut modgraft(&lib64.root(), compiler, out.path()));
    let report = report(out.path());
    let checks = report["checks"].as_array().unwrap();
    assert!(checks.len() >= 5 && checks.iter().all(|check| check["outcome"] == "passed"), "{checks:?}");
    let call = &report["compile"]["call"];
    let arguments: Vec<&str> =
        call["arguments"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(arguments.contains(&"-BSYSROOT/usr/lib64") && arguments.contains(&"-isystemSYSROOT/usr/include"));
    assert!(arguments.contains(&"-m64") && arguments.contains(&"-fcf-protection"), "{arguments:?}");
    let dropped = call["dropped"].as_array().unwrap();
    let specs = dropped.iter().filter(|dropped| dropped["flag"].as_str().unwrap().starts_with("-specs="));
    assert_eq!(specs.count(), 2, "{dropped:?}");
    let package = out.path().join(report["packages"][0]["file"].as_str().unwrap());
    let files = run(Command::new("rpm").args(["-qpl"]).arg(package));
    assert!(files.contains("/usr/lib64/httpd/modules/mod_proxy_wstunnel.so\n"), "{files}");
}

#[test]
fn the_reference_module_works_in_an_httpd_with_red_hats_folders() {
    works_with("gcc");
}

#[test]
fn clang_builds_it_as_well() {
    works_with("clang");
}

/// A library with the names of a real C library up to a version of it, as an older one has them: each under the newest of its
/// versions that it had then.
fn older_libc(real: &Path, most: GlibcVersion, into: &Path) {
    let mut newest: BTreeMap<String, (GlibcVersion, String)> = BTreeMap::new();
    for line in run(Command::new("readelf").args(["--dyn-syms", "-W"]).arg(real)).lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [_, _, _, _, _, _, section, name, ..] = words[..] else { continue };
        let Some((name, version)) = name.split_once('@') else { continue };
        let version = version.trim_start_matches('@').to_owned();
        let Some(number) = GlibcVersion::of_symbol(&version).filter(|number| *number <= most) else {
            continue;
        };
        let entry = newest.entry(name.to_owned()).or_insert_with(|| (number, version.clone()));
        if section != "UND" && section != "ABS" && number >= entry.0 {
            *entry = (number, version);
        }
    }
    assert!(newest.len() > 1500, "{} names", newest.len());
    let (mut code, mut script) = (String::from(".text\n"), String::new());
    let versions: std::collections::BTreeSet<_> = newest.values().cloned().collect();
    let mut before = String::new();
    for (_, version) in &versions {
        script += &format!("{version} {{}} {before};\n");
        before.clone_from(version);
    }
    for (index, (name, (_, version))) in newest.iter().enumerate() {
        code += &format!(
            ".globl s{index}\n.type s{index},@function\ns{index}: ret\n.symver s{index},{name}@@{version},remove\n"
        );
    }
    fs_err::write(into.join("libc.s"), code).unwrap();
    fs_err::write(into.join("libc.map"), script).unwrap();
    let mut command = Command::new("gcc");
    command.args([
        "-shared",
        "-nostdlib",
        "-Wl,-soname,libc.so.6",
        "-Wl,--version-script=libc.map",
        "libc.s",
    ]);
    run(command.args(["-o", "libc.so.6"]).current_dir(into));
}

#[test]
fn nothing_is_newer_than_el6s_c_library() {
    let lib64 = Lib64::new("6.10");
    let most = GlibcVersion { major: 2, minor: 12 };
    let real = lib64.root().join("lib64/libc.so.6");
    let made = tempfile::tempdir().unwrap();
    older_libc(&real, most, made.path());
    fs_err::remove_file(&real).unwrap();
    fs_err::copy(made.path().join("libc.so.6"), &real).unwrap();
    for compiler in ["gcc", "clang"] {
        let out = tempfile::tempdir().unwrap();
        run(modgraft(&lib64.root(), compiler, out.path()).arg("--no-check"));
        let report = report(out.path());
        assert_eq!(report["target"]["glibc"], "2.12");
        let package = out.path().join(report["packages"][0]["file"].as_str().unwrap());
        let requires = run(Command::new("rpm").args(["-qp", "--requires"]).arg(package));
        let versions = requires.lines().filter_map(|line| line.strip_prefix("libc.so.6(")?.split(')').next());
        let versions: Vec<GlibcVersion> = versions.filter_map(GlibcVersion::of_symbol).collect();
        assert!(!versions.is_empty() && versions.iter().all(|version| *version <= most), "{requires}");
    }
}

/// What a linker script of the sysroot names must not be taken from this machine where it is missing there.
#[test]
fn a_part_of_the_c_library_that_is_missing_is_not_this_machines() {
    let (lib64, out) = (Lib64::new("8.9"), tempfile::tempdir().unwrap());
    fs_err::remove_file(lib64.root().join("usr/lib64/libc_nonshared.a")).unwrap();
    let here = lib64.root().join("usr/lib64/libc.so");
    let script = fs_err::read_to_string(&here).unwrap();
    assert!(script.contains("/usr/lib64/libc_nonshared.a"), "{script}");
    // Where this machine has one.
    let own = run(Command::new("gcc").arg("-print-file-name=libc_nonshared.a"));
    lib64.write("usr/lib64/libc.so", &script.replace("/usr/lib64/libc_nonshared.a", own.trim()));
    let said = support::run_fails(&mut modgraft(&lib64.root(), "gcc", out.path()));
    assert!(said.contains("cannot find") && said.contains("libc_nonshared.a"), "{said}");
}
