//! A pointer that can be used at a place: what is declared there may not be set yet, or be NULL.

use super::Code;
use crate::c::lex::TokenKind;

impl<'t> Code<'t> {
    /// The name of a parameter or local variable of type `TYPE *` that surely points at something at `offset`: the nearest that
    /// is declared in front of it in the same function, and is a parameter that was not set otherwise, or was set last to
    /// something that is not `NULL`, on each way there.
    pub fn pointer_in_scope(&self, type_name: &str, offset: usize) -> Option<&'t str> {
        let here = self.index(offset)?;
        let head = self.index(self.function_start(offset)?)?;
        let body = self.outer_brace(here)?;
        let mut depth = 0i32;
        for at in (head..here).rev() {
            let token = self.tokens.get(at)?;
            match token.kind {
                TokenKind::Punctuator(b'}') => depth += 1,
                TokenKind::Punctuator(b'{') => depth -= 1,
                _ => {}
            }
            // A block that has ended.
            if depth > 0 {
                continue;
            }
            let declared = self.word(token) == Some(type_name)
                && self.is(at + 1, b'*')
                && (self.is(at + 3, b',')
                    || self.is(at + 3, b')')
                    || self.is(at + 3, b'=')
                    || self.is(at + 3, b';'));
            if declared && self.is_surely_set(at + 2, here, body) {
                return self.word(self.tokens.get(at + 2)?);
            }
        }
        None
    }

    /// Whether the pointer that is declared at `declared` points at something at `here`, in the function whose body opens at
    /// `body`. As no expression is read, what is not plain to see does not count.
    fn is_surely_set(&self, declared: usize, here: usize, body: usize) -> bool {
        let name = self.tokens.get(declared).and_then(|token| self.word(token));
        // Branches of a condition may open a brace each that is closed once, so that braces do not tell where the function ends.
        let end = (here..self.tokens.len()).find(|at| self.ends_function(*at)).unwrap_or(self.tokens.len());
        let Some(name) = name else { return false };
        let of_name = |at: &usize| {
            self.tokens.get(*at).and_then(|token| self.word(token)) == Some(name) && !self.is_member(*at)
        };
        let first = declared.max(body);
        let (before, behind): (Vec<usize>, Vec<usize>) = (first..end)
            .filter(|at| of_name(at) && self.may_set(*at, *at == declared))
            .partition(|at| *at < here);
        // What is set behind the place counts where a loop may lead back.
        if behind.iter().any(|at| self.is_in_block_of(*at, here, body)) {
            return false;
        }
        match before.last() {
            Some(set) => {
                let value = self.is(set + 1, b'=').then(|| self.is_null(set + 2));
                let always = *set == declared || self.is_passed(*set, here);
                value == Some(false) && always
            }
            None => declared < body,
        }
    }

    /// Whether the variable at `at` is set there, or could be by its address. `declared` is where it is declared.
    fn may_set(&self, at: usize, declared: bool) -> bool {
        let (Some(before), Some(first)) = (at.checked_sub(1), at.checked_sub(2)) else { return true };
        let twice = |at: usize| {
            self.adjacent(at) && [b'+', b'-'].iter().any(|mark| self.is(at, *mark) && self.is(at + 1, *mark))
        };
        // `*name = …` sets what it points at, and `&name->…` is of that, too.
        let of_other =
            (self.is(before, b'*') && !declared) || self.is_operator(at + 1) || self.is(at + 1, b'[');
        let address = self.is(before, b'&') && !self.is(first, b'&');
        let equals = |at: usize| self.is(at, b'=') && !(self.adjacent(at) && self.is(at + 1, b'='));
        let counts =
            (self.is(at + 1, b'+') || self.is(at + 1, b'-')) && equals(at + 2) && self.adjacent(at + 1);
        (!of_other && (address || equals(at + 1))) || counts || twice(first) || twice(at + 1)
    }

    /// Whether the value that begins at `at` is NULL, or may be by what is written.
    fn is_null(&self, at: usize) -> bool {
        let end = (at..self.tokens.len()).find(|at| self.is(*at, b';')).unwrap_or(at);
        let named =
            (at..end).any(|at| self.tokens.get(at).and_then(|token| self.word(token)) == Some("NULL"));
        let zero = |at: usize| self.tokens.get(at).is_some_and(|token| self.text(&token.range()) == "0");
        let ends = [b';', b',', b')'].iter().any(|mark| self.is(at + 1, *mark));
        named
            || (zero(at) && ends)
            || end.checked_sub(1).is_some_and(|last| self.is(last.wrapping_sub(1), b')') && zero(last))
    }

    /// Whether each way to `here` goes through the statement that begins at `set`: its block is around `here`, it hangs on no
    /// condition, and nothing jumps behind it.
    fn is_passed(&self, set: usize, here: usize) -> bool {
        let begins = |at: usize| {
            at.checked_sub(1)
                .is_some_and(|before| [b';', b'{', b'}'].iter().any(|mark| self.is(before, *mark)))
        };
        // The head of a `for` ends with a parenthesis behind the statement, and not with a brace.
        let mut depth = 0i32;
        for at in set..here {
            let Some(token) = self.tokens.get(at) else { return false };
            match token.kind {
                TokenKind::Punctuator(b'{' | b'(') => depth += 1,
                TokenKind::Punctuator(b'}' | b')') => depth -= 1,
                _ => {}
            }
            // Branches of a condition do not tell what is compiled.
            let label = self.word(token).is_some_and(|word| {
                matches!(word, "case" | "default") || (self.is(at + 1, b':') && begins(at))
            });
            if depth < 0 || label || self.in_directive(at) {
                return false;
            }
        }
        begins(set)
    }

    /// Whether a block within the function's body, or a statement, is around both places.
    fn is_in_block_of(&self, at: usize, here: usize, body: usize) -> bool {
        let (first, last) = (at.min(here), at.max(here));
        let ends = |at: usize| [b';', b'{', b'}'].iter().any(|mark| self.is(at, *mark));
        let block = |open: usize| self.is(open, b'{') && self.closing(open).is_none_or(|close| close > last);
        !(first..last).any(ends) || (body + 1..first).any(block)
    }
}
