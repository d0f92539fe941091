//! The profiles that are part of the program.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, OnceLock};

use toml::Table;

use super::{Error, LOCAL, Profile, read};

/// Name and text of each file, by build.rs.
const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/profiles.rs"));

/// One of them. It is read when it is first asked for: most runs need one.
struct BuiltIn {
    text: &'static str,
    table: OnceLock<Table>,
    profile: OnceLock<Option<Arc<Profile>>>,
}

static BUILT_IN: LazyLock<BTreeMap<&'static str, BuiltIn>> = LazyLock::new(|| {
    let unread = |text| BuiltIn { text, table: OnceLock::new(), profile: OnceLock::new() };
    FILES.iter().map(|(name, text)| (*name, unread(text))).collect()
});

/// The files are part of the program, and a test reads them all.
fn sound(name: &str, error: &dyn std::fmt::Display) -> ! {
    panic!("templates/targets/{name}.toml is embedded and tested: {error}")
}

impl BuiltIn {
    /// Its own keys and all that it starts from.
    fn table(&self, name: &str) -> &Table {
        self.table.get_or_init(|| {
            let own = |text: &str| text.parse().unwrap_or_else(|error| sound(name, &error));
            let mut table: Table = own(self.text);
            let mut steps = 0;
            while let Some(toml::Value::String(base)) = table.remove(read::EXTENDS) {
                steps += 1;
                let base = BUILT_IN.get(base.as_str()).filter(|_| steps <= FILES.len());
                let base = base.unwrap_or_else(|| sound(name, &"it extends what is not there"));
                let mut base = own(base.text);
                base.remove(read::TEMPLATE);
                table = read::merged(base, table);
            }
            table
        })
    }

    /// Nothing where nothing can be built for it.
    fn profile(&self, name: &str) -> Option<&Arc<Profile>> {
        let read = || {
            let table = self.table(name);
            let profile = |table| read::profile(name, table).unwrap_or_else(|error| sound(name, &error));
            (!table.contains_key(read::TEMPLATE)).then(|| Arc::new(profile(table.clone())))
        };
        self.profile.get_or_init(read).as_ref()
    }
}

/// The keys of a built-in profile, with all that it starts from.
pub fn table(name: &str) -> Option<&'static Table> {
    BUILT_IN.get(name).map(|built_in| built_in.table(name))
}

/// All built-in profiles, by name.
pub fn all() -> impl Iterator<Item = &'static Arc<Profile>> {
    BUILT_IN.iter().filter_map(|(name, built_in)| built_in.profile(name))
}

impl Profile {
    /// The built-in profile of this name.
    ///
    /// # Errors
    /// [`Error::Unknown`], [`Error::Template`].
    pub fn named(name: &str) -> Result<Arc<Profile>, Error> {
        if let Some(profile) = BUILT_IN.get(name).and_then(|built_in| built_in.profile(name)) {
            return Ok(profile.clone());
        }
        match table(name) {
            Some(table) => {
                let extends = |(_, text): &&(&str, &str)| {
                    text.lines().any(|line| line.trim() == format!("{} = \"{name}\"", read::EXTENDS))
                };
                let heirs: Vec<&str> = FILES.iter().filter(extends).map(|(name, _)| *name).collect();
                let about = table.get("about").and_then(toml::Value::as_str).unwrap_or_default();
                Err(Error::Template {
                    name: name.to_owned(),
                    about: about.to_owned(),
                    heirs: heirs.join(", "),
                })
            }
            None => Err(Error::Unknown { name: name.to_owned(), help: read::known(name) }),
        }
    }

    /// The built-in profiles, by name.
    pub fn all() -> impl Iterator<Item = &'static Arc<Profile>> {
        all()
    }

    /// The names of the built-in profiles.
    pub fn names() -> impl Iterator<Item = &'static str> {
        let is_built_for =
            |(name, built_in): &(&&str, &BuiltIn)| !built_in.table(name).contains_key(read::TEMPLATE);
        BUILT_IN.iter().filter(is_built_for).map(|(name, _)| *name)
    }

    /// The built-in profile of an httpd that no distribution made.
    pub fn local() -> Arc<Profile> {
        Self::named(LOCAL).unwrap_or_else(|error| panic!("templates/targets/{LOCAL}.toml is there: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Compressor;

    #[test]
    fn every_file_is_a_profile_or_a_template() {
        let names: Vec<&str> = Profile::names().collect();
        for name in ["amazon2", "amazon2023", "debian", "el10", "el6", "el7", "el8", "el9", "fedora", "leap"]
        {
            assert!(names.contains(&name), "{name}");
        }
        assert_eq!(FILES.len(), names.len() + ["base", "redhat"].len());
        for profile in all() {
            assert!(!profile.about.is_empty());
            for packaged_as in profile.packaged_as.values() {
                Profile::named(packaged_as).unwrap();
            }
            // zstd is unreadable before rpm 4.14, and there the second signature is all that guards the payload.
            let old = ["el6", "el7", "amazon2"].contains(&profile.name.as_str());
            assert_eq!(profile.packaging.payload.compressor == Compressor::Zstd, !old, "{}", profile.name);
            assert_eq!(profile.packaging.payload_signature, old, "{}", profile.name);
        }
    }

    #[test]
    fn a_profile_starts_from_another() {
        let [el7, amazon2] = ["el7", "amazon2"].map(|name| Profile::named(name).unwrap());
        assert_eq!(el7.packaging, amazon2.packaging);
        assert_eq!(el7.layout, amazon2.layout);
        assert_ne!(el7.about, amazon2.about);
    }

    #[test]
    fn what_is_no_profile_is_told() {
        let error = Profile::named("el66").unwrap_err();
        assert_eq!(error.to_string(), "there is no profile `el66`");
        assert!(miette::Diagnostic::help(&error).unwrap().to_string().starts_with("did you mean `el6`?"));
        let error = Profile::named("redhat").unwrap_err();
        let help = miette::Diagnostic::help(&error).unwrap().to_string();
        assert_eq!(help, "profiles that start from it: el10, el6, el7, el8, el9, fedora");
    }
}
