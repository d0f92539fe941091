//! Where the target's shared libraries are on this host: the folders that its dynamic linker searches.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::GlibcVersion;
use super::elf::{self, Header};
use super::roots::{self, Roots};
use crate::memo::Memo;

/// The folders with a target's shared libraries, in the order of search. A library is looked for once, and known to clones.
#[derive(Debug, Clone)]
pub struct Libraries {
    folders: Vec<Folder>,
    header: Header,
    /// By the names under which others need them.
    found: Arc<Memo<String, Option<Found>>>,
}

/// The path by which the target's dynamic linker knows a library, and its file on this host.
type Found = (String, PathBuf);

#[derive(Debug, Clone)]
struct Folder {
    /// The root that it is below.
    root: PathBuf,
    /// On this host.
    path: PathBuf,
    /// As the target's configuration names it.
    name: String,
}

/// What glibc's dynamic linker searches after ld.so.conf (ld.so(8)); the multiarch folders are found by listing.
const DEFAULT_FOLDERS: &[&str] = &["/lib64", "/usr/lib64", "/lib", "/usr/lib"];

/// What glibc opens when a thread is cancelled or ends (pthread_cancel(3), pthread_exit(3)), and httpd with it where it is missing. No
/// file names it, so it is easily left out.
pub const LIBGCC: &str = "libgcc_s.so.1";

/// The packages that have [`LIBGCC`].
pub const LIBGCC_PACKAGES: &str =
    "libgcc-s1 (libgcc1 before Debian 11), on Enterprise Linux libgcc, on SUSE libgcc_s1";

/// ld.so.conf files that include each other are cut off here.
const MAX_INCLUDES: usize = 8;

impl Libraries {
    /// Finds the folders. Libraries of another processor than this are passed over.
    pub fn of(roots: &Roots, header: Header) -> Self {
        let mut seen = BTreeSet::new();
        let mut folders = Vec::new();
        for root in roots.iter() {
            // The folders below are compared with it.
            let Ok(root) = root.canonicalize() else { continue };
            let root = root.as_path();
            let mut names = Vec::new();
            read_conf(root, "/etc/ld.so.conf", &mut names, 0);
            for default in DEFAULT_FOLDERS {
                names.extend(multiarch(root, default));
                names.push((*default).to_owned());
            }
            for name in names {
                // Where /lib is a link to /usr/lib, each folder would be searched twice.
                if let Some(folder) = roots::find_in(root, &name)
                    && let Ok(folder) = folder.canonicalize()
                    && folder.is_dir()
                    && seen.insert(folder.clone())
                {
                    folders.push(Folder { root: root.to_owned(), path: folder, name });
                }
            }
        }
        Libraries { folders, header, found: Arc::default() }
    }

    /// Searches these folders of the host before all others: those that a program names itself.
    pub fn searching_first(mut self, folders: Vec<PathBuf>) -> Self {
        let of_host = |path: PathBuf| Folder {
            root: PathBuf::from("/"),
            name: path.to_string_lossy().into_owned(),
            path,
        };
        self.folders.splice(0..0, folders.into_iter().map(of_host));
        self.found = Arc::default();
        self
    }

    /// The file of a library that another one needs under this name.
    pub fn find(&self, soname: &str) -> Option<PathBuf> {
        self.find_named(soname).map(|(_, file)| file)
    }

    /// The same, with the path by which the target's dynamic linker knows it.
    pub fn find_named(&self, soname: &str) -> Option<(String, PathBuf)> {
        self.found.get(soname, || self.places(soname).find(|(_, file)| self.fits(file)))
    }

    /// Whether a file is of the target's processor.
    pub fn fits(&self, file: &Path) -> bool {
        elf::header(file) == Some(self.header)
    }

    /// A folder of RPATH or RUNPATH, of a file in the folder `origin`.
    pub fn with_origin(folder: &str, origin: &str) -> String {
        folder.replace("${ORIGIN}", origin).replace("$ORIGIN", origin)
    }

    /// The files of this name in the folders, in the order of search; links are followed.
    pub fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = PathBuf> + 'a {
        self.places(name).map(|(_, file)| file)
    }

    fn places<'a>(&'a self, name: &'a str) -> impl Iterator<Item = Found> + 'a {
        let folders = self.folders.iter().filter(|_| !name.contains('/'));
        folders.filter_map(move |folder| {
            let file = folder.path.join(name);
            let found = match file.strip_prefix(&folder.root) {
                Ok(below) if folder.root != Path::new("/") => {
                    roots::find_in(&folder.root, &below.to_string_lossy())
                }
                _ => Some(file).filter(|file| file.exists()),
            };
            Some((format!("{}/{name}", folder.name), found?))
        })
    }

    /// The folders, in the order of search.
    pub fn folders(&self) -> impl Iterator<Item = &Path> {
        self.folders.iter().map(|folder| folder.path.as_path())
    }

    /// The libraries that a program or library needs, those that its libraries need included, in the order of search.
    pub fn needed_by(&self, file: &Path) -> Vec<String> {
        let needs = |file: &Path| elf::parse_without_symbols(file).unwrap_or_default().needed;
        let mut found = needs(file);
        let mut next = 0;
        while let Some(library) = found.get(next) {
            for needed in self.find(library).map(|file| needs(&file)).unwrap_or_default() {
                if !found.contains(&needed) {
                    found.push(needed);
                }
            }
            next += 1;
        }
        found
    }

    /// The folders below `root`, as a program from there needs them in `LD_LIBRARY_PATH`.
    pub fn below(&self, root: &Path) -> Vec<PathBuf> {
        let Ok(root) = root.canonicalize() else { return Vec::new() };
        self.folders().filter(|folder| folder.starts_with(&root)).map(Path::to_owned).collect()
    }

    /// The version of the C library: what it states of itself, since not each version has brought new symbols; else the
    /// highest version of a symbol that it defines.
    pub fn glibc(&self) -> Option<GlibcVersion> {
        let file = self.find("libc.so.6")?;
        let stated = fs_err::File::open(&file).ok().and_then(stated_version);
        stated.or_else(|| {
            let defined = elf::parse_without_symbols(&file).ok()?.defines;
            defined.iter().filter_map(|version| GlibcVersion::of_symbol(version)).max()
        })
    }
}

