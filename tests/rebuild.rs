//! The source package in a fresh root that has the distribution's own packages and nothing else: Debian 12's rpmbuild, compiler and
//! httpd with its apxs, which builds there what modgraft builds here.
//!
//! It is a real distribution's root with real development files, and rpmbuild runs inside of it. That BuildRequires are met is not
//! shown here, since Debian's database knows no RPMs: tests/el_install.rs installs by dnf from repositories that are laid out as
//! Enterprise Linux's, and rebuilds with their httpd-devel, macros and apxs.

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use support::debian::Release;
use support::rpmbuild::query;
use support::{mount_namespace, run};

/// What builds need, with the essential packages, which apt does not name by itself.
const PACKAGES: &[&str] = &[
    "base-files",
    "bash",
    "coreutils",
    "dash",
    "diffutils",
    "findutils",
    "grep",
    "gzip",
    "mawk",
    "perl",
    "sed",
    "tar",
    "libc-bin",
    "rpm",
    "debugedit",
    "elfutils",
    "gcc",
    "make",
    "apache2-bin",
    "apache2-dev",
    "file",
    "xz-utils",
    "cpio",
];

/// Runs a command inside of the root, with `folder` as its `/build`. `PATH` is all that it has of this system.
fn inside(root: &Path, folder: &Path, script: &str) -> Command {
    let mut command = Command::new("unshare");
    let mounts = "mount --make-rprivate / && mount --bind \"$2\" \"$1/build\" && mount --rbind /dev \"$1/dev\" && \
                  mount --rbind /proc \"$1/proc\" && \
                  exec env -i PATH=/build/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/build LC_ALL=C.UTF-8 SOURCE_DATE_EPOCH=1700000000 \
                  chroot \"$1\" /bin/sh -ec \"$3\"";
    command.args(mount_namespace()).args(["sh", "-ec", mounts, "sh"]).arg(root).arg(folder).arg(script);
    command
}

#[test]
fn the_source_package_builds_in_a_fresh_root_of_the_distributions_packages() {
    let root = Release::Bookworm.root("rebuild", PACKAGES);
    assert!(!root.join("usr/bin/modgraft").exists() && root.join("usr/bin/apxs2").exists());
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    // Made for that root's httpd, as for any folder of a distribution's packages.
    run(Command::new(env!("CARGO_BIN_EXE_modgraft"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("MODGRAFT_CACHE", folder.path().join("cache"))
        .args([
            "build-module",
            "mod_proxy_wstunnel",
            "--no-check",
            "--sign-key",
            "none",
            "--offline",
            "--target",
        ])
        .arg(&root)
        .arg("--out")
        .arg(&out));
    let made: Vec<PathBuf> = fs_err::read_dir(&out).unwrap().map(|entry| entry.unwrap().path()).collect();
    let ours = |ending: &str| {
        let name = format!("mod_proxy_wstunnel-1.0.0-1.{ending}.rpm");
        made.iter().find(|path| path.ends_with(&name)).unwrap_or_else(|| panic!("{name} in {made:?}")).clone()
    };
    let build = folder.path().join("build");
    fs_err::create_dir_all(build.join("bin")).unwrap();
    fs_err::copy(ours("src"), build.join("module.src.rpm")).unwrap();
    // What configuring mawk would do.
    std::os::unix::fs::symlink("/usr/bin/mawk", build.join("bin/awk")).unwrap();
    let rebuild = "rpmbuild --rebuild --nodeps --define '_topdir /build/top' --define '_binary_payload w3.zstdio' \
                   --define '_buildhost reproducible' /build/module.src.rpm >/build/log 2>&1 || { tail -n 40 /build/log; exit 1; }";
    run(&mut inside(&root, &build, rebuild));
    let theirs = build.join("top/RPMS/x86_64/mod_proxy_wstunnel-1.0.0-1.x86_64.rpm");

    let binary = ours("x86_64");
    let files = "[%{FILENAMES} %{FILEMODES:perms} %{FILEUSERNAME} %{FILEFLAGS:fflags}\\n]";
    for format in [files, "[%{PROVIDENEVRS}\\n]", "[%{REQUIRENEVRS}\\n]", "%{NEVRA} %{LICENSE} %{SUMMARY}\\n"]
    {
        assert_eq!(query(&binary, format), query(&theirs, format), "{format}");
    }

    // The root's own httpd loads what was built in it.
    let load = "cd /build && mkdir -p module && rpm2cpio top/RPMS/x86_64/mod_proxy_wstunnel-1.0.0-1.x86_64.rpm | \
                (cd module && cpio -id --quiet) && so=$(find /build/module -name mod_proxy_wstunnel.so) && \
                m=/usr/lib/apache2/modules && printf '%s\\n' 'ServerRoot /build' 'ServerName x.example' 'Listen 127.0.0.1:1' \
                \"LoadModule mpm_event_module $m/mod_mpm_event.so\" \"LoadModule authz_core_module $m/mod_authz_core.so\" \
                \"LoadModule proxy_module $m/mod_proxy.so\" \"LoadModule proxy_wstunnel_module $so\" 'ErrorLog /build/error.log' \
                > httpd.conf && /usr/sbin/apache2 -f /build/httpd.conf -M 2>&1";
    let modules = run(&mut inside(&root, &build, load));
    assert!(modules.contains(" proxy_wstunnel_module (shared)"), "{modules}");
}
