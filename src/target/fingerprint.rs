//! What tells a target from what it was before, without reading it all.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::store::MANIFEST_FILE;
use super::{Provenance, Target};

impl Target {
    /// Lower-case hexadecimal digits that are others where anything of the target is another that a build depends on: of a
    /// pack its digest, of one that was added what its `target.toml` says, which has the digests of its packages; of all
    /// others the sizes and times of headers, modules, libraries and the program.
    pub fn fingerprint(&self) -> String {
        let mut hasher = Sha256::new();
        let mut state = |text: &str| {
            hasher.update((text.len() as u64).to_le_bytes());
            hasher.update(text);
        };
        state(&format!("{:?} {:?} {:?}", self.variables, self.layout, self.profile));
        state(&format!("{} {} {} {}", self.mmn, self.httpd_version, self.apr_version, self.glibc));
        match &self.provenance {
            Provenance::Sysroot { pack: Some(pack), .. } => state(&pack.id),
            Provenance::Sysroot { root, pack: None } => match added(root) {
                Some(manifest) => state(&manifest),
                None => self.files(&mut state),
            },
            Provenance::Installed | Provenance::Fetched { .. } | Provenance::Prefix { .. } => {
                self.files(&mut state);
            }
        }
        hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn files(&self, state: &mut dyn FnMut(&str)) {
        let roots = self.roots();
        let system: Vec<PathBuf> = roots.iter().map(|root| root.join("usr/include")).collect();
        for folder in self.include_dirs.iter().chain(&system) {
            for file in files_beneath(folder, usize::MAX) {
                state(&stamp(&file));
            }
        }
        let folders = self.libraries.folders().chain(self.library_path.iter().map(PathBuf::as_path));
        for folder in folders.chain([self.modules_dir.as_path()]) {
            for file in files_beneath(folder, 1) {
                let name = file.file_name().unwrap_or_default().to_string_lossy();
                if name.contains(".so") || name.ends_with(".a") || name.ends_with(".o") {
                    state(&stamp(&file));
                }
            }
        }
        if let Some(program) = &self.program {
            state(&stamp(program));
        }
    }
}

/// What says of an added target what it is.
fn added(root: &Path) -> Option<String> {
    fs_err::read_to_string(root.parent()?.join(MANIFEST_FILE)).ok()
}

fn files_beneath(folder: &Path, depth: usize) -> impl Iterator<Item = PathBuf> {
    let entries = walkdir::WalkDir::new(folder).max_depth(depth).sort_by_file_name().into_iter();
    // What cannot be read is missing, before and after.
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
        assert_eq!(files_beneath(here.path(), usize::MAX).collect::<Vec<_>>(), std::slice::from_ref(&file));
        assert_eq!(files_beneath(here.path(), 1).count(), 0);
        let before = stamp(&file);
        fs_err::write(&file, "12").unwrap();
        assert_ne!(before, stamp(&file));
        let link = here.path().join("link");
        std::os::unix::fs::symlink("none", &link).unwrap();
        assert!(stamp(&link).ends_with("leads nowhere"));
    }
}
