//! A package with every kind of file, and every relation, as rpmbuild makes it and as modgraft writes it: tag by tag, and
//! the archive byte by byte.

mod support;

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use ::rpm::IndexData;
use modgraft::machine::Machine;
use modgraft::package::{
    About, Architecture, Contents, File, Package, Relation, Relations, Scriptlet, When, file, relation,
};
use modgraft::profile::Profile;
use modgraft::rpm::{self, write};
use modgraft::sign::Signer;
use support::module::TIME;
use support::tags::{Excuse, Excused, compare, header, signature};
use support::{key, run};

/// Tags whose values may differ; the type and its presence may not.
const VALUES: &[Excuse] = &[
    (63, "the region: offsets"),
    (1122, "compiler flags: rpmbuild states the distribution's, though nothing was compiled"),
    (1141, "file classes: indices into the following"),
    (1142, "file(1)'s words"),
    (5092, "digest of the compressed payload: other releases of the compressors; the archive's is equal"),
];

/// Tags that only rpmbuild has.
const NOT_OURS: &[Excuse] = &[
    (1146, "the source package's MD5: there is none"),
    (5099, "the spec as rpmbuild parsed it, macros expanded"),
];

const EXCUSED: Excused = Excused { values: VALUES, not_ours: NOT_OURS, not_theirs: &[] };

const SPEC: &str = r#"
Name: kinds
Epoch: 2
Version: 1.0~rc1
Release: 1
Summary: Every kind of file
License: MIT
URL: https://example.org/
Provides: kind = 1
Obsoletes: old < 3
Recommends: nice >= 1
Suggests: more
Conflicts: other
Requires: httpd
%global source_date_epoch_from_changelog 0

%description
Every kind of file.

%package -n kinds-empty
Summary: Nothing
%description -n kinds-empty
Nothing at all.

%prep
%build
%install
mkdir -p %{buildroot}
cp -a @TREE@/. %{buildroot}

%post
echo after install

%preun
echo before removal
%postun -p /sbin/ldconfig

%files
%config /etc/k/a.conf
%config(noreplace) /etc/k/b.conf
%config(missingok,noreplace) /etc/k/c.conf
%attr(4755,root,apache) /usr/bin/setuid
%attr(2755,apache,apache) /usr/bin/setgid
%caps(cap_net_bind_service=ep) /usr/bin/capable
%doc /usr/share/doc/k/README
%license /usr/share/licenses/k/LICENSE
%ghost %attr(0640,apache,root) /var/lib/k/ghost
%ghost %config(noreplace) /var/lib/k/log
%ghost %dir /var/lib/k/ghostly
%ghost /var/lib/k/ghost-link
%verify(not filedigest size mtime) /var/lib/k/link
%attr(1777,root,root) %dir /var/lib/k/sticky
%dir %verify(not user group mode) /var/lib/k
%lang(de) /usr/share/locale/de/x
/var/lib/k/name-1
/var/lib/k/name-2
/var/lib/k/name-3
/var/lib/k/another-1
/var/lib/k/another-2

%files -n kinds-empty
"#;

/// The files, as an installation would leave them.
fn tree(root: &Path) {
    let write = |path: &str, text: &str, mode: u32| {
        let path = root.join(path);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(&path, text).unwrap();
        fs_err::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
    };
    for name in ["a", "b", "c"] {
        write(&format!("etc/k/{name}.conf"), &format!("{name}\n"), 0o644);
    }
    for name in ["setuid", "setgid", "capable"] {
        write(&format!("usr/bin/{name}"), "#!/bin/sh\n", 0o755);
    }
    write("usr/share/doc/k/README", "read\n", 0o644);
    write("usr/share/licenses/k/LICENSE", "do\n", 0o644);
    write("usr/share/locale/de/x", "deutsch\n", 0o644);
    write("var/lib/k/ghost", "ghost\n", 0o644);
    write("var/lib/k/log", "", 0o644);
    write("var/lib/k/name-2", "names\n", 0o600);
    write("var/lib/k/another-1", "more names\n", 0o644);
    let path = |name: &str| root.join("var/lib/k").join(name);
    for name in ["name-1", "name-3"] {
        fs_err::hard_link(path("name-2"), path(name)).unwrap();
    }
    fs_err::hard_link(path("another-1"), path("another-2")).unwrap();
    symlink("../a", path("link")).unwrap();
    symlink("nothing", path("ghost-link")).unwrap();
    for name in ["sticky", "ghostly"] {
        fs_err::create_dir(path(name)).unwrap();
    }
}

