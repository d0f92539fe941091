//! What a target is, where no package says so.

use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::Target;
use crate::hash::{hex, sha256_of};
use crate::parallel;

/// SHA-256 of the list of a target's files that a build reads.
pub(super) fn of(target: &Target) -> io::Result<String> {
    let mut files: Vec<(String, PathBuf)> = target.public_headers();
    files.extend(target.program.iter().map(|program| ("program".to_owned(), program.clone())));
    files.extend(modules(&target.modules_dir)?);
    files.sort();
    let mut list = Sha256::new();
    let digests = parallel::map(&files, |(_, file)| sha256_of(file));
    for ((name, _), digest) in files.iter().zip(digests) {
        list.update(format!("{}  {name}\n", digest?));
    }
    Ok(hex(&list.finalize()))
}

fn modules(folder: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs_err::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.ends_with(".so") && path.is_file() {
            found.push((format!("modules/{name}"), path));
        }
    }
    Ok(found)
}
