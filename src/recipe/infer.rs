//! A recipe for a bare patch: what the patch says of itself, and what has to be assumed.
//!
//! It is written as the text of a `module.toml` and read as any other, so the source package has a recipe to start from.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use toml::Value;

use super::{Error, Recipe, parse, version_and_release};
use crate::changeset::{Fact, Listing, ModuleFound, PatchFacts};
use crate::source::{SourceSpec, portable};

/// The name that messages and the source package give to the text.
const SHOWN: &str = "module.toml (worked out from the patch)";

/// Works out a recipe for `module`, which comes from `source`; `listing` is what its build system says, `requires` what httpd asked for. Its
/// assumptions say what was not stated and where each value comes from.
///
/// # Errors
/// [`Error`] where what the patch says makes no recipe: a module's name that no package can have.
pub fn infer(
    module: &ModuleFound,
    facts: &PatchFacts,
    listing: Option<&Listing>,
    source: &SourceSpec,
    requires: &[String],
) -> Result<Recipe, Error> {
    let mut draft = Draft { text: String::new(), assumptions: Vec::new() };
    draft.line("name", &module.name);
    draft.line("symbol", &module.symbol);
    draft.fact("summary", &facts.summary, || format!("Apache httpd module {}", module.name));
    if let Some(description) = &facts.description {
        draft.line("description", &description.value);
    }
    draft.fact("license", &facts.license, || "Apache-2.0".to_owned());
    let (version, release) = match &facts.version {
        Some(fact) => {
            let (value, release) = version_and_release(&fact.value);
            (Some(Fact { value, from: fact.from.clone() }), release)
        }
        None => (None, "1".to_owned()),
    };
    draft.fact("version", &version, || "0".to_owned());
    if release != "1" {
        draft.line("release", &release);
        draft.assumptions.push(format!("release {release:?}, as that version is not released yet"));
    }
    if let Some(Listing { module, .. }) = listing.filter(|listing| !listing.module.libraries.is_empty()) {
        draft.list("libraries", &module.libraries);
        let said = format!("libraries {}, from {}", module.libraries.join(", "), module.file);
        draft.assumptions.push(said);
    }
    if !requires.is_empty() {
        draft.list("requires", requires);
        draft
            .assumptions
            .push(format!("requires {}, without which httpd ends as it starts", requires.join(", ")));
    }
    draft.text.push_str("\n[source]\n");
    draft.source(source);
    if let (Some(author), Some(date)) = (&facts.author, &facts.date) {
        let note = facts.subject.as_ref().map_or("First package.", |subject| subject.value.as_str());
        let _ = write!(draft.text, "\n[[changelog]]\ndate = {}\n", date.value);
        draft.line("author", &author.value);
        let _ = writeln!(draft.text, "notes = {}", Value::Array(vec![Value::from(note)]));
    }
    let mut recipe = parse(&draft.text, SHOWN, PathBuf::new())?;
    recipe.assumptions = draft.assumptions;
    for name in listing.iter().flat_map(|listing| &listing.module.unknown) {
        recipe.assumptions.push(format!(
            "no library for what pkg-config knows as {name}: state `libraries` if it is needed"
        ));
    }
    recipe.assumptions.push("no configuration and no checks: httpd is only asked to load it".to_owned());
    Ok(recipe)
}

struct Draft {
    text: String,
    assumptions: Vec<String>,
}

impl Draft {
    fn line(&mut self, key: &str, value: &str) {
        let _ = writeln!(self.text, "{key} = {}", Value::from(value));
    }

    fn list(&mut self, key: &str, values: &[String]) {
        let values = values.iter().map(|value| Value::from(value.as_str())).collect();
        let _ = writeln!(self.text, "{key} = {}", Value::Array(values));
    }

    /// Where the source comes from, as a recipe that travels with it can say.
    fn source(&mut self, source: &SourceSpec) {
        match source {
            SourceSpec::Patches { files, .. } => {
                self.list("patches", &files.iter().map(|path| file_name(path)).collect::<Vec<_>>());
            }
            SourceSpec::Commit { url, commit } => {
                self.line("git", &portable(url));
                self.line("commit", commit);
            }
            SourceSpec::Revision { url, commit, files } => {
                self.line("git", &portable(url));
                self.line("commit", commit);
                self.list("files", files);
            }
            SourceSpec::Release { tarball, sha256, files } => {
                self.line("tarball", &portable(tarball));
                self.line("sha256", sha256);
                self.list("files", files);
            }
            SourceSpec::Tree { directory, files } => {
                self.line("directory", &portable(&directory.to_string_lossy()));
                self.list("files", files);
            }
        }
    }

