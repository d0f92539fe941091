//! Each thing that a release takes offence at, and no other release.

use std::path::Path;
use std::process::Command;

use ::rpm::IndexData;
use modgraft::profile::{Compressor, Profile};
use modgraft::rpm::Error;
use modgraft::sign::{Environment, KeySpec, Signer, open_with};
use modgraft::verify::Verified;
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{Notation, Subpacket, SubpacketData};
use sha2::{Digest, Sha512};

use crate::edit::Parts;
use crate::made::{ECDSA, ED25519, Made, Place, RELEASES, RSA, SUBKEY, made, made_with, profile};
use crate::signer::Odd;
use crate::support::module::Module;
use crate::support::{key, run};

/// The releases of [`RELEASES`] that refuse, each of them for this reason alone.
fn refused_by(verified: &Verified, expected: &[&str], reason: &str) {
    for release in verified.releases.iter().filter(|one| RELEASES.contains(&one.release.as_str())) {
        let refuses = expected.contains(&release.release.as_str());
        assert_eq!(release.accepted, !refuses, "{}: {release:?}", reason);
        for said in &release.reasons {
            assert!(said.contains(reason), "{}: `{said}` in place of `{reason}`", release.release);
        }
    }
}

/// modgraft's verdict for this machine's own rpm, against that rpm itself.
fn as_here(place: &Place, package: &Path) {
    let verified = place.verified(package, true);
    let debian = verified.releases.iter().find(|release| release.release == "debian").unwrap();
    let (accepted, said) = place.real(package);
    assert_eq!(debian.accepted, accepted, "{debian:?}\n{said}");
}

/// The universal form, which all accept.
fn universal(place: &Place) -> Parts {
    let path = place.package(&Profile::named("el6").unwrap(), Some(&**key()));
    refused_by(&place.verified(&path, true), &[], "");
    Parts::of(&path)
}

#[test]
fn what_is_made_for_a_profile_is_accepted_there() {
    for family in Profile::all() {
        let place = Place::new();
        let package = place.package(family, Some(&**key()));
        let verified = place.verified(&package, true);
        let own = verified.releases.iter().find(|release| release.release == family.name).unwrap();
        assert!(own.accepted && own.reasons.is_empty(), "{own:?}");
        as_here(&place, &package);
    }
}

#[test]
fn compressors() {
    let place = Place::new();
    let zstd = profile("el7", |profile| profile.packaging.payload.compressor = Compressor::Zstd);
    let package = place.package(&zstd, Some(&**key()));
    let verified = place.verified(&package, true);
    refused_by(&verified, &["el6", "el7"], "its payload is compressed by zstd, which rpm 4.");
    let line = "      el7  refused   its payload is compressed by zstd, which rpm 4.11 cannot read\n";
    assert!(verified.text().contains(line), "{}", verified.text());
    let xz = profile("el7", |profile| profile.packaging.payload.compressor = Compressor::Xz);
    refused_by(&place.verified(&place.package(&xz, Some(&**key())), true), &[], "");
}

#[test]
fn what_the_signature_header_lacks() {
    let place = Place::new();
    let old = ["el6", "el7"];
    let cases: [(&[u32], &[&str], &str); 7] = [
        (&[1004], &old, "no MD5 of header and payload (tag 1004): nothing guards its payload there"),
        (&[1002], &old, "no signature of header and payload (tag 1002)"),
        (&[268], &old, "no signature of its header (tag 268)"),
        (&[1007], &old, "its archive's size (tag 1007)"),
        (&[269], &old, "no SHA-1 of its header (tag 269)"),
        (&[273], &["el8", "fedora"], "no SHA-256 of its header (tag 273)"),
        (&[268, 1002], &["fedora"], "it is not signed, and rpm 6.0 refuses"),
    ];
    for (tags, refusing, reason) in cases {
        let mut parts = universal(&place);
        parts.without(tags);
        let path = place.path("changed.rpm");
        parts.write(&path);
        let with_keys = tags.len() == 1;
        refused_by(&place.verified(&path, with_keys), refusing, reason);
        as_here(&place, &path);
    }
    let mut unsigned = universal(&place);
    unsigned.without(&[268, 1002]);
    unsigned.write(&place.path("unsigned.rpm"));
    refused_by(&place.verified(&place.path("unsigned.rpm"), true), &RELEASES, "it is not signed");
    let text = place.verified(&place.path("unsigned.rpm"), false).text();
    assert!(text.contains("it is not signed: rpm installs it, yum, dnf and zypper do not"), "{text}");
}

