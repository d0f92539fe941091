//! Each kind of signer with each kind of key: a key file, gpg's agent, a PKCS#11 token, an external command; judged by the
//! real rpm.

mod support;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use pgp::composed::{Deserializable, SignedSecretKey};
use pgp::types::{PlainSecretParams, SecretParams};
use support::gnupg::{Gnupg, PLAIN};
use support::run;
use support::signing::{Said, gpg_verifies, modgraft, rpmkeys, unsigned};
use support::softhsm::{PIN, SoftHsm};

/// One key in all its forms.
struct Made {
    name: &'static str,
    gnupg: Gnupg,
    fingerprint: String,
    secret: PathBuf,
    public: PathBuf,
    /// The (sub)key that signs, for openssl.
    pkcs8: PathBuf,
}

const KINDS: [(&str, &str); 4] = [
    ("rsa4096", "Key-Type: RSA\nKey-Length: 4096\nKey-Usage: sign,cert\n"),
    (
        "subkey",
        "Key-Type: RSA\nKey-Length: 2048\nKey-Usage: cert\nSubkey-Type: RSA\nSubkey-Length: 2048\nSubkey-Usage: sign\n",
    ),
    ("ed25519", "Key-Type: EDDSA\nKey-Curve: ed25519\nKey-Usage: sign,cert\n"),
    ("ecdsa", "Key-Type: ECDSA\nKey-Curve: nistp256\nKey-Usage: sign,cert\n"),
];

struct Keys {
    _folder: tempfile::TempDir,
    script: PathBuf,
    made: Vec<Made>,
    token: SoftHsm,
}

impl Keys {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let make = |(name, parameters): (&'static str, &str)| {
            let gnupg = Gnupg::new();
            let rest = format!("Name-Real: R\nExpire-Date: 0\n{PLAIN}");
            let fingerprint = gnupg.generate(&format!("{parameters}{rest}"));
            let secret = gnupg.export("", &folder.path().join(format!("{name}.asc")));
            let public = gnupg.public(&folder.path().join(format!("{name}.pub")));
            let pkcs8 = pkcs8(&secret, &folder.path().join(format!("{name}.pem")));
            Made { name, gnupg, fingerprint, secret, public, pkcs8 }
        };
        let made: Vec<Made> = KINDS.into_iter().map(make).collect();
        let token = token_of(&made);
        Keys { script: script(folder.path()), _folder: folder, made, token }
    }

    fn key(&self, name: &str) -> &Made {
        self.made.iter().find(|made| made.name == name).unwrap()
    }
}

fn token_of(keys: &[Made]) -> SoftHsm {
    let token = SoftHsm::new();
    for (made, id) in keys.iter().zip(1..) {
        token.import(&made.pkcs8, made.name, id);
    }
    token
}

/// One test, since keys of RSA take seconds to make, and their agents and folders go with them at its end.
#[test]
fn every_signer_with_every_key() {
    let keys = &Keys::new();
    std::thread::scope(|scope| {
        for part in [
            key_files as fn(&Keys),
            keys_of_gpg,
            keys_in_a_token,
            keys_of_an_external_command,
            keys_without_a_certificate_get_one,
            what_a_token_may_answer,
            what_a_command_may_answer,
            keys_whose_time_is_over,
        ] {
            scope.spawn(move || part(keys));
        }
    });
}

