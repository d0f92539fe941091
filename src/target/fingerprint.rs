//! What tells a target from what it was before, without reading it all.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::stamp::{self, Which};
use super::store::MANIFEST_FILE;
use super::{Provenance, Target};
use crate::hash::ListHash;
use crate::parallel;

impl Target {
    /// Lower-case hexadecimal digits that are others where anything of the target is another that a build depends on: of a
    /// pack its digest, of one that was added what its `target.toml` says, which has the digests of its packages; of all
    /// others the sizes and times of headers, modules, libraries and the program.
    pub fn fingerprint(&self) -> String {
        let mut list = ListHash::default();
        list.add(format!("{:?} {:?} {:?}", self.variables, self.layout, self.profile));
        list.add(format!("{} {} {} {}", self.mmn, self.httpd_version, self.apr_version, self.glibc));
        match &self.provenance {
            Provenance::Sysroot { pack: Some(pack), .. } => list.add(&pack.id),
            Provenance::Sysroot { root, pack: None } => match added(root) {
                Some(manifest) => list.add(manifest),
                None => self.files(&mut list),
            },
            Provenance::Installed | Provenance::Fetched { .. } | Provenance::Prefix { .. } => {
                self.files(&mut list);
            }
        }
        list.hex()
    }

    /// The system's headers are ten thousand files: all cores look at them, a folder each.
    fn files(&self, list: &mut ListHash) {
        let libraries = self.libraries.folders().chain(self.library_path.iter().map(PathBuf::as_path));
        let libraries = libraries.chain([self.modules_dir.as_path()]);
        let mut work: Vec<(PathBuf, Which)> =
            libraries.map(|folder| (folder.to_owned(), Which::Libraries)).collect();
        for folder in self.header_folders() {
            work.extend(stamp::folders(&folder).into_iter().map(|folder| (folder, Which::Beneath)));
            work.push((folder, Which::In));
        }
        let stamps = parallel::map(&work, |(folder, which)| stamp::of_folder(folder, *which));
        stamps.iter().for_each(|stamp| list.add(stamp));
        if let Some(program) = &self.program {
            list.add(stamp::stamp(program));
        }
    }

    /// As what links lead to, since nobody follows these beneath a folder; without those that are in another one of them.
    fn header_folders(&self) -> BTreeSet<PathBuf> {
        let roots = self.roots();
        // Where the compiler looks by itself; in the local one first.
        let system = ["usr/local/include", "usr/include"];
        let system = roots.iter().flat_map(|root| system.map(|folder| root.join(folder)));
        let folders = self.include_dirs.iter().cloned().chain(system);
        let folders: BTreeSet<PathBuf> =
            folders.filter_map(|folder| fs_err::canonicalize(folder).ok()).collect();
        let inside =
            |folder: &PathBuf| folders.iter().any(|other| other != folder && folder.starts_with(other));
        folders.iter().filter(|folder| !inside(folder)).cloned().collect()
    }
}

/// What says of an added target what it is.
fn added(root: &Path) -> Option<String> {
    fs_err::read_to_string(root.parent()?.join(MANIFEST_FILE)).ok()
}
