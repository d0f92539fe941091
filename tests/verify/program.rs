//! The command, as a person or a script runs it.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use ::rpm::{BuildConfig, IndexData, PackageBuilder};
use modgraft::profile::Profile;

use crate::edit::Parts;
use crate::made::{Place, RELEASES};
use crate::support::{key, run};

fn verify(place: &Place, arguments: &[&str], package: &Path) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_modgraft"));
    command.current_dir(place.folder.path()).env("NO_COLOR", "1").arg("verify").args(arguments).arg(package);
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn one_line_for_each_release() {
    let place = Place::new();
    let package = place.package(&Profile::named("el9").unwrap(), Some(&**key()));
    let (code, out, err) = verify(&place, &["--as", "el7,el9", "--key", "keys.asc"], &package);
    assert_eq!(code, Some(3), "{err}");
    let releases: Vec<&str> = out.lines().filter(|line| line.trim_start().starts_with("el")).collect();
    assert_eq!(releases.len(), 2, "{out}");
    assert!(
        releases[0].starts_with(
            "      el7  refused   its payload is compressed by zstd, which rpm 4.11 cannot read; "
        ),
        "{out}"
    );
    assert_eq!(releases[1], "      el9  accepted");
    assert!(
        out.contains("signature  RSA/SHA256 of header (tag 268), key ")
            && out.contains("good, by modgraft development key"),
        "{out}"
    );
    assert_eq!(err, "");
    assert_eq!(verify(&place, &["--as", "el9", "--key", "keys.asc"], &package).0, Some(0));

    // Without keys it says so, once, and judges the rest.
    let (code, out, err) = verify(&place, &["--as", "el8,el9"], &package);
    assert_eq!((code, err.matches("without --key").count()), (Some(0), 1), "{err}");
    assert!(out.contains("not judged, as no key was given"), "{out}");

    let (code, out, _) = verify(&place, &["--json", "--key", "keys.asc"], &package);
    let said: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, out.lines().count()), (Some(3), 1));
    let releases: Vec<&str> =
        said["releases"].as_array().unwrap().iter().map(|one| one["release"].as_str().unwrap()).collect();
    assert_eq!(releases, RELEASES);
    assert_eq!(
        (&said["releases"][1]["accepted"], &said["releases"][3]["accepted"]),
        (&false.into(), &true.into())
    );

    // A flipped bit, by the command.
    let mut bytes = fs_err::read(&package).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs_err::write(place.path("flipped.rpm"), bytes).unwrap();
    let (code, out, _) = verify(&place, &["--as", "el9", "--key", "keys.asc"], &place.path("flipped.rpm"));
    assert!(code == Some(3) && out.contains("BAD") && out.contains("it was changed"), "{out}");
}

#[test]
fn what_is_no_package_or_release() {
    let place = Place::new();
    fs_err::write(
        place.path("noise.rpm"),
        "no package at all, though it is long enough to have a lead".repeat(4),
    )
    .unwrap();
    let delta = [&b"drpm"[..], &[0; 200]].concat();
    fs_err::write(place.path("only.drpm"), delta).unwrap();
    let (code, _, err) = verify(&place, &[], &place.path("noise.rpm"));
    assert!(code == Some(3) && err.contains("is no RPM package"), "{err}");
    let (code, _, err) = verify(&place, &[], &place.path("only.drpm"));
    assert!(code == Some(3) && err.contains("applydeltarpm"), "{err}");
    // Nobody writes to it.
    run(Command::new("mkfifo").arg(place.path("pipe.rpm")));
    let (code, _, err) = verify(&place, &[], &place.path("pipe.rpm"));
    assert!(code == Some(3) && err.contains("it is no regular file"), "{err}");
    let package = place.package(&Profile::named("el9").unwrap(), Some(&**key()));
    let (code, _, err) = verify(&place, &["--as", "el99"], &package);
    assert!(code != Some(0) && err.contains("there is no profile `el99`"), "{err}");
    let (code, _, err) = verify(&place, &["--key", "absent"], &package);
    assert!(code == Some(2) && err.contains("there is no key file absent"), "{err}");
}

