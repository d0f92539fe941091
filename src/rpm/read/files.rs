//! The list of files in a header, put together from its arrays.

use rpm::IndexTag;

use super::archive::LONGEST_NAME;
use super::{Error, Opened};

/// All paths of a package. The largest packages have some tens of MiB of them. Bytes.
const MOST_PATHS: usize = 256 << 20;

/// One file as the header has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    /// Absolute; in a source package the bare name.
    pub path: String,
    /// `st_mode`.
    pub mode: u16,
    pub size: u64,
    pub time: u64,
    pub user: String,
    pub group: String,
    pub flags: u32,
    /// As stated; empty for what is no regular file.
    pub digest: String,
    /// Where a symbolic link points.
    pub target: String,
}

impl Listed {
    /// `S_ISREG`.
    pub(super) fn is_regular(&self) -> bool {
        self.mode & 0o170_000 == 0o100_000
    }

    /// `S_ISDIR`.
    pub(super) fn is_folder(&self) -> bool {
        self.mode & 0o170_000 == 0o040_000
    }
}

/// `%ghost`: in the header, not in the payload.
pub(super) const GHOST: u32 = 1 << 6;

/// All files of a package.
///
/// # Errors
/// [`Error::Damaged`] where the arrays do not fit each other.
pub(super) fn list(package: &Opened) -> Result<Vec<Listed>, Error> {
    let names = names(package)?;
    let count = names.len();
    let modes = package.integers(IndexTag::RPMTAG_FILEMODES)?;
    let sizes = match package.integers(IndexTag::RPMTAG_LONGFILESIZES)? {
        sizes if sizes.is_empty() => package.integers(IndexTag::RPMTAG_FILESIZES)?,
        sizes => sizes,
    };
    // What librpm cannot do without; the rest may be missing, but not be of another length.
    if modes.len() != count || sizes.len() != count {
        return Err(package.damaged("its lists of files do not fit each other"));
    }
    let times = package.integers(IndexTag::RPMTAG_FILEMTIMES)?;
    let users = package.texts(IndexTag::RPMTAG_FILEUSERNAME)?;
    let groups = package.texts(IndexTag::RPMTAG_FILEGROUPNAME)?;
    let flags = package.integers(IndexTag::RPMTAG_FILEFLAGS)?;
    let digests = package.texts(IndexTag::RPMTAG_FILEDIGESTS)?;
    let targets = package.texts(IndexTag::RPMTAG_FILELINKTOS)?;
    for length in [times.len(), users.len(), groups.len(), flags.len(), digests.len(), targets.len()] {
        if length != 0 && length != count {
            return Err(package.damaged("its lists of files do not fit each other"));
        }
    }
    let text = |list: &[String], index: usize| list.get(index).cloned().unwrap_or_default();
    let listed = names.into_iter().enumerate().map(|(index, path)| Listed {
        path,
        mode: modes.get(index).map_or(0, |mode| *mode as u16),
        size: sizes.get(index).copied().unwrap_or(0),
        time: times.get(index).copied().unwrap_or(0),
        user: text(&users, index),
        group: text(&groups, index),
        flags: flags.get(index).map_or(0, |flags| *flags as u32),
        digest: text(&digests, index),
        target: text(&targets, index),
    });
    Ok(listed.collect())
}

fn names(package: &Opened) -> Result<Vec<String>, Error> {
    let bases = package.texts(IndexTag::RPMTAG_BASENAMES)?;
    if bases.is_empty() {
        // The form before rpm 4.
        return package.texts(IndexTag::RPMTAG_OLDFILENAMES);
    }
    let folders = package.texts(IndexTag::RPMTAG_DIRNAMES)?;
    let indices = package.integers(IndexTag::RPMTAG_DIRINDEXES)?;
    if indices.len() != bases.len() {
        return Err(package.damaged("its lists of files do not fit each other"));
    }
    // A folder stands there once and counts for each of its files: a header of 2 MiB could mean paths of 60 GB.
    let mut total = 0;
    bases
        .iter()
        .zip(indices)
        .map(|(base, index)| {
            let folder = usize::try_from(index).ok().and_then(|index| folders.get(index));
            let folder = folder.ok_or_else(|| package.damaged("a file is in no folder"))?;
            let length = folder.len() + base.len();
            total += length;
            if length >= LONGEST_NAME as usize {
                return Err(package.damaged("a file has a longer path than there can be"));
            }
            if total > MOST_PATHS {
                return Err(package.damaged("its list of files is longer than that of any package"));
            }
            Ok(format!("{folder}{base}"))
        })
        .collect()
}
