//! Expressions around a place, read from the tokens alone: the object of a member access, what is done with the member, a
//! call's arguments, and the statement around them.
//!
//! No grammar is needed for these, and none could read them where httpd's macros stand around them: brackets decide.

use std::ops::Range;

use super::lex::{self, Token, TokenKind};

/// Tokens of a text without its comments. Preprocessor lines are taken apart as well, so that a macro's body reads as code.
#[derive(Debug)]
pub struct Code<'t> {
    text: &'t str,
    tokens: Vec<Token>,
}

/// What is done with a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Its value is used.
    Read,
    /// It is assigned, incremented, or its address is taken, by which it could be.
    Written,
}

/// `OBJECT->MEMBER`, all ranges in bytes of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberAccess {
    /// The whole: from the object's first byte to the member's last.
    pub range: Range<usize>,
    /// What stands in front of the operator.
    pub object: Range<usize>,
    /// Whether the operator is `->`, and not `.`.
    pub arrow: bool,
    /// The member's name.
    pub member: Range<usize>,
    /// What is done with it.
    pub access: Access,
}

/// `NAME(ARGUMENTS)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// From the name to the closing parenthesis.
    pub range: Range<usize>,
    /// Each argument without the blanks around it.
    pub arguments: Vec<Range<usize>>,
}

impl<'t> Code<'t> {
    /// Reads a text.
    pub fn new(text: &'t str) -> Self {
        let mut tokens = Vec::new();
        for token in lex::tokens(text, 0..text.len()) {
            match token.kind {
                TokenKind::Comment => {}
                TokenKind::Directive => tokens.extend(
                    lex::tokens_of_directive(text, token.range()).filter(|one| one.kind != TokenKind::Comment),
                ),
                _ => tokens.push(token),
            }
        }
        Code { text, tokens }
    }