/// `GNU C Library (Debian GLIBC 2.31-13) stable release version 2.31.` (csu/version.c)
fn stated_version(mut library: impl Read) -> Option<GlibcVersion> {
    const BEFORE: &[u8] = b" release version 2.";
    const DIGITS: usize = 3;
    // Some megabytes, of which a part at a time is looked at, with the end of the one before it.
    let (mut content, mut kept) = (vec![0; 64 << 10], 0);
    loop {
        let end = kept + library.read(&mut content[kept..]).ok()?;
        let is_last = end == kept;
        let found = memchr::memmem::find(&content[..end], BEFORE).map(|at| at + BEFORE.len());
        if let Some(at) = found.filter(|at| is_last || at + DIGITS <= end) {
            let digits = content[at..end].iter().take(DIGITS).take_while(|byte| byte.is_ascii_digit());
            let minor = digits.fold(0, |number, digit| number * 10 + u32::from(digit - b'0'));
            return Some(GlibcVersion { major: 2, minor }).filter(|version| version.minor > 0);
        }
        if is_last {
            return None;
        }
        kept = end.min(BEFORE.len() + DIGITS);
        content.copy_within(end - kept..end, 0);
    }
}

/// The folders that ld.so.conf and the files that it includes name, in order.
fn read_conf(root: &Path, file: &str, folders: &mut Vec<String>, depth: usize) {
    let Some(Ok(text)) = roots::find_in(root, file).map(fs_err::read_to_string) else { return };
    for line in text.lines().map(|line| line.split('#').next().unwrap_or_default().trim()) {
        if let Some(pattern) = line.strip_prefix("include").filter(|rest| rest.starts_with([' ', '\t'])) {
            if depth < MAX_INCLUDES {
                for file in included(root, pattern.trim()) {
                    read_conf(root, &file, folders, depth + 1);
                }
            }
        } else if line.starts_with('/') {
            folders.push(line.to_owned());
        }
    }
}

/// The files of an `include` line. Its pattern has a `*` in the last component only, as ldconfig's own files have it.
fn included(root: &Path, pattern: &str) -> Vec<String> {
    let pattern = if pattern.starts_with('/') { pattern.to_owned() } else { format!("/etc/{pattern}") };
    let Some((folder, name)) = pattern.rsplit_once('/') else { return Vec::new() };
    let Some((before, after)) = name.split_once('*') else { return vec![pattern] };
    let Some(Ok(entries)) = roots::find_in(root, folder).map(fs_err::read_dir) else { return Vec::new() };
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let mut files: Vec<String> = names
        .filter(|name| {
            name.len() >= before.len() + after.len() && name.starts_with(before) && name.ends_with(after)
        })
        .map(|name| format!("{folder}/{name}"))
        .collect();
    files.sort();
    files
}

/// Debian's multiarch folders beneath a library folder: `x86_64-linux-gnu`.
fn multiarch(root: &Path, folder: &str) -> Vec<String> {
    let Some(Ok(entries)) = roots::find_in(root, folder).map(fs_err::read_dir) else { return Vec::new() };
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let mut folders: Vec<String> =
        names.filter(|name| name.contains("-linux-gnu")).map(|name| format!("{folder}/{name}")).collect();
    folders.sort();
    folders
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ld_so_conf_is_followed_through_its_includes() {
        let root = tempfile::tempdir().unwrap();
        let etc = root.path().join("etc/ld.so.conf.d");
        fs_err::create_dir_all(&etc).unwrap();
        let write = |name: &str, text: &str| fs_err::write(root.path().join("etc").join(name), text).unwrap();
        write("ld.so.conf", "# all\ninclude ld.so.conf.d/*.conf\n/opt/a # one\n");
        write("ld.so.conf.d/b.conf", "/opt/b\n");
        write("ld.so.conf.d/a.conf", "/opt/c\ninclude /etc/ld.so.conf\n");
        write("ld.so.conf.d/not", "/opt/d\n");
        let mut folders = Vec::new();
        read_conf(root.path(), "/etc/ld.so.conf", &mut folders, MAX_INCLUDES - 1);
        assert_eq!(folders, ["/opt/c", "/opt/b", "/opt/a"]);
    }

    #[test]
    fn the_c_library_states_its_version() {
        let stated = |text: &[u8]| stated_version(text).map(|version| version.to_string());
        assert_eq!(stated(b"\0GNU C Library (x) stable release version 2.31.\n").as_deref(), Some("2.31"));
        assert_eq!(stated(b"GNU C Library stable release version 2.12, by").as_deref(), Some("2.12"));
        assert_eq!(stated(b"release version 2."), None);
        // Wherever one part of the file ends and the next begins.
        for before in (64 << 10) - 40..(64 << 10) + 40 {
            let text = [&vec![b'x'; before], &b" release version 2.41 "[..]].concat();
            assert_eq!(stated(&text).as_deref(), Some("2.41"), "{before}");
        }
    }

    #[test]
    fn this_hosts_c_library_has_a_version() {
        let header = elf::header(Path::new("/proc/self/exe")).unwrap();
        let glibc = Libraries::of(&Roots::host(), header).glibc();
        assert!(glibc.is_some_and(|version| version.major == 2 && version.minor >= 17), "{glibc:?}");
    }
}
