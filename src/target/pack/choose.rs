//! Which part of a target's root a build reads.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::Error;
use crate::target::Target;

/// How an entry of the root is packed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// As it is.
    Whole,
    /// An ELF file without its code.
    Stub,
    /// A symbolic link, leading there.
    Link(PathBuf),
}

/// Files that tell the release, and the folders of libraries (os-release(5), ldconfig(8)).
const TELLING: &[&str] = &["etc/os-release", "usr/lib/os-release", "etc/ld.so.conf"];

/// The folder of further such files.
const LD_SO_CONF_D: &str = "etc/ld.so.conf.d";

/// Headers of other languages.
const OTHER_HEADERS: &[&str] = &["c++", "node", "rust"];

/// Documentation, and what is like it: links in it are of no use.
const SHARED: &str = "usr/share";

/// A configuration file that is longer is none that a person wrote. Bytes.
const MAX_CONFIGURATION: u64 = 256 << 10;

/// A static library that is longer is no wrapper around a shared one. Bytes.
const MAX_ARCHIVE: u64 = 4 << 20;

/// A linker script that is longer is none; glibc's have some 200 bytes.
const MAX_SCRIPT: u64 = 64 << 10;

/// The entries of a target's root that a build, the audit and the simulation of the loader read, by their paths in it.
///
/// # Errors
/// The root cannot be read.
pub fn choose(target: &Target, root: &Path) -> Result<BTreeMap<PathBuf, How>, Error> {
    let root = root.canonicalize()?;
    let below = |path: &Path| path.strip_prefix(&root).ok().map(Path::to_owned);
    let folders = |paths: &mut dyn Iterator<Item = &Path>| -> BTreeSet<PathBuf> {
        paths.filter_map(|path| path.canonicalize().ok()).filter_map(|path| below(&path)).collect()
    };
    let libraries = folders(&mut target.libraries.folders());
    let modules = folders(&mut [target.modules_dir.as_path()].into_iter());
    let mut headers = {
        let own = target.include_dirs.iter().map(PathBuf::as_path);
        let mut headers = folders(&mut own.chain([root.join("usr/include").as_path()]));
        headers.retain(|folder| !folder.as_os_str().is_empty());
        headers
    };
    headers.extend(linked(&root, &headers, &libraries.union(&modules).collect::<Vec<_>>()));
    let configuration = configuration(target);
    let program = target.program.as_ref().and_then(|program| below(&program.canonicalize().ok()?));
    let variables: Vec<PathBuf> =
        target.profile.httpd.config_vars.iter().map(|file| relative(file)).collect();
    let shared: BTreeSet<String> = shared_names(&root, &libraries);

    let mut chosen = BTreeMap::new();
    for entry in WalkDir::new(&root).sort_by_file_name() {
        let entry = entry.map_err(io::Error::from)?;
        let Some(path) = below(entry.path()).filter(|path| !path.as_os_str().is_empty()) else { continue };
        let parent = path.parent().unwrap_or(Path::new("")).to_owned();
        let in_any = |folders: &BTreeSet<PathBuf>| folders.iter().any(|folder| path.starts_with(folder));
        if entry.file_type().is_symlink() {
            if !path.starts_with(SHARED) {
                chosen.insert(path, How::Link(fs_err::read_link(entry.path())?));
            }
            continue;
        }
        if !entry.file_type().is_file() {
            continue;
        }
        let size = entry.metadata().map_err(io::Error::from)?.len();
        let name = entry.file_name().to_string_lossy().into_owned();
        let how = if program.as_ref() == Some(&path) {
            Some(How::Stub)
        } else if TELLING.iter().any(|file| path == Path::new(file))
            || parent == Path::new(LD_SO_CONF_D)
            || variables.contains(&path)
        {
            Some(How::Whole)
        } else if in_any(&headers) {
            (!is_of_another_language(&path)).then_some(How::Whole)
        } else if libraries.contains(&parent) || modules.contains(&parent) && name.ends_with(".so") {
            library(entry.path(), &name, size, &shared)?
        } else {
            in_any(&configuration).then_some(How::Whole).filter(|_| size <= MAX_CONFIGURATION)
        };
        chosen.extend(how.map(|how| (path, how)));
    }
    Ok(chosen)
}

