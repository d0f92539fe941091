//! What the tree has of the names that neither the target nor the patches know: C's own rules of visibility, over files.
//!
//! A name means what a header that its user includes says of it, and a function or variable is defined by the one source
//! that is near this header. So the tree is never searched for a name that no header in sight declares, and a `static`
//! function is found from its own file alone.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;

use super::includes;
use super::parts::{Answer, OtherModule, PartKind, Parts, Site};
use super::reach::{self, Reached};
use super::resolve::{is_private, renamed_functions};
use super::{Error, Failure, Interface, Upstream, headers};
use crate::c::directive::Include;
use crate::c::{Declaration, DeclarationKind, File, Linkage};
use crate::source::path::{folder, joined};

/// Follows the names of the module's own code, asking the tree for those that nobody else knows, until none is left. The
/// functions `copied` are not the target's, whatever it has.
pub(super) fn follow(
    parts: &mut Parts,
    base: Option<&dyn Upstream>,
    offered: &dyn Interface,
    copied: &BTreeSet<String>,
) -> Result<Reached, Error> {
    let mut closure = base.map(|base| Closure::new(base, offered));
    loop {
        let (reached, missing) = reach::follow(parts, offered, copied, closure.is_some());
        let Some(closure) = closure.as_mut() else { return reached };
        // Each name is asked once for each file, and both are finitely many.
        if !missing.is_empty() {
            for (part, name) in missing {
                let answer = closure.answer(parts, part, &name)?;
                parts.answers.insert((part, name), answer);
            }
            continue;
        }
        // Each source is grafted once.
        let whole = match &reached {
            Ok(reached) => closure.beside(parts, reached),
            Err(wall) => closure.behind(parts, wall)?,
        };
        if whole.is_empty() {
            return reached;
        }
        for (path, file) in whole {
            parts.graft_whole(&path, file);
        }
        closure.visible.clear();
        includes::resolve(parts, base, offered)?;
    }
}

/// Makes the sources that a rule wants in the module its own.
pub(super) fn adopt(
    parts: &mut Parts,
    base: Option<&dyn Upstream>,
    offered: &dyn Interface,
) -> Result<(), Error> {
    let Some(base) = base else { return Ok(()) };
    let wanted = offered.adopted();
    for path in &wanted {
        if let Some(file) = base.parsed(path).map_err(failed(path))? {
            parts.graft_whole(path, file);
        }
    }
    if wanted.is_empty() { Ok(()) } else { includes::resolve(parts, Some(base), offered) }
}

/// A header in sight of a file.
#[derive(Debug)]
struct Header {
    path: Arc<str>,
    text: Arc<str>,
    /// Where it is in play already.
    part: Option<usize>,
}

/// A source of the tree, and its pieces that define a name.
type Definition = (String, Arc<File>, Vec<usize>);

struct Closure<'a> {
    base: &'a dyn Upstream,
    offered: &'a dyn Interface,
    visible: HashMap<usize, Rc<Vec<Header>>>,
    /// Headers of the tree by their file names.
    by_name: Option<HashMap<String, Vec<String>>>,
}

fn failed(path: &str) -> impl FnOnce(Failure) -> Error {
    move |reason| Error::Base { path: path.to_owned(), reason }
}

impl<'a> Closure<'a> {
    fn new(base: &'a dyn Upstream, offered: &'a dyn Interface) -> Self {
        Closure { base, offered, visible: HashMap::new(), by_name: None }
    }

