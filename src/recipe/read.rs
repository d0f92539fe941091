//! From the text of `module.toml` to a [`Recipe`].

use std::ops::Range;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use miette::NamedSource;
use toml::Spanned;

use super::manifest::{Entry, Manifest, Source};
use super::{ChangelogEntry, Define, Document, DocumentKind, Error, Recipe};
use crate::source::{Base, SourceSpec};
use crate::{address, lint};

/// Reads the recipe in `file`; patches and documents are relative to the file's folder.
///
/// # Errors
/// [`Error::Io`], [`Error::Encoding`], [`Error::Syntax`] with line and column, [`Error::Value`].
pub fn read(file: &Path) -> Result<Recipe, Error> {
    let bytes = fs_err::read(file)?;
    let text = String::from_utf8(bytes).map_err(|_| Error::Encoding(file.to_owned()))?;
    let directory = match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    parse(&text, &file.display().to_string(), directory)
}

/// As [`read`], of a text at hand. `shown` is the name that errors show.
pub fn parse(text: &str, shown: &str, directory: PathBuf) -> Result<Recipe, Error> {
    let reader = Reader { text: Arc::from(text), shown };
    let manifest: Manifest = toml::from_str(text).map_err(|error| reader.syntax(&error))?;
    reader.interpret(manifest, directory)
}

pub(super) struct Reader<'a> {
    text: Arc<str>,
    shown: &'a str,
}

