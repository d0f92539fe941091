//! An ELF file without its code: all that the linker, the audit and the simulation of the dynamic linker read of it, at its
//! place; the rest is zero, which compresses to nothing.
//!
//! Kept are the headers, the dynamic symbols with their names, hashes and versions, the dynamic section and the relocations,
//! notes and the interpreter's name; of data the module structures, and of text what modgraft reads: the versions that httpd
//! and the C library state, httpd's settings, and the names of C files.

use std::ops::Range;

use object::Endianness;
use object::elf::{self, FileHeader32, FileHeader64};
use object::read::elf::{FileHeader, SectionHeader};

use crate::target::elf as dynamic;

/// Sections that take part in linking and loading, by their types.
const KEPT: &[elf::SectionType] = &[
    elf::SHT_DYNSYM,
    elf::SHT_DYNAMIC,
    elf::SHT_HASH,
    elf::SHT_GNU_HASH,
    elf::SHT_GNU_VERSYM,
    elf::SHT_GNU_VERDEF,
    elf::SHT_GNU_VERNEED,
    elf::SHT_NOTE,
    elf::SHT_REL,
    elf::SHT_RELA,
    elf::SHT_RELR,
];

/// The stub of an ELF file. The same content gives the same stub, and a stub is its own.
///
/// # Errors
/// In words, where it is no ELF file or a malformed one.
pub fn stub(content: &[u8]) -> Result<Vec<u8>, String> {
    let kept = match object::FileKind::parse(content) {
        Ok(object::FileKind::Elf32) => kept::<FileHeader32<Endianness>>(content),
        Ok(object::FileKind::Elf64) => kept::<FileHeader64<Endianness>>(content),
        _ => return Err("it is not an ELF file".to_owned()),
    };
    let mut kept = kept.map_err(|error| error.to_string())?;
    kept.ranges.extend(module_structures(content)?);
    let mut stub = vec![0; content.len()];
    for range in kept.ranges {
        if let (Some(to), Some(from)) = (stub.get_mut(range.clone()), content.get(range)) {
            to.copy_from_slice(from);
        }
    }
    for (at, bytes) in kept.written {
        if let Some(to) = stub.get_mut(at..at + bytes.len()) {
            to.copy_from_slice(&bytes);
        }
    }
    Ok(stub)
}

#[derive(Default)]
struct Kept {
    ranges: Vec<Range<usize>>,
    /// What is written over the headers.
    written: Vec<(usize, Vec<u8>)>,
}

fn kept<Elf: FileHeader<Endian = Endianness>>(content: &[u8]) -> object::Result<Kept> {
    let header = Elf::parse(content)?;
    let endian = header.endian()?;
    let range = |offset: u64, size: u64| {
        let begin = usize::try_from(offset).unwrap_or(usize::MAX);
        let end = usize::try_from(offset.saturating_add(size)).unwrap_or(usize::MAX);
        begin.min(content.len())..end.min(content.len())
    };
    let (segments, sections): (u64, u64) = (header.e_phoff(endian).into(), header.e_shoff(endian).into());
    let size = |count: u64, each: u16| count.saturating_mul(u64::from(each));
    let section_size = header.e_shentsize(endian);
    let table = header.sections(endian, content)?;
    let mut kept = Kept::default();
    kept.ranges.push(range(0, u64::from(header.e_ehsize(endian))));
    kept.ranges
        .push(range(segments, size(header.phnum(endian, content)?.into(), header.e_phentsize(endian))));
    kept.ranges.push(range(sections, size(table.len() as u64, section_size)));
    let names = header.shstrndx(endian, content)? as usize;
    for (index, section) in table.enumerate() {
        let kind = section.sh_type(endian);
        let allocated = section.sh_flags(endian).contains(elf::SHF_ALLOC);
        let Some((offset, length)) = section.file_range(endian) else { continue };
        let place = range(offset, length);
        let name = table.section_name(endian, section).unwrap_or_default();
        let strings = kind == elf::SHT_STRTAB && (allocated || index.0 == names);
        if strings || name == b".interp" || (allocated && KEPT.contains(&kind)) {
            kept.ranges.push(place);
        } else if allocated && kind == elf::SHT_PROGBITS {
            if !section.sh_flags(endian).contains(elf::SHF_EXECINSTR) {
                kept.ranges.extend(texts(content, place));
            }
        } else if !allocated && kind != elf::SHT_NULL {
            // What says that it is compressed, or symbols, must not be zeros: it is nothing at all.
            let at = sections + size(index.0 as u64, section_size);
            let flags = if header.is_type_64() { 8 } else { 4 };
            let nothing = write_u32(elf::SHT_NOBITS.0, header.is_little_endian());
            kept.written.push((range(at + 4, 0).start, nothing));
            kept.written.push((range(at + 8, 0).start, vec![0; flags]));
        }
    }
    Ok(kept)
}

