//! The digests that a package states, against what it is.

use std::io::Read;

use md5::Md5;
use serde::Serialize;
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

use super::archive::{Archive, Name};
use super::files::{GHOST, Listed};
use super::{Error, Opened, bytes, integers, text};
use crate::process;
use crate::rpm::digest::hex;
use rpm::IndexTag;

/// What came of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As stated.
    Ok,
    /// Not as stated.
    Bad,
    /// Not looked at: the algorithm is not known here, or what it covers could not be read.
    Unchecked,
}

/// One digest, checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DigestCheck {
    /// What it covers: `header`, `payload`, `archive`, `header and payload`, `files`.
    pub covers: &'static str,
    /// `SHA-256`.
    pub algorithm: String,
    /// As stated; empty where there are many.
    pub stated: String,
    /// What came of it.
    pub verdict: Verdict,
}

/// A hash whose kind is known at run time only.
pub(super) trait Hash {
    fn take(&mut self, bytes: &[u8]);
    /// Lower-case hexadecimal.
    fn end(self: Box<Self>) -> String;
}

impl<D: Digest> Hash for D {
    fn take(&mut self, bytes: &[u8]) {
        self.update(bytes);
    }

    fn end(self: Box<Self>) -> String {
        hex(&self.finalize())
    }
}

/// A hash by rpm's number for it (RFC 9580, 9.5).
pub(super) fn hasher(number: u64) -> Option<(&'static str, Box<dyn Hash>)> {
    Some(match number {
        1 => ("MD5", Box::new(Md5::new())),
        2 => ("SHA-1", Box::new(Sha1::new())),
        8 => ("SHA-256", Box::new(Sha256::new())),
        9 => ("SHA-384", Box::new(Sha384::new())),
        10 => ("SHA-512", Box::new(Sha512::new())),
        11 => ("SHA-224", Box::new(Sha224::new())),
        _ => return None,
    })
}

/// Checks all that is stated. What is damaged beyond reading makes its digests unchecked, or bad; it is no error.
///
/// # Errors
/// Where the file itself cannot be read.
pub(super) fn check(package: &Opened, files: &[Listed]) -> Result<Vec<DigestCheck>, Error> {
    let mut checks = stated(package)?;
    let algorithm = integers(package.number(5093)).first().copied();
    let verdict = |good: bool| if good { Verdict::Ok } else { Verdict::Bad };
    let (archive, of_files) = unpacked(package, files)?;
    if let Some(stated) = text(package.number(5097)) {
        let verdict = match &archive {
            Some(actual) if algorithm == Some(8) => verdict(stated.eq_ignore_ascii_case(actual)),
            _ => Verdict::Unchecked,
        };
        checks.push(DigestCheck { covers: "archive", algorithm: name(algorithm), stated, verdict });
    }
    if files.iter().any(|file| !file.digest.is_empty()) {
        let algorithm = file_algorithm(package);
        checks.push(DigestCheck {
            covers: "files",
            algorithm: name(Some(algorithm)),
            stated: String::new(),
            verdict: of_files,
        });
    }
    Ok(checks)
}

/// Checks what is stated of header and payload as they lie in the file.
///
/// # Errors
/// Where the file itself cannot be read.
pub(in crate::rpm) fn stated(package: &Opened) -> Result<Vec<DigestCheck>, Error> {
    let mut checks = Vec::new();
    let verdict = |good: bool| if good { Verdict::Ok } else { Verdict::Bad };
    for (tag, algorithm, actual) in [
        (269, "SHA-1", hex(&Sha1::digest(&package.header_bytes))),
        (273, "SHA-256", hex(&Sha256::digest(&package.header_bytes))),
    ] {
        if let Some(stated) = text(package.signature(tag)) {
            let verdict = verdict(stated.eq_ignore_ascii_case(&actual));
            checks.push(DigestCheck { covers: "header", algorithm: algorithm.to_owned(), stated, verdict });
        }
    }
    let (md5, sha256) = raw(package)?;
    if let Some(stated) = bytes(package.signature(1004)) {
        let verdict = verdict(stated == md5);
        checks.push(DigestCheck {
            covers: "header and payload",
            algorithm: "MD5".into(),
            stated: hex(&stated),
            verdict,
        });
    }
    let algorithm = integers(package.number(5093)).first().copied();
    if let Some(stated) = text(package.number(5092)) {
        let verdict = if algorithm == Some(8) {
            verdict(stated.eq_ignore_ascii_case(&sha256))
        } else {
            Verdict::Unchecked
        };
        checks.push(DigestCheck { covers: "payload", algorithm: name(algorithm), stated, verdict });
    }
    Ok(checks)
}

