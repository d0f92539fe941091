//! Patch files, releases and plain trees.

mod source_support;

use std::io::Write;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use modgraft::Kind;
use modgraft::source::{self, Error, MAX_PATCH_BYTES, Options, SourceSpec, Sources, Tree};
use sha2::{Digest, Sha256};
use source_support::{MODULE, options, write};

const PATCH: &str = "--- a/x.c\n+++ b/x.c\n@@ -1 +1 @@\n-x\n+y\n";

fn patches(folder: &Path, files: &[&str]) -> Result<Sources, Error> {
    let files = files.iter().map(PathBuf::from).collect();
    source::fetch(&SourceSpec::Patches { files, base: None }, folder, &options(&folder.join("cache")))
}

#[test]
fn patches_are_read_in_order_and_untouched() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "b.patch", PATCH.replace('\n', "\r\n"));
    write(folder.path(), "below/a.patch", PATCH);
    let sources = patches(folder.path(), &["b.patch", "below/a.patch"]).unwrap();
    let names: Vec<&str> = sources.patches.iter().map(|patch| patch.name.as_str()).collect();
    assert_eq!((names, sources.description.as_str()), (vec!["b.patch", "a.patch"], "2 patches"));
    assert_eq!(&*sources.patches[0].bytes, PATCH.replace('\n', "\r\n").as_bytes());
    assert_eq!(sources.patches[1].sha256, hex(PATCH.as_bytes()));
    assert!(!folder.path().join("cache").exists(), "nothing was fetched, nothing is cached");
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn what_is_no_patch_file_is_told_without_waiting_or_reading_it_all() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let fails = |name: &str| patches(folder.path(), &[name]).unwrap_err();

    assert_eq!(patches(folder.path(), &[]).unwrap_err().kind(), Kind::Usage);
    assert!(matches!(fails("missing.patch"), Error::PatchMissing { .. }));
    write(folder.path(), "series/1.patch", PATCH);
    let Error::PatchSpecial { what, help, .. } = fails("series") else { panic!("a folder was read") };
    assert_eq!((what, help.as_str()), ("a folder", "name the patch files themselves: it has 1.patch"));
    // Nobody writes into the pipe: whoever opens it in the plain way waits for ever.
    rustix::fs::mknodat(
        rustix::fs::CWD,
        at("pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from(0o600),
        0,
    )
    .unwrap();
    assert!(matches!(fails("pipe"), Error::PatchSpecial { what: "a pipe", .. }));
    let _socket = UnixListener::bind(at("socket")).unwrap();
    assert!(matches!(fails("socket"), Error::PatchSpecial { what: "a socket", .. }));
    assert!(matches!(fails("/dev/zero"), Error::PatchSpecial { what: "a device", .. }));
    for empty in ["", "\n \r\n"] {
        write(folder.path(), "empty.patch", empty);
        assert!(matches!(fails("empty.patch"), Error::PatchEmpty { .. }), "{empty:?}");
    }
    for (bytes, words) in [
        (&b"\x1f\x8b\x08\0"[..], "compressed by gzip"),
        (b"BZh9", "compressed by bzip2"),
        (b"\xfd7zXZ\0", "compressed by xz"),
        (b"\xff\xfed\0i\0", "in UTF-16"),
    ] {
        write(folder.path(), "odd.patch", bytes);
        let Error::PatchEncoding { what, .. } = fails("odd.patch") else { panic!("{words} was read") };
        assert_eq!(what, words);
    }
    // A gigabyte that takes no room on the disk.
    let large = fs_err::File::create(at("large.patch")).unwrap();
    large.set_len(1 << 30).unwrap();
    let started = std::time::Instant::now();
    let error = fails("large.patch");
    assert!(matches!(error, Error::PatchTooLarge { .. }));
    assert!(error.to_string().ends_with("has more than 64 MiB"), "{error}");
    assert!(started.elapsed().as_millis() < 500, "it was read");
    large.set_len(MAX_PATCH_BYTES).unwrap();
    assert!(patches(folder.path(), &["large.patch"]).is_ok());
    write(folder.path(), "1.patch", PATCH);
    assert!(matches!(
        patches(folder.path(), &["1.patch", "series/1.patch"]),
        Err(Error::PatchNameTwice { .. })
    ));
    write(folder.path(), "a\nb.patch", PATCH);
    assert!(matches!(fails("a\nb.patch"), Error::PatchNameControl { .. }));
    write(folder.path(), "a b.patch", PATCH);
    assert_eq!(patches(folder.path(), &["a b.patch"]).unwrap().patches[0].name, "a b.patch");
}

