//! What came back: packages, compared with the source package and read whole; the logs of what failed.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::client::Last;
use super::{Build, Content, Error, Finished, Place, Source};
use crate::compression::{Bounded, Compression};
use crate::rpm;

/// Where a builder writes what went wrong, the place that says most first: rpmbuild's words, then those of whoever made the root,
/// then the service's own.
const LOGS: [&str; 6] =
    ["build.log", "root.log", "mock_output.log", "task_failed.log", "builder-live.log", "backend.log"];

/// How much of a log's end is read, and how much of a compressed one is unpacked for that. Bytes.
const TAIL: u64 = 64 << 10;
const UNPACKED: u64 = 512 << 20;

/// A package that is whole, and of the source package.
#[derive(Debug)]
pub struct Fetched {
    /// The folder that it lies in, beneath the one of all results.
    pub place: String,
    /// Its file's name.
    pub file: String,
    /// Where it is.
    pub path: PathBuf,
}

/// The packages of all places that did not fail.
///
/// # Errors
/// [`Error::Damaged`], [`Error::Foreign`], [`Error::Other`], [`Error::Incomplete`] for any of them; [`Error::Nothing`] where there is none.
pub fn gather(
    build: &Build,
    source: &Source,
    finished: &Finished,
    folder: &Path,
) -> Result<Vec<Fetched>, Error> {
    let mut all = Vec::new();
    for place in finished.places.iter().filter(|place| place.failure.is_none()) {
        let packages = packages(build, source, place, &folder.join(&place.name))?;
        all.extend(packages);
    }
    if finished.places.is_empty() {
        return Err(Error::Nothing { build: build.to_string(), place: String::new() });
    }
    Ok(all)
}

fn packages(build: &Build, source: &Source, place: &Place, folder: &Path) -> Result<Vec<Fetched>, Error> {
    let mut all = Vec::new();
    // Source packages that came, and of which each other package is.
    let (mut sources, mut made_of) = (BTreeSet::new(), BTreeSet::new());
    for entry in entries(folder)? {
        let file = entry.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !file.ends_with(".rpm") {
            continue;
        }
        let damaged =
            |reason: String| Error::Damaged { package: file.clone(), reason, fetch: build.fetch.clone() };
        // Opened as what is to be signed is: every digest that it states has to hold.
        rpm::Existing::open(&entry).map_err(|error| damaged(error.to_string()))?;
        let package = rpm::inspect(&entry).map_err(|error| damaged(error.to_string()))?;
        let of = if package.is_source {
            format!("{}-{}-{}.src.rpm", package.name, package.version, package.release)
        } else {
            package.source_rpm.unwrap_or_default()
        };
        if !is_of(&of, source) {
            let of = rpm::plain(if of.is_empty() { "no source package" } else { &of });
            return Err(Error::Foreign { package: file, of, source_package: source.file.clone() });
        }
        if package.is_source {
            let content = Content::read(&entry).map_err(|error| damaged(error.to_string()))?;
            if let Some(other) = source.content.differing(&content) {
                let (package, other) = (file, rpm::plain(other));
                return Err(Error::Other { package, file: other, source_package: source.file.clone() });
            }
            sources.insert(of);
        } else {
            made_of.insert(of);
        }
        all.push(Fetched { place: place.name.clone(), file, path: entry });
    }
    let listed = place.listed.iter().find(|listed| !all.iter().any(|here| here.file == **listed));
    // Only the source package says of what: name and version may be another build's, too.
    if let Some(missing) = listed.or_else(|| made_of.difference(&sources).next()) {
        return Err(Error::Incomplete {
            build: build.to_string(),
            package: rpm::plain(missing),
            fetch: build.fetch.clone(),
        });
    }
    if made_of.is_empty() {
        return Err(Error::Nothing { build: build.to_string(), place: place.name.clone() });
    }
    Ok(all)
}

/// Whether a source package's file name is of this name and version. The release is the builder's: Koji and mock put the
/// distribution behind it, the Open Build Service counts its builds in it.
fn is_of(file: &str, source: &Source) -> bool {
    let Some(nevra) = file.strip_suffix(".src.rpm").or_else(|| file.strip_suffix(".nosrc.rpm")) else {
        return false;
    };
    let Some((name_version, release)) = nevra.rsplit_once('-') else { return false };
    !release.is_empty() && name_version == format!("{}-{}", source.name, source.version)
}

/// The regular files of a folder, sorted; links are none.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut files = Vec::new();
    for entry in fs_err::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

