//! Repositories as dnf reads them: real packages, real metadata, a real server, real keys.

mod support;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use modgraft::changeset::Glob;
use modgraft::download::{self, Algorithm, quiet};
use modgraft::repository::{self, Chosen, Error, Options, Package, Repository, Trust, Wanted};
use modgraft::sign::{Keyring, Signer};
use support::gnupg::{Gnupg, PLAIN, RSA};
use support::repository::{Spec, createrepo, rewrite, rewrite_packed, rpms, sha256, zstd};
use support::run;
use support::server::{Served, Server};
use tempfile::TempDir;

/// As httpd's packages of EL are, in small.
fn httpd() -> Spec {
    let tag = |text: &'static str| text;
    Spec::new()
        .package(
            "httpd-devel",
            "2.4.62",
            &[
                tag("Requires: httpd = 2.4.62-1"),
                "Requires: apr-devel, /usr/share/httpd/notes",
                "Requires: (gcc-plugin if gcc)",
                "Recommends: weak",
            ],
            &["/usr/include/httpd/httpd.h"],
        )
        .package(
            "httpd",
            "2.4.62",
            &["Requires: libapr.so.0, /usr/sbin/adduser", "Requires(pre): httpd-filesystem"],
            &["/usr/sbin/httpd"],
        )
        .package("httpd-filesystem", "2.4.62", &["BuildArch: noarch"], &["/etc/httpd/conf.d/README"])
        .package("httpd-tools", "2.4.62", &[], &["/usr/bin/ab", "/usr/share/httpd/notes"])
        .package(
            "apr-devel",
            "1.7",
            &["Epoch: 1", "Requires: apr = 1:1.7-1, (libdb-devel or gdbm-devel)"],
            &[],
        )
        .package("apr", "1.7", &["Epoch: 1", "Provides: libapr.so.0"], &[])
        .package("gdbm-devel", "1", &[], &[])
        .package("gcc-plugin", "1", &[], &[])
        .package("adduser", "1", &[], &["/usr/sbin/adduser"])
        .package("weak", "1", &[], &[])
}

const CHOSEN: &str = "adduser apr apr-devel gdbm-devel httpd httpd-devel httpd-filesystem httpd-tools";

struct Fixture {
    folder: TempDir,
}

