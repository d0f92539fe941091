//! What the dynamic linker fills in when it loads an ELF file, in the order in which it does so.

use std::collections::HashMap;

use object::elf::{self, FileHeader32, FileHeader64};
use object::read::elf::{FileHeader, ProgramHeader, Rel, Rela};
use object::{Endianness, FileKind, ReadRef};

/// The relocations of a shared object.
#[derive(Debug, Clone, Default)]
pub struct Relocations {
    /// For each place that a symbol is bound to: its index in [`super::elf::Dynamic::symbols`]. The table of data first, then
    /// that of functions, as glibc takes them when all is bound at load time (elf/dynamic-link.h).
    pub symbols: Vec<usize>,
    /// Addresses that hold another address of the same object, where the table of relocations has it.
    relative: HashMap<u64, u64>,
}

impl Relocations {
    /// The address that will stand at an address of the object.
    pub fn address_at(&self, address: u64) -> Option<u64> {
        self.relative.get(&address).copied()
    }
}

/// Reads them.
///
/// # Errors
/// What is wrong with the file, in words.
pub fn parse(data: &[u8]) -> Result<Relocations, String> {
    match FileKind::parse(data) {
        Ok(FileKind::Elf32) => read::<FileHeader32<Endianness>>(data),
        Ok(FileKind::Elf64) => read::<FileHeader64<Endianness>>(data),
        _ => Err("it is not an ELF file".to_owned()),
    }
}

/// Where the tables are, as the dynamic section says (addresses and sizes in bytes).
#[derive(Default)]
struct Tables {
    data: Option<u64>,
    data_size: u64,
    with_addends: bool,
    functions: Option<u64>,
    functions_size: u64,
    functions_with_addends: bool,
}

fn read<Elf: FileHeader<Endian = Endianness>>(data: &[u8]) -> Result<Relocations, String> {
    let in_words = |error: object::Error| error.to_string();
    let header = Elf::parse(data).map_err(in_words)?;
    let endian = header.endian().map_err(in_words)?;
    let sections = header.sections(endian, data).map_err(in_words)?;
    let mut tables = Tables::default();
    for entry in sections.dynamic_table(endian, data).map_err(in_words)?.iter() {
        match entry.tag {
            elf::DT_RELA => (tables.data, tables.with_addends) = (Some(entry.val), true),
            elf::DT_REL => (tables.data, tables.with_addends) = (Some(entry.val), false),
            elf::DT_RELASZ | elf::DT_RELSZ => tables.data_size = entry.val,
            elf::DT_JMPREL => tables.functions = Some(entry.val),
            elf::DT_PLTRELSZ => tables.functions_size = entry.val,
            elf::DT_PLTREL => {
                tables.functions_with_addends = i64::try_from(entry.val) == Ok(elf::DT_RELA.0);
            }
            _ => {}
        }
    }
    let mut all = Relocations::default();
    let segments = header.program_headers(endian, data).map_err(in_words)?;
    let offset = |address: u64| {
        segments.iter().filter(|segment| segment.p_type(endian) == elf::PT_LOAD).find_map(|segment| {
            let (start, size): (u64, u64) = (segment.p_vaddr(endian).into(), segment.p_filesz(endian).into());
            let into = address.checked_sub(start).filter(|into| *into < size)?;
            into.checked_add(segment.p_offset(endian).into())
        })
    };
    let mips = header.is_mips64el(endian);
    let places = [
        (tables.data, tables.data_size, tables.with_addends),
        (tables.functions, tables.functions_size, tables.functions_with_addends),
    ];
    let cut_off = |()| "its table of relocations is cut off".to_owned();
    for (address, size, with_addends) in places {
        let Some(at) = address.and_then(offset) else { continue };
        if with_addends {
            let count = usize::try_from(size).unwrap_or(0) / size_of::<Elf::Rela>();
            let entries = data.read_slice_at::<Elf::Rela>(at, count).map_err(cut_off)?;
            for entry in entries {
                let symbol = entry.r_sym(endian, mips);
                if symbol == 0 {
                    let (place, addend): (u64, i64) =
                        (entry.r_offset(endian).into(), entry.r_addend(endian).into());
                    all.relative.insert(place, addend.cast_unsigned());
                }
                all.push(symbol);
            }
        } else {
            let count = usize::try_from(size).unwrap_or(0) / size_of::<Elf::Rel>();
            let entries = data.read_slice_at::<Elf::Rel>(at, count).map_err(cut_off)?;
            entries.iter().for_each(|entry| all.push(entry.r_sym(endian)));
        }
    }
    Ok(all)
}

impl Relocations {
    fn push(&mut self, symbol: u32) {
        // The null symbol stands for none, and is not among the object's symbols.
        if let Some(index) = symbol.checked_sub(1) {
            self.symbols.push(index as usize);
        }
    }
}
