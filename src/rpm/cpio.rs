//! The payload's archive: cpio in the "newc" form, as rpm writes it.

use std::io::{self, Write};

/// The header of one entry.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry<'a> {
    /// As in the archive: `./usr/…`, or the bare name in a source package.
    pub name: &'a str,
    /// Number of the file, from 1.
    pub inode: u32,
    /// `st_mode`.
    pub mode: u16,
    /// How many names the file has.
    pub links: u32,
    /// Unix seconds.
    pub time: u32,
    /// Of the content that follows; for a link the length of its target.
    pub size: u32,
}

/// Writes the header and the name, padded. The caller writes `size` bytes of content and then [`pad`].
pub(super) fn entry(out: &mut impl Write, entry: Entry<'_>) -> io::Result<()> {
    let fields = [
        entry.inode,
        u32::from(entry.mode),
        0, // owner: rpm goes by the names in the header
        0, // group
        entry.links,
        entry.time,
        entry.size,
        0, // device
        0,
        0, // special file's device
        0,
        // Names are paths of a package: far below 4 GiB.
        entry.name.len() as u32 + 1,
        0, // check sum, unused in this form
    ];
    out.write_all(b"070701")?;
    for field in fields {
        write!(out, "{field:08x}")?;
    }
    out.write_all(entry.name.as_bytes())?;
    out.write_all(b"\0")?;
    // Header, name and its end make the 110 bytes and the name's; the content begins on a multiple of four.
    pad(out, 110 + entry.name.len() as u64 + 1)
}

/// Fills up to a multiple of four.
pub(super) fn pad(out: &mut impl Write, length: u64) -> io::Result<()> {
    let missing = (4 - length % 4) % 4;
    out.write_all(&[0; 3][..missing as usize])
}

/// Writes the end of the archive.
pub(super) fn trailer(out: &mut impl Write) -> io::Result<()> {
    entry(out, Entry { name: "TRAILER!!!", inode: 0, mode: 0, links: 1, time: 0, size: 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_aligned() {
        let mut archive = Vec::new();
        entry(&mut archive, Entry { name: "./a", inode: 1, mode: 0o100_644, links: 1, time: 1, size: 5 })
            .unwrap();
        assert_eq!(archive.len() % 4, 0);
        archive.extend(b"12345");
        pad(&mut archive, 5).unwrap();
        trailer(&mut archive).unwrap();
        let text = String::from_utf8(archive).unwrap();
        let numbers = ["1", "81a4", "0", "0", "1", "1", "5", "0", "0", "0", "0", "4", "0"];
        let header: String = numbers.iter().map(|number| format!("{number:0>8}")).collect();
        assert!(text.starts_with(&format!("070701{header}./a\0\0\012345\0\0\0070701")), "{text:?}");
        assert_eq!(text.len() % 4, 0);
        assert!(text.ends_with("TRAILER!!!\0\0\0\0"));
    }
}