impl Fixture {
    /// A repository of httpd's packages, indexed.
    fn new() -> Self {
        let fixture = Fixture { folder: tempfile::tempdir().unwrap() };
        // Built once: rpmbuild takes its time.
        static BUILT: std::sync::OnceLock<PathBuf> = std::sync::OnceLock::new();
        let built = BUILT.get_or_init(|| {
            let folder = support::scratch("repository");
            httpd().build(&folder);
            folder
        });
        fs_err::create_dir(fixture.repository()).unwrap();
        for package in rpms(built) {
            fs_err::copy(&package, fixture.repository().join(package.file_name().unwrap())).unwrap();
        }
        createrepo(&fixture.repository(), &[]);
        fixture
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn repository(&self) -> PathBuf {
        self.path("repository")
    }

    fn options(&self, trust: Trust) -> Options {
        Options { cache: self.path("cache"), trust }
    }

    fn open(&self, place: &str) -> Result<Repository, Error> {
        Repository::open(place, &self.options(Trust::Sums), &quiet)
    }

    fn open_folder(&self) -> Result<Repository, Error> {
        self.open(self.repository().to_str().unwrap())
    }

    /// All files beneath the cache.
    fn cached(&self) -> BTreeSet<String> {
        let files = walkdir::WalkDir::new(self.path("cache")).into_iter().flatten();
        let files = files.filter(|entry| entry.file_type().is_file());
        files
            .map(|entry| entry.path().strip_prefix(self.path("cache")).unwrap().display().to_string())
            .collect()
    }
}

fn wanted(names: &[&str]) -> Wanted {
    Wanted {
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        arch: "x86_64".to_owned(),
        leave_out: Vec::new(),
    }
}

fn chosen(repositories: &[Repository], wanted: &Wanted) -> Chosen {
    repository::choose(repositories, wanted, &quiet).unwrap()
}

fn names(chosen: &Chosen) -> String {
    let names: Vec<&str> = chosen.packages.iter().map(|choice| choice.package.name.as_str()).collect();
    names.join(" ")
}

fn packages(repository: Repository) -> Vec<Package> {
    let found = chosen(&[repository], &wanted(&["httpd-devel"]));
    found.packages.into_iter().map(|choice| choice.package).collect()
}

fn message(error: &dyn miette::Diagnostic) -> String {
    let code = error.code().map(|code| code.to_string()).unwrap_or_default();
    assert!(error.help().is_some(), "{error}");
    format!("[{code}] {error}")
}

#[test]
fn each_compression_and_checksum_of_createrepo_is_read() {
    let fixture = Fixture::new();
    let cases: &[&[&str]] = &[
        &["--general-compress-type=gz"],
        &["--general-compress-type=bz2"],
        &["--general-compress-type=xz"],
        &["--checksum=sha", "--repomd-checksum=sha1"],
        &["--checksum=sha512", "--repomd-checksum=sha512"],
        &["--simple-md-filenames", "--no-database"],
    ];
    for case in cases {
        createrepo(&fixture.repository(), case);
        let repository = fixture.open_folder().unwrap();
        assert_eq!(repository.packages().count(), 10, "{case:?}");
        let chosen = chosen(&[repository], &wanted(&["httpd-devel"]));
        assert_eq!(names(&chosen), CHOSEN, "{case:?}");
        assert_eq!(chosen.unresolved, [], "{case:?}");
        let packages: Vec<Package> = chosen.packages.into_iter().map(|choice| choice.package).collect();
        let into = fixture.path("packages");
        let fetched = repository::fetch(&packages, &into, &Trust::Sums, &quiet).unwrap();
        for (package, file) in packages.iter().zip(&fetched) {
            let original = fixture.repository().join(package.file_name());
            assert_eq!(file.sha256, sha256(&fs_err::read(original).unwrap()), "{case:?}");
        }
    }
    // createrepo_c 0.17 writes no zstd, and newer ones nothing else by themselves.
    rewrite_packed(&fixture.repository(), zstd, |text| text, None);
    assert_eq!(fixture.open_folder().unwrap().packages().count(), 10);
    // Only what the last run used is kept of the metadata.
    assert_eq!(fixture.cached().len(), 1, "{:?}", fixture.cached());
}

#[test]
fn dnf_chooses_the_same() {
    let fixture = Fixture::new();
    let url = format!("--repofrompath=test,file://{}", fixture.repository().display());
    fs_err::create_dir(fixture.path("dnf")).unwrap();
    run(Command::new("dnf")
        .args(["-q", "-y", "download", "--resolve", "--destdir"])
        .arg(fixture.path("dnf"))
        .arg("--installroot")
        .arg(fixture.path("root"))
        .arg(&url)
        .args(["--repo=test", "--releasever=9", "--forcearch=x86_64", "--setopt=install_weak_deps=False"])
        .args(["--setopt=reposdir=/nonexistent", "--setopt=test.gpgcheck=0"])
        .arg(format!("--setopt=cachedir={}", fixture.path("dnf-cache").display()))
        .arg("httpd-devel"));
    let of_dnf: Vec<String> = rpms(&fixture.path("dnf"))
        .iter()
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    let ours = packages(fixture.open_folder().unwrap());
    let mut ours: Vec<String> = ours.iter().map(Package::file_name).collect();
    // `dnf download` follows weak dependencies whatever is set, which nothing compiles against.
    ours.push("weak-1-1.x86_64.rpm".to_owned());
    ours.sort();
    assert_eq!(ours, of_dnf);
}

#[test]
fn a_server_s_repository_is_read_and_its_packages_are_resumed() {
    let fixture = Fixture::new();
    let server = Server::folder(fixture.repository());
    let again = packages;
    let packages = packages(fixture.open(&server.url("/")).unwrap());
    let lists = |server: &Server| {
        server.requests().iter().filter(|request| request.target.contains("filelists")).count()
    };
    // /usr/share/httpd/notes is in no list but that.
    assert_eq!(lists(&server), 1);
    let into = fixture.path("packages");
    let first = &packages[0];
    let bytes = fs_err::read(fixture.repository().join(first.file_name())).unwrap();
    server.put(
        &format!("/{}", first.file_name()),
        Served { cut: Some(1000), cuts: 1, ..Served::of(bytes.clone()) },
    );
    let fetched = repository::fetch(&packages, &into, &Trust::Sums, &quiet).unwrap();
    assert!(fetched.iter().all(|file| file.fresh));
    assert_eq!(fs_err::read(&fetched[0].path).unwrap(), bytes);
    assert!(server.requests().iter().any(|request| request.range.as_deref() == Some("bytes=1000-")));
    // The second time only repomd.xml is asked for.
    let before = server.requests().len();
    let again = again(fixture.open(&server.url("/repodata/")).unwrap());
    let fetched = repository::fetch(&again, &into, &Trust::Sums, &quiet).unwrap();
    assert!(fetched.iter().all(|file| !file.fresh));
    let asked: Vec<String> =
        server.requests().split_off(before).into_iter().map(|request| request.target).collect();
    assert_eq!(asked, ["/repodata/repomd.xml"]);
}

#[test]
fn filelists_are_fetched_only_where_they_are_needed() {
    let fixture = Fixture::new();
    let server = Server::folder(fixture.repository());
    let repository = fixture.open(&server.url("")).unwrap();
    let found = chosen(&[repository], &wanted(&["httpd"]));
    assert_eq!(names(&found), "adduser apr httpd httpd-filesystem");
    assert!(server.requests().iter().all(|request| !request.target.contains("filelists")));
    let repository = fixture.open(&server.url("")).unwrap();
    assert_eq!(names(&chosen(&[repository], &wanted(&["/usr/include/httpd/httpd.h"]))), CHOSEN);
}

#[test]
fn several_repositories_and_what_is_left_out() {
    let fixture = Fixture::new();
    let updates = fixture.path("updates");
    Spec::new()
        .package("apr", "1.9", &["Epoch: 1", "Provides: libapr.so.0"], &[])
        .package("adduser", "0.5", &[], &["/usr/sbin/adduser"])
        .build(&updates);
    createrepo(&updates, &[]);
    let both = || [fixture.open(updates.to_str().unwrap()).unwrap(), fixture.open_folder().unwrap()];
    let shown = |chosen: &Chosen| -> Vec<String> {
        chosen.packages.iter().map(|choice| choice.package.nevra()).collect()
    };
    let found = chosen(&both(), &wanted(&["httpd"]));
    assert_eq!(
        shown(&found),
        [
            "adduser-0.5-1.x86_64",
            "apr-1:1.9-1.x86_64",
            "httpd-2.4.62-1.x86_64",
            "httpd-filesystem-2.4.62-1.noarch"
        ]
    );
    // apr-devel wants its own apr.
    let without = Wanted {
        leave_out: ["adduser", "gdbm*", "usr/share/**"].map(|pattern| Glob::new(pattern).unwrap()).to_vec(),
        ..wanted(&["httpd-devel"])
    };
    let found = chosen(&both(), &without);
    assert_eq!(names(&found), "apr apr-devel httpd httpd-devel httpd-filesystem");
    assert!(shown(&found).contains(&"apr-1:1.7-1.x86_64".to_owned()));
    assert_eq!(found.left_out, ["/usr/share/httpd/notes", "adduser", "gdbm-devel"]);
    let error = repository::choose(&both(), &wanted(&["httpd-dvel"]), &quiet).unwrap_err();
    let said = message(&error);
    assert!(said.starts_with("[modgraft::repository::unknown] no repository has `httpd-dvel`"), "{said}");
    let help = miette::Diagnostic::help(&error).unwrap().to_string();
    assert!(help.starts_with("like it are: httpd-devel"), "{help}");
}

/// What opening a repository that a change has broken says; the cache stays as it was.
fn refused(fixture: &Fixture, place: &str, trust: &Trust) -> String {
    let before = fixture.cached();
    let error = Repository::open(place, &fixture.options(trust.clone()), &quiet).map(drop).unwrap_err();
    assert_eq!(fixture.cached(), before, "{error}");
    message(&error)
}

#[test]
fn places_that_are_no_repository_are_told() {
    let fixture = Fixture::new();
    let server = Server::folder(fixture.repository());
    let sums = Trust::Sums;
    let none = refused(&fixture, fixture.path("").to_str().unwrap(), &sums);
    assert!(none.starts_with("[modgraft::repository::none]"), "{none}");
    let none = refused(&fixture, &server.url("/other"), &sums);
    assert!(none.ends_with("/other/repodata/repomd.xml is not there"), "{none}");
    let unreachable = refused(&fixture, "http://127.0.0.1:1/os", &sums);
    assert!(unreachable.starts_with("[modgraft::download::unreachable]"), "{unreachable}");
    let url = refused(&fixture, "ftp://127.0.0.1/os", &sums);
    assert!(url.starts_with("[modgraft::download::url]"), "{url}");
    server.put("/repodata/repomd.xml", Served::of("<html><p>Welcome</html>"));
    let broken = refused(&fixture, &server.url(""), &sums);
    assert!(broken.starts_with("[modgraft::repository::metadata]"), "{broken}");
    server.put(
        "/repodata/repomd.xml",
        Served { claims: Some(4 << 30), hangs: true, cut: Some(0), ..Served::of("<") },
    );
    let large = refused(&fixture, &server.url(""), &sums);
    assert!(large.starts_with("[modgraft::download::too_large]"), "{large}");
}

#[test]
fn metadata_that_is_half_there_or_wrong_is_refused() {
    let fixture = Fixture::new();
    let server = Server::folder(fixture.repository());
    let repodata = fixture.repository().join("repodata");
    let primary = fs_err::read_dir(&repodata)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .find(|name| name.contains("primary.xml"))
        .unwrap();
    let path = format!("/repodata/{primary}");
    let good = fs_err::read(repodata.join(&primary)).unwrap();
    let refused = |served: Served| {
        server.put(&path, served);
        refused(&fixture, &server.url(""), &Trust::Sums)
    };
    let missing = refused(Served { status: 404, ..Served::default() });
    assert!(
        missing.starts_with("[modgraft::repository::incomplete]") && missing.contains("404"),
        "{missing}"
    );
    let mut wrong = good.clone();
    *wrong.last_mut().unwrap() ^= 1;
    let wrong = refused(Served::of(wrong));
    assert!(
        wrong.starts_with("[modgraft::repository::incomplete]") && wrong.contains("expected sha256"),
        "{wrong}"
    );
    let short = refused(Served::of(&good[..good.len() - 1]));
    assert!(short.contains("should have"), "{short}");
    let long = refused(Served { silent: true, ..Served::of([good.clone(), vec![0]].concat()) });
    assert!(long.contains("should have"), "{long}");
}

#[test]
fn what_stands_in_metadata_is_not_believed() {
    let fixture = Fixture::new();
    type Change = fn(String) -> String;
    let cases: &[(Change, Option<u64>, &str)] = &[
        (
            |text| text.replacen("<location href=\"", "<location href=\"../../", 1),
            None,
            "[modgraft::repository::location]",
        ),
        (
            |text| text.replacen("<location href=\"", "<location href=\"/etc/", 1),
            None,
            "[modgraft::repository::location]",
        ),
        (
            |text| text.replacen("<location href=\"", "<location href=\"%2e%2e/", 1),
            None,
            "[modgraft::repository::location]",
        ),
        (
            |text| text.replacen("<location href=\"", "<location href=\"http://127.0.0.1:1/", 1),
            None,
            "[modgraft::repository::location]",
        ),
        (
            |text| text.replacen("<location ", "<location xml:base=\"file:///etc\" ", 1),
            None,
            "[modgraft::repository::location]",
        ),
        (|text| text.replacen("<name>httpd", "<name>../httpd", 1), None, "[modgraft::repository::metadata]"),
        (|text| text[..text.len() / 2].to_owned(), None, "[modgraft::repository::metadata]"),
        (|text| text.replacen("<format>", "<format><deep>", 1), None, "[modgraft::repository::metadata]"),
        (
            |text| text.replacen("</metadata>", &format!("{}</metadata>", " ".repeat(300 << 20)), 1),
            Some(2 << 30),
            "the most that are read",
        ),
        (
            |text| text.replacen("</metadata>", &format!("{}</metadata>", " ".repeat(30 << 20)), 1),
            Some(1 << 20),
            "more than the 1048576 bytes",
        ),
        (|text| text, Some(1 << 20), "should have 1048576"),
    ];
    for (change, open_size, expected) in cases {
        rewrite(&fixture.repository(), change, *open_size);
        let said = refused(&fixture, fixture.repository().to_str().unwrap(), &Trust::Sums);
        assert!(said.contains(expected), "{expected}: {said}");
    }
    // Metadata that is not compressed is good, and a place of its own is gone to.
    let server = Server::folder(fixture.repository());
    let base = server.url("");
    rewrite(
        &fixture.repository(),
        |text| text.replace("<location ", &format!("<location xml:base=\"{base}\" ")),
        None,
    );
    let found = packages(fixture.open_folder().unwrap());
    assert!(found[0].url.starts_with(&base), "{}", found[0].url);
    repository::fetch(&found, &fixture.path("packages"), &Trust::Sums, &quiet).unwrap();
}

#[test]
fn packages_that_are_not_what_metadata_says_are_not_kept() {
    let fixture = Fixture::new();
    let server = Server::folder(fixture.repository());
    let package = packages(fixture.open(&server.url("")).unwrap()).remove(0);
    let path = format!("/{}", package.file_name());
    let good = fs_err::read(fixture.repository().join(package.file_name())).unwrap();
    let into = fixture.path("packages");
    let fetch = |package: &Package| {
        let error =
            repository::fetch(std::slice::from_ref(package), &into, &Trust::Sums, &quiet).unwrap_err();
        assert_eq!(fs_err::read_dir(&into).map_or(0, Iterator::count), 0, "{error}");
        message(&error)
    };
    let mut wrong = good.clone();
    *wrong.last_mut().unwrap() ^= 1;
    server.put(&path, Served::of(wrong));
    assert!(fetch(&package).starts_with("[modgraft::download::digest]"));
    server.put(&path, Served { status: 404, ..Served::default() });
    assert!(fetch(&package).starts_with("[modgraft::download::missing]"));
    server.put(&path, Served::of(&good[..100]));
    assert!(fetch(&package).starts_with("[modgraft::download::size]"));
    // A package of 4 GB: as the server says, and as the metadata says.
    server.put(&path, Served { claims: Some(4 << 30), cut: Some(0), hangs: true, ..Served::of("x") });
    assert!(fetch(&package).starts_with("[modgraft::download::size]"));
    let large = Package { size: 4 << 30, ..package.clone() };
    assert!(fetch(&large).starts_with("[modgraft::download::too_large]"));
    // What has the right sum, and is another package, or none.
    server.put(&path, Served::of(good));
    let other = Package { name: "other".to_owned(), ..package.clone() };
    let said = fetch(&other);
    assert!(
        said.starts_with("[modgraft::repository::package]") && said.contains("it is adduser-1-1.x86_64"),
        "{said}"
    );
    let digest = download::Digest::new(Algorithm::Sha256, &sha256(b"text")).unwrap();
    server.put(&path, Served::of("text"));
    let said = fetch(&Package { size: 4, checksum: digest, ..package });
    assert!(said.starts_with("[modgraft::repository::package]"), "{said}");
}

fn keyring(path: &Path) -> Arc<Keyring> {
    Arc::new(Keyring::open(path).unwrap())
}

/// Signs packages by the real rpmsign.
fn rpmsign(gnupg: &Gnupg, key: &str, packages: &[PathBuf]) {
    let path = std::env::var_os("PATH").unwrap();
    let gpg = std::env::split_paths(&path).map(|folder| folder.join("gpg")).find(|gpg| gpg.is_file());
    run(Command::new("rpmsign")
        .arg("--addsign")
        .arg("--define")
        .arg(format!("__gpg {}", gpg.expect("`gpg` is needed by this test").display()))
        .arg("--define")
        .arg(format!("_gpg_path {}", gnupg.home.path().display()))
        .arg("--define")
        .arg(format!("_gpg_name {key}"))
        .args(packages));
}

#[test]
fn with_a_key_each_package_has_to_be_signed_by_it() {
    for parameters in
        [RSA, "Key-Type: EDDSA\nKey-Curve: ed25519\nKey-Usage: sign,cert\nName-Real: R\nExpire-Date: 0\n"]
    {
        let fixture = Fixture::new();
        let gnupg = Gnupg::new();
        let key = gnupg.generate(&format!("{parameters}{PLAIN}"));
        let trust = Trust::Packages(keyring(&gnupg.public(&fixture.path("key.asc"))));
        let all = packages(fixture.open_folder().unwrap());
        let into = fixture.path("packages");
        let error = repository::fetch(&all, &into, &trust, &quiet).unwrap_err();
        assert!(message(&error).starts_with("[modgraft::repository::unsigned]"), "{error}");

        // All signed, and metadata that is not.
        rpmsign(&gnupg, &key, &rpms(&fixture.repository()));
        createrepo(&fixture.repository(), &[]);
        let options = fixture.options(trust.clone());
        let place = fixture.repository().to_str().unwrap().to_owned();
        let open = || packages(Repository::open(&place, &options, &quiet).unwrap());
        let fetched = repository::fetch(&open(), &into, &trust, &quiet).unwrap();
        let by = modgraft::rpm::verify(&fetched[0].path, &keyring(&fixture.path("key.asc"))).unwrap();
        assert_eq!(by.fingerprint, key);
        assert!(key.ends_with(&by.key_id), "{by:?}");

        // By another key.
        let other = Gnupg::new();
        other.generate(&format!("{RSA}{PLAIN}"));
        let stranger = Trust::Packages(keyring(&other.public(&fixture.path("other.asc"))));
        let error = repository::fetch(&open(), &into, &stranger, &quiet).unwrap_err();
        let said = message(&error);
        assert!(said.starts_with("[modgraft::repository::untrusted]") && said.contains(&key[24..]), "{said}");
        // But both keys in one file are fine, as distributions have them.
        let both = [fixture.path("other.asc"), fixture.path("key.asc")]
            .map(|path| fs_err::read_to_string(path).unwrap());
        fs_err::write(fixture.path("both.asc"), both.concat()).unwrap();
        let both = Trust::Packages(keyring(&fixture.path("both.asc")));
        repository::fetch(&open(), &into, &both, &quiet).unwrap();

        // One byte of the payload, one of the header, and metadata that says that it is right so.
        let package = open().remove(0);
        let file = fixture.repository().join(package.file_name());
        let good = fs_err::read(&file).unwrap();
        let summary = good.windows(8).rposition(|window| window == b"adduser\0").unwrap();
        for at in [good.len() - 10, summary] {
            let mut bytes = good.clone();
            bytes[at] ^= 0x20;
            let checksum = download::Digest::new(Algorithm::Sha256, &sha256(&bytes)).unwrap();
            fs_err::write(&file, bytes).unwrap();
            let package = Package { checksum, ..package.clone() };
            let error = repository::fetch(&[package], &into, &trust, &quiet).unwrap_err();
            let told = matches!(error, Error::Untrusted { .. } | Error::Package { .. });
            assert!(told, "byte {at} of {}: {error}", good.len());
            assert!(!into.join("adduser-1-1.x86_64.rpm").exists());
        }
    }
}

#[test]
fn signed_metadata_vouches_for_unsigned_packages() {
    let fixture = Fixture::new();
    let gnupg = Gnupg::new();
    gnupg.generate(&format!("{RSA}{PLAIN}"));
    let trust = Trust::Metadata(keyring(&gnupg.public(&fixture.path("key.asc"))));
    let place = fixture.repository().to_str().unwrap().to_owned();
    let repomd = fixture.repository().join("repodata/repomd.xml");
    let unsigned = refused(&fixture, &place, &trust);
    assert!(unsigned.starts_with("[modgraft::repository::unsigned]"), "{unsigned}");
    run(gnupg.command().args(["--armor", "--detach-sign"]).arg(&repomd));
    let repository = Repository::open(&place, &fixture.options(trust.clone()), &quiet).unwrap();
    repository::fetch(&packages(repository), &fixture.path("packages"), &trust, &quiet).unwrap();
    let text = fs_err::read_to_string(&repomd).unwrap();
    fs_err::write(&repomd, text.replace("</repomd>", "<!-- --></repomd>")).unwrap();
    let changed = refused(&fixture, &place, &trust);
    assert!(
        changed.starts_with("[modgraft::repository::untrusted]") && changed.contains("was changed"),
        "{changed}"
    );
    fs_err::write(fixture.repository().join("repodata/repomd.xml.asc"), "no signature").unwrap();
    let none = refused(&fixture, &place, &trust);
    assert!(none.contains("cannot be read"), "{none}");
}

#[test]
fn keys_count_only_while_they_are_valid() {
    let folder = tempfile::tempdir().unwrap();
    let message = folder.path().join("message");
    fs_err::write(&message, "message").unwrap();
    let data = || -> std::io::Result<Box<dyn std::io::Read>> { Ok(Box::new(&b"message"[..])) };
    let sign = |gnupg: &Gnupg, time: &str| {
        let to = folder.path().join("signature");
        run(gnupg
            .command()
            .args(["--yes", "--faked-system-time", time, "--detach-sign", "--output"])
            .arg(&to)
            .arg(&message));
        fs_err::read(to).unwrap()
    };
    let ring = |gnupg: &Gnupg| keyring(&gnupg.public(&folder.path().join("key.asc")));

    // What was signed while the key was alive stays good, as it does for rpm.
    let expired = Gnupg::new();
    let file = expired.home.path().join("parameters");
    fs_err::write(&file, format!("{}{PLAIN}", RSA.replace("Expire-Date: 0", "Expire-Date: 2d"))).unwrap();
    run(expired.command().args(["--faked-system-time", "20200101T000000", "--generate-key"]).arg(&file));
    let good = sign(&expired, "20200102T000000");
    let keys = ring(&expired);
    let by = keys.verify(&good, &data).unwrap();
    assert_eq!((by.user_id.as_str(), by.time), ("Release", 1_577_923_200));
    // Made long after, with a clock that was set back for gpg only.
    let secret = modgraft::sign::open_with(
        &modgraft::sign::KeySpec::Gpg(by.fingerprint.clone()),
        folder.path(),
        &expired.environment(None),
    );
    assert!(secret.is_err(), "an expired key signs no more");
    let refusal = |keys: &Keyring, signature: &[u8]| keys.verify(signature, &data).unwrap_err().to_string();
    run(expired.command().args([
        "--faked-system-time",
        "20200102T000000",
        "--quick-set-expire",
        &by.fingerprint,
        "0",
    ]));
    let late = sign(&expired, "20210101T000000");
    let said = refusal(&keys, &late);
    assert!(said.contains("is of 2021-01-01") && said.contains("it expired on 2020-01-03"), "{said}");
    assert!(ring(&expired).verify(&late, &data).is_ok(), "the key was given more time");

    let revoked = Gnupg::new();
    let fingerprint = revoked.generate(&format!("{RSA}{PLAIN}"));
    let signature = sign(&revoked, "20401231T000000");
    assert!(ring(&revoked).verify(&signature, &data).is_ok());
    let certificate = revoked.home.path().join(format!("openpgp-revocs.d/{fingerprint}.rev"));
    let text = fs_err::read_to_string(&certificate).unwrap().replace(":-----BEGIN", "-----BEGIN");
    fs_err::write(&certificate, text).unwrap();
    run(revoked.command().arg("--import").arg(&certificate));
    assert!(refusal(&ring(&revoked), &signature).contains("is revoked"));

    // A subkey signs; the primary key that may not, does not.
    let subkey = Gnupg::new();
    let parameters = "Key-Type: RSA\nKey-Length: 2048\nKey-Usage: cert\nSubkey-Type: RSA\nSubkey-Length: 2048\n\
                      Subkey-Usage: sign\nName-Real: R\nExpire-Date: 0\n";
    let fingerprint = subkey.generate(&format!("{parameters}{PLAIN}"));
    let by = ring(&subkey).verify(&sign(&subkey, "20401231T000000"), &data).unwrap();
    assert_eq!(by.fingerprint, fingerprint);
    assert!(!fingerprint.ends_with(&by.key_id));

    // By MD5 anybody could.
    let weak = folder.path().join("weak");
    run(subkey
        .command()
        .args(["--yes", "--digest-algo", "MD5", "--allow-weak-digest-algos", "--detach-sign", "--output"])
        .arg(&weak)
        .arg(&message));
    let said = refusal(&ring(&subkey), &fs_err::read(&weak).unwrap());
    assert!(said.contains("MD5"), "{said}");
}

/// Packages of EL6 to EL8 have signatures of version 3, those of CentOS 6 by SHA-1: no program of today makes such.
#[test]
fn signatures_of_old_are_verified() {
    use pgp::composed::{Deserializable, SignedSecretKey};
    use pgp::crypto::hash::HashAlgorithm;
    use pgp::packet::{PacketTrait, Signature, SignatureConfig, SignatureType};
    use pgp::types::{KeyDetails, Password, SigningKey, Timestamp};

    let folder = tempfile::tempdir().unwrap();
    let gnupg = Gnupg::new();
    let fingerprint = gnupg.generate(&format!("{RSA}{PLAIN}"));
    let keys = keyring(&gnupg.public(&folder.path().join("key.asc")));
    let secret = fs_err::read(gnupg.export("", &folder.path().join("secret"))).unwrap();
    let (secret, _) = SignedSecretKey::from_armor_single(secret.as_slice()).unwrap();
    let key = &secret.primary_key;
    let time = key.created_at().as_secs() + 10;
    let (kind, algorithm) = (SignatureType::Binary, key.algorithm());
    let config = SignatureConfig::v3(
        kind,
        algorithm,
        HashAlgorithm::Sha1,
        Timestamp::from_secs(time),
        key.legacy_key_id(),
    );
    // RFC 4880, 5.2.2: the data, the type, the time.
    let hashed = [&b"message"[..], &[kind.into()], &time.to_be_bytes()].concat();
    let digest = HashAlgorithm::Sha1.digest(&hashed).unwrap();
    let bytes = key.sign(&Password::empty(), HashAlgorithm::Sha1, &digest).unwrap();
    let signature = Signature::from_config(config, [digest[0], digest[1]], bytes).unwrap();
    let mut packet = Vec::new();
    signature.to_writer_with_header(&mut packet).unwrap();
    let by = keys.verify(&packet, &|| Ok(Box::new(&b"message"[..]))).unwrap();
    assert_eq!((by.fingerprint, by.time), (fingerprint, u64::from(time)));
    assert!(keys.verify(&packet, &|| Ok(Box::new(&b"massage"[..]))).is_err());
}

#[test]
fn files_that_are_no_keys_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let open = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs_err::write(&path, bytes).unwrap();
        message(&Keyring::open(&path).map(drop).unwrap_err())
    };
    for (name, bytes) in
        [("empty", &b""[..]), ("text", b"no key"), ("cut", b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmQEN")]
    {
        let said = open(name, bytes);
        assert!(said.starts_with("[modgraft::sign::not_a_keyring]"), "{name}: {said}");
    }
    let gnupg = Gnupg::new();
    gnupg.generate(&format!("{RSA}{PLAIN}"));
    let secret = gnupg.export("", &folder.path().join("secret"));
    assert!(Keyring::open(&secret).is_err());
    let missing = message(&Keyring::open(&folder.path().join("none")).map(drop).unwrap_err());
    assert!(missing.starts_with("[modgraft::sign::no_keyring]"), "{missing}");
}

#[test]
fn what_modgraft_signs_it_verifies() {
    let folder = tempfile::tempdir().unwrap();
    let signer: &dyn Signer = support::key().as_ref();
    fs_err::write(folder.path().join("key.asc"), &signer.key().public_key).unwrap();
    let keys = keyring(&folder.path().join("key.asc"));
    let signature = signer.sign(&mut &b"message"[..], 1_700_000_000).unwrap();
    let by = keys.verify(&signature, &|| Ok(Box::new(&b"message"[..]))).unwrap();
    assert_eq!(by.fingerprint, signer.key().fingerprint);
    assert!(keys.verify(&signature, &|| Ok(Box::new(&b"massage"[..]))).is_err());
}

#[test]
fn a_repository_of_two_thousand_packages_is_read_and_chosen_from_quickly() {
    let fixture = Fixture::new();
    rewrite(
        &fixture.repository(),
        |text| {
            let begin = text.find("<package ").unwrap();
            let end = text.rfind("</package>").unwrap() + "</package>".len();
            let mut all = text[..end].to_owned();
            for number in 0..2000 {
                let requires: String = (1..=20)
                    .map(|other| format!("<rpm:entry name=\"lib{}.so\"/>", (number + other * 7) % 2000))
                    .collect();
                all += &format!(
                    "<package type=\"rpm\"><name>p{number}</name><arch>x86_64</arch><version epoch=\"0\" ver=\"1\" rel=\"1\"/>\
                     <checksum type=\"sha256\" pkgid=\"YES\">{}</checksum><summary>{1}</summary><description>{1}</description>\
                     <time file=\"1\" build=\"1\"/><size package=\"1\" installed=\"1\" archive=\"1\"/><location href=\"p{number}.rpm\"/>\
                     <format><rpm:provides><rpm:entry name=\"p{number}\" flags=\"EQ\" epoch=\"0\" ver=\"1\" rel=\"1\"/>\
                     <rpm:entry name=\"lib{number}.so\"/></rpm:provides><rpm:requires>{requires}</rpm:requires>\
                     <file>/usr/bin/p{number}</file></format></package>",
                    sha256(number.to_string().as_bytes()),
                    "words ".repeat(40),
                );
            }
            assert!(begin < end);
            all + "</metadata>"
        },
        None,
    );
    let begun = Instant::now();
    let repository = fixture.open_folder().unwrap();
    let read = begun.elapsed();
    assert_eq!(repository.packages().count(), 2010);
    let found = chosen(&[repository], &wanted(&["p0"]));
    let whole = begun.elapsed();
    assert_eq!(found.packages.len(), 2000);
    println!("2,010 packages: read in {read:?}, read and chosen in {whole:?}");
    // Without optimisation, and beside other tests.
    assert!(whole.as_secs() < 10, "{whole:?}");
}
