//! Names by which a module and others find each other while httpd runs: optional functions, groups of providers, notes. Where
//! nobody else knows such a name, the module compiles, and nobody answers.

mod compiled;
mod tested;

use std::collections::BTreeSet;

use super::parts::{Part, PartKind, Parts, Site};
use super::reach::Reached;
use super::unit::Warning;
use super::{Error, Interface, ModuleId, Upstream, closure, names};
use crate::c::lex::{self, Token, TokenKind};
use crate::c::{Declaration, DeclarationKind, Role, macros};
use crate::source::path::folder;

const REGISTER_FUNCTION: &str = "APR_REGISTER_OPTIONAL_FN";
const RETRIEVE_FUNCTION: &str = "APR_RETRIEVE_OPTIONAL_FN";
/// What [`REGISTER_FUNCTION`] calls.
const REGISTERS_FUNCTION: &str = "apr_dynamic_fn_register";
const REGISTER_PROVIDER: &[&str] = &["ap_register_provider", "ap_register_auth_provider"];
const ASK_PROVIDER: &[&str] = &["ap_lookup_provider", "ap_list_provider_names"];
const READ_TABLE: &[&str] = &["apr_table_get"];
const WRITE_TABLE: &[&str] = &[
    "apr_table_set",
    "apr_table_setn",
    "apr_table_add",
    "apr_table_addn",
    "apr_table_merge",
    "apr_table_mergen",
];

/// That what the unit says to others at run time is known to them. What is asked and may go without an answer is a warning.
///
/// # Errors
/// [`Error::NobodyRegisters`], [`Error::NeedsModule`], [`Error::NobodyAsks`], [`Error::NoteUnknown`].
pub(super) fn known_to_others(
    parts: &Parts,
    reached: &mut Reached,
    base: Option<&dyn Upstream>,
    offered: &dyn Interface,
    module: &ModuleId,
) -> Result<(), Error> {
    let sites = names::in_unit(parts, reached);
    let unit = Unit { parts, reached, offered, own_file: format!("{}.so", module.name), sites: &sites };
    let mut warnings: BTreeSet<Warning> = BTreeSet::new();
    let mut untold: Vec<(String, Site)> = Vec::new();
    for site in &sites {
        untold.extend(unit.optional_functions(*site, base)?.into_iter().map(|name| (name, *site)));
        unit.registered_providers(*site)?;
        warnings.extend(unit.asked_providers(*site));
        unit.notes(*site)?;
    }
    reached.warnings.extend(warnings);
    for (name, site) in untold {
        let why = "nobody registers this optional function, and the module does without it".to_owned();
        reached.noted.entry(name).or_insert((why, site));
    }
    Ok(())
}

/// The pieces of the unit, and who else there is.
struct Unit<'a> {
    parts: &'a Parts,
    reached: &'a Reached,
    offered: &'a dyn Interface,
    /// The file that the target may have of the module itself: what it says, it says to others.
    own_file: String,
    sites: &'a [Site],
}

