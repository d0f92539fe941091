//! Whole files from a release tarball, verified before anything of it is unpacked, and unpacked in memory only.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::tree::{count, wanted};
use super::{Error, Options, Sources, Tree};
use crate::address::shown;
use crate::compression::Compression;
use crate::download::{self, Algorithm, Digest, Download};
use crate::hash::sha256;
use crate::process;

/// Unpacked, all files together, in bytes. httpd 2.4 with its manual has some 60 MiB.
const MAX_TOTAL: u64 = 512 << 20;
/// Files, folders and links together. httpd 2.4 has some 5,000.
const MAX_ENTRIES: usize = 100_000;
/// The tarball itself, in bytes.
const MAX_TARBALL: u64 = 256 << 20;

/// Fetches, verifies and unpacks `tarball`; a path is taken from `recipe_dir`.
pub(super) fn fetch(
    tarball: &str,
    digest: &str,
    files: &[String],
    recipe_dir: &Path,
    options: &Options,
) -> Result<Sources, Error> {
    let tree = tree(tarball, digest, recipe_dir, options)?;
    let files = wanted(&tree, files)?;
    let name = tarball.rsplit('/').next().unwrap_or(tarball);
    let description = format!("{} of {name}", count(files.len()));
    Ok(Sources { patches: Vec::new(), base: Some(tree), files, description })
}

/// All of a tarball.
pub(super) fn tree(tarball: &str, digest: &str, recipe_dir: &Path, options: &Options) -> Result<Tree, Error> {
    let expected = digest.to_ascii_lowercase();
    if expected.len() != 64 || !expected.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Error::DigestMalformed { text: digest.to_owned() });
    }
    let name = tarball.rsplit('/').next().unwrap_or(tarball);
    let called = shown(tarball);
    let path = if tarball.starts_with("http://") || tarball.starts_with("https://") {
        match recipe_dir.join(name) {
            beside if !name.is_empty() && beside.is_file() => beside,
            _ => cached(tarball, &expected, options)?,
        }
    } else if let Some((scheme, rest)) = tarball.split_once("://") {
        if scheme != "file" || !rest.starts_with('/') {
            let problem = "a release comes by https://, http:// or file:///";
            return Err(Error::Url { url: called, problem });
        }
        rest.into()
    } else {
        recipe_dir.join(tarball)
    };
    let bytes = read(&path, &called)?;
    let found = sha256(&bytes);
    if found != expected {
        return Err(Error::Digest { file: called, expected, found });
    }
    let files = unpack(&called, &bytes)?;
    Ok(Tree::memory(called, files))
}

/// The tarball at `url` out of the cache, where it is kept under its digest; fetched first where it is not there yet.
fn cached(url: &str, expected: &str, options: &Options) -> Result<PathBuf, Error> {
    let to = options.cache.join("downloads").join(expected);
    if to.is_file() {
        return Ok(to);
    }
    if options.offline {
        return Err(Error::Offline {
            what: shown(url),
            help: "run once without --offline, or put the file beside the recipe under its own name"
                .to_owned(),
        });
    }
    let digest = Digest::new(Algorithm::Sha256, expected);
    let wanted = Download { url: url.to_owned(), to, size: None, digest, limit: MAX_TARBALL };
    match download::one(&wanted, &download::quiet) {
        Ok(fetched) => Ok(fetched.path),
        Err(download::Error::Digest { found, .. }) => Err(Error::Digest {
            file: shown(url),
            expected: expected.to_owned(),
            found: found.hex().to_owned(),
        }),
        Err(download::Error::Io(error)) => Err(error.into()),
        Err(download::Error::Interrupted) => Err(process::Error::Interrupted.into()),
        Err(other) => Err(Error::Download { detail: other.to_string() }),
    }
}

pub(super) fn read(path: &Path, name: &str) -> Result<Vec<u8>, Error> {
    match fs_err::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(Error::TarballMissing { path: path.to_owned() });
        }
        Err(error) => return Err(error.into()),
        Ok(found) if found.is_file() => {}
        Ok(_) => {
            return Err(Error::Tarball {
                file: name.to_owned(),
                problem: "it is not a regular file".to_owned(),
            });
        }
    }
    let mut bytes = Vec::new();
    fs_err::File::open(path)?.take(MAX_TARBALL + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_TARBALL {
        let problem = format!("it has more than {} MiB", MAX_TARBALL >> 20);
        return Err(Error::Tarball { file: name.to_owned(), problem });
    }
    Ok(bytes)
}

