//! A recipe for a bare patch: what the patch says of itself, and what has to be assumed.
//!
//! It is written as the text of a `module.toml` and read as any other, so the source package has a recipe to start from.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use toml::Value;

use super::{Error, Recipe, parse};
use crate::changeset::{Fact, ModuleFound, PatchFacts};

/// The name that messages and the source package give to the text.
const SHOWN: &str = "module.toml (worked out from the patch)";

/// Works out a recipe for `module`, which `patches` bring. Its assumptions say what was not stated and where each
/// value comes from.
///
/// # Errors
/// [`Error`] where what the patch says makes no recipe: a module's name that no package can have.
pub fn infer(module: &ModuleFound, facts: &PatchFacts, patches: &[PathBuf]) -> Result<Recipe, Error> {
    let mut draft = Draft { text: String::new(), assumptions: Vec::new() };
    draft.line("name", &module.name);
    draft.line("symbol", &module.symbol);
    draft.fact("summary", &facts.summary, || format!("Apache httpd module {}", module.name));
    if let Some(description) = &facts.description {
        draft.line("description", &description.value);
    }
    draft.fact("license", &facts.license, || "Apache-2.0".to_owned());
    draft.fact("version", &facts.version, || "0".to_owned());
    let names = patches.iter().map(|path| Value::from(file_name(path)));
    let _ = write!(draft.text, "\n[source]\npatches = {}\n", Value::Array(names.collect()));
    if let (Some(author), Some(date)) = (&facts.author, &facts.date) {
        let note = facts.subject.as_ref().map_or("First package.", |subject| subject.value.as_str());
        let _ = write!(draft.text, "\n[[changelog]]\ndate = {}\n", date.value);
        draft.line("author", &author.value);
        let _ = writeln!(draft.text, "notes = {}", Value::Array(vec![Value::from(note)]));
    }
    let mut recipe = parse(&draft.text, SHOWN, PathBuf::new())?;
    recipe.assumptions = draft.assumptions;
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

    /// A value that the patch states, or else one that is merely likely.
    fn fact(&mut self, key: &str, fact: &Option<Fact>, otherwise: impl Fn() -> String) {
        let (value, from) = match fact {
            Some(fact) => (fact.value.clone(), format!("from {}", fact.from)),
            None => (otherwise(), "as the patch does not say".to_owned()),
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
        let recipe = infer(&module(), &facts, &[PathBuf::from("dir/a.patch")]).unwrap();
        assert_eq!(
            (recipe.license.as_str(), recipe.summary.as_str(), recipe.version.as_str()),
            ("MIT", "Says \"x\"\\n", "0")
        );
        assert_eq!(recipe.symbol.as_deref(), Some("x_module"));
        let told = recipe.assumptions.join("\n");
        for part in
            ["license \"MIT\", from the mail", "version \"0\", as the patch does not say", "no checks"]
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
    fn a_name_that_no_package_can_have_is_refused() {
        let module = ModuleFound { name: "mod_a b".to_owned(), ..module() };
        assert!(matches!(infer(&module, &PatchFacts::default(), &[]), Err(Error::Value { .. })));
    }
}
