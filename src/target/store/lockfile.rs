//! `modgraft.lock`: the packages of each target and the outside sources of each recipe by their digests, so that the next machine
//! gets the same.
//!
//! It lies in a project's folder, is meant to be committed, and is written anew as a whole: sorted, with the same bytes for
//! the same content.

mod recipes;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use miette::NamedSource;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;
use toml::Spanned;

use super::{Error, Name, Pinned};
use crate::beneath::at;
use crate::machine::Machine;
use crate::source::Pinned as Source;
use crate::target::lock;

/// What it is called where nobody says otherwise.
pub const FILE: &str = "modgraft.lock";

/// The newest form of the file, which says by which keys packages were checked. An older modgraft does not read it, and so does not
/// take packages that nobody checked.
const VERSION: i64 = 3;

/// The form of one with recipes, and without keys.
const WITH_RECIPES: i64 = 2;

/// The form of one with neither, which the first modgraft read.
const TARGETS_ONLY: i64 = 1;

/// Stands on top.
const HEADER: &str =
    "# The packages of each target, by `modgraft target add`. To be committed; not edited.\n";

/// Stands on top where there are recipes too.
const HEADER_OF_BOTH: &str = "# The packages of each target, by `modgraft target add`, and the sources of each recipe, by `modgraft update --write`.\n\
     # To be committed; not edited.\n";

/// Longer ones are not read. Bytes.
const LONGEST: u64 = 16 << 20;

/// A lock file's content.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LockFile {
    targets: BTreeMap<Name, Locked>,
    /// By the path of the recipe's folder, from the lock file's.
    recipes: BTreeMap<String, Vec<Source>>,
}

/// What it says of a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Locked {
    /// A profile's name, or the path of a profile's file from the lock file's folder.
    pub profile: String,
    /// The processor.
    pub machine: &'static Machine,
    /// The repositories that the packages are from; none where they were given as files.
    pub repositories: Vec<String>,
    /// The fingerprints of the public keys by one of which each package had to be signed, upper-case hexadecimal, sorted; none
    /// where no signature was demanded.
    pub keys: Vec<String>,
    /// Sorted.
    pub packages: Vec<Pinned>,
}

impl Locked {
    /// Packages that nobody has locked yet need a key where it was demanded once that they are signed: what was asked when the
    /// target was added holds for what comes later. Whose key it is, is said by whoever gives it.
    ///
    /// # Errors
    /// [`Error::NoKey`].
    pub fn demand_key(&self, name: &Name, lock: &Path, key: Option<&Path>) -> Result<(), Error> {
        match &self.keys[..] {
            [] => Ok(()),
            _ if key.is_some() => Ok(()),
            keys => {
                Err(Error::NoKey { name: name.to_string(), lock: lock.to_owned(), keys: keys.join(", ") })
            }
        }
    }
}

/// As it is read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    #[expect(dead_code, reason = "read before the rest")]
    version: i64,
    #[serde(default)]
    target: Vec<RawTarget>,
    #[serde(default)]
    recipe: Vec<recipes::Raw>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTarget {
    name: Spanned<String>,
    profile: String,
    arch: Spanned<String>,
    #[serde(default)]
    repositories: Vec<Spanned<String>>,
    #[serde(default)]
    keys: Vec<Spanned<String>>,
    #[serde(default)]
    package: Vec<RawPackage>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPackage {
    name: Spanned<String>,
    version: Spanned<String>,
    arch: Spanned<String>,
    from: Spanned<String>,
    size: u64,
    sha256: Spanned<String>,
}

/// As it is written.
#[derive(Serialize)]
struct Out<'a> {
    version: i64,
    target: Vec<OutTarget<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    recipe: Vec<recipes::Out<'a>>,
}

#[derive(Serialize)]
struct OutTarget<'a> {
    name: &'a str,
    profile: &'a str,
    arch: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    repositories: &'a [String],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    keys: &'a [String],
    package: &'a [Pinned],
}

