//! Unpacking a Debian package: an ar archive with `debian-binary`, `control.tar` and `data.tar`, the latter two compressed
//! (deb(5)).
//!
//! The ar format is read here, since it is a header of 60 bytes, and since readers of its extensions allocate what a file
//! states. So are tar's long names.

use std::ffi::OsString;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Take};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use super::Error;
use super::error::Wrong;
use super::tree::Tree;
use crate::compression::{Bounded, Compression};

/// How an ar archive begins.
pub const MAGIC: &[u8; 8] = b"!<arch>\n";

/// Bytes before each member.
const HEADER: u64 = 60;

/// dpkg writes three, and readers pass over others (deb(5)).
const MOST_MEMBERS: usize = 32;

/// Scripts and digests of all files are in it. Bytes.
const MOST_CONTROL: u64 = 64 << 20;

/// The fields of a package with a long description. Bytes.
const MOST_FIELDS: u64 = 1 << 20;

/// As in the kernel. Bytes.
const LONGEST_NAME: u64 = 4096;

/// Name, version and architecture.
pub fn names(package: &Path) -> Result<[String; 3], Error> {
    let fields = control(package).map_err(|wrong| wrong.of(package))?;
    let field = |name: &str| {
        let line = fields.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.map(|value| value.trim().to_owned())
            .ok_or_else(|| Wrong::Damaged(format!("its control file does not state `{name}`")).of(package))
    };
    Ok([field("Package")?, field("Version")?, field("Architecture")?])
}

/// Unpacks the files of a package into `tree`.
pub fn unpack(package: &Path, tree: &mut Tree) -> Result<(), Wrong> {
    // Twice what may be written: the rest is headers, and what is left out.
    let most = tree.limits().all.saturating_mul(2);
    let data = member(package, "data.tar", most)?;
    each_entry(data, &mut |entry, content| {
        let path = &entry.path;
        match entry.kind {
            tar::EntryType::Regular | tar::EntryType::Continuous => tree.file(path, entry.mode, content)?,
            tar::EntryType::Directory => tree.folder(path)?,
            tar::EntryType::Symlink => tree.link(path, &entry.target)?,
            tar::EntryType::Link => tree.hard_link(path, &entry.target)?,
            // Devices and pipes are of no use to a build.
            _ => {}
        }
        Ok(true)
    })
}

/// The text of the control file.
fn control(package: &Path) -> Result<String, Wrong> {
    let mut found = None;
    each_entry(member(package, "control.tar", MOST_CONTROL)?, &mut |entry, content| {
        if !matches!(entry.path.to_str(), Some("control" | "./control")) {
            return Ok(true);
        }
        let mut text = Vec::new();
        content.take(MOST_FIELDS + 1).read_to_end(&mut text).map_err(|error| reading(&error))?;
        if text.len() as u64 > MOST_FIELDS {
            return Err(Wrong::Damaged("its control file is longer than 1 MiB".to_owned()));
        }
        found = Some(String::from_utf8_lossy(&text).into_owned());
        Ok(false)
    })?;
    found.ok_or_else(|| Wrong::Damaged("it has no control file".to_owned()))
}

pub(super) type Member<'a> = Bounded<Box<dyn Read + 'a>>;

/// The content of the member `NAME` or `NAME.COMPRESSION`; more than `most` bytes are an error when they are read.
fn member(package: &Path, name: &str, most: u64) -> Result<Member<'static>, Wrong> {
    let mut file = fs_err::File::open(package).map_err(Wrong::Io)?;
    let length = file.metadata().map_err(Wrong::Io)?.len();
    let found = find(&mut file, length, name)?;
    let Some((extension, content)) = found else {
        return Err(Wrong::Damaged(format!("it has no {name}")));
    };
    let input = BufReader::with_capacity(64 << 10, content);
    let reader: Box<dyn Read> = match extension.as_str() {
        "" => Box::new(input),
        extension => {
            let compression = Compression::of_extension(extension).ok_or_else(|| {
                Wrong::Damaged(format!("its {name} has an unknown compression ({:?})", extension))
            })?;
            compression.decoder(input).map_err(|error| reading(&error))?
        }
    };
    Ok(Bounded::new(reader, most))
}

