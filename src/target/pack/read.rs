//! Taking a pack that somebody else made.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;

use super::{DIGITS, EXTENSION, Error, FACTS, FORMAT, Facts, LAYOUTS, PROFILE, ROOT};
use crate::compression::Compression;
use crate::layout::Layouts;
use crate::profile::Profile;
use crate::target::Target;
use crate::unpack::{self, Leave, Limits, Tree, archive};

/// The most that is read of a pack. One of a real target has 3 MB, and 60 MB unpacked, most of which is zeros.
const LIMITS: Limits = Limits { package: 64 << 20, file: 256 << 20, all: 1 << 30, entries: 100_000 };

/// Some 300 bytes.
const MAX_FACTS: u64 = 64 << 10;

/// Facts, profile and layouts together have about 1 MB. Bytes.
const MAX_TEXTS: u64 = 64 << 20;

/// A pack that was opened: its id is the one that was wanted, and it is of a form that is known.
#[derive(Debug, Clone)]
pub struct Pack {
    /// The file.
    pub file: PathBuf,
    /// Its SHA-256, in lower-case hexadecimal digits.
    pub sha256: String,
    /// What it says of itself.
    pub facts: Facts,
    /// The conventions of its target's distribution.
    pub profile: Arc<Profile>,
    layouts: Vec<u8>,
}

/// Opens a pack. `sha256` is what it must be; without it, the digits in the file's name are all that is known.
///
/// # Errors
/// [`Error::Digest`] before anything of it is read; [`Error::NotAPack`], [`Error::Newer`], [`Error::Damaged`].
pub fn open(file: &Path, sha256: Option<&str>) -> Result<Pack, Error> {
    let not = |reason: &str| Error::NotAPack { file: file.to_owned(), reason: reason.to_owned() };
    // Before it is opened: a pipe would wait for its writer.
    let metadata = fs_err::metadata(file).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Error::NoFile(file.to_owned()),
        _ => error.into(),
    })?;
    if !metadata.is_file() {
        return Err(not("it is no file"));
    }
    if metadata.len() > LIMITS.package {
        let (size, most) = (metadata.len() / 1_000_000, LIMITS.package / 1_000_000);
        return Err(not(&format!("it has {size} MB, and the most is {most} MB")));
    }
    let wanted = sha256.map(digest).transpose()?;
    let (found, _) = unpack::hash(file)?;
    if let Some(wanted) = wanted.or_else(|| digits(file))
        && !found.starts_with(&wanted)
    {
        return Err(Error::Digest { file: file.to_owned(), found, wanted });
    }
    let mut start = [0; 4];
    let read = std::io::Read::read(&mut fs_err::File::open(file)?, &mut start)?;
    if Compression::of(&start[..read]) != Some(Compression::Zstd) {
        return Err(not("it is not compressed by zstd"));
    }
    let first = archive::first(file, MAX_FACTS)?.filter(|(name, _)| name == FACTS);
    let (_, facts) = first.ok_or_else(|| not("it does not begin with pack.toml"))?;
    let facts = facts_of(file, &facts)?;
    let mut texts = archive::texts(file, ROOT, MAX_TEXTS)?.into_iter().skip(1);
    let damaged = |reason: String| Error::Damaged { file: file.to_owned(), reason };
    let mut text = |wanted: &str| match texts.next() {
        Some((name, text)) if name == wanted => Ok(text),
        _ => Err(damaged(format!("it has no {wanted}"))),
    };
    let profile =
        String::from_utf8(text(PROFILE)?).map_err(|_| damaged(format!("its {PROFILE} is no text")))?;
    let layouts = text(LAYOUTS)?;
    serde_json::from_slice::<Layouts>(&layouts)
        .map_err(|error| damaged(format!("its {LAYOUTS}: {error}")))?;
    let profile = Profile::parse(&facts.profile, &profile, &format!("{} ({PROFILE})", file.display()))?;
    Ok(Pack { file: file.to_owned(), sha256: found, facts, profile, layouts })
}

/// Reads `pack.toml`; of a later form its number alone is understood.
fn facts_of(file: &Path, text: &[u8]) -> Result<Facts, Error> {
    /// What all forms have.
    #[derive(Deserialize)]
    struct Form {
        format: u32,
    }
    let damaged = |reason: String| Error::Damaged { file: file.to_owned(), reason };
    let first = |error: toml::de::Error| {
        damaged(format!("its {FACTS}: {}", error.message().lines().next().unwrap_or_default()))
    };
    let text = std::str::from_utf8(text).map_err(|_| damaged(format!("its {FACTS} is no text")))?;
    let form: Form = toml::from_str(text).map_err(first)?;
    if form.format > FORMAT {
        return Err(Error::Newer { file: file.to_owned(), format: form.format, known: FORMAT });
    }
    if form.format == 0 {
        return Err(damaged("it has the format 0, which there is not".to_owned()));
    }
    if form.format < FORMAT {
        return Err(Error::Older { file: file.to_owned(), format: form.format, known: FORMAT });
    }
    toml::from_str(text).map_err(first)
}

