//! A comparison as a person reads it.

use std::fmt::{self, Write};

use super::{ConstantDiff, Diff, MemberDiff, Names, TypeDiff};

/// Lines are broken before this many characters, where names are listed.
const WIDTH: usize = 100;

/// A macro's replacement is cut to this many characters.
const MACRO: usize = 72;

impl Diff {
    /// In lines: what is gone or otherwise in full, what is new in numbers; all of it with `verbose`.
    pub fn text(&self, verbose: bool) -> String {
        let mut text = String::new();
        self.write(&mut text, verbose).expect("writing to a String cannot fail");
        text
    }

    fn write(&self, out: &mut String, verbose: bool) -> fmt::Result {
        for fact in &self.facts {
            if fact.old == fact.new {
                writeln!(out, "{:>12}  {}", fact.what, fact.old)?;
            } else {
                writeln!(out, "{:>12}  {} → {}", fact.what, fact.old, fact.new)?;
            }
        }
        if self.same_major {
            writeln!(out, "{:>12}  httpd loads a module of either: it compares the major number only", "")?;
            writeln!(out, "{:>12}  which proves nothing of what follows", "")?;
        }
        self.names(out, "libraries", &self.libraries, true)?;
        self.names(out, "module files", &self.modules, true)?;
        self.names(out, "headers", &self.headers, true)?;
        for (provider, names) in &self.symbols {
            self.names(out, &format!("symbols of {provider}"), names, verbose)?;
        }
        if !self.moved_symbols.is_empty() {
            writeln!(out, "\nsymbols that another file exports")?;
            for moved in &self.moved_symbols {
                writeln!(out, "  {}: {} → {}", moved.name, moved.old, moved.new)?;
            }
        }
        if !self.prototypes.is_empty() {
            writeln!(out, "\nprototypes")?;
            for prototype in &self.prototypes {
                writeln!(out, "  {}  ({})", prototype.name, prototype.header)?;
                writeln!(out, "    - {}\n    + {}", prototype.old, prototype.new)?;
            }
        }
        self.names(out, "types", &self.types, verbose)?;
        for diff in &self.changed_types {
            writeln!(out)?;
            diff.write(out)?;
        }
        self.names(out, "macros", &self.macros, verbose)?;
        if !self.changed_macros.is_empty() {
            writeln!(out, "\nmacros that stand for something else")?;
            for change in &self.changed_macros {
                writeln!(out, "  {}  ({})", change.name, change.header)?;
                let shown = |text: &str| if verbose { text.to_owned() } else { cut(text) };
                writeln!(out, "    - {}\n    + {}", shown(&change.old), shown(&change.new))?;
            }
        }
        if !self.not_compared.is_empty() {
            let names: Vec<&str> = self.not_compared.iter().map(String::as_str).collect();
            writeln!(out, "\nnot compared, since they need headers that are not here: {}", names.join(", "))?;
        }
        Ok(())
    }

    fn names(&self, out: &mut String, what: &str, names: &Names, list_new: bool) -> fmt::Result {
        if names.is_empty() {
            return Ok(());
        }
        writeln!(out, "\n{what}: {} gone, {} new", names.gone.len(), names.new.len())?;
        wrapped(out, "  - ", &names.gone)?;
        if list_new { wrapped(out, "  + ", &names.new) } else { Ok(()) }
    }
}

impl TypeDiff {
    fn write(&self, out: &mut String) -> fmt::Result {
        write!(out, "{}  ({})", self.name, self.header)?;
        if let Some(size) = &self.size {
            write!(out, ": {} → {} bytes", size.old, size.new)?;
        }
        writeln!(out)?;
        if let Some(align) = &self.align {
            writeln!(out, "    aligned to {} → {} bytes", align.old, align.new)?;
        }
        if let Some(sort) = &self.sort {
            writeln!(out, "    was a {}, is a {}", sort.old, sort.new)?;
        }
        if let Some(stands_for) = &self.stands_for {
            writeln!(out, "    - {}\n    + {}", stands_for.old, stands_for.new)?;
        }
        let mut members = &self.members[..];
        while let Some(member) = members.first() {
            // What one new member pushes on is told in one line.
            let by = member.only_moved();
            let run = members.iter().take_while(|next| by.is_some() && next.only_moved() == by).count();
            if let (Some(by), Some(last)) = (by, members.get(run.wrapping_sub(1)))
                && run > 3
            {
                writeln!(out, "    ~ {} members from {} to {} moved by {by:+}", run, member.name, last.name)?;
                members = &members[run..];
                continue;
            }
            writeln!(out, "    {}", member.line())?;
            members = &members[1..];
        }
        for ConstantDiff { name, old, new } in &self.constants {
            match (old, new) {
                (Some(old), Some(new)) => writeln!(out, "    ~ {name} = {old} → {new}")?,
                (Some(old), None) => writeln!(out, "    - {name} = {old}")?,
                (None, Some(new)) => writeln!(out, "    + {name} = {new}")?,
                (None, None) => {}
            }
        }
        Ok(())
    }
}

impl MemberDiff {
    /// What happened to it, in one line.
    pub fn line(&self) -> String {
        let name = &self.name;
        match (&self.old, &self.new) {
            (None, Some(new)) => format!("+ {name} at {}: {}", new.offset, new.type_name),
            (Some(old), None) => format!("- {name} at {}: {}", old.offset, old.type_name),
            (Some(old), Some(new)) => {
                let mut parts = Vec::new();
                if old.offset != new.offset {
                    parts.push(format!("at {} → {}", old.offset, new.offset));
                }
                if old.bits != new.bits {
                    let bits = |bits: Option<(u64, u64)>| {
                        bits.map_or_else(
                            || "whole".to_owned(),
                            |(at, width)| format!("bit {at}, {width} wide"),
                        )
                    };
                    parts.push(format!("{} → {}", bits(old.bits), bits(new.bits)));
                }
                if old.type_name != new.type_name {
                    parts.push(format!("{} → {}", old.type_name, new.type_name));
                } else if old.size != new.size {
                    parts.push(format!("{} → {} bytes", old.size, new.size));
                }
                format!("~ {name} {}", parts.join(", "))
            }
            (None, None) => name.clone(),
        }
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(MACRO) {
        Some((at, _)) => format!("{} …", &text[..at]),
        None => text.to_owned(),
    }
}

fn wrapped(out: &mut String, mark: &str, names: &[String]) -> fmt::Result {
    let mut line = String::new();
    for name in names {
        if !line.is_empty() && line.len() + name.len() + 1 > WIDTH {
            writeln!(out, "{mark}{line}")?;
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(name);
    }
    if line.is_empty() { Ok(()) } else { writeln!(out, "{mark}{line}") }
}
