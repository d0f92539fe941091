//! Reading packages: our own, rpmbuild's, damaged ones, and such as were made to do harm.

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use modgraft::package::{Content, File, FileKind, Package};
use modgraft::profile::Profile;
use modgraft::rpm::{self, Destinations, Error, Verdict};
use support::module::Module;
use support::rpmbuild::rebuild;
use support::{key, run};

struct Built {
    folder: tempfile::TempDir,
    packages: [PathBuf; 3],
    key_id: String,
}

fn build(family: &'static str) -> Built {
    let mut module = Module::new();
    module.target.profile = Profile::named(family).unwrap();
    let set = module.packages();
    let folder = tempfile::tempdir().unwrap();
    let key = key();
    let path = |package: &Package| folder.path().join(package.file_name());
    let to = Destinations {
        binary: path(&set.binary),
        debuginfo: path(&set.debuginfo),
        source: path(&set.source),
    };
    rpm::write_set(&set, Some(&**key), &to).unwrap();
    let key_id = key.key().key_id.clone();
    Built { folder, packages: [to.binary, to.debuginfo, to.source], key_id }
}

fn queried(package: &Path, arguments: &[&str]) -> Vec<String> {
    let text = run(Command::new("rpm").args(["-qp", "--nosignature"]).args(arguments).arg(package));
    text.lines().map(str::to_owned).collect()
}

#[test]
fn an_inspection_says_what_rpm_says() {
    for family in ["debian", "el6", "el7"] {
        let built = build(family);
        let made = rebuild(&built.packages[2], &built.folder.path().join("top"));
        for package in built.packages.iter().chain(&made) {
            let found = rpm::inspect(package).unwrap();
            assert_eq!(
                vec![found.nevra.clone()],
                queried(package, &["--qf", "%{NVRA}\\n"])
                    .into_iter()
                    .map(|nvra| { if found.is_source { nvra.replace(".x86_64", ".src") } else { nvra } })
                    .collect::<Vec<_>>()
            );
            let group = |kind: &str| {
                found
                    .relations
                    .iter()
                    .find(|group| group.kind == kind)
                    .map(|group| group.relations.clone())
                    .unwrap_or_default()
            };
            assert_eq!(group("provides"), queried(package, &["--provides"]));
            assert_eq!(group("requires"), queried(package, &["--requires"]));
            let files: Vec<String> = found
                .files
                .iter()
                .map(|file| {
                    format!(
                        "{} {} {}:{} {} {}",
                        file.path, file.mode, file.user, file.group, file.size, file.digest
                    )
                })
                .collect();
            let format = "[%{FILENAMES} %{FILEMODES:perms} %{FILEUSERNAME}:%{FILEGROUPNAME} %{FILESIZES} %{FILEDIGESTS}\\n]";
            assert_eq!(files, queried(package, &["--qf", format]));
            for digest in &found.digests {
                assert_eq!(digest.verdict, Verdict::Ok, "{digest:?}");
            }
            assert!(found.digests.len() >= 5, "{:?}", found.digests);
            assert_eq!(found.changelog.len(), 1);
            serde_json::to_string(&found).unwrap();
        }
        let signed = rpm::inspect(&built.packages[0]).unwrap();
        assert_eq!(signed.signatures.len(), if family == "debian" { 1 } else { 2 });
        for signature in &signed.signatures {
            assert_eq!(signature.key_id.as_deref(), Some(built.key_id.as_str()));
            assert_eq!((signature.algorithm.as_str(), signature.hash.as_str()), ("RSA", "SHA256"));
        }
    }
}

#[test]
fn an_inspection_for_a_person() {
    let built = build("debian");
    let text = rpm::inspect(&built.packages[0]).unwrap().text();
    let text = neutral(&text, &built.key_id);
    insta::assert_snapshot!("inspection", text);
}

