//! Keys made, looked at, and packaged.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

use super::output::Staging;
use super::signing::{DEVELOPMENT_KEY, open_signer};
use super::verify::{release, releases};
use super::{Error, epoch};
use crate::package::{About, Contents, File, Package, file};
use crate::profile::Profile;
use crate::publish::{Checks, RepoFile};
use crate::report::Reporter;
use crate::rpm;
use crate::sign::{
    self, Environment, KeyFiles, KeySpec, KeyType, Keyring, Lint, NewKey, Passphrase, PublicKey, Severity,
};

/// The profile whose packages every release installs.
pub const UNIVERSAL: &str = "el6";
/// Where packages put public keys, on all that have rpm.
const KEYS: &str = "/etc/pki/rpm-gpg/RPM-GPG-KEY-";

/// A package with keys and a .repo file, as it was asked for.
#[derive(Debug, Clone)]
pub struct KeyPackage {
    /// Files of public keys, the newest first.
    pub keys: Vec<PathBuf>,
    /// The repository's name.
    pub name: String,
    /// The repository's place.
    pub url: String,
    /// One line for people.
    pub title: Option<String>,
    /// The package's.
    pub version: String,
    /// The package's.
    pub release: String,
    /// SPDX expression.
    pub license: String,
    /// A profile's name or file.
    pub profile: String,
    /// Whether the clients check the signature of the repository's metadata.
    pub metadata_signed: bool,
    /// What signs the package.
    pub key: KeySpec,
    /// How its key is unlocked.
    pub environment: Environment,
    /// The folder for it.
    pub out: PathBuf,
}

/// Makes a key, protected by the passphrase where there is one, and writes it to `out`.
///
/// # Errors
/// [`Error::NoKeyFolder`]; [`sign::Error`]: a user id or an end that no key can have; a file that is there already.
pub fn new_key(
    key_type: KeyType,
    user_id: &str,
    expires: &str,
    passphrase: &Passphrase,
    out: &Path,
    reporter: &dyn Reporter,
) -> Result<KeyFiles, crate::Error> {
    demand_folder_of(out)?;
    let now = sign::now();
    let created = u32::try_from(now).unwrap_or(u32::MAX);
    let expires = end(expires, now)?;
    let made = sign::generate(&NewKey { key_type, user_id, created, expires }, passphrase)?;
    let files = made.write(out)?;
    let (mut takes, mut not) = (Vec::new(), Vec::new());
    for profile in releases(&[])? {
        let refusal = sign::refusal(&profile.packaging.keys, sign::KeyForm::plain(made.algorithm));
        if refusal.is_none() { &mut takes } else { &mut not }.push(profile.name.clone());
    }
    let but = if not.is_empty() { String::new() } else { format!(", and not by {}", not.join(", ")) };
    reporter.note(format!(
        "key {}: packages signed with it are taken by {}{but}",
        made.fingerprint,
        takes.join(", ")
    ));
    if !made.is_protected {
        reporter.note("it is protected by its file's mode alone: set MODGRAFT_PASSPHRASE or MODGRAFT_PASSPHRASE_FILE to have it encrypted");
    }
    Ok(files)
}

/// Refuses a file whose folder is not there: none is made, which could be one with a typing error, for a secret to lie in.
fn demand_folder_of(file: &Path) -> Result<(), Error> {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() && !folder.is_dir() => {
            Err(Error::NoKeyFolder { file: file.to_owned(), folder: folder.to_owned() })
        }
        _ => Ok(()),
    }
}

/// Looks at a key file, for the releases of these names or files.
///
/// # Errors
/// A file that cannot be read or has no key in it; a release that is not there. What is wrong with a key is no error.
pub fn lint_key(file: &Path, releases: &[Arc<Profile>]) -> Result<Lint, crate::Error> {
    let profiles: Vec<&Profile> = releases.iter().map(Arc::as_ref).collect();
    Ok(sign::lint(file, &profiles, sign::now())?)
}

/// Makes a package with public keys and the .repo file that names them, and returns its path. Where the development key signs it, that
/// key's public half is written beside it, as by a build.
///
/// # Errors
/// A file that has a secret key, or no public one; names and urls that no repository has; a key that cannot sign.
pub fn key_package(asked: &KeyPackage, reporter: &dyn Reporter) -> Result<PathBuf, crate::Error> {
    let profile = release(&asked.profile)?;
    for file in &asked.keys {
        check(file, &asked.profile, &profile, reporter)?;
    }
    let keys = Keyring::of(&asked.keys)?.public_keys()?;
    let package = package(asked, &keys, &profile)?;
    let signer = open_signer(&asked.key, &asked.environment, reporter)?;
    let staging = Staging::new(&asked.out).map_err(Error::from)?;
    let name = package.file_name();
    rpm::write(&package, signer.as_deref().map(|signer| signer as &dyn sign::Signer), &staging.path(&name))?;
    let path = asked.out.join(&name);
    if path.exists() && fs_err::read(&path).ok() != fs_err::read(staging.path(&name)).ok() {
        reporter.warning(format!(
            "{} was another one: machines that have it take none of the same version; --version or --release tells them apart",
            path.display()
        ));
    }
    let mut names = vec![name];
    if let Some(key) = signer.as_ref().map(|signer| signer.key()).filter(|key| key.development) {
        fs_err::write(staging.path(DEVELOPMENT_KEY), &key.public_key).map_err(Error::from)?;
        names.push(DEVELOPMENT_KEY.to_owned());
        reporter.warning(format!(
            "it is signed by {}, the development key of this machine, which no other knows; --sign-key names the key that packages are \
             signed with",
            key.short_id()
        ));
    }
    staging.publish(&names)?;
    Ok(path)
}