fn write_u32(value: u32, little_endian: bool) -> Vec<u8> {
    if little_endian { value.to_le_bytes().to_vec() } else { value.to_be_bytes().to_vec() }
}

/// Texts that are read of a program or library, in a part of it that has no code.
fn texts(content: &[u8], place: Range<usize>) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let Some(data) = content.get(place.clone()) else { return found };
    let mut begin = 0;
    for end in memchr::memchr_iter(0, data) {
        if is_read(&data[begin..end]) {
            found.push(place.start + begin..place.start + end);
        }
        begin = end + 1;
    }
    found
}

/// Whether a text is one that modgraft reads: a C file's name of a module structure, `Apache/2.4.62`, a line of `httpd -V`,
/// and what glibc says of itself.
fn is_read(text: &[u8]) -> bool {
    let has = |part: &[u8]| memchr::memmem::find(text, part).is_some();
    text.len() > 3
        && (text.ends_with(b".c") || has(b"Apache/") || has(b" -D ") || has(b" release version 2."))
}

/// The module structures that a file exports.
fn module_structures(content: &[u8]) -> Result<Vec<Range<usize>>, String> {
    let file = dynamic::parse(content)?;
    let structures = file.symbols.iter().filter(|symbol| {
        symbol.exported && symbol.kind == elf::STT_OBJECT && symbol.name.ends_with("_module")
    });
    let offset = |address: u64| {
        file.segments.iter().filter(|segment| segment.kind == elf::PT_LOAD).find_map(|segment| {
            let into = address.checked_sub(segment.address).filter(|into| *into < segment.file_size)?;
            usize::try_from(segment.offset.checked_add(into)?).ok()
        })
    };
    let ranges = structures.filter_map(|symbol| {
        let begin = offset(symbol.value)?;
        Some(begin..begin.checked_add(usize::try_from(symbol.size).ok()?)?.min(content.len()))
    });
    Ok(ranges.collect())
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_stub_has_what_is_linked_with_and_no_code() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let run = |program: &str, arguments: &[&str]| {
            let mut command = Command::new(program);
            let output = command.args(arguments).current_dir(folder.path()).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).unwrap()
        };
        fs_err::write(path("x.map"), "ONE { global: f; x_module; local: *; };\nTWO { global: g; } ONE;\n")
            .unwrap();
        fs_err::write(
            path("x.c"),
            "#include <stdio.h>\nstruct m { int v[2]; const char *file; } x_module = { { 20120211, 3 }, \"modules/mod_x.c\" };\n\
             const char *secret = \"not kept\";\nint f(void) { return puts(secret); }\nint g(void) { return f(); }\n",
        )
        .unwrap();
        let compile =
            ["-g", "-gz=zlib", "-fPIC", "-shared", "-Wl,--version-script=x.map", "-Wl,-soname,libx.so.1"];
        run("cc", &[&compile[..], &["x.c", "-o", "libx.so"]].concat());
        let content = fs_err::read(path("libx.so")).unwrap();
        let made = stub(&content).unwrap();
        assert_eq!((made.len(), stub(&made).unwrap() == made), (content.len(), true));
        let has = |text: &[u8]| memchr::memmem::find(&made, text).is_some();
        assert!(has(b"modules/mod_x.c") && !has(b"not kept"));
        let (whole, left) = (dynamic::parse(&content).unwrap(), dynamic::parse(&made).unwrap());
        assert_eq!(format!("{whole:?}"), format!("{left:?}"));
        let tail = zstd::encode_all(&made[..], 19).unwrap();
        assert!(tail.len() < content.len() / 6, "{} of {}", tail.len(), content.len());

        // The linker makes the same of both.
        fs_err::write(path("use.c"), "int g(void); int f(void); int use(void) { return f() + g(); }\n")
            .unwrap();
        let link = ["-shared", "-fPIC", "-Wl,-z,defs", "use.c", "-L.", "-lx", "-lc", "-o"];
        run("cc", &[&link[..], &["one.so"]].concat());
        fs_err::write(path("libx.so"), &made).unwrap();
        run("cc", &[&link[..], &["two.so"]].concat());
        assert_eq!(fs_err::read(path("one.so")).unwrap(), fs_err::read(path("two.so")).unwrap());
        assert!(run("readelf", &["--dyn-syms", "-W", "two.so"]).contains("g@TWO"));
    }

    #[test]
    fn what_is_no_elf_file_is_told() {
        assert!(stub(b"text").is_err());
        assert!(stub(&[0x7f, b'E', b'L', b'F', 2, 1, 1, 0]).is_err());
    }
}