fn digest(typed: &str) -> Result<String, Error> {
    let plain = typed.len() == 64 && typed.bytes().all(|byte| byte.is_ascii_hexdigit());
    if plain { Ok(typed.to_ascii_lowercase()) } else { Err(Error::NoDigest { typed: typed.to_owned() }) }
}

/// The digits of the id at the end of a file's name.
fn digits(file: &Path) -> Option<String> {
    let name = file.file_name()?.to_str()?.strip_suffix(EXTENSION)?.strip_suffix('.')?;
    let (_, digits) = name.rsplit_once('-')?;
    let plain =
        digits.len() == DIGITS && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    plain.then(|| digits.to_owned())
}

impl Pack {
    /// Unpacks the root into the folder `root`, which should be empty, and the layouts beside it.
    ///
    /// # Errors
    /// [`Error::Unpack`], [`Error::Damaged`] where files are missing. What was written before the error stays.
    pub fn unpack(&self, root: &Path) -> Result<(), Error> {
        let mut tree = Tree::create(root, Leave::Documentation, LIMITS)?;
        let files = archive::below(&self.file, ROOT, &mut tree)?;
        tree.finish()?;
        if files != self.facts.files {
            return Err(self.damaged(format!("it states {} files, and has {files}", self.facts.files)));
        }
        fs_err::write(layouts_of(root), &self.layouts)?;
        Ok(())
    }

    /// Whether the target that was found in it is the one that it states.
    ///
    /// # Errors
    /// [`Error::Damaged`].
    pub fn verify(&self, target: &Target) -> Result<(), Error> {
        let found = Facts::of(target, self.facts.files);
        let Facts { format: _, profile: _, files: _, arch, httpd, mmn, apr, glibc, httpd_mmn } = &self.facts;
        let told = [
            ("processor", arch, &found.arch),
            ("httpd", httpd, &found.httpd),
            ("module magic number", mmn, &found.mmn),
            ("APR", apr, &found.apr),
            ("glibc", glibc, &found.glibc),
            ("httpd-mmn", httpd_mmn, &found.httpd_mmn),
        ];
        match told.into_iter().find(|(_, stated, found)| stated != found) {
            Some((what, stated, found)) => {
                Err(self.damaged(format!("it states {what} {stated:?}, and what is in it is {found:?}")))
            }
            None => Ok(()),
        }
    }

    fn damaged(&self, reason: String) -> Error {
        Error::Damaged { file: self.file.clone(), reason }
    }
}

/// Where the layouts of a root that came from a pack are.
pub fn layouts_of(root: &Path) -> PathBuf {
    root.with_file_name(LAYOUTS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_files_name_has_the_digits_of_its_id() {
        let of = |name: &str| digits(Path::new(name));
        assert_eq!(of("/a/el8-0123456789ab.modgraft-pack").as_deref(), Some("0123456789ab"));
        assert_eq!(of("el8.modgraft-pack"), None);
        assert_eq!(of("el8-aarch64.modgraft-pack"), None);
        assert_eq!(of("el8-0123456789ab.tar"), None);
    }

    #[test]
    fn another_form_is_told_whatever_else_it_has() {
        let facts = |text: &str| facts_of(Path::new("x"), text.as_bytes()).unwrap_err().to_string();
        assert_eq!(
            facts("format = 3\nwhat = [1]\n"),
            "the pack x was made by a newer modgraft: its format is 3"
        );
        assert_eq!(
            facts("format = 1\nwhat = [1]\n"),
            "the pack x was made by an older modgraft: its format is 1"
        );
        assert!(facts("format = 0\n").contains("format 0"));
        assert!(facts("format = 2\nwhat = 1\n").contains("unknown field"));
        assert!(facts("[").starts_with("the pack x is damaged: its pack.toml"));
    }

    #[test]
    fn a_digest_is_typed_whole() {
        assert_eq!(digest(&"Ab".repeat(32)).unwrap(), "ab".repeat(32));
        assert!(matches!(digest("abc"), Err(Error::NoDigest { .. })));
    }
}