    /// The words of a range.
    pub fn text(&self, range: &Range<usize>) -> &'t str {
        self.text.get(range.clone()).unwrap_or_default()
    }

    /// Every place of an identifier that is no member, in order.
    pub fn uses(&self, name: &str) -> Vec<Range<usize>> {
        let named = self.tokens.iter().enumerate().filter(|(_, token)| self.word(token) == Some(name));
        named.filter(|(at, _)| !self.is_member(*at)).map(|(_, token)| token.range()).collect()
    }

    /// Every identifier, each once, members left out.
    pub fn identifiers(&self) -> std::collections::BTreeSet<&'t str> {
        let all = self.tokens.iter().enumerate().filter(|(at, _)| !self.is_member(*at));
        all.filter_map(|(_, token)| self.word(token)).collect()
    }

    /// The access whose operator or member stands at byte `offset`.
    pub fn member_at(&self, offset: usize) -> Option<MemberAccess> {
        let at = self.index(offset)?;
        // `->` is two tokens.
        let operator = if self.is_operator(at) { at } else { self.operator_before(at)? };
        let arrow = self.tokens.get(operator)?.is(b'-');
        let member = operator + if arrow { 2 } else { 1 };
        let name = self.tokens.get(member).filter(|token| token.kind == TokenKind::Identifier)?;
        let start = self.postfix_start(operator)?;
        let object = self.tokens.get(start)?.start..self.tokens.get(operator.checked_sub(1)?)?.end;
        Some(MemberAccess {
            range: object.start..name.end,
            object,
            arrow,
            member: name.range(),
            access: self.access(start, member),
        })
    }

    /// The object of an object: of `a->b` the `a`. Parentheses around it are looked through.
    pub fn object_of(&self, range: &Range<usize>) -> Option<MemberAccess> {
        let mut first = self.index(range.start)?;
        let mut last = self.tokens.iter().rposition(|token| token.end <= range.end)?;
        while self.is(first, b'(') && self.closing(first) == Some(last) {
            first += 1;
            last = last.checked_sub(1)?;
        }
        self.member_at(self.tokens.get(last)?.start)
    }

    /// The call of the function whose name stands at `offset`.
    pub fn call_at(&self, offset: usize) -> Option<Call> {
        let at = self.index(offset)?;
        self.word(self.tokens.get(at)?)?;
        let open = at + 1;
        if !self.is(open, b'(') {
            return None;
        }
        let close = self.closing(open)?;
        let range = self.tokens.get(at)?.start..self.tokens.get(close)?.end;
        Some(Call { range, arguments: self.arguments(open, close) })
    }

    /// The call that the expression at `offset` is, or, where an assignment's sign stands there, that is assigned: what is
    /// called, as it is written, and the call.
    pub fn call_from(&self, offset: usize) -> Option<(Range<usize>, Call)> {
        let at = self.index(offset)?;
        let first = if self.is(at, b'=') { at + 1 } else { at };
        self.word(self.tokens.get(first)?)?;
        let mut last = first;
        loop {
            if self.is(last + 1, b'.') {
                last += 2;
            } else if self.is_arrow(last + 1) {
                last += 3;
            } else if self.is(last + 1, b'[') {
                last = self.closing(last + 1)?;
            } else {
                break;
            }
        }
        let open = Some(last + 1).filter(|open| self.is(*open, b'('))?;
        let close = self.closing(open)?;
        let start = self.tokens.get(first)?.start;
        let callee = start..self.tokens.get(last)?.end;
        Some((callee, Call { range: start..self.tokens.get(close)?.end, arguments: self.arguments(open, close) }))
    }

    /// The calls of the function `name`, in order.
    pub fn calls(&self, name: &str) -> Vec<Call> {
        self.uses(name).into_iter().filter_map(|range| self.call_at(range.start)).collect()
    }

    /// The expression statement around `range`, with its semicolon; nothing where the expression is part of something else
    /// (a condition, a declaration, an argument).
    pub fn statement(&self, range: &Range<usize>) -> Option<Range<usize>> {
        self.statement_around(range, false)
    }

    /// As [`Code::statement`], where the expression may be an argument of a call.
    pub fn enclosing_statement(&self, range: &Range<usize>) -> Option<Range<usize>> {
        self.statement_around(range, true)
    }

    fn statement_around(&self, range: &Range<usize>, inside: bool) -> Option<Range<usize>> {
        let first = self.index(range.start)?;
        let end = (first..self.tokens.len()).find(|at| self.is(*at, b';') || self.is(*at, b'{'))?;
        let semicolon = self.tokens.get(end).filter(|token| token.is(b';'))?;
        let mut start = first;
        while let Some(before) = start.checked_sub(1) {
            let token = self.tokens.get(before)?;
            match token.kind {
                TokenKind::Punctuator(b')' | b']') => {
                    let open = self.opening(before)?;
                    // `if (…)` in front of the statement is not of it.
                    let head = open.checked_sub(1).and_then(|at| self.word(self.tokens.get(at)?));
                    if matches!(head, Some("if" | "while" | "for" | "switch")) {
                        break;
                    }
                    start = open;
                    continue;
                }
                // The brackets around the expression close behind it: it is part of something.
                TokenKind::Punctuator(b'(') if inside => {
                    let called = before.checked_sub(1).and_then(|at| self.word(self.tokens.get(at)?))?;
                    if is_keyword(called) {
                        return None;
                    }
                }
                TokenKind::Punctuator(b'(' | b'[') => return None,
                TokenKind::Punctuator(b';' | b'{' | b'}' | b':') => break,
                TokenKind::Identifier if matches!(self.word(token), Some("else" | "do")) => break,
                TokenKind::Identifier if self.word(token) == Some("return") => return None,
                _ => {}
            }
            start = before;
        }
        let start = self.tokens.get(start).map(|token| token.start)?;
        // `TYPE name = EXPRESSION;` declares: without it the name is gone.
        let from = self.index(start)?;
        let (one, two) = (self.tokens.get(from), self.tokens.get(from + 1));
        let declares = one.is_some_and(|one| one.kind == TokenKind::Identifier)
            && two.is_some_and(|two| two.kind == TokenKind::Identifier);
        (!declares).then_some(start..semicolon.end)
    }

    /// The value that is assigned where a member is written by `=`: what stands between the sign and the statement's end.
    pub fn assigned(&self, access: &MemberAccess) -> Option<Range<usize>> {
        let at = self.index(access.member.start)? + 1;
        if !self.is(at, b'=') || self.is(at + 1, b'=') {
            return None;
        }
        let statement = self.statement(&access.range)?;
        let last = self.tokens.iter().rposition(|token| token.end < statement.end)?;
        Some(self.tokens.get(at + 1)?.start..self.tokens.get(last)?.end)
    }

    /// The name of a parameter or local variable of type `TYPE *` that is declared in front of `offset`, within the same
    /// function; the nearest.
    pub fn pointer_in_scope(&self, type_name: &str, offset: usize) -> Option<&'t str> {
        let here = self.index(offset)?;
        let mut depth = 0i32;
        for at in (1..here).rev() {
            let token = self.tokens.get(at)?;
            match token.kind {
                TokenKind::Punctuator(b'}') => depth += 1,
                TokenKind::Punctuator(b'{') => depth -= 1,
                _ => {}
            }
            // A block that has ended, or, in column 0, the function before this one.
            if depth > 0 {
                if self.at_line_start(token) {
                    return None;
                }
                continue;
            }
            let declared = self.word(token) == Some(type_name)
                && self.is(at + 1, b'*')
                && (self.is(at + 3, b',') || self.is(at + 3, b')') || self.is(at + 3, b'=') || self.is(at + 3, b';'));
            if declared {
                return self.word(self.tokens.get(at + 2)?);
            }
        }
        None
    }

    /// The expression of type `TYPE *` whose member `member` an object is: of `r->connection` the `r`; of a variable the
    /// `r` of the nearest `VARIABLE = r->connection` in front of it. It must be a pointer of that type in scope.
    pub fn owner_by_member(&self, object: &Range<usize>, type_name: &str, member: &str) -> Option<String> {
        let of = |access: &MemberAccess| {
            let owner = self.text(&access.object);
            (self.text(&access.member) == member && self.is_pointer_in_scope(type_name, owner, access.object.start))
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

    /// What each `return` of the function `name` gives; nothing where the function is not defined in this text.
    pub fn returned(&self, name: &str) -> Option<Vec<&'t str>> {
        let opens = |at: usize| self.is(at, b'{') && self.tokens.get(at).is_some_and(|token| self.at_line_start(token));
        let body = self.tokens.iter().enumerate().find_map(|(at, token)| {
            let close = (self.word(token) == Some(name)).then(|| self.closing(at + 1)).flatten()?;
            (self.is(at + 1, b'(') && opens(close + 1)).then_some(close + 1)
        })?;
        let end = self.closing(body)?;
        let returns = (body..end).filter(|at| self.tokens.get(*at).and_then(|token| self.word(token)) == Some("return"));
        let value = |at: usize| {
            let semicolon = (at..end).find(|at| self.is(*at, b';'))?;
            let (first, last) = (self.tokens.get(at + 1)?, self.tokens.get(semicolon.checked_sub(1)?)?);
            self.text.get(first.start..last.end.max(first.start))
        };
        Some(returns.map(|at| value(at).unwrap_or_default()).collect())
    }

    /// What a macro stands for, wherever it is defined.
    pub fn macro_bodies(&self, name: &str) -> Vec<Range<usize>> {
        let mut bodies = Vec::new();
        for token in lex::tokens(self.text, 0..self.text.len()).filter(|token| token.kind == TokenKind::Directive) {
            let mut words = lex::tokens_of_directive(self.text, token.range())
                .filter(|word| word.kind != TokenKind::Comment)
                .skip(1);
            let defines = words.next().is_some_and(|word| word.text(self.text) == "define");
            let Some(named) = words.next().filter(|word| defines && word.text(self.text) == name) else { continue };
            let mut words = words.peekable();
            if words.peek().is_some_and(|open| open.is(b'(') && open.start == named.end) {
                while words.next().is_some_and(|word| !word.is(b')')) {}
            }
            if let Some(first) = words.next() {
                let last = words.last().unwrap_or(first);
                bodies.push(first.start..last.end);
            }
        }
        bodies
    }

    /// The initialiser of a module structure: the first byte of the line where its definition begins, and its elements.
    pub fn initialiser(&self, symbol: &str) -> Option<(usize, Vec<Range<usize>>)> {
        let short = symbol.strip_suffix("_module").unwrap_or(symbol);
        let open = (1..self.tokens.len()).find(|at| {
            let before = |back: usize| at.checked_sub(back).and_then(|at| self.tokens.get(at));
            let named = before(2).and_then(|token| self.word(token)) == Some(symbol);
            let declared = self.is(at.wrapping_sub(2), b')')
                && before(3).and_then(|token| self.word(token)) == Some(short)
                && before(5).and_then(|token| self.word(token)) == Some("AP_DECLARE_MODULE");
            self.is(*at, b'{') && self.is(at.wrapping_sub(1), b'=') && (named || declared)
        })?;
        let mut first = open;
        while let Some(before) = first.checked_sub(1) {
            let token = self.tokens.get(before)?;
            if token.is(b';') || token.is(b'}') || self.in_directive(before) {
                break;
            }
            first = before;
        }
        Some((self.tokens.get(first)?.start, self.arguments(open, self.closing(open)?)))
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
    fn ends_function(&self, at: usize) -> bool {
        self.tokens.get(at).is_some_and(|token| token.is(b'}') && self.at_line_start(token))
    }

    /// The brace that opens the function around a token: one in column 0, else the outermost behind the last brace in column 0
    /// that closes.
    fn outer_brace(&self, here: usize) -> Option<usize> {
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

    fn word(&self, token: &Token) -> Option<&'t str> {
        (token.kind == TokenKind::Identifier).then(|| self.text.get(token.range())).flatten()
    }

    fn index(&self, offset: usize) -> Option<usize> {
        let at = self.tokens.partition_point(|token| token.end <= offset);
        self.tokens.get(at).filter(|token| token.start <= offset).map(|_| at)
    }

    fn is(&self, at: usize, punctuator: u8) -> bool {
        self.tokens.get(at).is_some_and(|token| token.is(punctuator))
    }

    fn adjacent(&self, at: usize) -> bool {
        matches!((self.tokens.get(at), self.tokens.get(at + 1)), (Some(one), Some(two)) if one.end == two.start)
    }

    fn is_arrow(&self, at: usize) -> bool {
        self.is(at, b'-') && self.is(at + 1, b'>') && self.adjacent(at)
    }

    fn is_operator(&self, at: usize) -> bool {
        self.is_arrow(at) || self.is(at, b'.')
    }

    /// The operator that the name at `at` stands behind.
    fn operator_before(&self, at: usize) -> Option<usize> {
        let before = at.checked_sub(1)?;
        if self.is(before, b'.') {
            return Some(before);
        }
        let arrow = before.checked_sub(1)?;
        self.is_arrow(arrow).then_some(arrow)
    }

    fn is_member(&self, at: usize) -> bool {
        self.operator_before(at).is_some()
    }

    fn in_directive(&self, at: usize) -> bool {
        let Some(token) = self.tokens.get(at) else { return false };
        let line_start = self.text.get(..token.start).and_then(|before| before.rfind('\n')).map_or(0, |end| end + 1);
        self.text.get(line_start..token.end).is_some_and(|line| line.trim_start().starts_with('#'))
    }

    fn at_line_start(&self, token: &Token) -> bool {
        token.start == 0 || self.text.as_bytes().get(token.start - 1) == Some(&b'\n')
    }

    /// The first token of the postfix expression that ends in front of the operator at `operator`.
    fn postfix_start(&self, operator: usize) -> Option<usize> {
        let mut at = operator.checked_sub(1)?;
        loop {
            let token = self.tokens.get(at)?;
            match token.kind {
                TokenKind::Punctuator(b')' | b']') => {
                    at = self.opening(at)?;
                    // `f(x)` and `a[i]` go on in front of the bracket, `(x)` begins there.
                    let before = at.checked_sub(1).and_then(|before| self.tokens.get(before));
                    let goes_on = before.is_some_and(|before| match before.kind {
                        TokenKind::Identifier => !is_keyword(before.text(self.text)),
                        TokenKind::Punctuator(b']') => true,
                        TokenKind::Punctuator(b')') => self.is(at, b'['),
                        _ => false,
                    });
                    if !goes_on {
                        return Some(at);
                    }
                    at -= 1;
                }
                TokenKind::Identifier => match self.operator_before(at) {
                    Some(operator) => at = operator.checked_sub(1)?,
                    None => return Some(at),
                },
                TokenKind::Literal => return Some(at),
                _ => return None,
            }
        }
    }

    /// What is done with the member at `member` of the postfix expression that starts at `start`.
    fn access(&self, start: usize, member: usize) -> Access {
        let (mut first, mut next) = (start, member + 1);
        // A part of the member is the member: `a->b.c`, `a->b[1]`. What it points at is not.
        loop {
            if self.is(next, b'.') {
                next += 2;
            } else if self.is(next, b')') && first.checked_sub(1).is_some_and(|before| self.is(before, b'(')) {
                // `(a->b) = c`; an argument list has a name in front.
                let called = first.checked_sub(2).and_then(|before| self.word(self.tokens.get(before)?));
                if called.is_some() {
                    break;
                }
                first -= 1;
                next += 1;
            } else {
                break;
            }
        }
        let mark = |at: usize| self.tokens.get(at).and_then(|token| match token.kind {
            TokenKind::Punctuator(mark) => Some(mark),
            _ => None,
        });
        let assigned = match (mark(next), mark(next + 1)) {
            (Some(b'='), after) => !(after == Some(b'=') && self.adjacent(next)),
            (Some(b'+'), Some(b'+')) | (Some(b'-'), Some(b'-')) => self.adjacent(next),
            (Some(b'+' | b'-' | b'*' | b'/' | b'%' | b'&' | b'|' | b'^'), Some(b'=')) => self.adjacent(next),
            (Some(b'<'), Some(b'<')) | (Some(b'>'), Some(b'>')) => mark(next + 2) == Some(b'='),
            _ => false,
        };
        let before = first.checked_sub(1);
        let stepped = before.is_some_and(|at| {
            let doubled = |sign: u8| self.is(at, sign) && at.checked_sub(1).is_some_and(|one| self.is(one, sign));
            doubled(b'+') || doubled(b'-')
        });
        let address = before.is_some_and(|at| self.is(at, b'&') && !self.is_operand(at.wrapping_sub(1)));
        if assigned || stepped || address { Access::Written } else { Access::Read }
    }

    /// Whether the token at `at` ends an operand, so that `&` behind it is the binary operator (or half of `&&`).
    fn is_operand(&self, at: usize) -> bool {
        self.tokens.get(at).is_some_and(|token| match token.kind {
            TokenKind::Identifier => token.text(self.text) != "return",
            TokenKind::Number | TokenKind::Literal => true,
            TokenKind::Punctuator(mark) => matches!(mark, b')' | b']' | b'&'),
            _ => false,
        })
    }

    fn closing(&self, open: usize) -> Option<usize> {
        let mut depth = 0usize;
        for (at, token) in self.tokens.iter().enumerate().skip(open) {
            match token.kind {
                TokenKind::Punctuator(b'(' | b'[' | b'{') => depth += 1,
                TokenKind::Punctuator(b')' | b']' | b'}') => {
                    depth = depth.checked_sub(1)?;
                    if depth == 0 {
                        return Some(at);
                    }
                }
                _ => {}
            }
        }
        None
    }

    fn opening(&self, close: usize) -> Option<usize> {
        let mut depth = 0usize;
        for at in (0..=close).rev() {
            match self.tokens.get(at)?.kind {
                TokenKind::Punctuator(b')' | b']' | b'}') => depth += 1,
                TokenKind::Punctuator(b'(' | b'[' | b'{') => {
                    depth = depth.checked_sub(1)?;
                    if depth == 0 {
                        return Some(at);
                    }
                }
                _ => {}
            }
        }
        None
    }

    fn arguments(&self, open: usize, close: usize) -> Vec<Range<usize>> {
        let mut all = Vec::new();
        let mut depth = 0usize;
        let mut start = open + 1;
        for at in open + 1..=close {
            let ends = at == close || depth == 0 && self.is(at, b',');
            if ends {
                if let (Some(first), Some(last)) = (self.tokens.get(start), at.checked_sub(1))
                    && start < at
                    && let Some(last) = self.tokens.get(last)
                {
                    all.push(first.start..last.end);
                }
                start = at + 1;
                continue;
            }
            match self.tokens.get(at).map(|token| token.kind) {
                Some(TokenKind::Punctuator(b'(' | b'[' | b'{')) => depth += 1,
                Some(TokenKind::Punctuator(b')' | b']' | b'}')) => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        all
    }
}

/// Words in front of a parenthesis that call nothing.
fn is_keyword(word: &str) -> bool {
    matches!(word, "return" | "if" | "while" | "for" | "switch" | "case" | "else" | "do" | "sizeof")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The access at `^` in a text, as object, operator, member and what is done.
    fn at(marked: &str) -> Option<(String, String, Access)> {
        let offset = marked.find('^').unwrap();
        let text = marked.replacen('^', "", 1);
        let code = Code::new(&text);
        let found = code.member_at(offset)?;
        Some((code.text(&found.object).to_owned(), code.text(&found.member).to_owned(), found.access))
    }

    fn reads(marked: &str, object: &str) {
        let (found, _, access) = at(marked).unwrap();
        assert_eq!((found.as_str(), access), (object, Access::Read), "{marked}");
    }

    fn writes(marked: &str) {
        assert_eq!(at(marked).unwrap().2, Access::Written, "{marked}");
    }

    #[test]
    fn the_object_is_the_whole_postfix_expression() {
        reads("x = r^->ip;", "r");
        reads("x = r->^ip;", "r");
        reads("f(a, r->connection^->ip)", "r->connection");
        reads("x = (r)^->ip", "(r)");
        reads("return get(r, 1)->list[i + 1]^.name;", "get(r, 1)->list[i + 1]");
        reads("return (*p)^.name;", "(*p)");
        reads("x = (char *)p^->name;", "p");
        reads("if (a) b^->c();", "b");
        reads("#define IP(r) \\\n  ((r)^->ip)", "(r)");
        assert_eq!(at("x = 1 ^- 2;"), None);
    }

    #[test]
    fn writing_is_told_from_reading() {
        reads("if (r^->ip == x)", "r");
        reads("r^->addr->port = 1;", "r");
        reads("r^->table[1] = 1;", "r");
        reads("a & r^->flags", "r");
        reads("a && r^->flags", "r");
        reads("f(r^->ip) = 1;", "r");
        writes("r^->ip = x;");
        writes("r^->part.of = x;");
        writes("(r^->ip) = x;");
        writes("r^->count++;");
        writes("--r^->count;");
        writes("r^->count += 2;");
        writes("r^->count <<= 2;");
        writes("f(&r^->ip);");
        writes("return &r^->ip;");
    }

    #[test]
    fn the_object_of_an_object() {
        let text = "x = (worker->s)->uri;";
        let code = Code::new(text);
        let outer = code.member_at(text.find("->uri").unwrap()).unwrap();
        assert_eq!(code.text(&outer.object), "(worker->s)");
        let inner = code.object_of(&outer.object).unwrap();
        assert_eq!(code.text(&inner.object), "worker");
    }

    #[test]
    fn a_call_has_its_arguments() {
        let text = "a = f(x, g(1, 2), (char *) y , \"a,b\"); f();";
        let code = Code::new(text);
        let calls = code.calls("f");
        let arguments: Vec<_> = calls[0].arguments.iter().map(|range| code.text(range)).collect();
        assert_eq!(arguments, ["x", "g(1, 2)", "(char *) y", "\"a,b\""]);
        assert!(calls[1].arguments.is_empty());
    }

    #[test]
    fn a_call_by_way_of_a_member_is_found_from_its_beginning() {
        let text = "return a->b[1].call(x, y); c = d->call();";
        let code = Code::new(text);
        let (callee, call) = code.call_from(text.find("a->b").unwrap()).unwrap();
        assert_eq!((code.text(&callee), call.arguments.len()), ("a->b[1].call", 2));
        let (callee, call) = code.call_from(text.find("= d").unwrap()).unwrap();
        assert_eq!((code.text(&callee), call.arguments.len()), ("d->call", 0));
        assert_eq!(code.call_from(0), None);
    }

    #[test]
    fn a_statement_ends_at_its_semicolon_and_begins_behind_what_guards_it() {
        let statement = |text: &str| {
            let code = Code::new(text);
            let offset = text.find("x").unwrap();
            code.statement(&(offset..offset + 1)).map(|range| text[range].to_owned())
        };
        assert_eq!(statement("{ a; x->log = b; c; }").as_deref(), Some("x->log = b;"));
        assert_eq!(statement("{ if (a(1)) x->log = b; }").as_deref(), Some("x->log = b;"));
        assert_eq!(statement("{ case 1: x(b); }").as_deref(), Some("x(b);"));
        assert_eq!(statement("{ else x(b); }").as_deref(), Some("x(b);"));
        assert_eq!(statement("{ if (x) b; }"), None);
        assert_eq!(statement("{ f(x); }"), None);
        assert_eq!(statement("{ return x; }"), None);
        assert_eq!(statement("{ int a = x; }"), None);
        let enclosing = |text: &str| {
            let offset = text.find("x").unwrap();
            Code::new(text).enclosing_statement(&(offset..offset + 1)).map(|range| text[range].to_owned())
        };
        assert_eq!(enclosing("{ if (a) f(g(&x), b); }").as_deref(), Some("f(g(&x), b);"));
        assert_eq!(enclosing("{ if (f(x)) b; }"), None);
        assert_eq!(enclosing("{ return f(x); }"), None);
    }

    #[test]
    fn an_assigned_value_is_found() {
        let text = "{ r->ip = f(a, b) + 1; }";
        let code = Code::new(text);
        let access = code.member_at(text.find("->").unwrap()).unwrap();
        assert_eq!(code.text(&code.assigned(&access).unwrap()), "f(a, b) + 1");
    }

    #[test]
    fn a_function_tells_what_it_returns() {
        let text = "static int f(int);\nstatic int f(int a)\n{\n  if (f(1)) return DECLINED;\n  return (OK) ;\n}\n\
                    static int g(void)\n{\n  return DECLINED;\n}\n";
        let code = Code::new(text);
        assert_eq!(code.returned("f"), Some(vec!["DECLINED", "(OK)"]));
        assert_eq!(code.returned("g"), Some(vec!["DECLINED"]));
        assert_eq!(code.returned("h"), None);
    }

    #[test]
    fn a_macros_body_is_what_stands_behind_its_parameters() {
        let text = "#define A(x) __FILE__, \\\n   (x)->y /* z */\n#define B A\n#define C\n";
        let code = Code::new(text);
        let bodies = |name| code.macro_bodies(name).iter().map(|range| code.text(range)).collect::<Vec<_>>();
        assert_eq!(bodies("A"), ["__FILE__, \\\n   (x)->y"]);
        assert_eq!(bodies("B"), ["A"]);
        assert!(bodies("C").is_empty());
    }

    #[test]
    fn the_initialiser_of_a_module_structure() {
        let plain = "int a;\nmodule AP_MODULE_DECLARE_DATA x_module = {\n STUFF, NULL,\n f /* g */ };\n";
        let macro_call = "#define A 1\nAP_DECLARE_MODULE(x) =\n{ STUFF, NULL, f };\n";
        for text in [plain, macro_call] {
            let code = Code::new(text);
            let (at, elements) = code.initialiser("x_module").unwrap();
            assert_eq!(Some(at), text.find("module AP").or(text.find("AP_DECLARE")));
            let elements: Vec<_> = elements.iter().map(|range| code.text(range)).collect();
            assert_eq!(elements, ["STUFF", "NULL", "f"]);
        }
    }

    #[test]
    fn the_owner_of_a_connection_is_a_request_in_scope() {
        let text = "int g(req *q)\n{\n  conn *c = q->connection;\n}\nint f(req *r, conn *other)\n{\n  conn *c = r->connection;\n\
                    a(c->x);\n  b(other->y);\n  d(r->connection->z, odd->connection->w);\n}\n";
        let code = Code::new(text);
        let owner = |member: &str| {
            let access = code.member_at(text.find(member).unwrap()).unwrap();
            code.owner_by_member(&access.object, "req", "connection")
        };
        assert_eq!(owner("->x").as_deref(), Some("r"));
        assert_eq!(owner("->y"), None);
        assert_eq!(owner("->z").as_deref(), Some("r"));
        assert_eq!(owner("->w"), None);
    }

    #[test]
    fn a_pointer_in_scope_is_that_of_the_same_function() {
        let text = "static int g(conf_t *far)\n{\n}\nstatic int f(req *r, conf_t *near)\n{\n  { other_t *x; }\n  y;\n}\n";
        let code = Code::new(text);
        let here = text.find("y;").unwrap();
        assert_eq!(code.pointer_in_scope("conf_t", here), Some("near"));
        assert_eq!(code.pointer_in_scope("other_t", here), None);
        assert_eq!(code.pointer_in_scope("none_t", here), None);
        assert_eq!(code.function_start(here), text.find("static int f"));
        let text = "int g(void) { return 1; }\nstatic int f(req *r) {\n  if (r) { y; }\n}\nint h(void) { z; }\nint i;\n";
        let code = Code::new(text);
        let start = |place: &str| code.function_start(text.find(place).unwrap());
        assert_eq!(start("return"), Some(0));
        assert_eq!(start("y;"), text.find("static int f"));
        assert_eq!(start("z;"), text.find("int h"));
        assert_eq!(start("i;"), None);
    }
}
