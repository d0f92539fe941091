//! One piece, parsed by tree-sitter: its kind, names and linkage, and which of its identifiers are its own.

mod declarator;
mod walk;

use std::cell::RefCell;
use std::ops::Range;

use tree_sitter::{Node, Parser};

use declarator::{declared, has_body, is_constant, is_function, text};
use walk::Walk;

use super::directive::{self, Directive};
use super::file::File;
use super::lex::{self, Token, TokenKind};
use super::roles::{self, Scopes};
use super::split::{Chunk, Shape};
use super::{Declaration, DeclarationKind, Linkage, Outline, macros};

thread_local! {
    static PARSER: RefCell<Parser> = RefCell::new({
        let mut parser = Parser::new();
        parser
            .set_language(&tree_sitter_c::LANGUAGE.into())
            .expect("the grammar is built into the program, for this version of tree-sitter: every unit test shows it");
        parser
    });
}

/// Parses a piece of `file`.
pub(crate) fn parse(file: &File, chunk: &Chunk) -> Declaration {
    let source: &str = file.text();
    let code = chunk.code..chunk.range.end;
    let mut piece = Piece::new(file, chunk);
    let mut scopes = Scopes::default();
    match chunk.shape {
        Shape::Blank => {}
        Shape::Include => piece.declaration.kind = DeclarationKind::Include,
        Shape::Condition => piece.declaration.kind = DeclarationKind::Condition,
        Shape::Directive => piece.declaration.kind = DeclarationKind::Directive,
        Shape::ExternC => piece.declaration.kind = DeclarationKind::ExternC,
        Shape::Define => {
            piece.declaration.kind = DeclarationKind::Macro;
            if let Directive::Define { name } = directive::read(source, code.clone()) {
                piece.declaration.names.push(name.to_owned());
            }
        }
        Shape::Function { .. } | Shape::MacroCall | Shape::Code | Shape::Partial => {
            scopes = piece.parse(source, code.clone(), chunk);
        }
    }
    let mut declaration = piece.declaration;
    declaration.identifiers = roles::identifiers(source, code, &scopes);
    declaration
}

/// Deeper than any compiler's own limit for brackets (clang's is 256); the grammar needs much time beyond.
const NESTING_LIMIT: usize = 300;

