//! Reading patch files, bounded in size and never waiting for a pipe.

use std::collections::HashSet;
use std::fs::FileType;
use std::io::{self, Read};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use fs_err::os::unix::fs::OpenOptionsExt;
use rustix::fs::OFlags;

use super::{Error, PatchFile};

/// The largest patch that is read, in bytes. The largest of upstream's commits that bring a module (mod_md, mod_http2)
/// have under 2 MiB.
pub const MAX_PATCH_BYTES: u64 = 64 << 20;

/// Reads the series in order.
pub(super) fn read(files: &[PathBuf], recipe_dir: &Path) -> Result<Vec<PatchFile>, Error> {
    if files.is_empty() {
        return Err(Error::NoPatches);
    }
    let mut names = HashSet::new();
    files
        .iter()
        .map(|file| {
            let path = recipe_dir.join(file);
            let bytes = read_one(&path)?;
            let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
            if name.chars().any(char::is_control) {
                return Err(Error::PatchNameControl { name });
            }
            if !names.insert(name.clone()) {
                return Err(Error::PatchNameTwice { name });
            }
            Ok(PatchFile::new(name, bytes, None))
        })
        .collect()
}

fn read_one(path: &Path) -> Result<Vec<u8>, Error> {
    let too_large = || Error::PatchTooLarge { name: path.display().to_string(), limit: MAX_PATCH_BYTES };
    // Without O_NONBLOCK the opening of a pipe waits for a writer, perhaps for ever.
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let file = fs_err::OpenOptions::new().read(true).custom_flags(flags).open(path);
    let file = match file {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(Error::PatchMissing { path: path.to_owned() });
        }
        // A socket cannot be opened at all.
        Err(error) => match fs_err::metadata(path) {
            Ok(found) if !found.is_file() => return Err(special(path, found.file_type())),
            _ => return Err(error.into()),
        },
    };
    let found = file.metadata()?;
    if !found.is_file() {
        return Err(special(path, found.file_type()));
    }
    if found.len() > MAX_PATCH_BYTES {
        return Err(too_large());
    }
    let mut bytes = Vec::with_capacity(usize::try_from(found.len()).unwrap_or_default());
    file.take(MAX_PATCH_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_PATCH_BYTES {
        return Err(too_large());
    }
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(Error::PatchEmpty { path: path.to_owned() });
    }
    match encoding(&bytes) {
        None => Ok(bytes),
        Some((what, help)) => Err(Error::PatchEncoding { path: path.to_owned(), what, help }),
    }
}

fn special(path: &Path, found: FileType) -> Error {
    let mut help = "name a regular file; save what a pipe gives to a file first".to_owned();
    let what = if found.is_dir() {
        help = match patches_in(path) {
            names if names.is_empty() => "name the patch files themselves".to_owned(),
            names => format!("name the patch files themselves: it has {}", names.join(", ")),
        };
        "a folder"
    } else if found.is_fifo() {
        "a pipe"
    } else if found.is_socket() {
        "a socket"
    } else {
        "a device"
    };
    Error::PatchSpecial { path: path.to_owned(), what, help }
}

/// The first few patch files of a folder, by name.
fn patches_in(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs_err::read_dir(directory)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(".patch") || name.ends_with(".diff"))
        .collect();
    names.sort();
    names.truncate(5);
    names
}

/// What the first bytes give away, and what to do about it.
fn encoding(bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    const KNOWN: &[(&[u8], &str, &str)] = &[
        (b"\x1f\x8b", "compressed by gzip", "`gunzip` it first"),
        (b"BZh", "compressed by bzip2", "`bunzip2` it first"),
        (b"\xfd7zXZ\0", "compressed by xz", "`unxz` it first"),
        (b"\x28\xb5\x2f\xfd", "compressed by zstd", "`unzstd` it first"),
        (b"PK\x03\x04", "a zip archive", "unpack it first"),
        (b"\xff\xfe", "in UTF-16", "`iconv -f UTF-16 -t UTF-8` it first"),
        (b"\xfe\xff", "in UTF-16", "`iconv -f UTF-16 -t UTF-8` it first"),
    ];
    KNOWN.iter().find(|(magic, ..)| bytes.starts_with(magic)).map(|(_, what, help)| (*what, *help))
}
