//! New signatures for packages that are there: modgraft's own, rpmbuild's, and those that rpmsign has signed.

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use modgraft::rpm;
use support::gnupg::{Gnupg, PLAIN, RSA};
use support::signing::{Said, modgraft, rpmkeys, unsigned};
use support::{key, run, run_fails};

/// A key of gpg's, and its public half in a file.
struct Release {
    gnupg: Gnupg,
    fingerprint: String,
    public: PathBuf,
}

impl Release {
    fn new() -> Self {
        let gnupg = Gnupg::new();
        let fingerprint = gnupg.generate(&format!("{RSA}{PLAIN}"));
        let public = gnupg.public(&gnupg.home.path().join("public.asc"));
        Release { gnupg, fingerprint, public }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = modgraft();
        command.env("GNUPGHOME", self.gnupg.home.path()).args(arguments);
        command.env("MODGRAFT_SIGN_KEY", format!("gpg:{}", self.fingerprint));
        command
    }
}

/// A package as rpmbuild makes it, and the same signed by rpmsign.
fn built(folder: &Path, signer: &Release) -> [PathBuf; 2] {
    let spec = folder.join("plain.spec");
    let text = "Name: plain\nVersion: 1\nRelease: 1\nSummary: s\nLicense: x\nBuildArch: noarch\n%description\ns\n%install\n\
                mkdir -p %{buildroot}/opt; head -c 300000 /dev/zero >%{buildroot}/opt/zero\n%files\n/opt/zero\n";
    fs_err::write(&spec, text).unwrap();
    let define = format!("_topdir {}", folder.join("top").display());
    run(Command::new("rpmbuild").args(["-bb", "--define", &define]).arg(&spec));
    let plain = folder.join("plain.rpm");
    fs_err::rename(folder.join("top/RPMS/noarch/plain-1-1.noarch.rpm"), &plain).unwrap();
    let signed = folder.join("signed.rpm");
    fs_err::copy(&plain, &signed).unwrap();
    let define = format!("_gpg_name {}", signer.fingerprint);
    let gpg = format!("__gpg {}", run(Command::new("sh").args(["-c", "command -v gpg"])).trim());
    run(Command::new("rpmsign")
        .args(["--addsign", "--rpmv3", "--define", &define, "--define", &gpg])
        .arg(&signed)
        .env("GNUPGHOME", signer.gnupg.home.path()));
    [plain, signed]
}

/// Lead, signature header, and all from the header on.
fn parts(package: &Path) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
    let bytes = fs_err::read(package).unwrap();
    let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let end = (96 + 16 + number(96 + 8) * 16 + number(96 + 12)).next_multiple_of(8);
    (bytes[..96].to_vec(), bytes[96..end].to_vec(), bytes[end..].to_vec())
}

/// The tags of the signature header with their values, without signatures and what is reserved for them.
fn kept(package: &Path) -> Vec<(u32, Vec<u8>)> {
    let (_, header, _) = parts(package);
    let number = |at: usize| u32::from_be_bytes(header[at..at + 4].try_into().unwrap()) as usize;
    let store = 16 + number(8) * 16;
    let mut found = Vec::new();
    for entry in 0..number(8) {
        let at = 16 + entry * 16;
        let (tag, kind, offset, count) = (number(at), number(at + 4), number(at + 8), number(at + 12));
        let from = store + offset;
        let length = match kind {
            4 => count * 4,
            5 => count * 8,
            7 => count,
            _ => header[from..].iter().position(|byte| *byte == 0).unwrap(),
        };
        if ![62, 267, 268, 278, 1002, 1005, 1008].contains(&tag) {
            found.push((tag as u32, header[from..from + length].to_vec()));
        }
    }
    found.sort();
    found
}

fn tags(package: &Path) -> Vec<u32> {
    rpm::inspect(package).unwrap().signatures.iter().map(|signature| signature.tag).collect()
}