/// A tar archive of these entries: path, and content or link target.
fn tarball(entries: &[(&str, Entry)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, entry) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        let content: &[u8] = match entry {
            Entry::File(text) => text.as_bytes(),
            Entry::Link(_) | Entry::Hard(_) | Entry::Device => b"",
        };
        header.set_size(content.len() as u64);
        header.set_entry_type(match entry {
            Entry::File(_) => tar::EntryType::Regular,
            Entry::Link(_) => tar::EntryType::Symlink,
            Entry::Hard(_) => tar::EntryType::Link,
            Entry::Device => tar::EntryType::Char,
        });
        if let Entry::Link(target) | Entry::Hard(target) = entry {
            header.set_link_name_literal(target).unwrap();
        }
        // The crate's own setter would refuse the paths that a hostile archive has.
        header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_cksum();
        builder.append(&header, content).unwrap();
    }
    builder.into_inner().unwrap()
}

enum Entry {
    File(&'static str),
    Link(&'static str),
    Hard(&'static str),
    Device,
}

fn release(folder: &Path, bytes: &[u8], files: &[&str]) -> Result<Sources, Error> {
    write(folder, "httpd-2.4.99.tar", bytes);
    release_at(folder, "httpd-2.4.99.tar", &hex(bytes), files, false)
}

fn release_at(
    folder: &Path,
    tarball: &str,
    sha256: &str,
    files: &[&str],
    offline: bool,
) -> Result<Sources, Error> {
    let files = files.iter().map(|file| (*file).to_owned()).collect();
    let spec = SourceSpec::Release { tarball: tarball.to_owned(), sha256: sha256.to_owned(), files };
    source::fetch(&spec, folder, &Options { offline, ..options(&folder.join("cache")) })
}

fn honest() -> Vec<u8> {
    tarball(&[
        ("httpd-2.4.99/modules/x/mod_x.c", Entry::File(MODULE)),
        ("httpd-2.4.99/modules/x/x.h", Entry::File("#define X\n")),
        ("httpd-2.4.99/README", Entry::File("read\n")),
        ("httpd-2.4.99/link", Entry::Link("modules/x/x.h")),
        ("httpd-2.4.99/again.h", Entry::Hard("httpd-2.4.99/modules/x/x.h")),
    ])
}

#[test]
fn a_release_is_unpacked_whatever_its_compression() {
    let folder = tempfile::tempdir().unwrap();
    let plain = honest();
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(&plain).unwrap();
    let mut bz = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    bz.write_all(&plain).unwrap();
    let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 1);
    xz.write_all(&plain).unwrap();
    for bytes in [plain, gz.finish().unwrap(), bz.finish().unwrap(), xz.finish().unwrap()] {
        let sources = release(folder.path(), &bytes, &["modules/x/mod_x.c", "./modules/x/x.h"]).unwrap();
        assert_eq!(sources.files, ["modules/x/mod_x.c", "modules/x/x.h"]);
        assert_eq!(sources.description, "2 files of httpd-2.4.99.tar");
        let tree = sources.base.unwrap();
        assert_eq!(tree.read("modules/x/mod_x.c").unwrap().as_deref(), Some(MODULE.as_bytes()));
        assert_eq!(tree.read("again.h").unwrap().as_deref(), Some(&b"#define X\n"[..]));
        assert_eq!(tree.read("link").unwrap(), None, "a symbolic link counts as absent");
        assert_eq!(tree.list("modules/x").unwrap(), ["modules/x/mod_x.c", "modules/x/x.h"]);
        assert_eq!(tree.list("").unwrap(), ["README", "again.h"]);
        // Cut in the middle, it has another digest; with that one stated, it is damaged.
        let cut = &bytes[..bytes.len() / 2];
        assert!(matches!(
            release(folder.path(), cut, &["README"]),
            Err(Error::Tarball { .. } | Error::FileMissing { .. })
        ));
    }
}

#[test]
fn a_release_is_verified_before_it_is_unpacked() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "x.tar", "not even a tar");
    let wrong = release_at(folder.path(), "x.tar", &"0".repeat(64), &["x"], false).unwrap_err();
    assert!(matches!(wrong, Error::Digest { .. }), "{wrong}");
    for text in ["", "abc", &"g".repeat(64)] {
        assert!(matches!(
            release_at(folder.path(), "x.tar", text, &["x"], false),
            Err(Error::DigestMalformed { .. })
        ));
    }
    let upper = hex(b"not even a tar").to_uppercase();
    assert!(matches!(release_at(folder.path(), "x.tar", &upper, &["x"], false), Err(Error::Tarball { .. })));
    let missing = release_at(folder.path(), "y.tar", &"0".repeat(64), &["x"], false).unwrap_err();
    assert_eq!(missing.kind(), Kind::Input, "{missing}");
    assert!(matches!(
        release_at(folder.path(), "ftp://x/y.tar", &"0".repeat(64), &["x"], false),
        Err(Error::Url { .. })
    ));
    let honest = honest();
    write(folder.path(), "x.tar", &honest);
    let by_url = format!("file://{}/x.tar", folder.path().display());
    assert!(release_at(folder.path(), &by_url, &hex(&honest), &["README"], true).is_ok());
    assert!(matches!(release_at(folder.path(), "x.tar", &hex(&honest), &[], false), Err(Error::NoFiles)));
    let Err(Error::FileMissing { help, .. }) =
        release_at(folder.path(), "x.tar", &hex(&honest), &["mod_x.c"], false)
    else {
        panic!("a file was found that is not there")
    };
    assert_eq!(help, "a file of that name is at modules/x/mod_x.c");
}

