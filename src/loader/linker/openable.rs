//! Whether a file can be loaded at all: what glibc checks before it maps anything (elf/dl-load.c: open_verify,
//! _dl_map_object_from_fd).

use std::io;
use std::sync::Arc;

use object::elf;

use super::refusal::CANNOT_OPEN;
use crate::loader::files::said;
use crate::target::GlibcVersion;
use crate::target::elf::{Dynamic, Header};
use crate::target::objects::Content;

/// Bytes of an ELF header: for 64 bits, for 32.
const fn header_size(is_64: bool) -> usize {
    if is_64 { 64 } else { 52 }
}

/// From this version on the dynamic linker makes no stack executable for what is loaded later (glibc's NEWS for 2.41).
const NO_EXECUTABLE_STACK: GlibcVersion = GlibcVersion { major: 2, minor: 41 };

/// A file that was read, as one of the processor that the program is for.
///
/// # Errors
/// glibc's words on it.
pub fn read(read: io::Result<Arc<Content>>, expected: Header) -> Result<Arc<Content>, String> {
    let content = match read {
        Ok(content) => content,
        Err(error) if error.kind() == io::ErrorKind::IsADirectory => {
            return Err(format!("cannot read file data: {}", said(&error)));
        }
        Err(error) => return Err(format!("{CANNOT_OPEN}: {}", said(&error))),
    };
    header(content.data(), expected)?;
    Ok(content)
}

fn header(data: &[u8], expected: Header) -> Result<(), String> {
    let start = data.get(..header_size(expected.is_64)).ok_or("file too short")?;
    let [0x7f, b'E', b'L', b'F', class, order, version, abi, abi_version, ..] = start else {
        return Err("invalid ELF header".to_owned());
    };
    let own_class = if expected.is_64 { 2 } else { 1 };
    let own_order = if expected.little_endian { 1 } else { 2 };
    let number = |at: usize, size: usize| {
        let bytes = start.get(at..at + size).unwrap_or_default();
        let fold = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        if expected.little_endian { bytes.iter().rev().fold(0, fold) } else { bytes.iter().fold(0, fold) }
    };
    if *class != own_class {
        return Err(format!("wrong ELF class: ELFCLASS{}", if expected.is_64 { 32 } else { 64 }));
    }
    if *order != own_order {
        let own = if expected.little_endian { "little" } else { "big" };
        return Err(format!("ELF file data encoding not {own}-endian"));
    }
    if *version != 1 {
        return Err("ELF file version ident does not match current one".to_owned());
    }
    // System V, or GNU with what it has added.
    if !matches!(*abi, 0 | 3) {
        return Err("ELF file OS ABI invalid".to_owned());
    }
    if *abi == 0 && *abi_version != 0 {
        return Err("ELF file ABI version invalid".to_owned());
    }
    if number(20, 4) != 1 {
        return Err("ELF file version does not match current one".to_owned());
    }
    if number(18, 2) != u64::from(expected.machine.0) {
        // It is passed over as if it were not there.
        return Err(format!("{CANNOT_OPEN}: No such file or directory"));
    }
    let kind = number(16, 2);
    if kind == u64::from(elf::ET_EXEC.0) {
        return Err("cannot dynamically load executable".to_owned());
    }
    if kind != u64::from(elf::ET_DYN.0) {
        return Err("only ET_DYN and ET_EXEC can be loaded".to_owned());
    }
    let (offset_at, offset_size, size_at) = if expected.is_64 { (32, 8, 54) } else { (28, 4, 42) };
    let table = number(offset_at, offset_size).checked_add(number(size_at, 2) * number(size_at + 2, 2));
    if table.is_none_or(|end| end > data.len() as u64) {
        return Err("cannot read file data".to_owned());
    }
    Ok(())
}

/// What else keeps a file from being loaded, once its program headers are read.
///
/// # Errors
/// glibc's words on it.
pub fn segments(object: &Dynamic, glibc: GlibcVersion) -> Result<(), String> {
    let loadable = |segment: &&crate::target::elf::Segment| segment.kind == elf::PT_LOAD;
    if !object.segments.iter().any(|segment| loadable(&segment)) {
        return Err("object file has no loadable segments".to_owned());
    }
    let dynamic = object.segments.iter().find(|segment| segment.kind == elf::PT_DYNAMIC);
    if dynamic.is_none_or(|segment| segment.file_size == 0) {
        return Err("object file has no dynamic section".to_owned());
    }
    if object.is_program {
        return Err("cannot dynamically load position-independent executable".to_owned());
    }
    let stack = object.segments.iter().find(|segment| segment.kind == elf::PT_GNU_STACK);
    if stack.is_none_or(|segment| segment.executable) && glibc >= NO_EXECUTABLE_STACK {
        return Err("cannot enable executable stack as shared object requires: Invalid argument".to_owned());
    }
    Ok(())
}

/// Whether all that is to be mapped is in the file: glibc does not look, and the process ends with a bus error.
pub fn is_whole(object: &Dynamic, size: u64) -> bool {
    let loaded = object.segments.iter().filter(|segment| segment.kind == elf::PT_LOAD);
    loaded.map(|segment| segment.offset.saturating_add(segment.file_size)).all(|end| end <= size)
}
