//! From a profile's text to a [`Profile`].

use std::path::Path;
use std::sync::Arc;

use miette::NamedSource;
use serde_path_to_error::{Path as KeyPath, Segment};
use toml::de::{DeTable, DeValue};
use toml::{Table, Value};

use super::{Error, LOCAL, Profile, builtin};

/// The key with the name of the built-in profile that one starts from.
pub const EXTENDS: &str = "extends";
/// The key of those that others start from and nothing is built for.
pub const TEMPLATE: &str = "template";

/// Whether a word is the path of a profile's file, and no built-in one's name.
pub(crate) fn is_file(word: &str) -> bool {
    word.contains('/') || word.ends_with(".toml")
}

impl Profile {
    /// The profile that a word names: a built-in one by its name, or one of a person's own by its file, from `folder`.
    ///
    /// # Errors
    /// As [`Profile::read`] and [`Profile::named`].
    pub fn find(word: &str, folder: &Path) -> Result<Arc<Profile>, Error> {
        if is_file(word) { Self::read(&folder.join(word)) } else { Self::named(word) }
    }

    /// Reads a file of a person's own. Its name is the file's, without ending.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Encoding`], and as [`Profile::parse`].
    pub fn read(file: &Path) -> Result<Arc<Profile>, Error> {
        let bytes = fs_err::read(file)?;
        let text = String::from_utf8(bytes).map_err(|_| Error::Encoding(file.to_owned()))?;
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Self::parse(&name, &text, &file.display().to_string())
    }

    /// Reads a text at hand. `shown` is the name that errors show.
    ///
    /// # Errors
    /// [`Error::Syntax`] with line and column; [`Error::Unknown`] where it starts from what is not there.
    pub fn parse(name: &str, text: &str, shown: &str) -> Result<Arc<Profile>, Error> {
        let source = Source { text, shown };
        let mut own: Table = toml::from_str(text)
            .map_err(|error: toml::de::Error| source.error(error.message(), error.span()))?;
        let table = match own.remove(EXTENDS) {
            Some(Value::String(base)) => {
                let unknown = || source.at(&[EXTENDS], format!("there is no profile `{base}`"), known(&base));
                let mut base = builtin::table(&base).ok_or_else(unknown)?.clone();
                base.remove(TEMPLATE);
                merged(base, own)
            }
            Some(_) => {
                let message = format!("`{EXTENDS}` is not the name of a profile");
                return Err(source.at(&[EXTENDS], message, known("")));
            }
            None => own,
        };
        let profile = profile(name, table).map_err(|error| {
            let keys = keys(error.path());
            let message = error.inner().message().lines().next().unwrap_or_default().to_owned();
            let (message, help) = match message.split_once(", expected ") {
                Some((unknown, keys)) if unknown.starts_with("unknown field") => {
                    (unknown.to_owned(), format!("keys that there are: {keys}"))
                }
                _ if message.starts_with("missing field") => {
                    let help = format!(
                        "start from one that is whole, `{EXTENDS} = \"{LOCAL}\"`, and state what differs"
                    );
                    (message, help)
                }
                _ => (
                    message,
                    "see the profiles that modgraft comes with: templates/targets/*.toml".to_owned(),
                ),
            };
            source.at(&keys.iter().map(String::as_str).collect::<Vec<_>>(), message, help)
        })?;
        Ok(Arc::new(profile))
    }
}

/// What `--help` would say to a name that is not known.
pub fn known(name: &str) -> String {
    let names: Vec<&str> = Profile::names().collect();
    let near = names.iter().map(|known| (strsim::damerau_levenshtein(known, name), known)).min();
    let hint = match near {
        Some((distance, known)) if distance <= 2 && !name.is_empty() => format!("did you mean `{known}`? "),
        _ => String::new(),
    };
    format!("{hint}profiles: {}, or a file (`./NAME.toml`)", names.join(", "))
}

/// A table with what another one states put in; tables in it are merged too.
pub fn merged(mut base: Table, over: Table) -> Table {
    for (key, value) in over {
        let value = match (base.remove(&key), value) {
            (Some(Value::Table(base)), Value::Table(over)) => Value::Table(merged(base, over)),
            (_, value) => value,
        };
        base.insert(key, value);
    }
    base
}

