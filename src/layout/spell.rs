//! How C writes a type.

use std::collections::BTreeSet;

use gimli::constants as dw;

use super::read::{At, MAX_DEPTH, Reader, TOO_LARGE, is_aggregate, keyword};
use super::tagged;

/// The longest name of a type, in bytes; httpd's longest has some 300.
const MAX_NAME: usize = 1 << 13;

impl Reader<'_> {
    /// A type around the declarator `inner`, outermost last: `int (*)[4]` is `int` around `(*)[4]`. No type is `void`.
    pub fn spelled(&self, at: Option<At>, inner: String, depth: usize) -> Result<String, String> {
        if depth > MAX_DEPTH || inner.len() > MAX_NAME {
            return Err(TOO_LARGE.to_owned());
        }
        let Some(at) = at else { return Ok(joined("void", &inner)) };
        let entry = self.entry(at)?;
        let of = self.type_of(at.unit, &entry)?;
        let name = self.name(at.unit, &entry)?;
        let next = |inner: String| self.spelled(of, inner, depth + 1);
        match entry.tag() {
            dw::DW_TAG_pointer_type => {
                let pointed = of.map(|of| self.entry(of)).transpose()?.map(|entry| entry.tag());
                let within = matches!(pointed, Some(dw::DW_TAG_array_type | dw::DW_TAG_subroutine_type));
                next(if within { format!("(*{inner})") } else { format!("*{inner}") })
            }
            dw::DW_TAG_array_type => {
                let mut lengths = String::new();
                for bound in self.bounds(at)? {
                    lengths += &bound.map_or_else(|| "[]".to_owned(), |bound| format!("[{bound}]"));
                }
                next(inner + &lengths)
            }
            dw::DW_TAG_subroutine_type => {
                let mut parameters = Vec::new();
                self.children(at, &mut |child| {
                    match child.tag() {
                        dw::DW_TAG_formal_parameter => {
                            let of = self.type_of(at.unit, child)?;
                            parameters.push(self.spelled(of, String::new(), depth + 1)?);
                        }
                        dw::DW_TAG_unspecified_parameters => parameters.push("...".to_owned()),
                        _ => {}
                    }
                    Ok(())
                })?;
                if parameters.is_empty() && entry.has_attr(dw::DW_AT_prototyped) {
                    parameters.push("void".to_owned());
                }
                next(format!("{inner}({})", parameters.join(", ")))
            }
            tag if qualifier(tag).is_some() => self.qualified(at, inner, depth),
            tag if is_aggregate(tag) => {
                // What has no name is told by its members where it is a member, and by nothing else here.
                let name = name.map_or_else(|| keyword(tag).to_owned(), |name| tagged(keyword(tag), &name));
                Ok(joined(&name, &inner))
            }
            dw::DW_TAG_typedef => {
                // `request_rec` and `struct request_rec` are the same word for the same thing.
                let target = of.map(|of| self.entry(of)).transpose()?;
                if let (Some(of), Some(target)) = (of, &target)
                    && is_aggregate(target.tag())
                    && self.name(of.unit, target)? == name
                {
                    return next(inner);
                }
                Ok(joined(&name.unwrap_or_default(), &inner))
            }
            _ => match name {
                Some(name) => Ok(joined(&name, &inner)),
                None => next(inner),
            },
        }
    }

    /// A qualifier stands before what it qualifies, but behind the `*` of a pointer. Compilers nest several in any order.
    fn qualified(&self, at: At, inner: String, depth: usize) -> Result<String, String> {
        let (mut of, mut words) = (Some(at), BTreeSet::new());
        while let Some(at) = of {
            let entry = self.entry(at)?;
            let Some(word) = qualifier(entry.tag()) else { break };
            if !words.insert(word) {
                return Err(TOO_LARGE.to_owned());
            }
            of = self.type_of(at.unit, &entry)?;
        }
        let words: Vec<&str> = words.into_iter().map(|(_, word)| word).collect();
        let words = words.join(" ");
        let tag = of.map(|of| self.entry(of)).transpose()?.map(|entry| entry.tag());
        match tag {
            Some(dw::DW_TAG_pointer_type) => self.spelled(of, joined(&words, &inner), depth + 1),
            _ => Ok(format!("{words} {}", self.spelled(of, inner, depth + 1)?)),
        }
    }
}

const QUALIFIERS: [(gimli::DwTag, &str); 4] = [
    (dw::DW_TAG_const_type, "const"),
    (dw::DW_TAG_volatile_type, "volatile"),
    (dw::DW_TAG_restrict_type, "restrict"),
    (dw::DW_TAG_atomic_type, "_Atomic"),
];

/// The word, with its place among several.
fn qualifier(tag: gimli::DwTag) -> Option<(usize, &'static str)> {
    QUALIFIERS.iter().enumerate().find(|(_, (known, _))| *known == tag).map(|(at, (_, word))| (at, *word))
}

/// A type's name and a declarator.
fn joined(name: &str, inner: &str) -> String {
    match inner.as_bytes().first() {
        None => name.to_owned(),
        Some(b'[') => format!("{name}{inner}"),
        Some(_) => format!("{name} {inner}"),
    }
}
