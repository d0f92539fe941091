//! Packages for Enterprise Linux 6, which no machine here runs: each fact of what its rpm 4.8, its httpd 2.2 and its packages
//! do, one by one.

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use modgraft::package::PackageSet;
use modgraft::package::file::{CONFIG, NOREPLACE};
use modgraft::rpm::{Destinations, write_set};
use rpm::{IndexData, PackageMetadata};
use support::module::{Module, text_of};
use support::rpmbuild::query;
use support::{key, run, scratch};

const DROP_IN: &str = "/etc/httpd/conf.d/tiny.conf";

fn packages() -> &'static PackageSet {
    static PACKAGES: OnceLock<PackageSet> = OnceLock::new();
    PACKAGES.get_or_init(|| {
        let mut module = Module::of_profile("el6");
        module.audit.load_after.clear();
        // The set reads the shared object when it is written, so the folder stays.
        let set = module.packages();
        std::mem::forget(module.folder);
        set
    })
}

/// Module, debug information and source, signed.
fn written() -> &'static [PathBuf; 3] {
    static WRITTEN: OnceLock<[PathBuf; 3]> = OnceLock::new();
    WRITTEN.get_or_init(|| {
        let set = packages();
        let folder = scratch("el6");
        let path = |package: &modgraft::package::Package| folder.join(package.file_name());
        let to = Destinations {
            binary: path(&set.binary),
            debuginfo: path(&set.debuginfo),
            source: path(&set.source),
        };
        write_set(set, Some(&**key()), &to).unwrap();
        [to.binary, to.debuginfo, to.source]
    })
}

fn spec() -> &'static str {
    &packages().spec.1
}

fn spec_has(line: &str) {
    assert!(spec().lines().any(|found| found == line), "{line} in\n{}", spec());
}

fn header(path: &Path) -> BTreeMap<u32, IndexData> {
    PackageMetadata::open(path).unwrap().header.get_all_entries().unwrap().into_iter().collect()
}

fn signature(path: &Path) -> BTreeMap<u32, IndexData> {
    PackageMetadata::open(path).unwrap().signature.get_all_entries().unwrap().into_iter().collect()
}

#[test]
fn the_spec_has_what_rpm_4_8_wants() {
    spec_has("Group: System Environment/Daemons");
    spec_has("BuildRoot: %{_tmppath}/%{name}-%{version}-%{release}-root");
    spec_has("%clean");
    spec_has("%defattr(-,root,root,-)");
    // %install and %clean begin with an empty build root.
    assert_eq!(spec().matches("\nrm -rf %{buildroot}\n").count(), 2);
}

#[test]
fn the_spec_has_nothing_that_rpm_4_8_does_not_know() {
    for newer in
        ["%license", "%autosetup", "Recommends:", "Suggests:", "Supplements:", "Requires: (", "%{nil}.so"]
    {
        assert!(!spec().contains(newer), "{newer} in\n{}", spec());
    }
    // Neither of the filters and switches that came with later releases, nor debuginfo packages asked for by hand.
    for newer in ["__provides_exclude_from", "_build_id_links", "__brp_elfperms", "%debug_package"] {
        assert!(!spec().contains(newer), "{newer} in\n{}", spec());
    }
    // gcc 4.4.
    assert!(!spec().contains("-fstack-protector-strong"), "{}", spec());
}

/// EL 6 has no macros file for httpd, so each macro has a definition; and its apxs is in sbin.
#[test]
fn the_spec_needs_no_macros_of_the_distribution() {
    spec_has(
        "%{!?_httpd_apxs: %{expand: %%global _httpd_apxs %%(PATH=$PATH:/usr/sbin command -v apxs || echo %%{_sbindir}/apxs)}}",
    );
    spec_has(
        "%{!?_httpd_mmn: %{expand: %%global _httpd_mmn %%(cat %%{_includedir}/httpd/.mmn 2>/dev/null || echo 20051115)}}",
    );
    spec_has("%{!?_httpd_moddir: %{expand: %%global _httpd_moddir /usr/lib64/httpd/modules}}");
    spec_has("%{!?_httpd_modconfdir: %{expand: %%global _httpd_modconfdir /etc/httpd/conf.d}}");
    spec_has("%{!?_httpd_confdir: %{expand: %%global _httpd_confdir /etc/httpd/conf.d}}");
    // As rpm understands it where there is no apxs at all.
    let file = scratch("el6").join("fallbacks.spec");
    fs_err::write(&file, spec()).unwrap();
    let parsed = run(Command::new("rpmspec").env("PATH", "/nowhere:/bin").arg("-P").arg(&file));
    let apxs = parsed.lines().find(|line| line.starts_with("query()")).unwrap();
    assert!(apxs.contains("/apxs -q "), "{apxs}");
    assert!(parsed.contains("\nRequires: httpd-mmn = 20051115\n"), "{parsed}");
}

