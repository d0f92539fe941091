//! How the types of a target's public headers lie in memory: what a module compiled for it has built in.
//!
//! In: a target, its httpd program where that has debug information, and a C compiler. Out: [`Layouts`].
//!
//! Two sources, one reader ([`of_program`] and [`probe`] both end in DWARF): what the program itself was compiled with, and
//! what the headers say when this host's compiler reads them with the target's flags. The program is the truth of what it has;
//! the probe knows all that the headers declare. A type that the two tell otherwise is told.

mod debug_file;
mod dwarf;
mod error;
mod probe;
mod read;
mod sources;
mod spell;

pub use error::Error;
pub use sources::debug_sources;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::compile::Toolchain;
use crate::target::{Provenance, Target};

/// The public types of a target, and the types of what it exports.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layouts {
    /// By name: `struct request_rec`, `union NAME`, `enum cmd_how`, and the typedef's name alone (`apr_status_t`), which an
    /// untagged structure goes by too; `enum {FIRST_CONSTANT}` where it has no name at all. A typedef of the same name as its tag has no entry of its own.
    pub types: BTreeMap<String, Layout>,
    /// What functions and variables that the target exports are declared as, by name: `int (struct request_rec *)`.
    pub objects: BTreeMap<String, Object>,
}

/// One type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layout {
    /// The header that defines it: `httpd.h`.
    pub header: String,
    /// Bytes; 0 for a typedef of what has no size (`void`, a function, a structure that no public header defines).
    pub size: u64,
    /// Bytes. DWARF states it only where the source does; it is worked out from the members, by the processor's ABI, else.
    pub align: u64,
    /// What it is.
    pub shape: Shape,
}

/// What a type is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// Members in the order of declaration.
    Struct(Vec<Member>),
    /// Members, which share their place.
    Union(Vec<Member>),
    /// Constants with their values, in the order of declaration.
    Enum(Vec<(String, i64)>),
    /// Another name of this type.
    Alias(String),
}

/// A member of a structure or union. Those of an unnamed structure within stand for themselves: `u.integer`, and of an array
/// of such `list[].name`, with the offset in its first element.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// Bytes from the structure's begin; of a bit-field the byte that has its first bit.
    pub offset: u64,
    /// Of a bit-field: its first bit in that byte, from the one that the processor's byte order counts first, and its width.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bits: Option<(u64, u64)>,
    /// Bytes; of a bit-field those of its type, and 0 of an array at the end without a length.
    pub size: u64,
    /// As C writes it, without the member's name: `const char *`, `int (*)(struct request_rec *)`.
    #[serde(rename = "type")]
    pub type_name: String,
}

/// A function or variable that the target exports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Object {
    /// The public header that declares it.
    pub header: String,
    /// As C writes it, without the name.
    #[serde(rename = "type")]
    pub type_name: String,
}

/// The layouts of a target, and how they were found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// All of them.
    pub layouts: Layouts,
    /// The C file that includes all headers which compile here.
    pub unit: String,
    /// How many types the program's own debug information told.
    pub from_program: usize,
    /// Headers that do not compile by themselves here, each with the compiler's first objection: they need other libraries.
    pub left_out: Vec<(String, String)>,
    /// Why the program was not asked, and types that it has otherwise than its headers say, in one line each.
    pub notes: Vec<String>,
}

/// How types are named that have a tag.
pub(crate) fn tagged(keyword: &str, tag: &str) -> String {
    format!("{keyword} {tag}")
}

/// The layouts of a target's public types: of its program where that has debug information, of a compile probe else.
/// `limit` is the most time for one compiler call.
///
/// # Errors
/// A compiler that cannot be run, or that cannot read the target's headers at all.
pub fn of(target: &Target, toolchain: &Toolchain, limit: Duration) -> Result<Found, Error> {
    let mut found = probe(target, toolchain, limit)?;
    if let Provenance::Sysroot { pack: Some(pack), .. } = &target.provenance {
        // What the program told when the pack was made, its stub does not tell any more.
        let known: Layouts = serde_json::from_slice(&fs_err::read(&pack.layouts)?).map_err(|error| {
            Error::DebugInformation { reason: format!("{}: {error}", pack.layouts.display()) }
        })?;
        found.from_program = known.types.len();
        found.layouts.types.extend(known.types);
        return Ok(found);
    }
    let Some(program) = &target.program else { return Ok(found) };
    match of_program(target, program) {
        Ok(own) => {
            found.from_program = own.types.len();
            for (name, layout) in own.types {
                match found.layouts.types.get(&name) {
                    Some(probed) if probed.size == layout.size && probed.shape == layout.shape => {}
                    Some(probed) => found.notes.push(format!(
                        "{name}: the httpd program has it with {} bytes and its headers say {} bytes, or its members differ: the program was compiled with other settings than apxs tells",
                        layout.size, probed.size
                    )),
                    None => {}
                }
                found.layouts.types.insert(name, layout);
            }
        }
        Err(reason) => found.notes.push(format!("the types are from the headers alone: {reason}")),
    }
    Ok(found)
}

/// The public types that an httpd program's debug information has, in itself or in a file of its own below `/usr/lib/debug`.
///
/// # Errors
/// In words why there are none: no debug information, one that is split or shared between files, or malformed.
pub fn of_program(target: &Target, program: &Path) -> Result<Layouts, String> {
    let file = debug_file::of(program, target.sysroot())?;
    let content = fs_err::read(&file).map_err(|error| error.to_string())?;
    read_elf(&content, &target.public_headers())
}

/// The types that the debug information of an ELF file has of these headers (as `(name, path)`), told by their names: where
/// a program was built, the same headers lie elsewhere.
///
/// # Errors
/// In words.
pub fn read_elf(content: &[u8], headers: &[(String, std::path::PathBuf)]) -> Result<Layouts, String> {
    let public = |name: &str| headers.iter().any(|(header, _)| header == name);
    let sections = dwarf::Sections::of(content)?;
    read::Reader::new(&sections)?.layouts(&public)
}

/// The names of all types that the debug information of an ELF file defines, whichever header they are of: what a module's
/// own code knows of.
///
/// # Errors
/// In words.
pub fn types_of_elf(content: &[u8]) -> Result<Layouts, String> {
    let sections = dwarf::Sections::of(content)?;
    read::Reader::new(&sections)?.layouts(&|_| true)
}

pub use probe::{MacroText, macros, probe};
