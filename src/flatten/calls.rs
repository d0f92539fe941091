//! The calls of the target's functions, each against the prototype that its code was written for.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::parts::{Parts, Site};
use super::prototypes::{self, Difference, Prototype};
use super::reach::Reached;
use super::{Error, Interface, Upstream, names};
use crate::c::{Declaration, Role};

/// A function of the target that the unit calls.
struct Called {
    /// The first call, by the piece it stands in.
    site: Site,
    at: usize,
    /// Whether any call looks at what it returns.
    result_used: bool,
}

/// Compares what the module was written for with what the target has, for every function of the target that is called: those
/// whose calls would compile and mean something else, each with its refusal. What does no harm goes to the record.
pub(super) fn compare(
    parts: &Parts,
    reached: &mut Reached,
    base: Option<&dyn Upstream>,
    offered: &dyn Interface,
) -> Result<BTreeMap<String, Error>, Error> {
    let mut headers = Headers { base, offered, theirs: HashMap::new() };
    let mut misread = BTreeMap::new();
    for (name, called) in called(parts, reached, offered) {
        let Some(header) = offered.declared_in(&name) else { continue };
        let Some(text) = headers.theirs(&header) else { continue };
        let theirs = prototypes::find(&text, &name);
        let is_macro = prototypes::is_macro(&text, &name);
        if theirs.is_none() && !is_macro {
            continue;
        }
        let Some((file, ours)) = headers.upstream(parts, &header, &name)? else { continue };
        let (Some(part), Some(ours)) = (parts.get(called.site.part), ours) else { continue };
        let Some(theirs) = theirs.filter(|_| !is_macro) else {
            if !headers.is_macro_upstream(parts, &file, &name)? {
                let why = format!("a macro of {header} in the target, and a function in {file}");
                reached.noted.insert(name, (why, called.site));
            }
            continue;
        };
        for difference in prototypes::compare(&ours, &theirs, called.result_used) {
            match difference {
                Difference::Silent(_) if offered.provided_by(&name).is_some() => {}
                Difference::Silent(words) => {
                    let user = part.file.declaration(called.site.piece);
                    let user = user.and_then(|user| user.names.first().cloned());
                    misread.entry(name.clone()).or_insert_with(|| Error::Misread {
                        name: name.clone(),
                        words,
                        file: file.clone(),
                        source_code: part.named_source(),
                        at: (called.at, name.len()).into(),
                        user: user.unwrap_or_else(|| "the module".to_owned()),
                    });
                }
                Difference::Harmless(words) => {
                    let why = format!("the target's prototype in {header} has {words}");
                    reached.noted.entry(name.clone()).or_insert((why, called.site));
                }
            }
        }
    }
    Ok(misread)
}

/// The functions that are called and that the target declares, by name.
fn called(parts: &Parts, reached: &Reached, offered: &dyn Interface) -> BTreeMap<String, Called> {
    let mut all: BTreeMap<String, Called> = BTreeMap::new();
    let mut not: BTreeSet<&str> = BTreeSet::new();
    for site in names::in_unit(parts, reached) {
        let Some(part) = parts.get(site.part) else { continue };
        let Some(declaration) = part.file.declaration(site.piece) else { continue };
        let text = part.file.text();
        for used in
            declaration.identifiers.iter().filter(|used| used.role == Role::Global && !used.conditional)
        {
            let Some(name) = text.get(used.range.clone()) else { continue };
            let open = text.get(used.range.end..).is_some_and(|rest| rest.trim_start().starts_with('('));
            if !open || not.contains(name) || reached.copies.contains(name) {
                continue;
            }
            if let Some(known) = all.get_mut(name) {
                known.result_used |= is_result_used(text, declaration, used.range.start);
                continue;
            }
            if reached.own.has(site.part, name) || offered.declared_in(name).is_none() {
                not.insert(name);
                continue;
            }
            let result_used = is_result_used(text, declaration, used.range.start);
            all.insert(name.to_owned(), Called { site, at: used.range.start, result_used });
        }
    }
    all
}

/// Whether a call at `at` is more than a statement of its own.
fn is_result_used(text: &str, declaration: &Declaration, at: usize) -> bool {
    let Some(before) = text.get(declaration.code..at) else { return true };
    let last = before.trim_end();
    // Behind a comment one would have to look further: then it counts as used.
    !last.ends_with([';', '{', '}'])
}

struct Headers<'a> {
    base: Option<&'a dyn Upstream>,
    offered: &'a dyn Interface,
    theirs: HashMap<String, Option<Arc<str>>>,
}

impl Headers<'_> {
    fn theirs(&mut self, header: &str) -> Option<Arc<str>> {
        let offered = self.offered;
        self.theirs.entry(header.to_owned()).or_insert_with(|| offered.read_header(header)).clone()
    }

    /// The prototype as the module's authors had it, and where: in a header of the patches, or in the tree's own version of
    /// the target's header. The second is nothing where they had a macro.
    fn upstream(
        &self,
        parts: &Parts,
        header: &str,
        name: &str,
    ) -> Result<Option<(String, Option<Prototype>)>, Error> {
        for (_, part) in parts.iter().filter(|(_, part)| part.is_header()) {
            if let Some(found) = prototypes::find(part.file.text(), name) {
                return Ok(Some((part.path.to_string(), Some(found))));
            }
        }
        let Some((path, text)) = self.of_tree(header)? else { return Ok(None) };
        let found = prototypes::find(&text, name).filter(|_| !prototypes::is_macro(&text, name));
        Ok(Some((path, found)))
    }

    fn is_macro_upstream(&self, parts: &Parts, path: &str, name: &str) -> Result<bool, Error> {
        if let Some(part) = parts.at_path(path).and_then(|at| parts.get(at)) {
            return Ok(prototypes::is_macro(part.file.text(), name));
        }
        Ok(self.read(path)?.is_some_and(|text| prototypes::is_macro(&text, name)))
    }

    fn read(&self, path: &str) -> Result<Option<Arc<str>>, Error> {
        let Some(base) = self.base else { return Ok(None) };
        base.read(path).map_err(|reason| Error::Base { path: path.to_owned(), reason })
    }

    /// The header of that name in httpd's public folder, or the only one in the tree.
    fn of_tree(&self, header: &str) -> Result<Option<(String, Arc<str>)>, Error> {
        let Some(base) = self.base else { return Ok(None) };
        let path = format!("include/{header}");
        if let Some(text) = self.read(&path)? {
            return Ok(Some((path, text)));
        }
        // APR's are not of this tree, and its folders are not walked for them.
        if header.starts_with("apr") || header.starts_with("apu") {
            return Ok(None);
        }
        let all = base.c_files().map_err(|reason| Error::Base { path: path.clone(), reason })?;
        let mut named =
            all.iter().filter(|path| path.rsplit_once('/').is_some_and(|(_, name)| name == header));
        match (named.next(), named.next()) {
            (Some(only), None) => Ok(self.read(only)?.map(|text| (only.clone(), text))),
            _ => Ok(None),
        }
    }
}