#[test]
fn an_archive_that_would_leave_its_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (path, entry, problem) in [
        ("/etc/x", Entry::File("x"), "its path is absolute"),
        ("httpd/../../x", Entry::File("x"), "its path has `..` in it"),
        ("httpd/x\ny", Entry::File("x"), "its path has a control character in it"),
        ("httpd/x", Entry::Link("/etc/passwd"), "it is a link that leaves the archive's folder"),
        ("httpd/a/x", Entry::Link("../../x"), "it is a link that leaves the archive's folder"),
        ("httpd/a/x", Entry::Hard("../x"), "it is a link that leaves the archive's folder"),
        ("httpd/null", Entry::Device, "it is a device or a pipe"),
    ] {
        let bytes = tarball(&[("httpd/README", Entry::File("x")), (path, entry)]);
        match release(folder.path(), &bytes, &["README"]) {
            Err(Error::TarballUnsafe { problem: found, .. }) => assert_eq!(found, problem, "{path}"),
            other => panic!("{path}: {other:?}"),
        }
    }
    assert!(matches!(release(folder.path(), &tarball(&[]), &["x"]), Err(Error::Tarball { .. })));
}

#[test]
fn an_archive_that_grows_without_end_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut header = tar::Header::new_gnu();
    header.set_path("httpd/bomb").unwrap();
    header.set_size(600 << 20);
    header.set_cksum();
    gz.write_all(header.as_bytes()).unwrap();
    let bytes = gz.finish().unwrap();
    let error = release(folder.path(), &bytes, &["bomb"]).unwrap_err();
    assert!(error.to_string().ends_with("unpacked, it has more than 512 MiB"), "{error}");
}

/// A web server on the loopback that answers one request.
fn serve(status: &'static str, body: Vec<u8>) -> (String, std::thread::JoinHandle<String>) {
    use std::io::Read;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/httpd-2.4.99.tar", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            request.push(byte[0]);
        }
        write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len())
            .unwrap();
        stream.write_all(&body).unwrap();
        String::from_utf8_lossy(&request).into_owned()
    });
    (url, server)
}

