//! Debian packages as a stranger may make them. Those of rpm are tried with real ones, in `tests/unpack.rs`.

use std::path::Path;

use super::*;

const CONTROL: &str = "Package: httpd-x\nVersion: 1:2.4-1\nArchitecture: amd64\nDescription: x\n more\n";

struct Deb {
    members: Vec<(String, Vec<u8>)>,
}

impl Deb {
    fn of(data_name: &str, data: &[u8]) -> Self {
        let control = tar(&[("./control", tar::EntryType::Regular, CONTROL)]);
        let member = |name: &str, bytes: &[u8]| (name.to_owned(), bytes.to_owned());
        let members =
            vec![member("debian-binary", b"2.0\n"), member("control.tar", &control), member(data_name, data)];
        Deb { members }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut archive = ar::Builder::new(Vec::new());
        for (name, data) in &self.members {
            let header = ar::Header::new(name.clone().into_bytes(), data.len() as u64);
            archive.append(&header, &data[..]).unwrap();
        }
        archive.into_inner().unwrap()
    }

    fn unpacked(&self) -> (tempfile::TempDir, Result<(), Error>) {
        unpacked(&self.bytes())
    }

    fn refused(&self) -> String {
        self.unpacked().1.unwrap_err().to_string()
    }
}

fn unpacked(bytes: &[u8]) -> (tempfile::TempDir, Result<(), Error>) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.deb");
    fs_err::write(&file, bytes).unwrap();
    let limits = Limits { file: 1 << 20, ..Limits::default() };
    let mut tree = Tree::create(&folder.path().join("root"), Leave::Documentation, limits).unwrap();
    let result = unpack(&file, &mut tree).and_then(|()| tree.finish());
    (folder, result)
}

/// A tar archive of entries: a path, a kind, and content or a link's target. Paths are taken as they are.
fn tar(entries: &[(&str, tar::EntryType, &str)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (path, kind, text) in entries {
        let mut header = tar::Header::new_gnu();
        header.as_gnu_mut().unwrap().name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_entry_type(*kind);
        header.set_mode(0o644);
        if matches!(kind, tar::EntryType::Symlink | tar::EntryType::Link) {
            header.set_link_name_literal(text).unwrap();
            header.set_size(0);
            header.set_cksum();
            archive.append(&header, &[][..]).unwrap();
        } else {
            header.set_size(text.len() as u64);
            header.set_cksum();
            archive.append(&header, text.as_bytes()).unwrap();
        }
    }
    archive.into_inner().unwrap()
}

fn plain() -> Vec<u8> {
    use tar::EntryType::{Directory, Link, Regular, Symlink};
    tar(&[
        ("./", Directory, ""),
        ("./usr/bin/tool", Regular, "abc"),
        ("./usr/bin/other", Symlink, "/usr/bin/tool"),
        ("./usr/bin/same", Link, "./usr/bin/tool"),
        ("./dev/null", tar::EntryType::Char, ""),
    ])
}

fn packed(write: impl FnOnce(&[u8]) -> std::io::Result<Vec<u8>>) -> Vec<u8> {
    write(&plain()).unwrap()
}

fn encoded(mut encoder: impl Read) -> std::io::Result<Vec<u8>> {
    let mut out = Vec::new();
    encoder.read_to_end(&mut out).map(|_| out)
}

#[test]
fn each_compression_is_unpacked() {
    let cases = [
        ("data.tar", plain()),
        (
            "data.tar.gz",
            packed(|data| encoded(flate2::read::GzEncoder::new(data, flate2::Compression::fast()))),
        ),
        (
            "data.tar.bz2",
            packed(|data| encoded(bzip2::read::BzEncoder::new(data, bzip2::Compression::fast()))),
        ),
        ("data.tar.xz", packed(|data| encoded(liblzma::read::XzEncoder::new(data, 1)))),
        ("data.tar.zst", packed(|data| zstd::encode_all(data, 1))),
    ];
    for (name, data) in cases {
        let (folder, result) = Deb::of(name, &data).unpacked();
        result.unwrap();
        for file in ["tool", "other", "same"] {
            let content = fs_err::read(folder.path().join("root/usr/bin").join(file)).unwrap();
            assert_eq!(content, b"abc", "{name} {file}");
        }
        assert!(!folder.path().join("root/dev/null").exists());
    }
}

#[test]
fn a_package_says_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("any.name");
    fs_err::write(&file, Deb::of("data.tar", &plain()).bytes()).unwrap();
    let id = describe(&file, &Limits::default()).unwrap();
    assert_eq!((id.kind, &*id.name, &*id.version, &*id.arch), (Kind::Deb, "httpd-x", "1:2.4-1", "amd64"));
    assert_eq!(id.size, file.metadata().unwrap().len());
    assert_eq!(id.sha256.len(), 64);
    for (field, bad) in
        [("httpd-x", "../x"), ("1:2.4-1", "1 2"), ("amd64", "a\u{1b}[0m"), ("Package:", "Packag:")]
    {
        let mut deb = Deb::of("data.tar", &plain());
        deb.members[1].1 = tar(&[("control", tar::EntryType::Regular, &CONTROL.replace(field, bad))]);
        fs_err::write(&file, deb.bytes()).unwrap();
        let error = describe(&file, &Limits::default()).unwrap_err();
        assert!(matches!(error, Error::Damaged { .. }), "{bad}: {error}");
        assert!(!error.to_string().contains('\u{1b}'));
    }
}

