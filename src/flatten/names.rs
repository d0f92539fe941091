//! Clashes of names between the files that become one, and with the target; and what is renamed for them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::parts::{Part, PartKind, Parts, Site};
use super::reach::Reached;
use super::resolve::{defines, is_private};
use super::{Error, Interface, conditions};
use crate::c::lex::TokenKind;
use crate::c::{Declaration, DeclarationKind, Role, lex, macros};

/// New names. A name is looked up in the file's own list first, then among those of all files.
#[derive(Debug, Default)]
pub(super) struct Renames {
    everywhere: BTreeMap<String, String>,
    /// An entry may say that a name stays as it is.
    in_part: HashMap<usize, BTreeMap<String, String>>,
}

impl Renames {
    /// The new name of `name` where part `part` uses it; nothing where it stays.
    pub fn of(&self, part: usize, name: &str) -> Option<&str> {
        let own = self.in_part.get(&part).and_then(|names| names.get(name));
        own.or_else(|| self.everywhere.get(name)).map(String::as_str).filter(|new| *new != name)
    }

    /// Whether part `part` has no name that changes.
    pub fn is_empty(&self, part: usize) -> bool {
        self.everywhere.is_empty() && !self.in_part.contains_key(&part)
    }
}

/// The pieces that are going to be in the unit.
pub(super) fn in_unit(parts: &Parts, reached: &Reached) -> Vec<Site> {
    let mut sites = Vec::new();
    for (part, file) in parts.own() {
        sites.extend(file.solid().map(|piece| Site { part, piece }));
    }
    sites.extend(reached.picked.keys().copied());
    sites
}

/// Finds the clashes and names the ways out of them.
pub(super) fn clashes(parts: &Parts, reached: &Reached, offered: &dyn Interface) -> Result<Renames, Error> {
    let sites = in_unit(parts, reached);
    let mut owners: BTreeMap<&str, Owners> = BTreeMap::new();
    let mut taken: HashSet<&str> = HashSet::new();
    for site in &sites {
        let Some((part, declaration)) = at(parts, *site) else { continue };
        let text = part.file.text();
        taken.extend(declaration.identifiers.iter().filter_map(|used| text.get(used.range.clone())));
        if !can_clash(part, declaration) || is_left_out(declaration, offered) {
            continue;
        }
        for name in &declaration.names {
            let entry = owners.entry(name).or_default();
            if part.is_header() || !is_private(declaration) {
                entry.shared.insert(site.part);
            } else {
                entry.private.insert(site.part);
            }
        }
    }
    let mut namer = Namer { parts, offered, taken, renames: Renames::default() };
    for (name, owner) in &owners {
        namer.settle(name, owner, reached);
    }
    namer.check_lookups(&sites)?;
    Ok(namer.renames)
}

fn at(parts: &Parts, site: Site) -> Option<(&Part, &Declaration)> {
    let part = parts.get(site.part)?;
    Some((part, part.file.declaration(site.piece)?))
}

/// Whether the target's headers tell that it is not compiled: a module's own copy of a function that httpd may have.
fn is_left_out(declaration: &Declaration, offered: &dyn Interface) -> bool {
    declaration.conditions.iter().any(|condition| conditions::value(condition, offered) == Some(0))
}

/// The module's own macros are undefined at the end of their file instead, and what only announces can stand twice.
fn can_clash(part: &Part, declaration: &Declaration) -> bool {
    match declaration.kind {
        DeclarationKind::Function | DeclarationKind::Variable | DeclarationKind::Type => {
            defines(declaration) && !declaration.macro_call
        }
        // A static function's definition may stand in a source, and its prototype in a header that the source includes, or the
        // reverse (cgi_common.h): who defines it decides.
        DeclarationKind::Prototype => false,
        DeclarationKind::Macro => part.kind.is_foreign_source() && defines(declaration),
        _ => false,
    }
}

/// Whether a declaration is `struct NAME { … };` and no more: another name for it may stand in a header of the target, which
/// leaves its members to the module (`ap_socache_instance_t`).
fn defines_tag(text: &str, declaration: &Declaration) -> bool {
    let tokens: Vec<_> = lex::tokens(text, declaration.code..declaration.range.end)
        .filter(|token| token.kind != TokenKind::Comment)
        .collect();
    let [first, _, open, .., close, end] = tokens.as_slice() else { return false };
    ["struct", "union"].contains(&first.text(text)) && open.is(b'{') && close.is(b'}') && end.is(b';')
}

