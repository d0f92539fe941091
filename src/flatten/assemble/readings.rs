//! How each source reads the headers that come with the module. Compiled on its own, each source reads them anew; one unit has
//! each of them once, which is the same only where the macros are that the header depends on.
//!
//! Followed are the macros that the module's own files define. Those of the target's headers are the same for all sources.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Range;

use super::identifiers;
use crate::c::directive::{self, Directive};
use crate::c::lex::{self, TokenKind};
use crate::c::{Declaration, DeclarationKind, Linkage};
use crate::flatten::conditions::is_defined;
use crate::flatten::levels::Levels;
use crate::flatten::parts::{Part, PartKind, Parts, Site};
use crate::flatten::{Error, Interface, conditions};

/// Which includes would read again what stands in the unit already.
#[derive(Debug, Default)]
pub(super) struct Readings {
    /// By the source that is compiled.
    again: HashSet<(usize, Site)>,
}

impl Readings {
    /// Follows the includes of all sources.
    ///
    /// # Errors
    /// [`Error::HeaderDiffers`]: a header that can stand in the unit only once means something else to a later source.
    pub fn of(parts: &Parts, offered: &dyn Interface) -> Result<Self, Error> {
        let sources: Vec<usize> =
            parts.own().filter(|(_, part)| part.kind == PartKind::Module).map(|(at, _)| at).collect();
        let mut found = Readings::default();
        if sources.len() < 2 {
            return Ok(found);
        }
        let names = parts.own().flat_map(|(_, part)| part.file.declarations());
        let names = names.filter(|declaration| declaration.kind == DeclarationKind::Macro);
        let names: HashSet<&str> = names.flat_map(|found| &found.names).map(String::as_str).collect();
        let mut told = HashMap::new();
        let mut earlier: HashMap<usize, Vec<Reading<'_>>> = HashMap::new();
        for source in sources {
            let mut reader = Reader::new(parts, offered, source, &names, &mut told);
            reader.file(source, true);
            let (readings, headers) = (reader.readings, reader.headers);
            let mut begun = HashSet::new();
            for reading in &readings {
                // Read once more by one source, what stands behind a guard is nothing.
                let begins = begun.insert(reading.header);
                let Some(before) = earlier.get(&reading.header) else { continue };
                if let Some(first) = before.first().filter(|_| begins)
                    && let Some(name) = difference(parts, first, reading, &headers)
                {
                    return Err(refusal(parts, first, reading, name));
                }
                let said = |earlier: &Reading<'_>| !earlier.conditional && earlier.means_the_same_as(reading);
                if !reading.template && before.iter().any(said) {
                    found.again.insert((source, reading.site));
                }
            }
            // A template may be read several times from one place.
            for reading in readings.iter().filter(|reading| reading.template) {
                found.again.remove(&(source, reading.site));
            }
            for reading in readings {
                earlier.entry(reading.header).or_default().push(reading);
            }
        }
        Ok(found)
    }

    /// Whether the include at `site`, met in `source`, would only repeat what an earlier source has read.
    pub fn is_again(&self, source: usize, site: Site) -> bool {
        self.again.contains(&(source, site))
    }
}

/// What a macro stands for at one place.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Meaning {
    /// Its definition, or all that may count, where conditions decide that only the compiler knows.
    words: String,
    certain: bool,
    /// A source defines it, and no header.
    of_source: bool,
}

type Macros<'a> = BTreeMap<&'a str, Meaning>;

/// A header as one source reads it.
#[derive(Debug)]
struct Reading<'a> {
    source: usize,
    header: usize,
    /// The include.
    site: Site,
    conditional: bool,
    /// What the macros stand for that it mentions, where it begins.
    entry: Macros<'a>,
    /// Of each piece that is compiled, what the macros in it and in its conditions stand for.
    pieces: BTreeMap<usize, Macros<'a>>,
    /// The macros that it defines, behind it; nothing where they are not defined there.
    left: BTreeMap<&'a str, Option<Meaning>>,
    /// It is written to be read more than once, or has a state of its own in each source.
    template: bool,
}

impl Reading<'_> {
    fn means_the_same_as(&self, other: &Self) -> bool {
        self.left == other.left && self.pieces.len() == other.pieces.len() && {
            let mut both = self.pieces.iter().zip(&other.pieces);
            both.all(|((one, here), (two, there))| one == two && differs(here, there).is_none())
        }
    }
}