#[test]
fn nothing_leaves_the_root() {
    use tar::EntryType::{Directory, Link, Regular, Symlink};
    let data = tar(&[
        ("a", Symlink, "../../.."),
        ("a/out", Regular, "x"),
        ("b", Symlink, "/etc"),
        ("b/c", Directory, ""),
    ]);
    let (folder, result) = Deb::of("data.tar", &data).unpacked();
    result.unwrap();
    assert!(folder.path().join("root/a/out").is_file());
    assert_eq!(fs_err::read_dir(folder.path()).unwrap().count(), 2, "the package and the root");
    for entry in [
        ("../out", Regular, "x"),
        ("usr/../../out", Regular, "x"),
        ("..", Directory, ""),
        ("a/../../b", Symlink, "x"),
        ("a", Link, "../../etc/passwd"),
    ] {
        let (folder, result) = Deb::of("data.tar", &tar(&[entry])).unpacked();
        assert!(matches!(result, Err(Error::Outside { .. })), "{entry:?}: {result:?}");
        assert_eq!(fs_err::read_dir(folder.path()).unwrap().count(), 2);
    }
}

#[test]
fn bombs_are_stopped() {
    let mut header = tar::Header::new_gnu();
    header.set_path("bomb").unwrap();
    header.set_size(40 << 20);
    header.set_mode(0o644);
    header.set_cksum();
    let mut archive = tar::Builder::new(Vec::new());
    archive.append(&header, std::io::repeat(0).take(40 << 20)).unwrap();
    let small = zstd::encode_all(&archive.into_inner().unwrap()[..], 1).unwrap();
    assert!(small.len() < 100_000);
    let said = Deb::of("data.tar.zst", &small).refused();
    assert!(said.ends_with("bomb has more than 1 MB"), "{said}");

    // A name that is read into memory.
    let mut archive = tar::Builder::new(Vec::new());
    header.set_entry_type(tar::EntryType::GNULongName);
    header.set_cksum();
    archive.append(&header, std::io::repeat(b'a').take(40 << 20)).unwrap();
    let said = Deb::of("data.tar", &archive.into_inner().unwrap()).refused();
    assert!(said.ends_with("a name of more than 4096 bytes"), "{said}");

    // More than all may have, and none of it a file.
    let tree_limits = Limits { all: 1 << 20, ..Limits::default() };
    let folder = tempfile::tempdir().unwrap();
    let mut tree = Tree::create(&folder.path().join("root"), Leave::Documentation, tree_limits).unwrap();
    let many = vec![("usr/share/doc/x", tar::EntryType::Regular, "x"); 3000];
    let file = folder.path().join("x.deb");
    fs_err::write(&file, Deb::of("data.tar", &tar(&many)).bytes()).unwrap();
    let said = unpack(&file, &mut tree).unwrap_err().to_string();
    assert!(said.ends_with("it unpacks to more than 2 MiB"), "{said}");

    let limits = Limits { package: 1000, ..Limits::default() };
    assert!(matches!(describe(&file, &limits), Err(Error::TooLarge { .. })));
}

#[test]
fn long_names_are_read() {
    let long = format!("usr/{}/x", "a/".repeat(80));
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(1);
    header.set_mode(0o644);
    archive.append_data(&mut header, &long, &b"x"[..]).unwrap();
    header.set_size(0);
    header.set_entry_type(tar::EntryType::Symlink);
    archive.append_link(&mut header, "link", &long).unwrap();
    let (folder, result) = Deb::of("data.tar", &archive.into_inner().unwrap()).unpacked();
    result.unwrap();
    assert_eq!(fs_err::read(folder.path().join("root/link")).unwrap(), b"x");
}

#[test]
fn every_length_of_a_cut_package_is_refused() {
    for (name, data) in [
        ("data.tar", plain()),
        (
            "data.tar.gz",
            packed(|data| encoded(flate2::read::GzEncoder::new(data, flate2::Compression::fast()))),
        ),
    ] {
        let whole = Deb::of(name, &data).bytes();
        for length in (0..whole.len()).step_by(7) {
            assert!(unpacked(&whole[..length]).1.is_err(), "{name}: {length}");
        }
    }
}

#[test]
fn other_files_are_told() {
    let data = plain();
    let said = |change: &dyn Fn(&mut Deb)| {
        let mut deb = Deb::of("data.tar", &data);
        change(&mut deb);
        deb.refused()
    };
    for (expected, change) in [
        ("it has no data.tar", &(|deb: &mut Deb| deb.members[2].0 = "other".to_owned()) as &dyn Fn(&mut Deb)),
        ("unknown compression (\".br\")", &|deb| deb.members[2].0 = "data.tar.br".to_owned()),
        ("no Debian package", &|deb| deb.members[0].0 = "x".to_owned()),
        ("of another format than 2", &|deb| deb.members[0].1 = b"3.0\n".to_vec()),
        ("too many members", &|deb| {
            deb.members.splice(1..1, std::iter::repeat_n(("_x".to_owned(), Vec::new()), 40));
        }),
        ("cannot be read", &|deb| {
            deb.members[2] = ("data.tar.xz".to_owned(), b"not at all compressed by xz".to_vec())
        }),
        ("an entry of the kind `x`", &|deb| {
            deb.members[2].1 = tar(&[("x", tar::EntryType::XHeader, "30 size=1\n")]);
        }),
    ] {
        let said = said(change);
        assert!(said.contains(expected), "{expected}: {said}");
    }
    for bytes in [&b"<html>not found</html>"[..], b"", b"!<arch>"] {
        assert!(matches!(unpacked(bytes).1, Err(Error::NotAPackage { .. })));
    }
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(describe(folder.path(), &Limits::default()), Err(Error::NotAPackage { .. })));
    assert!(matches!(describe(Path::new("/nonexistent/x.deb"), &Limits::default()), Err(Error::Io(_))));
}
