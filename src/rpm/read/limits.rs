//! What has to be true of a header before a parser may see it: librpm's checks of its form (lib/header.c, `hdrblobVerifyRegion` and
//! `hdrblobVerifyInfo`), which keep a parser within the data and its memory within the data's size. Not of them is which type
//! each tag has.
//! Without them 250 of 1,500 damaged headers made the parser panic, and 31 made it allocate 9 to 68 GB.

use std::io::Read;
use std::ops::Range;
use std::path::Path;

use super::super::Error;

/// Which header is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Signature,
    Main,
}

impl Part {
    fn name(self) -> &'static str {
        match self {
            Part::Signature => "signature header",
            Part::Main => "header",
        }
    }

    /// The tag of the entry that marks which part of the header a signature is of: HEADERSIGNATURES, HEADERIMMUTABLE.
    fn region(self) -> u32 {
        match self {
            Part::Signature => 62,
            Part::Main => 63,
        }
    }

    /// Entries. librpm takes 32 in a signature header; 64 leaves room for those to come.
    fn most_entries(self) -> u64 {
        match self {
            Part::Signature => 64,
            Part::Main => 0xffff,
        }
    }

    /// Bytes of data.
    fn most_data(self) -> u64 {
        match self {
            Part::Signature => 64 << 20,
            Part::Main => 0x0fff_ffff,
        }
    }
}

/// What is wrong; the path is not known here.
#[derive(Debug)]
pub(super) enum Wrong {
    Damaged(String),
    Io(std::io::Error),
}

impl Wrong {
    pub(super) fn named(self, path: &Path) -> Error {
        match self {
            Wrong::Damaged(reason) => Error::Damaged { path: path.to_owned(), reason },
            Wrong::Io(error) => Error::Io(error),
        }
    }
}

const INTRO: usize = 16;
const ENTRY: usize = 16;
/// HEADERIMAGE, which signature headers of old packages have in the data of their region.
const OLD_REGION: u32 = 61;
/// BIN: the type of a region's entry.
const REGION_TYPE: u32 = 7;
/// The tags of entries with data, which are numbers with a sign to librpm.
const TAGS: std::ops::RangeInclusive<u32> = 100..=i32::MAX as u32;

/// Reads a header and checks it. `file_size` bounds what is allocated.
pub(super) fn read_header(input: &mut impl Read, file_size: u64, part: Part) -> Result<Vec<u8>, Wrong> {
    let damaged = |reason: &str| Wrong::Damaged(format!("the {} {reason}", part.name()));
    let read = |input: &mut dyn Read, buffer: &mut [u8]| {
        input.read_exact(buffer).map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => damaged("is cut off"),
            _ => Wrong::Io(error),
        })
    };
    let mut header = vec![0; INTRO];
    read(input, &mut header)?;
    // The four bytes behind the magic are reserved, and librpm compares them with it.
    if header[..8] != [0x8e, 0xad, 0xe8, 0x01, 0, 0, 0, 0] {
        return Err(damaged("does not begin as one"));
    }
    let (entries, data) = (u64::from(number(&header, 8)), u64::from(number(&header, 12)));
    if entries == 0 || entries > part.most_entries() || data > part.most_data() {
        return Err(damaged("states an impossible size"));
    }
    let rest = entries * ENTRY as u64 + data;
    if rest > file_size {
        return Err(damaged("states to be longer than the file"));
    }
    // At most the file's own size.
    header.resize(INTRO + rest as usize, 0);
    read(input, &mut header[INTRO..])?;
    let (index, store) = header[INTRO..].split_at(entries as usize * ENTRY);
    let wrong = |position: usize, entry: &[u8], reason: &str| {
        let tag = number(entry, 0);
        Wrong::Damaged(format!("entry {position} (tag {tag}) of the {} {reason}", part.name()))
    };
    let region = region(index, store, part).map_err(|reason| wrong(0, index, reason))?;
    // Where the data of the entry before ends. No byte belongs to two entries: of 65,535 that share a megabyte a parser
    // would make 64 GiB.
    let mut taken = 0;
    for (position, entry) in index.chunks_exact(ENTRY).enumerate().skip(usize::from(region.is_some())) {
        taken =
            check(entry, store, taken, region.as_ref()).map_err(|reason| wrong(position, entry, reason))?;
    }
    Ok(header)
}

