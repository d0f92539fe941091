//! What is to be signed, for another machine; and the files that come back from there.

use std::collections::HashSet;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::output::Staging;
use super::resign::{Resigning, needs_payload, time};
use super::{Error, epoch};
use crate::hash::hex;
use crate::report::{Event, Reporter};
use crate::sign::{Certificate, check_accepted};

/// A detached signature is a kilobyte; what is longer is refused when it is read. Bytes.
const LONGEST: u64 = 1 << 20;
const MANIFEST: &str = "manifest.json";

/// What the folder holds, for whoever signs.
#[derive(Serialize)]
struct Manifest {
    modgraft: u32,
    /// Fingerprint, where the key is known.
    key: Option<String>,
    files: Vec<ToSign>,
}

#[derive(Serialize)]
struct ToSign {
    package: String,
    nevra: String,
    /// What is to be signed.
    file: String,
    covers: &'static str,
    size: u64,
    sha256: String,
    /// Unix seconds: the signature's time where it is to be the same bytes each time.
    time: u64,
    /// Where the signature is looked for; `.asc` as well.
    signature: String,
}

/// Where a package's header lies in an export's folder.
pub(super) fn header_file(package: &Path, folder: &Path) -> PathBuf {
    folder.join(format!("{}.header", file_name(package)))
}

/// Where its header and payload lie.
pub(super) fn whole_file(package: &Path, folder: &Path) -> PathBuf {
    folder.join(format!("{}.whole", file_name(package)))
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The signature of an exported file, binary or armored, where there is one.
pub(super) fn signature(exported: &Path) -> Result<Option<(PathBuf, Vec<u8>)>, Error> {
    for ending in ["sig", "asc"] {
        let path = PathBuf::from(format!("{}.{ending}", exported.display()));
        match fs_err::File::open(&path) {
            Ok(file) => {
                let mut bytes = Vec::new();
                file.take(LONGEST).read_to_end(&mut bytes)?;
                return Ok(Some((path, bytes)));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(None)
}

/// Writes what is to be signed: each package's header, and header and payload where such a signature is needed, with a
/// manifest. Tells the files as [`Event::Results`].
///
/// # Errors
/// Those of the packages; where the folder cannot be written.
pub fn export(
    resigning: &Resigning,
    folder: &Path,
    certificate: Option<&Path>,
    reporter: &dyn Reporter,
) -> Result<(), crate::Error> {
    let profile = resigning.profile()?;
    let key = certificate.map(|path| Certificate::open(path)?.signing_key()).transpose()?;
    if let (Some(key), Some(profile)) = (&key, &profile) {
        check_accepted(key, &profile.name, &profile.packaging.keys)?;
    }
    let stated = epoch::stated()?;
    let staging = Staging::new(folder).map_err(Error::from)?;
    let mut names = HashSet::new();
    let mut files = Vec::new();
    for path in &resigning.packages {
        let package = resigning.open(path)?;
        let name = file_name(path);
        if !names.insert(name.clone()) {
            return Err(Error::SameName { name }.into());
        }
        let created = key.as_ref().map_or(0, |key| key.created);
        let time = time(&package, stated).max(created);
        let mut write = |to: PathBuf, covers, data: &mut dyn Read| -> Result<(), Error> {
            let file = file_name(&to);
            let (size, sha256) = copy(data, &staging.path(&file))?;
            files.push(ToSign {
                package: name.clone(),
                nevra: package.nevra().to_owned(),
                signature: format!("{file}.sig"),
                file,
                covers,
                size,
                sha256,
                time,
            });
            Ok(())
        };
        write(header_file(path, folder), "header", &mut package.header())?;
        if needs_payload(&package, profile.as_deref()) {
            let mut data = package.header_and_payload().map_err(Error::from)?;
            write(whole_file(path, folder), "header and payload", &mut data)?;
        }
    }
    let mut published: Vec<String> = files.iter().map(|file| file.file.clone()).collect();
    let manifest = Manifest { modgraft: 1, key: key.map(|key| key.fingerprint), files };
    let mut text = serde_json::to_string_pretty(&manifest).expect("a manifest is plain data");
    text.push('\n');
    fs_err::write(staging.path(MANIFEST), text).map_err(Error::from)?;
    published.push(MANIFEST.to_owned());
    let files = staging.publish(&published)?;
    reporter.note(format!(
        "sign each file there with `gpg --detach-sign --digest-algo SHA256 FILE`, and put the signatures in with --import {}",
        folder.display()
    ));
    reporter.event(Event::Results { files });
    Ok(())
}

/// Bytes, and their SHA-256 in lower-case hexadecimal.
fn copy(data: &mut dyn Read, to: &Path) -> io::Result<(u64, String)> {
    let mut out = fs_err::File::create(to)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 256 << 10];
    let mut size = 0;
    loop {
        let read = match data.read(&mut buffer)? {
            0 => break,
            read => read,
        };
        hash.update(&buffer[..read]);
        out.write_all(&buffer[..read])?;
        size += read as u64;
    }
    Ok((size, hex(&hash.finalize())))
}
