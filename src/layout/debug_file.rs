//! Where a program's debug information is: in the program, or in a file of its own as distributions package it.

use std::path::{Path, PathBuf};

use object::Object;

use crate::hash::hex;
use crate::target::elf;

/// The folder of debug information files, below a root (GDB manual, "Separate Debug Files").
const FOLDER: &str = "usr/lib/debug";

/// The file with the debug information of a program: itself; by its build id; by its `.gnu_debuglink`, beside it, in
/// `.debug/`, or below `/usr/lib/debug`. A file counts only if it has the program's build id, or where that has none, the
/// checksum that the link states.
///
/// # Errors
/// In words: there is none.
pub fn of(program: &Path, sysroot: Option<&Path>) -> Result<PathBuf, String> {
    let root = sysroot.unwrap_or(Path::new("/"));
    let content = fs_err::read(program).map_err(|error| error.to_string())?;
    let file = object::File::parse(&*content).map_err(|error| error.to_string())?;
    if file.has_debug_symbols() {
        return Ok(program.to_owned());
    }
    let id = build_id(&content);
    let mut candidates = Vec::new();
    if let Some((first, rest)) = id.as_deref().and_then(<[u8]>::split_first) {
        let rest = hex(rest);
        candidates.push(root.join(FOLDER).join(format!(".build-id/{first:02x}/{rest}.debug")));
    }
    let link = file.gnu_debuglink().ok().flatten();
    let named = link.and_then(|(name, _)| std::str::from_utf8(name).ok()).filter(|name| !name.contains('/'));
    if let (Some(name), Some(folder)) = (named, program.parent()) {
        let below = folder.strip_prefix(root).unwrap_or(folder);
        candidates.extend([
            folder.join(name),
            folder.join(".debug").join(name),
            root.join(FOLDER).join(below).join(name),
        ]);
    }
    let belongs = |candidate: &PathBuf| {
        let Ok(content) = fs_err::read(candidate) else { return false };
        match (&id, link) {
            (Some(id), _) => build_id(&content).as_ref() == Some(id),
            (None, Some((_, sum))) => checksum(&content) == sum,
            (None, None) => false,
        }
    };
    let found =
        candidates.into_iter().filter(|candidate| candidate != program && candidate.is_file()).find(belongs);
    found.ok_or_else(|| "the httpd program has no debug information here".to_owned())
}

fn build_id(content: &[u8]) -> Option<Vec<u8>> {
    let range = elf::build_id_range(content).ok()??;
    content.get(range).map(<[u8]>::to_vec)
}

fn checksum(content: &[u8]) -> u32 {
    let mut sum = flate2::Crc::new();
    sum.update(content);
    sum.sum()
}