/// The region's own data, within that of the header; nothing where there is no region, as in packages of rpm 3. Its entry is the
/// first, and its data, the trailer, is that entry again: the offset is there the size of the entries that belong to the region, negative.
/// What was added to a header later lies behind both.
fn region(index: &[u8], store: &[u8], part: Part) -> Result<Option<Range<usize>>, &'static str> {
    if number(index, 0) != part.region() {
        return Ok(None);
    }
    let form = |bytes: &[u8]| number(bytes, 4) == REGION_TYPE && number(bytes, 12) == ENTRY as u32;
    if !form(index) {
        return Err("is no region, as its tag says");
    }
    let start = number(index, 8) as usize;
    let trailer = start.checked_add(ENTRY).map(|end| start..end);
    let Some((range, trailer)) = trailer.and_then(|range| Some((range.clone(), store.get(range)?))) else {
        return Err("lies outside of the data");
    };
    let tag = number(trailer, 0);
    if !form(trailer) || tag != part.region() && (part, tag) != (Part::Signature, OLD_REGION) {
        return Err("has another region at its end");
    }
    let size = number(trailer, 8).wrapping_neg() as usize;
    if size == 0 || !size.is_multiple_of(ENTRY) || size > index.len() {
        return Err("has an impossible size at its end");
    }
    Ok(Some(range))
}

/// One entry of the index against the data; returns where its own ends. It may begin at `after`, and not lie where the region's does.
fn check(
    entry: &[u8],
    store: &[u8],
    after: usize,
    region: Option<&Range<usize>>,
) -> Result<usize, &'static str> {
    if !TAGS.contains(&number(entry, 0)) {
        return Err("is one that no tag may be");
    }
    let (kind, offset, count) = (number(entry, 4), number(entry, 8), number(entry, 12));
    let Some((start, data)) =
        usize::try_from(offset).ok().and_then(|start| Some((start, store.get(start..)?)))
    else {
        return Err("lies outside of the data");
    };
    if start < after {
        return Err("lies within the data of the one before it");
    }
    let count = count as usize;
    let fits = |width: usize| match count.checked_mul(width) {
        Some(length) if length <= data.len() && count > 0 => Ok(length),
        _ => Err("is longer than the data"),
    };
    let aligned = |width: u32| if offset % width == 0 { Ok(()) } else { Err("is not aligned") };
    let length = match kind {
        1 | 2 | 7 => fits(1),
        3 => aligned(2).and(fits(2)),
        4 => aligned(4).and(fits(4)),
        5 => aligned(8).and(fits(8)),
        6 if count != 1 => Err("is a text that states to be several"),
        6 | 8 | 9 => {
            if count == 0 || count > data.len() {
                return Err("is longer than the data");
            }
            // With its zero.
            let end = memchr::memchr_iter(0, data).nth(count - 1).map(|end| end + 1);
            end.ok_or("is a text without an end")
        }
        _ => Err("is of an unknown type"),
    };
    let end = start + length?;
    if region.is_some_and(|region| start < region.end && end > region.start) {
        return Err("lies within the data of the region");
    }
    Ok(end)
}

