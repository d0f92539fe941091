//! What must hold of the unit as a whole: one module structure, and no structure of the target that has grown.

use std::collections::BTreeSet;

use super::parts::{Part, PartKind, Parts, Site};
use super::reach::Reached;
use super::record::Evidence;
use super::status::Status;
use super::{Error, Interface, ModuleId};
use crate::c::{Declaration, DeclarationKind, File, lex};

/// That the module's sources define its structure, and no other.
pub(super) fn one_module_structure(parts: &Parts, module: &ModuleId) -> Result<(), Error> {
    let mut others = Vec::new();
    let mut found = false;
    let mut any_source = false;
    for (at, part) in parts.own().filter(|(_, part)| part.kind == PartKind::Module) {
        any_source = true;
        for piece in part.solid() {
            let Some(declaration) = part.file.declaration(piece) else { continue };
            if let Some(name) = module_structure(part, declaration) {
                if name == module.symbol {
                    found = true;
                } else {
                    others.push((Site { part: at, piece }, name.to_owned()));
                }
            }
        }
    }
    if !any_source {
        return Err(Error::NoSource { module: module.name.clone() });
    }
    match others.into_iter().next() {
        Some((site, other)) if found => {
            let Some(part) = parts.get(site.part) else { return Ok(()) };
            Err(Error::SeveralModules {
                symbol: module.symbol.clone(),
                source_code: part.named_source(),
                at: part.span_of(site.piece, &other),
                other,
            })
        }
        other if !found => {
            let help = match other {
                Some((_, name)) => format!("the sources define `{name}`: is that the module's symbol?"),
                None => "a module is a variable of type `module` with an initialiser, or AP_DECLARE_MODULE(NAME): \
                         check that the patch brings all of the module's files"
                    .to_owned(),
            };
            Err(Error::NoModuleStructure { module: module.name.clone(), symbol: module.symbol.clone(), help })
        }
        _ => Ok(()),
    }
}

/// The name of the module structure that a declaration defines.
fn module_structure<'p>(part: &'p Part, declaration: &'p Declaration) -> Option<&'p str> {
    if declaration.kind != DeclarationKind::Variable || declaration.forward || declaration.is_dead() {
        return None;
    }
    let text = part.file.text();
    let mut tokens = lex::tokens(text, declaration.code..declaration.range.end);
    let mut initialised = false;
    let head: Vec<&str> = tokens
        .by_ref()
        .take_while(|token| {
            initialised = token.is(b'=');
            !initialised
        })
        .map(|token| token.text(text))
        .collect();
    // Without an initialiser it is a tentative definition: an announcement, in effect.
    match () {
        () if !initialised => None,
        () if head.contains(&"AP_DECLARE_MODULE") => declaration.names.first().map(String::as_str),
        // What stands between (`MODULE_VAR_EXPORT`, `AP_MODULE_DECLARE_DATA`) may be taken for the name where no macro is known.
        () if head.contains(&"module") => head.last().copied(),
        () => None,
    }
}

/// That the module uses no member that the patches add to a structure of the target.
///
/// # Errors
/// [`Error::StructureGrown`].
pub(super) fn grown_types(parts: &Parts, reached: &Reached, offered: &dyn Interface) -> Result<(), Error> {
    let mut sites: Vec<Site> = Vec::new();
    for (part, file) in parts.own() {
        sites.extend(file.solid().map(|piece| Site { part, piece }));
    }
    sites.extend(reached.picked.keys().copied());
    // A member of that name in a type of the unit's own says nothing of the target's structure.
    let own_members: BTreeSet<&str> = sites
        .iter()
        .filter_map(|site| parts.get(site.part)?.file.declaration(site.piece))
        .flat_map(|declaration| declaration.members.iter().map(String::as_str))
        .collect();
    for (part, file) in parts.donors().filter(|(_, part)| part.is_header()) {
        for piece in file.changed() {
            if reached.picked.contains_key(&Site { part, piece }) {
                continue;
            }
            if file.file.outline(piece).is_none_or(|outline| outline.kind == DeclarationKind::Function) {
                continue;
            }
            let Some(grown) = Grown::of(file, piece) else { continue };
            for member in grown.members.iter().filter(|member| !own_members.contains(member.as_str())) {
                let Some((site, user)) = find_use(parts, &sites, member) else { continue };
                if grown.target_has(member, file, offered) {
                    continue;
                }
                let Some(using) = parts.get(site.part) else { continue };
                return Err(Error::StructureGrown {
                    member: member.clone(),
                    structure: grown.name.unwrap_or_else(|| "a structure".to_owned()),
                    file: file.path.to_string(),
                    source_code: using.named_source(),
                    at: using.span_of(site.piece, member),
                    label: format!("used by {user}"),
                });
            }
        }
    }
    Ok(())
}

