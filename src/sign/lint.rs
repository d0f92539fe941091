//! What is wrong with a key file for the releases that are to take packages signed with it.

use std::io::Read;
use std::path::{Path, PathBuf};

use pgp::composed::{PublicOrSecret, SignedPublicKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::Signature;
use pgp::types::{KeyDetails, KeyVersion};
use serde::Serialize;

use super::openpgp::{self, BEGIN, blocks};
use super::validity::{
    algorithm, check_subkey, critical_subpackets, day, end, is_sha1, may_sign, newest_self_signature,
};
use super::{Algorithm, Error, accepted};
use crate::profile::Profile;

/// A file of keys is some kilobytes.
const LARGEST: u64 = 4 << 20;
/// A key that ends within this time is told of. Seconds.
const SOON: u64 = 90 * 24 * 60 * 60;
/// The shortest RSA key that today's crypto policies take. Bits.
const SHORT: usize = 2048;
/// What is found where a secret key was given.
const SECRET: &str = "secret-key";

/// A key file, and what is wrong with it.
#[derive(Debug, Clone, Serialize)]
pub struct Lint {
    /// The file.
    #[serde(serialize_with = "crate::report::path")]
    pub file: PathBuf,
    /// In its order.
    pub keys: Vec<LintedKey>,
    /// Of the file and of each key in it, the worst first.
    pub findings: Vec<Finding>,
    /// Whether there is a secret key in it.
    pub has_secret: bool,
    /// The releases that it was judged for, and whether they can take packages by its keys.
    pub releases: Vec<LintedRelease>,
}

/// What a key is.
#[derive(Debug, Clone, Serialize)]
pub struct LintedKey {
    /// Upper-case hexadecimal.
    pub fingerprint: String,
    /// Whose it says to be.
    pub user_ids: Vec<String>,
    /// Of the primary key.
    pub algorithm: Algorithm,
    /// Unix seconds.
    pub created: u64,
    /// Unix seconds; nothing where it never ends.
    pub expires: Option<u64>,
    /// How many subkeys it has.
    pub subkeys: usize,
}

/// One thing that is wrong, or good to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Which: one of a fixed set of words.
    pub name: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// Of which key; nothing where it is of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// In a sentence.
    pub text: String,
    /// The releases that cannot take packages by the key because of it.
    pub breaks: Vec<String>,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Releases that were asked for cannot take packages by the key, or the file is not to be given out.
    Error,
    /// It will be so, or may.
    Warning,
    /// Good to know.
    Note,
}

/// What a release makes of a key file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LintedRelease {
    /// The profile's name.
    pub release: String,
    /// `rpm 4.11`.
    pub rpm: String,
    /// Whether each of the keys can be used there.
    pub accepted: bool,
}

impl Lint {
    /// Whether nothing stands against giving the file out and signing with its key for all releases.
    pub fn is_good(&self) -> bool {
        self.findings.iter().all(|finding| finding.severity != Severity::Error)
    }
}

/// Looks at all keys in a file. `now` is in Unix seconds.
///
/// # Errors
/// [`Error::NoKeyring`]; [`Error::NotAKeyring`] where there is nothing in it that is a key; [`Error::Io`].
pub fn lint(file: &Path, releases: &[&Profile], now: u64) -> Result<Lint, Error> {
    let opened = fs_err::File::open(file).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Error::NoKeyring { path: file.to_owned() },
        _ => Error::Io(error),
    })?;
    let mut bytes = Vec::new();
    opened.take(LARGEST + 1).read_to_end(&mut bytes)?;
    let wrong = |reason: &str| Error::NotAKeyring { path: file.to_owned(), reason: reason.to_owned() };
    if bytes.len() as u64 > LARGEST {
        return Err(wrong("it has more than 4 MiB"));
    }
    let mut linter = Linter { releases, now, keys: Vec::new(), findings: Vec::new() };
    for block in blocks(&bytes, BEGIN) {
        linter.block(block);
    }
    if linter.keys.is_empty() && linter.findings.is_empty() {
        return Err(wrong("there is none in it"));
    }
    let Linter { keys, mut findings, .. } = linter;
    findings.sort_by_key(|finding| finding.severity);
    let releases = releases.iter().map(|profile| LintedRelease {
        release: profile.name.clone(),
        rpm: profile.packaging.rpm_line(),
        accepted: !findings.iter().any(|finding| finding.breaks.contains(&profile.name)),
    });
    let has_secret = findings.iter().any(|finding| finding.name == SECRET);
    Ok(Lint { file: file.to_owned(), releases: releases.collect(), keys, has_secret, findings })
}

struct Linter<'a> {
    releases: &'a [&'a Profile],
    now: u64,
    keys: Vec<LintedKey>,
    findings: Vec<Finding>,
}

