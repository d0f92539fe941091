//! The files of a package one after another, each with its content, all of them checked against what the header says.

use std::collections::HashMap;
use std::io::{self, Read};
use std::path::Path;

use super::archive::{Archive, Inode, Name, Node};
use super::digests::{self, Hash, Verdict, file_algorithm, hasher, most};
use super::files::{self, GHOST, Listed};
use super::{Error, Opened, index, key, pass};
use rpm::IndexTag;

/// What a package says that it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// `httpd-devel`.
    pub name: String,
    /// `2.4.37-51.el8`, with `EPOCH:` in front where it has one.
    pub version: String,
    /// `x86_64`, `noarch`.
    pub arch: String,
    /// A source package, which has nothing to install.
    pub is_source: bool,
}

/// Reads what a package says that it is.
///
/// # Errors
/// [`Error::NotAPackage`], [`Error::Damaged`].
pub fn identify(package: &Path) -> Result<Identity, Error> {
    let package = Opened::open(package)?;
    let text = |tag, what: &str| {
        package.text(tag)?.ok_or_else(|| package.damaged(format!("its header does not state its {what}")))
    };
    let version = text(IndexTag::RPMTAG_VERSION, "version")?;
    let release = text(IndexTag::RPMTAG_RELEASE, "release")?;
    let epoch = package.integer(IndexTag::RPMTAG_EPOCH)?.map(|epoch| format!("{epoch}:"));
    Ok(Identity {
        name: text(IndexTag::RPMTAG_NAME, "name")?,
        version: format!("{}{version}-{release}", epoch.unwrap_or_default()),
        arch: text(IndexTag::RPMTAG_ARCH, "architecture")?,
        is_source: !package.has(IndexTag::RPMTAG_SOURCERPM),
    })
}

/// A file as it comes.
#[derive(Debug, Clone, Copy)]
pub struct Packed<'a> {
    /// As the header has it: absolute, and anything a stranger may have put there.
    pub path: &'a str,
    /// `st_mode`.
    pub mode: u16,
    /// Of the content. Bytes.
    pub size: u64,
    /// Where a symbolic link leads.
    pub target: &'a str,
    /// How many names the file has in the package.
    pub names: u32,
    /// The first of them to come, which has the content; this is another name of the same file then.
    pub same_as: Option<&'a str>,
}

/// Gives all files of a package to `take`, with their content, in the order of the payload. What it leaves unread is read.
///
/// # Errors
/// [`Error::Damaged`] before the first file, where a digest of header or payload does not hold; later, where payload and
/// header differ, a file's digest does not hold, or the payload is larger than `limit`. The errors of `take`.
pub fn each_file<E: From<Error>>(
    package: &Path,
    limit: u64,
    take: &mut dyn FnMut(Packed<'_>, &mut dyn Read) -> Result<(), E>,
) -> Result<(), E> {
    let package = Opened::open(package)?;
    pass::demand(&package)?;
    let listed = files::list(&package)?;
    let mut archive = Archive::open(&package, most(&package)?.min(limit))?;
    Walk::of(&package, &listed, take)?.run(&mut archive)
}

/// Whether the payload has the files of the header, each with its size and digest, and no others.
///
/// # Errors
/// [`Error::Interrupted`]; [`Error::Damaged`] where the header does not say by which algorithm.
pub(super) fn verdict(
    package: &Opened,
    listed: &[Listed],
    archive: &mut Archive<'_>,
) -> Result<Verdict, Error> {
    if hasher(file_algorithm(package)?).is_none() {
        return Ok(Verdict::Unchecked);
    }
    match Walk::of(package, listed, &mut |_, _| Ok(()))?.run(archive) {
        Ok(()) => Ok(Verdict::Ok),
        Err(Error::Interrupted) => Err(Error::Interrupted),
        Err(_) => Ok(Verdict::Bad),
    }
}

struct Walk<'a, 't, E> {
    package: &'a Opened,
    listed: &'a [Listed],
    take: &'t mut dyn FnMut(Packed<'_>, &mut dyn Read) -> Result<(), E>,
    /// Of the files' digests, in rpm's numbering.
    algorithm: u64,
    /// Names of files whose content comes with another name.
    waiting: HashMap<Inode, Vec<&'a Listed>>,
}

