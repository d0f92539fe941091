//! The compiler's own view of a target's public headers: one C file that includes them all, compiled with the target's flags
//! and with debug information of every type, used or not.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::read::STANDS_FOR;
use super::{Error, Found};
use crate::c::directive::{self, Include};
use crate::c::lex;
use crate::compile::{self, Message, Severity, Toolchain, Unit};
use crate::flatten::Interface;
use crate::target::Target;

/// What the C file is called in the compiler's messages, without `.c`.
const NAME: &str = "modgraft_probe";

/// What the other headers build on, in the order that upstream's own modules have. httpd 2.2 shows much of what modules use to
/// those only that say they are part of it.
const BASE: &str = "#define CORE_PRIVATE 1\n#include \"httpd.h\"\n#include \"http_config.h\"\n#include \"http_core.h\"\n\
                    #undef CORE_PRIVATE\n";

/// A macro of a public header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MacroText {
    /// The header that defined it last.
    pub header: String,
    /// All behind its name, blanks joined: the parameters and the replacement.
    pub text: String,
}

/// The layouts that the headers tell, by a compile probe alone.
///
/// # Errors
/// A compiler that cannot be run, or headers that it does not take.
pub fn probe(target: &Target, toolchain: &Toolchain, limit: Duration) -> Result<Found, Error> {
    let headers = target.public_headers();
    let mut draft = Draft::of(target, &headers);
    let text = draft.settled(target, toolchain, limit)?;
    let unit = Unit { module: NAME, symbol: "", text: &text };
    let object = compile::with_debug_information(&unit, target, toolchain, limit)?;
    let mut layouts =
        super::read_elf(&object, &headers).map_err(|reason| Error::DebugInformation { reason })?;
    for (name, object) in &mut layouts.objects {
        object.header = draft.objects.get(name).cloned().unwrap_or_default();
    }
    Ok(Found { layouts, unit: text, left_out: draft.left_out, ..Found::default() })
}

/// The macros that the public headers define in a unit that [`probe`] has found to compile.
///
/// # Errors
/// A compiler that cannot be run.
pub fn macros(
    found: &Found,
    target: &Target,
    toolchain: &Toolchain,
    limit: Duration,
) -> Result<BTreeMap<String, MacroText>, Error> {
    let unit = Unit { module: NAME, symbol: "", text: &found.unit };
    let text = compile::preprocessed(&unit, target, toolchain, limit)?;
    let headers = target.public_headers();
    let public: BTreeSet<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
    Ok(defined(&text, &public))
}

/// The macros of these headers in what `cc -E -dD` printed, where `# 12 "/usr/include/httpd.h" 1` tells the file.
fn defined(text: &str, public: &BTreeSet<&str>) -> BTreeMap<String, MacroText> {
    let mut header: Option<&str> = None;
    let mut macros = BTreeMap::new();
    for line in text.lines() {
        let Some(directive) = line.strip_prefix('#') else { continue };
        if let Some(file) = directive.strip_prefix(' ').and_then(|rest| rest.split('"').nth(1)) {
            header = file.rsplit('/').next().and_then(|name| public.get(name)).copied();
        } else if let Some(name) = directive.strip_prefix("undef ") {
            macros.remove(name.trim());
        } else if let (Some(rest), Some(header)) = (directive.strip_prefix("define "), header) {
            let end = rest.find(|letter| !lex::is_identifier_part(letter)).unwrap_or(rest.len());
            let (name, text) = rest.split_at(end);
            let text: Vec<&str> = text.split_whitespace().collect();
            macros.insert(name.to_owned(), MacroText { header: header.to_owned(), text: text.join(" ") });
        }
    }
    macros
}

