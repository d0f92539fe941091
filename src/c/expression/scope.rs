//! What is in scope at a place, and the function around it.

use std::ops::Range;

use super::{Code, MemberAccess};

impl<'t> Code<'t> {
    /// The expression of type `TYPE *` whose member `member` an object is: of `r->connection` the `r`; of a variable the
    /// `r` of the nearest `VARIABLE = r->connection` in front of it. It must be a pointer of that type in scope.
    pub fn owner_by_member(&self, object: &Range<usize>, type_name: &str, member: &str) -> Option<String> {
        let of = |access: &MemberAccess| {
            let owner = self.text(&access.object);
            (self.text(&access.member) == member
                && self.is_pointer_in_scope(type_name, owner, access.object.start))
            .then(|| owner.to_owned())
        };
        if let Some(access) = self.object_of(object) {
            return of(&access);
        }
        let name = self.text(object);
        let here = self.index(object.start)?;
        let assigned = (0..here).rev().take_while(|at| !self.ends_function(*at)).find(|at| {
            self.tokens.get(*at).and_then(|token| self.word(token)) == Some(name)
                && !self.is_member(*at)
                && self.is(at + 1, b'=')
                && !self.is(at + 2, b'=')
        })?;
        let end = (assigned..here).find(|at| self.is(*at, b';') || self.is(*at, b','))?;
        of(&self.member_at(self.tokens.get(end.checked_sub(1)?)?.start)?)
    }

    fn is_pointer_in_scope(&self, type_name: &str, name: &str, offset: usize) -> bool {
        let Some(here) = self.index(offset) else { return false };
        (1..here).rev().take_while(|at| !self.ends_function(*at)).any(|at| {
            self.tokens.get(at).and_then(|token| self.word(token)) == Some(type_name)
                && self.is(at + 1, b'*')
                && self.tokens.get(at + 2).and_then(|token| self.word(token)) == Some(name)
        })
    }

    /// The brace in column 0 that ends a function.
    pub(super) fn ends_function(&self, at: usize) -> bool {
        self.tokens.get(at).is_some_and(|token| token.is(b'}') && self.at_line_start(token))
    }

    /// The brace that opens the function around a token: one in column 0, else the outermost behind the last brace in column 0
    /// that closes.
    pub(super) fn outer_brace(&self, here: usize) -> Option<usize> {
        let mut depth = 0usize;
        let mut outer = None;
        for at in (0..=here).rev() {
            let first = self.tokens.get(at).is_some_and(|token| self.at_line_start(token));
            if self.is(at, b'}') {
                if first && depth == 0 {
                    break;
                }
                depth += 1;
            } else if self.is(at, b'{') {
                match depth.checked_sub(1) {
                    Some(less) => depth = less,
                    None if first => return Some(at),
                    None => outer = Some(at),
                }
            }
        }
        outer
    }

    /// The first byte of the line on which the function around `offset` begins, its type and comment not counted.
    pub fn function_start(&self, offset: usize) -> Option<usize> {
        let here = self.index(offset)?;
        let brace = self.outer_brace(here)?;
        // Back over the head: parameters, name, type.
        let mut at = brace;
        while let Some(before) = at.checked_sub(1) {
            let token = self.tokens.get(before)?;
            if token.is(b';') || token.is(b'}') || self.in_directive(before) {
                break;
            }
            at = before;
        }
        self.tokens.get(at).map(|token| token.start)
    }
}
