//! Unpacking RPMs: rpmbuild's own under each compressor, damaged ones, and such as were made to do harm. Debian's packages are
//! tried in `tests/target_add.rs`, and what a stranger may make of them beside the code.

mod support;

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use modgraft::package::{Content, File, FileKind};
use modgraft::rpm;
use modgraft::unpack::{self, Error, Kind, Leave, Limits, Tree};
use support::module::Module;
use support::run;

const SPEC: &str = "\
Name: things\nEpoch: 3\nVersion: 1.5\nRelease: 2\nSummary: Of each kind one\nLicense: Apache-2.0\nBuildArch: noarch\n\
%description\nOf each kind one.\n\
%install\n\
mkdir -p %{buildroot}/usr/lib64/empty %{buildroot}/usr/share/doc/things %{buildroot}/lib64\n\
echo one > %{buildroot}/usr/lib64/one\n\
ln %{buildroot}/usr/lib64/one %{buildroot}/usr/lib64/two\n\
ln %{buildroot}/usr/lib64/one %{buildroot}/lib64/three\n\
ln -s /usr/lib64/one %{buildroot}/usr/lib64/link\n\
: > %{buildroot}/usr/lib64/nothing\n\
echo text > %{buildroot}/usr/share/doc/things/text\n\
echo gone > %{buildroot}/usr/lib64/ghost\n\
chmod 4755 %{buildroot}/usr/lib64/one\n\
%files\n%dir /usr/lib64/empty\n/usr/lib64/one\n/usr/lib64/two\n/usr/lib64/link\n/usr/lib64/nothing\n/lib64/three\n\
/usr/share/doc/things/text\n%ghost /usr/lib64/ghost\n%dev(c, 1, 3) /dev/things\n";

/// The package, its payload packed as rpmbuild's `_binary_payload` says.
fn built(payload: &str, folder: &Path) -> PathBuf {
    let spec = folder.join("things.spec");
    fs_err::write(&spec, SPEC).unwrap();
    let top = folder.join(payload);
    run(Command::new("rpmbuild")
        .arg("-bb")
        .args([
            "--define",
            &format!("_topdir {}", top.display()),
            "--define",
            &format!("_binary_payload {payload}"),
        ])
        .arg(&spec));
    top.join("RPMS/noarch/things-1.5-2.noarch.rpm")
}

fn unpacked(package: &Path, root: &Path) -> Result<(), Error> {
    let mut tree = Tree::create(root, Leave::Documentation, Limits::default())?;
    unpack::unpack(package, &mut tree)?;
    tree.finish()
}

#[test]
fn rpmbuilds_packages_are_unpacked_under_each_compressor() {
    let folder = tempfile::tempdir().unwrap();
    for payload in ["w9.gzdio", "w6.xzdio", "w3.zstdio", "w6.lzdio", "w9.bzdio"] {
        let package = built(payload, folder.path());
        let id = unpack::describe(&package, &Limits::default()).unwrap();
        assert_eq!((id.kind, &*id.name, &*id.version, &*id.arch), (Kind::Rpm, "things", "3:1.5-2", "noarch"));
        let digest = run(Command::new("sha256sum").arg(&package));
        assert_eq!(
            (digest.split(' ').next(), id.size),
            (Some(&*id.sha256), package.metadata().unwrap().len())
        );

        let root = folder.path().join(format!("root-{payload}"));
        unpacked(&package, &root).unwrap();
        let one = root.join("usr/lib64/one").metadata().unwrap();
        assert_eq!((one.mode() & 0o7777, one.len()), (0o755, 4), "{payload}");
        for name in ["usr/lib64/two", "lib64/three"] {
            assert_eq!(root.join(name).metadata().unwrap().ino(), one.ino(), "{payload}: {name}");
        }
        assert_eq!(fs_err::read(root.join("usr/lib64/link")).unwrap(), b"one\n", "{payload}");
        assert!(root.join("usr/lib64/empty").is_dir());
        assert_eq!(root.join("usr/lib64/nothing").metadata().unwrap().len(), 0);
        for name in ["usr/share/doc", "usr/lib64/ghost", "dev/things"] {
            assert!(!root.join(name).exists(), "{payload}: {name}");
        }
    }
}

#[test]
fn a_source_package_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("x.src.rpm");
    rpm::write(&Module::new().packages().source, None, &to).unwrap();
    let error = unpack::describe(&to, &Limits::default()).unwrap_err();
    assert!(error.to_string().ends_with("it is a source package"), "{error}");
}

#[test]
fn damaged_packages_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let good = fs_err::read(built("w3.zstdio", folder.path())).unwrap();
    let (path, root) = (folder.path().join("bad.rpm"), folder.path().join("root"));
    let refused = |bytes: &[u8], what: &str| {
        fs_err::write(&path, bytes).unwrap();
        assert!(unpacked(&path, &root).is_err(), "{what}");
        let written = walkdir::WalkDir::new(&root).into_iter().count();
        assert_eq!(written, 1, "{what}: the digests are checked before anything is written");
    };
    for length in (0..good.len()).step_by(97) {
        refused(&good[..length], &format!("cut at {length}"));
    }
    // The payload is what follows the last header; the one of the package begins with its magic number.
    let magic = [0x8e, 0xad, 0xe8, 0x01];
    let header = (0..good.len() - 4).rev().find(|at| good[*at..at + 4] == magic).unwrap();
    for at in (header..good.len()).step_by(31) {
        let mut bad = good.clone();
        bad[at] ^= 0x10;
        refused(&bad, &format!("flipped at {at}"));
    }
}

/// A package with one file more, in front, and digests that hold.
fn evil(path: &str, kind: FileKind, folder: &Path) -> PathBuf {
    let module = Module::new();
    let mut package = module.packages().binary;
    let file = File { path: path.to_owned(), kind, ..package.files[0].clone() };
    package.files.insert(0, File { provides: Vec::new(), requires: Vec::new(), ..file });
    let to = folder.join("evil.rpm");
    rpm::write(&package, None, &to).unwrap();
    to
}

#[test]
fn nothing_leaves_the_root() {
    let text = || FileKind::Regular(Content::Memory(b"x".as_slice().into()));
    let outer = tempfile::tempdir().unwrap();
    for path in ["/../escaped", "/usr/../../escaped"] {
        let package = evil(path, text(), outer.path());
        let error = unpacked(&package, &outer.path().join("root")).unwrap_err();
        assert!(matches!(error, Error::Outside { .. }), "{path}: {error}");
        fs_err::remove_dir_all(outer.path().join("root")).unwrap();
        assert_eq!(fs_err::read_dir(outer.path()).unwrap().count(), 1, "{path}");
    }
    // A link that leads out leads into the root, as it would on the target.
    let package =
        evil("/usr/escape", FileKind::Symlink { target: "../../../../etc".to_owned() }, outer.path());
    unpacked(&package, &outer.path().join("root")).unwrap();
    let leads_to = fs_err::read_link(outer.path().join("root/usr/escape")).unwrap();
    assert_eq!(leads_to, Path::new("../etc"));
}
