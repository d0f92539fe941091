//! The module's own files, one behind the other: includes merged, its headers in place of their includes.

use std::collections::{HashMap, HashSet};

use super::builder::Builder;
use super::log_module::LogModule;
use super::readings::{Readings, is_guarded};
use super::{Fate, Outcome, edit, identifiers, record};
use crate::c::directive::Include;
use crate::c::lex::harmless;
use crate::c::{Declaration, DeclarationKind, File};
use crate::flatten::headers::Added;
use crate::flatten::names::{Renames, stem};
use crate::flatten::parts::{Included, Part, PartKind, Parts, Site};
use crate::flatten::reach::Reached;
use crate::flatten::unit::Origin;
use crate::flatten::{Error, Interface};

/// Headers that mean something else each time they are included.
const READ_AGAIN: &[&str] = &["apr_want.h", "assert.h"];

pub(super) struct OwnFiles<'a> {
    parts: &'a Parts,
    reached: &'a Reached,
    renames: &'a Renames,
    readings: &'a Readings,
    offered: &'a dyn Interface,
    log_module: LogModule,
    /// The source whose turn it is.
    source: usize,
    /// Unconditional includes of the target's headers, and where each stands.
    seen: HashMap<String, String>,
    /// Headers of the module's own that stand in the unit for good, and those that stand behind a condition.
    expanded: HashSet<usize>,
    perhaps: HashSet<usize>,
    open: Vec<usize>,
    licences: HashSet<String>,
    /// All identifiers of each file, whatever they stand for.
    mentions: HashMap<usize, HashSet<&'a str>>,
    pub record: Vec<Fate>,
}

type Insert<'b> = &'b mut dyn FnMut(&mut Builder);

impl<'a> OwnFiles<'a> {
    pub fn new(
        parts: &'a Parts,
        reached: &'a Reached,
        renames: &'a Renames,
        readings: &'a Readings,
        offered: &'a dyn Interface,
        log_module: LogModule,
        added: &[Added],
    ) -> Self {
        let mentions = parts.own().map(|(at, part)| (at, identifiers(part))).collect();
        let added =
            added.iter().map(|added| (added.written.clone(), "the top of the file".to_owned())).collect();
        OwnFiles {
            parts,
            reached,
            renames,
            readings,
            offered,
            log_module,
            source: 0,
            seen: added,
            mentions,
            expanded: HashSet::new(),
            perhaps: HashSet::new(),
            open: Vec::new(),
            licences: HashSet::new(),
            record: Vec::new(),
        }
    }

    /// Writes all files; `inlined` is called once, where what the module reaches has to stand.
    pub fn emit(&mut self, builder: &mut Builder, inlined: Insert<'_>) -> Result<(), Error> {
        let sources: Vec<usize> =
            self.parts.own().filter(|(_, part)| part.kind == PartKind::Module).map(|(at, _)| at).collect();
        let hooked: Vec<usize> = sources.iter().copied().filter(|at| self.has_hooks(*at)).collect();
        for (number, at) in sources.iter().copied().enumerate() {
            let Some(part) = self.parts.get(at) else { continue };
            self.source = at;
            let insert_at = if number == 0 { self.insertion_point(part, at) } else { None };
            if sources.len() > 1 {
                builder.blank_line();
                builder.generated("file", &format!("/* {} */\n", harmless(&part.path)));
                builder.blank_line();
            }
            // APR's macro for a file's hooks has one name for the structure, whichever file it is.
            let hooks = (hooked.len() > 1 && hooked.contains(&at)).then(|| stem(&part.path));
            if let Some(stem) = &hooks {
                builder.generated("hooks", &format!("#define {HOOKS} {HOOKS}_{stem}\n"));
            }
            for piece in 0..part.file.len() {
                if insert_at == Some(piece) {
                    self.headers_of_grafted(builder)?;
                    inlined(builder);
                }
                self.piece(builder, Site { part: at, piece }, false)?;
            }
            if number == 0 && insert_at.is_none_or(|piece| piece >= part.file.len()) {
                self.headers_of_grafted(builder)?;
                inlined(builder);
            }
            if hooks.is_some() {
                builder.generated("hooks", &format!("#undef {HOOKS}\n"));
            }
            let later = sources.get(number + 1..).unwrap_or_default();
            self.undefine(builder, part, later);
        }
        Ok(())
    }

