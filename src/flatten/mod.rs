//! One translation unit from the module's sources and what they reach, each span knowing where it comes from.
//!
//! In: a [`Changeset`], the tree where there is one, and what the target offers. Out: a [`TranslationUnit`].
//!
//! The way: the files in play are read ([`parts`]), the names that the module's own code uses are followed into the
//! shared files ([`reach`]), clashes are renamed ([`names`]), and the pieces are put in an order that C accepts
//! ([`assemble`]).

mod assemble;
mod awaited;
mod calls;
mod check;
mod closure;
mod codes;
mod conditions;
mod edit;
mod error;
mod guards;
mod headers;
mod includes;
mod inline;
mod levels;
mod names;
mod parts;
mod prototypes;
mod published;
mod reach;
mod record;
mod resolve;
mod says_no;
mod spoken;
mod status;
mod test_char;
mod unasked;
mod unit;
mod units;
mod upstream;

use std::collections::BTreeSet;
use std::sync::Arc;

pub use awaited::{Awaited, awaited_module};
pub use error::Error;
pub use record::{Evidence, Fate, Outcome, untaken};
pub use unit::{Location, Origin, Piece, TranslationUnit, Unresolved, Warning};
pub use upstream::{Failure, SourceTree, Upstream};

use crate::changeset::Changeset;
use parts::Parts;
use reach::Reached;

/// What an httpd offers to a module: asked before anything is inlined.
pub trait Interface {
    /// The header that declares or defines `name` (function, type or macro), as it would be included (`mod_proxy.h`).
    fn declared_in(&self, name: &str) -> Option<String>;
    /// Who exports `name` as a dynamic symbol: `httpd`, `mod_proxy.so`, `libapr-1.so.0`.
    fn exported_by(&self, name: &str) -> Option<String>;
    /// Whether `#include "path"` finds a header there.
    fn has_header(&self, path: &str) -> bool;
    /// The text of the header that `#include "path"` finds. Where it is not known, nothing is assumed of the members of
    /// the target's structures or of what its headers include.
    fn read_header(&self, _path: &str) -> Option<Arc<str>> {
        None
    }
    /// The rule that will provide `name` in the unit, or rewrite each use of it. Asked of names that the target neither
    /// declares nor exports, and before anything is pulled for them; flattening then leaves the name alone, and records the
    /// rule.
    fn provided_by(&self, _name: &str) -> Option<String> {
        None
    }
    /// The first file of the target, or of modules that are loaded before, that has all of these as strings and is not called
    /// `besides`: who speaks of a note, a group of providers or an optional function has its name, and that of the function
    /// that it speaks by. Nothing where the files are not known.
    fn file_with(&self, _strings: &[&str], _besides: &str) -> Option<String> {
        None
    }
    /// Whether another new module needs the module.
    fn is_required(&self) -> bool {
        false
    }
    /// Sources of the tree that a rule makes a part of the module, from end to end: a part of httpd that the target does not
    /// have at all. Those that the tree does not have are passed over.
    fn adopted(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Which module is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModuleId {
    /// `mod_NAME`.
    pub name: String,
    /// The module structure's C name: `NAME_module`.
    pub symbol: String,
}

/// Makes one C file of the module.
///
/// `base` is the tree before the patches. What the module needs and neither the patches nor the target have is pulled from
/// it: a header whole, and of types, macros and functions as few as will do. The order in which a missing name is looked
/// for: the target's headers, its exported symbols, a rule ([`Interface::provided_by`]), the patches, the tree; else it is
/// refused. The answer depends on nothing but these arguments.
///
/// # Errors
/// See [`Error`]: each says which declaration cannot be grafted, where it is used, and what would help.
pub fn flatten(
    changeset: &Changeset,
    module: &ModuleId,
    base: Option<&dyn Upstream>,
    offered: &dyn Interface,
) -> Result<TranslationUnit, Error> {
    let mut parts = parts::load(changeset, base, offered)?;
    check::one_module_structure(&parts, module)?;
    closure::adopt(&mut parts, base, offered)?;
    says_no::not_met(&parts, offered)?;
    let mut reached = follow(&mut parts, base, offered)?;
    check::grown_types(&parts, &reached, offered)?;
    published::as_in_target(&parts, offered, module)?;
    units::are_the_targets(&parts, &reached, base, offered)?;
    spoken::known_to_others(&parts, &mut reached, base, offered, module)?;
    unasked::conditions(changeset, &parts, &mut reached, offered);
    guards::identities(&parts, &mut reached, base)?;
    let renames = names::clashes(&parts, &reached, offered)?;
    let published = published::headers(&parts, base, offered, module)?;
    assemble::unit(changeset, module, parts, reached, renames, published, offered)
}

/// Follows the module's names. A function of the target whose calls would be misread is replaced by a copy of upstream's own,
/// where that can be had; else it is refused.
fn follow(parts: &mut Parts, base: Option<&dyn Upstream>, offered: &dyn Interface) -> Result<Reached, Error> {
    let mut copied = BTreeSet::new();
    let mut reached = closure::follow(parts, base, offered, &copied)?;
    loop {
        let misread = calls::compare(parts, &mut reached, base, offered)?;
        // Each round copies at least one function more, and each function once.
        let Some((name, refusal)) = misread.into_iter().find(|(name, _)| !copied.contains(name)) else {
            return Ok(reached);
        };
        copied.insert(name.clone());
        reached = match closure::follow(parts, base, offered, &copied) {
            Ok(reached) if reached.copies.contains(&name) => reached,
            Ok(_) | Err(_) => return Err(refusal),
        };
    }
}