#[test]
fn a_file_that_cannot_be_read_spoils_no_other() {
    use std::os::unix::ffi::OsStrExt;

    let place = Place::new();
    let package = place.package(&Profile::named("el9").unwrap(), Some(&**key()));
    fs_err::copy(&package, place.path("good.rpm")).unwrap();
    fs_err::write(place.path("junk.rpm"), "x".repeat(200)).unwrap();
    // A name that is no UTF-8 has a place in JSON, too.
    let odd = Path::new(std::ffi::OsStr::from_bytes(b"odd\xff.rpm"));
    fs_err::copy(&package, place.folder.path().join(odd)).unwrap();
    let run = |arguments: &[&str], last: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_modgraft"));
        command.current_dir(place.folder.path()).env("NO_COLOR", "1").args(arguments).arg(last);
        let Output { status, stdout, stderr } = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (status.code(), text(stdout), text(stderr))
    };
    let files = ["good.rpm", "junk.rpm", "absent.rpm"];
    for command in [&["verify", "--as", "el9", "--key", "keys.asc", "--json"][..], &["inspect", "--json"]] {
        let (code, out, err) = run(&[command, &files].concat(), odd);
        assert_eq!(code, Some(3), "{err}");
        let lines: Vec<serde_json::Value> =
            out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let told = |line: &serde_json::Value| {
            (line["error"]["code"].as_str().map(str::to_owned), line["exit_code"].as_u64())
        };
        let expected = [
            (None, None),
            (Some("modgraft::rpm::not_a_package".to_owned()), Some(3)),
            (Some("modgraft::rpm::no_file".to_owned()), Some(2)),
            (None, None),
        ];
        assert_eq!(lines.iter().map(told).collect::<Vec<_>>(), expected, "{out}");
        let named: Vec<&str> = lines.iter().map(|line| line["file"].as_str().unwrap()).collect();
        assert_eq!(named, [files[0], files[1], files[2], "odd\u{fffd}.rpm"]);
        assert_eq!(err.matches("error[").count(), 2, "{err}");
    }
    let (code, out, err) = run(&["verify", "--as", "el9", "--key", "keys.asc", "good.rpm", "junk.rpm"], odd);
    assert!(code == Some(3) && err.contains("junk.rpm is no RPM package"), "{err}");
    assert_eq!(out.matches("      el9  accepted").count(), 2, "{out}");
}

#[test]
fn a_package_that_is_not_there_is_a_matter_of_what_was_typed() {
    let place = Place::new();
    let absent = place.path("absent.rpm");
    for command in [&["verify"][..], &["inspect"], &["resign", "--remove"], &["sign", "--export", "d"]] {
        let mut command_line = Command::new(env!("CARGO_BIN_EXE_modgraft"));
        let output = command_line.env("NO_COLOR", "1").args(command).arg(&absent).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{command:?}: {said}");
        assert!(
            said.contains("error[modgraft::rpm::no_file]: there is no file") && said.contains("help:"),
            "{said}"
        );
    }
}

/// What each release says, `None` where it accepts.
fn reasons(place: &Place, package: &Path) -> Vec<(String, Vec<String>)> {
    let verified = place.verified(package, false);
    let six = verified.releases.into_iter().filter(|one| RELEASES.contains(&one.release.as_str()));
    let mut six: Vec<_> = six.map(|one| (one.release, one.reasons)).collect();
    six.sort_by_key(|(release, _)| RELEASES.iter().position(|one| one == release));
    six
}

fn refusing(reasons: &[(String, Vec<String>)], reason: &str) -> Vec<String> {
    let refusing = reasons.iter().filter(|(_, reasons)| reasons.iter().any(|one| one.contains(reason)));
    refusing.map(|(release, _)| release.clone()).collect()
}

#[test]
fn other_forms_of_packages() {
    let place = Place::new();
    let path = place.path("other.rpm");

    // Version 6, by another program.
    let mut builder = PackageBuilder::new("six", "1", "MIT", "noarch", "s");
    builder.using_config(BuildConfig::v6()).build().unwrap().write_file(&path).unwrap();
    let six = reasons(&place, &path);
    assert_eq!(refusing(&six, "it is of version 6, which rpm 4."), ["el6", "el7"], "{six:#?}");
    assert_eq!(refusing(&six, "not signed"), ["fedora"], "{six:#?}");
    let notes = place.verified(&path, false).text();
    assert!(
        notes.contains("it is of version 6: rpm 4.16 installs it, and does not find its signatures"),
        "{notes}"
    );

    // A difference that has the form of a package.
    let universal = place.package(&Profile::named("el6").unwrap(), None);
    let mut delta = Parts::of(&universal);
    delta.change_header(|entries| {
        entries
            .iter_mut()
            .filter(|(tag, _)| *tag == 1124)
            .for_each(|(_, data)| *data = IndexData::StringTag("drpm".into()));
    });
    delta.write(&path);
    assert_eq!(refusing(&reasons(&place, &path), "applydeltarpm"), RELEASES);

    // rpm 3's: nothing marks the header's bounds.
    let mut bytes = fs_err::read(&universal).unwrap();
    let header = crate::edit::header_start(&bytes);
    assert_eq!(bytes[header + 16..header + 20], 63_u32.to_be_bytes());
    bytes[header + 16..header + 20].copy_from_slice(&60_u32.to_be_bytes());
    fs_err::write(&path, bytes).unwrap();
    match modgraft::rpm::examine(&path, None) {
        Ok(examined) => assert_eq!(examined.version, 3),
        Err(error) => assert!(matches!(error, modgraft::rpm::Error::Damaged { .. }), "{error:?}"),
    }

    // A source package is judged as any other.
    let mut module = crate::support::module::Module::new();
    module.target.profile = Profile::named("el6").unwrap();
    let source = place.write(&module.packages().source, Some(&**key()));
    let text = place.verified(&source, true).text();
    assert!(text.contains(".src, a source package") && text.contains("      el6  accepted\n"), "{text}");
}