/// Leaves out what differs from machine to machine: sizes, the key, and the time of its making.
fn neutral(text: &str, key: &str) -> String {
    let lines = text.lines().map(|line| match line.trim_start() {
        rest if rest.starts_with("payload") => "  payload  …".to_owned(),
        rest if rest.starts_with("signature") => {
            assert!(rest.contains(key), "{rest}");
            "signature  …".to_owned()
        }
        rest if rest.contains(".so") && rest.starts_with('-') => line
            .split_whitespace()
            .map(|word| if word.chars().all(|c| c.is_ascii_digit()) { "SIZE" } else { word })
            .collect::<Vec<_>>()
            .join(" "),
        _ => line.to_owned(),
    });
    lines.map(|line| line + "\n").collect()
}

#[test]
fn a_bad_digest_is_a_finding() {
    let built = build("debian");
    let path = &built.packages[0];
    let mut bytes = fs_err::read(path).unwrap();
    let last = bytes.len() - 9;
    bytes[last] ^= 1;
    fs_err::write(path, bytes).unwrap();
    let found = rpm::inspect(path).unwrap();
    let bad: Vec<_> = found
        .digests
        .iter()
        .filter(|digest| digest.verdict == Verdict::Bad)
        .map(|digest| digest.covers)
        .collect();
    assert!(
        bad.contains(&"payload") && bad.contains(&"header and payload") && !bad.contains(&"header"),
        "{bad:?}"
    );
    assert!(found.text().contains("BAD"));
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(rpm::extract(path, folder.path()), Err(Error::Damaged { .. })));
}

#[test]
fn what_was_packed_comes_out_again() {
    for family in ["debian", "el7"] {
        let built = build(family);
        for package in &built.packages {
            let folder = tempfile::tempdir().unwrap();
            let ours = folder.path().join("ours");
            let theirs = folder.path().join("theirs");
            fs_err::create_dir_all(&ours).unwrap();
            fs_err::create_dir_all(&theirs).unwrap();
            let written = rpm::extract(package, &ours).unwrap();
            assert!(!written.is_empty() && written.iter().all(|path| path.symlink_metadata().is_ok()));
            let unpack = "rpm2archive -n - < \"$0\" | tar -x -C \"$1\"";
            run(Command::new("sh").arg("-c").arg(unpack).arg(package).arg(&theirs));
            run(Command::new("diff").args(["-r", "--no-dereference"]).arg(&ours).arg(&theirs));
        }
    }
}

#[test]
fn files_that_are_no_packages() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.rpm");
    for bytes in [&b""[..], b"short", &[0; 200], b"\x7fELF"] {
        fs_err::write(&path, bytes).unwrap();
        assert!(matches!(rpm::inspect(&path), Err(Error::NotAPackage { .. })));
    }
    assert!(matches!(rpm::inspect(folder.path()), Err(Error::NotAPackage { .. })));
    assert!(matches!(rpm::inspect(&folder.path().join("absent")), Err(Error::NoFile { .. })));
}

#[test]
fn every_length_of_a_cut_package_is_refused() {
    let built = build("debian");
    let whole = fs_err::read(&built.packages[0]).unwrap();
    let path = built.folder.path().join("cut.rpm");
    let out = tempfile::tempdir().unwrap();
    // Short steps through the headers, longer ones through the payload.
    for length in (0..whole.len()).step_by(37) {
        fs_err::write(&path, &whole[..length]).unwrap();
        match rpm::inspect(&path) {
            Err(Error::NotAPackage { .. } | Error::Damaged { .. }) => {}
            Ok(found) => {
                assert!(found.digests.iter().any(|digest| digest.verdict == Verdict::Bad), "{length}")
            }
            Err(other) => panic!("{length}: {other:?}"),
        }
        let to = out.path().join(length.to_string());
        fs_err::create_dir(&to).unwrap();
        assert!(rpm::extract(&path, &to).is_err(), "{length}");
    }
}