/// The first macro that is not the same in both.
fn differs<'a>(one: &Macros<'a>, other: &Macros<'a>) -> Option<&'a str> {
    let words = |macros: &Macros<'a>, name: &str| macros.get(name).map(|meaning| meaning.words.clone());
    one.keys().chain(other.keys()).find(|name| words(one, name) != words(other, name)).copied()
}

/// The macro for which the header cannot stand in the unit once for both; `headers` are those that the later source reads.
fn difference<'a>(
    parts: &'a Parts,
    first: &Reading<'a>,
    later: &Reading<'a>,
    headers: &BTreeSet<usize>,
) -> Option<&'a str> {
    let part = parts.get(first.header)?;
    let once = is_guarded(part);
    // Without a guard around all of it, a header can still have one around a part.
    let stands_once = |piece: usize| {
        let conditions = part.file.declaration(piece).map_or(&[][..], |found| &found.conditions);
        let mut asked = conditions.iter().filter_map(|condition| is_defined(condition));
        once || asked.any(|(name, is)| !is && first.left.get(name).is_some_and(Option::is_some))
    };
    let places: BTreeSet<usize> = first.pieces.keys().chain(later.pieces.keys()).copied().collect();
    let none = Macros::new();
    let mut differing = places.into_iter().filter(|piece| stands_once(*piece)).filter_map(|piece| {
        let of = |reading: &Reading<'a>| reading.pieces.contains_key(&piece);
        if of(first) != of(later) {
            // One of the two does not compile it at all: its conditions decide.
            let conditions = part.file.declaration(piece).map_or(&[][..], |found| &found.conditions);
            return conditions
                .iter()
                .flat_map(|condition| words_of(condition))
                .find(|word| *word != "defined");
        }
        differs(first.pieces.get(&piece).unwrap_or(&none), later.pieces.get(&piece).unwrap_or(&none))
    });
    let of_piece = differing.next();
    let mentioned = |name: &str| {
        let mut read = headers.iter().filter(|header| **header != later.header).chain([&later.source]);
        read.any(|at| parts.get(*at).is_some_and(|part| identifiers(part).contains(name)))
    };
    let of_source = |meaning: &Option<Meaning>| meaning.as_ref().is_some_and(|meaning| meaning.of_source);
    let words = |meaning: &Option<Meaning>| meaning.as_ref().map(|meaning| meaning.words.clone());
    let definitions = |name: &str| {
        let found = part.file.find(name).filter(|(_, found)| found.kind == DeclarationKind::Macro);
        found.count()
    };
    let of_macro = || {
        let mut left = first.left.iter().filter(|_| once).filter_map(|(name, before)| {
            let now = later.left.get(name)?;
            // What a source defines itself holds for it behind the header too, and no further than its own end.
            let harmless = of_source(now) || of_source(before) && definitions(name) == 1;
            (words(before) != words(now) && !harmless && mentioned(name)).then_some(*name)
        });
        left.next()
    };
    let name = of_piece.or_else(of_macro)?;
    // The reader is told of what a source defines, rather than of what follows from it.
    if [first, later].iter().any(|one| one.entry.get(name).is_some_and(|meaning| meaning.of_source)) {
        return Some(name);
    }
    let decided = |one: &Macros<'a>, other: &Macros<'a>| {
        let own = one.iter().filter(|(_, meaning)| meaning.of_source).map(|(name, _)| *name);
        own.into_iter()
            .find(|name| one.get(name).map(|one| &one.words) != other.get(name).map(|one| &one.words))
    };
    Some(decided(&later.entry, &first.entry).or_else(|| decided(&first.entry, &later.entry)).unwrap_or(name))
}

fn refusal(parts: &Parts, first: &Reading<'_>, later: &Reading<'_>, name: &str) -> Error {
    let path = |at: usize| parts.get(at).map_or(String::new(), |part| part.path.to_string());
    let empty = || (miette::NamedSource::new("", "".into()), (0, 0).into());
    let (source_code, at) = parts.get(first.header).map_or_else(empty, |part| {
        let code = part.solid().map(|piece| part.file.code_range(piece));
        let text = part.file.text();
        let mut tokens = code.flat_map(|range| lex::tokens_of_directive(text, range));
        let token = tokens.find(|token| token.text(text) == name);
        let at = token.map_or((0, 0), |token| (token.start, name.len()));
        (part.named_source(), at.into())
    });
    Error::HeaderDiffers {
        header: path(first.header),
        name: name.to_owned(),
        first: path(first.source),
        later: path(later.source),
        source_code,
        at,
    }
}