    /// What the tree has of `name` where part `from` uses it.
    fn answer(&mut self, parts: &mut Parts, from: usize, name: &str) -> Result<Answer, Error> {
        let visible = self.visible(parts, from)?;
        let mut announced: Option<Answer> = None;
        for header in visible.iter().filter(|header| mentions(&header.text, name)) {
            let in_play = header.part.and_then(|part| parts.get(part));
            let is_known = in_play.is_some_and(|part| !part.kind.is_of_tree());
            let file = match in_play {
                Some(part) => Some(part.file.clone()),
                None => self.base.parsed(&header.path).map_err(failed(&header.path))?,
            };
            let Some(file) = file else { continue };
            let found: Vec<(usize, bool)> = file
                .find(name)
                .filter(|(_, declaration)| !declaration.is_dead())
                .map(|(piece, declaration)| (piece, announces(declaration)))
                .collect();
            let Some((_, only)) = found.iter().min_by_key(|(_, announces)| *announces).copied() else {
                continue;
            };
            if only && announced.is_some() {
                continue;
            }
            // A file in play was looked at already; what it announces may be defined in the tree all the same.
            let sites = match is_known {
                true => Vec::new(),
                false => {
                    let at = parts.at_path(&header.path);
                    let part = at.unwrap_or_else(|| parts.push_of_tree(&header.path, file.clone()));
                    found.iter().map(|(piece, _)| Site { part, piece: *piece }).collect()
                }
            };
            // Types and macros are no matter of who is there when the module runs.
            let runs = |kind| {
                matches!(
                    kind,
                    DeclarationKind::Prototype | DeclarationKind::Variable | DeclarationKind::MacroCall
                )
            };
            let runs =
                found.iter().any(|(piece, _)| file.outline(*piece).is_some_and(|found| runs(found.kind)));
            let module = if runs { other_module(self.base, self.offered, &header.path)? } else { None };
            if !only {
                return Ok(Answer { sites, module });
            }
            let mut answer = Answer { sites, module };
            if let Some((path, file, pieces)) = self.definition(parts, &header.path, name)? {
                let part = parts.at_path(&path).unwrap_or_else(|| parts.push_of_tree(&path, file));
                answer.sites.extend(pieces.into_iter().map(|piece| Site { part, piece }));
                if answer.module.is_none() {
                    answer.module = other_module(self.base, self.offered, &path)?;
                }
            }
            announced = Some(answer);
        }
        Ok(announced.unwrap_or_default())
    }

    /// The source that defines `name`, which the header at `header` declares: beside the header, in the server, then
    /// anywhere. Where several do, the build decides between them, and none is taken.
    fn definition(&self, parts: &Parts, header: &str, name: &str) -> Result<Option<Definition>, Error> {
        let all = self.base.c_files().map_err(failed("modules"))?;
        let beside = folder(header);
        // The sources of a processing model are each another server's.
        let rank = |path: &str| match path {
            _ if path.starts_with("server/mpm/") => None,
            _ if folder(path) == beside => Some(0),
            _ if path.starts_with("server/") => Some(1),
            _ => Some(2),
        };
        for wanted in 0..3 {
            let sources: Vec<String> = all
                .iter()
                .filter(|path| {
                    path.ends_with(".c")
                        && rank(path) == Some(wanted)
                        && parts
                            .at_path(path)
                            .is_none_or(|at| parts.get(at).is_some_and(|part| part.kind.is_of_tree()))
                })
                .cloned()
                .collect();
            self.base.preload(&sources).map_err(failed(header))?;
            let mut found = Vec::new();
            for path in sources {
                let Some(text) = self.base.read(&path).map_err(failed(&path))? else { continue };
                if !mentions(&text, name) {
                    continue;
                }
                let Some(file) = self.base.parsed(&path).map_err(failed(&path))? else { continue };
                let defines = |declaration: &Declaration| {
                    !declaration.is_dead()
                        && !is_private(declaration)
                        && !announces(declaration)
                        && declaration.kind != DeclarationKind::Partial
                };
                let pieces: Vec<usize> =
                    file.find(name).filter(|(_, found)| defines(found)).map(|(piece, _)| piece).collect();
                if !pieces.is_empty() {
                    found.push((path, file, pieces));
                }
            }
            match found.len() {
                0 => {}
                1 => return Ok(found.pop()),
                _ => return Ok(None),
            }
        }
        Ok(None)
    }

    /// The sources behind a wall that is none, as they belong to a part of httpd that the target does not have at all: there is
    /// no other state or hook beside its own, so all of it can be the module's.
    fn behind(&self, parts: &Parts, wall: &Error) -> Result<Vec<(String, Arc<File>)>, Error> {
        let found = match wall {
            Error::PrivateState { file, .. } | Error::HookMissing { file, .. } if file.ends_with(".c") => {
                self.base.parsed(file).map_err(failed(file))?.map(|parsed| (file.clone(), parsed))
            }
            Error::HookMissing { name, file, .. } => {
                self.definition(parts, file, name)?.map(|(path, file, _)| (path, file))
            }
            Error::NoProvider { name, file, .. } => self.renamed_definition(file, name)?,
            _ => None,
        };
        let mut sources: Vec<(String, Arc<File>)> =
            found.into_iter().filter(|(path, file)| self.is_missing_part(parts, path, file)).collect();
        // The source that was on the way there belongs to the same part.
        if let Some(user) =
            wall.user().filter(|user| !sources.is_empty() && sources.iter().all(|(path, _)| path != user))
            && let Some(file) = self.base.parsed(user).map_err(failed(user))?
            && self.is_missing_part(parts, user, &file)
        {
            sources.push((user.to_owned(), file));
        }
        Ok(sources)
    }