/// The first use that is compiled whatever the conditions.
fn find_use(parts: &Parts, sites: &[Site], member: &str) -> Option<(Site, String)> {
    sites.iter().find_map(|site| {
        let part = parts.get(site.part)?;
        let declaration = part.file.declaration(site.piece)?;
        let text = part.file.text();
        let uses = declaration.identifiers.iter().any(|identifier| {
            !identifier.conditional
                && identifier.role == crate::c::Role::Member
                && text.get(identifier.range.clone()) == Some(member)
        });
        let name = declaration.names.first().cloned().unwrap_or_else(|| "the module".to_owned());
        (uses && declaration.conditions.is_empty()).then_some((*site, name))
    })
}

/// A structure of a shared header with new members.
struct Grown {
    /// Where it is known.
    name: Option<String>,
    names: Vec<String>,
    members: Vec<String>,
}

impl Grown {
    fn of(part: &Part, piece: usize) -> Option<Self> {
        let declaration = part.file.declaration(piece)?;
        if part.seen(piece).status != Status::Modified {
            return None;
        }
        let members = match (declaration.kind, part.evidence) {
            (DeclarationKind::Type, Evidence::Whole) => {
                let before = part.before.as_ref()?;
                let old: BTreeSet<&String> = declaration
                    .names
                    .iter()
                    .flat_map(|name| before.find(name))
                    .flat_map(|(_, old)| &old.members)
                    .collect();
                declaration.members.iter().filter(|member| !old.contains(member)).cloned().collect()
            }
            // In a hunk: what the added lines name in front of `;`, `,`, `[` or `:`.
            (_, Evidence::Hunks) => added_members(part, declaration),
            _ => Vec::new(),
        };
        let inside = part.hunks.inside.contains(&piece);
        let names = if inside { Vec::new() } else { declaration.names.clone() };
        Some(Grown { name: names.first().cloned(), names, members })
    }

    /// Whether the target's own version of the structure has the member already.
    fn target_has(&self, member: &str, part: &Part, offered: &dyn Interface) -> bool {
        let here = part.path.rsplit_once('/').map_or(&*part.path, |(_, file)| file).to_owned();
        let header = self.names.iter().find_map(|name| offered.declared_in(name)).unwrap_or(here);
        let Some(text) = offered.read_header(&header) else { return false };
        let file = File::new(text);
        let has = |declaration: &Declaration| declaration.members.iter().any(|own| own == member);
        if self.names.is_empty() {
            // The hunk does not say whose member it is: any structure of that header answers.
            return file.declarations().any(has);
        }
        self.names.iter().any(|name| file.find(name).any(|(_, declaration)| has(declaration)))
    }
}

fn added_members(part: &Part, declaration: &Declaration) -> Vec<String> {
    if !matches!(
        declaration.kind,
        DeclarationKind::Type | DeclarationKind::Partial | DeclarationKind::Variable
    ) {
        return Vec::new();
    }
    let text = part.file.text();
    let tokens: Vec<_> = lex::tokens(text, declaration.code..declaration.range.end).collect();
    let pairs = tokens.windows(2).filter_map(|pair| match pair {
        [name, next] if name.kind == lex::TokenKind::Identifier => {
            let ends = [b';', b',', b'[', b':'].iter().any(|mark| next.is(*mark));
            let line = part.file.line(name.start);
            let added = part.hunks.lines.get(&line).is_some_and(|(added, _)| *added);
            (ends && added).then(|| name.text(text).to_owned())
        }
        _ => None,
    });
    pairs.collect()
}