/// Refuses a package of which a digest of header or payload does not hold.
pub(super) fn demand(package: &Opened) -> Result<(), Error> {
    match stated(package)?.into_iter().find(|check| check.verdict == Verdict::Bad) {
        Some(bad) => {
            Err(package.damaged(format!("the {} of its {} does not hold", bad.algorithm, bad.covers)))
        }
        None => Ok(()),
    }
}

fn name(number: Option<u64>) -> String {
    match number.and_then(hasher) {
        Some((name, _)) => name.to_owned(),
        None => format!("algorithm {}", number.unwrap_or(0)),
    }
}

/// MD5 where nothing is said.
pub(super) fn file_algorithm(package: &Opened) -> u64 {
    package.integers(IndexTag::RPMTAG_FILEDIGESTALGO).first().copied().unwrap_or(1)
}

/// MD5 of header and payload, SHA-256 of the payload.
fn raw(package: &Opened) -> Result<([u8; 16], String), Error> {
    let mut md5 = Md5::new();
    md5.update(&package.header_bytes);
    let mut sha256 = Sha256::new();
    let mut payload = package.payload()?;
    let mut buffer = vec![0; 256 << 10];
    loop {
        if process::interrupted() {
            return Err(Error::Interrupted);
        }
        match payload.read(&mut buffer)? {
            0 => return Ok((md5.finalize().into(), hex(&sha256.finalize()))),
            read => {
                md5.update(&buffer[..read]);
                sha256.update(&buffer[..read]);
            }
        }
    }
}

/// SHA-256 of the archive where it can be read to its end, and the verdict on the files in it.
fn unpacked(package: &Opened, files: &[Listed]) -> Result<(Option<String>, Verdict), Error> {
    let of_files = match walk(package, files) {
        Ok(verdict) => verdict,
        Err(Error::Interrupted) => return Err(Error::Interrupted),
        Err(_) => Verdict::Bad,
    };
    let Ok(mut archive) = Archive::open(package, most(package)) else { return Ok((None, of_files)) };
    let mut hash = Sha256::new();
    match read_into(&mut archive, |bytes| hash.update(bytes)) {
        Ok(_) => Ok((Some(hex(&hash.finalize())), of_files)),
        Err(Error::Interrupted) => Err(Error::Interrupted),
        Err(_) => Ok((None, of_files)),
    }
}

/// The most that an archive can be: what is stated, or 8 GiB where nothing is.
pub(super) fn most(package: &Opened) -> u64 {
    let stated = integers(package.signature(1007)).first().copied();
    let long = integers(package.signature(271)).first().copied();
    let header = package.integers(IndexTag::RPMTAG_ARCHIVESIZE).first().copied();
    long.or(stated).or(header).unwrap_or(8 << 30)
}

/// Whether each regular file of the header is in the payload, with its size and digest.
fn walk(package: &Opened, files: &[Listed]) -> Result<Verdict, Error> {
    let algorithm = file_algorithm(package);
    if hasher(algorithm).is_none() {
        return Ok(Verdict::Unchecked);
    }
    let by_path = super::index(files);
    let mut seen = vec![false; files.len()];
    let mut archive = Archive::open(package, most(package))?;
    while let Some(entry) = archive.next()? {
        let Some(number) = (match &entry.name {
            Name::Path(path) => by_path.get(super::key(path)).copied(),
            Name::Index(index) => usize::try_from(*index).ok(),
        }) else {
            return Ok(Verdict::Bad);
        };
        let Some((file, seen)) = files.get(number).zip(seen.get_mut(number)) else { return Ok(Verdict::Bad) };
        *seen = true;
        let size = entry.size.unwrap_or(file.size);
        let Some((_, mut hash)) = hasher(algorithm) else { return Ok(Verdict::Unchecked) };
        let read = read_into(&mut archive.content(size), |bytes| hash.take(bytes))?;
        // All but the last of several links are empty.
        let empty_link = entry.links > 1 && size == 0;
        // Older rpms state the size that the file system gave a folder.
        if read != size || !empty_link && size != file.size && !file.is_folder() {
            return Ok(Verdict::Bad);
        }
        if file.is_regular() && !empty_link && !hash.end().eq_ignore_ascii_case(&file.digest) {
            return Ok(Verdict::Bad);
        }
    }
    let missing = files.iter().zip(seen).any(|(file, seen)| !seen && file.flags & GHOST == 0);
    Ok(if missing { Verdict::Bad } else { Verdict::Ok })
}

/// Reads to the end, and returns how much there was.
pub(super) fn read_into(input: &mut dyn Read, mut each: impl FnMut(&[u8])) -> Result<u64, Error> {
    let mut buffer = vec![0; 64 << 10];
    let mut total = 0;
    loop {
        if process::interrupted() {
            return Err(Error::Interrupted);
        }
        match input.read(&mut buffer)? {
            0 => return Ok(total),
            read => {
                each(&buffer[..read]);
                total += read as u64;
            }
        }
    }
}