    /// Where sources were grafted whole, the others of missing parts from which something is taken: a generated scanner can't
    /// be taken piece by piece.
    fn beside(&self, parts: &Parts, reached: &Reached) -> Vec<(String, Arc<File>)> {
        if !parts.iter().any(|(_, part)| part.grafted) {
            return Vec::new();
        }
        let taken: BTreeSet<usize> = reached.picked.keys().map(|site| site.part).collect();
        let taken = taken.into_iter().filter_map(|at| parts.get(at));
        taken
            .filter(|part| part.kind.is_of_tree() && self.is_missing_part(parts, &part.path, &part.file))
            .map(|part| (part.path.to_string(), part.file.clone()))
            .collect()
    }

    /// Whether a source of httpd itself has nothing that the target has, and is not the module's yet.
    fn is_missing_part(&self, parts: &Parts, path: &str, file: &File) -> bool {
        let is_new =
            parts.at_path(path).and_then(|at| parts.get(at)).is_none_or(|part| part.kind.is_of_tree());
        let has = |name: &String| {
            self.offered.declared_in(name).is_some() || self.offered.exported_by(name).is_some()
        };
        let mut external = file.declarations().filter(|found| {
            let runs = matches!(
                found.kind,
                DeclarationKind::Function | DeclarationKind::Variable | DeclarationKind::MacroCall
            );
            runs && found.linkage == Linkage::External && !found.forward
        });
        let shared = is_new && external.any(|found| found.names.iter().any(has));
        is_new
            && !shared
            && path.starts_with("server/")
            && !path.starts_with("server/mpm/")
            && path.ends_with(".c")
    }

    /// The source beside a header that defines `name` by way of a macro.
    fn renamed_definition(&self, header: &str, name: &str) -> Result<Option<(String, Arc<File>)>, Error> {
        for path in self.base.c_files().map_err(failed(header))?.iter() {
            if !path.ends_with(".c") || folder(path) != folder(header) {
                continue;
            }
            let Some(text) = self.base.read(path).map_err(failed(path))? else { continue };
            if !mentions(&text, name) {
                continue;
            }
            let Some(file) = self.base.parsed(path).map_err(failed(path))? else { continue };
            if renamed_functions(&file).iter().any(|new| new == name) {
                return Ok(Some((path.clone(), file.clone())));
            }
        }
        Ok(None)
    }

    /// The headers in sight of a file, nearest first: those of the tree as they are there, whatever the target has.
    fn visible(&mut self, parts: &Parts, from: usize) -> Result<Rc<Vec<Header>>, Error> {
        if let Some(known) = self.visible.get(&from) {
            return Ok(known.clone());
        }
        let mut found: Vec<Header> = Vec::new();
        let mut seen: HashSet<String> = HashSet::new();
        let mut level = self.of_part(parts, from)?;
        if let Some(part) = parts.get(from).filter(|part| part.is_header()) {
            level.insert(0, (part.path.to_string(), Some(from)));
        }
        while !level.is_empty() {
            level.retain(|(path, _)| seen.insert(path.clone()));
            let paths: Vec<String> =
                level.iter().filter(|(_, part)| part.is_none()).map(|(path, _)| path.clone()).collect();
            self.base.preload(&paths).map_err(failed("include"))?;
            let mut next = Vec::new();
            for (path, part) in std::mem::take(&mut level) {
                let in_play = part.and_then(|at| parts.get(at));
                let text = match in_play {
                    Some(part) => part.file.text().clone(),
                    None => match self.base.read(&path).map_err(failed(&path))? {
                        Some(text) => text,
                        None => continue,
                    },
                };
                match part {
                    Some(part) => next.extend(self.of_part(parts, part)?),
                    None => {
                        for include in headers::included(&text) {
                            next.extend(self.find(parts, folder(&path), &include)?);
                        }
                    }
                }
                found.push(Header { path: path.into(), text, part });
            }
            level = next;
        }
        let found = Rc::new(found);
        self.visible.insert(from, found.clone());
        Ok(found)
    }