#[test]
fn the_size_of_the_signature_header() {
    let place = Place::new();
    let path = place.path("large.rpm");
    let mut large = universal(&place);
    large.put(1008, IndexData::Bin(vec![0; 8192]));
    large.write(&path);
    refused_by(&place.verified(&path, true), &["el6", "el7", "el8"], "bytes, and rpm 4.");
    as_here(&place, &path);
    let mut many = universal(&place);
    (2000..2030).for_each(|tag| many.put(tag, IndexData::Int32(vec![0])));
    many.write(&path);
    refused_by(&place.verified(&path, true), &RELEASES, "tags, and rpm ");
    as_here(&place, &path);
}

#[test]
fn digests_of_old() {
    let place = Place::new();
    let mut parts = universal(&place);
    parts.change_header(|entries| entries.retain(|(tag, _)| ![5092, 5093, 5097].contains(tag)));
    parts.without(&[273]);
    let path = place.path("old.rpm");
    parts.write(&path);
    let verified = place.verified(&path, false);
    for release in verified.releases.iter().filter(|one| RELEASES.contains(&one.release.as_str())) {
        let refuses = ["el8", "fedora"].contains(&release.release.as_str());
        assert_eq!(release.accepted, !refuses, "{release:?}");
        let payload = "no SHA-256 of its payload (tag 5092)";
        assert_eq!(release.reasons.iter().any(|reason| reason.contains(payload)), refuses, "{release:?}");
    }
}

fn by(made: &Made, signer: &dyn Signer, name: &str) -> (Place, Verified) {
    let place = Place::of(made.signer.key());
    // The universal form, by a key that not all would take.
    let any = profile("el6", |profile| {
        profile.packaging.keys.algorithms =
            Profile::named("fedora").unwrap().packaging.keys.algorithms.clone();
        profile.packaging.keys.subkeys = true;
    });
    let package = place.package(&any, Some(signer));
    let verified = place.verified(&package, true);
    let debian = verified.releases.iter().find(|release| release.release == "debian").unwrap();
    let (accepted, said) = place.real(&package);
    assert_eq!(debian.accepted, accepted, "{name}: {debian:?}\n{said}");
    (place, verified)
}

#[test]
fn algorithms_and_subkeys() {
    for (parameters, refusing, reason) in [
        (RSA, &[][..], ""),
        (ED25519, &["el6", "el7", "el8"], "is by EdDSA, which rpm 4."),
        (ECDSA, &["el6", "el7", "el8", "el9"], "is by ECDSA, which rpm 4."),
        (SUBKEY, &["el6", "el7"], "does not count: it knows signatures by a primary key only"),
    ] {
        let made = made(parameters);
        let (place, verified) = by(&made, &*made.signer, parameters);
        refused_by(&verified, refusing, reason);
        // The algorithm is told by the signature itself, without any key.
        if parameters != SUBKEY {
            refused_by(&place.verified(&place.path("package.rpm"), false), refusing, reason);
        }
    }
}

#[test]
fn hashes_and_dates_of_signatures() {
    let made = made(RSA);
    let mut odd = Odd::of(&made.file, made.signer.key());
    refused_by(&by(&made, &odd, "as it should be").1, &[], "");
    odd.after = -1;
    let early = by(&made, &odd, "early").1;
    refused_by(&early, &["el10", "fedora"], "is dated before its key was made");
    odd.after = 3 * 86400 + 60;
    let late = by(&made, &odd, "late").1;
    refused_by(&late, &["el10", "fedora"], "is dated 3 days later than it is by this machine's clock");
    // That clocks go apart by minutes is no one's fault.
    odd.after = 120;
    refused_by(&by(&made, &odd, "a little late").1, &[], "");
    odd.after = 0;
    odd.hash = HashAlgorithm::Sha1;
    let sha1 = by(&made, &odd, "SHA-1").1;
    refused_by(&sha1, &["el9", "el10", "fedora"], "rests on SHA1");
}