/// What the spec says of them.
fn files(root: &Path) -> Vec<File> {
    let disk = |path: &str, mode: u16| File::disk(path, root.join(&path[1..]), mode);
    let script = |path: &str, mode: u16| {
        let shell = Relation { flags: relation::FIND_REQUIRES, ..Relation::any("/bin/sh") };
        File { requires: vec![shell], ..disk(path, mode) }
    };
    let flagged = |path: &str, flags: u32| File { flags, ..disk(path, 0o644) };
    let apache = || "apache".to_owned();
    let (none, noreplace) = (file::VERIFY_ALL, file::CONFIG | file::NOREPLACE);
    vec![
        flagged("/etc/k/a.conf", file::CONFIG),
        flagged("/etc/k/b.conf", noreplace),
        flagged("/etc/k/c.conf", noreplace | file::MISSING_OK),
        File { group: apache(), ..script("/usr/bin/setuid", 0o4755) },
        File { owner: apache(), group: apache(), ..script("/usr/bin/setgid", 0o2755) },
        File { capabilities: "cap_net_bind_service=ep".into(), ..script("/usr/bin/capable", 0o755) },
        flagged("/usr/share/doc/k/README", file::DOC),
        flagged("/usr/share/licenses/k/LICENSE", file::LICENSE),
        File { languages: "de".into(), ..disk("/usr/share/locale/de/x", 0o644) },
        File { owner: apache(), ..disk("/var/lib/k/ghost", 0o640).ghost() },
        flagged("/var/lib/k/log", noreplace).ghost(),
        File::directory("/var/lib/k/ghostly").ghost(),
        File::symlink("/var/lib/k/ghost-link", "nothing").ghost(),
        File {
            verify: none & !(file::VERIFY_DIGEST | file::VERIFY_SIZE | file::VERIFY_TIME),
            ..File::symlink("/var/lib/k/link", "../a")
        },
        File { permissions: 0o1777, ..File::directory("/var/lib/k/sticky") },
        File {
            verify: none & !(file::VERIFY_USER | file::VERIFY_GROUP | file::VERIFY_MODE),
            ..File::directory("/var/lib/k")
        },
        File { permissions: 0o600, ..File::hard_link("/var/lib/k/name-1", "/var/lib/k/name-2") },
        disk("/var/lib/k/name-2", 0o600),
        File { permissions: 0o600, ..File::hard_link("/var/lib/k/name-3", "/var/lib/k/name-2") },
        disk("/var/lib/k/another-1", 0o644),
        File::hard_link("/var/lib/k/another-2", "/var/lib/k/another-1"),
    ]
}

fn relations() -> Relations {
    Relations {
        provides: vec![Relation::equal("kind", "1")],
        requires: vec![Relation::any("httpd")],
        conflicts: vec![Relation::any("other")],
        obsoletes: vec![Relation::less("old", "3")],
        recommends: vec![Relation::at_least("nice", "1")],
        suggests: vec![Relation::any("more")],
    }
}

fn about(name: &str, summary: &str, description: &str) -> About {
    About {
        name: name.into(),
        epoch: Some(2),
        version: "1.0~rc1".into(),
        release: "1".into(),
        summary: summary.into(),
        description: description.into(),
        license: "MIT".into(),
        url: Some("https://example.org/".into()),
        changelog: Vec::new(),
    }
}

fn packages(root: &Path, profile: &Arc<Profile>) -> [Package; 2] {
    let architecture = Architecture::Of(Machine::of_host().unwrap());
    let scriptlets = vec![
        Scriptlet::shell(When::AfterInstall, "echo after install"),
        Scriptlet::shell(When::BeforeRemoval, "echo before removal"),
        Scriptlet { when: When::AfterRemoval, program: "/sbin/ldconfig".into(), text: String::new() },
    ];
    let contents = Contents { architecture, files: files(root), relations: relations(), scriptlets };
    let kinds = about("kinds", "Every kind of file", "Every kind of file.");
    let empty = about("kinds-empty", "Nothing", "Nothing at all.");
    let nothing = Contents { architecture, ..Contents::default() };
    let new = |about, contents| {
        let mut package = Package::new(about, contents, profile, TIME).unwrap();
        package.source_rpm = "kinds-1.0~rc1-1.src.rpm".into();
        package
    };
    [new(kinds, contents), new(empty, nothing)]
}

/// What a profile of Debian's is with another compressor.
fn profile(compressor: &str, level: u32) -> Arc<Profile> {
    let text = format!(
        "extends = \"debian\"\n[packaging.payload]\ncompressor = \"{compressor}\"\nlevel = {level}\n"
    );
    Profile::parse("debian", &text, "test").unwrap()
}