/// Refuses a secret key, and tells what else is wrong with a key.
fn check(
    file: &Path,
    named: &str,
    profile: &Arc<Profile>,
    reporter: &dyn Reporter,
) -> Result<(), crate::Error> {
    let profiles = if named == UNIVERSAL { releases(&[])? } else { vec![profile.clone()] };
    let lint = lint_key(file, &profiles)?;
    if lint.has_secret {
        return Err(sign::Error::SecretKey { path: file.to_owned() }.into());
    }
    for finding in lint.findings.iter().filter(|finding| finding.severity != Severity::Note) {
        let breaks = finding.breaks.join(", ");
        let breaks = if breaks.is_empty() { breaks } else { format!(" (breaks {breaks})") };
        reporter.warning(format!("{}: {}{breaks}", file.display(), finding.text));
    }
    Ok(())
}

fn package(asked: &KeyPackage, keys: &[PublicKey], profile: &Arc<Profile>) -> Result<Package, crate::Error> {
    let title = asked.title.clone().unwrap_or_else(|| asked.name.clone());
    let paths: Vec<String> = keys
        .iter()
        .enumerate()
        .map(|(number, key)| match number {
            0 => format!("{KEYS}{}", asked.name),
            // What was the only one before keeps a name of its own.
            _ => format!("{KEYS}{}-{}", asked.name, key.short_id()),
        })
        .collect();
    let urls = paths.iter().map(|path| format!("file://{path}")).collect();
    let checks = Checks { packages: true, metadata: asked.metadata_signed };
    let repo = RepoFile::new(&asked.name, &title, &asked.url, urls, checks)?;
    let repo_path = format!("{}/{}", profile.repodata.repo_dir, repo.file_name());
    let settings = File::text(repo_path, repo.render().into_bytes());
    let mut files = vec![File { flags: file::CONFIG | file::NOREPLACE, ..settings }];
    files.extend(
        paths.into_iter().zip(keys).map(|(path, key)| File::text(path, key.armored.clone().into_bytes())),
    );
    // The same keys give the same bytes.
    let newest = keys.iter().map(|key| key.created).max().unwrap_or(0);
    let about = About {
        name: format!("{}-release", asked.name),
        version: asked.version.clone(),
        release: asked.release.clone(),
        summary: format!("Repository and signing keys of {title}"),
        description: format!(
            "The place of the repository {title}, and the public keys that its packages are signed with."
        ),
        license: asked.license.clone(),
        ..About::default()
    };
    let time = epoch::stated()?.unwrap_or(newest);
    Ok(Package::new(about, Contents { files, ..Contents::default() }, profile, time)?)
}

/// The end of a key: a day, a time from now on, or never. In Unix seconds.
fn end(text: &str, now: u64) -> Result<Option<u32>, sign::Error> {
    let wrong = |reason| sign::Error::Expiry { text: text.escape_debug().to_string(), reason };
    if text == "never" {
        return Ok(None);
    }
    let time = match text.parse::<Date>() {
        Ok(day) => day.at(0, 0, 0, 0).to_zoned(TimeZone::UTC).ok(),
        Err(_) => {
            let unit = text.chars().last().ok_or_else(|| wrong("it is empty"))?;
            let number = text.strip_suffix(unit).unwrap_or_default();
            let number: i32 = number.parse().map_err(|_| wrong("it is neither a day nor a time"))?;
            let span = match unit {
                'd' => Span::new().try_days(number),
                'w' => Span::new().try_weeks(number),
                'm' => Span::new().try_months(number),
                'y' => Span::new().try_years(number),
                _ => return Err(wrong("it is neither a day nor a time")),
            };
            let now = i64::try_from(now).ok().and_then(|now| Timestamp::from_second(now).ok());
            span.ok().zip(now).and_then(|(span, now)| now.to_zoned(TimeZone::UTC).checked_add(span).ok())
        }
    };
    let seconds = time.ok_or_else(|| wrong("it is too far away"))?.timestamp().as_second();
    match u64::try_from(seconds) {
        Ok(seconds) if seconds > now => u32::try_from(seconds)
            .map(Some)
            .map_err(|_| wrong("it is after the year 2106, where OpenPGP's time ends")),
        _ => Err(wrong("it is not in the future")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2024-01-31 00:00 UTC.
    const NOW: u64 = 1_706_659_200;

    #[test]
    fn ends_are_days_and_times() {
        for (text, expected) in [
            ("never", None),
            ("90d", Some(1_706_659_200 + 90 * 86400)),
            ("2w", Some(1_706_659_200 + 14 * 86400)),
            // The last day of February.
            ("1m", Some(1_706_659_200 + 29 * 86400)),
            ("2024-02-01", Some(1_706_659_200 + 86400)),
            ("1y", Some(1_706_659_200 + 366 * 86400)),
        ] {
            assert_eq!(end(text, NOW).unwrap(), expected, "{text}");
        }
        for bad in [
            "",
            "d",
            "soon",
            "1h",
            "-1d",
            "0d",
            "2024-01-31",
            "2020-01-01",
            "100y",
            "99999999y",
            "2024-13-01",
        ] {
            assert!(matches!(end(bad, NOW), Err(sign::Error::Expiry { .. })), "{bad}");
        }
    }

    #[test]
    fn the_universal_form_is_one_of_the_releases() {
        assert!(super::super::verify::RELEASES.contains(&UNIVERSAL));
    }
}