/// The secret key that signs, as openssl takes it.
fn pkcs8(secret: &Path, to: &Path) -> PathBuf {
    let text = fs_err::read_to_string(secret).unwrap();
    let (key, _) = SignedSecretKey::from_string(&text).unwrap();
    let params = match key.secret_subkeys.first() {
        Some(subkey) => subkey.key.secret_params().clone(),
        None => key.primary_key.secret_params().clone(),
    };
    let SecretParams::Plain(params) = &params else { panic!("the key has no passphrase") };
    let der = match params {
        PlainSecretParams::RSA(key) => {
            let (d, p, q, _) = key.to_bytes();
            let number = |bytes: &[u8]| rsa::BigUint::from_bytes_be(bytes);
            let n = number(&p) * number(&q);
            let e = number(&[1, 0, 1]);
            let key =
                rsa::RsaPrivateKey::from_components(n, e, number(&d), vec![number(&p), number(&q)]).unwrap();
            rsa::pkcs8::EncodePrivateKey::to_pkcs8_der(&key).unwrap().as_bytes().to_vec()
        }
        PlainSecretParams::EdDSALegacy(pgp::crypto::eddsa_legacy::SecretKey::Ed25519(key)) => {
            [&hex("302e020100300506032b657004220420")[..], key.as_bytes()].concat()
        }
        PlainSecretParams::ECDSA(key) => {
            let front = hex("3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420");
            [&front[..], &key.to_bytes()].concat()
        }
        other => panic!("{other:?}"),
    };
    let binary = to.with_extension("der");
    fs_err::write(&binary, der).unwrap();
    // openssl adds the public point, without which SoftHSM imports nothing.
    run(Command::new("openssl")
        .args(["pkcs8", "-topk8", "-nocrypt", "-inform", "DER", "-in"])
        .arg(&binary)
        .arg("-out")
        .arg(to));
    to.to_owned()
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// A command that signs with openssl, as one for a key management service would with that: `sign.sh KEY.pem`.
fn script(folder: &Path) -> PathBuf {
    let path = folder.join("sign.sh");
    let text = r#"#!/bin/sh
set -eu
case "$2" in
public-key) exec openssl pkey -in "$1" -pubout ;;
sign) ;;
*) echo "unknown request $2" >&2; exit 3 ;;
esac
request=$(cat)
if [ -n "${SEEN-}" ]; then { printf '%s\n' "$0 $*" "$request"; env; ls -l /proc/self/fd; } >>"$SEEN"; fi
field() { printf %s "$request" | sed 's/.*"'"$1"'":"\([^"]*\)".*/\1/'; }
digest=$(mktemp)
trap 'rm -f "$digest"' EXIT
field digest | tr a-f A-F | basenc -d --base16 >"$digest"
case "$(field algorithm)" in
rsa-pkcs1-sha256) set -- -inkey "$1" -pkeyopt digest:sha256 -pkeyopt rsa_padding_mode:pkcs1 ;;
ed25519) set -- -inkey "$1" -rawin ;;
ecdsa-p256-sha256) set -- -inkey "$1" ;;
esac
openssl pkeyutl -sign "$@" -in "$digest" | base64
"#;
    fs_err::write(&path, text).unwrap();
    fs_err::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    path
}

/// Signs two copies of a package; they are the same, where the signer can. Returns one.
fn sign_twice(folder: &Path, reproducible: bool, signing: &dyn Fn(&mut Command)) -> PathBuf {
    let [package, ..] = unsigned("el9", folder);
    let copy = folder.join("again.rpm");
    fs_err::copy(&package, &copy).unwrap();
    for package in [&package, &copy] {
        let mut command = modgraft();
        command.arg("sign").arg(package);
        signing(&mut command);
        let said = Said::of(&mut command);
        assert_eq!(said.code, Some(0), "{}", said.stderr);
        assert_eq!(said.stdout, format!("{}\n", package.display()));
    }
    let same = fs_err::read(&package).unwrap() == fs_err::read(&copy).unwrap();
    assert_eq!(same, reproducible, "the same bytes twice");
    package
}

fn judge(package: &Path, made: &Made) {
    // rpm before 6 knows no ECDSA.
    if made.name == "ecdsa" {
        let status = gpg_verifies(package, "DSAHEADER", &made.public);
        assert!(status.contains("GOODSIG") && status.contains(&made.fingerprint), "{status}");
        return;
    }
    let said = rpmkeys(package, &made.public);
    let algorithm = if made.name == "ed25519" { "EdDSA/SHA256" } else { "RSA/SHA256" };
    assert!(said.contains(algorithm) && said.contains(": OK"), "{said}");
}

fn key_files(keys: &Keys) {
    for made in &keys.made {
        let folder = tempfile::tempdir().unwrap();
        let package = sign_twice(folder.path(), true, &|command| {
            command.arg("--sign-key").arg(&made.secret);
        });
        judge(&package, made);
    }
}

fn keys_of_gpg(keys: &Keys) {
    for made in &keys.made {
        let folder = tempfile::tempdir().unwrap();
        // libgcrypt's ECDSA chooses by RFC 6979: from the message, not at random.
        let package = sign_twice(folder.path(), true, &|command| {
            command.env("GNUPGHOME", made.gnupg.home.path());
            command.arg("--sign-key").arg(format!("gpg:{}", made.fingerprint));
        });
        judge(&package, made);
    }
}

fn keys_in_a_token(keys: &Keys) {
    let token = &keys.token;
    for made in &keys.made {
        let folder = tempfile::tempdir().unwrap();
        let (name, value) = token.variable();
        // A token's ECDSA chooses at random.
        let package = sign_twice(folder.path(), made.name != "ecdsa", &|command| {
            command.env(name, &value).arg("--sign-key").arg(token.uri(made.name));
            command.arg("--public-key").arg(&made.public);
        });
        judge(&package, made);
    }
}

