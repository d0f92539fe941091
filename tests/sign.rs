//! Keys and signatures, against the real gpg and the real rpm.

mod support;

use std::process::Command;
use std::sync::Barrier;
use std::thread;

use modgraft::profile::Profile;
use modgraft::sign::{self, Environment, Error, KeySpec};
use support::gnupg::{Gnupg, PLAIN, RSA};
use support::{run, run_fails};

fn open(spec: &KeySpec, environment: &Environment) -> Result<sign::BoxedSigner, Error> {
    let data = tempfile::tempdir().unwrap();
    sign::open_with(spec, data.path(), environment).map(Option::unwrap)
}

#[test]
fn the_development_key_is_made_once_and_signs() {
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().join("not/yet/there");
    assert!(!sign::development_key_exists(&folder));
    let first = sign::open(&KeySpec::Development, &folder).unwrap().unwrap();
    assert!(sign::development_key_exists(&folder));
    let again = sign::open(&KeySpec::Development, &folder).unwrap().unwrap();
    assert_eq!(first.key().fingerprint, again.key().fingerprint);
    assert!(first.key().development && first.key().primary);
    assert_eq!(first.key().user_id, "modgraft development key");

    use std::os::unix::fs::PermissionsExt;
    let files: Vec<_> = fs_err::read_dir(&folder).unwrap().map(Result::unwrap).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    assert_eq!(files[0].metadata().unwrap().permissions().mode() & 0o777, 0o600);

    let signature = first.sign(&mut &b"message"[..], 0).unwrap();
    assert_eq!(signature, again.sign(&mut &b"message"[..], 0).unwrap(), "signatures are reproducible");
    let status = Gnupg::verifies(&first.key().public_key, b"message", &signature);
    assert!(status.contains("GOODSIG") && status.contains(&first.key().fingerprint), "{status}");
    // Dated by the key's creation, since 0 is before it.
    assert!(status.contains(&format!(" {} ", first.key().created)), "{status}");

    let later = first.key().created + 1000;
    let dated = first.sign(&mut &b"message"[..], later).unwrap();
    assert_ne!(dated, signature);

    // The real rpm takes the public half.
    let database = data.path().join("rpmdb");
    let public = data.path().join("public.asc");
    fs_err::write(&public, &first.key().public_key).unwrap();
    run(Command::new("rpmkeys").arg("--dbpath").arg(&database).arg("--import").arg(&public));
    let keys = run(Command::new("rpm").arg("--dbpath").arg(&database).args(["-q", "gpg-pubkey"]));
    let short = first.key().fingerprint[32..].to_lowercase();
    assert!(keys.contains(&short), "{keys}");
}

#[test]
fn what_is_too_long_to_be_read_whole_gets_the_same_kind_of_signature() {
    let data = tempfile::tempdir().unwrap();
    let gnupg = Gnupg::new();
    gnupg.generate(&format!("{RSA}{PLAIN}"));
    let spec = KeySpec::File(gnupg.export("", &data.path().join("key.asc")));
    let signer = open(&spec, &Environment::default()).unwrap();
    let message = vec![7; (8 << 20) + 5];
    let signature = signer.sign(&mut message.as_slice(), 0).unwrap();
    assert!(Gnupg::verifies(&signer.key().public_key, &message, &signature).contains("GOODSIG"));
}

