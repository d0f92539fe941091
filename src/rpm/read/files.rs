//! The list of files in a header, put together from its arrays.

use std::collections::HashMap;

use rpm::IndexTag;

use super::archive::{Inode, LONGEST_NAME, Node};
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

/// What comes with each file in an archive that says nothing of its entries (that of rpm 6's packages, and of files of 4 GiB and
/// more): of several names of one file, the last has the content (librpm's `rpmfilesBuildNLink` and `iterReadArchiveNext`).
///
/// # Errors
/// [`Error::Damaged`] where the arrays do not fit each other.
pub(super) fn nodes(package: &Opened, listed: &[Listed]) -> Result<Vec<Node>, Error> {
    let inodes = package.integers(IndexTag::RPMTAG_FILEINODES)?;
    let devices = package.integers(IndexTag::RPMTAG_FILEDEVICES)?;
    for length in [inodes.len(), devices.len()] {
        if length != 0 && length != listed.len() {
            return Err(package.damaged("its lists of files do not fit each other"));
        }
    }
    let inode = |index: usize| -> Option<Inode> {
        // Both are of 32 bits.
        Some((*inodes.get(index)? as u32, 0, devices.get(index).map_or(0, |device| *device as u32)))
    };
    let has_content = |file: &Listed| file.is_regular() && file.flags & GHOST == 0;
    // How many names, and the last of them.
    let mut names: HashMap<Inode, (u32, usize)> = HashMap::new();
    for (index, _) in listed.iter().enumerate().filter(|(_, file)| has_content(file)) {
        if let Some(inode) = inode(index) {
            let (count, last) = names.entry(inode).or_default();
            (*count, *last) = (*count + 1, index);
        }
    }
    let nodes = listed.iter().enumerate().map(|(index, file)| {
        let linked = inode(index).filter(|_| has_content(file));
        let linked = linked.and_then(|inode| Some((inode, *names.get(&inode)?)));
        match linked {
            Some((inode, (links, last))) => {
                Node { size: if index == last { file.size } else { 0 }, links, inode }
            }
            None => Node { size: file.size, links: 1, inode: Inode::default() },
        }
    });
    Ok(nodes.collect())
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
