//! An `#error` of the module's own that the target's compiler met. What else it objects to mostly follows from that: the includes
//! stand in the branch that was not taken.

use super::draft::Draft;
use super::finding::Kind;
use super::plan::Left;
use super::{Error, Inputs};
use crate::c::{directive, lex, library};
use crate::flatten;

/// The refusal, where one of the findings is an `#error`.
pub fn error(left: &[Left], draft: &Draft, inputs: &Inputs<'_>) -> Option<Error> {
    // Without a header, the condition may be about what it would have defined.
    if left.iter().any(|(finding, _)| finding.kind == Kind::Header) {
        return None;
    }
    let defined = |name: &str| {
        let first = |line| directive::behind(line, "define").and_then(|rest| lex::words(rest).next());
        inputs.interface.declared_in(name).is_some()
            || library::has(name)
            || draft.text().lines().any(|line| first(line) == Some(name))
    };
    let met = |(finding, _): &Left| {
        let at = finding.at.as_ref().filter(|_| finding.kind == Kind::Other)?;
        let (file, line) = draft.origin(at.start)?;
        let text = draft.unit().sources.get(&file)?;
        flatten::Error::says_no_at(&file, text, line, &defined)
    };
    left.iter().find_map(met).map(|error| Error::Flatten(Box::new(error)))
}
