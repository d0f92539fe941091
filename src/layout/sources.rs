//! Which source files the debug information of a file names.

use std::collections::BTreeSet;

use gimli::{AttributeValue, Dwarf, Unit};

use super::dwarf::{Sections, Slice};
use super::read::words;

/// The files that the compilation units and their line tables name, relative to the folder of their compilation; those that lie
/// elsewhere are left out.
///
/// # Errors
/// In words: no ELF file, no debug information, or malformed.
pub fn debug_sources(content: &[u8]) -> Result<BTreeSet<String>, String> {
    let sections = Sections::of(content)?;
    let dwarf = sections.dwarf();
    let mut named = BTreeSet::new();
    let mut units = dwarf.units();
    while let Some(header) = units.next().map_err(words)? {
        let unit = dwarf.unit(header).map_err(words)?;
        unit_sources(&dwarf, &unit, &mut named).map_err(words)?;
    }
    Ok(named)
}

fn unit_sources(
    dwarf: &Dwarf<Slice<'_>>,
    unit: &Unit<Slice<'_>>,
    named: &mut BTreeSet<String>,
) -> gimli::Result<()> {
    let folder = unit.comp_dir.map(|folder| folder.to_string_lossy().into_owned()).unwrap_or_default();
    let mut add = |path: &str| named.extend(beneath(path, &folder));
    if let Some(name) = unit.name {
        add(&name.to_string_lossy());
    }
    let Some(program) = &unit.line_program else { return Ok(()) };
    let header = program.header();
    let text = |value: AttributeValue<Slice<'_>>| -> gimli::Result<String> {
        Ok(dwarf.attr_string(unit, value)?.to_string_lossy().into_owned())
    };
    for file in header.file_names() {
        let name = text(file.path_name())?;
        let folder = file.directory(header).map(text).transpose()?.unwrap_or_default();
        add(&if name.starts_with('/') || folder.is_empty() { name } else { format!("{folder}/{name}") });
    }
    Ok(())
}

/// A path relative to the folder, without `.`; nothing for what is not beneath it.
fn beneath(path: &str, folder: &str) -> Option<String> {
    let inside = match path.strip_prefix(folder) {
        Some(rest) if rest.starts_with('/') && !folder.is_empty() => rest,
        _ if path.starts_with('/') => return None,
        _ => path,
    };
    let parts: Vec<&str> = inside.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    (!parts.contains(&"..")).then(|| parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_relative_to_the_compilations_folder() {
        let folder = "/usr/src/debug/x-1-1";
        for (path, expected) in [
            ("mod_x.c", Some("mod_x.c")),
            ("./m/x.c", Some("m/x.c")),
            ("/usr/src/debug/x-1-1/m/./x.c", Some("m/x.c")),
            ("/usr/src/debug/x-1-10/x.c", None),
            ("/usr/include/stdio.h", None),
            ("../x.c", None),
        ] {
            assert_eq!(beneath(path, folder).as_deref(), expected, "{path}");
        }
        assert_eq!(beneath("/x.c", ""), None);
    }

    #[test]
    fn what_has_no_debug_information_is_told() {
        assert!(debug_sources(b"").is_err());
        assert!(debug_sources(b"\x7fELF").is_err());
    }
}
