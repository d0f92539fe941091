//! New signatures for packages that are there.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::signing::SigningKey;
use super::{Error, epoch, export};
use crate::profile::Profile;
use crate::report::{Event, Reporter};
use crate::rpm::{self, Existing, NewSignature, Staged};
use crate::sign::{self, Certificate, Environment, Key, KeySpec, Keyring, check_accepted};
use crate::verify::ForRelease;

/// Packages, and what becomes of their signatures.
pub struct Resigning {
    /// The files.
    pub packages: Vec<PathBuf>,
    /// What they get.
    pub signatures: NewSignatures,
    /// The distribution that is to accept them: a profile's name or file.
    pub profile: Option<String>,
    /// Whether signatures that are there give way; else a signed package is an error.
    pub replace: bool,
}

/// Where new signatures come from.
pub enum NewSignatures {
    /// There are none: the packages stay unsigned.
    None,
    /// A key.
    By(Arc<SigningKey>),
    /// Files in a folder, as [`export()`](super::export()) names them, by the key whose public half this file has.
    From {
        /// The folder.
        folder: PathBuf,
        /// The public key.
        public_key: PathBuf,
    },
}

impl Resigning {
    /// What the distribution says, where one is named.
    pub(super) fn profile(&self) -> Result<Option<Arc<Profile>>, crate::Error> {
        let find = |word| Profile::find(word, Path::new(""));
        Ok(self.profile.as_deref().map(find).transpose()?)
    }

    /// Opens a package that may be signed.
    pub(super) fn open(&self, path: &Path) -> Result<Existing, crate::Error> {
        let package = Existing::open(path)?;
        if package.is_signed() && !self.replace {
            return Err(Error::SignedAlready { package: path.to_owned() }.into());
        }
        Ok(package)
    }
}

/// Whether a package needs a signature that covers its payload, too.
pub(super) fn needs_payload(package: &Existing, profile: Option<&Profile>) -> bool {
    package.signs_payload() || profile.is_some_and(|profile| profile.packaging.payload_signature)
}

/// The time of a package's signatures: SOURCE_DATE_EPOCH, or when the package was built. Whoever signs makes it later where
/// the key is newer.
pub(super) fn time(package: &Existing, stated: Option<u64>) -> u64 {
    stated.unwrap_or_else(|| package.build_time())
}

/// Puts new signatures in place of those that the packages have. All are ready before the first is replaced. Tells the
/// packages as [`Event::Results`].
///
/// # Errors
/// Those of the key and of the packages; nothing was changed then, unless the very last step, renaming, failed.
pub fn resign(resigning: &Resigning, reporter: &dyn Reporter) -> Result<(), crate::Error> {
    let files = resigned(resigning, reporter)?;
    reporter.event(Event::Results { files });
    Ok(())
}

/// As [`resign`], and returns the packages in place of telling them.
pub(super) fn resigned(resigning: &Resigning, reporter: &dyn Reporter) -> Result<Vec<PathBuf>, crate::Error> {
    let profile = resigning.profile()?;
    let profile = profile.as_deref();
    let stated = epoch::stated()?;
    let mut staged = Vec::new();
    for path in &resigning.packages {
        let package = resigning.open(path)?;
        let payload = needs_payload(&package, profile);
        let (signatures, key) = match &resigning.signatures {
            NewSignatures::None => (Vec::new(), None),
            NewSignatures::By(key) => match key.open(reporter)? {
                None => return Err(Error::NoKey.into()),
                Some(signer) => {
                    accept(signer.key(), profile)?;
                    (package.sign(signer, time(&package, stated), payload)?, Some(signer.key().clone()))
                }
            },
            NewSignatures::From { folder, public_key } => {
                let (signatures, key) = import(&package, path, folder, public_key, payload)?;
                accept(&key, profile)?;
                (signatures, Some(key))
            }
        };
        let told = match &key {
            Some(key) => format!("{} signed by {}", package.nevra(), key.short_id()),
            None => format!("{} left unsigned", package.nevra()),
        };
        let ready = package.stage(&signatures, key.as_ref().map(|key| key.key_id.clone()))?;
        if let (Some(profile), Some(key)) = (profile, &key) {
            tell_refusal(&ready, package.nevra(), key, profile, reporter)?;
        }
        staged.push((ready, told));
    }
    let mut files = Vec::new();
    for (staged, told) in staged {
        files.push(staged.publish()?.path);
        reporter.note(told);
    }
    Ok(files)
}