    /// A value that the patch states, or else one that is merely likely.
    fn fact(&mut self, key: &str, fact: &Option<Fact>, otherwise: impl Fn() -> String) {
        let (value, from) = match fact {
            Some(fact) => (fact.value.clone(), format!("from {}", fact.from)),
            None => (otherwise(), "as the source does not say".to_owned()),
        };
        self.line(key, &value);
        self.assumptions.push(format!("{key} {value:?}, {from}"));
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autoconf;

    fn module() -> ModuleFound {
        let [name, symbol, file] = ["mod_x", "x_module", "modules/x/mod_x.c"].map(str::to_owned);
        ModuleFound { name, symbol, file, line: 9 }
    }

    fn fact(value: &str) -> Option<Fact> {
        Some(Fact { value: value.to_owned(), from: "the mail".to_owned() })
    }

    #[test]
    fn what_the_patch_says_is_taken_and_the_rest_is_assumed() {
        let facts =
            PatchFacts { license: fact("MIT"), summary: fact("Says \"x\"\\n"), ..PatchFacts::default() };
        let source = SourceSpec::Patches { files: vec![PathBuf::from("dir/a.patch")], base: None };
        let recipe = infer(&module(), &facts, None, &source, &[]).unwrap();
        assert_eq!(
            (recipe.license.as_str(), recipe.summary.as_str(), recipe.version.as_str()),
            ("MIT", "Says \"x\"\\n", "0")
        );
        assert_eq!(recipe.symbol.as_deref(), Some("x_module"));
        let told = recipe.assumptions.join("\n");
        for part in
            ["license \"MIT\", from the mail", "version \"0\", as the source does not say", "no checks"]
        {
            assert!(told.contains(part), "{told}");
        }
        assert_eq!(
            parse(&recipe.text, "module.toml", PathBuf::new()).unwrap().name,
            "mod_x",
            "the text is a recipe"
        );
    }

    #[test]
    fn what_is_not_released_yet_has_a_version_for_every_rpm() {
        let facts = PatchFacts { version: fact("2.5.1~dev"), ..PatchFacts::default() };
        let source = SourceSpec::Patches { files: vec![PathBuf::from("a.patch")], base: None };
        let recipe = infer(&module(), &facts, None, &source, &[]).unwrap();
        assert_eq!((recipe.version.as_str(), recipe.release.as_str()), ("2.5.1", "0.1.dev"));
        let told = recipe.assumptions.join("\n");
        assert!(told.contains("release \"0.1.dev\", as that version is not released yet"), "{told}");
    }

    #[test]
    fn a_name_that_no_package_can_have_is_refused() {
        let module = ModuleFound { name: "mod_a b".to_owned(), ..module() };
        let source = SourceSpec::Patches { files: vec![PathBuf::from("a.patch")], base: None };
        let refused = infer(&module, &PatchFacts::default(), None, &source, &[]);
        assert!(matches!(refused, Err(Error::Value { .. })));
    }

    #[test]
    fn a_module_of_a_release_is_pinned_and_links_what_its_build_system_names() {
        let files = vec!["modules/x/mod_x.c".to_owned()];
        let listed = autoconf::Text {
            path: "modules/x/config.m4",
            text: "APACHE_MODULE(x, does x, , , no, [ APR_ADDTO(MOD_X_LDADD, [-lz]) PKG_CHECK_MODULES(Q, quux) ])",
        };
        let module_listed = autoconf::modules(&[listed], &[]).remove(0);
        let listing = Listing { module: module_listed, sources: files.clone(), whole: true };
        let tarball = "/home/me/httpd-2.4.62.tar.gz".to_owned();
        for (source, written) in [
            (
                SourceSpec::Release { tarball, sha256: "a".repeat(64), files: files.clone() },
                SourceSpec::Release {
                    tarball: "httpd-2.4.62.tar.gz".to_owned(),
                    sha256: "a".repeat(64),
                    files: files.clone(),
                },
            ),
            (
                SourceSpec::Revision {
                    url: "https://x/httpd".to_owned(),
                    commit: "b".repeat(40),
                    files: files.clone(),
                },
                SourceSpec::Revision {
                    url: "https://x/httpd".to_owned(),
                    commit: "b".repeat(40),
                    files: files.clone(),
                },
            ),
            (
                SourceSpec::Tree { directory: "/home/me/httpd".into(), files: files.clone() },
                SourceSpec::Tree { directory: "httpd".into(), files: files.clone() },
            ),
        ] {
            let recipe = infer(&module(), &PatchFacts::default(), Some(&listing), &source, &[]).unwrap();
            assert_eq!((recipe.source, recipe.libraries), (written, vec!["z".to_owned()]));
            let told = recipe.assumptions.join("\n");
            assert!(told.contains("libraries z, from modules/x/config.m4"), "{told}");
            assert!(told.contains("pkg-config knows as quux"), "{told}");
        }
    }
}