impl LockFile {
    /// Reads a lock file. `None`: there is none.
    ///
    /// # Errors
    /// [`Error::Lock`] with line and column; [`Error::Io`].
    pub fn read(path: &Path) -> Result<Option<Self>, Error> {
        let metadata = match fs_err::metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        if metadata.len() > LONGEST {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("{} is no lock file: it is too long", path.display()),
            )
            .into());
        }
        let text = String::from_utf8_lossy(&fs_err::read(path)?).into_owned();
        Self::parse(&text, &path.display().to_string()).map(Some)
    }

    /// As [`LockFile::read`], of a text at hand. `shown` is the name that errors show.
    ///
    /// # Errors
    /// [`Error::Lock`].
    pub fn parse(text: &str, shown: &str) -> Result<Self, Error> {
        let reader = Reader { text: Arc::from(text), shown };
        /// What every form has.
        #[derive(Deserialize)]
        struct Form {
            version: Spanned<i64>,
        }
        let form: Form = toml::from_str(text).map_err(|error| reader.syntax(&error))?;
        if *form.version.get_ref() > VERSION {
            let message = format!(
                "this lock file has the form {}, and this modgraft reads {VERSION}",
                form.version.get_ref()
            );
            return Err(reader.error(
                form.version.span(),
                message,
                "a newer one",
                "take the modgraft that wrote it, or a later one",
            ));
        }
        if *form.version.get_ref() < TARGETS_ONLY {
            return Err(reader.wrong(form.version.span(), "no lock file has this form"));
        }
        let raw: Raw = toml::from_str(text).map_err(|error| reader.syntax(&error))?;
        let mut targets = BTreeMap::new();
        for target in raw.target {
            let (name, locked) = reader.target(&target)?;
            if targets.insert(name, locked).is_some() {
                return Err(reader.wrong(target.name.span(), "this target is there twice"));
            }
        }
        let mut recipes = BTreeMap::new();
        for recipe in &raw.recipe {
            let sources = reader.recipe(recipe)?;
            if recipes.insert(recipe.path.get_ref().clone(), sources).is_some() {
                return Err(reader.wrong(recipe.path.span(), "this recipe is there twice"));
            }
        }
        Ok(LockFile { targets, recipes })
    }

    /// The targets, by name.
    pub fn targets(&self) -> impl Iterator<Item = (&Name, &Locked)> {
        self.targets.iter()
    }

    /// What it says of the sources of a recipe, which is named by the path of its folder from the lock file's.
    pub fn sources(&self, recipe: &str) -> Option<&[Source]> {
        self.recipes.get(recipe).map(Vec::as_slice)
    }

    /// Says something else of a recipe's sources; whether that is anything new.
    pub fn set_sources(&mut self, recipe: &str, mut sources: Vec<Source>) -> bool {
        sources.sort();
        self.recipes.insert(recipe.to_owned(), sources.clone()) != Some(sources)
    }

    /// The targets in it, sorted.
    pub fn names(&self) -> impl Iterator<Item = &Name> {
        self.targets.keys()
    }

    /// What it says of a target.
    pub fn get(&self, name: &Name) -> Option<&Locked> {
        self.targets.get(name)
    }

    /// Says something else of a target, or the same.
    pub fn set(&mut self, name: Name, locked: Locked) {
        self.targets.insert(name, locked);
    }

    /// The file's text.
    pub fn text(&self) -> String {
        let target = self.targets.iter().map(|(name, locked)| OutTarget {
            name: name.as_str(),
            profile: &locked.profile,
            arch: &locked.machine.name,
            repositories: &locked.repositories,
            keys: &locked.keys,
            package: &locked.packages,
        });
        let recipe: Vec<_> =
            self.recipes.iter().map(|(path, sources)| recipes::Out::of(path, sources)).collect();
        let header = if recipe.is_empty() { HEADER } else { HEADER_OF_BOTH };
        // The oldest that can say it, so that an older modgraft reads what it understands.
        let version = if self.targets.values().any(|locked| !locked.keys.is_empty()) {
            VERSION
        } else if recipe.is_empty() {
            TARGETS_ONLY
        } else {
            WITH_RECIPES
        };
        let out = Out { version, target: target.collect(), recipe };
        let text = toml::to_string(&out).expect("texts, numbers and tables of such can be written as TOML");
        format!("{header}{text}")
    }
}

struct Reader<'a> {
    text: Arc<str>,
    shown: &'a str,
}

