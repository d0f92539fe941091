//! What the dynamic linker reads of an ELF file, as plain data: for the target's own files and for the audit alike.

use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use object::elf::{self, FileHeader32, FileHeader64};
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader, Sym};
use object::{Endianness, FileKind, ReadRef};

use crate::machine::Machine;

/// An ELF file that takes part in dynamic linking.
#[derive(Debug, Clone, Default)]
pub struct Dynamic {
    /// 64 or 32 bits.
    pub is_64: bool,
    /// Byte order.
    pub little_endian: bool,
    /// A shared object, not a relocatable one.
    pub is_shared_object: bool,
    /// `DT_SONAME`.
    pub soname: Option<String>,
    /// `DT_NEEDED`, in order.
    pub needed: Vec<String>,
    /// `DT_RPATH` and `DT_RUNPATH`, with their tag's name.
    pub run_paths: Vec<(&'static str, String)>,
    /// `DT_TEXTREL`, or the flag.
    pub text_relocations: bool,
    /// `DT_BIND_NOW`, or either flag.
    pub bind_now: bool,
    /// `DF_1_PIE`: a program, though it is an `ET_DYN` file as libraries are.
    pub is_program: bool,
    /// Program headers, in order.
    pub segments: Vec<Segment>,
    /// Dynamic symbols, in order, without the null one.
    pub symbols: Vec<Symbol>,
    /// Versions that it defines.
    pub defines: Vec<String>,
    /// Versions that it needs, each with the library that must have it; without those that may be missing.
    pub needs: Vec<(String, String)>,
}

/// A program header.
#[derive(Debug, Clone, Copy)]
pub struct Segment {
    /// `PT_LOAD`, …
    pub kind: elf::ProgramType,
    /// May be written to.
    pub writable: bool,
    /// May be executed.
    pub executable: bool,
    /// Virtual address of its first byte.
    pub address: u64,
    /// Bytes in memory.
    pub size: u64,
    /// Offset in the file.
    pub offset: u64,
    /// Bytes in the file.
    pub file_size: u64,
}

/// A dynamic symbol.
#[derive(Debug, Clone)]
pub struct Symbol {
    /// Its name.
    pub name: String,
    /// `GLIBC_2.34`, where versioned.
    pub version: Option<String>,
    /// Defined for those alone that ask for that version: `name@VERSION`, not `name@@VERSION`.
    pub hidden_version: bool,
    /// The library that must have it in this version (`libc.so.6`), where it is to be found elsewhere.
    pub library: Option<String>,
    /// Defined here, and visible to others.
    pub exported: bool,
    /// To be found elsewhere.
    pub undefined: bool,
    /// `STB_WEAK`.
    pub weak: bool,
    /// `STT_OBJECT`, …
    pub kind: elf::SymbolType,
    /// Virtual address.
    pub value: u64,
    /// Bytes.
    pub size: u64,
}

/// Parses the dynamic part of an ELF file.
///
/// # Errors
/// What is wrong with it, in words: not an ELF file, or a malformed one.
pub fn parse(data: &[u8]) -> Result<Dynamic, String> {
    let parsed = match FileKind::parse(data) {
        Ok(FileKind::Elf32) => dynamic::<FileHeader32<Endianness>, _>(data, true),
        Ok(FileKind::Elf64) => dynamic::<FileHeader64<Endianness>, _>(data, true),
        _ => return Err("it is not an ELF file".to_owned()),
    };
    parsed.map_err(|error| error.to_string())
}

/// Processor and class of an ELF file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The processor.
    pub machine: elf::Machine,
    /// Byte order.
    pub little_endian: bool,
    /// 64 or 32 bits.
    pub is_64: bool,
}

impl Header {
    /// The processor, where it is known.
    pub fn machine(self) -> Option<&'static Machine> {
        Machine::of_elf(self.machine, self.little_endian, self.is_64)
    }
}

/// Reads the header only (the ELF specification: `e_ident`, then `e_machine` at 18). `None`: not an ELF file.
pub fn header(file: &Path) -> Option<Header> {
    let mut start = [0; 20];
    fs_err::File::open(file).ok()?.read_exact(&mut start).ok()?;
    let [0x7f, b'E', b'L', b'F', class, order, ..] = start else { return None };
    let machine = [start[18], start[19]];
    let little_endian = order == 1;
    let machine = if little_endian { u16::from_le_bytes(machine) } else { u16::from_be_bytes(machine) };
    Some(Header { machine: elf::Machine(machine), little_endian, is_64: class == 2 })
}