/// The profile that a whole table means.
pub fn profile(name: &str, mut table: Table) -> Result<Profile, serde_path_to_error::Error<toml::de::Error>> {
    table.remove("name");
    let text = table.to_string();
    table.insert("name".to_owned(), Value::String(name.to_owned()));
    let profile: Profile = serde_path_to_error::deserialize(Value::Table(table))?;
    Ok(Profile { text, ..profile })
}

fn keys(path: &KeyPath) -> Vec<String> {
    let keys = path.iter().filter_map(|segment| match segment {
        Segment::Map { key } => Some(key.clone()),
        Segment::Seq { .. } | Segment::Enum { .. } | Segment::Unknown => None,
    });
    keys.collect()
}

struct Source<'a> {
    text: &'a str,
    shown: &'a str,
}

impl Source<'_> {
    fn error(&self, message: &str, span: Option<std::ops::Range<usize>>) -> Error {
        Error::Syntax {
            message: message.lines().next().unwrap_or_default().to_owned(),
            source_code: NamedSource::new(self.shown, Arc::from(self.text)).with_language("TOML"),
            at: span.unwrap_or(0..0).into(),
            help: "a profile is a TOML file".to_owned(),
        }
    }

    /// An error at a key, or at the nearest one around it that stands in this text.
    fn at(&self, keys: &[&str], message: String, help: String) -> Error {
        let mut span = None;
        if let Ok(table) = DeTable::parse(self.text) {
            let mut table = Some(table.into_inner());
            for key in keys {
                let found = table.as_ref().and_then(|table| table.get_key_value(*key));
                let Some((key, value)) = found.map(|(key, value)| (key.span(), value.get_ref().clone()))
                else {
                    break;
                };
                span = Some(key);
                table = match value {
                    DeValue::Table(table) => Some(table),
                    _ => None,
                };
            }
        }
        match self.error(&message, span) {
            Error::Syntax { message, source_code, at, .. } => {
                Error::Syntax { message, source_code, at, help }
            }
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fails(text: &str) -> (String, String, usize) {
        let error = Profile::parse("mine", text, "mine.toml").unwrap_err();
        let Error::Syntax { message, at, help, .. } = error else { panic!("{error:?}") };
        (message, help, at.offset())
    }

    #[test]
    fn a_profile_of_ones_own_states_what_differs() {
        let text = "extends = \"el8\"\nabout = \"ours\"\n[packaging.payload]\nlevel = 19\n";
        let own = Profile::parse("ours", text, "ours.toml").unwrap();
        let el8 = Profile::named("el8").unwrap();
        assert_eq!(
            (own.name.as_str(), own.about.as_str(), own.packaging.payload.level),
            ("ours", "ours", 19)
        );
        assert_eq!(own.packaging.payload.compressor, el8.packaging.payload.compressor);
        // What it is written as needs nothing else, and means the same.
        let again = Profile::parse("ours", own.text(), "x").unwrap();
        assert_eq!(own, again);
    }

    #[test]
    fn a_mistake_is_shown_where_it_is() {
        let text = "extends = \"el8\"\n[packaging]\npayload = { compressor = \"zstd\", levle = 3 }\n";
        let (message, help, at) = fails(text);
        assert_eq!(message, "unknown field `levle`");
        assert!(help.contains("`compressor`") && help.contains("`level`"), "{help}");
        assert!(text[at..].starts_with("levle"), "{at}");

        let text = "extends = \"el8\"\n[packaging]\nlegacy-spec = \"no\"\n";
        let (message, _, at) = fails(text);
        assert!(message.contains("expected a boolean"), "{message}");
        assert!(text[at..].starts_with("legacy-spec"));

        assert_eq!(fails("extends = \"el88\"").0, "there is no profile `el88`");
        assert_eq!(fails("extends = 8").0, "`extends` is not the name of a profile");
        assert!(fails("about = \"alone\"").0.starts_with("missing field"));
        assert!(fails("about = ").1.contains("TOML"));
    }
}