pub(super) fn is_guarded(part: &Part) -> bool {
    part.file.guard().is_some() || part.file.text().contains("#pragma once")
}

/// Reads one source as a preprocessor would, as far as the module's own macros go.
struct Reader<'a, 'b> {
    parts: &'a Parts,
    offered: &'b dyn Interface,
    source: usize,
    /// All macros that the module's own files define.
    names: &'b HashSet<&'a str>,
    /// What the target's headers tell of a condition, which is dear to ask.
    told: &'b mut HashMap<String, Option<bool>>,
    macros: Macros<'a>,
    open: Vec<(usize, BTreeMap<usize, Macros<'a>>)>,
    headers: BTreeSet<usize>,
    readings: Vec<Reading<'a>>,
}

impl<'a, 'b> Reader<'a, 'b> {
    fn new(
        parts: &'a Parts,
        offered: &'b dyn Interface,
        source: usize,
        names: &'b HashSet<&'a str>,
        told: &'b mut HashMap<String, Option<bool>>,
    ) -> Self {
        Reader {
            parts,
            offered,
            source,
            names,
            told,
            macros: Macros::new(),
            open: Vec::new(),
            headers: BTreeSet::new(),
            readings: Vec::new(),
        }
    }

    fn file(&mut self, at: usize, certain: bool) {
        let parts = self.parts;
        let Some(part) = parts.get(at) else { return };
        let guard = part.file.guard().map(|guard| [guard.open, guard.close]);
        let mut levels = Levels::default();
        for piece in part.solid().filter(|piece| guard.is_none_or(|guard| !guard.contains(piece))) {
            let Some(declaration) = part.file.declaration(piece) else { continue };
            if declaration.kind == DeclarationKind::Condition {
                let range = part.file.code_range(piece);
                levels.meet(&directive::read(part.file.text(), range), |condition| self.holds(condition));
                continue;
            }
            let compiled = levels.compiled(declaration.conditions.len());
            if compiled == Some(false) {
                continue;
            }
            match declaration.kind {
                DeclarationKind::Include => {
                    let site = Site { part: at, piece };
                    if let Some(header) = parts.included.get(&site) {
                        self.header(site, *header, certain && declaration.conditions.is_empty());
                    }
                }
                DeclarationKind::Macro | DeclarationKind::Directive => {
                    self.defines(part, declaration, compiled == Some(true));
                }
                DeclarationKind::Comment | DeclarationKind::ExternC => {}
                _ => {
                    let meanings = self.meanings(mentioned(part, declaration));
                    if let Some((_, pieces)) = self.open.last_mut().filter(|(open, _)| *open == at) {
                        pieces.insert(piece, meanings);
                    }
                }
            }
        }
    }

    fn header(&mut self, site: Site, header: usize, certain: bool) {
        let Some(part) = self.parts.get(header) else { return };
        if self.open.iter().any(|(open, _)| *open == header)
            || is_guarded(part) && self.headers.contains(&header)
        {
            return;
        }
        self.headers.insert(header);
        let entry = self.meanings(identifiers(part).into_iter());
        self.open.push((header, BTreeMap::new()));
        self.file(header, certain);
        let Some((_, pieces)) = self.open.pop() else { return };
        let defined = part.file.declarations().filter(|found| found.kind == DeclarationKind::Macro);
        let left = defined.flat_map(|found| &found.names);
        let left = left.map(|name| (name.as_str(), self.macros.get(name.as_str()).cloned())).collect();
        let template = pieces.iter().any(|(piece, meanings)| {
            part.file.declaration(*piece).is_none_or(|found| is_of_each_source(found, meanings))
        });
        let (source, conditional) = (self.source, !certain);
        self.readings.push(Reading { source, header, site, conditional, entry, pieces, left, template });
    }

