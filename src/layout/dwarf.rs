//! The sections of an ELF file's debug information, with compressed ones unpacked.

use std::borrow::Cow;
use std::io::Read;

use gimli::{Dwarf, EndianSlice, RunTimeEndian, SectionId};
use object::{CompressionFormat, Object, ObjectSection};

/// A reader's view of one section.
pub type Slice<'d> = EndianSlice<'d, RunTimeEndian>;

/// The most that a compressed section may unpack to, in bytes; all of httpd's has 10 MB.
const MAX_SECTION: u64 = 512 << 20;

/// The debug information of a file.
pub struct Sections<'d> {
    dwarf: gimli::DwarfSections<Cow<'d, [u8]>>,
    endian: RunTimeEndian,
    /// The most that a basic type is aligned to within a structure, in bytes.
    pub alignment: u64,
}

impl<'d> Sections<'d> {
    /// Finds them.
    ///
    /// # Errors
    /// In words: no ELF file, none of it, or a part of it in another file.
    pub fn of(content: &'d [u8]) -> Result<Self, String> {
        let file = object::File::parse(content).map_err(|error| error.to_string())?;
        let has = |name: &str| file.section_by_name(name).is_some();
        if has(".gnu_debugaltlink") {
            return Err("its debug information is shared with other files (dwz)".to_owned());
        }
        if has(".debug_types") {
            return Err("its debug information has type units".to_owned());
        }
        if !has(".debug_info") && !has(".zdebug_info") {
            return Err("it has no debug information".to_owned());
        }
        let load = |id: SectionId| match file.section_by_name(id.name()) {
            Some(section) => unpacked(&section),
            None => Ok(Cow::Borrowed(&[][..])),
        };
        let endian = if file.is_little_endian() { RunTimeEndian::Little } else { RunTimeEndian::Big };
        Ok(Sections { dwarf: gimli::DwarfSections::load(load)?, endian, alignment: alignment(&file) })
    }

    /// Its byte order.
    pub fn is_little_endian(&self) -> bool {
        matches!(self.endian, RunTimeEndian::Little)
    }

    /// As gimli reads it.
    pub fn dwarf(&self) -> Dwarf<Slice<'_>> {
        self.dwarf.borrow(|section| EndianSlice::new(section, self.endian))
    }
}

/// System V's ABI for i386 aligns `double` and `long long` to 4 bytes within a structure, that of s390x nothing to more than
/// 8; the others align each basic type to its size.
fn alignment(file: &object::File<'_>) -> u64 {
    use object::Architecture::{I386, S390x};
    match file.architecture() {
        I386 => 4,
        S390x => 8,
        _ => 16,
    }
}

fn unpacked<'d>(section: &object::Section<'d, '_>) -> Result<Cow<'d, [u8]>, String> {
    let name = || section.name().unwrap_or_default().to_owned();
    let data = section.compressed_data().map_err(|error| format!("{}: {error}", name()))?;
    if data.uncompressed_size > MAX_SECTION {
        return Err(format!("{} is larger than {} MiB", name(), MAX_SECTION >> 20));
    }
    let mut content = Vec::new();
    let read = match data.format {
        CompressionFormat::None => return Ok(Cow::Borrowed(data.data)),
        CompressionFormat::Zlib => {
            flate2::read::ZlibDecoder::new(data.data).take(MAX_SECTION).read_to_end(&mut content)
        }
        CompressionFormat::Zstandard => zstd::stream::read::Decoder::new(data.data)
            .and_then(|decoder| decoder.take(MAX_SECTION).read_to_end(&mut content)),
        _ => return Err(format!("{} is compressed in a way that is not known", name())),
    };
    match read {
        Ok(size) if size as u64 == data.uncompressed_size => Ok(Cow::Owned(content)),
        Ok(_) => Err(format!("{} has not the size that it states", name())),
        Err(error) => Err(format!("{}: {error}", name())),
    }
}
