//! Which files of a package are names of one and the same, and in which order the archive has them.

use std::collections::BTreeMap;

use super::Error;
use crate::package::{File, FileKind};

/// Of each file of a package, the first that it is a name of; itself where it is the only one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Links {
    /// By number of the file: the numbers of all its names, in order. One of them has the content.
    sets: BTreeMap<usize, Vec<usize>>,
    first: Vec<usize>,
    /// Of each file, how many names it has.
    names: Vec<u32>,
}

/// An entry of the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Member {
    /// The number of the file.
    pub file: usize,
    /// The number of the file whose content follows; `None` for a name of a file that comes once more.
    pub content: Option<usize>,
    /// How many names it has.
    pub links: u32,
}

impl Links {
    /// # Errors
    /// [`Error::Link`] for a name of what is no regular file of the package.
    pub(super) fn new(files: &[File]) -> Result<Self, Error> {
        let mut first: Vec<usize> = (0..files.len()).collect();
        let (mut sets, mut count) = (BTreeMap::new(), vec![1; files.len()]);
        let linked = |file: &File| matches!(file.kind, FileKind::HardLink { .. });
        if !files.iter().any(linked) {
            return Ok(Links { sets, first, names: count });
        }
        let regular = |file: &File| matches!(file.kind, FileKind::Regular(_)) && !file.is_ghost();
        let by_path: BTreeMap<&str, usize> = files
            .iter()
            .enumerate()
            .filter(|(_, file)| regular(file))
            .map(|(number, file)| (file.path.as_str(), number))
            .collect();
        let mut names: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (number, file) in files.iter().enumerate() {
            if let (FileKind::HardLink { to }, false) = (&file.kind, file.is_ghost()) {
                let content = by_path
                    .get(to.as_str())
                    .ok_or_else(|| Error::Link { path: file.path.clone(), to: to.clone() })?;
                names.entry(*content).or_insert_with(|| vec![*content]).push(number);
            }
        }
        for (content, mut set) in names {
            set.sort_unstable();
            for number in &set {
                first[*number] = set[0];
                count[*number] = set.len() as u32;
            }
            sets.insert(content, set);
        }
        Ok(Links { sets, first, names: count })
    }

    /// Of each file, from 1: names of one file have one number, as rpmbuild numbers them.
    pub(super) fn inodes(&self) -> impl Iterator<Item = u32> + '_ {
        // There are fewer files than would fill the header's 256 MiB.
        self.first.iter().map(|number| *number as u32 + 1)
    }

    /// The number of the file in the archive, from 1.
    pub(super) fn inode(&self, file: usize) -> u32 {
        self.first[file] as u32 + 1
    }

    /// Gives all names of a file what is known of the one with the content.
    pub(super) fn share<T: Clone>(&self, of_files: &mut [T]) {
        for (content, set) in &self.sets {
            for number in set {
                of_files[*number] = of_files[*content].clone();
            }
        }
    }

    /// Whether it is the first name of a file.
    pub(super) fn is_first(&self, file: usize) -> bool {
        self.first[file] == file
    }

    /// The order of rpm's archives: first what has one name, then the sets of names, each with the content at its last.
    /// Ghosts are left out.
    pub(super) fn members<'a>(&'a self, files: &'a [File]) -> impl Iterator<Item = Member> + 'a {
        let alone = (0..files.len())
            .filter(move |number| !files[*number].is_ghost() && self.names[*number] == 1)
            .map(|number| Member { file: number, content: Some(number), links: 1 });
        let mut sets: Vec<(&usize, &Vec<usize>)> = self.sets.iter().collect();
        sets.sort_by_key(|(_, set)| set[0]);
        let linked = sets.into_iter().flat_map(move |(content, set)| {
            let last = set.last().copied();
            set.iter().map(move |number| Member {
                file: *number,
                content: (Some(*number) == last).then_some(*content),
                links: self.names[*number],
            })
        });
        alone.chain(linked)
    }
}