#[test]
fn nothing_changes_but_the_signature() {
    let (old, new) = (Release::new(), Release::new());
    let folder = tempfile::tempdir().unwrap();
    let [plain, signed] = built(folder.path(), &old);
    let [el6, el6_debug, el6_source] = unsigned("el6", folder.path());
    let [el9, ..] = unsigned("el9", &{
        let el9 = folder.path().join("el9");
        fs_err::create_dir(&el9).unwrap();
        el9
    });
    let payload_signed = |package: &Path| tags(package).contains(&1002);
    assert!(payload_signed(&signed), "{:?}", tags(&signed));
    let packages = [&plain, &signed, &el6, &el6_debug, &el6_source, &el9];
    let before = packages.map(|package| (parts(package), kept(package), payload_signed(package)));

    let said = Said::of(new.command(&["resign"]).args(packages));
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let listed: String = packages.iter().map(|package| format!("{}\n", package.display())).collect();
    assert_eq!(said.stdout, listed);
    for (package, (parts_before, kept_before, payload)) in packages.iter().zip(&before) {
        let after = parts(package);
        assert!(after.0 == parts_before.0, "the lead of {}", package.display());
        assert!(after.2 == parts_before.2, "header and payload of {}", package.display());
        assert_eq!(&kept(package), kept_before, "{}", package.display());
        assert_eq!(tags(package), if *payload { vec![268, 1002] } else { vec![268] });
        let report = rpmkeys(package, &new.public);
        assert_eq!(report.matches("RSA/SHA256 Signature").count(), if *payload { 2 } else { 1 }, "{report}");
    }

    // The same bytes twice, and back to what it was without.
    let bytes =
        |packages: &[&PathBuf]| packages.iter().map(|one| fs_err::read(one).unwrap()).collect::<Vec<_>>();
    let first = bytes(&packages);
    assert_eq!(Said::of(new.command(&["resign"]).args(packages)).code, Some(0));
    assert!(bytes(&packages) == first, "signatures differ");
    assert_eq!(Said::of(modgraft().args(["resign", "--remove"]).args(packages)).code, Some(0));
    for (package, (parts_before, ..)) in packages.iter().zip(&before) {
        assert_eq!(tags(package), [] as [u32; 0]);
        assert!(parts(package).2 == parts_before.2);
    }
    // rpmsign has taken the room that rpmbuild reserved; there is as much of it as before.
    assert!(parts(&signed).1 == parts(&plain).1, "rpmbuild's own signature header");
    assert!(parts(&el9).1 == before[5].0.1);
}

/// rpmsign 4.18 leaves tag 278 as it was, and rpm 6 believes it.
#[test]
fn stale_signatures_go() {
    use ::rpm::{Header, HeaderEntry, IndexData, IndexSignatureTag, PackageMetadata};
    let release = Release::new();
    let folder = tempfile::tempdir().unwrap();
    let [package, ..] = unsigned("el9", folder.path());
    let bytes = fs_err::read(&package).unwrap();
    let mut metadata = PackageMetadata::parse(&mut bytes.as_slice()).unwrap();
    let header = metadata.header_bytes().unwrap();
    let start = bytes.windows(header.len()).position(|window| window == header).unwrap();
    let mut entries: Vec<HeaderEntry> = Vec::new();
    for (tag, data) in metadata.signature.get_all_entries().unwrap() {
        if tag != 62 {
            entries.push(HeaderEntry::new(tag, data));
        }
    }
    entries.push(HeaderEntry::new(278, IndexData::StringArray(vec!["c3RhbGU=".to_owned()])));
    entries.push(HeaderEntry::new(267, IndexData::Bin(b"stale".to_vec())));
    metadata.signature = Header::from_entries(entries, IndexSignatureTag::HEADER_SIGNATURES);
    let mut stale = Vec::new();
    metadata.write(&mut stale).unwrap();
    stale.extend(&bytes[start + header.len()..]);
    fs_err::write(&package, stale).unwrap();
    assert_eq!(tags(&package), [267, 278]);
    Said::of(release.command(&["sign"]).arg(&package)).fails(2, "is signed already");
    assert_eq!(Said::of(release.command(&["resign"]).arg(&package)).code, Some(0));
    assert_eq!(tags(&package), [268]);
}

#[test]
fn what_modgraft_signs_at_once_and_later_is_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let mut module = support::module::Module::new();
    module.target.profile = modgraft::profile::Profile::named("el6").unwrap();
    let set = module.packages();
    let (at_once, later) = (folder.path().join("at-once.rpm"), folder.path().join("later.rpm"));
    let signer = key();
    rpm::write(&set.binary, Some(&**signer), &at_once).unwrap();
    rpm::write(&set.binary, None, &later).unwrap();
    let package = rpm::Existing::open(&later).unwrap();
    assert!(!package.is_signed() && !package.signs_payload());
    let signatures = package.sign(&**signer, package.build_time(), true).unwrap();
    package.stage(&signatures, None).unwrap().publish().unwrap();
    assert!(fs_err::read(&at_once).unwrap() == fs_err::read(&later).unwrap());
}

