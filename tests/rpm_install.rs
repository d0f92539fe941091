//! The life of a package on a machine: install, verify, upgrade, erase, by the real rpm in a root of its own.

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use modgraft::rpm::{Destinations, write_set};
use support::module::Module;
use support::{key, run, run_fails};

/// A root with a libc and an httpd in it, as packages, so that requirements are met for real.
struct Root {
    folder: tempfile::TempDir,
}

impl Root {
    fn new() -> Self {
        let root = Root { folder: tempfile::tempdir().unwrap() };
        let system = stand_in(root.folder.path());
        run(root.rpm().arg("-i").arg("--nosignature").arg(system));
        root
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    /// rpm on this root. `--root` changes root, so an ordinary user needs a namespace where it is allowed.
    fn rpm(&self) -> Command {
        let mut command = if rustix::process::geteuid().is_root() {
            Command::new("rpm")
        } else {
            let mut command = Command::new("unshare");
            command.args(["--map-root-user", "rpm"]);
            command
        };
        command.arg("--root").arg(self.path()).args(["--dbpath", "/var/lib/rpm"]);
        command
    }

    /// All files but those of rpm itself and of the stand-in.
    fn files(&self) -> Vec<String> {
        let entries = walkdir::WalkDir::new(self.path()).sort_by_file_name().into_iter().map(Result::unwrap);
        entries
            .filter(|entry| {
                !entry.file_type().is_dir() || entry.path().to_string_lossy().contains("mod_tiny")
            })
            .map(|entry| format!("/{}", entry.path().strip_prefix(self.path()).unwrap().display()))
            .filter(|path| !path.starts_with("/var/lib/rpm") && !path.starts_with("/lib"))
            .collect()
    }
}

/// Real libraries of this machine, whose provides rpmbuild finds by its own elfdeps.
fn stand_in(folder: &Path) -> PathBuf {
    let spec = folder.join("system.spec");
    let library =
        |name: &str| run(Command::new("cc").arg(format!("-print-file-name={name}"))).trim().to_owned();
    let (libc, linker) = (library("libc.so.6"), library("ld-linux-x86-64.so.2"));
    fs_err::write(
        &spec,
        format!(
            "Name: system\nVersion: 1\nRelease: 1\nSummary: s\nLicense: x\nProvides: httpd-mmn = 20120211x8664\n\
             Provides: rtld(GNU_HASH)\n%define __os_install_post %{{nil}}\n%define _build_id_links none\n\
             %description\ns\n%install\ninstall -D -m 755 {libc} %{{buildroot}}/lib64/libc.so.6\n\
             install -m 755 {linker} %{{buildroot}}/lib64/\n%files\n/lib64/*\n"
        ),
    )
    .unwrap();
    let define = format!("_topdir {}", folder.join("top").display());
    run(Command::new("rpmbuild").args(["-bb", "--define", &define]).arg(&spec));
    folder.join("top/RPMS/x86_64/system-1-1.x86_64.rpm")
}

fn build(module: &Module, folder: &Path) -> PathBuf {
    let set = module.packages();
    let key = key();
    let path = |package: &modgraft::package::Package| folder.join(package.file_name());
    let to = Destinations {
        binary: path(&set.binary),
        debuginfo: path(&set.debuginfo),
        source: path(&set.source),
    };
    write_set(&set, Some(&**key), &to).unwrap();
    fs_err::write(folder.join("key.asc"), &key.key().public_key).unwrap();
    to.binary
}

#[test]
fn install_verify_upgrade_erase() {
    let root = Root::new();
    let before = root.files();
    let mut module = Module::new();
    let packages = tempfile::tempdir().unwrap();
    let first = build(&module, packages.path());

    // Unknown key: rpm says so, and where signatures are demanded, refuses.
    let refusal = run_fails(root.rpm().args(["-i", "--define", "_pkgverify_level all"]).arg(&first));
    assert!(refusal.contains("NOKEY") || refusal.contains("does not verify"), "{refusal}");
    run(root.rpm().arg("--import").arg(packages.path().join("key.asc")));
    run(root.rpm().args(["-i", "--define", "_pkgverify_level all"]).arg(&first));
    assert_eq!(
        root.files(),
        [
            "/etc/apache2/mods-available/tiny.conf",
            "/etc/apache2/mods-available/tiny.load",
            "/usr/lib/apache2/modules/mod_tiny.so",
            "/usr/share/doc/mod_tiny",
            "/usr/share/doc/mod_tiny/GRAFT.md",
            "/usr/share/doc/mod_tiny/README.md",
            "/usr/share/licenses/mod_tiny",
            "/usr/share/licenses/mod_tiny/LICENSE",
        ]
    );
    assert_eq!(run(root.rpm().args(["-V", "mod_tiny"])), "");

    // An administrator's change survives an upgrade that changes the same file.
    let conf = root.path().join("etc/apache2/mods-available/tiny.conf");
    fs_err::write(&conf, "# mine\n").unwrap();
    assert!(run_fails(root.rpm().args(["-V", "mod_tiny"])).contains("tiny.conf"));
    module.recipe.release = "2".into();
    module.recipe.directives = Some("# new directives\n".into());
    run(root.rpm().arg("-U").arg(build(&module, packages.path())));
    assert_eq!(fs_err::read_to_string(&conf).unwrap(), "# mine\n");
    assert_eq!(fs_err::read_to_string(conf.with_extension("conf.rpmnew")).unwrap(), "# new directives\n");
    assert!(run(root.rpm().args(["-q", "mod_tiny"])).contains("1.0-2"));

    // Back again.
    run(root.rpm().args(["-U", "--oldpackage"]).arg(&first));
    assert!(run(root.rpm().args(["-q", "mod_tiny"])).contains("1.0-1"));

    run(root.rpm().args(["-e", "mod_tiny"]));
    // What the administrator wrote is kept under another name; nothing else is left.
    let left =
        ["tiny.conf.rpmnew", "tiny.conf.rpmsave"].map(|name| format!("/etc/apache2/mods-available/{name}"));
    let left: Vec<String> = left.into_iter().filter(|path| root.path().join(&path[1..]).exists()).collect();
    assert_eq!(root.files(), [before, left].concat());
}

#[test]
fn erase_leaves_nothing() {
    let root = Root::new();
    let before = root.files();
    let packages = tempfile::tempdir().unwrap();
    run(root.rpm().args(["-i", "--nosignature"]).arg(build(&Module::new(), packages.path())));
    run(root.rpm().args(["-e", "mod_tiny"]));
    assert_eq!(root.files(), before);
}

#[test]
fn the_wrong_httpd_is_refused() {
    let root = Root::new();
    let mut module = Module::new();
    module.target.layout.mmn_requirement = "20051115x8664".into();
    let packages = tempfile::tempdir().unwrap();
    let refusal = run_fails(root.rpm().args(["-i", "--nosignature"]).arg(build(&module, packages.path())));
    assert!(refusal.contains("httpd-mmn = 20051115x8664 is needed by mod_tiny"), "{refusal}");
}

#[test]
fn debug_information_installs_beside_it() {
    let root = Root::new();
    let packages = tempfile::tempdir().unwrap();
    let binary = build(&Module::new(), packages.path());
    run(root
        .rpm()
        .args(["-i", "--nosignature"])
        .arg(binary)
        .arg(packages.path().join("mod_tiny-debuginfo-1.0-1.x86_64.rpm")));
    assert_eq!(run(root.rpm().args(["-V", "mod_tiny-debuginfo"])), "");
    // Both links lead to files.
    let links =
        walkdir::WalkDir::new(root.path().join("usr/lib/debug/.build-id")).into_iter().map(Result::unwrap);
    let links: Vec<_> = links.filter(|entry| entry.path_is_symlink()).collect();
    assert_eq!(links.len(), 2);
    for link in links {
        assert!(link.path().canonicalize().is_ok(), "{link:?}");
    }
}
