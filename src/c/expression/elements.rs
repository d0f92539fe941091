//! The elements of an array, and the type that the code takes them for. `elts` of APR's arrays is of no type, so no compiler
//! sees behind the cast that gives it one.

use std::collections::HashMap;
use std::ops::Range;

use super::{Code, MemberAccess, is_keyword};

/// `(TYPE *)OBJECT->ARRAY->elts`, or `APR_ARRAY_IDX(OBJECT->ARRAY, INDEX, TYPE)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elements<'t> {
    /// The array, a member.
    pub array: MemberAccess,
    /// The type of the object, without the stars of a pointer, as the nearest declaration in front of it in the same function
    /// has it; nothing where it is no variable.
    pub owner: Option<&'t str>,
    /// The type of an element, with one blank between its words and in front of its stars.
    pub element: String,
}

impl<'t> Code<'t> {
    /// Every use of the elements of an array that is a member, by the type that they are taken for.
    pub fn elements(&self) -> Vec<Elements<'t>> {
        let cast = self.members("elts").into_iter().filter_map(|at| {
            let access = self.member_at(self.tokens.get(at)?.start)?;
            let element = self.cast_of(&access)?.strip_suffix('*')?.trim_end().to_owned();
            Some((self.object_of(&access.object)?, element))
        });
        let indexed = self.calls("APR_ARRAY_IDX").into_iter().filter_map(|call| {
            let [array, _, element] = <[Range<usize>; 3]>::try_from(call.arguments).ok()?;
            let last = self.index(element.end.checked_sub(1)?)?;
            Some((self.object_of(&array)?, self.type_of(self.index(element.start)?..last + 1)?))
        });
        let mut all: Vec<(MemberAccess, String)> = cast.chain(indexed).collect();
        all.sort_by_key(|(array, _)| array.object.start);

        let mut declared: HashMap<&str, &str> = HashMap::new();
        let mut at = 0;
        let owned = all.into_iter().map(|(array, element)| {
            while self.tokens.get(at).is_some_and(|token| token.start < array.object.start) {
                if self.ends_function(at) {
                    declared.clear();
                }
                declared.extend(self.declared(at));
                at += 1;
            }
            let owner = self.variable(&array.object).and_then(|name| declared.get(name).copied());
            Elements { array, owner, element }
        });
        owned.collect()
    }

    /// The type in the cast of an expression, which may stand in parentheses of its own.
    fn cast_of(&self, access: &MemberAccess) -> Option<String> {
        let (mut first, mut last) = (self.index(access.range.start)?, self.index(access.member.start)?);
        let mut before = first.checked_sub(1)?;
        while self.is(before, b'(') && self.is(last + 1, b')') {
            (first, last) = (before, last + 1);
            before = first.checked_sub(1)?;
        }
        let of_type = |at: &usize| {
            self.is(*at, b'*') || self.tokens.get(*at).is_some_and(|token| self.word(token).is_some())
        };
        let open = (0..before).rev().find(|at| !of_type(at))?;
        (self.is(before, b')') && self.is(open, b'(')).then(|| self.type_of(open + 1..before)).flatten()
    }

    /// A type's name and its stars; nothing where the tokens are no such type.
    fn type_of(&self, tokens: Range<usize>) -> Option<String> {
        let mut name: Vec<&str> = Vec::new();
        let mut stars = String::new();
        for token in self.tokens.get(tokens)? {
            match self.word(token) {
                Some("struct" | "union" | "const" | "volatile") => {}
                Some(word) if stars.is_empty() => name.push(word),
                None if token.is(b'*') && !name.is_empty() => stars.push('*'),
                _ => return None,
            }
        }
        let name = name.join(" ");
        (!name.is_empty()).then(|| format!("{name} {stars}").trim_end().to_owned())
    }

    /// The one variable that an object is, or is pointed at or indexed by: `x`, `(*x)`, `x[i]`.
    fn variable(&self, object: &Range<usize>) -> Option<&'t str> {
        let mut at = self.index(object.start)?;
        let mut name = None;
        while let Some(token) = self.tokens.get(at).filter(|token| token.end <= object.end) {
            match self.word(token) {
                Some(word) if name.is_none() => name = Some(word),
                None if self.is(at, b'[') => at = self.closing(at)?,
                None if token.is(b'(') || token.is(b')') || token.is(b'*') => {}
                _ => return None,
            }
            at += 1;
        }
        name
    }

    /// The parameter or variable that is declared by the name at `at`, and its type without stars.
    fn declared(&self, at: usize) -> Option<(&'t str, &'t str)> {
        let name = self.word(self.tokens.get(at)?)?;
        let ends = [b',', b')', b'=', b';', b'['].iter().any(|mark| self.is(at + 1, *mark));
        let last = (0..at).rev().find(|at| !self.is(*at, b'*')).filter(|_| ends)?;
        let of = self.word(self.tokens.get(last)?).filter(|word| !is_keyword(word))?;
        Some((name, of))
    }
}