impl Reader<'_> {
    fn source_code(&self) -> NamedSource<Arc<str>> {
        NamedSource::new(self.shown, self.text.clone())
    }

    fn syntax(&self, error: &toml::de::Error) -> Error {
        let message = error.message().lines().next().unwrap_or_default().to_owned();
        let help = match message.split('`').nth(1) {
            Some(key) if message.starts_with("unknown field") => match closest(key, &message) {
                Some(known) => format!("did you mean `{known}`?"),
                None => "`modgraft schema` prints every key that a recipe can have".to_owned(),
            },
            Some(key) if message.starts_with("missing field") => format!("add `{key} = …`"),
            _ => "a recipe is a TOML file; `modgraft schema` prints every key that it can have".to_owned(),
        };
        let at = error.span().unwrap_or(0..0);
        Error::Syntax { message, source_code: self.source_code(), at: at.into(), help }
    }

    pub(super) fn value(
        &self,
        at: Range<usize>,
        message: impl Into<String>,
        label: &str,
        help: &str,
    ) -> Error {
        Error::Value {
            message: message.into(),
            source_code: self.source_code(),
            at: at.into(),
            label: label.to_owned(),
            help: help.to_owned(),
        }
    }

    fn interpret(&self, manifest: Manifest, directory: PathBuf) -> Result<Recipe, Error> {
        let summary = self.one_line("summary", &manifest.summary)?;
        let compat = self.compat(&manifest.compat, &directory)?;
        let recipe = Recipe {
            name: self.module_name(&manifest.name)?,
            symbol: manifest.symbol,
            description: manifest.description.map_or_else(|| summary.clone(), |text| text.trim().to_owned()),
            summary,
            license: self.one_line("license", &manifest.license)?,
            url: manifest.url.as_ref().map(|url| self.one_line("url", url)).transpose()?,
            version: self.version("version", &manifest.version)?,
            release: match &manifest.release {
                Some(release) => self.version("release", release)?,
                None => "1".to_owned(),
            },
            changelog: manifest.changelog.iter().map(|entry| self.entry(entry)).collect::<Result<_, _>>()?,
            source: self.source(&manifest.source)?,
            libraries: manifest.libraries.iter().map(|name| self.library(name)).collect::<Result<_, _>>()?,
            headers: manifest
                .headers
                .iter()
                .map(|path| Ok(self.beside(path)?.to_owned()))
                .collect::<Result<_, Error>>()?,
            defines: self.defines(&manifest.defines)?,
            directives: manifest.drop_in.directives,
            checks: manifest.check,
            rules: manifest.classify,
            requires: self.requires(&manifest.requires, manifest.name.get_ref())?,
            accept_risks: self.accept_risks(&manifest.accept_risks, &compat)?,
            allowed_lints: manifest
                .lint
                .allow
                .iter()
                .map(|name| self.lint(name))
                .collect::<Result<_, _>>()?,
            compat,
            documents: self.documents(&manifest.license_files, &manifest.documentation)?,
            directory,
            text: self.text.clone(),
            assumptions: Vec::new(),
        };
        Ok(recipe)
    }

    pub(super) fn module_name(&self, name: &Spanned<String>) -> Result<String, Error> {
        let text = name.get_ref();
        let rest = text.strip_prefix("mod_").unwrap_or_default();
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if rest.is_empty() || !rest.chars().all(plain) {
            return Err(self.value(
                name.span(),
                format!("{text:?} is no module name"),
                "not `mod_` and a name",
                "a module is called mod_NAME, with lower-case letters, digits and `_`: its file is mod_NAME.so",
            ));
        }
        Ok(text.clone())
    }

    fn one_line(&self, key: &str, value: &Spanned<String>) -> Result<String, Error> {
        let text = value.get_ref().trim();
        if text.is_empty() || text.contains(|c: char| c.is_control()) {
            return Err(self.value(
                value.span(),
                format!("`{key}` must be one line of text"),
                if text.is_empty() { "empty" } else { "has a line break or a control character" },
                "longer text belongs into `description`",
            ));
        }
        Ok(text.to_owned())
    }

    fn version(&self, key: &str, value: &Spanned<String>) -> Result<String, Error> {
        let text = value.get_ref();
        if text.is_empty() || !text.chars().all(|c| c.is_ascii_alphanumeric() || "._+~^".contains(c)) {
            return Err(self.value(
                value.span(),
                format!("{text:?} cannot be a package's {key}"),
                "not a version that rpm accepts",
                "letters, digits and `.` `_` `+` `~` `^`; `-` stands between version and release, so neither can have it",
            ));
        }
        Ok(text.clone())
    }

    fn library(&self, value: &Spanned<String>) -> Result<String, Error> {
        let text = value.get_ref();
        if text.is_empty()
            || text.starts_with('-')
            || text.contains(|c: char| c.is_whitespace() || "/,:".contains(c))
        {
            return Err(self.value(
                value.span(),
                format!("{text:?} is no library name"),
                "not a bare name",
                "write the name as it stands behind `-l`: \"z\" for libz.so",
            ));
        }
        Ok(text.clone())
    }

    fn defines(&self, written: &[Spanned<String>]) -> Result<Vec<Define>, Error> {
        let mut defines: Vec<Define> = Vec::with_capacity(written.len());
        for one in written {
            let text = one.get_ref();
            let define = text.parse::<Define>().and_then(|define| {
                let twice = defines.iter().any(|other| other.name == define.name);
                if twice { Err("it is there twice") } else { Ok(define) }
            });
            defines.push(define.map_err(|reason| {
                let help = "write what stands behind `-D`: \"HAVE_EXAMPLE\", or \"EXAMPLE=1\"";
                self.value(one.span(), format!("{text:?} cannot be defined"), reason, help)
            })?);
        }
        Ok(defines)
    }

    fn lint(&self, name: &Spanned<String>) -> Result<String, Error> {
        match lint::LINTS.iter().any(|lint| lint.name == name.get_ref()) {
            true => Ok(name.get_ref().clone()),
            false => {
                let message = format!("there is no lint `{}`", name.get_ref());
                Err(self.value(
                    name.span(),
                    message,
                    "not a lint that can be allowed",
                    &lint::nearest(name.get_ref()),
                ))
            }
        }
    }

    fn entry(&self, entry: &Entry) -> Result<ChangelogEntry, Error> {
        let not_a_day = || {
            self.value(
                entry.date.span(),
                "not a day",
                "a date is needed here",
                "write it as date = 2026-11-22",
            )
        };
        let date = entry.date.get_ref().date.ok_or_else(not_a_day)?;
        let part = |number: u8| i8::try_from(number).map_err(|_| not_a_day());
        let year = i16::try_from(date.year).map_err(|_| not_a_day())?;
        let date =
            jiff::civil::Date::new(year, part(date.month)?, part(date.day)?).map_err(|_| not_a_day())?;
        Ok(ChangelogEntry {
            date,
            author: self.one_line("author", &entry.author)?,
            version: entry.version.clone(),
            notes: entry
                .notes
                .iter()
                .map(|note| note.split_whitespace().collect::<Vec<_>>().join(" "))
                .collect(),
        })
    }

    fn documents(
        &self,
        licenses: &[Spanned<PathBuf>],
        documentation: &[Spanned<PathBuf>],
    ) -> Result<Vec<Document>, Error> {
        let of = |kind| move |path| (kind, path);
        let all = licenses.iter().map(of(DocumentKind::License));
        let all = all.chain(documentation.iter().map(of(DocumentKind::Documentation)));
        all.map(|(kind, path)| Ok(Document { path: self.beside(path)?.to_owned(), kind })).collect()
    }

    /// A path that stays in the recipe's folder.
    pub(super) fn beside<'p>(&self, path: &'p Spanned<PathBuf>) -> Result<&'p Path, Error> {
        let plain = |part| matches!(part, Component::Normal(_) | Component::CurDir);
        if path.get_ref().components().all(plain) && path.get_ref().file_name().is_some() {
            return Ok(path.get_ref());
        }
        Err(self.value(
            path.span(),
            format!("{:?} is outside the recipe's folder", path.get_ref()),
            "leaves the folder",
            "a package takes files from the recipe's own folder only: put a copy there",
        ))
    }

    fn source(&self, source: &Spanned<Source>) -> Result<SourceSpec, Error> {
        const FORMS: &str = "one of: patches (and base); git and commit (and files, for whole files); tarball, sha256 and files; directory and files";
        let at = source.span();
        match source.get_ref() {
            Source {
                patches: Some(files),
                base,
                git: None,
                commit: None,
                tarball: None,
                sha256: None,
                directory: None,
                files: None,
            } => {
                if files.is_empty() {
                    return Err(self.value(
                        at,
                        "`patches` is empty",
                        "no patch",
                        "name at least one patch file",
                    ));
                }
                Ok(SourceSpec::Patches {
                    files: files.clone(),
                    base: base.as_ref().map(|base| self.address(base).map(Base::parse)).transpose()?,
                })
            }
            Source {
                git: Some(url),
                commit: Some(commit),
                patches: None,
                base: None,
                tarball: None,
                sha256: None,
                directory: None,
                files,
            } => {
                self.hexadecimal("commit", commit, 40)?;
                let (url, commit) = (self.address(url)?.to_owned(), commit.get_ref().clone());
                Ok(match files.clone() {
                    None => SourceSpec::Commit { url, commit },
                    Some(files) => SourceSpec::Revision { url, commit, files },
                })
            }
            Source {
                tarball: Some(tarball),
                sha256: Some(sha256),
                files: Some(files),
                patches: None,
                base: None,
                git: None,
                commit: None,
                directory: None,
            } => {
                self.hexadecimal("sha256", sha256, 64)?;
                Ok(SourceSpec::Release {
                    tarball: self.address(tarball)?.to_owned(),
                    sha256: sha256.get_ref().clone(),
                    files: files.clone(),
                })
            }
            Source {
                directory: Some(directory),
                files: Some(files),
                patches: None,
                base: None,
                git: None,
                commit: None,
                tarball: None,
                sha256: None,
            } => Ok(SourceSpec::Tree { directory: directory.clone(), files: files.clone() }),
            _ => Err(self.value(
                at,
                "the source is not of one form",
                "keys are missing, or of several forms",
                FORMS,
            )),
        }
    }

    /// An address without a password: the recipe is in the source package.
    fn address<'v>(&self, value: &'v Spanned<String>) -> Result<&'v str, Error> {
        let text = value.get_ref();
        if address::shown(text) == *text {
            return Ok(text);
        }
        // Nor is it shown on a terminal, or in a pipeline's log.
        let mut hidden = self.text.to_string();
        hidden.replace_range(value.span(), &"*".repeat(value.span().len()));
        let hidden = Reader { text: Arc::from(hidden), shown: self.shown };
        Err(hidden.value(
            value.span(),
            "a user or password stands in the source's url",
            "would be published with the source package",
            "leave it out: git asks its own credential helpers (`git help credentials`), and a tarball that was \
             downloaded by hand is taken from beside the recipe",
        ))
    }

    fn hexadecimal(&self, key: &str, value: &Spanned<String>, digits: usize) -> Result<(), Error> {
        let text = value.get_ref();
        if text.len() == digits && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
            return Ok(());
        }
        Err(self.value(
            value.span(),
            format!("`{key}` must be {digits} lower-case hexadecimal digits"),
            &format!("{} characters", text.chars().count()),
            "an abbreviation may come to mean something else; give it in full",
        ))
    }
}