impl Reader<'_> {
    fn target(&self, raw: &RawTarget) -> Result<(Name, Locked), Error> {
        let name = Name::parse(raw.name.get_ref())
            .map_err(|error| self.wrong(raw.name.span(), &error.to_string()))?;
        let machine = Machine::named(raw.arch.get_ref())
            .ok_or_else(|| self.wrong(raw.arch.span(), "modgraft knows no such processor"))?;
        for repository in &raw.repositories {
            if repository.get_ref().contains(char::is_control) {
                return Err(self.wrong(repository.span(), "this is no address"));
            }
        }
        let mut packages: Vec<Pinned> =
            raw.package.iter().map(|package| self.package(package)).collect::<Result<_, _>>()?;
        packages.sort();
        let repositories = raw.repositories.iter().map(|repository| repository.get_ref().clone()).collect();
        let mut keys: Vec<String> = raw.keys.iter().map(|key| self.key(key)).collect::<Result<_, _>>()?;
        keys.sort();
        Ok((name, Locked { profile: raw.profile.clone(), machine, repositories, keys, packages }))
    }

    fn key(&self, raw: &Spanned<String>) -> Result<String, Error> {
        let key = raw.get_ref();
        let digits = key.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'A'..=b'F'));
        if !digits || !matches!(key.len(), 40 | 64) {
            let message = "a key's fingerprint has 40 or 64 hexadecimal digits, in upper case";
            return Err(self.wrong(raw.span(), message));
        }
        Ok(key.clone())
    }

    fn package(&self, raw: &RawPackage) -> Result<Pinned, Error> {
        for text in [&raw.name, &raw.version, &raw.arch] {
            let plain = |c: char| c.is_ascii_alphanumeric() || "+._-~^:".contains(c);
            if text.get_ref().is_empty() || !text.get_ref().chars().all(plain) {
                return Err(self.wrong(text.span(), "no package has this"));
            }
        }
        let digest = raw.sha256.get_ref();
        if digest.len() != 64 || !digest.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(self.wrong(raw.sha256.span(), "a SHA-256 has 64 hexadecimal digits, in lower case"));
        }
        let pinned = Pinned {
            name: raw.name.get_ref().clone(),
            version: raw.version.get_ref().clone(),
            arch: raw.arch.get_ref().clone(),
            from: raw.from.get_ref().clone(),
            size: raw.size,
            sha256: digest.clone(),
        };
        let is_file =
            !pinned.from.is_empty() && !pinned.from.contains('/') && !matches!(&*pinned.from, "." | "..");
        if pinned.from.contains(char::is_control) || !is_file && !pinned.is_remote() {
            return Err(self.wrong(raw.from.span(), "this is neither a url nor a file's name"));
        }
        Ok(pinned)
    }

    fn syntax(&self, error: &toml::de::Error) -> Error {
        let message = error.message().lines().next().unwrap_or_default();
        self.error(error.span().unwrap_or(0..0), message.to_owned(), "here", EDITED)
    }

    fn wrong(&self, at: Range<usize>, message: &str) -> Error {
        self.error(at, format!("the lock file is damaged: {message}"), "here", EDITED)
    }

    fn error(&self, at: Range<usize>, message: String, label: &str, help: &str) -> Error {
        Error::Lock {
            message,
            source_code: NamedSource::new(self.shown, self.text.clone()),
            at: at.into(),
            label: label.to_owned(),
            help: help.to_owned(),
        }
    }
}

const EDITED: &str =
    "take the file from version control; or remove it, and add the targets again from their sources";

/// A lock file in the making: written beside its place, so that little can go wrong when it is put there.
#[derive(Debug)]
pub struct Change {
    path: PathBuf,
    /// `None`: it is as it was.
    new: Option<NamedTempFile>,
    /// Held until the file is in its place: two may be written at once.
    _folder: fs_err::File,
}

impl Change {
    /// Reads the file again, which another process may have written meanwhile, and says `locked` of a target.
    ///
    /// # Errors
    /// As [`LockFile::read`]; the folder cannot be written to.
    pub fn of(path: &Path, name: &Name, locked: Locked) -> Result<Self, super::super::Error> {
        Self::with(path, |content| content.set(name.clone(), locked))
    }

    /// As [`Change::of`], of anything that it says.
    ///
    /// # Errors
    /// As [`Change::of`].
    pub fn with(path: &Path, change: impl FnOnce(&mut LockFile)) -> Result<Self, super::super::Error> {
        let folder = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let held = fs_err::File::open(folder)?;
        lock::wait(&held)?;
        let mut content = LockFile::read(path)?.unwrap_or_default();
        change(&mut content);
        let text = content.text();
        if fs_err::read(path).is_ok_and(|old| old == text.as_bytes()) {
            return Ok(Change { path: path.to_owned(), new: None, _folder: held });
        }
        use std::os::unix::fs::PermissionsExt;
        let mut new = tempfile::Builder::new()
            .prefix(".modgraft-lock-")
            // As any new file: less, by the umask.
            .permissions(std::fs::Permissions::from_mode(0o666))
            .tempfile_in(folder)?;
        let written = new.write_all(text.as_bytes()).and_then(|()| new.as_file().sync_all());
        written.map_err(|error| at(path, error))?;
        Ok(Change { path: path.to_owned(), new: Some(new), _folder: held })
    }