/// A C file on its way to one that compiles.
struct Draft<'t> {
    headers: &'t [(String, PathBuf)],
    /// One line each, behind [`BASE`].
    items: Vec<Item>,
    /// The header of each object.
    objects: BTreeMap<String, String>,
    left_out: Vec<(String, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Item {
    Header(String),
    Object(String),
}

impl<'t> Draft<'t> {
    fn of(target: &Target, headers: &'t [(String, PathBuf)]) -> Self {
        let base: Vec<&str> = directive::includes(BASE).filter_map(file_name).collect();
        // APR's headers lie in the last of the folders, and httpd's need them.
        let mut folders: Vec<&Path> = headers.iter().filter_map(|(_, path)| path.parent()).collect();
        folders.dedup();
        let of = |folder: &Path| {
            let own = headers.iter().filter(move |(_, path)| path.parent() == Some(folder));
            own.map(|(name, _)| name.clone()).collect::<Vec<_>>()
        };
        let names = folders.into_iter().rev().flat_map(of).filter(|name| !base.contains(&name.as_str()));
        let mut items: Vec<Item> = names.map(Item::Header).collect();
        let interface = target.interface();
        let exported: BTreeSet<&str> = target.symbols().names().collect();
        let declared = exported.into_iter().filter_map(|name| Some((name, interface.declared_in(name)?)));
        let objects: BTreeMap<String, String> =
            declared.map(|(name, header)| (name.to_owned(), header)).collect();
        items.extend(objects.keys().cloned().map(Item::Object));
        Draft { headers, items, objects, left_out: Vec::new() }
    }

    fn text(&self) -> String {
        let line = |item: &Item| match item {
            Item::Header(name) => format!("#include \"{name}\"\n"),
            Item::Object(name) => format!("__typeof__(&{name}) {STANDS_FOR}{name};\n"),
        };
        let items: String = self.items.iter().map(line).collect();
        format!("{BASE}{items}")
    }

    /// Leaves out what the compiler objects to, until it does not.
    fn settled(&mut self, target: &Target, toolchain: &Toolchain, limit: Duration) -> Result<String, Error> {
        loop {
            let text = self.text();
            let unit = Unit { module: NAME, symbol: "", text: &text };
            let said = compile::objections(&unit, target, toolchain, &[], limit)?;
            let errors: Vec<Message> =
                said.into_iter().filter(|message| message.severity == Severity::Error).collect();
            let Some(first) = errors.first() else { return Ok(text) };
            let blamed: BTreeMap<usize, &Message> = errors
                .iter()
                .rev()
                .flat_map(|message| self.blamed(message).into_iter().map(move |item| (item, message)))
                .collect();
            if blamed.is_empty() {
                return Err(Error::Headers { target: target.name.clone(), reason: first.text.clone() });
            }
            for (item, message) in blamed.into_iter().rev() {
                match self.items.remove(item) {
                    Item::Header(name) => self.left_out.push((name, message.text.clone())),
                    Item::Object(name) => drop(self.objects.remove(&name)),
                }
            }
            self.left_out.sort();
        }
    }

    /// The items that an objection is about.
    fn blamed(&self, message: &Message) -> Vec<usize> {
        let Some((file, line, _)) = &message.place else { return Vec::new() };
        let name = file.rsplit('/').next().unwrap_or(file);
        if name.strip_suffix(".c") == Some(NAME) {
            let item = (*line as usize).checked_sub(BASE.lines().count() + 1);
            return item.filter(|item| *item < self.items.len()).into_iter().collect();
        }
        let is = |item: &Item, names: &[&str]| match item {
            Item::Header(header) => names.contains(&header.as_str()),
            Item::Object(_) => false,
        };
        let at = |names: &[&str]| -> Vec<usize> {
            let items = self.items.iter().enumerate().filter(|(_, item)| is(item, names));
            items.map(|(at, _)| at).collect()
        };
        // What was left out already still comes in through those that include it.
        let own = at(&[name]);
        if own.is_empty() { at(&self.includers(name)) } else { own }
    }

    /// The headers that include one, and those that include these.
    fn includers<'a>(&'a self, header: &'a str) -> Vec<&'a str> {
        let mut reached = vec![header];
        let mut next = 0;
        while let Some(header) = reached.get(next).copied() {
            for (name, path) in self.headers {
                let text = fs_err::read(path).unwrap_or_default();
                let text = String::from_utf8_lossy(&text);
                let includes = directive::includes(&text).filter_map(file_name).any(|file| file == header);
                if includes && !reached.contains(&name.as_str()) {
                    reached.push(name);
                }
            }
            next += 1;
            // One step at a time: the nearest that is still there is to blame.
            let there = |name: &&str| self.items.iter().any(|item| *item == Item::Header((*name).to_owned()));
            if reached.iter().any(there) {
                break;
            }
        }
        reached
    }
}

/// The name of an included file without its folder.
fn file_name(include: Include<'_>) -> Option<&str> {
    include.path()?.rsplit('/').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn macros_are_those_of_the_public_headers_that_are_left() {
        let text = "# 1 \"probe.c\"\n#define OWN 1\n# 1 \"/usr/include/httpd.h\" 1 3\n#define A  (1 |\t2)\n#define B(x) x\n\
                    #define GONE 2\n#undef GONE\nint x;\n# 4 \"/usr/include/stdio.h\"\n#define EOF (-1)\n";
        let macros = defined(text, &BTreeSet::from(["httpd.h"]));
        let found: Vec<_> = macros.iter().map(|(name, found)| (name.as_str(), found.text.as_str())).collect();
        assert_eq!(found, [("A", "(1 | 2)"), ("B", "(x) x")]);
    }
}