/// The dynamic linker that a program names (`PT_INTERP`): `/lib64/ld-linux-x86-64.so.2`.
pub fn interpreter(file: &Path) -> Option<String> {
    let segments = parse_without_symbols(file).ok()?.segments;
    let place = segments.iter().find(|segment| segment.kind == elf::PT_INTERP)?;
    let mut name = Vec::new();
    let mut file = fs_err::File::open(file).ok()?;
    file.seek(SeekFrom::Start(place.offset)).ok()?;
    file.take(place.file_size.min(MAX_INTERPRETER)).read_to_end(&mut name).ok()?;
    let end = name.iter().position(|byte| *byte == 0)?;
    name.truncate(end);
    String::from_utf8(name).ok().filter(|name| name.starts_with('/'))
}

/// A path is no longer than this on Linux (PATH_MAX).
const MAX_INTERPRETER: u64 = 4096;

/// What a library needs and which versions it defines, read without its symbols: libc has thousands.
pub fn parse_without_symbols(file: &Path) -> Result<Dynamic, String> {
    let file = fs_err::File::open(file).map_err(|error| error.to_string())?;
    let cache = object::ReadCache::new(file);
    let start = (&cache).read_bytes_at(0, 64).map_err(|()| "it is shorter than an ELF header".to_owned())?;
    let parsed = match FileKind::parse(start) {
        Ok(FileKind::Elf32) => dynamic::<FileHeader32<Endianness>, _>(&cache, false),
        Ok(FileKind::Elf64) => dynamic::<FileHeader64<Endianness>, _>(&cache, false),
        _ => return Err("it is not an ELF file".to_owned()),
    };
    parsed.map_err(|error| error.to_string())
}

/// With `symbols`, all of it; else all but the symbols.
fn dynamic<'data, Elf: FileHeader<Endian = Endianness>, R: ReadRef<'data>>(
    data: R,
    symbols: bool,
) -> object::Result<Dynamic> {
    let header = Elf::parse(data)?;
    let endian = header.endian()?;
    let sections = header.sections(endian, data)?;
    let mut file = Dynamic {
        little_endian: header.is_little_endian(),
        is_64: header.is_class_64(),
        is_shared_object: header.e_type(endian) == elf::ET_DYN,
        defines: definitions(&sections, endian, data)?,
        ..Dynamic::default()
    };
    for segment in header.program_headers(endian, data)? {
        let flags = segment.p_flags(endian);
        file.segments.push(Segment {
            kind: segment.p_type(endian),
            writable: flags.contains(elf::PF_W),
            executable: flags.contains(elf::PF_X),
            address: segment.p_vaddr(endian).into(),
            size: segment.p_memsz(endian).into(),
            offset: segment.p_offset(endian).into(),
            file_size: segment.p_filesz(endian).into(),
        });
    }
    read_dynamic_table(&mut file, &sections, endian, data)?;
    if symbols {
        read_symbols(&mut file, &sections, endian, data)?;
    }
    Ok(file)
}

type Sections<'data, Elf, R> = object::read::elf::SectionTable<'data, Elf, R>;

fn read_dynamic_table<'data, Elf: FileHeader<Endian = Endianness>, R: ReadRef<'data>>(
    file: &mut Dynamic,
    sections: &Sections<'data, Elf, R>,
    endian: Endianness,
    data: R,
) -> object::Result<()> {
    let table = sections.dynamic_table(endian, data)?;
    for entry in table.iter() {
        let string = || table.string(entry).map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        match entry.tag {
            elf::DT_SONAME => file.soname = Some(string()?),
            elf::DT_NEEDED => file.needed.push(string()?),
            elf::DT_RPATH => file.run_paths.push(("RPATH", string()?)),
            elf::DT_RUNPATH => file.run_paths.push(("RUNPATH", string()?)),
            elf::DT_TEXTREL => file.text_relocations = true,
            elf::DT_BIND_NOW => file.bind_now = true,
            elf::DT_FLAGS => {
                file.text_relocations |= entry.val & elf::DF_TEXTREL.0 != 0;
                file.bind_now |= entry.val & elf::DF_BIND_NOW.0 != 0;
            }
            elf::DT_FLAGS_1 => {
                file.bind_now |= entry.val & elf::DF_1_NOW.0 != 0;
                file.is_program |= entry.val & elf::DF_1_PIE.0 != 0;
            }
            _ => {}
        }
    }
    Ok(())
}

