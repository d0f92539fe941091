//! Metadata that modgraft has written, read back.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use fs_err::File;
use memchr::memmem;
use rustix::fs::{AtFlags, FileType, Stat, statat};
use rustix::io::Errno;

use super::KINDS;
use super::current::{self, REPODATA, file_name};
use super::entry::Entry;
use super::packed::{self, Made, Part};
use super::piece::{Piece, Text};
use crate::parallel;
use crate::repository::metadata;
use crate::repository::repomd::Record;

/// A package that it tells of.
#[derive(Debug)]
pub(super) struct Package {
    pub entry: Arc<Entry>,
    /// Whether its file is what was read when it was published, as far as its size and time tell.
    pub is_unchanged: Result<bool, Errno>,
}

/// What is to be done, on all cores at once.
enum Job<'a> {
    /// A file has this sum.
    Sum(&'a Made, &'a str),
    /// The packages of a part.
    Part(usize),
}

const DIFFER: &str = "its files do not tell of the same packages";

/// Reads the packages, and looks at their files. `parts` are those of primary, filelists and other.
///
/// # Errors
/// In words: it is not what modgraft wrote.
pub(super) fn read(
    folder: &Path,
    records: &[Record],
    parts: &[Vec<Part>; 3],
) -> Result<Vec<Package>, String> {
    let mut sums = Vec::with_capacity(KINDS.len());
    let mut files = Vec::with_capacity(KINDS.len());
    for (kind, parts) in KINDS.iter().zip(parts) {
        let missing = || format!("the file of {kind} is missing");
        let record = records.iter().find(|record| record.kind == *kind).ok_or_else(missing)?;
        let name = file_name(record).ok_or_else(missing)?;
        let compression = packed::compression_of(name).ok_or("it is compressed otherwise")?;
        let size = record.size.unwrap_or(0).min(metadata::FILELISTS.packed);
        let bytes =
            current::read(&folder.join(REPODATA).join(name), size).map_err(|error| error.to_string())?;
        sums.push(record.digest.hex());
        // What has our own sum is what we have written, but the bound costs nothing.
        files.push(Made::new(bytes, compression, parts, metadata::FILELISTS.open)?);
    }
    let [primary, others @ ..] = &files[..] else { return Err(DIFFER.to_owned()) };
    // A part of each begins with the same package.
    if others.iter().any(|other| other.parts() != primary.parts()) {
        return Err(DIFFER.to_owned());
    }
    let folder = File::open(folder).map_err(|error| error.to_string())?;
    let jobs = files.iter().zip(sums).map(|(file, sum)| Job::Sum(file, sum));
    let jobs: Vec<Job<'_>> = jobs.chain((0..primary.parts()).map(Job::Part)).collect();
    let done = parallel::map(jobs, |job| match job {
        Job::Sum(file, sum) if file.sha256() == sum => Ok(Vec::new()),
        Job::Sum(..) => Err("the sum of a file does not hold".to_owned()),
        // All that there is to do of a package while its text is in the processor's cache.
        Job::Part(number) => part(&files, number, &folder),
    });
    let packages: Vec<Vec<Package>> = done.into_iter().collect::<Result<_, String>>()?;
    Ok(packages.into_iter().flatten().collect())
}

/// The packages that a part of each of the files tells of.
fn part(files: &[Made], number: usize, folder: &File) -> Result<Vec<Package>, String> {
    let texts = files.iter().map(|file| file.open(number)).collect::<Result<Vec<_>, String>>()?;
    let places: Vec<Vec<Range<usize>>> = texts.iter().map(|text| fragments(text)).collect();
    let ([one, two, three], [primary, filelists, other]) = (&texts[..], &places[..]) else {
        return Err(DIFFER.to_owned());
    };
    if primary.len() != filelists.len() || primary.len() != other.len() {
        return Err(DIFFER.to_owned());
    }
    let piece = |text: &Arc<Text>, range: &Range<usize>| Piece::of(text, range.clone()).ok_or(DIFFER);
    let package = |((primary, filelists), other)| {
        let entry = Entry::read([piece(one, primary)?, piece(two, filelists)?, piece(three, other)?])?;
        // Not at the end of a link.
        let found = statat(folder.file(), &*entry.href, AtFlags::SYMLINK_NOFOLLOW);
        let is_unchanged = found.map(|found| is_as(&found, &entry));
        Ok(Package { entry: Arc::new(entry), is_unchanged })
    };
    primary.iter().zip(filelists).zip(other).map(package).collect()
}

/// Whether a file is what was read when it was published, by its size and time. It was given a time of whole seconds: one that
/// somebody wrote in that very second has a fraction.
fn is_as(found: &Stat, entry: &Entry) -> bool {
    let dated = u64::try_from(found.st_mtime) == Ok(entry.time) && found.st_mtime_nsec == 0;
    let is_file = FileType::from_raw_mode(found.st_mode) == FileType::RegularFile;
    is_file && u64::try_from(found.st_size) == Ok(entry.size) && dated
}

/// Where the packages stand in metadata that modgraft has written, where neither of the two can stand in a text.
fn fragments(text: &str) -> Vec<Range<usize>> {
    const END: &str = "</package>\n";
    let Some(mut start) = memmem::find(text.as_bytes(), b"<package ") else { return Vec::new() };
    let ends = memmem::find_iter(text.as_bytes(), END.as_bytes()).map(|at| at + END.len());
    ends.map(|end| std::mem::replace(&mut start, end)..end).collect()
}