/// The member's extension and content.
fn find(
    file: &mut fs_err::File,
    length: u64,
    wanted: &str,
) -> Result<Option<(String, Take<fs_err::File>)>, Wrong> {
    let damaged = |reason: &str| Wrong::Damaged(reason.to_owned());
    let mut magic = [0; 8];
    file.read_exact(&mut magic).map_err(|error| reading(&error))?;
    if &magic != MAGIC {
        return Err(damaged("it is no ar archive"));
    }
    let mut at = magic.len() as u64;
    for number in 0..MOST_MEMBERS {
        if at >= length {
            return Ok(None);
        }
        let mut header = [0; HEADER as usize];
        file.seek(SeekFrom::Start(at)).map_err(Wrong::Io)?;
        file.read_exact(&mut header).map_err(|_| damaged("it is cut off"))?;
        let text = |range: std::ops::Range<usize>| {
            header.get(range).and_then(|bytes| std::str::from_utf8(bytes).ok()).map(str::trim_end)
        };
        let (Some(name), Some(size), b"`\n") = (text(0..16), text(48..58), &header[58..]) else {
            return Err(damaged("a member of its archive does not begin as one"));
        };
        let size: u64 = size.parse().map_err(|_| damaged("a member of its archive has no size"))?;
        let name = name.trim_end_matches('/');
        at += HEADER;
        if size > length - at {
            return Err(damaged("it is cut off"));
        }
        if number == 0 {
            if name != "debian-binary" {
                return Err(damaged("it is an ar archive, and no Debian package"));
            }
            let mut version = String::new();
            let read = Read::by_ref(file).take(size.min(16)).read_to_string(&mut version);
            if read.is_err() || !version.starts_with("2.") {
                return Err(damaged("it is of another format than 2"));
            }
        } else if let Some(extension) = name.strip_prefix(wanted) {
            let file = file.try_clone().map_err(Wrong::Io)?;
            return Ok(Some((extension.to_owned(), file.take(size))));
        }
        // Members begin at even places.
        at += size + size % 2;
    }
    Err(damaged("it has too many members"))
}

/// An entry of a tar archive.
pub(super) struct Entry {
    pub path: PathBuf,
    pub kind: tar::EntryType,
    pub mode: u32,
    /// Of a link.
    pub target: PathBuf,
}

/// Gives each entry to `take`, which says whether to go on. The compressed data is read to its end, where it states its sums.
pub(super) fn each_entry(
    data: Member<'_>,
    take: &mut dyn FnMut(Entry, &mut dyn Read) -> Result<bool, Wrong>,
) -> Result<(), Wrong> {
    let mut archive = tar::Archive::new(data);
    let (mut long_name, mut long_target) = (None, None);
    for entry in archive.entries().map_err(|error| reading(&error))?.raw(true) {
        let mut entry = entry.map_err(|error| reading(&error))?;
        let header = entry.header();
        let kind = header.entry_type();
        match kind {
            tar::EntryType::GNULongName => long_name = Some(name(&mut entry)?),
            tar::EntryType::GNULongLink => long_target = Some(name(&mut entry)?),
            tar::EntryType::Regular
            | tar::EntryType::Continuous
            | tar::EntryType::Directory
            | tar::EntryType::Symlink
            | tar::EntryType::Link
            | tar::EntryType::Char
            | tar::EntryType::Block
            | tar::EntryType::Fifo => {
                let path = |bytes: &[u8]| PathBuf::from(OsString::from_vec(bytes.to_owned()));
                let target = header.link_name_bytes().map(|bytes| path(&bytes)).unwrap_or_default();
                let found = Entry {
                    path: long_name.take().unwrap_or_else(|| path(&header.path_bytes())),
                    kind,
                    mode: header.mode().map_err(|error| reading(&error))?,
                    target: long_target.take().unwrap_or(target),
                };
                if !take(found, &mut entry)? {
                    return Ok(());
                }
            }
            // As dpkg: deb(5) knows no others.
            other => {
                let kind = char::from(other.as_byte()).escape_debug();
                return Err(Wrong::Damaged(format!(
                    "it has an entry of the kind `{kind}`, which packages have not"
                )));
            }
        }
    }
    let mut rest = archive.into_inner();
    io::copy(&mut rest, &mut io::sink()).map_err(|error| reading(&error))?;
    Ok(())
}

/// A name that is too long for a header stands in an entry of its own.
fn name(entry: &mut dyn Read) -> Result<PathBuf, Wrong> {
    let mut bytes = Vec::new();
    entry.take(LONGEST_NAME + 1).read_to_end(&mut bytes).map_err(|error| reading(&error))?;
    if bytes.len() as u64 > LONGEST_NAME {
        return Err(Wrong::Damaged("it has a name of more than 4096 bytes".to_owned()));
    }
    while bytes.pop_if(|byte| *byte == 0).is_some() {}
    Ok(PathBuf::from(OsString::from_vec(bytes)))
}

/// A decompressor's or the archive's complaint is about the package.
pub(super) fn reading(error: &io::Error) -> Wrong {
    let reason = match error.kind() {
        io::ErrorKind::UnexpectedEof => "it is cut off".to_owned(),
        _ => format!("its data cannot be read: {error}"),
    };
    Wrong::Damaged(reason)
}