impl<'a> Unit<'a> {
    /// The calls of these functions or macros in a piece that are compiled for certain.
    fn calls(&self, site: Site, functions: &[&str]) -> Vec<Call<'a>> {
        let Some(part) = self.parts.get(site.part) else { return Vec::new() };
        let text: &str = part.file.text();
        if !functions.iter().any(|name| part.file.code(site.piece).contains(name)) {
            return Vec::new();
        }
        let Some(user) = part.file.declaration(site.piece) else { return Vec::new() };
        let mut all = Vec::new();
        let named = user.identifiers.iter().filter(|used| used.role == Role::Global);
        for used in named {
            let Some(function) = text.get(used.range.clone()).filter(|name| functions.contains(name)) else {
                continue;
            };
            let conditional = used.conditional || !user.conditions.is_empty();
            if conditional && !compiled::for_certain(part, user, used.range.start, self.offered) {
                continue;
            }
            let tokens: Vec<Token> = lex::tokens(text, used.range.end..user.range.end)
                .filter(|token| !matches!(token.kind, TokenKind::Comment | TokenKind::Directive))
                .collect();
            let Some(close) = macros::matching(&tokens, 0) else { continue };
            let inner = tokens.get(1..close).unwrap_or_default();
            let at = inner.first().map_or(used.range.start, |token| token.start);
            let arguments = macros::arguments(text, inner);
            all.push(Call { part, user, function, name_at: used.range.start, at, arguments });
        }
        all
    }

    fn knows(&self, name: &str) -> bool {
        self.offered.declared_in(name).is_some()
            || self.offered.exported_by(name).is_some()
            || self.offered.provided_by(name).is_some()
    }

    fn calls_anywhere(&self, functions: &[&str], name: &str) -> bool {
        let mut sites = self.sites.iter();
        sites.any(|site| self.calls(*site, functions).iter().any(|call| call.arguments.contains(&name)))
    }

    /// Whether a header is that of one of the module's own sources, by its name.
    fn is_own_header(&self, path: &str) -> bool {
        let stem = path.strip_suffix(".h");
        let mut sources = self.parts.iter().filter(|(_, part)| part.kind == PartKind::Module);
        sources.any(|(_, part)| stem.is_some() && part.path.strip_suffix(".c") == stem)
    }

    /// Whether a file of the target has `text` and calls one of these functions.
    fn somebody(&self, text: &str, functions: &[&str]) -> bool {
        functions.iter().any(|function| self.offered.file_with(&[text, function], &self.own_file).is_some())
    }

    /// Optional functions that nobody registers and that the module does without.
    fn optional_functions(&self, site: Site, base: Option<&dyn Upstream>) -> Result<Vec<String>, Error> {
        let mut untold = Vec::new();
        for call in self.calls(site, &[RETRIEVE_FUNCTION]) {
            let Some(name) = call.arguments.first().copied() else { continue };
            // What the module declares itself is its own risk; of another module's header it is a promise.
            let promised = self.parts.iter().find(|(_, part)| {
                matches!(part.kind, PartKind::BaseHeader | PartKind::TreeHeader | PartKind::SharedHeader)
                    && !self.is_own_header(&part.path)
                    && part.file.find(name).any(|(_, found)| found.macro_call)
            });
            let Some((_, header)) = promised else { continue };
            if self.knows(name)
                || self.calls_anywhere(&[REGISTER_FUNCTION], name)
                || self.somebody(name, &[REGISTERS_FUNCTION])
            {
                continue;
            }
            if tested::before_each_call(self.parts, self.sites, site, call.name_at) {
                untold.push(name.to_owned());
                continue;
            }
            let (name, file) = (name.to_owned(), header.path.to_string());
            let (source_code, at) = (call.part.named_source(), (call.at, name.len()).into());
            if let Some(base) = base
                && let Some(module) = closure::other_module(base, self.offered, &file)?
            {
                let place = (source_code, at, call.label());
                return Err(Error::needs(&module, &BTreeSet::from([name]), place));
            }
            return Err(Error::NobodyRegisters { name, file, source_code, at, label: call.label() });
        }
        Ok(untold)
    }

    fn registered_providers(&self, site: Site) -> Result<(), Error> {
        for call in self.calls(site, REGISTER_PROVIDER) {
            let Some(name) = call.arguments.get(1).copied() else { continue };
            let Some(word) = self.shared(name).filter(|_| !self.knows(name)) else { continue };
            // Of a group of httpd's own, another provider is no partner: who asks for all of them is elsewhere.
            let asks_itself = !word.of_httpd && self.calls_anywhere(ASK_PROVIDER, name);
            let asked = asks_itself || self.offered.is_required() || self.somebody(&word.text, ASK_PROVIDER);
            if !asked {
                let (source_code, at, label) = call.place(name);
                return Err(Error::NobodyAsks {
                    name: name.to_owned(),
                    file: word.file,
                    source_code,
                    at,
                    label,
                });
            }
        }
        Ok(())
    }

    /// What to say of groups that are asked and have no provider.
    fn asked_providers(&self, site: Site) -> Vec<Warning> {
        let mut warnings = Vec::new();
        for call in self.calls(site, ASK_PROVIDER) {
            let at = usize::from(call.function == "ap_list_provider_names");
            let Some(name) = call.arguments.get(at).copied() else { continue };
            let Some(word) = self.shared(name).filter(|_| !self.knows(name)) else { continue };
            let answered =
                self.calls_anywhere(REGISTER_PROVIDER, name) || self.somebody(&word.text, REGISTER_PROVIDER);
            if !answered {
                let text = format!(
                    "the module asks the group of providers `{name}` of {}, and nothing in the target registers one \
                     there: without another new module that does, it finds none",
                    word.file
                );
                warnings.push(Warning { about: name.to_owned(), text });
            }
        }
        warnings
    }

    /// Notes of a request or connection under a name that httpd has.
    fn notes(&self, site: Site) -> Result<(), Error> {
        for (functions, others) in [(WRITE_TABLE, READ_TABLE), (READ_TABLE, WRITE_TABLE)] {
            for call in self.calls(site, functions) {
                let [table, name, ..] = call.arguments.as_slice() else { continue };
                let Some(word) = self.shared(name).filter(|_| table.ends_with("notes") && !self.knows(name))
                else {
                    continue;
                };
                // What the module says to itself, nobody else has to know.
                let known = !word.of_httpd
                    || self.calls_anywhere(others, name)
                    || self.offered.file_with(&[&word.text], &self.own_file).is_some();
                if !known {
                    let (source_code, at, label) = call.place(name);
                    return Err(Error::NoteUnknown {
                        name: (*name).to_owned(),
                        file: word.file,
                        source_code,
                        at,
                        label,
                    });
                }
            }
        }
        Ok(())
    }

    /// The text that a macro of a shared header stands for, where the unit has a copy of the macro.
    fn shared(&self, name: &str) -> Option<Word> {
        let of = |part: &Part, piece: usize| {
            let found = part.file.outline(piece)?;
            let is = found.kind == DeclarationKind::Macro && found.names.iter().any(|own| own == name);
            let (_, rest) = part.file.code(piece).split_once('"').filter(|_| is)?;
            let (text, _) = rest.split_once('"')?;
            let of_httpd = folder(&part.path) == "include";
            Some(Word { text: text.to_owned(), file: part.path.to_string(), of_httpd })
        };
        let mut pulled = self.reached.picked.keys();
        let pulled = pulled.find_map(|site| of(self.parts.get(site.part)?, site.piece));
        // A header that the target does not have is in the unit from end to end. What the module brings itself is its own.
        let whole = || {
            let mut headers = self.parts.own().filter(|(_, part)| part.is_header());
            headers.find_map(|(_, part)| {
                let found = part.solid().find_map(|piece| of(part, piece));
                found.filter(|word| word.of_httpd || part.kind == PartKind::BaseHeader)
            })
        };
        pulled.or_else(whole)
    }
}

/// A text by which two sides speak.
struct Word {
    text: String,
    /// Upstream's path of the header.
    file: String,
    /// The header is httpd's, not that of a module.
    of_httpd: bool,
}

/// A call in the unit.
struct Call<'a> {
    part: &'a Part,
    user: &'a Declaration,
    function: &'a str,
    /// Where that stands.
    name_at: usize,
    /// Where its first argument stands.
    at: usize,
    arguments: Vec<&'a str>,
}

impl Call<'_> {
    fn label(&self) -> String {
        self.user.names.first().map_or_else(|| "used here".to_owned(), |name| format!("used by {name}"))
    }

    /// The place of an argument.
    fn place(&self, argument: &str) -> super::error::Place {
        let behind = self.part.file.text().get(self.at..).and_then(|text| text.find(argument));
        let at = self.at + behind.unwrap_or_default();
        (self.part.named_source(), (at, argument.len()).into(), self.label())
    }
}