#[test]
fn another_key_and_a_stale_signature() {
    let place = Place::new();
    let other = made(RSA);
    let strangers = Place::of(other.signer.key());
    let package = place.package(&Profile::named("el6").unwrap(), Some(&**key()));
    refused_by(&strangers.verified(&package, true), &RELEASES, "is by the key");
    as_here(&strangers, &package);

    // Tag 278, which rpmsign 4.18 leaves as it was; only rpm 6 reads it.
    let mut parts = universal(&place);
    let stale = other.signer.sign(&mut &b"another header"[..], 0).unwrap();
    let mut base64 = String::new();
    for chunk in stale.chunks(3) {
        let bits =
            chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let digit = |index: usize| {
            if index > chunk.len() {
                '='
            } else {
                char::from(letters[(bits >> (18 - 6 * index) & 63) as usize])
            }
        };
        base64.extend((0..4).map(digit));
    }
    parts.put(278, IndexData::StringArray(vec![base64]));
    let path = place.path("stale.rpm");
    parts.write(&path);
    fs_err::write(&place.keys, format!("{}{}", key().key().public_key, other.signer.key().public_key))
        .unwrap();
    let verified = place.verified(&path, true);
    refused_by(&verified, &["fedora"], "its signature of header (tag 278) by the key");
    assert!(verified.text().contains("does not look at it"), "{}", verified.text());
}

#[test]
fn a_changed_payload() {
    let place = Place::new();
    let mut parts = universal(&place);
    let middle = parts.payload.len() / 2;
    parts.payload[middle] ^= 1;
    let path = place.path("flipped.rpm");
    parts.write(&path);
    assert!(place.verified(&path, true).releases.iter().all(|release| !release.accepted));
    as_here(&place, &path);
    // Signed in the header alone: nothing that rpm 4.8 and 4.11 look at says so, which is why they refuse its like.
    parts.without(&[1002, 1004]);
    parts.write(&path);
    let verified = place.verified(&path, true);
    for release in verified.releases.iter().filter(|one| ["el6", "el7"].contains(&one.release.as_str())) {
        assert!(
            release.reasons.iter().any(|reason| reason.contains("nothing guards its payload")),
            "{release:?}"
        );
        assert!(release.notes.iter().any(|note| note.contains("(tag 5092) does not hold")), "{release:?}");
    }
    assert!(verified.releases.iter().all(|release| !release.accepted));
}

/// That rpm itself takes a package that no release's verdict takes.
fn stricter_than_rpm(place: &Place, package: &Path, reason: &str) {
    refused_by(&place.verified(package, true), &RELEASES, reason);
    let (accepted, said) = place.real(package);
    assert!(accepted, "rpm refuses it, too, so that this is no exception: {said}");
}

#[test]
fn where_modgraft_refuses_and_rpm_does_not() {
    // A key that was revoked after it was given out. rpm before 4.19 never looks; what it signed is nobody's word any more.
    let made = made(RSA);
    let signer = Odd::of(&made.file, made.signer.key());
    let fingerprint = &made.signer.key().fingerprint;
    let certificate = made.gnupg.home.path().join(format!("openpgp-revocs.d/{fingerprint}.rev"));
    let text = fs_err::read_to_string(&certificate).unwrap().replace(":-----BEGIN", "-----BEGIN");
    fs_err::write(&certificate, text).unwrap();
    run(made.gnupg.command().arg("--import").arg(&certificate));
    let place = Place::of(made.signer.key());
    made.gnupg.public(&place.keys);
    let package = place.package(&Profile::named("el6").unwrap(), Some(&signer));
    stricter_than_rpm(&place, &package, "which is revoked");

    // Sizes: tests/verify/flips.rs.
}

#[test]
fn a_key_that_had_expired() {
    let made = made_with("Key-Type: RSA\nKey-Length: 2048\nKey-Usage: sign,cert\n", "20200101T000000", "2d");
    let mut signer = Odd::of(&made.file, &made.key);
    let place = Place::of(&made.key);
    signer.after = 86_400;
    let package = place.package(&Profile::named("el6").unwrap(), Some(&signer));
    // What was signed while it was valid stays good.
    refused_by(&place.verified(&package, true), &[], "");
    signer.after = 3 * 86_400;
    let package = place.package(&Profile::named("el6").unwrap(), Some(&signer));
    stricter_than_rpm(&place, &package, "it expired on 2020-01-03");
}