fn nesting(tokens: &[Token]) -> usize {
    let (mut depth, mut deepest) = (0usize, 0);
    for token in tokens {
        match token.kind {
            TokenKind::Punctuator(b'(' | b'[' | b'{') => depth += 1,
            TokenKind::Punctuator(b')' | b']' | b'}') => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// Kind and names of a function, from its head alone; nothing for other pieces.
pub(crate) fn outline(source: &str, chunk: &Chunk) -> Option<Outline> {
    let Shape::Function { body } = chunk.shape else { return None };
    let head = neutral(source, chunk.code..body, chunk);
    let names = name_before_parenthesis(&String::from_utf8_lossy(&head)).into_iter().collect();
    Some(Outline { kind: DeclarationKind::Function, names })
}

/// The tokens at `range` of a piece that the grammar looks at.
fn looked_at(source: &str, range: Range<usize>, chunk: &Chunk) -> Vec<Token> {
    // What is skipped ascends, as the tokens do.
    let skipped = |token: &Token| {
        let next = chunk.skipped.partition_point(|skipped| skipped.end <= token.start);
        chunk.skipped.get(next).is_some_and(|skipped| skipped.contains(&token.start))
    };
    lex::tokens(source, range)
        .filter(|token| !matches!(token.kind, TokenKind::Comment | TokenKind::Directive) && !skipped(token))
        .collect()
}

/// The text at `range` of a piece, with blanks where the grammar must not look.
fn neutral(source: &str, range: Range<usize>, chunk: &Chunk) -> Vec<u8> {
    let tokens = looked_at(source, range.clone(), chunk);
    let mut bytes = source.as_bytes().get(range.clone()).unwrap_or_default().to_vec();
    for skipped in &chunk.skipped {
        let within = skipped.start.max(range.start)..skipped.end.min(range.end);
        if within.start >= within.end {
            continue;
        }
        for byte in bytes.get_mut(within.start - range.start..within.end - range.start).unwrap_or_default() {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
    }
    if nesting(&tokens) <= NESTING_LIMIT {
        macros::neutralise(&mut bytes, range.start, &tokens, source);
    }
    bytes
}

struct Piece {
    declaration: Declaration,
}

impl Piece {
    fn new(file: &File, chunk: &Chunk) -> Self {
        let body = match chunk.shape {
            Shape::Function { body } => Some(body),
            _ => None,
        };
        Piece {
            declaration: Declaration {
                kind: DeclarationKind::Comment,
                names: Vec::new(),
                linkage: Linkage::None,
                range: chunk.range.clone(),
                code: chunk.code,
                body,
                line: file.line(chunk.range.start),
                code_line: file.line(chunk.code),
                conditions: chunk.conditions.iter().map(|condition| condition.to_string()).collect(),
                identifiers: Vec::new(),
                members: Vec::new(),
                constants: Vec::new(),
                forward: false,
                macro_call: false,
                constant: false,
                state: Vec::new(),
            },
        }
    }

    fn parse(&mut self, source: &str, code: Range<usize>, chunk: &Chunk) -> Scopes {
        let tokens = looked_at(source, code.clone(), chunk);
        if self.is_macro_call(source, &tokens, chunk.shape) {
            return Scopes::default();
        }
        if nesting(&tokens) > NESTING_LIMIT {
            self.declaration.kind = DeclarationKind::Partial;
            return Scopes::default();
        }
        let bytes = neutral(source, code.clone(), chunk);
        let tree = PARSER.with_borrow_mut(|parser| parser.parse(&bytes, None));
        if let Some(tree) = &tree {
            self.top_level(tree.root_node(), source, code.start);
        }
        let mut walk = Walk { piece: self, source, offset: code.start, scopes: Scopes::default() };
        if let Some(tree) = &tree {
            walk.run(tree.walk());
        }
        let scopes = walk.scopes;
        match chunk.shape {
            Shape::Function { body } => self.function(&bytes, code.start, body),
            Shape::Partial => {
                self.partial(&bytes);
            }
            _ if self.declaration.kind == DeclarationKind::Comment => self.guess(&bytes),
            _ => {}
        }
        if self.declaration.linkage == Linkage::None
            && !matches!(self.declaration.kind, DeclarationKind::Type | DeclarationKind::Comment)
        {
            let is_static = |token: &Token| token.text(source) == "static";
            let head = self.declaration.body.unwrap_or(code.end);
            let internal = tokens.iter().take_while(|token| token.start < head).any(is_static);
            self.declaration.linkage = if internal { Linkage::Internal } else { Linkage::External };
        }
        let mut seen = std::collections::HashSet::new();
        self.declaration.names.retain(|name| seen.insert(name.clone()));
        // The first name is what a person calls it: a typedef or tag, not a constant in it.
        let constants = &self.declaration.constants;
        self.declaration.names.sort_by_key(|name| constants.contains(name));
        scopes
    }

    /// Reads `NAME(…)` that stands for a declaration; false for everything else.
    fn is_macro_call(&mut self, source: &str, tokens: &[Token], shape: Shape) -> bool {
        let Some(first) = tokens.first() else { return false };
        let name = first.text(source);
        let open = tokens.get(1).is_some_and(|token| token.is(b'('));
        let known = macros::declares(name, &[]).is_some();
        let plain = macros::is_upper(name) && !macros::wraps(name) && !macros::decorates_with_arguments(name);
        let written = first.kind == TokenKind::Identifier && open && (known || plain);
        if !written || matches!(shape, Shape::Function { .. } | Shape::Partial) {
            return false;
        }
        let close = macros::matching(tokens, 1);
        let behind = close.map(|close| macros::behind_decorations(tokens, close + 1, source));
        let next = behind.and_then(|behind| tokens.get(behind));
        if !next.is_none_or(|next| next.is(b';') || next.is(b'=')) {
            return false;
        }
        let arguments = close
            .map_or(Vec::new(), |close| macros::arguments(source, tokens.get(2..close).unwrap_or_default()));
        let (kind, names) =
            macros::declares(name, &arguments).unwrap_or((DeclarationKind::MacroCall, Vec::new()));
        self.declaration.kind = kind;
        self.declaration.macro_call = true;
        self.declaration.names = names;
        self.declaration.linkage = Linkage::External;
        true
    }

    /// Kind and names from the nodes of file scope.
    fn top_level(&mut self, root: Node<'_>, source: &str, offset: usize) {
        let mut cursor = root.walk();
        for node in root.named_children(&mut cursor) {
            match node.kind() {
                "declaration" => self.object(node, source, offset),
                "type_definition" => {
                    self.settle(DeclarationKind::Type);
                    let mut cursor = node.walk();
                    let tag =
                        node.child_by_field_name("type").and_then(|node| node.child_by_field_name("name"));
                    let has_body = node.child_by_field_name("type").is_some_and(has_body);
                    let mut forward = !has_body;
                    for declarator in node.children_by_field_name("declarator", &mut cursor) {
                        let Some(name) = declared(declarator) else { continue };
                        let name = text(name, source, offset);
                        forward &= declarator.kind() == "type_identifier"
                            && tag.is_some_and(|tag| text(tag, source, offset) == name);
                        self.declaration.names.push(name.to_owned());
                    }
                    self.declaration.forward = forward;
                }
                "struct_specifier" | "union_specifier" | "enum_specifier" => {
                    self.settle(DeclarationKind::Type);
                    self.declaration.forward = !has_body(node);
                    if let Some(name) = node.child_by_field_name("name") {
                        self.declaration.names.push(text(name, source, offset).to_owned());
                    }
                }
                _ => {}
            }
        }
    }

    fn object(&mut self, node: Node<'_>, source: &str, offset: usize) {
        let mut cursor = node.walk();
        let (mut is_extern, mut base_const) = (false, false);
        for child in node.children(&mut cursor) {
            match (child.kind(), text(child, source, offset)) {
                ("storage_class_specifier", "static") => self.declaration.linkage = Linkage::Internal,
                ("storage_class_specifier", "extern") => is_extern = true,
                ("type_qualifier", "const") => base_const = true,
                _ => {}
            }
        }
        let mut constant = true;
        let mut initialised = false;
        for declarator in node.children_by_field_name("declarator", &mut node.walk()) {
            let Some(name) = declared(declarator) else { continue };
            initialised |= declarator.kind() == "init_declarator";
            let kind =
                if is_function(declarator) { DeclarationKind::Prototype } else { DeclarationKind::Variable };
            constant &= is_constant(declarator, base_const);
            self.settle(kind);
            self.declaration.names.push(text(name, source, offset).to_owned());
        }
        if self.declaration.kind == DeclarationKind::Variable {
            self.declaration.constant = constant;
            self.declaration.forward = is_extern && !initialised;
        }
        if self.declaration.linkage == Linkage::None {
            self.declaration.linkage = Linkage::External;
        }
    }

    fn settle(&mut self, kind: DeclarationKind) {
        if self.declaration.kind == DeclarationKind::Comment {
            self.declaration.kind = kind;
        }
    }

    /// The name stands in front of the first parenthesis of the head; the grammar may have stumbled over a macro in it.
    fn function(&mut self, bytes: &[u8], offset: usize, body: usize) {
        self.declaration.kind = DeclarationKind::Function;
        let head = String::from_utf8_lossy(bytes.get(..body - offset).unwrap_or_default());
        self.declaration.names.retain(|name| self.declaration.constants.contains(name));
        self.declaration.names.extend(name_before_parenthesis(&head));
    }

    fn partial(&mut self, bytes: &[u8]) {
        self.declaration.kind = DeclarationKind::Partial;
        let head = String::from_utf8_lossy(bytes);
        let head = head.split_once('{').map_or(&*head, |(head, _)| head);
        if self.declaration.names.is_empty() && !head.trim_start().starts_with(['}', ')']) {
            self.declaration.names.extend(name_before_parenthesis(head));
        }
    }

    /// What the grammar could not read at all.
    fn guess(&mut self, bytes: &[u8]) {
        let code = String::from_utf8_lossy(bytes);
        let tokens: Vec<_> = lex::tokens(&code, 0..code.len()).collect();
        let word = |token: Option<&Token>| {
            token
                .filter(|token| token.kind == TokenKind::Identifier)
                .map(|token| token.text(&code).to_owned())
        };
        let end = tokens.iter().position(|token| token.is(b'=') || token.is(b'[') || token.is(b';'));
        let before_end = end.and_then(|end| word(tokens.get(..end).unwrap_or_default().last()));
        let first = tokens.first().map_or("", |token| token.text(&code));
        if matches!(first, "typedef" | "struct" | "union" | "enum") {
            self.declaration.kind = DeclarationKind::Type;
            let last = tokens.len().checked_sub(2).and_then(|at| tokens.get(at));
            self.declaration.names.extend(word(last));
        } else if let Some(name) = name_before_parenthesis(&code)
            && !tokens.iter().take_while(|token| !token.is(b'(')).any(|token| token.is(b'='))
        {
            self.declaration.kind = DeclarationKind::Prototype;
            self.declaration.names.push(name);
        } else if let Some(name) = before_end {
            self.declaration.kind = DeclarationKind::Variable;
            self.declaration.names.push(name);
        }
    }
}

fn name_before_parenthesis(head: &str) -> Option<String> {
    let tokens: Vec<_> = lex::tokens(head, 0..head.len()).collect();
    let mut pairs = tokens.windows(2).filter_map(|pair| match pair {
        [name, open] if open.is(b'(') && name.kind == TokenKind::Identifier => Some(name.text(head)),
        _ => None,
    });
    pairs.find(|name| !macros::decorates_with_arguments(name) && *name != "void").map(str::to_owned)
}

#[cfg(test)]
mod tests;
