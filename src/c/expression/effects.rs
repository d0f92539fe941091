//! Whether a function leaves everything as it was: read from its text alone, so that what is not plain to see counts as a change.

use std::ops::Range;

use super::{Code, is_keyword};

impl<'t> Code<'t> {
    /// Whether a function of this text changes nothing that outlives its call: it sets nothing but its own variables, and calls
    /// only what `harmless` names and functions of the text of which the same is true.
    pub fn changes_nothing(&self, function: &str, harmless: &dyn Fn(&str) -> bool) -> bool {
        self.leaves_all(function, harmless, &mut Vec::new())
    }

    /// `seen` are the functions that are looked at already: one that calls itself is harmless where the rest of it is.
    fn leaves_all<'s>(
        &'s self,
        function: &'s str,
        harmless: &dyn Fn(&str) -> bool,
        seen: &mut Vec<&'s str>,
    ) -> bool {
        let Some((head, body)) = self.function(function) else { return false };
        let all = head..body.end;
        seen.push(function);
        body.into_iter().all(|at| {
            let Some(token) = self.tokens.get(at) else { return false };
            match self.word(token) {
                // A variable of another's, or one that keeps its value.
                Some("static" | "extern") => false,
                Some(word) if self.is(at + 1, b'(') && !is_keyword(word) => {
                    let known = harmless(word) || seen.contains(&word);
                    !self.is_member(at) && (known || self.leaves_all(word, harmless, seen))
                }
                // What a macro of the module's own does is not told from its name.
                Some(word) => self.is_member(at) || harmless(word) || self.macro_bodies(word).is_empty(),
                // A call by a pointer.
                None if token.is(b')') || token.is(b']') => !self.is(at + 1, b'('),
                None if token.is(b'=') => self.leaves_all_set(at, &all),
                None if token.is(b'+') || token.is(b'-') => self.leaves_all_counted(at, &all),
                None if token.is(b'&') => self.leaves_all_pointed_at(at, &all),
                None => true,
            }
        })
    }

    /// Whether the `=` at `at` is of a comparison, or sets a variable of the function's own.
    fn leaves_all_set(&self, at: usize, function: &Range<usize>) -> bool {
        let Some(before) = at.checked_sub(1) else { return false };
        let joined = |marks: &[u8]| self.adjacent(before) && marks.iter().any(|mark| self.is(before, *mark));
        let shift = before.checked_sub(1).is_some_and(|first| {
            self.adjacent(first)
                && [b'<', b'>'].iter().any(|mark| self.is(first, *mark) && self.is(before, *mark))
        });
        if (self.is(at + 1, b'=') && self.adjacent(at)) || (joined(b"=!<>") && !shift) {
            return true;
        }
        let name = if joined(b"+-*/%&|^") { before.checked_sub(1) } else { Some(before) };
        let Some(name) = name.filter(|name| !shift && self.is_own(*name, function)) else { return false };
        // `*name = …` sets what it points at, `TYPE *name = …` the variable.
        let word = self.tokens.get(name).and_then(|token| self.word(token)).unwrap_or_default();
        !self.is(name.wrapping_sub(1), b'*') || self.declares(name, word)
    }

    /// Whether the `+` or `-` at `at` is no part of `++` or `--`, or of one at a variable of the function's own.
    fn leaves_all_counted(&self, at: usize, function: &Range<usize>) -> bool {
        let twice = |first: usize| {
            self.adjacent(first)
                && [b'+', b'-'].iter().any(|mark| self.is(first, *mark) && self.is(first + 1, *mark))
        };
        // The second of the two was looked at with the first.
        if !twice(at) || at.checked_sub(1).is_some_and(twice) {
            return true;
        }
        let behind = at.checked_sub(1).is_some_and(|name| self.is_own(name, function));
        behind || (self.is_own(at + 2, function) && !self.is_part(at + 2))
    }

    /// Whether the `&` at `at` joins two values, or takes the address of a variable of the function's own or of a module's
    /// structure.
    fn leaves_all_pointed_at(&self, at: usize, function: &Range<usize>) -> bool {
        let Some(before) = at.checked_sub(1) else { return false };
        let value =
            self.tokens.get(before).and_then(|token| self.word(token)).is_some_and(|word| !is_keyword(word));
        let joins = value || self.is(before, b')') || self.is(before, b']') || self.is(before, b'&');
        let named = self.tokens.get(at + 1).and_then(|token| self.word(token)).unwrap_or_default();
        let plain = !self.is_part(at + 1);
        joins
            || self.is(at + 1, b'&')
            || (plain && (self.is_own(at + 1, function) || named.ends_with("_module")))
    }

    /// Whether what stands at `at` is only the beginning of an expression: a member, an element or a call follows.
    fn is_part(&self, at: usize) -> bool {
        self.is_operator(at + 1) || self.is(at + 1, b'[') || self.is(at + 1, b'(')
    }

    /// Whether the name at `at` is a variable or parameter that the function declares.
    fn is_own(&self, at: usize, function: &Range<usize>) -> bool {
        let Some(name) = self.tokens.get(at).and_then(|token| self.word(token)) else { return false };
        !self.is_member(at) && function.clone().any(|at| self.declares(at, name))
    }

    /// Whether the token at `at` declares a variable of this name.
    fn declares(&self, at: usize, name: &str) -> bool {
        let here =
            self.tokens.get(at).and_then(|token| self.word(token)) == Some(name) && !self.is_member(at);
        let ends = b"=;,[)".iter().any(|mark| self.is(at + 1, *mark));
        let Some(before) = self.before_stars(at).filter(|_| here && ends) else { return false };
        let type_name = |at: usize| {
            self.tokens.get(at).and_then(|token| self.word(token)).is_some_and(|word| !is_keyword(word))
        };
        if !self.is(before, b',') {
            return type_name(before);
        }
        // Another one in the list of `TYPE a, *b;`.
        let Some(end) =
            (0..before).rev().find(|at| [b';', b'{', b'}'].iter().any(|mark| self.is(*at, *mark)))
        else {
            return false;
        };
        type_name(end + 1) && (type_name(end + 2) || self.is(end + 2, b'*'))
    }

    /// What stands in front of a name and its stars.
    fn before_stars(&self, at: usize) -> Option<usize> {
        (0..at).rev().find(|at| !self.is(*at, b'*'))
    }
}