fn rpmbuild(folder: &Path, spec: &str, payload: &str) -> PathBuf {
    let file = folder.join("kinds.spec");
    fs_err::write(&file, spec).unwrap();
    let top = folder.join("top");
    run(Command::new("rpmbuild")
        .args(["-ba", "--nodeps", "--define"])
        .arg(format!("_topdir {}", top.display()))
        .arg("--define")
        .arg(format!("_binary_payload {payload}"))
        .args(["--define", "_buildhost reproducible"])
        .args(["--define", "_build_id_links none"])
        .args(["--define", "clamp_mtime_to_source_date_epoch 1"])
        .args(["--define", "use_source_date_epoch_as_buildtime 1"])
        .env("SOURCE_DATE_EPOCH", TIME.to_string())
        .arg(&file));
    top.join("RPMS")
}

/// Where a package's payload goes straight into its file, every length is known before; it is the same package all the same.
#[test]
fn a_large_package() {
    for (profile, signed) in [("debian", false), ("debian", true), ("el7", true)] {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let mut number = 1_u32;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (number >> 24) as u8
        })
        .take(5 << 20)
        .collect();
        fs_err::write(path("content"), &noise).unwrap();
        let contents = Contents {
            files: vec![
                File::disk("/opt/large/1", path("content"), 0o644),
                File::hard_link("/opt/large/2", "/opt/large/1"),
                File::text("/opt/large/3", *b"small\n"),
                File::text("/opt/large/4", *b"").ghost(),
                File::symlink("/opt/large/5", "1"),
            ],
            ..Contents::default()
        };
        let about = About { epoch: None, version: "1".into(), ..about("large", "Large", "") };
        let package = Package::new(about, contents, &Profile::named(profile).unwrap(), TIME).unwrap();
        let signer = signed.then(|| &**key() as &dyn Signer);
        let large = path("large.rpm");
        write(&package, signer, &large).unwrap();
        // Digests, signatures, sizes, by both.
        let database = path("database");
        let rpmkeys = || {
            let mut command = Command::new("rpmkeys");
            command.arg("--dbpath").arg(&database);
            command
        };
        fs_err::write(path("key.asc"), &key().key().public_key).unwrap();
        run(rpmkeys().arg("--import").arg(path("key.asc")));
        let said = run(rpmkeys().arg("-Kv").arg(&large));
        let signatures = said.matches("RSA/SHA256 Signature").count();
        assert_eq!(signatures, usize::from(signed) + usize::from(profile == "el7"), "{said}");
        assert!(!said.contains("BAD") && said.contains("MD5 digest: OK"), "{said}");
        let mut names = 0;
        rpm::each_file(&large, 64 << 20, &mut |file, content| -> Result<(), rpm::Error> {
            names += 1;
            let mut bytes = Vec::new();
            content.read_to_end(&mut bytes)?;
            assert!(file.path != "/opt/large/1" || file.same_as.is_some() || bytes == noise);
            Ok(())
        })
        .unwrap();
        assert_eq!(names, 4);
        // At least what rpmbuild reserves, and no more than old releases take.
        let IndexData::Bin(reserved) = &signature(&large)[&1008] else { panic!("it is bytes") };
        assert!((4128..6400).contains(&reserved.len()), "{}", reserved.len());
        // The same bytes again; and where it fails, nothing stays.
        write(&package, signer, &path("again.rpm")).unwrap();
        assert!(fs_err::read(&large).unwrap() == fs_err::read(path("again.rpm")).unwrap());
        fs_err::remove_file(path("content")).unwrap();
        let before = fs_err::read_dir(folder.path()).unwrap().count();
        assert!(write(&package, signer, &path("third.rpm")).is_err());
        assert_eq!(fs_err::read_dir(folder.path()).unwrap().count(), before);
    }
}

/// The archive, as rpm's own tool takes it out.
fn archive(package: &Path) -> Vec<u8> {
    let output = Command::new("rpm2cpio").arg(package).output().expect("`rpm2cpio` is needed by this test");
    assert!(output.status.success() && !output.stdout.is_empty());
    output.stdout
}