/// Whether a header's declaration of `name` forbids another. The type of an optional function and a structure without its
/// members do not.
fn in_the_way(header: &str, name: &str, tag: bool) -> bool {
    let tokens: Vec<_> =
        lex::tokens(header, 0..header.len()).filter(|token| token.kind != TokenKind::Comment).collect();
    tokens.iter().enumerate().any(|(at, token)| {
        if token.kind == TokenKind::Directive {
            // A macro of that name.
            let line = token.text(header).trim_start_matches('#').trim_start();
            let defined =
                line.strip_prefix("define").map(str::trim_start).and_then(|rest| rest.strip_prefix(name));
            return defined.is_some_and(|rest| !rest.starts_with(lex::is_identifier_part));
        }
        if token.kind != TokenKind::Identifier || token.text(header) != name {
            return false;
        }
        let before = |back: usize| at.checked_sub(back).and_then(|at| tokens.get(at));
        if tag {
            return before(1).is_some_and(|token| ["struct", "union", "enum"].contains(&token.text(header)))
                && tokens.get(at + 1).is_some_and(|token| token.is(b'{'));
        }
        // `APR_DECLARE_OPTIONAL_FN(int, name, (…))`.
        let open = (1..=at).find(|back| before(*back).is_some_and(|token| token.is(b'(') || token.is(b';')));
        let called = open.and_then(|open| before(open + 1)).map_or("", |token| token.text(header));
        called != "APR_DECLARE_OPTIONAL_FN"
    })
}

/// A file's name without folder and ending, as a part of a C name.
pub(super) fn stem(path: &str) -> String {
    let file = path.rsplit_once('/').map_or(path, |(_, file)| file);
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    stem.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' }).collect()
}

#[derive(Default)]
struct Owners {
    /// Files in which it is one thing for all.
    shared: BTreeSet<usize>,
    /// Files in each of which it is another thing.
    private: BTreeSet<usize>,
}

struct Namer<'a> {
    parts: &'a Parts,
    offered: &'a dyn Interface,
    taken: HashSet<&'a str>,
    renames: Renames,
}

