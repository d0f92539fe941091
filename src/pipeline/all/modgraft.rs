//! Which modgraft this is: templates, rules and all that it decides are parts of its program.

use std::io;
use std::sync::OnceLock;

use fs_err::File;
use object::Object;
use object::read::ReadCache;

use crate::hash::{hex, sha256_of};

/// The build id of this program, or its SHA-256 where the linker made none. Found once.
///
/// # Errors
/// The program's file cannot be read.
pub(super) fn identity() -> io::Result<&'static str> {
    static IDENTITY: OnceLock<String> = OnceLock::new();
    if let Some(known) = IDENTITY.get() {
        return Ok(known);
    }
    let path = std::env::current_exe()?;
    let identity = match build_id(File::open(&path)?) {
        Some(id) => hex(&id),
        None => sha256_of(&path)?,
    };
    Ok(IDENTITY.get_or_init(|| identity))
}

fn build_id(file: File) -> Option<Vec<u8>> {
    let cache = ReadCache::new(file);
    let object = object::File::parse(&cache).ok()?;
    object.build_id().ok().flatten().map(<[u8]>::to_vec)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_program_is_told_by_its_build() {
        let identity = super::identity().unwrap();
        assert!(
            identity.len() >= 16 && identity.bytes().all(|digit| digit.is_ascii_hexdigit()),
            "{identity}"
        );
    }
}