    /// Notes a `#define` or an `#undef`.
    fn defines(&mut self, part: &'a Part, declaration: &Declaration, certain: bool) {
        let text = part.file.text();
        let range = declaration.code..declaration.range.end;
        let (name, words) = match directive::read(text, range.clone()) {
            Directive::Define { name } => (name, Some(definition(text, range))),
            Directive::Undef { name } => (name, None),
            _ => return,
        };
        let Some(name) = self.names.get(name).copied() else { return };
        let of_source = part.kind == PartKind::Module;
        if certain {
            match words {
                Some(words) => self.macros.insert(name, Meaning { words, certain, of_source }),
                None => self.macros.remove(name),
            };
            return;
        }
        // What decides belongs to it.
        let asked = declaration.conditions.iter().flat_map(|condition| words_of(condition));
        let decides = self.meanings(asked.filter(|asked| *asked != name).collect::<Vec<_>>().into_iter());
        let decides: Vec<String> =
            decides.iter().map(|(name, meaning)| format!("{name}={}", meaning.words)).collect();
        let before = self.macros.remove(name);
        let words = format!(
            "{}\n{} [{}] {}",
            before.as_ref().map_or("", |before| &before.words),
            declaration.conditions.join(" && "),
            decides.join(", "),
            words.as_deref().unwrap_or("#undef")
        );
        let of_source = of_source && before.is_none_or(|before| before.of_source);
        self.macros.insert(name, Meaning { words, certain, of_source });
    }

    /// What the own macros among `names` stand for, with those that they lead to.
    fn meanings<'n>(&self, names: impl Iterator<Item = &'n str>) -> Macros<'a> {
        let mut found = Macros::new();
        let mut waiting: Vec<&'a str> = names.filter_map(|name| self.names.get(name).copied()).collect();
        while let Some(name) = waiting.pop() {
            let Some(meaning) = self.macros.get(name).filter(|_| !found.contains_key(name)) else { continue };
            waiting.extend(words_of(&meaning.words).filter_map(|name| self.names.get(name).copied()));
            found.insert(name, meaning.clone());
        }
        found
    }

    /// Whether a condition is true at this place; nothing where only the compiler knows.
    fn holds(&mut self, condition: &str) -> Option<bool> {
        if let Some((name, wanted)) = is_defined(condition)
            && self.names.contains(name)
        {
            match self.macros.get(name) {
                Some(meaning) if meaning.certain => return Some(wanted),
                Some(_) => return None,
                // A header of the target may define it besides.
                None if self.offered.declared_in(name).is_none() => return Some(!wanted),
                None => {}
            }
        }
        if let Some(told) = self.told.get(condition) {
            return *told;
        }
        let told = conditions::value(condition, self.offered).map(|value| value != 0);
        self.told.insert(condition.to_owned(), told);
        told
    }
}

/// Whether a second source has something of its own in this piece: state, or what its macros make of a list.
fn is_of_each_source(declaration: &Declaration, meanings: &Macros<'_>) -> bool {
    let has_state = declaration.kind == DeclarationKind::Variable
        && declaration.linkage == Linkage::Internal
        && !declaration.constant
        && !declaration.forward;
    let is_call = declaration.kind == DeclarationKind::MacroCall || declaration.macro_call;
    has_state
        || !declaration.state.is_empty()
        || declaration.kind == DeclarationKind::Partial
        || is_call && !meanings.is_empty()
        || meanings.values().any(|meaning| meaning.of_source)
}

fn mentioned<'p>(part: &'p Part, declaration: &'p Declaration) -> impl Iterator<Item = &'p str> {
    let text = part.file.text();
    let inside = declaration.identifiers.iter().filter_map(|used| text.get(used.range.clone()));
    inside.chain(declaration.conditions.iter().flat_map(|condition| words_of(condition)))
}

fn words_of(text: &str) -> impl Iterator<Item = &str> {
    let tokens = lex::tokens_of_directive(text, 0..text.len());
    tokens.filter(|token| token.kind == TokenKind::Identifier).map(|token| token.text(text))
}

/// What a `#define` says behind the name, its blanks and comments aside.
fn definition(text: &str, range: Range<usize>) -> String {
    let tokens = lex::tokens_of_directive(text, range).filter(|token| token.kind != TokenKind::Comment);
    let mut behind = tokens.skip(2);
    let named = behind.next().map_or(0, |name| name.end);
    // Only where it touches the name does a parenthesis open parameters.
    let called = if text.get(named..).is_some_and(|rest| rest.starts_with('(')) { "()" } else { "" };
    let words: Vec<&str> = behind.map(|token| token.text(text)).collect();
    format!("{called}{}", words.join(" "))
}