    /// Whether a file has hooks of its own (`APR_HOOK_STRUCT` of apr_hooks.h).
    fn has_hooks(&self, at: usize) -> bool {
        self.mentions.get(&at).is_some_and(|mentions| mentions.contains("APR_HOOK_STRUCT"))
    }

    /// What is pulled may use the types of headers that come with sources which stand behind it.
    fn headers_of_grafted(&mut self, builder: &mut Builder) -> Result<(), Error> {
        let parts = self.parts;
        for (at, part) in parts.own().filter(|(_, part)| part.grafted) {
            for (piece, _, conditional) in part.includes() {
                let site = Site { part: at, piece };
                let Some(header) = parts.included.get(&site).copied().filter(|_| !conditional) else {
                    continue;
                };
                if parts.get(header).is_some_and(|header| header.file.guard().is_some()) {
                    self.header(builder, site, header, false)?;
                }
            }
        }
        Ok(())
    }

    /// The piece of the first source before which inlined code stands: behind its first run of includes, or before the
    /// first header of the module's own that uses some of it.
    fn insertion_point(&self, part: &Part, at: usize) -> Option<usize> {
        let uses_inlined = |header: usize| self.header_uses_inlined(header, &mut HashSet::new());
        let mut found = 0;
        let mut depth = 0usize;
        let mut pending = false;
        // The outermost condition that is open, and the first thing behind the licence.
        let mut group = 0;
        for (piece, declaration) in part.file.declarations().enumerate() {
            match declaration.kind {
                DeclarationKind::Condition => {
                    let code = part.file.code(piece);
                    let word = code.trim_start_matches('#').trim_start();
                    if word.starts_with("if") {
                        if depth == 0 {
                            group = piece;
                        }
                        depth += 1;
                    } else if word.starts_with("endif") {
                        depth = depth.saturating_sub(1);
                        if depth == 0 && std::mem::take(&mut pending) {
                            found = piece + 1;
                        }
                    }
                }
                DeclarationKind::Include => {
                    let header = self.parts.included.get(&Site { part: at, piece });
                    if header.is_some_and(|header| uses_inlined(*header)) {
                        return Some(if depth == 0 { piece } else { group });
                    }
                    if depth == 0 {
                        found = piece + 1;
                    } else {
                        pending = true;
                    }
                }
                DeclarationKind::Comment if found == 0 && piece == 0 => found = 1,
                DeclarationKind::Comment
                | DeclarationKind::Macro
                | DeclarationKind::Directive
                | DeclarationKind::ExternC => {}
                _ => break,
            }
        }
        Some(found)
    }

    fn header_uses_inlined(&self, header: usize, tried: &mut HashSet<usize>) -> bool {
        let Some(part) = self.parts.get(header).filter(|_| tried.insert(header)) else { return false };
        let names: HashSet<&str> = self
            .reached
            .picked
            .keys()
            .filter_map(|site| self.parts.get(site.part)?.file.declaration(site.piece))
            .flat_map(|declaration| declaration.names.iter().map(String::as_str))
            .collect();
        let text = part.file.text();
        // What the header announces itself, it needs nobody in front of it for; who defines that may need the header's types.
        let announces = |name: &str| part.file.find_outline(name).next().is_some();
        let needs = |name: &str| names.contains(name) && !announces(name);
        let uses = part.file.declarations().any(|one| one.uses(text).iter().any(|name| needs(name)));
        let inner =
            |(site, inner): (&Site, &usize)| site.part == header && self.header_uses_inlined(*inner, tried);
        uses || self.parts.included.iter().any(inner)
    }

