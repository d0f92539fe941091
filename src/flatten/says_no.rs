//! What an `#error` of the module's own says, and what has to be defined for it to be quiet.

use std::ops::Range;
use std::sync::Arc;

use miette::NamedSource;

use super::parts::Parts;
use super::{Error, Interface, conditions};
use crate::c::File;
use crate::c::lex::{self, TokenKind};

/// That no `#error` of the module's own is certain to be met.
///
/// # Errors
/// [`Error::SaysNo`].
pub(super) fn not_met(parts: &Parts, offered: &dyn Interface) -> Result<(), Error> {
    for (_, part) in parts.own() {
        for piece in part.solid().filter(|piece| is_error(part.file.code(*piece))) {
            let Some(declaration) = part.file.declaration(piece) else { continue };
            let met =
                |condition: &String| conditions::value(condition, offered).is_some_and(|value| value != 0);
            if declaration.conditions.iter().all(met) {
                let help = "its condition is true of the target's headers: this module needs another httpd";
                return Err(refusal(
                    &part.path,
                    part.file.text(),
                    declaration.code..part.file.range(piece).end,
                    help,
                ));
            }
        }
    }
    Ok(())
}

impl Error {
    /// [`Error::SaysNo`] for the `#error` on a line of a file of the module's, which a compiler has met; nothing where none stands
    /// there. `defined` tells of a name whether anything known defines it.
    pub(crate) fn says_no_at(
        path: &str,
        text: &Arc<str>,
        line: u32,
        defined: &dyn Fn(&str) -> bool,
    ) -> Option<Self> {
        let file = File::new(text.clone());
        let pieces = 0..file.len();
        let at = |piece: usize| file.line(file.code_range(piece).start);
        // Inside a function it is no piece of its own, and what stands around it there is not known.
        let piece = pieces.into_iter().find(|piece| is_error(file.code(*piece)) && at(*piece) == line)?;
        let mut lacking: Vec<String> = Vec::new();
        for name in file.declaration(piece)?.conditions.iter().flat_map(|condition| wanted(condition)) {
            if !defined(name) && !lacking.iter().any(|other| other == name) {
                lacking.push(name.to_owned());
            }
        }
        let help = match lacking.first() {
            Some(first) => format!(
                "nothing defines `{}`: what upstream's build defines of that belongs into the recipe, as `defines = \
                 [\"{first}\"]`; else this module needs another httpd",
                lacking.join("`, `")
            ),
            None => {
                "its condition is true for the target's compiler: this module needs another httpd".to_owned()
            }
        };
        Some(refusal(path, text, file.code_range(piece), &help))
    }
}

/// What the `#error` at `range` says.
fn refusal(path: &str, text: &Arc<str>, range: Range<usize>, help: &str) -> Error {
    let code = text.get(range.clone()).unwrap_or_default().trim_end();
    let words = code.split_once("error").map_or(code, |(_, words)| words).trim();
    Error::SaysNo {
        words: words.trim_matches('"').to_owned(),
        help: help.to_owned(),
        source_code: NamedSource::new(path, text.clone()),
        at: (range.start, code.len()).into(),
        label: "active in this target".to_owned(),
    }
}

/// The names that a condition asks not to be defined.
fn wanted(condition: &str) -> Vec<&str> {
    let mut names = Vec::new();
    // Whether what stands in the parentheses around is negated, and the next thing.
    let (mut around, mut negated, mut asked) = (vec![false], false, false);
    for token in lex::tokens(condition, 0..condition.len()).filter(|token| token.kind != TokenKind::Comment) {
        let outer = around.last().copied().unwrap_or_default();
        match token.text(condition) {
            "!" => negated = !negated,
            "defined" => asked = true,
            "(" => {
                around.push(outer != negated);
                negated = false;
            }
            ")" => drop(around.pop()),
            word => {
                if std::mem::take(&mut asked) && outer != negated {
                    names.push(word);
                }
                negated = false;
            }
        }
    }
    names
}

fn is_error(code: &str) -> bool {
    code.strip_prefix('#').is_some_and(|rest| rest.trim_start().starts_with("error"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_to_be_defined_is_wanted() {
        for (condition, names) in [
            ("!defined(A)", &["A"][..]),
            ("!defined A && !(defined(B) || C)", &["A", "B"]),
            ("!(!defined(A) && defined(B))", &["B"]),
            ("defined(A) && B", &[]),
            ("!A", &[]),
            ("!(", &[]),
        ] {
            assert_eq!(wanted(condition), names, "{condition}");
        }
    }
}
