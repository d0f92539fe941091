//! Takes the files out of a package, beneath a folder and nowhere else.

use std::ffi::OsStr;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use super::walk::{Packed, each_file};
use super::{Error, digests, key};
use crate::beneath::Beneath;

/// All files together. Bytes.
const MOST: u64 = 4 << 30;

/// Longest target of a link, as in the kernel. Bytes.
const LONGEST_TARGET: u64 = 4096;

/// Writes all files of a package beneath `directory`, which has to exist, and returns their paths there: regular files
/// and symbolic links, in the order of the payload. Owners are not kept, nor set-id bits; folders have mode 0755.
///
/// # Errors
/// [`Error::Damaged`] for a path or link that leads out, for special files, and where a size or digest does not hold;
/// [`Error::Io`] where something is in the way. What was written before the error stays.
pub fn extract(package: &Path, directory: &Path) -> Result<Vec<PathBuf>, Error> {
    let beneath = Beneath::open(directory)?;
    let mut written = Vec::new();
    let mut left = MOST;
    each_file(package, digests::MOST, &mut |file, content| {
        let damaged = |reason: String| Error::Damaged { path: package.to_owned(), reason };
        left = left
            .checked_sub(file.size)
            .ok_or_else(|| damaged("its files are larger than 4 GiB".to_owned()))?;
        if let Some(path) = write(&beneath, file, content, &damaged)? {
            written.push(directory.join(path));
        }
        Ok::<_, Error>(())
    })?;
    Ok(written)
}

/// Writes one file, and returns its path where it is no folder.
fn write(
    beneath: &Beneath,
    file: Packed<'_>,
    content: &mut dyn Read,
    damaged: &dyn Fn(String) -> Error,
) -> Result<Option<PathBuf>, Error> {
    let shown = file.path.escape_debug();
    let path = key(file.path);
    let parts: Vec<&str> = path.split('/').collect();
    if !parts.iter().all(|part| is_name(part)) {
        return Err(damaged(format!("the path `{shown}` leads out of the folder")));
    }
    if file.names > 1 && file.mode & 0o170_000 != 0o040_000 {
        return Err(damaged(format!("`{shown}` is a hard link, which is not read here")));
    }
    let path = Path::new(path);
    match file.mode & 0o170_000 {
        0o040_000 => {
            beneath.folder(path)?;
            Ok(None)
        }
        0o100_000 => {
            let mut out = BufWriter::new(beneath.create(path, u32::from(file.mode & 0o777))?);
            let named = |error: io::Error| io::Error::new(error.kind(), format!("{shown}: {error}"));
            let mut failure = None;
            digests::read_into(content, |bytes| {
                if failure.is_none() {
                    failure = out.write_all(bytes).err();
                }
            })?;
            match failure.or_else(|| out.flush().err()) {
                Some(error) => Err(named(error).into()),
                None => Ok(Some(path.to_owned())),
            }
        }
        0o120_000 => {
            let mut target = Vec::new();
            content.take(LONGEST_TARGET + 1).read_to_end(&mut target)?;
            if !stays_inside(parts.len() - 1, &target) || target != file.target.as_bytes() {
                return Err(damaged(format!("the link `{shown}` leads out of the folder")));
            }
            beneath.symlink(path, OsStr::new(file.target))?;
            Ok(Some(path.to_owned()))
        }
        _ => Err(damaged(format!("`{shown}` is neither file nor folder nor link"))),
    }
}

fn is_name(part: &str) -> bool {
    !part.is_empty() && part != "." && part != ".." && !part.contains('\0')
}

/// Whether a link in a folder `depth` below the root stays beneath it. It may go up first, and then only down: its own folder
/// is no link, so the way up is what it seems, and each link that it passes on the way down keeps the same rule. Going up
/// behind another link could lead anywhere.
fn stays_inside(depth: usize, target: &[u8]) -> bool {
    if target.is_empty()
        || target.len() as u64 > LONGEST_TARGET
        || target.starts_with(b"/")
        || target.contains(&0)
    {
        return false;
    }
    let mut parts =
        target.split(|byte| *byte == b'/').filter(|part| !part.is_empty() && *part != b".").peekable();
    let mut above = 0;
    while parts.next_if(|part| *part == b"..").is_some() {
        above += 1;
    }
    above <= depth && parts.all(|part| part != b"..")
}

#[cfg(test)]
mod tests {
    use super::stays_inside;

    #[test]
    fn links_are_followed_on_paper() {
        assert!(stays_inside(5, b"../../../../../usr/lib/x.so"));
        assert!(stays_inside(0, b"a"));
        for bad in [&b"/etc/passwd"[..], b"..", b"../x", b"a/../b", b""] {
            assert!(!stays_inside(0, bad));
        }
        assert!(!stays_inside(2, b"../../../x"));
    }
}