#[test]
fn two_processes_at_once_make_one_key() {
    let data = tempfile::tempdir().unwrap();
    let barrier = Barrier::new(4);
    let mut fingerprints: Vec<String> = thread::scope(|scope| {
        let open = || {
            barrier.wait();
            sign::open(&KeySpec::Development, data.path()).unwrap().unwrap().key().fingerprint.clone()
        };
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(open)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    fingerprints.dedup();
    assert_eq!(fingerprints.len(), 1, "{fingerprints:?}");
    assert_eq!(fs_err::read_dir(data.path()).unwrap().count(), 1, "nothing else is left behind");
}

#[test]
fn a_key_file_with_a_passphrase() {
    let gnupg = Gnupg::new();
    gnupg.generate(&format!("{RSA}Passphrase: open sesame\n%commit\n"));
    let data = tempfile::tempdir().unwrap();
    let spec = KeySpec::File(gnupg.export("open sesame", &data.path().join("key.asc")));

    let error = open(&spec, &Environment::default()).map(drop).unwrap_err();
    assert!(matches!(error, Error::PassphraseNeeded { .. }), "{error:?}");
    let error = open(&spec, &gnupg.environment(Some("abracadabra"))).map(drop).unwrap_err();
    assert!(matches!(error, Error::WrongPassphrase { .. }), "{error:?}");
    assert_eq!(error.to_string().lines().count(), 1);

    let signer = open(&spec, &gnupg.environment(Some("open sesame"))).unwrap();
    let signature = signer.sign(&mut &b"message"[..], 0).unwrap();
    assert!(Gnupg::verifies(&signer.key().public_key, b"message", &signature).contains("GOODSIG"));
    assert!(!format!("{:?}", gnupg.environment(Some("open sesame"))).contains("sesame"));
}

#[test]
fn other_algorithms_and_subkeys() {
    let data = tempfile::tempdir().unwrap();
    let cases = [
        (
            "Key-Type: EDDSA\nKey-Curve: ed25519\nKey-Usage: sign,cert\nName-Real: R\nExpire-Date: 0\n",
            "ed25519",
            true,
        ),
        (
            "Key-Type: ECDSA\nKey-Curve: nistp256\nKey-Usage: sign,cert\nName-Real: R\nExpire-Date: 0\n",
            "ecdsa",
            true,
        ),
        (
            "Key-Type: RSA\nKey-Length: 2048\nKey-Usage: cert\nSubkey-Type: RSA\nSubkey-Length: 2048\nSubkey-Usage: sign\n\
             Name-Real: R\nExpire-Date: 0\n",
            "rsa",
            false,
        ),
    ];
    for (index, (parameters, algorithm, primary)) in cases.into_iter().enumerate() {
        let gnupg = Gnupg::new();
        let fingerprint = gnupg.generate(&format!("{parameters}{PLAIN}"));
        let file = gnupg.export("", &data.path().join(format!("{index}.asc")));
        for spec in [KeySpec::File(file), KeySpec::Gpg(fingerprint.clone())] {
            let signer = open(&spec, &gnupg.environment(None)).unwrap();
            let key = signer.key();
            assert_eq!(key.fingerprint, fingerprint);
            assert_eq!(key.primary, primary, "{key:?}");
            assert!(format!("{:?}", key.algorithm).to_lowercase().starts_with(algorithm), "{key:?}");
            assert!(!key.sha1_self_signature);
            let signature = signer.sign(&mut &b"message"[..], 0).unwrap();
            let status = Gnupg::verifies(&key.public_key, b"message", &signature);
            assert!(status.contains("GOODSIG") && status.contains(&key.key_id), "{status}");
        }
    }
}

#[test]
fn gpg_signs_with_the_time_it_is_told() {
    let gnupg = Gnupg::new();
    let fingerprint = gnupg.generate(&format!("{RSA}{PLAIN}"));
    let spec = KeySpec::Gpg(fingerprint.clone());
    let signer = open(&spec, &gnupg.environment(None)).unwrap();
    let time = signer.key().created + 12345;
    let signature = signer.sign(&mut &b"message"[..], time).unwrap();
    assert_eq!(signature, signer.sign(&mut &b"message"[..], time).unwrap(), "the same bytes each time");
    let packets = {
        let file = gnupg.home.path().join("signature");
        fs_err::write(&file, &signature).unwrap();
        run(gnupg.command().arg("--list-packets").arg(&file))
    };
    assert!(packets.contains(&format!("created {time}")), "{packets}");
    assert!(packets.contains("digest algo 8"), "{packets}");
    // The file signer makes the very same signature of the same key.
    let data = tempfile::tempdir().unwrap();
    let file = KeySpec::File(gnupg.export("", &data.path().join("key.asc")));
    let by_file = open(&file, &Environment::default()).unwrap().sign(&mut &b"message"[..], time).unwrap();
    assert_eq!(by_file[by_file.len() - 256..], signature[signature.len() - 256..]);
}

#[test]
fn what_gpg_gives_is_looked_at() {
    let gnupg = Gnupg::new();
    let fingerprint = gnupg.generate(&format!("{RSA}{PLAIN}"));
    let other = Gnupg::new();
    other.generate(&format!("{}{PLAIN}", RSA.replace("Release", "Other")));
    let secret = other.export("", &other.home.path().join("other.asc"));
    run(gnupg.command().arg("--import").arg(&secret));
    let signer = open(&KeySpec::Gpg(fingerprint), &gnupg.environment(None)).unwrap();
    // The other key is there by then.
    let later = signer.key().created + 86_400;
    let configuration = gnupg.home.path().join("gpg.conf");
    for (line, expected) in [
        ("local-user Other", "it is not one signature"),
        ("textmode", "it is a signature of a text"),
        ("sig-notation !a@example.org=b", "it has subpackets marked as critical"),
    ] {
        fs_err::write(&configuration, format!("{line}\n")).unwrap();
        match signer.sign(&mut &b"message\n"[..], later) {
            Err(Error::GpgAnswer { reason, .. }) => assert!(reason.contains(expected), "{line}: {reason}"),
            other => panic!("{line}: {other:?}"),
        }
    }
    // What rpm has no use for, and takes no offence at.
    fs_err::write(&configuration, "sig-notation a@example.org=b\ndigest-algo SHA1\narmor\n").unwrap();
    let signature = signer.sign(&mut &b"message"[..], 0).unwrap();
    assert!(Gnupg::verifies(&signer.key().public_key, b"message", &signature).contains("GOODSIG"));
}

#[test]
fn gpg_with_a_passphrase_from_the_environment() {
    let gnupg = Gnupg::new();
    let fingerprint = gnupg.generate(&format!("{RSA}Passphrase: open sesame\n%commit\n"));
    // The agent remembers the passphrase of a key that it has just made.
    run(Command::new("gpgconf").arg("--homedir").arg(gnupg.home.path()).args(["--kill", "gpg-agent"]));
    let spec = KeySpec::Gpg(fingerprint);
    let wrong = open(&spec, &gnupg.environment(Some("abracadabra"))).unwrap();
    let error = wrong.sign(&mut &b"message"[..], 0).unwrap_err();
    assert!(matches!(error, Error::WrongPassphrase { .. }), "{error:?}");
    // It is not tried again, since it may be the PIN of a card, which counts: gpg, without its keys, would say something else.
    let (secrets, away) = (gnupg.home.path().join("private-keys-v1.d"), gnupg.home.path().join("away"));
    fs_err::rename(&secrets, &away).unwrap();
    let error = wrong.sign(&mut &b"message"[..], 0).unwrap_err();
    assert!(matches!(error, Error::WrongPassphrase { .. }), "{error:?}");
    fs_err::rename(&away, &secrets).unwrap();
    let signer = open(&spec, &gnupg.environment(Some("open sesame"))).unwrap();
    let signature = signer.sign(&mut &b"message"[..], 0).unwrap();
    assert!(Gnupg::verifies(&signer.key().public_key, b"message", &signature).contains("GOODSIG"));
}

#[test]
fn keys_that_may_not_sign_are_refused() {
    let data = tempfile::tempdir().unwrap();
    let check = |gnupg: &Gnupg, fingerprint: &str, name: &str, expected: fn(&Error) -> bool| {
        let file = gnupg.export("", &data.path().join(name));
        for spec in [KeySpec::File(file), KeySpec::Gpg(fingerprint.to_owned())] {
            let error = open(&spec, &gnupg.environment(None)).map(drop).unwrap_err();
            assert!(expected(&error), "{spec:?}: {error:?}");
            assert_eq!(error.kind().exit_code(), 9);
            assert_eq!(error.to_string().lines().count(), 1);
        }
    };

    let expired = Gnupg::new();
    let file = expired.home.path().join("parameters");
    let parameters = RSA.replace("Expire-Date: 0", "Expire-Date: 2d");
    fs_err::write(&file, format!("{parameters}{PLAIN}")).unwrap();
    run(expired.command().args(["--faked-system-time", "20200101T000000", "--generate-key"]).arg(&file));
    let listing = run(expired.command().args(["--with-colons", "--list-secret-keys"]));
    let fingerprint = listing.lines().find_map(|line| line.strip_prefix("fpr:")).unwrap().trim_matches(':');
    check(
        &expired,
        fingerprint,
        "expired",
        |error| matches!(error, Error::Expired { date, .. } if date == "2020-01-03"),
    );

    let revoked = Gnupg::new();
    let fingerprint = revoked.generate(&format!("{RSA}{PLAIN}"));
    let certificate = revoked.home.path().join(format!("openpgp-revocs.d/{fingerprint}.rev"));
    let text = fs_err::read_to_string(&certificate).unwrap().replace(":-----BEGIN", "-----BEGIN");
    fs_err::write(&certificate, text).unwrap();
    run(revoked.command().arg("--import").arg(&certificate));
    check(&revoked, &fingerprint, "revoked", |error| matches!(error, Error::Revoked { .. }));

    let certifier = Gnupg::new();
    let fingerprint = certifier.generate(&format!("{}{PLAIN}", RSA.replace("sign,cert", "cert")));
    check(&certifier, &fingerprint, "certifier", |error| matches!(error, Error::CannotSign { .. }));
}

#[test]
fn files_that_are_no_keys() {
    let data = tempfile::tempdir().unwrap();
    let gnupg = Gnupg::new();
    gnupg.generate(&format!("{RSA}{PLAIN}"));
    let path = |name: &str| data.path().join(name);
    let secret = fs_err::read_to_string(gnupg.export("", &path("secret"))).unwrap();
    fs_err::write(path("public"), run(gnupg.command().args(["--armor", "--export"]))).unwrap();
    fs_err::write(path("empty"), "").unwrap();
    fs_err::write(path("noise"), "not a key at all\n").unwrap();
    fs_err::write(path("cut"), &secret[..secret.len() / 2]).unwrap();
    fs_err::write(path("large"), vec![0; 2 << 20]).unwrap();
    for name in ["public", "empty", "noise", "cut", "large"] {
        let error = open(&KeySpec::File(path(name)), &Environment::default()).map(drop).unwrap_err();
        assert!(matches!(error, Error::NotAKey { .. }), "{name}: {error:?}");
        assert_eq!(error.to_string().lines().count(), 1, "{name}: {error}");
    }
    let error = open(&KeySpec::File(path("none")), &Environment::default()).map(drop).unwrap_err();
    assert!(matches!(error, Error::NoFile { .. }), "{error:?}");

    gnupg.generate(&format!("{RSA}{PLAIN}"));
    let error =
        open(&KeySpec::File(gnupg.export("", &path("two"))), &Environment::default()).map(drop).unwrap_err();
    assert!(matches!(error, Error::SeveralKeys { count: 2, .. }), "{error:?}");
    let error = open(&KeySpec::Gpg("Release".into()), &gnupg.environment(None)).map(drop).unwrap_err();
    assert!(matches!(error, Error::Ambiguous { count: 2, .. }), "{error:?}");
    let error = open(&KeySpec::Gpg("nobody".into()), &gnupg.environment(None)).map(drop).unwrap_err();
    assert!(matches!(error, Error::NoSuchKey { .. }), "{error:?}");
}

#[test]
fn keys_are_judged_by_the_family_that_has_to_accept_them() {
    let data = tempfile::tempdir().unwrap();
    let development = sign::open(&KeySpec::Development, data.path()).unwrap().unwrap();
    let gnupg = Gnupg::new();
    let fingerprint = gnupg.generate(&format!(
        "Key-Type: EDDSA\nKey-Curve: ed25519\nKey-Usage: sign,cert\nName-Real: R\nExpire-Date: 0\n{PLAIN}"
    ));
    let modern = open(&KeySpec::Gpg(fingerprint), &gnupg.environment(None)).unwrap();
    for family in Profile::names() {
        let profile = Profile::named(family).unwrap();
        sign::check_accepted(development.key(), family, &profile.packaging.keys).unwrap();
        let accepted = sign::check_accepted(modern.key(), family, &profile.packaging.keys);
        assert_eq!(
            accepted.is_err(),
            ["el6", "el7", "el8", "amazon2", "suse", "leap"].contains(&family),
            "{family}: {accepted:?}"
        );
    }
}

#[test]
fn keys_that_a_release_does_not_import_sign_nothing_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("sq.sec");
    run(Command::new("sq").args(["key", "generate", "--userid", "Sequoia", "--export"]).arg(&secret));
    let gnupg = Gnupg::new();
    run(gnupg.command().arg("--import").arg(&secret));
    for (spec, environment) in [
        (KeySpec::File(secret), Environment::default()),
        (KeySpec::Gpg("Sequoia".to_owned()), gnupg.environment(None)),
    ] {
        let signer = open(&spec, &environment).unwrap();
        assert!(signer.key().critical_subpackets, "{spec:?}");
        for (release, takes) in [("el9", false), ("debian", false), ("el10", true), ("fedora", true)] {
            let profile = Profile::named(release).unwrap();
            let accepted = sign::check_accepted(signer.key(), release, &profile.packaging.keys);
            assert_eq!(accepted.is_ok(), takes, "{release}: {accepted:?}");
        }
    }
}

#[test]
fn no_gpg_is_named() {
    // A child with an empty PATH, since a test cannot change its own environment.
    let folder = tempfile::tempdir().unwrap();
    let output = run_fails(
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "inner_without_gpg", "--ignored", "--nocapture"])
            .env("PATH", folder.path()),
    );
    assert!(output.contains("`gpg` is not installed"), "{output}");
}

#[test]
#[ignore = "run by no_gpg_is_named with an empty PATH"]
fn inner_without_gpg() {
    let error = open(&KeySpec::Gpg("x".into()), &Environment::default()).map(drop).unwrap_err();
    panic!("{error}");
}