/// The name among those in back quotes that `message` lists which is nearest to `key`, if it is near at all.
fn closest(key: &str, message: &str) -> Option<String> {
    let known = message.split('`').skip(3).step_by(2);
    let (distance, known) = known.map(|known| (strsim::damerau_levenshtein(key, known), known)).min()?;
    (distance <= key.chars().count().max(3) / 3).then(|| known.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
name = "mod_x"
summary = "Does x"
license = "Apache-2.0"
version = "1.0"
[source]
patches = ["0001.patch"]
"#;

    fn fails(text: &str) -> (String, String) {
        use miette::{Diagnostic, SourceCode};
        let error = parse(text, "module.toml", PathBuf::from(".")).expect_err("must be refused");
        let label = error.labels().and_then(|mut labels| labels.next()).expect("an error has its place");
        let (source, span) = match &error {
            Error::Syntax { source_code, .. } | Error::Value { source_code, .. } => {
                (source_code, *label.inner())
            }
            other => panic!("{other}"),
        };
        let place = source.read_span(&span, 0, 0).expect("the span is in the text");
        (format!("{}:{}: {error}", place.line() + 1, place.column() + 1), error.help().unwrap().to_string())
    }

    #[test]
    fn the_smallest_recipe_is_understood() {
        let recipe = parse(GOOD, "module.toml", PathBuf::from("modules/mod_x")).unwrap();
        assert_eq!((recipe.name.as_str(), recipe.release.as_str()), ("mod_x", "1"));
        assert_eq!(recipe.description, "Does x", "the summary stands in for a missing description");
        let files = vec![PathBuf::from("0001.patch")];
        assert_eq!(recipe.source, SourceSpec::Patches { files, base: None });
    }

    #[test]
    fn an_unknown_key_has_its_place_and_the_nearest_known_one() {
        let (error, help) = fails(&GOOD.replace("summary", "sumary"));
        assert!(error.starts_with("3:1: unknown field `sumary`"), "{error}");
        assert_eq!(help, "did you mean `summary`?");
    }

    #[test]
    fn a_missing_key_is_named() {
        let (error, help) = fails(&GOOD.replace("version = \"1.0\"\n", ""));
        assert!(error.ends_with("missing field `version`"), "{error}");
        assert_eq!(help, "add `version = …`");
    }

    #[test]
    fn values_that_no_package_can_have_are_refused() {
        for (from, to, place) in [
            ("mod_x", "x y", "2:8: \"x y\" is no module name"),
            ("mod_x", "mod_x\\n", "2:8: \"mod_x\\n\" is no module name"),
            ("1.0", "1.0-2", "5:11: \"1.0-2\" cannot be a package's version"),
            ("Does x", "Does\\nx", "3:11: `summary` must be one line of text"),
            ("patches = [\"0001.patch\"]", "patches = []", "6:1: `patches` is empty"),
            (
                "patches = [\"0001.patch\"]",
                "git = \"u\"\ncommit = \"12ab\"",
                "8:10: `commit` must be 40 lower-case",
            ),
            (
                "patches = [\"0001.patch\"]",
                "patches = [\"0001.patch\"]\nbase = \"https://token@x/y@1\"",
                "8:8: a user or password",
            ),
            ("patches = [\"0001.patch\"]", "git = \"u\"", "6:1: the source is not of one form"),
            (
                "version = \"1.0\"",
                "version = \"1\"\nlibraries = [\"-lz\"]",
                "6:14: \"-lz\" is no library name",
            ),
            ("version = \"1.0\"", "version = \"1\"\ndocumentation = [\"../a\"]", "6:18: \"../a\" is outside"),
        ] {
            let (error, _) = fails(&GOOD.replace(from, to));
            assert!(error.starts_with(place), "{error}\n  does not begin with\n{place}");
        }
    }
}