    /// What a file in play includes.
    fn of_part(&mut self, parts: &Parts, at: usize) -> Result<Vec<(String, Option<usize>)>, Error> {
        let Some(part) = parts.get(at) else { return Ok(Vec::new()) };
        let mut all = Vec::new();
        for (piece, include, _) in part.includes() {
            if let Some(inner) = parts.included.get(&Site { part: at, piece }) {
                let path = parts.get(*inner).map_or(String::new(), |part| part.path.to_string());
                all.push((path, Some(*inner)));
            } else if let Include::Quoted(path) | Include::System(path) = include.0 {
                all.extend(self.find(parts, folder(&part.path), path)?);
            }
        }
        Ok(all)
    }

    /// The header that an include in a file of folder `from` means: beside it, in httpd's public folder, or the only one of
    /// that name.
    fn find(
        &mut self,
        parts: &Parts,
        from: &str,
        include: &str,
    ) -> Result<Option<(String, Option<usize>)>, Error> {
        if self.by_name.is_none() {
            let mut by_name: HashMap<String, Vec<String>> = HashMap::new();
            for path in
                self.base.c_files().map_err(failed("include"))?.iter().filter(|path| path.ends_with(".h"))
            {
                let name = path.rsplit_once('/').map_or(path.as_str(), |(_, name)| name);
                by_name.entry(name.to_owned()).or_default().push(path.clone());
            }
            self.by_name = Some(by_name);
        }
        let name = include.rsplit_once('/').map_or(include, |(_, name)| name);
        let known =
            self.by_name.as_ref().and_then(|by_name| by_name.get(name)).map_or(&[][..], Vec::as_slice);
        let in_play = |path: &str| {
            let at = parts.at_path(path)?;
            parts.get(at).is_some_and(|part| part.kind != PartKind::TreeHeader).then_some(at)
        };
        for candidate in [from, "include", "os/unix"].iter().filter_map(|folder| joined(folder, include)) {
            if let Some(part) = in_play(&candidate) {
                return Ok(Some((candidate, Some(part))));
            }
            if known.contains(&candidate) {
                return Ok(Some((candidate, None)));
            }
        }
        Ok(match known {
            [only] => Some((only.clone(), in_play(only))),
            _ => None,
        })
    }
}

/// The module that the file at `path` belongs to, where the target does not have it: the one that the file defines, or that
/// is named as the header is.
pub(super) fn other_module(
    base: &dyn Upstream,
    offered: &dyn Interface,
    path: &str,
) -> Result<Option<OtherModule>, Error> {
    if !path.starts_with("modules/") {
        return Ok(None);
    }
    let stem = path.rsplit_once('.').map_or(path, |(stem, _)| stem);
    let source = format!("{stem}.c");
    let Some(text) = base.read(&source).map_err(failed(&source))? else { return Ok(None) };
    let Some(found) = crate::changeset::structures(&text).into_iter().next() else { return Ok(None) };
    let name = stem.rsplit_once('/').map_or(stem, |(_, name)| name);
    let present = offered.exported_by(&found).is_some()
        || offered.declared_in(&found).is_some()
        || offered.has_header(&format!("{name}.h"));
    Ok((!present).then(|| OtherModule { name: name.to_owned(), file: source }))
}

/// Whether a declaration leaves the definition to another file.
fn announces(declaration: &Declaration) -> bool {
    declaration.kind == DeclarationKind::Prototype
        || declaration.kind == DeclarationKind::Variable && declaration.forward
}

/// Whether `name` stands in `text` as a word.
pub(super) fn mentions(text: &str, name: &str) -> bool {
    let word = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    let bytes = text.as_bytes();
    // Hooks and optional functions put the names together from what stands in the text.
    let stem =
        name.rsplit_once("_hook_").or_else(|| name.rsplit_once("_run_")).map_or(name, |(_, stem)| stem);
    memchr::memmem::find_iter(bytes, stem.as_bytes()).any(|at| {
        !word(at.checked_sub(1).and_then(|before| bytes.get(before))) && !word(bytes.get(at + stem.len()))
    })
}