    fn piece(&mut self, builder: &mut Builder, site: Site, conditional: bool) -> Result<(), Error> {
        let Some(part) = self.parts.get(site.part) else { return Ok(()) };
        let Some(declaration) = part.file.declaration(site.piece) else { return Ok(()) };
        match declaration.kind {
            DeclarationKind::Include => return self.include(builder, site, part, declaration, conditional),
            DeclarationKind::Comment => {
                self.comment(builder, part, declaration);
                return Ok(());
            }
            DeclarationKind::Directive if is_about_lines(part.file.code(site.piece)) => return Ok(()),
            DeclarationKind::Condition | DeclarationKind::Directive | DeclarationKind::ExternC => {
                let text = edit::piece(self.parts, site, self.renames, false);
                builder.push(text, origin(part, declaration));
                return Ok(());
            }
            _ => {}
        }
        let kept = |reason: &str| record::fate(self.parts, site, Outcome::Kept, reason);
        if let Some(instead) = self.log_module.instead(site, part, declaration) {
            builder.push(instead, origin(part, declaration));
            let why = "said once for the whole unit; here only the module structure is announced";
            self.record.extend(record::fate(self.parts, site, Outcome::Dropped, why));
            return Ok(());
        }
        // The prototype of a function that is now `static` has to say so.
        let promised = declaration.kind == DeclarationKind::Prototype
            && declaration.names.iter().any(|name| self.inlines_function(name));
        builder.push(edit::piece(self.parts, site, self.renames, promised), origin(part, declaration));
        let mut fate = kept(if part.grafted {
            "of a part of httpd that the target does not have at all, and that stands here whole"
        } else if part.kind == PartKind::Module {
            "the module's own"
        } else {
            "of a header that the module includes"
        });
        if let Some(fate) = &mut fate {
            fate.renamed = edit::renames_in(self.parts, site, self.renames);
        }
        self.record.extend(fate);
        Ok(())
    }

    fn inlines_function(&self, name: &str) -> bool {
        self.reached.picked.iter().any(|(site, pick)| {
            let declared = self.parts.get(site.part).and_then(|part| part.file.declaration(site.piece));
            pick.make_static && declared.is_some_and(|found| found.names.iter().any(|own| own == name))
        })
    }

    fn comment(&mut self, builder: &mut Builder, part: &Part, declaration: &Declaration) {
        let text = part.file.text().get(declaration.range.clone()).unwrap_or_default();
        // The same licence at the top of each file is said once.
        let licence = ["icense", "ICENSE", "opyright"].iter().any(|word| text.contains(word));
        if licence && !self.licences.insert(text.trim().to_owned()) {
            return;
        }
        builder.push(text.to_owned(), origin(part, declaration));
    }

    fn include(
        &mut self,
        builder: &mut Builder,
        site: Site,
        part: &Part,
        declaration: &Declaration,
        conditional: bool,
    ) -> Result<(), Error> {
        let found = part.includes().find(|(piece, ..)| *piece == site.piece);
        let Some((_, include, inner)) = found else { return Ok(()) };
        let conditional = conditional || inner;
        if let Some(header) = self.parts.included.get(&site).copied() {
            return self.header(builder, site, header, conditional);
        }
        let place = format!("{}:{}", part.path, declaration.code_line);
        let written = include.to_string();
        if let Some(first) = self.seen.get(&written).filter(|_| self.is_read_once(include)) {
            let why = format!("included at {first} already");
            self.record.extend(record::fate(self.parts, site, Outcome::Dropped, why));
            return Ok(());
        }
        if !conditional {
            self.seen.entry(written).or_insert(place);
        }
        let text = part.file.text().get(declaration.range.clone()).unwrap_or_default();
        builder.push(text.to_owned(), origin(part, declaration));
        let why = match include.0 {
            Include::Quoted(path) if self.offered.has_header(path) => "a header of the target",
            Include::Quoted(_) => "behind a condition: the compiler decides",
            Include::System(_) => "a header of the system",
            Include::Computed => "named by a macro: the compiler decides",
        };
        self.record.extend(record::fate(self.parts, site, Outcome::Kept, why));
        Ok(())
    }

    /// Whether a second include of a header changes nothing.
    fn is_read_once(&self, include: Included<'_>) -> bool {
        let (Include::Quoted(path) | Include::System(path)) = include.0 else { return false };
        if READ_AGAIN.contains(&path) {
            return false;
        }
        let text = self.offered.read_header(path);
        text.is_none_or(|text| text.contains("#pragma once") || File::new(text).guard().is_some())
    }