#[test]
fn a_key_that_is_not_imported() {
    let place = Place::new();
    let secret = place.path("sq.sec");
    run(Command::new("sq").args(["key", "generate", "--userid", "Sequoia", "--export"]).arg(&secret));
    let signer =
        open_with(&KeySpec::File(secret), &place.path("data"), &Environment::default()).unwrap().unwrap();
    let place = Place::of(signer.key());
    // Nothing is signed for such a release by such a key.
    let mut module = Module::new();
    module.target.profile = Profile::named("el9").unwrap();
    let refused = modgraft::rpm::write(&module.packages().binary, Some(&*signer), &place.path("none.rpm"));
    assert!(
        matches!(&refused, Err(Error::Sign(modgraft::sign::Error::NotAccepted { reason, .. })) if reason.contains("does not import")),
        "{refused:?}"
    );
    let any = profile("el9", |profile| profile.packaging.keys.critical_subpackets = true);
    let package = place.package(&any, Some(&*signer));
    let verified = place.verified(&package, true);
    let reason = "does not count: it does not import the key, for subpackets marked as critical";
    let [el9, fedora] =
        ["el9", "fedora"].map(|name| verified.releases.iter().find(|one| one.release == name).unwrap());
    assert!(el9.reasons.iter().any(|one| one.contains(reason)), "{el9:?}");
    assert!(fedora.accepted, "{fedora:?}");
    as_here(&place, &package);
}

#[test]
fn critical_subpackets_of_a_signature() {
    let made = made(RSA);
    let mut odd = Odd::of(&made.file, made.signer.key());
    let notation = Notation { readable: true, name: "a@example.org".into(), value: "b".into() };
    let all = ["el6", "el7", "el8", "el9", "el10", "fedora"];
    for (data, refusing) in [
        (SubpacketData::Notation(notation), &all[..]),
        // rpm's own parser knows neither; Sequoia does.
        (SubpacketData::SignersUserID("R".into()), &all[..4]),
        (SubpacketData::PreferredKeyServer("https://example.org".into()), &all[..4]),
    ] {
        odd.more = vec![Subpacket::regular(data.clone()).unwrap()];
        refused_by(&by(&made, &odd, "regular").1, &[], "");
        odd.more = vec![Subpacket::critical(data).unwrap()];
        let (place, verified) = by(&made, &odd, "critical");
        refused_by(&verified, refusing, "has a subpacket marked as critical (");
        // It does not take a key to see that.
        refused_by(&place.verified(&place.path("package.rpm"), false), refusing, "marked as critical (");
    }
}

#[test]
fn a_digest_of_the_payload_that_a_release_does_not_read() {
    let place = Place::new();
    let mut parts = universal(&place);
    let sha512 = crate::edit::hex(&Sha512::digest(&parts.payload));
    parts.change_header(|entries| {
        entries.retain(|(tag, _)| ![5092, 5093, 5097].contains(tag));
        entries.push((5121, IndexData::StringArray(vec![sha512])));
    });
    let signature = key().sign(&mut parts.header.as_slice(), 0).unwrap();
    parts.put(268, IndexData::Bin(signature));
    let path = place.path("sha512.rpm");
    parts.write(&path);
    let verified = place.verified(&path, true);
    let [el9, fedora] =
        ["el9", "fedora"].map(|name| verified.releases.iter().find(|one| one.release == name).unwrap());
    assert_eq!(el9.reasons, ["its signature covers the header only, and that says nothing of the payload"]);
    let silent = |reason: &String| !reason.contains("says nothing of the payload");
    assert!(fedora.reasons.iter().all(silent), "{fedora:?}");
    as_here(&place, &path);
}

#[test]
fn a_signed_header_that_names_no_payload() {
    // A signature of the header alone, in which nothing is said of the payload: anybody can exchange that, and MD5 with it.
    let place = Place::new();
    let mut parts = universal(&place);
    parts.change_header(|entries| entries.retain(|(tag, _)| ![5092, 5093, 5097].contains(tag)));
    let signature = key().sign(&mut parts.header.as_slice(), 0).unwrap();
    parts.put(268, IndexData::Bin(signature));
    let path = place.path("header-only.rpm");
    parts.write(&path);
    let verified = place.verified(&path, true);
    let el9 = verified.releases.iter().find(|release| release.release == "el9").unwrap();
    assert_eq!(el9.reasons, ["its signature covers the header only, and that says nothing of the payload"]);
    as_here(&place, &path);
}