#[test]
fn httpd_is_required_by_its_mmn_without_the_processor() {
    let requires = query(&written()[0], "[%{REQUIRENEVRS}\\n]");
    assert!(requires.contains("httpd-mmn = 20051115"), "{requires:?}");
    assert!(!requires.iter().any(|line| line == "httpd" || line.starts_with("httpd =")), "{requires:?}");
    spec_has("Requires: httpd-mmn = %{_httpd_mmn}");
    // No relation that its rpm cannot read.
    let rpmlib: Vec<&String> = requires.iter().filter(|line| line.starts_with("rpmlib(")).collect();
    assert_eq!(
        rpmlib,
        [
            "rpmlib(CompressedFileNames) <= 3.0.4-1",
            "rpmlib(FileDigests) <= 4.6.0-1",
            "rpmlib(PayloadFilesHavePrefix) <= 4.0-1"
        ]
    );
    let set = packages();
    let relations = set.binary.requires.iter().chain(&set.binary.provides);
    assert!(relations.into_iter().all(|relation| !relation.name.starts_with('(')));
}

#[test]
fn one_file_loads_the_module_and_has_its_directives() {
    let set = packages();
    let of_httpd: Vec<_> = set.binary.files.iter().filter(|file| file.path.starts_with("/etc/")).collect();
    assert_eq!(of_httpd.iter().map(|file| file.path.as_str()).collect::<Vec<_>>(), [DROP_IN]);
    assert_eq!(of_httpd[0].flags & (CONFIG | NOREPLACE), CONFIG | NOREPLACE);
    insta::assert_snapshot!(text_of(&set.binary, DROP_IN), @r#"
    LoadModule tiny_module modules/mod_tiny.so

    <Location "/tiny">
        SetHandler tiny
    </Location>
    "#);
    spec_has("%config(noreplace) %{load_file}");
    assert!(!spec().contains("directives_file"), "{}", spec());
}

#[test]
fn files_are_where_its_packages_have_them() {
    let files = query(&written()[0], "[%{FILENAMES}\\n]");
    let expected = [
        DROP_IN,
        "/usr/lib64/httpd/modules/mod_tiny.so",
        "/usr/share/doc/mod_tiny-1.0",
        "/usr/share/doc/mod_tiny-1.0/GRAFT.md",
        "/usr/share/doc/mod_tiny-1.0/LICENSE",
        "/usr/share/doc/mod_tiny-1.0/README.md",
    ];
    assert_eq!(files.iter().map(String::as_str).collect::<Vec<_>>(), expected);
    assert_eq!(
        query(&written()[0], "%{NAME} %{GROUP}"),
        ["mod_tiny System Environment/Daemons".to_owned()].into()
    );
    // No scriptlet: httpd's own restarts it.
    assert_eq!(run(Command::new("rpm").args(["-qp", "--nosignature", "--scripts"]).arg(&written()[0])), "");
}

/// zstd is "Bad magic" to rpm 4.8, and nothing but MD5 and the second signature guards the payload there.
#[test]
fn payload_digests_and_signatures_are_those_that_rpm_4_8_checks() {
    for package in written() {
        let (header, signature) = (header(package), signature(package));
        let text = |tag: u32| match header.get(&tag) {
            Some(IndexData::StringTag(text)) => text.clone(),
            other => panic!("{tag}: {other:?}"),
        };
        assert_eq!((text(1125), text(1126)), ("gzip".to_owned(), "9".to_owned()), "compressor and level");
        // By the payload's own first bytes too.
        let raw = run(Command::new("rpm")
            .args(["-qp", "--nosignature", "--qf", "%{PAYLOADCOMPRESSOR}"])
            .arg(package));
        assert_eq!(raw, "gzip");
        assert!(
            matches!(&header[&5011], IndexData::Int32(algorithms) if algorithms == &[8]),
            "SHA-256 of files"
        );
        assert!(header.contains_key(&5092), "the payload's digest");
        // RSA over the header, RSA over header and payload, MD5 of both, the payload's size, SHA-1 and SHA-256 of the header.
        for tag in [268, 1002, 1004, 1007, 269, 273] {
            assert!(signature.contains_key(&tag), "{tag} is not in {:?}", signature.keys());
        }
        // 278 is stale after rpmsign of 4.18 signs again, and rpm 6 still reads it.
        assert!(!signature.contains_key(&278));
        // Its own limits.
        assert!(signature.len() <= 32);
    }
}

/// What the modern rpm says of all of them: each signature and each digest, checked one by one.
#[test]
fn all_of_them_verify() {
    let database = tempfile::tempdir().unwrap();
    let rpmkeys = || {
        let mut command = Command::new("rpmkeys");
        command.arg("--dbpath").arg(database.path());
        command
    };
    let public = database.path().join("key.asc");
    fs_err::write(&public, &key().key().public_key).unwrap();
    run(rpmkeys().arg("--import").arg(&public));
    for package in written() {
        let said = run(rpmkeys().arg("-Kv").arg(package));
        for what in [
            "Header V4 RSA/SHA256 Signature",
            "Header SHA256 digest",
            "Header SHA1 digest",
            "Payload SHA256 digest",
            "V4 RSA/SHA256 Signature",
            "MD5 digest",
        ] {
            let is_fine = |line: &str| line.trim_start().starts_with(what) && line.ends_with(": OK");
            assert!(said.lines().any(is_fine), "{what}: {said}");
        }
        assert!(!said.contains("NOT OK") && !said.contains("BAD") && !said.contains("NOKEY"), "{said}");
    }
}