#[test]
fn a_release_is_downloaded_once() {
    let folder = tempfile::tempdir().unwrap();
    let honest = honest();
    let (url, server) = serve("200 OK", honest.clone());
    let digest = hex(&honest);
    let forbidden = release_at(folder.path(), &url, &digest, &["README"], true).unwrap_err();
    assert!(matches!(forbidden, Error::Offline { .. }), "{forbidden}");
    assert!(release_at(folder.path(), &url, &digest, &["README"], false).is_ok());
    assert!(server.join().unwrap().starts_with("GET /httpd-2.4.99.tar HTTP/1.1\r\n"));
    // Nobody answers any more.
    assert!(release_at(folder.path(), &url, &digest, &["README"], true).is_ok());

    let (url, server) = serve("404 Not Found", Vec::new());
    let missing = release_at(folder.path(), &url, &"1".repeat(64), &["README"], false).unwrap_err();
    assert!(matches!(&missing, Error::Download { detail, .. } if detail.contains("404")), "{missing}");
    server.join().unwrap();
    let (url, server) = serve("200 OK", b"something else".to_vec());
    let wrong = release_at(folder.path(), &url, &"1".repeat(64), &["README"], false).unwrap_err();
    assert!(matches!(wrong, Error::Digest { .. }), "{wrong}");
    server.join().unwrap();
    let left = fs_err::read_dir(folder.path().join("cache/downloads")).unwrap().count();
    assert_eq!(left, 1, "what was refused is not kept");

    // A file of that name beside the recipe needs no network.
    write(folder.path(), "httpd-2.4.99.tar", &honest);
    fs_err::remove_dir_all(folder.path().join("cache")).unwrap();
    assert!(release_at(folder.path(), &url, &digest, &["README"], true).is_ok());
}

#[test]
fn a_plain_tree_gives_nothing_from_outside() {
    let folder = tempfile::tempdir().unwrap();
    let tree = folder.path().join("mod_x");
    write(folder.path(), "secret.h", "secret\n");
    write(&tree, "mod_x.c", MODULE);
    write(&tree, "include/x.h", "#define X\n");
    write(&tree, ".git/config", "");
    std::os::unix::fs::symlink("include/x.h", tree.join("inside.h")).unwrap();
    std::os::unix::fs::symlink("../secret.h", tree.join("outside.h")).unwrap();
    std::os::unix::fs::symlink("..", tree.join("up")).unwrap();
    std::os::unix::fs::symlink(".", tree.join("round")).unwrap();
    let fetch = |files: &[&str]| {
        let files = files.iter().map(|file| (*file).to_owned()).collect();
        let spec = SourceSpec::Tree { directory: "mod_x".into(), files };
        source::fetch(&spec, folder.path(), &options(&folder.path().join("cache")))
    };
    let sources = fetch(&["mod_x.c", "inside.h"]).unwrap();
    assert_eq!(sources.files, ["mod_x.c", "inside.h"]);
    let base = sources.base.unwrap();
    assert_eq!(base.read("inside.h").unwrap().as_deref(), Some(&b"#define X\n"[..]));
    assert_eq!(base.walk("").unwrap(), ["include/x.h", "inside.h", "mod_x.c"]);
    assert_eq!(base.link_on("round/inside.h").unwrap().as_deref(), Some("round"));
    assert_eq!(base.link_on("include/x.h").unwrap(), None);
    for path in ["outside.h", "up/secret.h", "../secret.h", "/etc/passwd", ""] {
        assert!(matches!(fetch(&[path]), Err(Error::Outside { .. })), "{path}");
    }
    for path in ["include", "nothing.c", "mod_x.c/x"] {
        assert!(matches!(fetch(&[path]), Err(Error::FileMissing { .. })), "{path}");
    }
    assert!(matches!(fetch(&[]), Err(Error::NoFiles)));
}

#[test]
fn a_file_that_is_too_large_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    fs_err::File::create(folder.path().join("large.c")).unwrap().set_len(1 << 30).unwrap();
    let tree = Tree::directory(folder.path()).unwrap();
    assert!(matches!(tree.read("large.c"), Err(Error::FileTooLarge { .. })));
}