fn definitions<'data, Elf: FileHeader<Endian = Endianness>, R: ReadRef<'data>>(
    sections: &Sections<'data, Elf, R>,
    endian: Endianness,
    data: R,
) -> object::Result<Vec<String>> {
    let mut defined = Vec::new();
    if let Some((mut definitions, link)) = sections.gnu_verdef(endian, data)? {
        let strings = sections.strings(endian, data, link)?;
        while let Some((definition, mut names)) = definitions.next()? {
            if let Some(name) = names.next()?
                && !definition.vd_flags.get(endian).contains(elf::VER_FLG_BASE)
            {
                defined.push(String::from_utf8_lossy(name.name(endian, strings)?).into_owned());
            }
        }
    }
    Ok(defined)
}

fn read_symbols<'data, Elf: FileHeader<Endian = Endianness>, R: ReadRef<'data>>(
    file: &mut Dynamic,
    sections: &Sections<'data, Elf, R>,
    endian: Endianness,
    data: R,
) -> object::Result<()> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if let Some((mut needs, link)) = sections.gnu_verneed(endian, data)? {
        let strings = sections.strings(endian, data, link)?;
        while let Some((library, mut versions)) = needs.next()? {
            while let Some(version) = versions.next()? {
                if !version.vna_flags.get(endian).contains(elf::VER_FLG_WEAK) {
                    file.needs
                        .push((text(library.file(endian, strings)?), text(version.name(endian, strings)?)));
                }
            }
        }
    }
    let symbols = sections.symbols(endian, data, elf::SHT_DYNSYM)?;
    let versions = sections.versions(endian, data)?;
    file.symbols.reserve(symbols.len());
    for (index, symbol) in symbols.enumerate().skip(1) {
        let version_index = versions.as_ref().map(|versions| versions.version_index(endian, index));
        let version = match (&versions, version_index) {
            (Some(versions), Some(index)) => versions.version(index.index())?,
            _ => None,
        };
        let undefined = symbol.is_undefined(endian);
        let visible = matches!(symbol.st_visibility(), elf::STV_DEFAULT | elf::STV_PROTECTED);
        file.symbols.push(Symbol {
            name: text(symbol.name(endian, symbols.strings())?),
            version: version.map(|version| text(version.name())),
            hidden_version: version_index.is_some_and(|index| index.is_hidden()),
            library: version.and_then(|version| version.file()).map(text),
            exported: !undefined && !symbol.is_local() && visible,
            undefined: undefined && !symbol.is_local(),
            weak: symbol.st_bind() == elf::STB_WEAK,
            kind: symbol.st_type(),
            value: symbol.st_value(endian).into(),
            size: symbol.st_size(endian).into(),
        });
    }
    Ok(())
}

/// The file range of the build id's bytes (`NT_GNU_BUILD_ID`), found by its section's name.
pub fn build_id_range(data: &[u8]) -> Result<Option<std::ops::Range<usize>>, String> {
    fn range<Elf: FileHeader<Endian = Endianness>>(
        data: &[u8],
    ) -> object::Result<Option<std::ops::Range<usize>>> {
        let header = Elf::parse(data)?;
        let endian = header.endian()?;
        let sections = header.sections(endian, data)?;
        for section in sections.iter() {
            let Some(mut notes) = section.notes(endian, data)? else { continue };
            while let Some(note) = notes.next()? {
                if note.name() == elf::ELF_NOTE_GNU && note.n_type(endian) == elf::NT_GNU_BUILD_ID {
                    // The descriptor is a slice of `data`, so its address tells its offset.
                    let start = note.desc().as_ptr() as usize - data.as_ptr() as usize;
                    return Ok(Some(start..start + note.desc().len()));
                }
            }
        }
        Ok(None)
    }
    let found = match FileKind::parse(data) {
        Ok(FileKind::Elf32) => range::<FileHeader32<Endianness>>(data),
        Ok(FileKind::Elf64) => range::<FileHeader64<Endianness>>(data),
        _ => return Err("it is not an ELF file".to_owned()),
    };
    found.map_err(|error| error.to_string())
}