#[test]
fn a_profile_asks_for_what_its_rpm_needs() {
    let release = Release::new();
    let folder = tempfile::tempdir().unwrap();
    let [el9, ..] = unsigned("el9", folder.path());
    let said = Said::of(release.command(&["sign", "--profile", "el6"]).arg(&el9));
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert_eq!(tags(&el9), [268, 1002]);
    // A signature makes no package of it that el6 can read.
    let told = "warning  mod_";
    assert!(
        said.stderr.contains(told)
            && said.stderr.contains("el6 does not take it: its payload is compressed by zstd"),
        "{}",
        said.stderr
    );
    let said = Said::of(release.command(&["resign", "--profile", "el9"]).arg(&el9));
    assert!(said.code == Some(0) && !said.stderr.contains("warning"), "{}", said.stderr);
    // Signed ones need `resign`.
    Said::of(release.command(&["sign"]).arg(&el9)).fails(2, "is signed already");

    let modern = Gnupg::new();
    let ed25519 = "Key-Type: EDDSA\nKey-Curve: ed25519\nKey-Usage: sign,cert\nName-Real: R\nExpire-Date: 0\n";
    let fingerprint = modern.generate(&format!("{ed25519}{PLAIN}"));
    let before = fs_err::read(&el9).unwrap();
    let sign = |profile: &str| {
        let mut command = modgraft();
        command.env("GNUPGHOME", modern.home.path()).args(["resign", "--profile", profile]).arg(&el9);
        Said::of(command.arg("--sign-key").arg(format!("gpg:{fingerprint}")))
    };
    sign("el7").fails(9, "rpm on el7 does not accept signatures by the key");
    assert!(fs_err::read(&el9).unwrap() == before);
    assert_eq!(sign("el9").code, Some(0));
    assert_eq!(tags(&el9), [267, 1005]);
    let public = modern.public(&folder.path().join("modern.asc"));
    assert_eq!(rpmkeys(&el9, &public).matches("EdDSA/SHA256 Signature").count(), 2);
}

