//! What a header that comes with the module says to other modules. Where the target has a header of that name, its modules were
//! compiled with that one: they call the module's functions, and read and make its structures, as it says.

mod said;

use std::collections::BTreeSet;
use std::sync::Arc;

use super::parts::{Part, PartKind, Parts};
use super::record::Evidence;
use super::{Error, Interface, ModuleId, Upstream, includes};
use crate::c::directive::Include;
use crate::c::{Declaration, DeclarationKind, File, Linkage};
use crate::source::path::{folder, joined};
use said::Said;

/// How many differences are named besides the first.
const SHOWN: usize = 5;

/// Makes a header of the tree that the patches change the module's own, where the module is the one that keeps what it promises
/// and the target's header said the same before the patches: what they change in it is a part of the module, and what of that
/// others in the target would misread, [`as_in_target`] refuses. Of a tree that is further from the target than that, the
/// target's header counts.
pub(super) fn claim(parts: &mut Parts, offered: &dyn Interface) {
    let is_claimed = |part: &Part| {
        let Some(before) = part.before.as_ref().filter(|_| part.evidence == Evidence::Whole) else {
            return false;
        };
        let Some(theirs) = offered.read_header(name_of(part)) else { return false };
        let mut sources = parts.iter().filter(|(_, source)| source.kind == PartKind::Module);
        let at_home = sources.any(|(_, source)| folder(&source.path) == folder(&part.path));
        let same = || theirs == *before.text() || Both::of(parts, part, before, theirs, offered).is_same();
        at_home && includes::is_kept_by_module(parts, part) && same()
    };
    let shared = parts.iter().filter(|(_, part)| part.kind == PartKind::SharedHeader);
    let claimed: Vec<usize> = shared.filter(|(_, part)| is_claimed(part)).map(|(at, _)| at).collect();
    for at in claimed {
        parts.make_private(at);
    }
}

/// The name under which a target ships a header.
fn name_of(part: &Part) -> &str {
    part.path.rsplit('/').next().unwrap_or(&part.path)
}

/// That the module's own headers and the target's say the same of each name that both have, and that the module has every
/// function that a file of the target takes from it.
///
/// # Errors
/// [`Error::PublishedDiffers`], [`Error::PublishedLost`].
pub(super) fn as_in_target(parts: &Parts, offered: &dyn Interface, module: &ModuleId) -> Result<(), Error> {
    for (_, part) in parts.own().filter(|(_, part)| part.is_header()) {
        let Some(text) = offered.read_header(name_of(part)) else { continue };
        // Most headers of one name are of one release.
        if text == *part.file.text() {
            continue;
        }
        let both = Both::of(parts, part, &part.file, text, offered);
        both.say_the_same()?;
        nothing_is_lost(parts, (name_of(part), &both.theirs), offered, module)?;
    }
    Ok(())
}

/// The texts of those of the target's headers by which other modules know this one: of the name of one that the module's files
/// include, and that lies in their folder. Where there is no tree that tells, the one that is called as the module is.
///
/// # Errors
/// [`Error::Base`]; [`Error::PublishedLost`] where sources that are known whole lack a function that a file of the target takes from the
/// module.
pub(super) fn headers(
    parts: &Parts,
    base: Option<&dyn Upstream>,
    offered: &dyn Interface,
    module: &ModuleId,
) -> Result<Vec<Arc<str>>, Error> {
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for (_, part) in parts.own() {
        for (_, included, _) in part.includes() {
            let Include::Quoted(name) = included.0 else { continue };
            let Some(text) = offered.read_header(name).filter(|_| seen.insert(name)) else { continue };
            let is_of_module = match (base, joined(folder(&part.path), name)) {
                (Some(base), Some(path)) => {
                    base.read(&path).map_err(|reason| Error::Base { path, reason })?.is_some()
                }
                (Some(_), None) => false,
                (None, _) => name.strip_suffix(".h") == Some(&module.name),
            };
            if !is_of_module {
                continue;
            }
            if base.is_some() {
                nothing_is_lost(parts, (name, &File::new(Arc::clone(&text))), offered, module)?;
            }
            found.push(text);
        }
    }
    Ok(found)
}

/// A header as it comes with the module, and as the target has it.
struct Both<'a> {
    parts: &'a Parts,
    part: &'a Part,
    /// The part's file, or that before the patches.
    ours: &'a File,
    theirs: File,
    header: &'a str,
    offered: &'a dyn Interface,
}

/// A name of which the two say different things.
struct Difference {
    name: String,
    /// Where the module's own header has it.
    piece: usize,
    words: String,
    /// Line in the target's header.
    their_line: u32,
}

impl<'a> Both<'a> {
    fn of(
        parts: &'a Parts,
        part: &'a Part,
        ours: &'a File,
        theirs: Arc<str>,
        offered: &'a dyn Interface,
    ) -> Self {
        Both { parts, part, ours, theirs: File::new(theirs), header: name_of(part), offered }
    }

    fn is_same(&self) -> bool {
        self.differences().is_empty()
    }

