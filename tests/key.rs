//! Keys that modgraft makes, looks at and packages, against real gpg, rpm and dnf.

mod support;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{SystemTime, UNIX_EPOCH};

use modgraft::profile::Profile;
use modgraft::sign::{self, Environment, KeySpec, Lint, Severity};
use pgp::composed::{
    ArmorOptions, Deserializable, KeyType, SecretKeyParamsBuilder, SignedKeyDetails, SignedPublicKey,
    SignedSecretKey,
};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{KeyFlags, SignatureConfig, SignatureType, Subpacket, SubpacketData};
use pgp::types::{Duration, KeyDetails, KeyVersion, Password, Tag, Timestamp};
use support::gnupg::{Gnupg, PLAIN, RSA};
use support::module::Module;
use support::{run, run_fails};

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Place { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs_err::write(&path, text).unwrap();
        path
    }

    /// The program, with no keys and no passphrase but what a test gives.
    fn modgraft(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_modgraft"));
        command.current_dir(self.folder.path()).env("MODGRAFT_DATA", self.path("data")).env("NO_COLOR", "1");
        for variable in
            ["MODGRAFT_PASSPHRASE", "MODGRAFT_PASSPHRASE_FILE", "MODGRAFT_SIGN_KEY", "SOURCE_DATE_EPOCH"]
        {
            command.env_remove(variable);
        }
        command
    }

    /// Whether the real rpm imports a file.
    fn imports(&self, key: &Path) -> bool {
        let database = self.path("imports");
        let _ = fs_err::remove_dir_all(&database);
        let mut command = Command::new("rpmkeys");
        command.arg("--dbpath").arg(&database).arg("--import").arg(key);
        let output =
            command.output().unwrap_or_else(|error| panic!("`rpmkeys` is needed by this test: {error}"));
        output.status.success()
    }

    /// How many keys the real rpm has after importing a file.
    fn imported(&self, key: &Path) -> usize {
        self.imports(key);
        let mut command = Command::new("rpm");
        command.arg("--dbpath").arg(self.path("imports")).args(["-qa", "gpg-pubkey"]);
        run(&mut command).lines().count()
    }
}

fn code(command: &mut Command) -> (Option<i32>, Output) {
    let output = command.output().unwrap();
    (output.status.code(), output)
}

fn lint(file: &Path) -> Lint {
    let profiles: Vec<&Profile> = Profile::all().map(|profile| &**profile).collect();
    // That of the clock by which the keys of these tests are made.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    sign::lint(file, &profiles, now).unwrap()
}

/// Those of the releases that modgraft is for, and this machine's.
fn broken(lint: &Lint, finding: &str) -> Vec<String> {
    let found = lint.findings.iter().find(|one| one.name == finding);
    let found = found.unwrap_or_else(|| panic!("no finding {finding}: {:#?}", lint.findings));
    let releases = ["el6", "el7", "el8", "el9", "el10", "fedora", "debian"];
    let breaks: Vec<&str> =
        found.breaks.iter().map(String::as_str).filter(|one| releases.contains(one)).collect();
    sorted(&breaks)
}

fn accepted_here(lint: &Lint) -> bool {
    lint.releases.iter().any(|release| release.release == "debian" && release.accepted)
}

