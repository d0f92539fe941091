//! Which modgraft this is: templates, rules and all that it decides are parts of its program.

use std::io;
use std::sync::OnceLock;

use fs_err::File;
use object::Endianness;
use object::elf::{self, FileHeader64};
use object::read::ReadCache;
use object::read::elf::{FileHeader, ProgramHeader};

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

/// Read from the notes that are loaded: to look at the program as an object file is to read its symbols, some megabytes.
fn build_id(file: File) -> Option<Vec<u8>> {
    let cache = ReadCache::new(file);
    let header = FileHeader64::<Endianness>::parse(&cache).ok()?;
    let endian = header.endian().ok()?;
    for segment in header.program_headers(endian, &cache).ok()? {
        let Some(mut notes) = segment.notes(endian, &cache).ok()? else { continue };
        while let Some(note) = notes.next().ok()? {
            if note.name() == elf::ELF_NOTE_GNU && note.n_type(endian) == elf::NT_GNU_BUILD_ID {
                return Some(note.desc().to_vec());
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use object::Object;

    #[test]
    fn a_program_is_told_by_its_build() {
        let identity = super::identity().unwrap();
        assert!(
            identity.len() >= 16 && identity.bytes().all(|digit| digit.is_ascii_hexdigit()),
            "{identity}"
        );
        let program = fs_err::read(std::env::current_exe().unwrap()).unwrap();
        if let Some(id) = object::File::parse(&*program).unwrap().build_id().unwrap() {
            assert_eq!(identity, crate::hash::hex(id));
        }
    }
}
