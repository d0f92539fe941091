//! The keys that say how a module is made to fit: rule packs, accepted risks, modules that must be there first.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::Spanned;

use super::read::Reader;
use super::{Compat, Error};
use crate::adapt::pack;
use crate::beside;

impl Reader<'_> {
    /// Reads the rule packs beside the recipe.
    ///
    /// # Errors
    /// [`Error::Value`] at the key for a file that cannot be read or a name that is taken, [`Error::Pack`] with line and
    /// column in the pack.
    pub(super) fn compat(&self, files: &[Spanned<PathBuf>], directory: &Path) -> Result<Compat, Error> {
        let mut compat = Compat::default();
        for file in files {
            let path = self.beside(file)?;
            let text = beside::read_text(directory, path).map_err(|error| {
                let message = format!("the rule pack cannot be read: {error}");
                self.value(
                    file.span(),
                    message,
                    "named here",
                    "put the pack beside module.toml; README.md has the form",
                )
            })?;
            let pack = pack::read(&text, &directory.join(path).display().to_string())?;
            let taken = compat.packs.iter().chain(pack::built_in()).any(|known| known.name == pack.name);
            if taken {
                let message = format!("there is another rule pack called `{}`", pack.name);
                let help = "give the pack, and the ids of its rules, a name of its own";
                return Err(self.value(file.span(), message, "named here", help));
            }
            compat.packs.push(pack);
            compat.files.push((file.get_ref().to_string_lossy().into_owned(), Arc::from(text)));
        }
        Ok(compat)
    }

    /// The accepted rules, all of which there are.
    pub(super) fn accept_risks(
        &self,
        ids: &[Spanned<String>],
        compat: &Compat,
    ) -> Result<Vec<String>, Error> {
        let one = |id: &Spanned<String>| match pack::find(&compat.packs, id.get_ref()) {
            Some(_) => Ok(id.get_ref().clone()),
            None => {
                let message = format!("there is no rule `{}`", id.get_ref());
                let help = pack::suggestion(&compat.packs, id.get_ref());
                Err(self.value(id.span(), message, "not an id of a rule", &help))
            }
        };
        ids.iter().map(one).collect()
    }

    /// The modules that must be there first; `own` is the recipe's.
    pub(super) fn requires(&self, names: &[Spanned<String>], own: &str) -> Result<Vec<String>, Error> {
        let mut all = Vec::new();
        for name in names {
            let text = self.module_name(name)?;
            if text == own {
                let help = "name the other modules that it uses";
                return Err(self.value(name.span(), format!("{own} requires itself"), "itself", help));
            }
            if !all.contains(&text) {
                all.push(text);
            }
        }
        Ok(all)
    }
}