/// The reader for what the first bytes say, whatever the file is called.
fn decompressor<'a>(file: &str, bytes: &'a [u8]) -> Result<Box<dyn Read + 'a>, Error> {
    let cursor = Cursor::new(bytes);
    Ok(match Compression::of(bytes) {
        Some(compression) => compression
            .decoder(cursor)
            .map_err(|error| Error::Tarball { file: file.to_owned(), problem: error.to_string() })?,
        None if bytes.get(257..262) == Some(b"ustar") => Box::new(cursor),
        None => {
            let problem = "it is neither a tar archive nor compressed by gzip, bzip2, xz or zstd".to_owned();
            return Err(Error::Tarball { file: file.to_owned(), problem });
        }
    })
}

/// The regular files of the archive, their common top folder taken off.
fn unpack(file: &str, bytes: &[u8]) -> Result<BTreeMap<String, Arc<[u8]>>, Error> {
    let broken = |problem: String| Error::Tarball { file: file.to_owned(), problem };
    let unreadable = |error: io::Error| broken(format!("it is damaged: {error}"));
    // Long-name and pax records are read whole into memory by the crate: the limit on the stream bounds those too.
    let mut archive = tar::Archive::new(decompressor(file, bytes)?.take(MAX_TOTAL + 1));
    let mut files: BTreeMap<String, Arc<[u8]>> = BTreeMap::new();
    let (mut total, mut entries) = (0_u64, 0_usize);
    for entry in archive.entries().map_err(unreadable)? {
        let mut entry = entry.map_err(unreadable)?;
        entries += 1;
        if entries > MAX_ENTRIES {
            return Err(broken(format!("it has more than {MAX_ENTRIES} entries")));
        }
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let kind = entry.header().entry_type();
        let refuse = |problem| Error::TarballUnsafe { file: file.to_owned(), entry: path.clone(), problem };
        let checked = match safe(&path) {
            Ok(Some(checked)) => checked,
            // The top folder itself, written as `./`.
            Ok(None) => continue,
            Err(problem) => return Err(refuse(problem)),
        };
        if kind.is_symlink() || kind.is_hard_link() {
            let target = entry.link_name_bytes().unwrap_or_default();
            let target = String::from_utf8_lossy(&target).into_owned();
            if !stays(&checked, &target, kind.is_hard_link()) {
                return Err(refuse("it is a link that leaves the archive's folder"));
            }
            // A hard link is the file under a second name; a symbolic link counts as absent.
            if kind.is_hard_link()
                && let Ok(Some(target)) = safe(&target)
                && let Some(content) = files.get(&target).cloned()
            {
                files.insert(checked, content);
            }
            continue;
        }
        if !kind.is_file() && !kind.is_contiguous() && !kind.is_gnu_sparse() {
            if !kind.is_dir() && !kind.is_pax_global_extensions() {
                return Err(refuse("it is a device or a pipe"));
            }
            continue;
        }
        total = total.saturating_add(entry.size());
        if total > MAX_TOTAL {
            return Err(broken(format!("unpacked, it has more than {} MiB", MAX_TOTAL >> 20)));
        }
        let mut content = Vec::new();
        entry.read_to_end(&mut content).map_err(unreadable)?;
        files.insert(checked, content.into());
    }
    if files.is_empty() {
        return Err(broken("it has no files".to_owned()));
    }
    Ok(without_top(files))
}

/// The path in one form, nothing for `.`; or what is wrong with it.
fn safe(path: &str) -> Result<Option<String>, &'static str> {
    if path.starts_with('/') {
        return Err("its path is absolute");
    }
    if path.chars().any(char::is_control) {
        return Err("its path has a control character in it");
    }
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    if parts.contains(&"..") {
        return Err("its path has `..` in it");
    }
    Ok(if parts.is_empty() { None } else { Some(parts.join("/")) })
}

/// Whether a link at `path` to `target` stays beneath the archive's own folder. Hard links count from the top.
fn stays(path: &str, target: &str, hard: bool) -> bool {
    if target.starts_with('/') {
        return false;
    }
    let top = path.split('/').next().unwrap_or_default();
    let mut at: Vec<&str> = if hard { Vec::new() } else { path.split('/').collect() };
    at.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                if at.pop().is_none() {
                    return false;
                }
            }
            part => at.push(part),
        }
    }
    // A link at the top level may only lead to what is beside it; one in a folder must stay in that folder.
    !path.contains('/') || at.first() == Some(&top)
}

fn without_top(files: BTreeMap<String, Arc<[u8]>>) -> BTreeMap<String, Arc<[u8]>> {
    let top = files.keys().next().and_then(|path| path.split_once('/')).map(|(top, _)| format!("{top}/"));
    match top {
        Some(top) if files.keys().all(|path| path.starts_with(&top)) => {
            files.into_iter().map(|(path, content)| (path[top.len()..].to_owned(), content)).collect()
        }
        _ => files,
    }
}