/// A package with one file more, as only an evil packager would make it.
fn evil(path: &str, kind: FileKind, folder: &Path) -> PathBuf {
    let mut package = Module::new().packages().source;
    // In front of all others.
    package
        .files
        .insert(0, File { kind, permissions: 0o6777, class: String::new(), ..File::text(path, *b"") });
    let to = folder.join("evil.rpm");
    rpm::write(&package, None, &to).unwrap();
    to
}

fn text(text: &str) -> FileKind {
    FileKind::Regular(Content::Memory(text.as_bytes().into()))
}

fn link(target: &str) -> FileKind {
    FileKind::Symlink { target: target.to_owned() }
}

#[test]
fn nothing_gets_out_of_the_folder() {
    let cases = [
        ("../escaped", text("x")),
        ("a/../../escaped", text("x")),
        ("..", text("x")),
        ("a//b", text("x")),
        ("a/./b", text("x")),
        ("link", link("../escaped")),
        ("link", link("/etc/passwd")),
        ("link", link("a/../b")),
        ("..", FileKind::Directory),
    ];
    for (path, kind) in cases {
        let outer = tempfile::tempdir().unwrap();
        let package = evil(path, kind.clone(), outer.path());
        let inner = outer.path().join("inner");
        fs_err::create_dir(&inner).unwrap();
        let error = rpm::extract(&package, &inner).unwrap_err();
        assert!(matches!(error, Error::Damaged { .. }), "{path} {kind:?}: {error:?}");
        let left: Vec<_> =
            fs_err::read_dir(outer.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left.len(), 2, "{path} {kind:?}: {left:?}");
        rpm::inspect(&package).unwrap();
    }
}

#[test]
fn nothing_is_written_through_a_link() {
    // The package brings the link itself, and then a file behind it.
    let outer = tempfile::tempdir().unwrap();
    let mut package = Module::new().packages().source;
    let file = |path: &str, kind: FileKind| File { path: path.to_owned(), kind, ..package.files[0].clone() };
    let behind = [file("a", FileKind::Directory), file("link", link("a")), file("link/b", text("x"))];
    package.files.splice(0..0, behind);
    let path = outer.path().join("evil.rpm");
    rpm::write(&package, None, &path).unwrap();
    let inner = outer.path().join("inner");
    fs_err::create_dir(&inner).unwrap();
    assert!(rpm::extract(&path, &inner).is_err());
    assert!(!inner.join("a/b").exists());

    // And one that somebody else put there.
    fs_err::create_dir_all(outer.path().join("second")).unwrap();
    std::os::unix::fs::symlink("/tmp", outer.path().join("second/d")).unwrap();
    let package = evil("d/escaped-from-modgraft", text("x"), outer.path());
    assert!(rpm::extract(&package, &outer.path().join("second")).is_err());
    assert!(!Path::new("/tmp/escaped-from-modgraft").exists());
}

#[test]
fn set_id_bits_and_existing_files_are_left_alone() {
    use std::os::unix::fs::PermissionsExt;
    let outer = tempfile::tempdir().unwrap();
    let package = evil("tool", text("x"), outer.path());
    let inner = outer.path().join("inner");
    fs_err::create_dir(&inner).unwrap();
    rpm::extract(&package, &inner).unwrap();
    assert_eq!(inner.join("tool").metadata().unwrap().permissions().mode() & 0o7000, 0);
    fs_err::write(inner.join("tool"), "mine").unwrap();
    assert!(matches!(rpm::extract(&package, &inner), Err(Error::Io(_))));
    assert_eq!(fs_err::read(inner.join("tool")).unwrap(), b"mine");
}

#[test]
fn control_characters_do_not_reach_the_terminal() {
    let outer = tempfile::tempdir().unwrap();
    let package = evil("a\x1b[2Jb", text("x"), outer.path());
    let text = rpm::inspect(&package).unwrap().text();
    assert!(!text.contains('\x1b') && text.contains("[2Jb"), "{text}");
}
