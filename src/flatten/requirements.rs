//! Modules that must be there first, taken as given.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Error, Interface, Upstream};
use crate::c::lex::{self, TokenKind};
use crate::c::{Declaration, DeclarationKind, File, Linkage};

/// A module that a recipe requires: it is grafted by a recipe of its own, and loaded before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequiredModule {
    /// `mod_NAME`.
    pub name: String,
    /// The paths of its C sources in the tree.
    pub sources: Vec<String>,
}

/// A target together with modules that will be loaded before the one that is made: what they define counts as exported by
/// them, and what they register as registered. Their headers come from the tree, as any that the target does not have.
pub struct Requirements<'a> {
    offered: &'a dyn Interface,
    /// By name: the module file.
    provides: BTreeMap<String, String>,
}

impl<'a> Requirements<'a> {
    /// Reads the modules' sources.
    ///
    /// # Errors
    /// [`Error::Base`] where the tree cannot be read, [`Error::RequiredMissing`] where a source is not in it.
    pub fn new(
        offered: &'a dyn Interface,
        base: Option<&dyn Upstream>,
        modules: &[RequiredModule],
    ) -> Result<Self, Error> {
        let mut provides = BTreeMap::new();
        for module in modules {
            for path in &module.sources {
                let file = match base {
                    Some(base) => {
                        base.parsed(path).map_err(|reason| Error::Base { path: path.clone(), reason })?
                    }
                    None => None,
                };
                let Some(file) = file else {
                    return Err(Error::RequiredMissing { module: module.name.clone(), file: path.clone() });
                };
                for name in provided(&file) {
                    provides.entry(name).or_insert_with(|| format!("{}.so", module.name));
                }
            }
        }
        Ok(Requirements { offered, provides })
    }
}

impl Interface for Requirements<'_> {
    fn declared_in(&self, name: &str) -> Option<String> {
        self.offered.declared_in(name)
    }

    fn exported_by(&self, name: &str) -> Option<String> {
        self.offered.exported_by(name).or_else(|| self.provides.get(name).cloned())
    }

    fn has_header(&self, path: &str) -> bool {
        self.offered.has_header(path)
    }

    fn read_header(&self, path: &str) -> Option<Arc<str>> {
        self.offered.read_header(path)
    }

    fn provided_by(&self, name: &str) -> Option<String> {
        self.offered.provided_by(name)
    }

    fn adopted(&self) -> Vec<String> {
        self.offered.adopted()
    }
}

/// What a source defines for others, and the optional functions that it registers.
fn provided(file: &File) -> Vec<String> {
    let defines = |found: &Declaration| {
        let kind = matches!(
            found.kind,
            DeclarationKind::Function | DeclarationKind::Variable | DeclarationKind::MacroCall
        );
        kind && found.linkage == Linkage::External && !found.forward && !found.is_dead()
    };
    let mut names: Vec<String> =
        file.declarations().filter(|found| defines(found)).flat_map(|found| found.names.clone()).collect();
    let text = file.text();
    let tokens: Vec<_> =
        lex::tokens(text, 0..text.len()).filter(|token| token.kind == TokenKind::Identifier).collect();
    names.extend(tokens.windows(2).filter_map(|pair| match pair {
        [call, name] if call.text(text) == "APR_REGISTER_OPTIONAL_FN" => Some(name.text(text).to_owned()),
        _ => None,
    }));
    names
}