fn keys_of_an_external_command(keys: &Keys) {
    let script = &keys.script;
    for made in &keys.made {
        let folder = tempfile::tempdir().unwrap();
        let seen = folder.path().join("seen");
        let spec = format!("command:{} '{}'", script.display(), made.pkcs8.display());
        // openssl's ECDSA chooses at random.
        let package = sign_twice(folder.path(), made.name != "ecdsa", &|command| {
            command.env("SEEN", &seen).env("MODGRAFT_PASSPHRASE", "abracadabra");
            command.args(["--sign-key", &spec, "--public-key"]).arg(&made.public);
        });
        judge(&package, made);
        let seen = fs_err::read_to_string(&seen).unwrap();
        assert!(seen.contains(r#"{"modgraft":1,"request":"sign","algorithm":""#), "{seen}");
        assert!(!seen.contains("abracadabra") && !seen.contains("MODGRAFT_PASSPHRASE"), "{seen}");
    }
}

fn keys_without_a_certificate_get_one(keys: &Keys) {
    let Keys { token, script, .. } = keys;
    let (name, value) = token.variable();
    for made in &keys.made {
        let folder = tempfile::tempdir().unwrap();
        let command = format!("command:{} {}", script.display(), made.pkcs8.display());
        for spec in [token.uri(made.name), command] {
            let public = folder.path().join("public.asc");
            let certify = || {
                let mut command = modgraft();
                command.env(name, &value).args([
                    "key",
                    "certify",
                    &spec,
                    "--user-id",
                    "Packages <p@example.org>",
                ]);
                command.env("SOURCE_DATE_EPOCH", "1700000000").arg("--out").arg(&public);
                Said::of(&mut command)
            };
            let said = certify();
            assert_eq!(said.code, Some(0), "{}", said.stderr);
            certify().fails(2, "is there already");
            let [package, ..] = unsigned("el9", folder.path());
            let mut command = modgraft();
            command.env(name, &value).arg("sign").arg(&package).args(["--sign-key", &spec, "--public-key"]);
            assert_eq!(Said::of(command.arg(&public)).code, Some(0));
            // gpg takes the certificate, and rpm the package.
            let gnupg = Gnupg::new();
            run(gnupg.command().arg("--import").arg(&public));
            let listed = run(gnupg.command().args(["--with-colons", "--list-keys"]));
            assert!(
                listed.contains("Packages <p@example.org>") && listed.contains(":1700000000:"),
                "{listed}"
            );
            if made.name == "ecdsa" {
                assert!(gpg_verifies(&package, "DSAHEADER", &public).contains("GOODSIG"));
            } else {
                assert!(rpmkeys(&package, &public).contains(": OK"));
            }
            fs_err::remove_file(&public).unwrap();
        }
    }
}

fn what_a_token_may_answer(keys: &Keys) {
    // SoftHSM notes a wrong PIN in the token's file, which is an error to whoever reads that at the moment.
    let token = &token_of(&keys.made);
    let folder = tempfile::tempdir().unwrap();
    let packages = unsigned("el9", folder.path());
    let before = packages.clone().map(|package| fs_err::read(package).unwrap());
    let (name, value) = token.variable();
    let log = folder.path().join("log");
    let sign = |uri: &str, public: &Path, more: &[(&str, &str)]| {
        let mut command = modgraft();
        command.env(name, &value).env("SHIM_LOG", &log).envs(more.iter().copied());
        command.arg("sign").args(&packages).args(["--sign-key", uri, "--public-key"]).arg(public);
        Said::of(&mut command)
    };
    let rsa = keys.key("rsa4096");
    let good = token.uri("rsa4096");
    let shim = token.shim();
    let shimmed = token.uri_without_pin("rsa4096").replace(SoftHsm::module(), &shim.display().to_string());
    let log_ins = || {
        let count = fs_err::read_to_string(&log).unwrap_or_default().lines().count();
        let _ = fs_err::remove_file(&log);
        count
    };

    // One attempt for all packages, however it ends.
    sign(&shimmed, &rsa.public, &[("MODGRAFT_PASSPHRASE", "1234")])
        .fails(9, "the PIN does not open the token Release keys");
    assert_eq!(log_ins(), 1);
    sign(&shimmed, &rsa.public, &[("MODGRAFT_PASSPHRASE", PIN), ("SHIM_LOCKED", "1")]).fails(9, "is locked");
    assert_eq!(log_ins(), 1);
    sign(&shimmed, &rsa.public, &[("MODGRAFT_PASSPHRASE", PIN), ("SHIM_FINAL", "1")])
        .fails(9, "one more attempt");
    assert_eq!(log_ins(), 0);
    sign(&shimmed, &rsa.public, &[]).fails(9, "protected by a PIN");
    assert_eq!(log_ins(), 0);

    sign(&good, &rsa.public, &[("MODGRAFT_PASSPHRASE", PIN)])
        .fails(2, "two places are named for the passphrase");
    sign(&good.replace("Release", "Other"), &rsa.public, &[]).fails(9, "there is no token");
    sign(&good.replace("rsa4096", "nothing"), &rsa.public, &[]).fails(9, "has no private key");
    sign(&good.replace(";object=rsa4096", ""), &rsa.public, &[]).fails(9, "private keys fit");
    sign(&good, &keys.key("subkey").public, &[]).fails(9, "is not the public key of");
    sign(&good, &folder.path().join("none"), &[]).fails(2, "there is no key file");
    sign(&good.replace(SoftHsm::module(), "/no/such.so"), &rsa.public, &[]).fails(9, "no PKCS#11 module");
    sign(&format!("{good}&pin-value={PIN}"), &rsa.public, &[]).fails(2, "has the PIN in it");
    let said = Said::of(modgraft().env(name, &value).arg("sign").args(&packages).args(["--sign-key", &good]));
    said.fails(2, "rpm needs its OpenPGP public key");
    let after = packages.map(|package| fs_err::read(package).unwrap());
    assert!(before == after, "a package was changed");
}

fn what_a_command_may_answer(keys: &Keys) {
    let folder = tempfile::tempdir().unwrap();
    let [package, ..] = unsigned("el9", folder.path());
    let before = fs_err::read(&package).unwrap();
    let rsa = keys.key("rsa4096");
    let sign = |body: &str| {
        let script = folder.path().join("answer");
        fs_err::write(&script, format!("#!/bin/sh\n{body}\n")).unwrap();
        fs_err::set_permissions(&script, PermissionsExt::from_mode(0o755)).unwrap();
        let spec = format!("command:{}", script.display());
        Said::of(
            modgraft().arg("sign").arg(&package).args(["--sign-key", &spec, "--public-key"]).arg(&rsa.public),
        )
    };
    let refused = sign("echo 'no such key version' >&2; exit 4");
    assert_eq!(refused.code, Some(9));
    assert!(refused.stderr.contains("no such key version"), "{}", refused.stderr);
    sign("echo '<html>'").fails(9, "cannot be used: it is no base 64");
    sign("").fails(9, "cannot be used: it is no base 64");
    sign("echo AAAA").fails(9, "gave is no signature by the key");
    sign("yes | head -c 1000000").fails(5, "wrote more than");
    // A signature that is one, by another key.
    let other = &keys.script;
    sign(&format!("exec {} {} \"$@\"", other.display(), keys.key("subkey").pkcs8.display()))
        .fails(9, "is no signature by the key");
    let spec = "command:/no/such/program";
    let said = Said::of(
        modgraft().arg("sign").arg(&package).args(["--sign-key", spec, "--public-key"]).arg(&rsa.public),
    );
    said.fails(5, "error[modgraft::sign::command]: the signing command did not sign: `/no/such/program` is not installed");
    assert!(!said.stderr.contains("gpg"), "{}", said.stderr);
    assert!(fs_err::read(&package).unwrap() == before, "the package was changed");
}

fn keys_whose_time_is_over(keys: &Keys) {
    // Of its own: SoftHSM writes the token's file at each login, too.
    let token = &token_of(&keys.made);
    let folder = tempfile::tempdir().unwrap();
    let [package, ..] = unsigned("el9", folder.path());
    let before = fs_err::read(&package).unwrap();
    let made = keys.key("rsa4096");
    let refused = |public: &Path, words: &str| {
        let spec = format!("command:{} {}", keys.script.display(), made.pkcs8.display());
        let mut command = modgraft();
        Said::of(command.arg("sign").arg(&package).args(["--sign-key", &spec, "--public-key"]).arg(public))
            .fails(9, words);
        let (name, value) = token.variable();
        let mut command = modgraft();
        command.env(name, value).arg("sign").arg(&package).args([
            "--sign-key",
            &token.uri(made.name),
            "--public-key",
        ]);
        Said::of(command.arg(public)).fails(9, words);
    };
    // Each in a home of its own, since a revocation stays.
    let with = |name: &str, change: &dyn Fn(&Gnupg)| {
        let gnupg = Gnupg::new();
        run(gnupg.command().arg("--import").arg(&made.secret));
        change(&gnupg);
        gnupg.public(&folder.path().join(name))
    };
    let expired = with("expired", &|gnupg| {
        run(gnupg.command().args(["--quick-set-expire", &made.fingerprint, "seconds=1"]));
        let listed = || run(gnupg.command().args(["--with-colons", "--list-keys"]));
        while !listed().contains("pub:e:") {}
    });
    let revoked = with("revoked", &|gnupg| {
        let certificate = made.gnupg.home.path().join(format!("openpgp-revocs.d/{}.rev", made.fingerprint));
        let text = fs_err::read_to_string(&certificate).unwrap().replace(":-----BEGIN", "-----BEGIN");
        let certificate = gnupg.home.path().join("revocation");
        fs_err::write(&certificate, text).unwrap();
        run(gnupg.command().arg("--import").arg(&certificate));
    });
    refused(&revoked, "is revoked");
    refused(&expired, "expired on");
    assert!(fs_err::read(&package).unwrap() == before);
}