    fn say_the_same(&self) -> Result<(), Error> {
        let differences = self.differences();
        let Some((first, others)) = differences.split_first() else { return Ok(()) };
        let mut also: Vec<String> = others
            .iter()
            .take(SHOWN)
            .map(|other| {
                let line = self.ours.line(self.ours.code_range(other.piece).start);
                format!(
                    "`{}` ({}:{line}, and {}:{})",
                    other.name, self.part.path, self.header, other.their_line
                )
            })
            .collect();
        if others.len() > SHOWN {
            also.push(format!("{} more", others.len() - SHOWN));
        }
        let also =
            if also.is_empty() { String::new() } else { format!("also different: {}; ", also.join(", ")) };
        let way_out = match self.part.before {
            Some(_) => "the patch needs an httpd whose header says the same",
            None => "take the module from a release whose header says the same",
        };
        Err(Error::PublishedDiffers {
            name: first.name.clone(),
            header: self.header.to_owned(),
            file: self.part.path.to_string(),
            label: format!("{}; the target's is {}:{}", first.words, self.header, first.their_line),
            help: format!("{also}what they pass, make and read is as the target's header says: {way_out}"),
            source_code: self.part.named_source(),
            at: self.part.span_of(first.piece, &first.name),
        })
    }

    fn differences(&self) -> Vec<Difference> {
        let mut names: BTreeSet<&str> = BTreeSet::new();
        let mut pieces: BTreeSet<usize> = BTreeSet::new();
        let mut found = Vec::new();
        for piece in (0..self.ours.len()).filter(|piece| !self.ours.is_blank(*piece)) {
            let Some(declaration) = self.ours.declaration(piece) else { continue };
            for name in declaration.names.iter().filter(|name| names.insert(name)) {
                let Some(difference) = self.difference(name, piece) else { continue };
                // A tag, a typedef and the constants of one type differ together.
                if pieces.insert(difference.piece) {
                    found.push(difference);
                }
            }
        }
        found
    }

    /// What is different about `name`, which `piece` of the module's own header declares.
    fn difference(&self, name: &str, piece: usize) -> Option<Difference> {
        let theirs = said::all(&self.theirs, name, self.offered);
        let (at, first) = theirs.first()?;
        let mut ours = said::all(self.ours, name, self.offered);
        let piece = ours.first().map_or(piece, |(piece, _)| *piece);
        if ours.is_empty() {
            // What one release has in the header, the other may have in a source or in a header of its own.
            let own = self.parts.own().flat_map(|(_, part)| said::all(&part.file, name, self.offered));
            ours.extend(own.filter(|(_, said)| matches!(said, Said::Members { .. })));
        }
        let (_, own) = ours.first()?;
        // Of several behind conditions, what one side has in addition is for a system that the other does not know.
        let known = |one: &Said, others: &[(usize, Said)]| {
            others.iter().any(|(_, other)| one.difference(other).is_none())
        };
        let all_known = |these: &[(usize, Said)], others: &[(usize, Said)]| {
            these.iter().all(|(_, one)| known(one, others))
        };
        if all_known(&theirs, &ours) || all_known(&ours, &theirs) {
            return None;
        }
        if own.continues(first) && !self.is_passed(*at) {
            return None;
        }
        let words =
            own.difference(first).unwrap_or_else(|| "declared otherwise behind a condition".to_owned());
        let their_line = self.theirs.line(self.theirs.code_range(*at).start);
        Some(Difference { name: name.to_owned(), piece, words, their_line })
    }

    /// Whether anything else in the target's header speaks of the type that this piece defines. If nothing does, others find
    /// it as the module's configuration at most, and that only the module makes.
    fn is_passed(&self, piece: usize) -> bool {
        let Some(names) = self.theirs.declaration(piece).map(|found| &found.names) else { return true };
        let text = self.theirs.text();
        let mut others =
            self.theirs.declarations().filter(|other| !other.names.iter().any(|name| names.contains(name)));
        others.any(|other| {
            let mut words = other.identifiers.iter().filter_map(|used| text.get(used.range.clone()));
            words.any(|word| names.iter().any(|name| name == word))
        })
    }
}

/// That the sources have all functions and hooks of the target's `header` which the module in the target exports and another file of
/// it takes.
fn nothing_is_lost(
    parts: &Parts,
    (header, theirs): (&str, &File),
    offered: &dyn Interface,
    module: &ModuleId,
) -> Result<(), Error> {
    let own_file = format!("{}.so", module.name);
    for piece in (0..theirs.len()).filter(|piece| !theirs.is_blank(*piece)) {
        let Some(declaration) = theirs.declaration(piece).filter(|found| is_published(found)) else {
            continue;
        };
        for name in declaration.names.iter().filter(|name| !is_defined(parts, name)) {
            if offered.exported_by(name).as_ref() != Some(&own_file) {
                continue;
            }
            let Some(user) = offered.file_with(&[name.as_str()], &own_file) else { continue };
            return Err(Error::PublishedLost {
                name: name.clone(),
                own: own_file,
                user,
                source_code: miette::NamedSource::new(header, theirs.text().clone()),
                at: said::place(theirs, piece, name).into(),
            });
        }
    }
    Ok(())
}

fn is_defined(parts: &Parts, name: &str) -> bool {
    let mut sources = parts.own().filter(|(_, part)| part.kind == PartKind::Module);
    sources.any(|(_, part)| {
        part.file.find_outline(name).any(|(_, found)| found.kind != DeclarationKind::Prototype)
    })
}

/// Whether a declaration is one of functions that another module can call.
fn is_published(declaration: &Declaration) -> bool {
    declaration.kind == DeclarationKind::Prototype && declaration.linkage != Linkage::Internal
}
