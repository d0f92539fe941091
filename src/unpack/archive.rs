//! Reading a compressed tar archive that is no distribution's package: texts first, then a root below one folder.

use std::io::{BufReader, Read};
use std::path::Path;

use super::deb::{Entry, each_entry, reading};
use super::error::Wrong;
use super::{Error, Tree};
use crate::compression::{Bounded, Compression};

/// The files of a zstd-compressed archive that stand in front of `folder`, in order, with their contents.
///
/// # Errors
/// [`Error::Damaged`] where it is cut off, or a text has more than `most` bytes.
pub fn texts(archive: &Path, folder: &str, most: u64) -> Result<Vec<(String, Vec<u8>)>, Error> {
    let mut texts = Vec::new();
    collect(archive, most, &mut texts, &|path| !path.starts_with(folder), usize::MAX)?;
    Ok(texts)
}

/// The first file alone: what follows may be of a form that is not known.
///
/// # Errors
/// As [`texts`].
pub fn first(archive: &Path, most: u64) -> Result<Option<(String, Vec<u8>)>, Error> {
    let mut texts = Vec::new();
    collect(archive, most, &mut texts, &|_| true, 1)?;
    Ok(texts.pop())
}

fn collect(
    archive: &Path,
    most: u64,
    texts: &mut Vec<(String, Vec<u8>)>,
    wanted: &dyn Fn(&Path) -> bool,
    count: usize,
) -> Result<(), Error> {
    let mut left = most;
    each(archive, most.saturating_mul(2), &mut |entry, content| {
        if !wanted(&entry.path) {
            return Ok(false);
        }
        let mut text = Vec::new();
        let read = content.take(left + 1).read_to_end(&mut text).map_err(|error| reading(&error))?;
        left = left
            .checked_sub(read as u64)
            .ok_or_else(|| Wrong::TooLarge(format!("its texts have more than {} MB", most / 1_000_000)))?;
        texts.push((entry.path.to_string_lossy().into_owned(), text));
        Ok(texts.len() < count)
    })
}

/// Unpacks what is below `folder`; the number of files and links.
///
/// # Errors
/// As [`super::unpack`].
pub fn below(archive: &Path, folder: &str, tree: &mut Tree) -> Result<u64, Error> {
    let mut count = 0;
    // Beside what is written there are headers and texts.
    let most = tree.limits().all.saturating_mul(2);
    each(archive, most, &mut |entry, content| {
        let Ok(path) = entry.path.strip_prefix(folder) else { return Ok(true) };
        match entry.kind {
            tar::EntryType::Regular => tree.file(path, entry.mode, content)?,
            tar::EntryType::Symlink => tree.link(path, &entry.target)?,
            _ => return Err(Wrong::Damaged(format!("{} is neither a file nor a link", path.display()))),
        }
        count += 1;
        Ok(true)
    })?;
    Ok(count)
}

fn each(
    archive: &Path,
    most: u64,
    take: &mut dyn FnMut(Entry, &mut dyn Read) -> Result<bool, Wrong>,
) -> Result<(), Error> {
    let file = fs_err::File::open(archive)?;
    let input = BufReader::with_capacity(64 << 10, file);
    let opened = Compression::Zstd.decoder(input).map_err(|error| reading(&error));
    let read = opened.and_then(|decoder| each_entry(Bounded::new(decoder, most), take));
    read.map_err(|wrong| wrong.of(archive))
}
