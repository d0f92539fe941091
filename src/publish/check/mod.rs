//! Whether a repository is what it says: signatures, sums, packages, and that metadata and packages say the same.

mod leftovers;
mod metadata;
mod packages;
mod said;

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::Error;
use super::current::{KEYS, REPODATA, REPOMD, SIGNATURE, bounded};
use super::lock::{For, Lock};
use super::repomd;
use super::served::Served;
use super::state::State;
use crate::hash::sha256;
use crate::repository::repomd::{Record, read_where};
use crate::sign::Keyring;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// As it was named.
    pub folder: PathBuf,
    /// Of the metadata.
    pub revision: u64,
    /// How many packages are listed.
    pub packages: usize,
    /// Whether the metadata has a signature, be it a good one or not.
    pub signed: bool,
    /// Who signed the metadata: a fingerprint; nothing where no key says that the signature is good.
    pub signed_by: Option<String>,
    /// Whether the keys are those that lie in the repository: these show that nothing is damaged, and not whose it is.
    pub own_keys: bool,
    /// In the order in which they were found: metadata, packages, files.
    pub problems: Vec<Problem>,
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// What sort of thing.
    pub kind: ProblemKind,
    /// The file, from the repository's folder.
    pub file: String,
    /// What is wrong with it.
    pub problem: String,
}

/// What sort of thing is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProblemKind {
    /// Metadata that is not what repomd.xml says, or cannot be read.
    Metadata,
    /// The signature of the metadata, or its keys.
    Signature,
    /// A package that is not there, damaged, or not what is listed.
    Package,
    /// A package that is not signed by a key of the repository's.
    Untrusted,
    /// A package that none of the served releases takes.
    NotServed,
    /// Metadata says something else of a package than its header.
    Differs,
    /// A package that is not listed.
    Unlisted,
    /// Something that a publication left which was broken off.
    Leftover,
}

/// All that the steps look at.
struct View<'a> {
    folder: &'a Path,
    records: &'a [Record],
    state: Option<&'a State>,
    keys: Option<&'a Keyring>,
    /// Whether each package has to be signed.
    signed_packages: bool,
    served: Served,
}

impl Problem {
    fn new(kind: ProblemKind, file: impl Into<String>, problem: impl Into<String>) -> Self {
        Problem { kind, file: file.into(), problem: problem.into() }
    }
}

/// Checks a repository. `keys` are those that it has to be signed with; where there are none, those that lie in it are taken.
///
/// # Errors
/// [`Error::None`], [`Error::Locked`], [`Error::Key`], [`Error::Io`]. What is wrong with the repository is no error, but told.
pub fn check(folder: &Path, keys: &[PathBuf], wait: bool) -> Result<Checked, Error> {
    if !folder.is_dir() {
        return Err(Error::None { path: folder.to_owned() });
    }
    let _lock = Lock::take(folder, For::Reading, wait)?;
    let repodata = folder.join(REPODATA);
    let text = bounded(&repodata.join(REPOMD))?.ok_or_else(|| Error::None { path: folder.to_owned() })?;
    let mut problems = Vec::new();
    let records = read_where(&text, &|_| true).map_err(|problem| {
        problems.push(Problem::new(ProblemKind::Metadata, in_repodata(REPOMD), problem));
    });
    let state = State::of(folder)?.filter(|state| state.repomd == sha256(&text));
    let keyring = keyring(folder, keys, &mut problems)?;
    // Whose key was named wants to know whether it signed, whatever the folder says of itself.
    let may_be_unsigned = keys.is_empty() && state.as_ref().is_some_and(|state| state.is_of_unsigned(&text));
    let signature = bounded(&repodata.join(SIGNATURE))?;
    let signed = signature.is_some();
    let signed_by = match (signature, &keyring) {
        (None, None) => None,
        (None, Some(_)) if may_be_unsigned => None,
        (signature, keyring) => signer(signature.as_deref(), &text, keyring.as_ref(), &mut problems),
    };
    let mut packages = 0;
    // Without it nothing else can be said to be right or wrong.
    if let Ok(records) = &records {
        let view = View {
            folder,
            records,
            state: state.as_ref(),
            keys: keyring.as_ref(),
            signed_packages: !keys.is_empty()
                || state.as_ref().is_some_and(|state| state.settings.packages_signed),
            served: state.as_ref().map(|state| Served::by_name(&state.settings.served)).unwrap_or_default(),
        };
        let listed = metadata::check(&view, &mut problems);
        packages::check(&view, &listed, &mut problems)?;
        leftovers::check(&view, &listed, &mut problems)?;
        packages = listed.len();
    }
    Ok(Checked {
        folder: folder.to_owned(),
        revision: repomd::revision(&text),
        packages,
        signed,
        signed_by,
        own_keys: keys.is_empty() && keyring.is_some(),
        problems,
    })
}

fn in_repodata(name: &str) -> String {
    format!("{REPODATA}/{name}")
}

fn keyring(folder: &Path, keys: &[PathBuf], problems: &mut Vec<Problem>) -> Result<Option<Keyring>, Error> {
    let own = folder.join(REPODATA).join(KEYS);
    if keys.is_empty() {
        let Some(there) = bounded(&own)? else { return Ok(None) };
        return Ok(match Keyring::parse(&there, &own) {
            Ok(keyring) => Some(keyring),
            Err(error) => {
                problems.push(Problem::new(ProblemKind::Signature, in_repodata(KEYS), error.to_string()));
                None
            }
        });
    }
    let rings = keys.iter().map(|file| Keyring::open(file)).collect::<Result<Vec<_>, _>>()?;
    Ok(Some(Keyring::joined(rings, &keys[0])))
}

/// Who signed repomd.xml, which is to be signed.
fn signer(
    signature: Option<&[u8]>,
    text: &[u8],
    keys: Option<&Keyring>,
    problems: &mut Vec<Problem>,
) -> Option<String> {
    let wrong = match (signature, keys) {
        (None, _) => "it is not there, and there are keys to check it by".to_owned(),
        (Some(_), None) => "there is no key to check it by: name one with --key".to_owned(),
        (Some(signature), Some(keys)) => {
            match keys.verify_detached_today(signature, &|| Ok(Box::new(text))) {
                Ok(by) => return Some(by.fingerprint),
                Err(error) => format!("its signature {error}"),
            }
        }
    };
    problems.push(Problem::new(ProblemKind::Signature, in_repodata(SIGNATURE), wrong));
    None
}
