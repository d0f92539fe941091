//! A module structure as it lies in a file: what httpd reads of it before it calls anything (`struct module_struct` of
//! http_config.h).

use object::elf::{PT_GNU_RELRO, PT_LOAD};

use super::Mmn;
use super::elf::{Dynamic, Segment, Symbol};
use super::relocations::Relocations;

/// The fields that httpd compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModuleStructure {
    /// Of the headers that the module was compiled with.
    pub mmn: Mmn,
    /// `MODULE_MAGIC_COOKIE` of those headers.
    pub cookie: u64,
}

/// A path is no longer than this on Linux (PATH_MAX).
const LONGEST_NAME: usize = 4096;

impl ModuleStructure {
    /// Reads the structure that a symbol names. Version and minor version are two ints at the start; the cookie, an unsigned
    /// long, comes after a third int and three pointers. `None`: it has no initial value in the file.
    pub fn read(object: &Dynamic, data: &[u8], module: &Symbol) -> Option<Self> {
        let number = |at: u64, size: usize| number(object, data, module.value.checked_add(at)?, size);
        Some(ModuleStructure {
            mmn: Mmn { major: number(0, 4)?.try_into().ok()?, minor: number(4, 4)?.try_into().ok()? },
            cookie: number(name_at(object) + 3 * pointer(object) as u64, pointer(object))?,
        })
    }

    /// Whether httpd can write to it, as it does when it loads the module: its index and its handle go there.
    pub fn is_writable(object: &Dynamic, module: &Symbol) -> bool {
        let end = module.value.saturating_add(module.size);
        let holds = |segment: &Segment| {
            segment.address <= module.value && end <= segment.address.saturating_add(segment.size)
        };
        let any = |kind: object::elf::ProgramType, wanted: &dyn Fn(&Segment) -> bool| {
            object.segments.iter().any(|segment| segment.kind == kind && wanted(segment) && holds(segment))
        };
        any(PT_LOAD, &|segment| segment.writable) && !any(PT_GNU_RELRO, &|_| true)
    }

    /// The name of the C file that the structure states (`__FILE__` of its initialiser), as it is in the file.
    pub fn file_name(
        object: &Dynamic,
        data: &[u8],
        relocations: &Relocations,
        module: &Symbol,
    ) -> Option<String> {
        let place = module.value.checked_add(name_at(object))?;
        let address = match relocations.address_at(place) {
            Some(address) => address,
            None => number(object, data, place, pointer(object))?,
        };
        let text = bytes_at(object, data, address)?;
        let end = text.iter().take(LONGEST_NAME).position(|byte| *byte == 0)?;
        String::from_utf8(text.get(..end)?.to_vec()).ok()
    }
}

fn pointer(object: &Dynamic) -> usize {
    if object.is_64 { 8 } else { 4 }
}

/// Where the first pointer is, behind three ints.
fn name_at(object: &Dynamic) -> u64 {
    12_usize.next_multiple_of(pointer(object)) as u64
}

/// What the file has at an address, to the end of the file.
fn bytes_at<'d>(object: &Dynamic, data: &'d [u8], address: u64) -> Option<&'d [u8]> {
    let segment = object.segments.iter().find(|segment| {
        segment.kind == PT_LOAD
            && segment.address <= address
            && address < segment.address.saturating_add(segment.file_size)
    })?;
    let start = usize::try_from(segment.offset.checked_add(address - segment.address)?).ok()?;
    data.get(start..)
}

fn number(object: &Dynamic, data: &[u8], address: u64, size: usize) -> Option<u64> {
    let bytes = bytes_at(object, data, address)?.get(..size)?;
    let fold = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
    Some(if object.little_endian { bytes.iter().rev().fold(0, fold) } else { bytes.iter().fold(0, fold) })
}