impl Linter<'_> {
    fn block(&mut self, block: &[u8]) {
        let (mut count, mut secret) = (0, false);
        match PublicOrSecret::from_reader_many(block) {
            Ok((found, _)) => {
                for key in found {
                    count += 1;
                    match key {
                        Ok(PublicOrSecret::Public(key)) => self.key(&key),
                        Ok(PublicOrSecret::Secret(key)) => {
                            secret = true;
                            self.key(&key.to_public_key());
                        }
                        Err(error) => {
                            self.unreadable(&error, block);
                            break;
                        }
                    }
                }
            }
            // No armor, and no packets: nothing that anybody took for a key.
            Err(error) if block.starts_with(BEGIN.as_bytes()) => self.unreadable(&error, block),
            Err(_) => {}
        }
        if secret {
            let text = "this is a SECRET key: whoever has the file signs in your name. Keep it; `modgraft key new` writes the public \
                        key beside it, `gpg --armor --export KEYID` exports one";
            self.find(SECRET, Severity::Error, None, text.to_owned(), |_| true);
        }
        if count > 1 {
            let text = format!(
                "{count} keys are in one block, of which rpm 4.18 imports all, and other releases were not tried: give each a block of its own"
            );
            self.find("several-keys-in-a-block", Severity::Warning, None, text, |_| false);
        }
        if self.keys.len() > 1 && !self.findings.iter().any(|finding| finding.name == "several-keys") {
            let text = "there are several keys in the file: all of them are trusted by whoever imports it"
                .to_owned();
            self.find("several-keys", Severity::Note, None, text, |_| false);
        }
    }

    fn unreadable(&mut self, error: &pgp::errors::Error, block: &[u8]) {
        let text = format!("what is in it cannot be read: {}", openpgp::unreadable(error, block));
        self.find("unreadable", Severity::Error, None, text, |_| true);
    }

    /// Adds a finding; an error that breaks nothing that was asked for is a note.
    fn find(
        &mut self,
        name: &'static str,
        severity: Severity,
        key: Option<&str>,
        text: String,
        breaks: impl Fn(&Profile) -> bool,
    ) {
        let breaks: Vec<String> = self
            .releases
            .iter()
            .filter(|profile| breaks(profile))
            .map(|profile| profile.name.clone())
            .collect();
        let severity =
            if severity == Severity::Error && breaks.is_empty() { Severity::Note } else { severity };
        self.findings.push(Finding { name, severity, key: key.map(str::to_owned), text, breaks });
    }

    fn key(&mut self, key: &SignedPublicKey) {
        let primary = &key.primary_key;
        let fingerprint = format!("{:X}", primary.fingerprint());
        let (id, own) = (fingerprint.as_str(), newest_self_signature(&key.details, primary));
        let created = u64::from(primary.created_at().as_secs());
        let expires = own.and_then(|own| end(created, own));
        let kind = algorithm(primary.public_params());
        let users = key.details.users.iter();
        self.keys.push(LintedKey {
            fingerprint: fingerprint.clone(),
            user_ids: users.map(|user| String::from_utf8_lossy(user.id.id()).into_owned()).collect(),
            algorithm: kind,
            created,
            expires,
            subkeys: key.public_subkeys.len(),
        });
        if primary.version() == KeyVersion::V6 {
            let text = "it is a key of version 6 (RFC 9580)".to_owned();
            self.find("version-6", Severity::Error, Some(id), text, |profile| !profile.packaging.keys.v6);
        }
        self.critical(key, id);
        let Some(own) = own else {
            let text =
                "it has no valid self-signature, so that anybody can have put its name and its end there"
                    .to_owned();
            return self.find("no-self-signature", Severity::Error, Some(id), text, |_| true);
        };
        if is_sha1(own) {
            let hash = own.hash_alg().map(|hash| hash.to_string()).unwrap_or_default();
            let text = format!(
                "it certifies itself by {hash}; gpg renews it: `gpg --cert-digest-algo SHA256 --quick-set-expire`"
            );
            let md5 = own.hash_alg() == Some(HashAlgorithm::Md5);
            let breaks = |profile: &Profile| md5 || !profile.packaging.keys.sha1_self_signature;
            self.find("sha1-self-signature", Severity::Error, Some(id), text, breaks);
        }
        self.alive(key, id, expires);
        self.signing(key, own, kind, id);
    }

    fn alive(&mut self, key: &SignedPublicKey, id: &str, expires: Option<u64>) {
        let revocations = key.details.revocation_signatures.iter();
        if revocations.into_iter().any(|one| one.verify_key(&key.primary_key).is_ok()) {
            // rpm before 4.19 has never looked; nobody should sign with it all the same.
            self.find("revoked", Severity::Error, Some(id), "it is revoked".to_owned(), |_| true);
        }
        let created = u64::from(key.primary_key.created_at().as_secs());
        if created > self.now {
            // rpm 4.18 takes the key, and what it signed; the clients ask gpg, too, which does not (2.2.40).
            let text = format!(
                "it was made on {}, and by this machine's clock it is {}: gpg, by which dnf and zypper import keys and check metadata, \
                 takes no key from the future",
                day(created),
                day(self.now)
            );
            self.find("not-yet", Severity::Error, Some(id), text, |_| true);
        }
        match expires {
            Some(end) if end <= self.now => {
                let text = format!("it expired on {}: nobody signs with it any more", day(end));
                self.find("expired", Severity::Error, Some(id), text, |_| true);
            }
            Some(end) if end - self.now < SOON => {
                let text =
                    format!("it expires on {}: rpm has to be given the extended key by then", day(end));
                self.find("expires-soon", Severity::Warning, Some(id), text, |_| false);
            }
            _ => {}
        }
    }

    /// Which of its keys sign, and who knows them.
    fn signing(&mut self, key: &SignedPublicKey, own: &Signature, kind: Algorithm, id: &str) {
        let (mut subkeys, mut over) = (Vec::new(), Vec::new());
        for subkey in &key.public_subkeys {
            let name = format!("{}", subkey.key.legacy_key_id()).to_uppercase();
            match check_subkey(&key.primary_key, &subkey.key, &subkey.signatures, &name, self.now) {
                Ok(true) => subkeys.push(algorithm(subkey.key.public_params())),
                Ok(false) => {}
                Err(error) => over.push(error),
            }
        }
        let primary = may_sign(own, kind);
        let signs = primary || !subkeys.is_empty();
        for error in &over {
            let (finding, text) = match error {
                Error::Expired { key, date } => {
                    ("expired", format!("its subkey {key}, which signed, expired on {date}"))
                }
                Error::NotYet { key, date, .. } => (
                    "not-yet",
                    format!("its subkey {key}, which is to sign, was made on {date}, in the future"),
                ),
                Error::Revoked { key } => ("revoked", format!("its subkey {key}, which signed, is revoked")),
                _ => continue,
            };
            // Where another one signs, nothing is lost.
            self.find(finding, Severity::Error, Some(id), text, |_| !signs);
        }
        if !signs {
            if !over.is_empty() {
                return;
            }
            let text = "neither the primary key nor a subkey may sign".to_owned();
            return self.find("cannot-sign", Severity::Error, Some(id), text, |_| true);
        }
        let signing = if primary { kind } else { *subkeys.first().unwrap_or(&kind) };
        let takes = |profile: &Profile| accepted::takes(&profile.packaging.keys, signing.word());
        if !self.releases.iter().all(|profile| takes(profile)) {
            let text = format!("it signs by {}; an RSA key is known everywhere", signing.word());
            self.find("algorithm", Severity::Error, Some(id), text, |profile| !takes(profile));
        }
        if let Algorithm::Rsa { bits } = signing
            && bits < SHORT
        {
            let text = format!("it has {bits} bits; {SHORT} are the least today, and 4096 better");
            self.find("short", Severity::Error, Some(id), text, |profile| {
                bits < profile.packaging.keys.rsa_bits
            });
        }
        match (primary, subkeys.len()) {
            (_, 0) => {}
            (false, _) => {
                let text = "a subkey signs, and rpm before 4.14 knows the primary key alone".to_owned();
                let breaks = |profile: &Profile| !profile.packaging.keys.subkeys;
                self.find("signing-subkey", Severity::Error, Some(id), text, breaks);
            }
            (true, _) => {
                let text = "it has a subkey that may sign: gpg takes that one, and rpm before 4.14 knows the primary key alone; name \
                            the primary key with `!` behind its fingerprint";
                self.find("signing-subkey", Severity::Warning, Some(id), text.to_owned(), |_| false);
            }
        }
    }

    /// Subpackets marked as critical, in any of its signatures: rpm's own parser reads all of them at once.
    fn critical(&mut self, key: &SignedPublicKey, id: &str) {
        let numbers = critical_subpackets(key);
        if !numbers.is_empty() {
            let numbers: Vec<String> = numbers.iter().map(u8::to_string).collect();
            let text = format!(
                "it has subpackets that are marked as critical and rpm's own parser does not know ({}): such keys are not imported",
                numbers.join(", ")
            );
            let breaks = |profile: &Profile| !profile.packaging.keys.critical_subpackets;
            self.find("critical-subpackets", Severity::Error, Some(id), text, breaks);
        }
    }
}
