//! Packages as modgraft writes them, before the real rpm.

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use modgraft::package::PackageSet;
use modgraft::profile::Profile;
use modgraft::rpm::{self, Destinations, WrittenSet};
use modgraft::sign::{self, BoxedSigner};
use support::module::Module;
use support::{key, run, run_fails};

fn write(set: &PackageSet, signer: Option<&BoxedSigner>, folder: &Path) -> WrittenSet {
    let to = Destinations {
        binary: folder.join(set.binary.file_name()),
        debuginfo: folder.join(set.debuginfo.file_name()),
        source: folder.join(set.source.file_name()),
    };
    rpm::write_set(set, signer.map(|signer| &**signer as &dyn sign::Signer), &to).unwrap()
}

fn paths(written: &WrittenSet) -> [PathBuf; 3] {
    [written.binary.path.clone(), written.debuginfo.path.clone(), written.source.path.clone()]
}

/// rpm with a database of its own.
fn rpm(program: &str, database: &Path) -> Command {
    let mut command = Command::new(program);
    command.arg("--dbpath").arg(database);
    command
}

#[test]
fn rpm_verifies_digests_and_signatures() {
    for family in ["debian", "el6", "el7", "el9"] {
        let mut module = Module::new();
        module.target.profile = Profile::named(family).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let key = key();
        let written = write(&module.packages(), Some(key), folder.path());
        let database = folder.path().join("db");
        let public = folder.path().join("key.asc");
        fs_err::write(&public, &key.key().public_key).unwrap();
        run(rpm("rpmkeys", &database).arg("--import").arg(&public));
        for path in paths(&written) {
            let report = run(rpm("rpmkeys", &database).arg("-Kv").arg(&path));
            let id = key.key().key_id[8..].to_lowercase();
            assert!(report.contains(&format!("V4 RSA/SHA256 Signature, key ID {id}: OK")), "{report}");
            for digest in [
                "Header SHA256 digest: OK",
                "Header SHA1 digest: OK",
                "Payload SHA256 digest: OK",
                "MD5 digest: OK",
            ] {
                assert!(report.contains(digest), "{digest}: {report}");
            }
            // One over the header, and for the old ones another over header and payload.
            let signatures = report.matches("RSA/SHA256 Signature").count();
            assert_eq!(
                signatures,
                if family.starts_with("el6") || family == "el7" { 2 } else { 1 },
                "{report}"
            );

            // A flipped byte at the end of the payload is found.
            let mut bytes = fs_err::read(&path).unwrap();
            let last = bytes.len() - 9;
            bytes[last] ^= 1;
            fs_err::write(&path, bytes).unwrap();
            let report = run_fails(rpm("rpmkeys", &database).arg("-Kv").arg(&path));
            assert!(report.contains("Payload SHA256 digest: BAD"), "{report}");
        }
    }
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let module = Module::new();
    let folder = tempfile::tempdir().unwrap();
    let key = key();
    let digests = |name: &str| {
        let to = folder.path().join(name);
        fs_err::create_dir(&to).unwrap();
        let written = write(&module.packages(), Some(key), &to);
        for (path, written) in
            paths(&written).iter().zip([&written.binary, &written.debuginfo, &written.source])
        {
            let sum = run(Command::new("sha256sum").arg(path));
            assert!(sum.starts_with(&written.sha256), "{sum}");
            assert_eq!(path.metadata().unwrap().len(), written.size);
        }
        [written.binary.sha256, written.debuginfo.sha256, written.source.sha256]
    };
    assert_eq!(digests("first"), digests("second"));
}

#[test]
fn nothing_is_left_where_it_cannot_be_written() {
    let module = Module::new();
    let set = module.packages();
    let folder = tempfile::tempdir().unwrap();
    let absent = folder.path().join("absent/package.rpm");
    let error = rpm::write(&set.binary, None, &absent).unwrap_err();
    assert!(matches!(error, rpm::Error::Write { .. }), "{error:?}");
    fs_err::remove_file(&module.object.file).unwrap();
    let error = rpm::write(&set.binary, None, &folder.path().join("package.rpm")).unwrap_err();
    assert!(matches!(error, rpm::Error::Io(_)) && error.to_string().contains("mod_tiny.so"), "{error:?}");
    assert_eq!(fs_err::read_dir(folder.path()).unwrap().count(), 0);
}
