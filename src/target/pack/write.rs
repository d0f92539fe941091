//! Writing a pack: the same target gives the same bytes.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tar::{EntryType, Header};

use super::choose::{How, choose};
use super::stub::stub;
use super::{DIGITS, EXTENSION, Error, FACTS, Facts, LAYOUTS, PROFILE, ROOT};
use crate::hash::hex;
use crate::layout::Layouts;
use crate::process;
use crate::target::{Provenance, Target};

/// A pack is made once and read often: 19 is the highest level that needs no more memory to read than the others.
const LEVEL: i32 = 19;

/// A pack that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The file.
    pub file: PathBuf,
    /// SHA-256 of the file, in lower-case hexadecimal digits: its id.
    pub sha256: String,
    /// Bytes.
    pub size: u64,
    /// Files and links of the root that are in it.
    pub files: u64,
}

/// Packs a target that has a root of its own into the file `out`, or, where that is a folder, into
/// `NAME-DIGITS.modgraft-pack` in it. `name` is what the target is called.
///
/// # Errors
/// [`Error::NotWhole`], [`Error::Again`]; a file of the root that is not as it should be; the disk is full. There is no file
/// then that was not there before.
pub fn write(target: &Target, name: &str, layouts: &Layouts, out: &Path) -> Result<Written, Error> {
    let root = match &target.provenance {
        Provenance::Sysroot { root, pack: None } => root.canonicalize()?,
        Provenance::Sysroot { pack: Some(pack), .. } => {
            return Err(Error::Again { target: name.to_owned(), id: pack.id.clone() });
        }
        Provenance::Installed | Provenance::Fetched { .. } | Provenance::Prefix { .. } => {
            return Err(Error::NotWhole { target: name.to_owned() });
        }
    };
    let chosen = choose(target, &root)?;
    let folder = if out.is_dir() { out } else { out.parent().unwrap_or(Path::new("")) };
    let folder = if folder == Path::new("") { Path::new(".") } else { folder };
    let mut file = tempfile::Builder::new().prefix(".modgraft-pack-").tempfile_in(folder)?;
    let (sha256, size) = write_to(file.as_file_mut(), target, layouts, &root, &chosen)?;
    file.as_file().sync_all()?;
    let place = if out.is_dir() {
        out.join(format!("{name}-{}.{EXTENSION}", &sha256[..DIGITS]))
    } else {
        out.to_owned()
    };
    // A temporary file is its owner's alone; a pack is to be passed on.
    fs_err::set_permissions(file.path(), std::fs::Permissions::from_mode(0o644))?;
    file.persist(&place).map_err(|error| error.error)?;
    Ok(Written { file: place, sha256, size, files: chosen.len() as u64 })
}

/// Writes all of a pack; its SHA-256 and its size.
fn write_to(
    output: &mut std::fs::File,
    target: &Target,
    layouts: &Layouts,
    root: &Path,
    chosen: &BTreeMap<PathBuf, How>,
) -> Result<(String, u64), Error> {
    let hashed = Hashed { output: io::BufWriter::new(output), hash: Sha256::new(), size: 0 };
    let mut compressed = zstd::stream::write::Encoder::new(hashed, LEVEL)?;
    compressed.include_checksum(true)?;
    let mut archive = tar::Builder::new(compressed);
    let facts = toml::to_string(&Facts::of(target, chosen.len() as u64)).map_err(io::Error::other)?;
    let layouts = serde_json::to_vec(layouts).map_err(io::Error::other)?;
    let texts = [(FACTS, facts.as_bytes()), (PROFILE, target.profile.text().as_bytes()), (LAYOUTS, &layouts)];
    for (name, text) in texts {
        add(&mut archive, Path::new(name), 0o644, text)?;
    }
    for (path, how) in chosen {
        if process::interrupted() {
            return Err(Error::Interrupted);
        }
        let (from, to) = (root.join(path), Path::new(ROOT).join(path));
        match how {
            How::Whole => add(&mut archive, &to, 0o644, &fs_err::read(from)?)?,
            How::Stub => {
                let made = stub(&fs_err::read(&from)?).map_err(|reason| Error::Elf { file: from, reason })?;
                add(&mut archive, &to, 0o755, &made)?;
            }
            How::Link(target) => {
                let mut header = header(EntryType::Symlink, 0o777, 0);
                archive.append_link(&mut header, &to, target)?;
            }
        }
    }
    let Hashed { mut output, hash, size } = archive.into_inner()?.finish()?;
    output.flush()?;
    Ok((hex(&hash.finalize()), size))
}

fn header(kind: EntryType, mode: u32, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header
}

fn add(archive: &mut tar::Builder<impl Write>, path: &Path, mode: u32, content: &[u8]) -> io::Result<()> {
    let mut header = header(EntryType::Regular, mode, content.len() as u64);
    archive.append_data(&mut header, path, content)
}

/// Hashes what passes through.
struct Hashed<W> {
    output: W,
    hash: Sha256,
    size: u64,
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.output.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}