impl Namer<'_> {
    fn settle(&mut self, name: &str, owner: &Owners, reached: &Reached) {
        if reached.copies.contains(name) {
            let new = self.fresh(name, "graft");
            self.renames.everywhere.insert(name.to_owned(), new);
        }
        let declared = self.declared_elsewhere(name, owner);
        let mut is_free = owner.shared.is_empty() && !declared && !reached.copies.contains(name);
        // Another file uses the target's, or an inlined, thing of that name.
        for part in &owner.private {
            if std::mem::take(&mut is_free) || self.says_the_same(name, *part, owner) {
                continue;
            }
            let several = self.parts.own().filter(|(_, part)| part.kind == PartKind::Module).count() > 1;
            let suffix = self.suffix(*part, several);
            let new = self.fresh(name, &suffix);
            self.renames.in_part.entry(*part).or_default().insert(name.to_owned(), new);
        }
    }

    /// Whether a source defines what a header of the module's own defines as well, each unless the other did: parser generators
    /// write a type into both.
    fn says_the_same(&self, name: &str, source: usize, owner: &Owners) -> bool {
        let of = |at: usize| {
            let part = self.parts.get(at);
            let found =
                part.into_iter().flat_map(|part| part.file.find(name).map(move |found| (part, found.1)));
            found.filter(|(_, found)| defines(found)).collect::<Vec<_>>()
        };
        let words = |part: &Part, found: &Declaration| {
            let text = part.file.text();
            let code = lex::tokens(text, found.code..found.range.end)
                .filter(|token| !matches!(token.kind, TokenKind::Comment | TokenKind::Directive));
            code.map(|token| token.text(text).to_owned()).collect::<Vec<_>>()
        };
        let own = of(source);
        let shared: Vec<_> = owner.shared.iter().flat_map(|at| of(*at)).collect();
        let twin = |(part, found): &(&Part, &Declaration)| {
            shared.iter().any(|(other, same)| {
                // The source has the header's own guard around it, besides.
                !same.conditions.is_empty()
                    && found.conditions.ends_with(&same.conditions)
                    && words(part, found) == words(other, same)
            })
        };
        !own.is_empty() && own.iter().all(twin)
    }

    /// Whether a header of the target declares it that no header of the patches stands for.
    fn declared_elsewhere(&self, name: &str, owner: &Owners) -> bool {
        let Some(header) = self.offered.declared_in(name) else { return false };
        if self
            .offered
            .read_header(&header)
            .is_some_and(|text| !in_the_way(&text, name, self.is_tag(name, owner)))
        {
            return false;
        }
        let replaced = |part: &Part| {
            part.kind == PartKind::PrivateHeader
                && part.path.rsplit_once('/').map_or(&*part.path, |(_, file)| file) == header
        };
        !self.parts.own().any(|(_, part)| replaced(part))
    }

    /// Whether the module's sources only give a structure of that tag its members.
    fn is_tag(&self, name: &str, owner: &Owners) -> bool {
        let parts = owner.private.iter().chain(&owner.shared).filter_map(|part| self.parts.get(*part));
        let mut defined = parts.flat_map(|part| part.file.find(name).map(move |(_, found)| (part, found)));
        defined.all(|(part, found)| !defines(found) || defines_tag(part.file.text(), found))
    }

    /// What tells the new name from the old one: the source's own name where several make the module.
    fn suffix(&self, part: usize, several: bool) -> String {
        let Some(part) = self.parts.get(part).filter(|part| part.own && several) else {
            return "graft".to_owned();
        };
        stem(&part.path)
    }

    fn fresh(&self, name: &str, suffix: &str) -> String {
        let is_free = |new: &String| {
            let used = self.taken.contains(new.as_str())
                || self.offered.declared_in(new).is_some()
                || self.offered.exported_by(new).is_some();
            let given = |names: &BTreeMap<String, String>| names.values().any(|other| other == new);
            !used && !given(&self.renames.everywhere) && !self.renames.in_part.values().any(given)
        };
        let first = format!("{name}_{suffix}");
        if is_free(&first) {
            return first;
        }
        // Only finitely many names are taken.
        let mut number = 2u32;
        loop {
            let next = format!("{name}_{suffix}{number}");
            if is_free(&next) {
                return next;
            }
            number += 1;
        }
    }

    /// A renamed function that is looked up by a string would not be found.
    fn check_lookups(&self, sites: &[Site]) -> Result<(), Error> {
        for site in sites {
            let Some((part, declaration)) = at(self.parts, *site) else { continue };
            if self.renames.is_empty(site.part) {
                continue;
            }
            let text = part.file.text();
            let global: Vec<_> =
                declaration.identifiers.iter().filter(|used| used.role == Role::Global).collect();
            for pair in global.windows(2) {
                let [call, argument] = pair else { continue };
                let called = text.get(call.range.clone()).unwrap_or_default();
                let name = text.get(argument.range.clone()).unwrap_or_default();
                let between = text.get(call.range.end..argument.range.start).unwrap_or_default();
                let direct = between.trim() == "(";
                if macros::stringifies(called) && direct && self.renames.of(site.part, name).is_some() {
                    return Err(Error::LookedUpByName {
                        name: name.to_owned(),
                        source_code: part.named_source(),
                        at: (argument.range.start, argument.range.len()).into(),
                    });
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_another_definition_contradicts_is_in_the_way() {
        let header = "typedef struct opaque opaque;\nstruct known { int opaque; };\n\
                      /* plain() */\nAPR_DECLARE_OPTIONAL_FN(const char *, optional, (request_rec *r));\n\
                      AP_DECLARE(int) plain(opaque *o);\n#define macro 1\n#define macros 1\n";
        for (name, tag, is) in [
            ("opaque", true, false),
            ("opaque", false, true),
            ("known", true, true),
            ("optional", false, false),
            ("plain", false, true),
            ("macro", false, true),
            ("macr", false, false),
        ] {
            assert_eq!(in_the_way(header, name, tag), is, "{name}");
        }
    }

    #[test]
    fn tags_are_told_from_names_of_types() {
        let tag = |text: &str| {
            let all = crate::c::declarations(text);
            defines_tag(text, all.first().unwrap())
        };
        assert!(tag("struct opaque {\n    int x; /* one */\n};\n"));
        for text in [
            "typedef struct opaque { int x; } opaque;\n",
            "struct opaque { int x; } opaque;\n",
            "struct opaque;\n",
        ] {
            assert!(!tag(text), "{text}");
        }
    }
}