fn number(bytes: &[u8], at: usize) -> u32 {
    // Callers ask within an entry or an introduction, both of 16 bytes.
    bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).map_or(0, u32::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(entries: &[[u32; 4]], store: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0x8e, 0xad, 0xe8, 0x01, 0, 0, 0, 0];
        bytes.extend((entries.len() as u32).to_be_bytes());
        bytes.extend((store.len() as u32).to_be_bytes());
        bytes.extend(entries.iter().flatten().flat_map(|number| number.to_be_bytes()));
        bytes.extend(store);
        bytes
    }

    fn verdict(entry: [u32; 4], store: &[u8]) -> Option<String> {
        verdict_of(&[entry], store)
    }

    fn verdict_of(entries: &[[u32; 4]], store: &[u8]) -> Option<String> {
        let bytes = header(entries, store);
        match read_header(&mut bytes.as_slice(), bytes.len() as u64, Part::Main) {
            Ok(_) => None,
            Err(Wrong::Damaged(reason)) => Some(reason),
            Err(Wrong::Io(error)) => panic!("{error}"),
        }
    }

    #[test]
    fn good_entries_pass() {
        for entry in [[1000, 6, 0, 1], [1000, 8, 0, 2], [1000, 4, 4, 1], [1000, 7, 0, 8]] {
            assert_eq!(verdict(entry, b"ab\0cde\0\0"), None, "{entry:?}");
        }
    }

    #[test]
    fn bad_entries_are_named() {
        let cases: [([u32; 4], &str); 12] = [
            ([1000, 6, 9, 1], "outside"),
            ([1000, 6, u32::MAX, 1], "outside"),
            ([1000, 6, 0, 2], "several"),
            ([1000, 8, 0, 4], "without an end"),
            ([1000, 8, 0, u32::MAX], "longer"),
            ([1000, 4, 0, 3], "longer"),
            ([1000, 4, 2, 1], "aligned"),
            ([1000, 5, 4, 1], "aligned"),
            ([1000, 7, 0, u32::MAX], "longer"),
            ([1000, 7, 0, 0], "longer"),
            ([1000, 10, 0, 1], "unknown type"),
            ([1000, 0, 0, 0], "unknown type"),
        ];
        for (entry, reason) in cases {
            let found = verdict(entry, b"ab\0cde\0\0").unwrap_or_default();
            assert!(found.contains(reason) && found.contains("tag 1000"), "{entry:?}: {found}");
        }
    }

    #[test]
    fn no_byte_belongs_to_two_entries() {
        let store = b"ab\0cde\0\0";
        for good in [&[[1000, 6, 0, 1], [1001, 6, 3, 1]][..], &[[1000, 8, 0, 2], [1001, 7, 7, 1]]] {
            assert_eq!(verdict_of(good, store), None, "{good:?}");
        }
        for bad in [
            &[[1000, 7, 0, 8], [1001, 7, 0, 8]][..],
            &[[1000, 2, 0, 8], [1001, 2, 7, 1]],
            &[[1000, 8, 0, 2], [1001, 6, 3, 1]],
            &[[1000, 6, 3, 1], [1001, 6, 0, 1]],
            &[[1000, 3, 0, 4], [1001, 4, 4, 1]],
        ] {
            let found = verdict_of(bad, store).unwrap_or_default();
            assert!(found.contains("entry 1") && found.contains("one before it"), "{bad:?}: {found}");
        }
    }

    /// A header with the region's entry, another one, and these numbers as the region's data; and the part of it that `part` is.
    fn with_region(part: Part, first: [u32; 4], second: [u32; 4], trailer: [u32; 4]) -> Result<(), String> {
        let mut store = vec![0; 8];
        store.extend(trailer.iter().flat_map(|number| number.to_be_bytes()));
        store.extend([0; 4]);
        let bytes = header(&[first, second], &store);
        match read_header(&mut bytes.as_slice(), bytes.len() as u64, part) {
            Ok(_) => Ok(()),
            Err(Wrong::Damaged(reason)) => Err(reason),
            Err(Wrong::Io(error)) => panic!("{error}"),
        }
    }

    #[test]
    fn a_region_says_what_it_is_at_both_ends() {
        let size = |entries: u32| (entries * ENTRY as u32).wrapping_neg();
        let (first, second) = ([63, 7, 8, 16], [1000, 7, 0, 8]);
        assert_eq!(with_region(Part::Main, first, second, [63, 7, size(2), 16]), Ok(()));
        // What was added later is not in it, and lies behind.
        assert_eq!(with_region(Part::Main, first, [1000, 7, 24, 4], [63, 7, size(1), 16]), Ok(()));
        for trailer in [
            [62, 7, size(2), 16],
            [61, 7, size(2), 16],
            [63, 6, size(2), 16],
            [63, 7, size(2), 17],
            [63, 7, size(3), 16],
            [63, 7, size(0), 16],
            [63, 7, size(2) + 1, 16],
            [63, 7, 32, 16],
        ] {
            let reason = with_region(Part::Main, first, second, trailer).unwrap_err();
            assert!(reason.contains("tag 63") && reason.contains("at its end"), "{trailer:?}: {reason}");
        }
        for first in [[63, 6, 8, 16], [63, 7, 8, 15], [63, 7, 16, 16], [63, 7, u32::MAX, 16], [62, 7, 8, 16]]
        {
            assert!(with_region(Part::Main, first, second, [63, 7, size(2), 16]).is_err(), "{first:?}");
        }
        // Old packages have the older tag at the end of their signature header.
        for trailer in [62, 61] {
            let found = with_region(Part::Signature, [62, 7, 8, 16], second, [trailer, 7, size(2), 16]);
            assert_eq!(found, Ok(()), "{trailer}");
        }
        for second in [[1000, 7, 0, 9], [1000, 7, 8, 1], [1000, 7, 23, 1]] {
            let reason = with_region(Part::Main, first, second, [63, 7, size(2), 16]).unwrap_err();
            assert!(reason.contains("data of the region"), "{second:?}: {reason}");
        }
    }

    #[test]
    fn tags_are_those_that_can_be() {
        for tag in [0, 61, 62, 63, 99, 1000 | 1 << 31] {
            let found = verdict([tag, 7, 0, 8], b"ab\0cde\0\0").unwrap_or_default();
            assert!(found.contains("no tag may be") || tag == 63, "{tag}: {found}");
            assert!(!found.is_empty(), "{tag}");
        }
    }

    #[test]
    fn impossible_sizes_are_not_allocated() {
        let mut bytes = header(&[[1000, 6, 0, 1]], b"a\0");
        bytes[12..16].copy_from_slice(&0x0fff_fff0_u32.to_be_bytes());
        let error = read_header(&mut bytes.as_slice(), bytes.len() as u64, Part::Main).unwrap_err();
        assert!(matches!(error, Wrong::Damaged(reason) if reason.contains("longer than the file")));
        bytes[8..12].copy_from_slice(&u32::MAX.to_be_bytes());
        assert!(read_header(&mut bytes.as_slice(), u64::MAX, Part::Main).is_err());
    }
}
