//! `modgraft target add` and its like: with real packages of two other releases of Debian, in whose httpds the reference module is
//! then run, and with all that is wrong with what strangers give.

mod support;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use modgraft::target::GlibcVersion;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use support::debian::Release;
use support::el;
use support::made::{reference, versions};
use support::module::Module;
use support::prefix::prefix;
use support::server::Server;

/// A folder with a cache, in which a person works.
struct Place(tempfile::TempDir);

struct Run {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Place {
    fn new() -> Self {
        // Roots are large, and /tmp may be small.
        Place(tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_modgraft"));
        command.env("MODGRAFT_CACHE", self.path("cache")).env("NO_COLOR", "1").current_dir(self.0.path());
        command.args(arguments);
        command
    }

    fn run(&self, arguments: &[&str]) -> Run {
        finish(self.command(arguments).output().unwrap())
    }

    fn good(&self, arguments: &[&str]) -> Run {
        let run = self.run(arguments);
        assert_eq!(run.code, 0, "{arguments:?}: {}", run.stderr);
        run
    }

    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.good(arguments).stdout).unwrap()
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Every name in the cache and beside it, with what a change would change.
    fn listing(&self) -> String {
        let mut text = String::new();
        for entry in walkdir::WalkDir::new(self.0.path()).sort_by_file_name() {
            use std::os::unix::fs::MetadataExt;
            let entry = entry.unwrap();
            let metadata = entry.metadata().unwrap();
            let path = entry.path().strip_prefix(self.0.path()).unwrap();
            // A folder's time changes with the names in it, which are here as well.
            let (time, size) =
                if metadata.is_dir() { (0, 0) } else { (metadata.mtime_nsec(), metadata.len()) };
            text += &format!("{} {:o} {size} {time}\n", path.display(), metadata.mode());
        }
        text
    }
}

fn finish(output: Output) -> Run {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Run { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The packages of a release but for some, as links in a folder.
fn without(place: &Place, release: Release, left_out: &[&str]) -> PathBuf {
    let folder = place.path("some");
    let _ = fs_err::remove_dir_all(&folder);
    fs_err::create_dir(&folder).unwrap();
    for entry in fs_err::read_dir(release.packages()).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if !left_out.iter().any(|left_out| name.split('_').next() == Some(left_out)) {
            fs_err::hard_link(entry.path(), folder.join(name)).unwrap();
        }
    }
    folder
}

fn passes_on(release: Release, name: &str, httpd: &str, glibc: GlibcVersion) {
    let place = Place::new();
    let packages = release.packages();
    let run = place.good(&["target", "add", name, "--packages", text(&packages)]);
    assert_eq!(run.stdout, "");
    assert!(run.stderr.contains(&format!("{name}: httpd {httpd}")), "{}", run.stderr);
    let shown = place.json(&["target", "show", name, "--json"]);
    assert_eq!((&shown["profile"], &shown["glibc"]), (&"debian".into(), &glibc.to_string().into()));
    assert_eq!(shown["packages"].as_array().unwrap().len(), fs_err::read_dir(&packages).unwrap().count());

    let module = reference();
    let build = ["build-module", "--offline", text(&module), "--target", name, "--sign-key", "none"];
    let built = place.good(&build);
    // Nothing is switched on in packages that were only unpacked, and nobody has to be told.
    assert!(!built.stderr.contains("No MPM loaded"), "{}", built.stderr);
    let out = place.path("out");
    let report: Value = serde_json::from_slice(&fs_err::read(out.join("report.json")).unwrap()).unwrap();
    let checks = report["checks"].as_array().unwrap();
    assert!(checks.len() >= 5 && checks.iter().all(|check| check["outcome"] == "passed"), "{checks:?}");
    assert_eq!(report["target"]["glibc"], glibc.to_string());
    let found = versions(&out);
    assert!(!found.is_empty() && found.iter().all(|(version, _)| *version <= glibc), "{found:?}");
    // Where the root lies is of no concern to anyone.
    let report = report.to_string();
    assert!(!report.contains(text(place.0.path())) && report.contains("--sysroot=SYSROOT"), "{report}");
}

#[test]
fn the_reference_module_works_in_an_older_releases_httpd() {
    passes_on(Release::Bullseye, "debian-11", "2.4.62", GlibcVersion { major: 2, minor: 31 });
}

#[test]
fn the_reference_module_works_in_a_newer_releases_httpd() {
    passes_on(Release::Trixie, "debian-13", "2.4.", GlibcVersion { major: 2, minor: 41 });
}

#[test]
fn a_lock_file_brings_the_same_packages_back_and_no_others() {
    let packages = Release::Bullseye.packages();
    let first = Place::new();
    first.good(&["target", "add", "old", "--packages", text(&packages), "--profile", "debian"]);
    let lock = fs_err::read_to_string(first.path("modgraft.lock")).unwrap();
    assert!(lock.contains("[[target]]\nname = \"old\"\nprofile = \"debian\"\narch = \"x86_64\"\n"), "{lock}");
    first.good(&["target", "add", "old", "--packages", text(&packages), "--force"]);
    assert_eq!(
        fs_err::read_to_string(first.path("modgraft.lock")).unwrap(),
        lock,
        "the same is written the same"
    );

    // The next machine.
    let second = Place::new();
    second.write("modgraft.lock", &lock);
    let said = second.run(&["flatten", "--offline", text(&reference()), "--target", "old"]);
    assert_eq!(said.code, 2);
    assert!(said.stderr.contains("modgraft.lock has it: modgraft target add old"), "{}", said.stderr);
    let said = second.run(&["target", "add", "old"]);
    assert!(said.stderr.contains("modgraft target add old --locked --packages DIR"), "{}", said.stderr);
    let some = without(&second, Release::Bullseye, &["libapr1"]);
    let before = second.listing();
    let said = second.run(&["target", "add", "old", "--locked", "--packages", text(&some)]);
    assert!(said.stderr.contains("modgraft.lock: libapr1 ") && said.code == 3, "{}", said.stderr);
    assert_eq!(second.listing(), before);
    second.good(&["target", "add", "old", "--locked", "--packages", text(&packages)]);
    assert_eq!(fs_err::read_to_string(second.path("modgraft.lock")).unwrap(), lock);

    // As where the packages came from a repository.
    let third = Place::new();
    // In a url, `%` stands before the digits of a character; a Debian version's colon is written so in the file's name.
    let remote =
        lock.replace('%', "%25").replace("from = \"", &format!("from = \"file://{}/", packages.display()));
    third.write("modgraft.lock", &remote);
    let digest = remote.split("sha256 = \"").nth(1).unwrap();
    let damaged = remote.replacen(&digest[..64], &"0".repeat(64), 1);
    third.write("damaged.lock", damaged);
    let before = third.listing();
    let said = third.run(&["target", "add", "old", "--lock", "damaged.lock"]);
    assert_eq!(said.code, 3, "{}", said.stderr);
    assert_eq!(third.listing(), before);
    third.good(&["target", "add", "old"]);
    let [first, third] = [&first, &third].map(|place| {
        let mut shown = place.json(&["target", "show", "old", "--json"]);
        for package in shown["packages"].as_array_mut().unwrap() {
            package["from"] = Value::Null;
        }
        shown["packages"].clone()
    });
    assert_eq!(first, third);
}

/// From a repository like that of Enterprise Linux 8, over http; then, on the next machine, by the lock file alone.
#[test]
fn a_repository_gives_what_the_profile_names_and_what_that_needs() {
    let repository = el::Release::El8.repository();
    let server = Server::folder(&repository.folder);
    let (url, key) = (server.url("/"), text(&repository.key));
    let first = Place::new();
    let other_key = first.write("other.asc", "no key");
    let before = first.listing();
    let nowhere = server.url("/nowhere");
    let cases: &[(&[&str], i32, &str)] = &[
        (&["--repo", &url], 2, "--profile"),
        (&["--repo", &url, "--profile", "debian"], 2, "the profile `debian` does not say"),
        (
            &["--repo", &url, "--profile", "el8", "--offline"],
            5,
            "--offline forbids to download packages from",
        ),
        (&["--repo", &url, "--profile", "el8", "--key", &other_key], 3, "other.asc"),
        (&["--repo", &url, "--profile", "el8", "--arch", "aarch64"], 2, "no repository has `httpd`"),
        (&["--repo", &nowhere, "--profile", "el8"], 2, "is no package repository"),
    ];
    for (arguments, code, expected) in cases {
        let run = first.run(&[&["target", "add", "el8"], *arguments].concat());
        assert_eq!(run.code, *code, "{arguments:?}: {}", run.stderr);
        assert!(run.stderr.contains(expected), "{arguments:?}: {}", run.stderr);
        assert_eq!(first.listing(), before, "{arguments:?}");
    }

    first.good(&["target", "add", "el8", "--repo", &url, "--profile", "el8", "--key", key]);
    let shown = first.json(&["target", "show", "el8", "--json"]);
    assert_eq!((&shown["profile"], &shown["origin"]["from"][0]), (&"el8".into(), &url.as_str().into()));
    assert_eq!(shown["layout"]["load-file"], "/etc/httpd/conf.modules.d/{order}-{name}.conf");
    let names: Vec<&str> = shown["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| package["name"].as_str().unwrap())
        .collect();
    for name in [
        "httpd",
        "httpd-devel",
        "apr",
        "apr-devel",
        "apr-util-devel",
        "glibc",
        "glibc-devel",
        "kernel-headers",
    ] {
        assert!(names.contains(&name), "{name} in {names:?}");
    }
    let module = reference();
    let build = ["build-module", "--offline", text(&module), "--target", "el8", "--sign-key", "none"];
    first.good(&build);
    let report: Value =
        serde_json::from_slice(&fs_err::read(first.path("out/report.json")).unwrap()).unwrap();
    let checks = report["checks"].as_array().unwrap();
    assert!(checks.len() >= 5 && checks.iter().all(|check| check["outcome"] == "passed"), "{checks:?}");

    let second = Place::new();
    let lock = fs_err::read_to_string(first.path("modgraft.lock")).unwrap();
    second.write("modgraft.lock", &lock);
    let asked = server.requests().len();
    second.good(&["target", "add", "el8"]);
    let again = second.json(&["target", "show", "el8", "--json"]);
    assert_eq!(again["packages"], shown["packages"]);
    let requests = server.requests();
    assert!(
        requests[asked..].iter().all(|request| !request.target.contains("repodata")),
        "the lock file is enough"
    );
    assert_eq!(fs_err::read_to_string(second.path("modgraft.lock")).unwrap(), lock);
    let names = fs_err::read_dir(second.path("cache")).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(names.collect::<Vec<_>>(), ["targets"], "what was downloaded is not kept");
}

#[test]
fn a_prefix_is_listed_shown_built_for_and_removed() {
    let (place, prefix) = (Place::new(), prefix());
    assert!(place.good(&["target", "list"]).stderr.contains("no target was added yet"));
    place.good(&["target", "add", "own", "--prefix", text(prefix.path())]);
    assert!(!place.path("modgraft.lock").exists(), "a folder of this machine is of no use to others");
    let listed = place.good(&["target", "list"]).stdout;
    let words: Vec<&str> = listed.split_whitespace().collect();
    assert_eq!((words[0], words[words.len() - 1]), ("own", text(prefix.path())), "{listed}");
    let shown = place.good(&["target", "show", "own"]).stdout;
    assert!(shown.contains("conf/extra/{name}.conf") && shown.contains("  variable  "), "{shown}");
    place.good(&["flatten", "--offline", text(&reference()), "--target", "own"]);
    let said = place.run(&["target", "add", "own", "--prefix", text(prefix.path())]);
    assert!(said.code == 2 && said.stderr.contains("--force"), "{}", said.stderr);
    place.good(&["target", "add", "own", "--prefix", text(prefix.path()), "--force"]);
    fs_err::remove_file(prefix.path().join("bin/httpd")).unwrap();
    assert_eq!(place.run(&["flatten", "--offline", text(&reference()), "--target", "own"]).code, 5);
    place.good(&["target", "remove", "own"]);
    assert_eq!(fs_err::read_dir(place.path("cache/targets")).unwrap().count(), 0);
    let said = place.run(&["target", "remove", "own"]);
    assert!(said.code == 2 && said.stderr.contains("there is no target `own`"), "{}", said.stderr);
}

#[test]
fn of_two_who_add_at_once_one_does() {
    let (place, prefix) = (Place::new(), prefix());
    let start = || {
        let mut command = place.command(&["target", "add", "twin", "--prefix", text(prefix.path())]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let both = [start(), start()].map(|child| finish(child.wait_with_output().unwrap()));
    let mut codes = both.each_ref().map(|run| run.code);
    codes.sort_unstable();
    assert_eq!(codes, [0, 2], "{} {}", both[0].stderr, both[1].stderr);
    let names = fs_err::read_dir(place.path("cache/targets")).unwrap();
    assert_eq!(names.map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>(), ["twin"]);
}

/// A Debian package with one file.
fn deb(name: &str, version: &str, arch: &str, file: &str, content: &[u8]) -> Vec<u8> {
    let tar = |path: &str, content: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.as_gnu_mut().unwrap().name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_mode(0o644);
        header.set_size(content.len() as u64);
        header.set_cksum();
        let mut archive = tar::Builder::new(Vec::new());
        archive.append(&header, content).unwrap();
        archive.into_inner().unwrap()
    };
    let control = format!("Package: {name}\nVersion: {version}\nArchitecture: {arch}\n");
    let mut archive = ar::Builder::new(Vec::new());
    for (member, content) in [
        ("debian-binary", b"2.0\n".to_vec()),
        ("control.tar", tar("./control", control.as_bytes())),
        ("data.tar.zst", zstd::encode_all(&tar(file, content)[..], 1).unwrap()),
    ] {
        let header = ar::Header::new(member.as_bytes().to_vec(), content.len() as u64);
        archive.append(&header, &content[..]).unwrap();
    }
    archive.into_inner().unwrap()
}

/// Each is one clear error, and the cache is as it was before, with the target that was in it.
#[test]
fn whatever_is_wrong_the_cache_is_as_it_was() {
    let (place, prefix) = (Place::new(), prefix());
    place.good(&["target", "add", "mine", "--prefix", text(prefix.path())]);
    let good = deb("a", "1", "amd64", "./usr/x", b"x");
    let cut = &good[..good.len() - 20];
    let a = place.write("a.deb", &good);
    let newer = place.write("newer.deb", deb("a", "2", "amd64", "./usr/x", b"x"));
    let arm = place.write("arm.deb", deb("b", "1", "arm64", "./usr/x", b"x"));
    let cut = place.write("cut.deb", cut);
    let evil = place.write("evil.deb", deb("evil", "1", "all", "../../../evil", b"x"));
    let text_file = place.write("text.rpm", "<html>404</html>");
    let huge = place.write("huge.deb", b"!<arch>\n");
    fs_err::OpenOptions::new().write(true).open(&huge).unwrap().set_len(4 << 30).unwrap();
    let rpm = place.path("tiny.rpm");
    modgraft::rpm::write(&Module::new().packages().binary, None, &rpm).unwrap();
    let mut flipped = fs_err::read(&rpm).unwrap();
    let last = flipped.len() - 1;
    flipped[last] ^= 1;
    let flipped = place.write("flipped.rpm", flipped);
    fs_err::create_dir(place.path("empty")).unwrap();
    let profile = place.write("own.toml", "extends = \"debian\"\n[layout]\nload-fiel = \"x\"\n");
    let lock = place.write("new.lock", "version = 4\n");
    let torn = place.write("torn.lock", "version = 1\n[[target]]\nname = 3\n");
    let nothing = place.path("nothing");
    let (rpm, nothing, mine) = (text(&rpm), text(&nothing), text(prefix.path()));
    let before = place.listing();
    let cases: &[(&[&str], i32, &str)] = &[
        (&["x", "--packages", &a], 5, "the packages have no httpd"),
        (&["x", "--packages", &a, "--profile", "debian"], 5, "give the package apache2-dev too"),
        (&["x", "--packages", &a, &newer], 3, "a is there as 1 and as 2"),
        (&["x", "--packages", &a, &arm], 3, "a.deb is for x86_64, and arm.deb for aarch64"),
        (
            &["x", "--packages", &a, "--arch", "aarch64"],
            3,
            "the package a.deb is for amd64, and --arch asks for aarch64",
        ),
        (&["x", "--packages", &a, "--arch", "pdp11"], 2, "the processor `pdp11` is not known"),
        (&["x", "--packages", &a, rpm], 3, "tiny.rpm is an RPM, and a.deb a Debian package"),
        (&["x", "--packages", &cut], 3, "cut.deb is damaged: it is cut off"),
        (&["x", "--packages", &evil], 3, "evil.deb has a path that leaves the root: ../../../evil"),
        (&["x", "--packages", &text_file], 3, "it begins neither as an .rpm nor as a .deb"),
        (&["x", "--packages", &huge], 3, "it has 4294 MB, and the most is 1073 MB"),
        (&["x", "--packages", &flipped], 3, "does not hold"),
        (&["x", "--packages", "empty"], 2, "empty: it has no packages"),
        (&["x", "--packages", nothing], 2, "nothing: there is no such file or folder"),
        (&["x", "--packages", &a, "--profile", &profile], 3, "own.toml:3:1"),
        (&["x", "--packages", &a, "--profile", "el66"], 2, "there is no profile `el66`"),
        (&["x", "--packages", &a, "--lock", &lock], 3, "new.lock:1:11"),
        (&["x", "--packages", &a, "--lock", &torn], 3, "torn.lock:3:8"),
        (&["x", "--packages", &a, "--locked"], 2, "there is no modgraft.lock"),
        (&["x"], 2, "there is no modgraft.lock"),
        (&["x", "--no-lock"], 2, "nothing says where the target `x` comes from"),
        (&["x", "--prefix", nothing], 2, "there is no such folder"),
        (&["x", "--prefix", "empty"], 2, "is no httpd to build for"),
        (&["x", "--prefix", mine, "--packages", &a], 2, "cannot be used with"),
        (&["mine", "--packages", &a], 2, "there is a target `mine` already"),
        (&["mine", "--packages", &a, "--force"], 5, "the packages have no httpd"),
        (&["local", "--packages", &a], 2, "`local` is this machine's own httpd"),
        (&["../x", "--packages", &a], 2, "cannot be a target's name"),
    ];
    for (arguments, code, expected) in cases {
        let run = place.run(&[&["target", "add"], *arguments].concat());
        assert_eq!(run.code, *code, "{arguments:?}: {}", run.stderr);
        assert!(run.stderr.contains(expected), "{arguments:?}: {}", run.stderr);
        let errors = run.stderr.lines().filter(|line| line.starts_with("error"));
        assert_eq!(errors.count(), 1, "{}", run.stderr);
        assert_eq!(place.listing(), before, "{arguments:?}");
    }
    assert!(!place.0.path().parent().unwrap().join("evil").exists());

    // A cache that was not there is not there afterwards.
    let fresh = Place::new();
    assert_ne!(fresh.run(&["target", "add", "x", "--packages", &a]).code, 0);
    assert_eq!(fresh.listing().lines().count(), 1);
}

#[test]
fn a_sysroot_without_headers_or_c_library_names_the_package() {
    let place = Place::new();
    for (package, missing) in [
        ("apache2-dev", "config_vars.mk (apxs's variables)"),
        ("libc6", "libc.so.6 (the C library)"),
        ("libc6-dev", "usr/include/stdio.h (the C library's headers)"),
    ] {
        let some = without(&place, Release::Bullseye, &[package]);
        let before = place.listing();
        let run = place.run(&["target", "add", "x", "--packages", text(&some)]);
        assert_eq!(run.code, 5, "{}", run.stderr);
        assert!(run.stderr.contains(&format!("the packages have no {missing}\n")), "{}", run.stderr);
        assert!(run.stderr.contains(&format!("help: give the package {package} too\n")), "{}", run.stderr);
        assert_eq!(place.listing(), before);
    }
}

#[test]
fn a_target_without_libgcc_is_told_of_and_its_checks_name_it() {
    let place = Place::new();
    let some = without(&place, Release::Bullseye, &["libgcc-s1"]);
    let added = place.good(&["target", "add", "x", "--packages", text(&some)]);
    assert!(added.stderr.contains("the target has no libgcc_s.so.1"), "{}", added.stderr);
    let module = reference();
    let build = ["build-module", "--offline", text(&module), "--target", "x", "--sign-key", "none"];
    let run = place.run(&build);
    assert!(run.code == 5 && run.stderr.contains("modgraft::check::libgcc"), "{}", run.stderr);
    assert!(run.stderr.contains("libgcc_s.so.1 must be installed for pthread_"), "{}", run.stderr);
    let whole = place.good(&["target", "add", "y", "--packages", text(&Release::Bullseye.packages())]);
    assert!(!whole.stderr.contains("libgcc"), "{}", whole.stderr);
}

#[test]
fn a_signal_leaves_nothing() {
    let place = Place::new();
    let packages = Release::Trixie.packages();
    let before = place.listing();
    let mut command = place.command(&["target", "add", "x", "--json", "--packages", text(&packages)]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let pid = Pid::from_child(&child);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().contains("\"started\""));
    // When the first files are there, and not all.
    let root = place.path("cache/targets");
    let begun = || walkdir::WalkDir::new(&root).into_iter().flatten().count() > 20;
    while !begun() {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it could be interrupted");
        std::thread::yield_now();
    }
    kill_process(pid, Signal::INT).unwrap();
    let told: Vec<String> = lines.map(Result::unwrap).collect();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{told:?}");
    assert_eq!(place.listing(), before);
}

#[test]
fn a_full_disk_is_told_and_nothing_is_left() {
    let place = Place::new();
    let mut noise = vec![0; 1 << 20];
    fs_err::File::open("/dev/urandom")
        .and_then(|mut file| std::io::Read::read_exact(&mut file, &mut noise))
        .unwrap();
    let large = place.write("large.deb", deb("large", "1", "amd64", "./usr/x", &noise));
    fs_err::create_dir(place.path("cache")).unwrap();
    let mut command = Command::new("unshare");
    command.args(support::mount_namespace()).args(["sh", "-c"]).arg(
        "mount -t tmpfs -o size=256k tmpfs cache || exit 99; \"$0\" target add x --packages \"$1\"; code=$?; find cache -mindepth 1; exit $code",
    );
    command.arg(env!("CARGO_BIN_EXE_modgraft")).arg(large).current_dir(place.0.path());
    command.env("MODGRAFT_CACHE", place.path("cache"));
    let run = finish(command.output().unwrap());
    assert_ne!(run.code, 99, "a tmpfs cannot be mounted here: {}", run.stderr);
    assert_eq!(run.code, 5, "{}", run.stderr);
    assert!(run.stderr.contains("the disk is full: make room"), "{}", run.stderr);
    assert_eq!(run.stdout, "", "nothing is left in the cache");
}