#[test]
fn a_new_key_is_taken_by_gpg_and_rpm_and_signs() {
    let cases = [
        ("rsa-4096", "rsa4096", None),
        ("rsa-4096", "rsa4096", Some("open sesame")),
        ("ed25519", "ed25519", Some("x")),
    ];
    for (kind, shown, passphrase) in cases {
        let place = Place::new();
        let mut command = place.modgraft();
        command.args([
            "key",
            "new",
            "--type",
            kind,
            "--user-id",
            "Möd <mods@example.org>",
            "--out",
            "release.asc",
        ]);
        if let Some(passphrase) = passphrase {
            command.env("MODGRAFT_PASSPHRASE", passphrase);
        }
        let (status, output) = code(&mut command);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(
            (status, String::from_utf8_lossy(&output.stdout).as_ref()),
            (Some(0), "release.asc\nrelease.pub.asc\n"),
            "{said}"
        );
        assert_eq!(said.contains("not by el6, el7, el8"), kind == "ed25519", "{said}");
        assert_eq!(said.contains("MODGRAFT_PASSPHRASE"), passphrase.is_none(), "{said}");
        let (secret, public) = (place.path("release.asc"), place.path("release.pub.asc"));
        assert_eq!(secret.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(public.metadata().unwrap().permissions().mode() & 0o777, 0o644);
        let names: Vec<_> =
            fs_err::read_dir(place.folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names.len(), 2, "{names:?}");

        // gpg takes both halves.
        let gnupg = Gnupg::new();
        run(gnupg.command().arg("--import").arg(&public));
        let listed = run(gnupg.command().args(["--list-keys", "--keyid-format", "long"]));
        assert!(
            listed.contains(shown) && listed.contains("Möd <mods@example.org>") && listed.contains("[SC]"),
            "{listed}"
        );
        run(gnupg
            .command()
            .args(["--pinentry-mode", "loopback", "--passphrase", passphrase.unwrap_or("")])
            .arg("--import")
            .arg(&secret));
        fs_err::write(gnupg.home.path().join("m"), "message").unwrap();
        run(gnupg
            .command()
            .args(["--pinentry-mode", "loopback", "--passphrase", passphrase.unwrap_or(""), "--detach-sign"])
            .arg(gnupg.home.path().join("m")));

        // modgraft signs with it, and real rpm verifies that.
        let environment = Environment {
            passphrase: passphrase.map(Into::into).unwrap_or_default(),
            ..Environment::default()
        };
        let signer = sign::open_with(&KeySpec::File(secret.clone()), &place.path("data"), &environment)
            .unwrap()
            .unwrap();
        let package = place.path("x.rpm");
        modgraft::rpm::write(&Module::new().packages().binary, Some(&*signer), &package).unwrap();
        let database = place.path("rpmdb");
        run(Command::new("rpmkeys").arg("--dbpath").arg(&database).arg("--import").arg(&public));
        let said = run(Command::new("rpmkeys")
            .arg("--dbpath")
            .arg(&database)
            .args(["-K", "--define", "_pkgverify_level all"])
            .arg(&package));
        assert!(said.contains("digests signatures OK"), "{said}");
        if passphrase.is_some() {
            let none =
                sign::open_with(&KeySpec::File(secret.clone()), &place.path("data"), &Environment::default());
            assert!(matches!(none.map(drop), Err(sign::Error::PassphraseNeeded { .. })));
        }

        // What its own tool says of it.
        let (status, output) = code(place.modgraft().args(["key", "lint", "release.pub.asc"]));
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(status, Some(if kind == "ed25519" { 3 } else { 0 }), "{said}");
        assert_eq!(said.contains("(breaks el6, el7, el8)"), kind == "ed25519", "{said}");
        let (status, output) =
            code(place.modgraft().args(["key", "lint", "release.pub.asc", "--as", "el9,fedora", "--json"]));
        assert_eq!(status, Some(0));
        let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(said["keys"][0]["user_ids"][0], "Möd <mods@example.org>");

        // Never twice into one file, nor over the public key.
        let before = (fs_err::read(&secret).unwrap(), fs_err::read(&public).unwrap());
        for remove in [None, Some(&secret)] {
            if let Some(path) = remove {
                fs_err::remove_file(path).unwrap();
            }
            let (status, output) =
                code(place.modgraft().args(["key", "new", "--type", "ed25519", "--out", "release.asc"]));
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(status == Some(2) && said.contains("is there already"), "{said}");
            assert_eq!(fs_err::read(&public).unwrap(), before.1);
        }
        assert!(!secret.exists());
    }
}

#[test]
fn a_key_that_ends() {
    let place = Place::new();
    run(place.modgraft().args(["key", "new", "--type", "ed25519", "--expires", "2y"]));
    let gnupg = Gnupg::new();
    run(gnupg.command().arg("--import").arg(place.path("modgraft-key.pub.asc")));
    let listed = run(gnupg.command().args(["--with-colons", "--list-keys"]));
    let fields: Vec<&str> =
        listed.lines().find(|line| line.starts_with("pub:")).unwrap().split(':').collect();
    let (created, end): (u64, u64) = (fields[5].parse().unwrap(), fields[6].parse().unwrap());
    assert!((730..=731).contains(&((end - created) / 86400)), "{listed}");
    for bad in ["yesterday", "2020-01-01", "200y"] {
        let (status, _) = code(place.modgraft().args(["key", "new", "--out", "x", "--expires", bad]));
        assert_eq!(status, Some(2), "{bad}");
    }
    assert!(!place.path("x").exists());
}

#[test]
fn a_folder_that_is_missing_is_named() {
    let place = Place::new();
    let (status, output) =
        code(place.modgraft().args(["key", "new", "--type", "ed25519", "--out", "nowhere/release.asc"]));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(status, Some(2), "{said}");
    assert!(said.contains("nowhere/release.asc cannot be written: there is no folder nowhere"), "{said}");
    assert!(said.contains("help: ") && !place.path("nowhere").exists(), "{said}");
}

/// A key with its self-signature as a test wants it.
fn certified(hash: HashAlgorithm, more: Vec<Subpacket>) -> String {
    let made = |kind: KeyType| {
        let mut builder = SecretKeyParamsBuilder::default();
        builder
            .key_type(kind)
            .can_certify(true)
            .can_sign(true)
            .primary_user_id("Odd <odd@example.org>".into());
        builder.build().unwrap().generate(rand::rngs::OsRng).unwrap()
    };
    let key: SignedSecretKey = made(KeyType::Ed25519Legacy);
    let primary = &key.primary_key;
    let user = &key.details.users[0].id;
    let mut config = SignatureConfig::v4(SignatureType::CertPositive, primary.algorithm(), hash);
    let regular = |data| Subpacket::regular(data).unwrap();
    let mut flags = KeyFlags::default();
    flags.set_certify(true);
    flags.set_sign(true);
    let mut hashed = vec![
        regular(SubpacketData::SignatureCreationTime(primary.created_at())),
        regular(SubpacketData::KeyFlags(flags)),
        regular(SubpacketData::IssuerFingerprint(primary.fingerprint())),
    ];
    // In place of the same one.
    hashed.retain(|one| more.iter().all(|other| other.typ() != one.typ()));
    hashed.extend(more);
    config.hashed_subpackets = hashed;
    config.unhashed_subpackets = vec![regular(SubpacketData::IssuerKeyId(primary.legacy_key_id()))];
    let public = primary.public_key().clone();
    let signature =
        config.sign_certification(primary, &public, &Password::empty(), Tag::UserId, user).unwrap();
    let details =
        SignedKeyDetails::new(Vec::new(), Vec::new(), vec![user.clone().into_signed(signature)], Vec::new());
    armored(&SignedPublicKey::new(public, details, Vec::new()))
}

fn armored(key: &SignedPublicKey) -> String {
    key.to_armored_string(ArmorOptions::default()).unwrap()
}

#[test]
fn critical_subpackets_are_what_rpm_refuses() {
    let place = Place::new();
    let mut flags = KeyFlags::default();
    flags.set_certify(true);
    flags.set_sign(true);
    let time = Timestamp::from_secs(Timestamp::now().as_secs());
    let cases = vec![
        SubpacketData::SignatureCreationTime(time),
        SubpacketData::KeyExpirationTime(Duration::from_secs(400 * 86400)),
        SubpacketData::KeyFlags(flags),
        SubpacketData::PreferredHashAlgorithms([HashAlgorithm::Sha256].into_iter().collect()),
        SubpacketData::PreferredSymmetricAlgorithms(std::iter::empty().collect()),
        SubpacketData::PreferredCompressionAlgorithms(std::iter::empty().collect()),
        SubpacketData::IsPrimary(true),
        SubpacketData::Revocable(true),
        SubpacketData::ExportableCertification(true),
        SubpacketData::PolicyURI("https://x.example".into()),
        SubpacketData::IssuerKeyId(pgp::types::KeyId::WILDCARD),
        SubpacketData::Features(pgp::packet::Features::new()),
    ];
    for data in cases {
        for critical in [false, true] {
            let subpacket =
                if critical { Subpacket::critical(data.clone()) } else { Subpacket::regular(data.clone()) }
                    .unwrap();
            let number = subpacket.typ().as_u8(false);
            let file = place.write("key.asc", &certified(HashAlgorithm::Sha256, vec![subpacket]));
            let (ours, theirs) = (accepted_here(&lint(&file)), place.imports(&file));
            assert_eq!(ours, theirs, "subpacket {number}, critical: {critical}");
            assert!(ours || critical);
        }
    }
}

#[test]
fn what_a_key_lacks_is_named() {
    let place = Place::new();
    let gnupg = |name: &str, parameters: &str, more: &[&str]| {
        let gnupg = Gnupg::new();
        let file = gnupg.home.path().join("parameters");
        fs_err::write(&file, format!("{parameters}{PLAIN}")).unwrap();
        run(gnupg
            .command()
            .args(["--pinentry-mode", "loopback"])
            .args(more)
            .arg("--generate-key")
            .arg(&file));
        gnupg.public(&place.path(name))
    };
    let head = "Name-Real: R\nExpire-Date: 0\n";
    let all = ["el6", "el7", "el8", "el9", "el10", "fedora", "debian"];

    let good = gnupg("good.asc", RSA, &[]);
    assert!(lint(&good).is_good() && place.imports(&good), "{:#?}", lint(&good));

    let ecdsa = gnupg(
        "ecdsa.asc",
        &format!("Key-Type: ECDSA\nKey-Curve: nistp256\nKey-Usage: sign,cert\n{head}"),
        &[],
    );
    assert_eq!(broken(&lint(&ecdsa), "algorithm"), sorted(&["el6", "el7", "el8", "el9", "debian"]));
    assert!(!place.imports(&ecdsa));

    let sha1 = gnupg("sha1.asc", RSA, &["--cert-digest-algo", "SHA1"]);
    assert_eq!(broken(&lint(&sha1), "sha1-self-signature"), sorted(&["el9", "el10", "fedora"]));
    assert!(place.imports(&sha1));

    let short = gnupg("short.asc", &RSA.replace("2048", "1024"), &[]);
    assert_eq!(broken(&lint(&short), "short"), sorted(&["el9", "el10", "fedora"]));
    assert!(place.imports(&short));

    let subkey = format!(
        "Key-Type: RSA\nKey-Length: 2048\nKey-Usage: cert\nSubkey-Type: RSA\nSubkey-Length: 2048\nSubkey-Usage: sign\n{head}"
    );
    let subkey = gnupg("subkey.asc", &subkey, &[]);
    assert_eq!(broken(&lint(&subkey), "signing-subkey"), sorted(&["el6", "el7"]));
    assert!(place.imports(&subkey));

    let certifier = gnupg("certifier.asc", &RSA.replace("sign,cert", "cert"), &[]);
    assert_eq!(broken(&lint(&certifier), "cannot-sign"), sorted(&all));

    let expired = gnupg(
        "expired.asc",
        &RSA.replace("Expire-Date: 0", "Expire-Date: 2d"),
        &["--faked-system-time", "20200101T000000"],
    );
    assert_eq!(broken(&lint(&expired), "expired"), sorted(&all));
    let soon = gnupg("soon.asc", &RSA.replace("Expire-Date: 0", "Expire-Date: 30d"), &[]);
    let found = lint(&soon);
    assert!(found.is_good() && found.findings.iter().any(|one| one.name == "expires-soon"), "{found:#?}");

    let mut later = Command::new("faketime");
    later.arg("2040-01-02 12:00:00").arg(place.modgraft().get_program());
    run(later.args(["key", "new", "--out", "later.asc"]).current_dir(place.folder.path()));
    for name in ["later.asc", "later.pub.asc"] {
        let found = lint(&place.path(name));
        assert_eq!(broken(&found, "not-yet"), sorted(&all), "{found:#?}");
    }

    let revoked = Gnupg::new();
    let fingerprint = revoked.generate(&format!("{RSA}{PLAIN}"));
    let certificate = revoked.home.path().join(format!("openpgp-revocs.d/{fingerprint}.rev"));
    let text = fs_err::read_to_string(&certificate).unwrap().replace(":-----BEGIN", "-----BEGIN");
    fs_err::write(&certificate, text).unwrap();
    run(revoked.command().arg("--import").arg(&certificate));
    assert_eq!(broken(&lint(&revoked.public(&place.path("revoked.asc"))), "revoked"), sorted(&all));

    // A key whose certificate somebody took off.
    let (key, _) = SignedPublicKey::from_string(&fs_err::read_to_string(&good).unwrap()).unwrap();
    let bare = SignedKeyDetails::new(Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let bare =
        place.write("bare.asc", &armored(&SignedPublicKey::new(key.primary_key.clone(), bare, Vec::new())));
    assert_eq!(broken(&lint(&bare), "no-self-signature"), sorted(&all));
    // rpm 4.18 takes even that one.
    assert!(place.imports(&bare));

    let mut builder = SecretKeyParamsBuilder::default();
    builder
        .version(KeyVersion::V6)
        .key_type(KeyType::Ed25519)
        .can_certify(true)
        .can_sign(true)
        .primary_user_id("Six".into());
    let six = builder.build().unwrap().generate(rand::rngs::OsRng).unwrap();
    let six = place.write("six.asc", &armored(&six.to_public_key()));
    assert_eq!(broken(&lint(&six), "version-6"), sorted(&["el6", "el7", "el8", "el9", "el10", "debian"]));
    assert!(!place.imports(&six));

    // Two keys, in one block and in two.
    let two = Gnupg::new();
    two.generate(&format!("{RSA}{PLAIN}"));
    two.generate(&format!("{RSA}{PLAIN}"));
    let two = two.public(&place.path("two.asc"));
    assert_eq!(place.imported(&two), 2);
    assert!(lint(&two).findings.iter().any(|one| one.name == "several-keys-in-a-block"));
    let joined = [&good, &subkey].map(|path| fs_err::read_to_string(path).unwrap()).concat();
    let joined = place.write("joined.asc", &joined);
    assert_eq!(place.imported(&joined), 2);
    let found = lint(&joined);
    assert!(
        found.keys.len() == 2
            && found.findings.iter().any(|one| one.name == "several-keys" && one.severity == Severity::Note),
        "{found:#?}"
    );
}

fn sorted(names: &[&str]) -> Vec<String> {
    let mut names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    names.sort();
    names
}

#[test]
fn subkeys_that_sign_no_more() {
    let place = Place::new();
    let all = sorted(&["el6", "el7", "el8", "el9", "el10", "fedora", "debian"]);
    let gnupg = Gnupg::new();
    let certifies = RSA.replace("sign,cert", "cert");
    let fingerprint = gnupg.generate(&format!("{certifies}Creation-Date: 20200101T000000\n{PLAIN}"));
    let add = |more: &[&str], end: &str| {
        let mut command = gnupg.command();
        command.args(more).args(["--pinentry-mode", "loopback", "--passphrase", ""]);
        run(command.args(["--quick-add-key", &fingerprint, "rsa2048", "sign", end]));
    };
    let public = |name: &str| lint(&gnupg.public(&place.path(name)));

    add(&["--faked-system-time", "20200101T000000"], "2d");
    let expired = public("expired.asc");
    assert_eq!(broken(&expired, "expired"), all);
    let found = expired.findings.iter().find(|one| one.name == "expired").unwrap();
    assert!(found.text.ends_with(", which signed, expired on 2020-01-03"), "{}", found.text);
    assert!(
        !expired.is_good() && expired.findings.iter().all(|one| one.name != "cannot-sign"),
        "{expired:#?}"
    );

    add(&[], "0");
    // The commands of gpg's menu: the second subkey, for no reason, yes.
    let answers = place.write("answers", "key 2\nrevkey\ny\n0\n\ny\nsave\n");
    let mut revoke = Command::new("gpg");
    revoke.arg("--homedir").arg(gnupg.home.path()).args(["--no-tty", "--quiet", "--command-fd", "0"]);
    run(revoke.args(["--edit-key", &fingerprint]).stdin(fs_err::File::open(&answers).unwrap().into_file()));
    assert_eq!(broken(&public("revoked.asc"), "revoked"), all);

    // With one that signs, those do no harm.
    add(&[], "0");
    let signs = public("signs.asc");
    assert!(broken(&signs, "revoked").is_empty() && broken(&signs, "expired").is_empty(), "{signs:#?}");
    assert!(signs.is_good() || broken(&signs, "signing-subkey") == sorted(&["el6", "el7"]), "{signs:#?}");
    assert!(accepted_here(&signs));
}

#[test]
fn keys_by_sq_are_not_imported() {
    let place = Place::new();
    let secret = place.path("sq.sec");
    run(Command::new("sq").args(["key", "generate", "--userid", "Sequoia", "--export"]).arg(&secret));
    let public = place.path("sq.asc");
    run(Command::new("sq").args(["key", "extract-cert", "--output"]).arg(&public).arg(&secret));
    assert!(!place.imports(&public));
    assert!(broken(&lint(&public), "critical-subpackets").contains(&"debian".to_owned()));
}

#[test]
fn a_secret_key_is_told_of() {
    let place = Place::new();
    let gnupg = Gnupg::new();
    gnupg.generate(&format!("{RSA}{PLAIN}"));
    gnupg.export("", &place.path("secret.asc"));
    let (status, output) = code(place.modgraft().args(["key", "lint", "secret.asc", "--as", "el9"]));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(status == Some(3) && said.contains("error  secret-key: this is a SECRET key"), "{said}");
    assert!(!place.imports(&place.path("secret.asc")));
    let arguments = [
        "key",
        "package",
        "secret.asc",
        "--name",
        "mods",
        "--url",
        "https://x.example/",
        "--sign-key",
        "none",
    ];
    let said = run_fails(place.modgraft().args(arguments));
    assert!(said.contains("holds a secret key") && !place.path("out").exists(), "{said}");
}

#[test]
fn what_is_no_key() {
    let place = Place::new();
    for (name, text, code_) in [
        ("empty", "", 3),
        ("noise", "no key at all\n", 3),
        ("cut", "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmQIN\n", 3),
    ] {
        let file = place.write(name, text);
        let (status, output) = code(place.modgraft().args(["key", "lint"]).arg(&file));
        assert_eq!(status, Some(code_), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(code(place.modgraft().args(["key", "lint", "absent"])).0, Some(2));
}

#[test]
fn a_key_package_says_what_is_not_right_with_it() {
    let place = Place::new();
    run(place.modgraft().args(["key", "new", "--type", "ed25519", "--out", "key.asc"]));
    let package = |url: &str, signing: &[&str]| {
        let arguments =
            ["key", "package", "key.pub.asc", "--name", "mods", "--profile", "fedora", "--url", url];
        let (status, output) = code(place.modgraft().args(arguments).args(signing));
        assert_eq!(status, Some(0));
        String::from_utf8(output.stderr).unwrap()
    };
    let beside = place.path("out/modgraft-development-key.asc");
    let signed = ["--sign-key", "key.asc"];
    assert_eq!(package("https://x.example/", &signed), "");
    assert_eq!(package("https://x.example/", &signed), "", "the same again");
    let said = package("https://y.example/", &signed);
    assert!(said.contains("warning  out/mods-release-1-1.noarch.rpm was another one"), "{said}");
    assert!(!beside.exists());
    let said = package("https://y.example/", &[]);
    assert!(said.contains("the development key of this machine, which no other knows"), "{said}");
    let package = place.path("out/mods-release-1-1.noarch.rpm");
    run(place.modgraft().args(["verify", "--as", "fedora", "--key"]).arg(&beside).arg(package));
}

/// rpm on a root of its own. `--root` changes root, so an ordinary user needs a namespace where it is allowed.
fn rooted(program: &str) -> Command {
    if rustix::process::geteuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", program]);
    command
}

#[test]
fn a_key_package_installs_and_rotates_the_key() {
    let place = Place::new();
    for name in ["first", "second"] {
        run(place.modgraft().args(["key", "new", "--user-id", name, "--out"]).arg(format!("{name}.asc")));
    }
    let package = |version: &str, keys: &[&str], signing: &str| {
        let printed = run(place
            .modgraft()
            .args(["key", "package"])
            .args(keys)
            .args([
                "--name",
                "mods",
                "--url",
                "https://x.example/mods",
                "--title",
                "Modules",
                "--version",
                version,
            ])
            .args(["--sign-key", signing]));
        place.path(printed.trim())
    };
    let first = package("1", &["first.pub.asc"], "first.asc");
    assert!(first.ends_with("out/mods-release-1-1.noarch.rpm"));
    let bytes = fs_err::read(&first).unwrap();
    assert_eq!(
        fs_err::read(package("1", &["first.pub.asc"], "first.asc")).unwrap(),
        bytes,
        "the same bytes each time"
    );
    // Signed with the key that machines know: so they take the next one.
    let second = package("2", &["second.pub.asc", "first.pub.asc"], "first.asc");

    // Every release installs the universal form.
    for package in [&first, &second] {
        let said = run(place.modgraft().args(["verify", "--key", "first.pub.asc"]).arg(package));
        for release in ["el6", "el7", "el8", "el9", "el10", "fedora"] {
            assert!(said.contains(&format!("{release:>9}  accepted\n")), "{said}");
        }
    }

    let root = place.path("root");
    let rpm = || {
        let mut command = rooted("rpm");
        command.arg("--root").arg(&root).args([
            "--dbpath",
            "/var/lib/rpm",
            "--define",
            "_pkgverify_level all",
        ]);
        command
    };
    let in_root = |path: &str| root.join(path.trim_start_matches('/'));
    fs_err::create_dir_all(&root).unwrap();
    let said = run_fails(rpm().arg("-i").arg(&first));
    assert!(said.contains("NOKEY") || said.contains("does not verify"), "{said}");
    run(rpm().arg("--import").arg(place.path("first.pub.asc")));
    run(rpm().arg("-i").arg(&first));
    assert_eq!(run(rpm().args(["-V", "mods-release"])), "");
    let settings = fs_err::read_to_string(in_root("/etc/yum.repos.d/mods.repo")).unwrap();
    assert!(
        settings.ends_with("repo_gpgcheck=1\ngpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-mods\n"),
        "{settings}"
    );
    assert_eq!(run(rpm().args(["-qc", "mods-release"])), "/etc/yum.repos.d/mods.repo\n");

    // The next version brings both keys; each imports from where the .repo file says.
    run(rpm().arg("-U").arg(&second));
    let settings = fs_err::read_to_string(in_root("/etc/yum.repos.d/mods.repo")).unwrap();
    let named: Vec<&str> =
        settings.split_whitespace().filter_map(|word| Some(word.split_once("file://")?.1)).collect();
    assert_eq!(named.len(), 2, "{settings}");
    let keys: Vec<String> = named.iter().map(|path| fs_err::read_to_string(in_root(path)).unwrap()).collect();
    for (key, file) in keys.iter().zip(["second.pub.asc", "first.pub.asc"]) {
        assert_eq!(key, &fs_err::read_to_string(place.path(file)).unwrap());
    }
    for path in &named {
        run(rpm().arg("--import").arg(in_root(path)));
    }
    assert_eq!(run(rpm().args(["-qa", "gpg-pubkey"])).lines().count(), 2);
    // From now on what the new key signs is taken.
    run(rpm().arg("-U").arg(package("3", &["second.pub.asc"], "second.asc")));
    assert!(!in_root(named[1]).exists() && in_root(named[0]).exists());

    // An administrator's settings stay.
    fs_err::write(in_root("/etc/yum.repos.d/mods.repo"), "[mods]\nenabled=0\n").unwrap();
    run(rpm().arg("-U").arg(package("4", &["second.pub.asc", "first.pub.asc"], "second.asc")));
    assert_eq!(fs_err::read_to_string(in_root("/etc/yum.repos.d/mods.repo")).unwrap(), "[mods]\nenabled=0\n");
}

#[test]
fn dnf_installs_a_key_package_and_reads_its_settings() {
    let place = Place::new();
    run(place.modgraft().args(["key", "new", "--out", "key.asc"]));
    let arguments = [
        "key",
        "package",
        "key.pub.asc",
        "--name",
        "mods",
        "--url",
        "https://x.example/$basearch",
        "--sign-key",
        "key.asc",
    ];
    let package = place.path(run(place.modgraft().args(arguments)).trim());
    let root = place.path("root");
    fs_err::create_dir_all(root.join("etc/yum.repos.d")).unwrap();
    let dnf = || {
        let mut command = rooted("dnf");
        command.arg("--installroot").arg(&root).args([
            "--setopt=cachedir=/cache",
            "--setopt=localpkg_gpgcheck=1",
            "--setopt=pluginpath=/absent",
            "--releasever=9",
            "-y",
        ]);
        command
    };
    let said = run_fails(dnf().args(["--disablerepo=*", "install"]).arg(&package));
    assert!(said.contains("is not installed") || said.contains("GPG check FAILED"), "{said}");
    // Into the same database as dnf's, wherever this machine's rpm has it.
    run(rooted("rpm").arg("--root").arg(&root).arg("--import").arg(place.path("key.pub.asc")));
    run(dnf().args(["--disablerepo=*", "install"]).arg(&package));
    let listed = run(dnf().args(["repolist", "--all", "-v", "-C"]));
    assert!(listed.contains("mods"), "{listed}");
}

#[test]
fn suse_has_its_own_folder_and_a_name_must_be_one() {
    let place = Place::new();
    run(place.modgraft().args(["key", "new", "--out", "key.asc"]));
    let asked = |name: &str, url: &str| {
        let mut command = place.modgraft();
        command.args([
            "key",
            "package",
            "key.pub.asc",
            "--sign-key",
            "none",
            "--profile",
            "leap",
            "--name",
            name,
            "--url",
            url,
        ]);
        command
    };
    let package = place.path(run(&mut asked("mods", "https://x.example/")).trim());
    let files = run(Command::new("rpm").args(["-qpl", "--nosignature"]).arg(package));
    assert_eq!(files, "/etc/pki/rpm-gpg/RPM-GPG-KEY-mods\n/etc/zypp/repos.d/mods.repo\n");
    for (name, url) in [
        ("../up", "https://x.example/"),
        ("a b", "https://x.example/"),
        ("mods", "https://x/\nenabled=0"),
        ("mods", "x"),
    ] {
        assert_eq!(code(&mut asked(name, url)).0, Some(2), "{name} {url:?}");
    }
}