/// The logs of a place, each by its name beneath the place's folder, and the last lines of the one that says most.
///
/// # Errors
/// Where the folder cannot be read. A log that cannot be, says nothing.
pub fn logs(folder: &Path) -> Result<(Vec<PathBuf>, Vec<String>), Error> {
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in walkdir::WalkDir::new(folder).max_depth(6).sort_by_file_name() {
        let entry = entry.map_err(std::io::Error::from)?;
        let name = entry.file_name().to_string_lossy();
        if entry.file_type().is_file() && (name.ends_with(".log") || name.ends_with(".log.gz")) {
            files.push(entry.into_path());
        }
    }
    let rank = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = name.trim_end_matches(".gz");
        // Koji has the architecture in it.
        let stem =
            |log: &&str| *name == **log || name.starts_with(&format!("{}.", log.trim_end_matches(".log")));
        LOGS.iter().position(stem).unwrap_or(LOGS.len())
    };
    let mut by_rank: Vec<&PathBuf> = files.iter().collect();
    by_rank.sort_by_key(|path| rank(path));
    let told = by_rank.into_iter().map(|path| tail(path).unwrap_or_default()).find(|tail| !tail.is_empty());
    Ok((files, told.unwrap_or_default()))
}

/// The last lines of a log that have something on them.
fn tail(path: &Path) -> std::io::Result<Vec<String>> {
    let mut file = fs_err::File::open(path)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let packed = name.rfind('.').and_then(|dot| Compression::of_extension(&name[dot..]));
    let mut text = Vec::new();
    match packed {
        Some(compression) => {
            let mut reader =
                BufReader::new(Bounded::new(compression.decoder(BufReader::new(file))?, UNPACKED));
            let mut last = Last::default();
            loop {
                text.clear();
                if reader.by_ref().take(TAIL).read_until(b'\n', &mut text)? == 0 {
                    return Ok(last.lines());
                }
                keep(&mut last, &text);
            }
        }
        None => {
            let start = file.metadata()?.len().saturating_sub(TAIL);
            file.seek(SeekFrom::Start(start))?;
            file.take(TAIL).read_to_end(&mut text)?;
            let mut last = Last::default();
            text.split(|byte| *byte == b'\n').for_each(|line| keep(&mut last, line));
            Ok(last.lines())
        }
    }
}

fn keep(last: &mut Last, line: &[u8]) {
    let line = String::from_utf8_lossy(line);
    // What mock begins each log with, even one that it then has nothing to write to.
    if !line.trim().is_empty() && !line.starts_with("Mock Version:") {
        last.push(rpm::plain(line.trim_end()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_is_of_its_source_whatever_the_release() {
        let source = Source {
            path: "/x/mod_tiny-1.0-1.src.rpm".into(),
            file: "mod_tiny-1.0-1.src.rpm".into(),
            name: "mod_tiny".into(),
            version: "1.0".into(),
            summary: String::new(),
            content: Content::default(),
        };
        for good in ["mod_tiny-1.0-1.src.rpm", "mod_tiny-1.0-1.el8.src.rpm", "mod_tiny-1.0-lp156.2.1.src.rpm"]
        {
            assert!(is_of(good, &source), "{good}");
        }
        for bad in
            ["mod_tiny-1.1-1.src.rpm", "mod_tiny-1.0.src.rpm", "tiny-1.0-1.src.rpm", "mod_tiny-1.0-1.rpm", ""]
        {
            assert!(!is_of(bad, &source), "{bad}");
        }
    }

    #[test]
    fn the_log_that_says_most_is_shown_and_packed_ones_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &[u8]| fs_err::write(folder.path().join(name), text).unwrap();
        write("root.log", b"the root\n");
        assert_eq!(logs(folder.path()).unwrap().1, ["the root"]);
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut packed, "line\n".repeat(40).as_bytes()).unwrap();
        std::io::Write::write_all(&mut packed, b"error: \x1b[31mno httpd.h\n").unwrap();
        write("build.log.gz", &packed.finish().unwrap());
        let (files, told) = logs(folder.path()).unwrap();
        assert_eq!(files.len(), 2);
        assert_eq!(told.len(), 12);
        assert_eq!(told.last().unwrap(), "error: \u{fffd}[31mno httpd.h");
        // An empty one says nothing, nor does one that was only begun.
        write("build.log", b"Mock Version: 6.3\n");
        write("build.log.gz", b"");
        assert_eq!(logs(folder.path()).unwrap().1, ["the root"]);
    }
}