/// The files elsewhere in the root that links among the headers lead to: all of Debian 13's `asm/` is in `usr/lib/linux/uapi`.
/// What they lead to may be a folder, too, but none that has `others` in it: those are taken by their own rules.
fn linked(root: &Path, headers: &BTreeSet<PathBuf>, others: &[&PathBuf]) -> BTreeSet<PathBuf> {
    let real = |path: &Path| path.canonicalize().ok()?.strip_prefix(root).ok().map(Path::to_owned);
    let is_header = |path: &Path| headers.iter().any(|folder| path.starts_with(folder));
    let mut found = BTreeSet::new();
    for folder in headers {
        let entries = WalkDir::new(root.join(folder)).follow_links(true).into_iter().filter_entry(|entry| {
            let own = entry.path().strip_prefix(root).is_ok_and(|path| !is_of_another_language(path));
            let apart = || {
                real(entry.path()).is_some_and(|path| !others.iter().any(|other| other.starts_with(&path)))
            };
            own && (entry.depth() == 0 || !entry.file_type().is_dir() || apart())
        });
        // A link that leads nowhere, or around in a circle, has no header.
        let files = entries.flatten().filter(|entry| entry.file_type().is_file());
        found.extend(files.filter_map(|entry| real(entry.path())).filter(|path| !is_header(path)));
    }
    found
}

fn is_of_another_language(path: &Path) -> bool {
    path.components().any(|part| OTHER_HEADERS.iter().any(|other| part.as_os_str() == *other))
}

/// What stands in a folder of libraries: shared ones, what they are started with, linker scripts, and static ones where there is
/// no shared one of that name.
fn library(file: &Path, name: &str, size: u64, shared: &BTreeSet<String>) -> io::Result<Option<How>> {
    if let Some(stem) = name.strip_suffix(".a") {
        let needed = size <= MAX_ARCHIVE && (stem.ends_with("_nonshared") || !shared.contains(stem));
        return Ok(needed.then_some(How::Whole));
    }
    if name.ends_with(".o") {
        return Ok((size <= MAX_ARCHIVE).then_some(How::Whole));
    }
    if !name.contains(".so") {
        return Ok(None);
    }
    let mut start = [0; 4];
    let read = fs_err::File::open(file)?.read(&mut start)?;
    Ok(match &start[..read] {
        [0x7f, b'E', b'L', b'F'] => Some(How::Stub),
        _ => (size <= MAX_SCRIPT).then_some(How::Whole),
    })
}

/// `libm` of each `libm.so`.
fn shared_names(root: &Path, folders: &BTreeSet<PathBuf>) -> BTreeSet<String> {
    let entries =
        folders.iter().filter_map(|folder| fs_err::read_dir(root.join(folder)).ok()).flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    names.filter_map(|name| name.strip_suffix(".so").map(str::to_owned)).collect()
}

/// The folders with httpd's configuration: that of the variables, with those beside it where it is one of several, and the
/// drop-ins'.
fn configuration(target: &Target) -> BTreeSet<PathBuf> {
    let mut folders = BTreeSet::new();
    let stated = ["exp_sysconfdir", "sysconfdir"].iter().find_map(|name| target.variables.get(*name));
    let profiles = Some(&target.profile.httpd.sysconfdir);
    for folder in stated.into_iter().chain(profiles) {
        let folder = relative(folder);
        // `/etc/httpd/conf` is beside `/etc/httpd/conf.d`.
        let one_of_several = folder.file_name().is_some_and(|name| name == "conf");
        let whole = if one_of_several { folder.parent().map(Path::to_owned) } else { None };
        folders.insert(whole.unwrap_or(folder));
    }
    for pattern in [&target.layout.load_file, &target.layout.directives_file] {
        folders.extend(relative(pattern).parent().map(Path::to_owned));
    }
    // All of /etc, or of the root, would be more than httpd's.
    folders.retain(|folder| folder.components().count() > 1);
    folders
}

fn relative(path: &str) -> PathBuf {
    PathBuf::from(path.replace("//", "/").trim_matches('/'))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn what_links_among_the_headers_lead_to_is_a_header() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for file in
            ["usr/include/own.h", "usr/lib/uapi/a.h", "usr/lib/more/deep/b.h", "usr/lib/libx.so", "usr/x.h"]
        {
            let file = root.join(file);
            fs_err::create_dir_all(file.parent().unwrap()).unwrap();
            fs_err::write(file, "").unwrap();
        }
        fs_err::create_dir_all(root.join("usr/include/asm")).unwrap();
        fs_err::create_dir_all(root.join("usr/include/c++")).unwrap();
        for (link, to) in [
            ("asm/a.h", "../../lib/uapi/a.h"),
            ("more", "../lib/more"),
            ("same.h", "own.h"),
            ("c++/x.h", "../../x.h"),
            ("lost.h", "nothing.h"),
            ("circle", "."),
            ("all", "../lib"),
            ("out", "/"),
        ] {
            symlink(to, root.join("usr/include").join(link)).unwrap();
        }
        let headers = BTreeSet::from([PathBuf::from("usr/include")]);
        let found = linked(&root, &headers, &[&PathBuf::from("usr/lib")]);
        let expected = ["usr/lib/more/deep/b.h", "usr/lib/uapi/a.h"].map(PathBuf::from);
        assert_eq!(found, BTreeSet::from(expected));
    }
}
