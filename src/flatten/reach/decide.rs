//! What is done with the declarations that a name can mean: taken, left to the target, or refused.

use super::{Pick, Use, Walk, is_hook};
use crate::c::{DeclarationKind, Linkage};
use crate::flatten::parts::Site;
use crate::flatten::record::Evidence;
use crate::flatten::resolve::Candidates;
use crate::flatten::status::Status;
use crate::flatten::{Error, codes};

impl Walk<'_> {
    pub(super) fn decide(
        &mut self,
        used: &Use,
        candidates: &Candidates,
        has: Option<String>,
        declared: bool,
    ) -> Result<(), Error> {
        let of = |kinds: &[DeclarationKind]| -> Vec<Site> {
            let is = |site: &Site| self.part(*site).is_some_and(|(_, found)| kinds.contains(&found.kind));
            candidates.sites.iter().copied().filter(is).collect()
        };
        let hook = |site: &Site| self.part(*site).is_some_and(|(_, found)| is_hook(found, &used.name));
        if has.is_none() && candidates.sites.iter().any(hook) {
            if !used.certain {
                return Ok(());
            }
            let file = candidates.sites.first().and_then(|site| self.part(*site));
            let file = file.map_or(String::new(), |(part, _)| part.path.to_string());
            return self.refuse(used, |name, (source_code, at, label)| Error::HookMissing {
                name,
                file,
                source_code,
                at,
                label,
            });
        }
        let functions = of(&[DeclarationKind::Function, DeclarationKind::Partial]);
        let announced = of(&[DeclarationKind::Prototype]);
        if !functions.is_empty() {
            let why = "its definition is inlined before it is used";
            match &has {
                Some(why) if !declared && !self.any_modified(&functions) => {
                    self.take_prototype(used, &announced, why);
                }
                Some(why) => self.leave(&announced, why),
                None => self.leave(&announced, why),
            }
            return self.functions(used, functions, has);
        }
        let variables = of(&[DeclarationKind::Variable]);
        if !variables.is_empty() {
            return self.variables(used, variables, has);
        }
        let values = of(&[DeclarationKind::Macro, DeclarationKind::Type, DeclarationKind::MacroCall]);
        if !values.is_empty() {
            return self.values(used, values, has);
        }
        match (has, declared) {
            (Some(why), true) => self.leave(&announced, &why),
            (Some(why), false) => {
                self.take_prototype(used, &announced, &why);
            }
            (None, _) if !used.certain => {}
            (None, _) => {
                let Some(site) = announced.first() else { return Ok(()) };
                let file = self.part(*site).map_or(String::new(), |(part, _)| part.path.to_string());
                let (source_code, at, label) = self.place(used);
                return Err(Error::NoProvider { name: used.name.clone(), file, source_code, at, label });
            }
        }
        Ok(())
    }

    fn functions(&mut self, used: &Use, sites: Vec<Site>, has: Option<String>) -> Result<(), Error> {
        for site in sites {
            let Some((part, declaration)) = self.part(site) else { continue };
            let seen = part.seen(site.piece);
            let file = part.path.to_string();
            let name = used.name.clone();
            let existed = seen.status != Status::Added;
            if seen.status == Status::Modified && part.evidence == Evidence::Hunks {
                let (source_code, at, label) = self.place(used);
                return Err(Error::Modified { name, file, source_code, at, label });
            }
            if seen.status != Status::Modified
                && let Some(why) = &has
            {
                self.leave(&[site], why);
                continue;
            }
            if !seen.whole {
                let (source_code, at, label) = self.place(used);
                return Err(Error::NotSeenWhole { name, file, source_code, at, label });
            }
            if existed && let Some(state) = declaration.state.first() {
                let (source_code, at, label) = self.place(used);
                let needed = self.needed(used);
                let name = format!("{state} (static in {name})");
                return Err(Error::PrivateState { name, needed, file, source_code, at, label });
            }
            if self.copied.contains(&name) {
                self.reached.copies.insert(name.clone());
            }
            let reason = match (seen.status, &has) {
                _ if self.copied.contains(&name) => {
                    "the target declares it otherwise, and its calls would be misread: a copy of upstream's own is used"
                        .to_owned()
                }
                (Status::Added, _) => "the patch adds it, and the target does not have it".to_owned(),
                (Status::Unchanged, _) if declaration.linkage == Linkage::Internal => {
                    format!("{file} keeps it to itself")
                }
                (Status::Unchanged, _) => "the target does not have it".to_owned(),
                (Status::Modified, None) => {
                    "the patch changes it, and the target does not have it".to_owned()
                }
                (Status::Modified, Some(why)) => {
                    self.reached.copies.insert(name);
                    format!(
                        "{why} as it was before the patch: a copy of the changed function is used, and the target's \
                             own calls still reach its own version"
                    )
                }
            };
            self.take(used, site, true, reason);
        }
        Ok(())
    }

    fn variables(&mut self, used: &Use, sites: Vec<Site>, has: Option<String>) -> Result<(), Error> {
        if let Some(why) = has {
            self.leave(&sites, &why);
            return Ok(());
        }
        let constant =
            |site: &Site| self.part(*site).is_some_and(|(_, found)| found.constant || found.forward);
        let written = sites.iter().find(|site| !constant(site)).copied();
        let defined = sites.iter().any(|site| self.part(*site).is_some_and(|(_, found)| !found.forward));
        let first = written.or(sites.first().copied());
        let Some((part, _)) = first.and_then(|site| self.part(site)) else { return Ok(()) };
        let (name, file) = (used.name.clone(), part.path.to_string());
        if written.is_some() {
            let (source_code, at, label) = self.place(used);
            let needed = self.needed(used);
            return Err(Error::PrivateState { name, needed, file, source_code, at, label });
        }
        if !defined {
            if !used.certain {
                return Ok(());
            }
            let (source_code, at, label) = self.place(used);
            return Err(Error::NoProvider { name, file, source_code, at, label });
        }
        for site in sites {
            if self.part(site).is_some_and(|(_, found)| found.forward) {
                self.leave(&[site], "its definition is met as well");
            } else {
                self.take(used, site, true, "a constant that the target does not have".to_owned());
            }
        }
        Ok(())
    }

    fn values(&mut self, used: &Use, sites: Vec<Site>, has: Option<String>) -> Result<(), Error> {
        if let Some(why) = has {
            self.leave(&sites, &why);
            return Ok(());
        }
        for site in sites {
            let Some((part, declaration)) = self.part(site) else { continue };
            let known = |other: &&String| self.offered.declared_in(other).is_some();
            let private = part.kind.is_foreign_source();
            let constant = declaration.constants.contains(&used.name);
            if !private && constant && declaration.names.iter().any(|other| known(&other)) {
                if !used.certain {
                    continue;
                }
                let (source_code, at, label) = self.place(used);
                let (constant, file) = (used.name.clone(), part.path.to_string());
                return Err(Error::EnumerationGrown { constant, file, source_code, at, label });
            }
            let family = (!private && declaration.kind == DeclarationKind::Macro)
                .then(|| codes::family(&used.name, part.file.code(site.piece), self.offered))
                .flatten();
            if let Some(family) = family {
                if !used.certain {
                    continue;
                }
                let (prefix, file) = (family.prefix.clone(), part.path.to_string());
                return self.refuse(used, |name, (source_code, at, label)| Error::CodeUnknown {
                    name,
                    prefix,
                    file,
                    source_code,
                    at,
                    label,
                });
            }
            let other = declaration.names.iter().filter(|name| !declaration.constants.contains(name));
            let other = other.filter(|_| !private && !declaration.forward).find(known);
            if let Some(other) = other.filter(|_| declaration.kind == DeclarationKind::Type) {
                let (other, file) = (other.clone(), part.path.to_string());
                return self.refuse(used, |name, (source_code, at, label)| Error::TypeShared {
                    name,
                    other,
                    file,
                    source_code,
                    at,
                    label,
                });
            }
            if !part.seen(site.piece).whole {
                let (source_code, at, label) = self.place(used);
                let (name, file) = (used.name.clone(), part.path.to_string());
                return Err(Error::NotSeenWhole { name, file, source_code, at, label });
            }
            let reason = match (private, part.seen(site.piece).status) {
                (true, _) => format!("{} keeps it to itself", part.path),
                (false, Status::Added) => "the patch adds it, and the target does not have it".to_owned(),
                (false, _) => "the target does not have it".to_owned(),
            };
            self.take(used, site, false, reason);
        }
        Ok(())
    }

    pub(super) fn leave(&mut self, sites: &[Site], why: &str) {
        for site in sites {
            self.reached.left.entry(*site).or_insert_with(|| why.to_owned());
        }
    }

    /// Takes the first of several prototypes as it is.
    fn take_prototype(&mut self, used: &Use, sites: &[Site], has: &str) {
        if let Some((first, rest)) = sites.split_first() {
            self.take(used, *first, false, format!("{has}, and no header of the target declares it"));
            self.leave(rest, "declared once already");
        }
    }

    fn any_modified(&self, sites: &[Site]) -> bool {
        let mut parts = sites.iter().filter_map(|site| Some((self.parts.get(site.part)?, site.piece)));
        parts.any(|(part, piece)| part.seen(piece).status == Status::Modified)
    }

    fn take(&mut self, used: &Use, site: Site, make_static: bool, reason: String) {
        if self.reached.picked.contains_key(&site) {
            return;
        }
        let user = self.part(used.by).and_then(|(_, user)| user.names.first().cloned());
        let reason = match user {
            Some(user) => format!("used by {user}: {reason}"),
            None => reason,
        };
        self.reached.picked.insert(site, Pick { make_static, reason });
        self.came_by.insert(site, used.clone());
        self.uses_of(site, used.certain);
    }
}
