//! The names in a piece that are not of file scope: parameters, variables and types of functions, members, labels.

use tree_sitter::{Node, TreeCursor};

use super::Piece;
use super::declarator::{declared, has_body, inner, is_constant, is_function, text};
use crate::c::roles::Scopes;

/// Collects the names that are not of file scope, in one pass over the tree.
pub(super) struct Walk<'a> {
    pub piece: &'a mut Piece,
    pub source: &'a str,
    pub offset: usize,
    pub scopes: Scopes,
}

/// What surrounds the node that is looked at.
struct Surroundings<'t> {
    /// Depth in the tree and end of each scope.
    scopes: Vec<(u32, usize)>,
    /// The nodes around, outermost first.
    kinds: Vec<&'t str>,
    /// Where the parameters of the function that is defined begin, and where that function ends.
    parameters: Option<(usize, usize)>,
}

impl Walk<'_> {
    pub fn run<'t>(&mut self, mut cursor: TreeCursor<'t>) {
        let mut around: Surroundings<'t> =
            Surroundings { scopes: Vec::new(), kinds: Vec::new(), parameters: None };
        // Kept by hand: the cursor would count it anew at each node.
        let mut depth = 0u32;
        loop {
            let node = cursor.node();
            around.kinds.truncate(depth as usize);
            while around.scopes.last().is_some_and(|(opened, _)| *opened >= depth) {
                around.scopes.pop();
            }
            self.enter(node, depth, &mut around);
            around.kinds.push(node.kind());
            if cursor.goto_first_child() {
                depth += 1;
                continue;
            }
            while !cursor.goto_next_sibling() {
                if !cursor.goto_parent() {
                    return;
                }
                depth -= 1;
            }
        }
    }

    fn enter(&mut self, node: Node<'_>, depth: u32, around: &mut Surroundings<'_>) {
        let scope = around.scopes.last().map(|(_, end)| *end);
        match node.kind() {
            "function_definition" => {
                let mut declarator = node.child_by_field_name("declarator");
                while let Some(next) = declarator {
                    if next.kind() == "function_declarator" {
                        let list = next.child_by_field_name("parameters");
                        around.parameters = list.map(|list| (list.start_byte(), node.end_byte()));
                    }
                    declarator = inner(next);
                }
                around.scopes.push((depth, node.end_byte()));
            }
            "compound_statement" | "for_statement" => around.scopes.push((depth, node.end_byte())),
            "parameter_list" => {
                let own = around.parameters.filter(|(start, _)| *start == node.start_byte());
                around.scopes.push((depth, own.map_or(node.end_byte(), |(_, end)| end)));
            }
            "parameter_declaration" => {
                if let (Some(name), Some(end)) =
                    (node.child_by_field_name("declarator").and_then(declared), scope)
                {
                    self.local(name, end);
                }
            }
            "declaration" => {
                if let Some(end) = scope {
                    self.local_declaration(node, end);
                }
            }
            "type_definition" => {
                if let Some(end) = scope {
                    let mut cursor = node.walk();
                    for name in node.children_by_field_name("declarator", &mut cursor).filter_map(declared) {
                        self.local(name, end);
                    }
                }
            }
            "struct_specifier" | "union_specifier" | "enum_specifier" if has_body(node) => {
                match (node.child_by_field_name("name"), scope) {
                    (Some(name), Some(end)) => {
                        let range = name.start_byte() + self.offset..end + self.offset;
                        let tag = text(name, self.source, self.offset).to_owned();
                        self.scopes.tags.entry(tag).or_default().push(range);
                    }
                    // A bare one at file scope is read with the nodes of file scope.
                    (Some(name), None) if around.kinds.len() != 1 => self.name(name),
                    _ => {}
                }
            }
            "enumerator" => match (node.child_by_field_name("name"), scope) {
                (Some(name), Some(end)) => self.local(name, end),
                (Some(name), None) => {
                    self.name(name);
                    let constant = text(name, self.source, self.offset).to_owned();
                    self.piece.declaration.constants.push(constant);
                }
                (None, _) => {}
            },
            "field_identifier" => {
                self.scopes.members.insert(node.start_byte() + self.offset);
                let used = ["field_expression", "field_designator", "offsetof_expression"];
                if around.kinds.last().is_some_and(|parent| !used.contains(parent)) && scope.is_none() {
                    self.piece.declaration.members.push(text(node, self.source, self.offset).to_owned());
                }
            }
            "statement_identifier" => {
                self.scopes.labels.insert(node.start_byte() + self.offset);
            }
            _ => {}
        }
    }

    fn name(&mut self, node: Node<'_>) {
        self.piece.declaration.names.push(text(node, self.source, self.offset).to_owned());
    }

    fn local(&mut self, name: Node<'_>, end: usize) {
        let range = name.start_byte() + self.offset..end + self.offset;
        let name = text(name, self.source, self.offset).to_owned();
        self.scopes.locals.entry(name).or_default().push(range);
    }

    fn local_declaration(&mut self, node: Node<'_>, end: usize) {
        let mut cursor = node.walk();
        let (mut is_static, mut is_extern, mut base_const) = (false, false, false);
        for child in node.children(&mut cursor) {
            match (child.kind(), text(child, self.source, self.offset)) {
                ("storage_class_specifier", "static") => is_static = true,
                ("storage_class_specifier", "extern") => is_extern = true,
                ("type_qualifier", "const") => base_const = true,
                _ => {}
            }
        }
        for declarator in node.children_by_field_name("declarator", &mut node.walk()) {
            let Some(name) = declared(declarator) else { continue };
            // What is declared here lives at file scope.
            if is_extern || is_function(declarator) {
                continue;
            }
            self.local(name, end);
            if is_static && !is_constant(declarator, base_const) {
                self.piece.declaration.state.push(text(name, self.source, self.offset).to_owned());
            }
        }
    }
}