    /// Puts the file into its place; whether it is another than before.
    ///
    /// # Errors
    /// It cannot be renamed.
    pub fn publish(self) -> io::Result<bool> {
        let Some(new) = self.new else { return Ok(false) };
        new.persist(&self.path).map_err(|error| at(&self.path, error.error))?;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Content;
    use miette::{Diagnostic, SourceCode};

    fn pinned(name: &str, from: &str) -> Pinned {
        Pinned {
            name: name.to_owned(),
            version: "1:2.4-1".to_owned(),
            arch: "x86_64".to_owned(),
            from: from.to_owned(),
            size: 3,
            sha256: "0123456789abcdef".repeat(4),
        }
    }

    fn locked() -> Locked {
        Locked {
            profile: "el8".to_owned(),
            machine: Machine::named("x86_64").unwrap(),
            repositories: vec!["https://example.org/os/".to_owned()],
            keys: Vec::new(),
            packages: vec![pinned("httpd", "https://example.org/os/httpd.rpm"), pinned("x", "x.rpm")],
        }
    }

    #[test]
    fn what_is_written_is_read_and_has_one_form() {
        let mut content = LockFile::default();
        content.set(Name::parse("el8").unwrap(), locked());
        content.set(Name::parse("a").unwrap(), Locked { repositories: Vec::new(), ..locked() });
        let text = content.text();
        assert!(text.starts_with(HEADER) && text.contains("\nversion = 1\n"), "{text}");
        let (a, el8) = (text.find("name = \"a\"").unwrap(), text.find("name = \"el8\"").unwrap());
        assert!(a < el8);
        let again = LockFile::parse(&text, "modgraft.lock").unwrap();
        assert_eq!((again.clone(), again.text()), (content, text));
        let empty = LockFile::parse("version = 1\n", "x").unwrap();
        assert_eq!(empty, LockFile::default());
    }

    fn sources() -> Vec<Source> {
        let commit = "0123456789".repeat(4);
        let source = |role: &str, asked: Option<&str>, content| Source {
            role: role.to_owned(),
            from: Some("https://example.org/x".to_owned()),
            asked: asked.map(str::to_owned),
            content,
        };
        vec![
            source("base", Some("2.4.x"), Content::Tree { commit: commit.clone(), tree: commit.clone() }),
            source(
                "commit",
                Some(&commit),
                Content::Change { commit: commit.clone(), sha256: "0".repeat(64) },
            ),
            source("tarball", None, Content::Sha256("a".repeat(64))),
        ]
    }

    #[test]
    fn recipes_stand_behind_targets() {
        let mut content = LockFile::default();
        content.set(Name::parse("el8").unwrap(), locked());
        assert!(content.set_sources("modules/mod_b", sources()));
        assert!(content.set_sources("modules/mod_a", Vec::new()));
        assert!(!content.set_sources("modules/mod_a", Vec::new()));
        let text = content.text();
        assert!(text.starts_with(HEADER_OF_BOTH) && text.contains("\nversion = 2\n"), "{text}");
        let again = LockFile::parse(&text, "modgraft.lock").unwrap();
        assert_eq!((again.clone(), again.text()), (content, text.clone()));
        assert_eq!(again.sources("modules/mod_b"), Some(&sources()[..]));
        let twice = format!("{text}{}", &text[text.find("\n[[recipe]]").unwrap()..]);
        for (text, expected) in [
            (text.replace("modules/mod_a", "../mod_a"), "no folder beneath"),
            (text.replace(&format!("sha256 = \"{}\"", "a".repeat(64)), "sha256 = \"a\""), "64 hexadecimal"),
            (text.replace(&format!("sha256 = \"{}\"\n", "a".repeat(64)), ""), "has no digest"),
            (text.replacen("commit = \"0123", "commit = \"X123", 1), "40 hexadecimal"),
            (text.replace("role = \"base\"", "rule = \"base\""), "unknown field `rule`"),
            (twice, "there twice"),
        ] {
            let error = LockFile::parse(&text, "modgraft.lock").unwrap_err().to_string();
            assert!(error.contains(expected), "{expected}: {error}");
        }
    }

    #[test]
    fn keys_are_kept_in_a_form_that_an_older_modgraft_refuses() {
        let (name, keys) = (Name::parse("el8").unwrap(), vec!["0123ABCDEF".repeat(4), "F".repeat(64)]);
        let checked = Locked { keys, ..locked() };
        let mut content = LockFile::default();
        content.set(name.clone(), checked.clone());
        let text = content.text();
        assert!(text.starts_with(HEADER) && text.contains("\nversion = 3\n"), "{text}");
        let again = LockFile::parse(&text, "modgraft.lock").unwrap();
        assert_eq!((again.get(&name), again.text()), (Some(&checked), text));
        // Without a key, nothing else is taken for a target that was checked by one.
        let (lock, key) = (Path::new("modgraft.lock"), Path::new("key.asc"));
        let error = checked.demand_key(&name, lock, None).unwrap_err();
        assert!(matches!(&error, Error::NoKey { keys, .. } if keys.contains("0123ABCDEF")), "{error}");
        assert!(checked.demand_key(&name, lock, Some(key)).is_ok());
        assert!(locked().demand_key(&name, lock, None).is_ok());
    }

    #[test]
    fn what_is_wrong_is_shown_where_it_stands() {
        let mut content = LockFile::default();
        content.set(Name::parse("el8").unwrap(), locked());
        let good = content.text();
        let twice = format!("{good}{}", &good[good.find("\n[[target]]").unwrap()..]);
        let cases = [
            (good.replace("version = 1\n", "version = 4\n"), 2, "has the form 4"),
            (good.replace("version = 1\n", "version = 0\n"), 2, "no lock file has this form"),
            (good.replace("version = 1\n", ""), 1, "missing field `version`"),
            (good.replace("version = 1\n", "version = 1\nother = 2\n"), 3, "unknown field `other`"),
            (good.replace("name = \"el8\"", "name = \"../x\""), 5, "cannot be a target's name"),
            (good.replacen("arch = \"x86_64\"", "arch = \"pdp11\"", 1), 7, "no such processor"),
            (good.replacen("89abcdef\"", "89ABCDEF\"", 1), 16, "64 hexadecimal digits"),
            (good.replace("from = \"x.rpm\"", "from = \"../x.rpm\""), 22, "neither a url nor a file's name"),
            (good.replace("name = \"httpd\"", "name = \"h d\""), 11, "no package has this"),
            (good.replace("size = 3", "size = -3"), 15, "invalid value"),
            (
                good.replace(
                    "\n\n[[target.package]]\nname = \"httpd\"",
                    "\nkeys = [\"ab\"]\n\n[[target.package]]\nname = \"httpd\"",
                ),
                9,
                "40 or 64 hexadecimal digits",
            ),
            (twice, 27, "there twice"),
            ("version = ".to_owned(), 1, ""),
            ("<<<<<<< HEAD\nversion = 1\n".to_owned(), 1, ""),
        ];
        for (text, line, expected) in cases {
            let error = LockFile::parse(&text, "modgraft.lock").unwrap_err();
            let Error::Lock { source_code, at, message, .. } = &error else { panic!("{error:?}") };
            assert!(message.contains(expected), "{expected}: {message}");
            let place = source_code.read_span(at, 0, 0).unwrap();
            assert_eq!(place.line() + 1, line, "{message}\n{text}");
            assert!(error.help().is_some());
        }
    }

    #[test]
    fn a_change_is_made_whole_and_keeps_the_other_targets() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        let change = |name: &str| Change::of(&path, &Name::parse(name).unwrap(), locked()).unwrap();
        drop(change("a"));
        assert_eq!(fs_err::read_dir(folder.path()).unwrap().count(), 0);
        assert!(change("a").publish().unwrap());
        assert!(change("b").publish().unwrap());
        assert!(!change("a").publish().unwrap(), "nothing is new");
        let content = LockFile::read(&path).unwrap().unwrap();
        assert_eq!(content.targets.len(), 2);
        assert_eq!(fs_err::read_dir(folder.path()).unwrap().count(), 1);
        fs_err::write(&path, "version = 7").unwrap();
        assert!(Change::of(&path, &Name::parse("a").unwrap(), locked()).is_err());
    }
}