/// Warns of what keeps the distribution from taking the package that [`accept`] knows nothing of: a signature changes no payload.
fn tell_refusal(
    staged: &Staged,
    nevra: &str,
    key: &Key,
    profile: &Profile,
    reporter: &dyn Reporter,
) -> Result<(), crate::Error> {
    let keys = Keyring::parse(key.public_key.as_bytes(), staged.path())?;
    let examined = rpm::examine(staged.path(), Some(&keys))?;
    for reason in ForRelease::of(&examined, true, profile).reasons {
        reporter.warning(format!("{nevra}: {} does not take it: {reason}", profile.name));
    }
    Ok(())
}

fn accept(key: &Key, profile: Option<&Profile>) -> Result<(), sign::Error> {
    profile.map_or(Ok(()), |profile| check_accepted(key, &profile.name, &profile.packaging.keys))
}

/// The signatures that were made elsewhere, verified.
fn import(
    package: &Existing,
    path: &Path,
    folder: &Path,
    public_key: &Path,
    payload: bool,
) -> Result<(Vec<NewSignature>, Key), crate::Error> {
    let certificate = Certificate::open(public_key)?;
    let header = export::header_file(path, folder);
    let (file, bytes) =
        export::signature(&header)?.ok_or_else(|| Error::NoSignature { file: header.clone() })?;
    let detached = certificate.verify_detached(&file, &bytes, package.header())?;
    let signature = |with_payload, detached: sign::Detached| NewSignature {
        with_payload,
        algorithm: detached.key.algorithm,
        packet: detached.packet,
    };
    let key = detached.key.clone();
    let mut signatures = vec![signature(false, detached)];
    let whole = export::whole_file(path, folder);
    match export::signature(&whole)? {
        Some((file, bytes)) => {
            let data = package.header_and_payload().map_err(Error::from)?;
            signatures.push(signature(true, certificate.verify_detached(&file, &bytes, data)?));
        }
        None if payload => return Err(Error::NoSignature { file: whole }.into()),
        None => {}
    }
    Ok((signatures, key))
}

/// Makes the OpenPGP public key of a key in a token or with an external command, and writes it to a file that is not there
/// yet. Tells it as [`Event::Results`].
///
/// # Errors
/// As [`sign::certify`]; [`Error::CertificateExists`]; where the file cannot be written.
pub fn certify(
    spec: &KeySpec,
    environment: &Environment,
    user_id: &str,
    out: &Path,
    reporter: &dyn Reporter,
) -> Result<(), crate::Error> {
    if out.exists() {
        return Err(Error::CertificateExists { path: out.to_owned() }.into());
    }
    let created = match epoch::stated()? {
        Some(stated) => stated,
        // As for every new key: when it was made is what tells it from others, and cannot be an input by default.
        None => sign::now(),
    };
    let certificate = sign::certify(spec, environment, user_id, created)?;
    let folder = out.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let write = || {
        let mut file = tempfile::Builder::new().prefix(".modgraft-").tempfile_in(folder)?;
        file.write_all(certificate.as_bytes())?;
        file.as_file().set_permissions(PermissionsExt::from_mode(0o644))?;
        file.as_file().sync_all()?;
        file.persist_noclobber(out).map_err(|error| error.error)?;
        std::io::Result::Ok(())
    };
    write().map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => Error::CertificateExists { path: out.to_owned() },
        _ => Error::Io(std::io::Error::new(error.kind(), format!("{}: {error}", out.display()))),
    })?;
    let key = Certificate::open(out)?.signing_key()?;
    reporter.note(format!(
        "{} is the key {}; keep the file: it cannot be made again",
        out.display(),
        key.fingerprint
    ));
    reporter.event(Event::Results { files: vec![out.to_owned()] });
    Ok(())
}