    /// A header of the module's own, in place of its include.
    fn header(
        &mut self,
        builder: &mut Builder,
        site: Site,
        header: usize,
        conditional: bool,
    ) -> Result<(), Error> {
        let Some(part) = self.parts.get(header) else { return Ok(()) };
        let guarded = is_guarded(part);
        let fate = |outcome, why: &str| record::fate(self.parts, site, outcome, why);
        if guarded && (self.expanded.contains(&header) || self.open.contains(&header)) {
            let fate = fate(Outcome::Dropped, "this header stands in the unit already");
            self.record.extend(fate);
            return Ok(());
        }
        if !guarded && self.readings.is_again(self.source, site) {
            let why = "this header stands in the unit already, and would read the same here";
            self.record.extend(fate(Outcome::Dropped, why));
            return Ok(());
        }
        if self.open.contains(&header) {
            let including = self.parts.get(site.part).map_or(part, |including| including);
            let range = including.file.range(site.piece);
            let written = including.file.text().get(range.clone()).unwrap_or_default();
            let length = written.trim_end().len();
            return Err(Error::IncludeCycle {
                header: part.path.to_string(),
                source_code: including.named_source(),
                at: (range.start, length).into(),
            });
        }
        let why = match part.kind {
            PartKind::BaseHeader => {
                "the target does not ship this header: it stands here as it is in the base tree"
            }
            _ => "comes with the patch: it stands here in place of its include",
        };
        let fate = fate(Outcome::Inlined, why);
        self.record.extend(fate);
        // Where it may stand a second time, the guard decides which of the two counts.
        let keep_guard = conditional || self.perhaps.contains(&header);
        if guarded && conditional {
            self.perhaps.insert(header);
        } else if guarded {
            self.expanded.insert(header);
        }
        let dropped: Vec<usize> = match part.file.guard() {
            Some(guard) if !keep_guard => vec![guard.open, guard.define, guard.close],
            _ => Vec::new(),
        };
        builder.blank_line();
        builder.generated("header", &format!("/* {} */\n", harmless(&part.path)));
        builder.blank_line();
        self.open.push(header);
        for piece in (0..part.file.len()).filter(|piece| !dropped.contains(piece)) {
            self.piece(builder, Site { part: header, piece }, conditional)?;
        }
        self.open.pop();
        builder.blank_line();
        Ok(())
    }

    /// Macros of one source that mean something else to a later one.
    fn undefine(&self, builder: &mut Builder, part: &Part, later: &[usize]) {
        if later.is_empty() {
            return;
        }
        // The headers of the module's own that a later source includes first read it as well.
        let headers = self.parts.own().filter(|(at, part)| part.is_header() && !self.expanded.contains(at));
        let ahead: Vec<usize> = later.iter().copied().chain(headers.map(|(at, _)| at)).collect();
        let mentioned = |name: &str| {
            ahead.iter().filter_map(|at| self.mentions.get(at)).any(|mentions| mentions.contains(name))
        };
        let mut done = HashSet::new();
        for (piece, declaration) in part.file.declarations().enumerate() {
            if declaration.kind != DeclarationKind::Macro {
                continue;
            }
            let Some(name) = declaration.names.first().filter(|name| mentioned(name)) else { continue };
            if !done.insert(name) || self.offered.declared_in(name).is_some() {
                continue;
            }
            match self.defined_by_header(name) {
                // Said twice in the same words is said once.
                Some((header, at)) if same_words(header.file.code(at), part.file.code(piece)) => {}
                Some((header, at)) => {
                    builder.generated("undef", &format!("#undef {name}\n"));
                    let line = header.file.line(header.file.code_range(at).start);
                    let origin = Origin::Upstream { file: header.path.clone(), line };
                    builder.push(format!("{}\n", header.file.code(at)), origin);
                }
                None => builder.generated("undef", &format!("#undef {name}\n")),
            }
        }
    }

    /// The definition of a macro in a header of the module's own.
    fn defined_by_header(&self, name: &str) -> Option<(&'a Part, usize)> {
        self.parts.own().filter(|(_, part)| part.is_header()).find_map(|(_, part)| {
            let mut found = part.file.find(name);
            let (piece, _) = found.find(|(_, one)| one.kind == DeclarationKind::Macro)?;
            Some((part, piece))
        })
    }
}

/// The structure that `APR_HOOK_STRUCT` declares.
const HOOKS: &str = "_hooks";

fn same_words(one: &str, other: &str) -> bool {
    one.split_whitespace().eq(other.split_whitespace())
}

fn origin(part: &Part, declaration: &Declaration) -> Origin {
    Origin::Upstream { file: part.path.clone(), line: declaration.line }
}

/// `#line` of a generated source, and `#pragma once`, which means nothing in the main file.
fn is_about_lines(code: &str) -> bool {
    let word = code.trim_start_matches('#').trim_start();
    word.starts_with("line")
        || word.starts_with("pragma once")
        || word.starts_with(|first: char| first.is_ascii_digit())
}