fn every_kind(compressor: &str, level: u32, payload: &str) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("tree");
    tree(&root);
    let made = rpmbuild(folder.path(), &SPEC.replace("@TREE@", &root.to_string_lossy()), payload);
    for package in packages(&root, &profile(compressor, level)) {
        let ours = folder.path().join(package.file_name());
        write(&package, None, &ours).unwrap();
        let theirs = made.join("x86_64").join(package.file_name());
        compare(&ours, &theirs, &EXCUSED);
        assert!(archive(&ours) == archive(&theirs), "the archives of {} differ", package.name);
        // And it is read again: a ghost is not there, a file with three names three times.
        let mut read = Vec::new();
        rpm::each_file(&ours, 1 << 20, &mut |file, _| -> Result<(), rpm::Error> {
            read.push(file.path.to_owned());
            Ok(())
        })
        .unwrap();
        read.sort();
        let there = package.files.iter().filter(|file| !file.is_ghost());
        assert_eq!(read, there.map(|file| file.path.clone()).collect::<Vec<_>>());
        run(Command::new("rpmkeys").args(["-K", "--nosignature"]).arg(&ours));
    }
}

#[test]
fn every_kind_of_file_compressed_by_gzip() {
    every_kind("gzip", 9, "w9.gzdio");
}

#[test]
fn every_kind_of_file_compressed_by_xz() {
    every_kind("xz", 6, "w6.xzdio");
}

#[test]
fn every_kind_of_file_compressed_by_zstd() {
    every_kind("zstd", 3, "w3.zstdio");
}

#[test]
fn a_package_for_any_processor() {
    let folder = tempfile::tempdir().unwrap();
    let spec = "Name: any\nVersion: 1\nRelease: 2\nSummary: For any processor\nLicense: MIT\nBuildArch: noarch\n\
                %description\nFor any processor.\n%install\ninstall -D -m 0644 /dev/null %{buildroot}/etc/any\n\
                %files\n/etc/any\n";
    let made = rpmbuild(folder.path(), spec, "w3.zstdio");
    let about = About {
        name: "any".into(),
        version: "1".into(),
        release: "2".into(),
        summary: "For any processor".into(),
        description: "For any processor.".into(),
        license: "MIT".into(),
        ..About::default()
    };
    let contents = Contents { files: vec![File::text("/etc/any", *b"")], ..Contents::default() };
    let package = Package::new(about, contents, &Profile::named("debian").unwrap(), TIME).unwrap();
    let ours = folder.path().join(package.file_name());
    write(&package, None, &ours).unwrap();
    compare(&ours, &made.join("noarch/any-1-2.noarch.rpm"), &EXCUSED);
    assert_eq!(
        header(&ours)[&1022].to_string(),
        header(&made.join("noarch/any-1-2.noarch.rpm"))[&1022].to_string()
    );
}

#[test]
fn what_no_package_can_have_is_refused() {
    let profile = Profile::named("el6").unwrap();
    let refused = |about: About, contents: Contents| {
        let error = Package::new(about, contents, &profile, TIME).unwrap_err();
        miette::Diagnostic::code(&error).unwrap().to_string() + ": " + &error.to_string()
    };
    let plain = || About { version: "1".into(), epoch: None, ..about("x", "X", "") };
    let with = |files: Vec<File>| refused(plain(), Contents { files, ..Contents::default() });
    let text = |path: &str| File::text(path, *b"x");
    for path in ["", "x", "/", "/a/../b", "/a//b", "/a/./b", "/a/", "/a\0b", "/a\nb"] {
        assert!(with(vec![text(path)]).starts_with("modgraft::package::file: "), "{path:?}");
    }
    assert!(with(vec![text("/x"), text("/y"), text("/x")]).ends_with("it is there twice"));
    for wrong in [
        File { permissions: 0o10_644, ..text("/x") },
        File { owner: String::new(), ..text("/x") },
        File { group: "a b".into(), ..text("/x") },
        File { languages: "d\0e".into(), ..text("/x") },
        File::symlink("/x", ""),
        File::hard_link("/x", "/y"),
        File::hard_link("/x", "/x"),
    ] {
        assert!(with(vec![wrong.clone()]).starts_with("modgraft::package::file: "), "{wrong:?}");
    }
    let weak = Relations { recommends: vec![Relation::any("nice")], ..Relations::default() };
    let said = refused(plain(), Contents { relations: weak, ..Contents::default() });
    assert!(said.contains("weak_dependency") && said.contains("4.8.1"), "{said}");
    let blank = Relations { requires: vec![Relation::any("a b")], ..Relations::default() };
    let said = refused(plain(), Contents { relations: blank, ..Contents::default() });
    assert!(said.starts_with("modgraft::package::relation"), "{said}");
    assert!(refused(About { name: "a b".into(), ..plain() }, Contents::default()).contains("bad_name"));
    assert!(refused(about("x", "X", ""), Contents::default()).contains("bad_version"));
}
