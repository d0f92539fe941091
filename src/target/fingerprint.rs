//! What tells a target from what it was before, without reading it all.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

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
        let roots = self.roots();
        let system = roots.iter().map(|root| root.join("usr/include"));
        let headers: BTreeSet<PathBuf> = self.include_dirs.iter().cloned().chain(system).collect();
        let headers: Vec<PathBuf> = headers.iter().flat_map(|folder| entries(folder)).collect();
        let of_headers =
            parallel::map(&headers, |path| files(path).map(|file| stamp(&file)).collect::<Vec<_>>());
        of_headers.iter().flatten().for_each(|stamp| list.add(stamp));
        let folders = self.libraries.folders().chain(self.library_path.iter().map(PathBuf::as_path));
        for folder in folders.chain([self.modules_dir.as_path()]) {
            for path in entries(folder) {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                if name.contains(".so") || name.ends_with(".a") || name.ends_with(".o") {
                    list.add(stamp(&path));
                }
            }
        }
        if let Some(program) = &self.program {
            list.add(stamp(program));
        }
    }
}

/// What says of an added target what it is.
fn added(root: &Path) -> Option<String> {
    fs_err::read_to_string(root.parent()?.join(MANIFEST_FILE)).ok()
}

/// What is in a folder, in order. What cannot be read is missing, before and after.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs_err::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort_unstable();
    paths
}

/// All files beneath a folder, or the file itself, in order. A link is followed by nobody: it may lead to all of this host.
fn files(path: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = walkdir::WalkDir::new(path).follow_root_links(false).sort_by_file_name().into_iter();
    entries
        .filter_map(Result::ok)
        .filter(|entry| !entry.file_type().is_dir())
        .map(walkdir::DirEntry::into_path)
}

/// Path, size and time of a file; of a link those of what it leads to.
pub fn stamp(file: &Path) -> String {
    match fs_err::metadata(file) {
        Ok(found) => {
            format!("{} {} {}.{}", file.display(), found.len(), found.mtime(), found.mtime_nsec())
        }
        Err(_) => format!("{} leads nowhere", file.display()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_told_by_size_and_time() {
        let here = tempfile::tempdir().unwrap();
        let file = here.path().join("a/b.h");
        fs_err::create_dir(here.path().join("a")).unwrap();
        fs_err::write(&file, "1").unwrap();
        assert_eq!(files(here.path()).collect::<Vec<_>>(), std::slice::from_ref(&file));
        assert_eq!(files(&file).collect::<Vec<_>>(), std::slice::from_ref(&file));
        assert_eq!(entries(here.path()), [here.path().join("a")]);
        let before = stamp(&file);
        fs_err::write(&file, "12").unwrap();
        assert_ne!(before, stamp(&file));
        let link = here.path().join("link");
        std::os::unix::fs::symlink("none", &link).unwrap();
        assert!(stamp(&link).ends_with("leads nowhere"));
        let to_folder = here.path().join("folder");
        std::os::unix::fs::symlink("a", &to_folder).unwrap();
        assert_eq!(files(&to_folder).collect::<Vec<_>>(), [to_folder]);
    }
}