#[test]
fn what_it_requires_of_rpm() {
    let place = Place::new();
    let universal = place.package(&Profile::named("el6").unwrap(), None);
    let with = |names: &[(&str, &str)], weak: bool| {
        let mut parts = Parts::of(&universal);
        parts.change_header(|entries| {
            let strings = |texts: Vec<String>| IndexData::StringArray(texts);
            for (tag, data) in entries.iter_mut() {
                match (tag, data) {
                    (1049, IndexData::StringArray(all)) => {
                        all.extend(names.iter().map(|(name, _)| (*name).to_owned()))
                    }
                    (1050, IndexData::StringArray(all)) => {
                        all.extend(names.iter().map(|(_, version)| (*version).to_owned()))
                    }
                    (1048, IndexData::Int32(all)) => all.extend(names.iter().map(|_| 10 | 1 << 24)),
                    _ => {}
                }
            }
            if weak {
                entries.push((5046, strings(vec!["y".into()])));
                entries.push((5047, strings(vec![String::new()])));
                entries.push((5048, IndexData::Int32(vec![0])));
            }
            entries.sort_by_key(|(tag, _)| *tag);
        });
        let path = place.path("requires.rpm");
        parts.write(&path);
        (reasons(&place, &path), place.verified(&path, false).text())
    };
    let old: &[&str] = &["el6", "el7"];
    assert_eq!(
        refusing(
            &with(&[("rpmlib(TildeInVersions)", "4.10.0-1")], false).0,
            "rpmlib(TildeInVersions) <= 4.10.0-1"
        ),
        ["el6"]
    );
    assert_eq!(
        refusing(&with(&[("rpmlib(CaretInVersions)", "4.15.0-1")], false).0, "which rpm 4."),
        ["el6", "el7", "el8"]
    );
    assert_eq!(
        refusing(
            &with(&[("rpmlib(RichDependencies)", "4.12.0-1"), ("(a or b)", "")], false).0,
            "RichDependencies"
        ),
        old
    );
    assert_eq!(refusing(&with(&[("(a or b)", "")], false).0, "does not know rich dependencies"), old);
    assert_eq!(refusing(&with(&[("rpmlib(Telepathy)", "9")], false).0, "rpmlib(Telepathy) <= 9"), RELEASES);
    let (weak, text) = with(&[], true);
    assert_eq!(refusing(&weak, "recommends"), [""; 0]);
    assert_eq!(text.matches("does not know what it recommends").count(), 3, "{text}");
}

#[test]
fn every_package_of_rpmbuild_is_as_it_says() {
    // Sizes and digests are stated by another program here.
    let place = Place::new();
    let spec = place.path("other.spec");
    let text = "Name: other\nVersion: 1\nRelease: 1\nSummary: s\nLicense: x\nBuildArch: noarch\n%description\ns\n%install\n\
                mkdir -p %{buildroot}/a\nhead -c 100001 /dev/zero > %{buildroot}/a/b\nln -s b %{buildroot}/a/c\n%files\n/a\n";
    fs_err::write(&spec, text).unwrap();
    for payload in ["w9.gzdio", "w3.zstdio", "w6.xzdio"] {
        let top = format!("_topdir {}", place.path("top").display());
        let payload = format!("_binary_payload {payload}");
        crate::support::run(
            Command::new("rpmbuild").args(["-bb", "--define", &top, "--define", &payload]).arg(&spec),
        );
        let package = place.path("top/RPMS/noarch/other-1-1.noarch.rpm");
        let profile: Arc<Profile> = Profile::named("debian").unwrap();
        let examined = modgraft::rpm::examine(&package, None).unwrap();
        assert!(
            examined.sizes.len() == 2 && examined.sizes.iter().all(|size| size.actual == Some(size.stated)),
            "{examined:?}"
        );
        let release = modgraft::verify::ForRelease::of(&examined, false, &profile);
        assert!(release.accepted, "{payload}: {release:?}");
    }
}