#[test]
fn all_or_nothing() {
    let release = Release::new();
    let folder = tempfile::tempdir().unwrap();
    let [binary, debuginfo, source] = unsigned("el9", folder.path());
    let before = [&binary, &source].map(|package| fs_err::read(package).unwrap());
    let names = || {
        let mut names: Vec<_> =
            fs_err::read_dir(folder.path()).unwrap().map(|one| one.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let files = names();
    // One in the middle is damaged: its payload is not what its header says.
    let mut bytes = fs_err::read(&debuginfo).unwrap();
    let last = bytes.len() - 9;
    bytes[last] ^= 1;
    fs_err::write(&debuginfo, bytes).unwrap();
    let sign = || Said::of(release.command(&["sign"]).args([&binary, &debuginfo, &source]));
    sign().fails(3, "is damaged");
    fs_err::write(&debuginfo, "not a package at all").unwrap();
    sign().fails(3, "is no RPM package");
    assert!(before == [&binary, &source].map(|package| fs_err::read(package).unwrap()));
    assert_eq!(names(), files, "something was left behind");
    Said::of(modgraft().arg("sign").arg(&binary)).fails(2, "it is not said what signs");
    Said::of(modgraft().args(["sign", "--sign-key", "none"]).arg(&binary))
        .fails(2, "it is not said what signs");
}

#[test]
fn a_link_stays_a_link_and_a_mode_a_mode() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let release = Release::new();
    let folder = tempfile::tempdir().unwrap();
    let [binary, ..] = unsigned("el9", folder.path());
    fs_err::set_permissions(&binary, PermissionsExt::from_mode(0o640)).unwrap();
    let link = folder.path().join("latest.rpm");
    symlink(binary.file_name().unwrap(), &link).unwrap();
    assert_eq!(Said::of(release.command(&["sign"]).arg(&link)).code, Some(0));
    assert!(fs_err::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(binary.metadata().unwrap().permissions().mode() & 0o777, 0o640);
    assert!(rpmkeys(&binary, &release.public).contains("RSA/SHA256 Signature"));
}

#[test]
fn signatures_are_made_on_another_machine() {
    let release = Release::new();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let packages = unsigned("el6", folder.path());
    let before = packages.clone().map(|package| fs_err::read(package).unwrap());
    let exported = path("to-sign");
    let with_key = |arguments: &[&str]| {
        let mut command = modgraft();
        command.arg("sign").args(&packages).args(["--profile", "el6", "--public-key"]).arg(&release.public);
        command.args(arguments).arg(&exported);
        Said::of(&mut command)
    };
    let said = with_key(&["--export"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert_eq!(said.stdout.lines().count(), 7, "{}", said.stdout);
    let manifest: serde_json::Value =
        serde_json::from_slice(&fs_err::read(exported.join("manifest.json")).unwrap()).unwrap();
    assert_eq!(manifest["key"], release.fingerprint.as_str());
    let files: Vec<PathBuf> = manifest["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            let file = exported.join(one["file"].as_str().unwrap());
            assert!(run(Command::new("sha256sum").arg(&file)).starts_with(one["sha256"].as_str().unwrap()));
            assert_eq!(file.metadata().unwrap().len(), one["size"].as_u64().unwrap());
            file
        })
        .collect();
    assert_eq!(files.len(), 6);

    with_key(&["--import"]).fails(2, "there is no signature");
    // There: every second one armored.
    for (number, file) in files.iter().enumerate() {
        let mut command = release.gnupg.command();
        command.args(["--digest-algo", "SHA256"]);
        command.args(if number % 2 == 0 { &["--detach-sign"][..] } else { &["--armor", "--detach-sign"] });
        run(command.arg(file));
    }
    // None of these goes in.
    let first = PathBuf::from(format!("{}.sig", files[0].display()));
    let good = fs_err::read(&first).unwrap();
    let sign_first = |arguments: &[&str], data: &Path| {
        let mut command = release.gnupg.command();
        run(command.args(["--yes", "--output"]).arg(&first).args(arguments).arg(data));
    };
    for (arguments, data, reason) in [
        (&["--digest-algo", "SHA256", "--detach-sign"][..], &files[2], "does not hold"),
        (&["--digest-algo", "SHA1", "--detach-sign"], &files[0], "is by none of SHA-256"),
        (&["--digest-algo", "SHA256", "--textmode", "--detach-sign"], &files[0], "of a text"),
        (
            &["--digest-algo", "SHA256", "--sig-notation", "!a@example.org=b", "--detach-sign"],
            &files[0],
            "subpackets marked as critical",
        ),
    ] {
        sign_first(arguments, data);
        with_key(&["--import"]).fails(3, reason);
    }
    for (bytes, reason) in
        [(&b""[..], "cannot be used"), (b"none", "cannot be used"), (&good[..40], "cannot be used")]
    {
        fs_err::write(&first, bytes).unwrap();
        with_key(&["--import"]).fails(3, reason);
    }
    fs_err::write(&first, [&good[..], &good].concat()).unwrap();
    with_key(&["--import"]).fails(3, "there are 2 signatures");
    fs_err::write(&first, &good).unwrap();
    let other = Release::new();
    let mut command = modgraft();
    command.arg("sign").args(&packages).arg("--import").arg(&exported).arg("--public-key").arg(&other.public);
    Said::of(&mut command).fails(3, "is by no key of");
    assert!(before == packages.clone().map(|package| fs_err::read(package).unwrap()));

    let said = with_key(&["--import"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    for package in &packages {
        assert_eq!(tags(package), [268, 1002]);
        assert_eq!(rpmkeys(package, &release.public).matches("RSA/SHA256 Signature").count(), 2);
    }
    // What covers the payload is demanded where there was such a signature.
    fs_err::remove_file(format!("{}.asc", files[1].display())).unwrap();
    let mut command = modgraft();
    command
        .arg("resign")
        .args(&packages)
        .arg("--import")
        .arg(&exported)
        .arg("--public-key")
        .arg(&release.public);
    Said::of(&mut command).fails(2, "there is no signature");
}

#[test]
fn the_time_is_an_input_and_never_before_the_key() {
    let release = Release::new();
    let folder = tempfile::tempdir().unwrap();
    let [package, ..] = unsigned("el9", folder.path());
    let signed_at = |epoch: Option<&str>| {
        let mut command = release.command(&["resign"]);
        command.arg(&package).envs(epoch.map(|epoch| ("SOURCE_DATE_EPOCH", epoch)));
        assert_eq!(Said::of(&mut command).code, Some(0));
        rpm::inspect(&package).unwrap().signatures[0].time.unwrap()
    };
    let late = 4_000_000_000_u64;
    assert_eq!(signed_at(Some(&late.to_string())), late);
    let created = signed_at(None);
    assert!(created > support::module::TIME, "the package is older than the key");
    assert_eq!(signed_at(Some("1")), created);
    run_fails(release.command(&["resign"]).arg(&package).env("SOURCE_DATE_EPOCH", "soon"));
}