impl<'a, 't, E: From<Error>> Walk<'a, 't, E> {
    fn of(
        package: &'a Opened,
        listed: &'a [Listed],
        take: &'t mut dyn FnMut(Packed<'_>, &mut dyn Read) -> Result<(), E>,
    ) -> Result<Self, Error> {
        let algorithm = file_algorithm(package)?;
        Ok(Walk { package, listed, take, algorithm, waiting: HashMap::new() })
    }

    fn run(mut self, archive: &mut Archive<'_>) -> Result<(), E> {
        let (package, listed) = (self.package, self.listed);
        let (by_path, nodes) = (index(listed), files::nodes(package, listed)?);
        let mut seen = vec![false; listed.len()];
        while let Some(entry) = archive.next().map_err(|error| self.unreadable(&error))? {
            let number = match &entry.name {
                Name::Path(path) => by_path.get(key(path)).copied(),
                Name::Index(index) => usize::try_from(*index).ok(),
            };
            let found = number
                .and_then(|number| Some((listed.get(number)?, seen.get_mut(number)?, *nodes.get(number)?)));
            let Some((file, seen, node)) = found else {
                return Err(package.damaged("its payload has a file that its header has not").into());
            };
            if std::mem::replace(seen, true) {
                return Err(package.damaged(format!("{} is in its payload twice", shown(file))).into());
            }
            let Node { size, links, inode } = entry.node.unwrap_or(node);
            if links > 1 && size == 0 && file.size > 0 {
                self.waiting.entry(inode).or_default().push(file);
                continue;
            }
            // Older rpms state the size that the file system gave a folder.
            if size != file.size && !file.is_folder() {
                return Err(package
                    .damaged(format!("header and payload differ in the size of {}", shown(file)))
                    .into());
            }
            self.give(file, size, links, archive)?;
            for other in self.waiting.remove(&inode).unwrap_or_default() {
                if (other.size, &other.digest) != (file.size, &file.digest) {
                    return Err(package
                        .damaged(format!("{} is not what its header says", shown(other)))
                        .into());
                }
                let packed = Packed { same_as: Some(&file.path), ..packed(other, links) };
                (self.take)(packed, &mut io::empty())?;
            }
        }
        if let Some(file) = self.waiting.values().flatten().next() {
            return Err(package.damaged(format!("{} has no content", shown(file))).into());
        }
        match listed.iter().zip(seen).find(|(file, seen)| !seen && file.flags & GHOST == 0) {
            Some((missing, _)) => {
                Err(package.damaged(format!("{} is not in its payload", shown(missing))).into())
            }
            None => Ok(()),
        }
    }

    fn give(&mut self, file: &Listed, size: u64, links: u32, archive: &mut Archive<'_>) -> Result<(), E> {
        let Some((_, hash)) = hasher(self.algorithm) else {
            return Err(self.package.damaged("its files' digests are of an unknown kind").into());
        };
        let mut content = Content { input: archive.content(size), hash, read: 0, failed: None };
        let taken = (self.take)(packed(file, links), &mut content);
        // The reason that the taker saw is the package's.
        if let Some(error) = &content.failed {
            return Err(self.unreadable(error).into());
        }
        taken?;
        let rest = digests::read_into(&mut content, |_| {});
        if let Some(error) = &content.failed {
            return Err(self.unreadable(error).into());
        }
        rest?;
        let Content { hash, read, .. } = content;
        if read != size {
            return Err(self.package.damaged(format!("{} is cut off", shown(file))).into());
        }
        if file.is_regular() && !hash.end().eq_ignore_ascii_case(&file.digest) {
            return Err(self.package.damaged(format!("the digest of {} does not hold", shown(file))).into());
        }
        Ok(())
    }

    fn unreadable(&self, error: &io::Error) -> Error {
        self.package.damaged(format!("its payload cannot be read: {error}"))
    }
}

fn packed(file: &Listed, names: u32) -> Packed<'_> {
    let Listed { path, mode, size, target, .. } = file;
    Packed { path, mode: *mode, size: *size, target, names, same_as: None }
}

fn shown(file: &Listed) -> String {
    format!("`{}`", file.path.escape_debug())
}

/// A file's content on its way, hashed.
struct Content<R> {
    input: R,
    hash: Box<dyn Hash>,
    read: u64,
    failed: Option<io::Error>,
}

impl<R: Read> Read for Content<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.input.read(buffer) {
            Ok(read) => {
                self.hash.take(&buffer[..read]);
                self.read += read as u64;
                Ok(read)
            }
            Err(error) => {
                let told = io::Error::new(error.kind(), error.to_string());
                self.failed = Some(error);
                Err(told)
            }
        }
    }
}
