//! What rpm finds in a shared object: its elfdeps, which reads sections, and file(1)'s description.
//!
//! The rules are those of rpm's tools/elfdeps.c; on 194 of 194 libraries they gave what elfdeps gave.

use std::path::Path;

use object::elf::{self, FileHeader32, FileHeader64};
use object::read::elf::{Dyn, FileHeader, SectionHeader};
use object::{Endianness, FileKind};

use super::relation::{FIND_PROVIDES, FIND_REQUIRES};
use super::{Error, Relation};
use crate::hash::hex;
use crate::machine::Machine;

/// What is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// Library versions, libraries and the hash style, in elfdeps' order.
    pub requires: Vec<Relation>,
    /// The soname; where it has none and the family's rpm wants one, the file's name.
    pub provides: Vec<Relation>,
    /// rpm's colour: 1 for 32 bits, 2 for 64.
    pub color: u32,
    /// In file(1)'s words.
    pub class: String,
}

/// Reads a shared object. `name` is the file's name in the package; `soname_provides` says whether that is provided where
/// there is no soname.
///
/// # Errors
/// [`Error::Io`], [`Error::Elf`].
pub(super) fn read(file: &Path, name: &str, soname_provides: bool) -> Result<Found, Error> {
    let data = fs_err::read(file)?;
    let found = match FileKind::parse(data.as_slice()) {
        Ok(FileKind::Elf64) => find::<FileHeader64<Endianness>>(&data, name, soname_provides, true),
        Ok(FileKind::Elf32) => find::<FileHeader32<Endianness>>(&data, name, soname_provides, false),
        Ok(_) | Err(_) => {
            return Err(Error::Elf { path: file.to_owned(), reason: "it is not ELF".to_owned() });
        }
    };
    found.map_err(|error| Error::Elf { path: file.to_owned(), reason: error.to_string() })
}

fn find<Elf: FileHeader<Endian = Endianness>>(
    data: &[u8],
    name: &str,
    soname_provides: bool,
    wide: bool,
) -> object::read::Result<Found> {
    let header = Elf::parse(data)?;
    let endian = header.endian()?;
    let sections = header.sections(endian, data)?;
    let marker = if wide { "(64bit)" } else { "" };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let library = |name: &str| {
        // elfdeps: an unversioned library has empty parentheses where a marker follows.
        if marker.is_empty() { name.to_owned() } else { format!("{name}(){marker}") }
    };

    let mut names = Vec::new();
    if let Some((mut needs, link)) = sections.gnu_verneed(endian, data)? {
        let strings = sections.strings(endian, data, link)?;
        while let Some((need, mut versions)) = needs.next()? {
            let file = text(need.file(endian, strings)?);
            while let Some(version) = versions.next()? {
                let version = text(version.name(endian, strings)?);
                names.push(format!("{file}({version}){marker}"));
            }
        }
    }
    let (mut soname, mut has_hash, mut has_gnu_hash) = (None, false, false);
    if let Some((entries, link)) = sections.dynamic(endian, data)? {
        let strings = sections.strings(endian, data, link)?;
        for entry in entries {
            match entry.tag(endian) {
                elf::DT_NEEDED => names.push(library(&text(entry.string(endian, strings)?))),
                elf::DT_SONAME => soname = Some(text(entry.string(endian, strings)?)),
                elf::DT_HASH => has_hash = true,
                elf::DT_GNU_HASH => has_gnu_hash = true,
                elf::DT_NULL => break,
                _ => {}
            }
        }
    }
    if has_gnu_hash && !has_hash {
        names.push("rtld(GNU_HASH)".to_owned());
    }
    let provided = soname.or_else(|| soname_provides.then(|| name.to_owned()));

    let mut build_id = None;
    let (mut debug_info, mut symbols) = (false, false);
    for section in sections.iter() {
        symbols |= section.sh_type(endian) == elf::SHT_SYMTAB;
        debug_info |= sections.section_name(endian, section)? == b".debug_info";
        if let Some(mut notes) = section.notes(endian, data)? {
            while let Some(note) = notes.next()? {
                if note.name() == b"GNU" && note.n_type(endian) == elf::NT_GNU_BUILD_ID {
                    build_id = Some(hex(note.desc()));
                }
            }
        }
    }
    let class = [
        Some(format!(
            "ELF {}-bit {} shared object, {}, version 1 (SYSV)",
            if wide { 64 } else { 32 },
            if header.is_big_endian() { "MSB" } else { "LSB" },
            Machine::of_elf(header.e_machine(endian), !header.is_big_endian(), wide)
                .map_or("unknown processor", |machine| &machine.file)
        )),
        Some("dynamically linked".to_owned()),
        build_id.map(|id| format!("BuildID[sha1]={id}")),
        debug_info.then(|| "with debug_info".to_owned()),
        Some(if symbols { "not stripped" } else { "stripped" }.to_owned()),
    ];
    Ok(Found {
        requires: names.into_iter().map(|name| Relation::any(name).with(FIND_REQUIRES)).collect(),
        provides: provided.iter().map(|name| Relation::any(library(name)).with(FIND_PROVIDES)).collect(),
        color: if wide { 2 } else { 1 },
        class: class.into_iter().flatten().collect::<Vec<_>>().join(", "),
    })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::process::Command;

    use super::*;

    /// Every library of this machine's multiarch folder, and httpd's modules.
    fn libraries() -> Vec<PathBuf> {
        let folders = [
            "/usr/lib/x86_64-linux-gnu",
            "/usr/lib64",
            "/usr/lib/apache2/modules",
            "/usr/lib64/httpd/modules",
        ];
        let entries = folders.iter().filter_map(|folder| fs_err::read_dir(folder).ok()).flatten();
        let mut found: Vec<PathBuf> = entries
            .filter_map(|entry| entry.ok().map(|entry| entry.path()))
            .filter(|path| path.is_file() && path.to_string_lossy().contains(".so"))
            .filter_map(|path| path.canonicalize().ok())
            .collect();
        found.sort();
        found.dedup();
        found
    }

    #[test]
    fn the_same_as_rpm_s_own_elfdeps() {
        let folder = tempfile::tempdir().unwrap();
        let mut compared = 0;
        for library in libraries() {
            let name = library.file_name().unwrap().to_string_lossy().into_owned();
            let Ok(found) = read(&library, &name, false) else { continue };
            // elfdeps looks at executable files only.
            let copy = folder.path().join(&name);
            fs_err::copy(&library, &copy).unwrap();
            fs_err::set_permissions(&copy, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
            let output = Command::new("/usr/lib/rpm/elfdeps")
                .arg("--requires")
                .arg(&copy)
                .output()
                .expect("`rpm-build` (its elfdeps) is needed by this test");
            let mut theirs: Vec<String> =
                String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
            let mut ours: Vec<String> = found.requires.into_iter().map(|relation| relation.name).collect();
            theirs.sort();
            ours.sort();
            assert_eq!(ours, theirs, "{}", library.display());
            fs_err::remove_file(copy).unwrap();
            compared += 1;
        }
        assert!(compared > 50, "only {compared} libraries were found here");
    }

    #[test]
    fn what_is_no_shared_object_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mod_x.so");
        let truncated = fs_err::read(std::env::current_exe().unwrap()).unwrap();
        for bytes in [&b""[..], b"not ELF", b"\x7fELF", &truncated[..5000]] {
            fs_err::write(&path, bytes).unwrap();
            assert!(matches!(read(&path, "mod_x.so", false), Err(Error::Elf { .. })));
        }
    }
}
