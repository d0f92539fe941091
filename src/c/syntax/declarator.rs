//! Declarators: from the node of the grammar to the name that it declares.

use tree_sitter::Node;

pub(super) fn text<'s>(node: Node<'_>, source: &'s str, offset: usize) -> &'s str {
    source.get(node.start_byte() + offset..node.end_byte() + offset).unwrap_or_default()
}

pub(super) fn has_body(node: Node<'_>) -> bool {
    node.child_by_field_name("body").is_some()
}

/// One step from a declarator towards the name.
pub(super) fn inner<'t>(node: Node<'t>) -> Option<Node<'t>> {
    node.child_by_field_name("declarator").or_else(|| {
        matches!(node.kind(), "parenthesized_declarator" | "attributed_declarator")
            .then(|| node.named_child(0))
            .flatten()
    })
}

/// The identifier that a declarator declares.
pub(super) fn declared(mut node: Node<'_>) -> Option<Node<'_>> {
    loop {
        if matches!(node.kind(), "identifier" | "type_identifier" | "field_identifier") {
            return Some(node);
        }
        node = inner(node)?;
    }
}

/// Whether a declarator declares a function, not a pointer to one.
pub(super) fn is_function(mut node: Node<'_>) -> bool {
    let mut last = "";
    loop {
        match node.kind() {
            "identifier" => return last == "function_declarator",
            "parenthesized_declarator" | "attributed_declarator" => {}
            kind => last = kind,
        }
        let Some(next) = inner(node) else { return false };
        node = next;
    }
}

/// Whether the object itself is `const`: the pointer nearest to the name decides, where there is one.
pub(super) fn is_constant(mut node: Node<'_>, base: bool) -> bool {
    let mut constant = base;
    loop {
        if node.kind() == "pointer_declarator" {
            let mut cursor = node.walk();
            constant = node.named_children(&mut cursor).any(|child| {
                child.kind() == "type_qualifier" && child.end_byte() - child.start_byte() == "const".len()
            });
        }
        let Some(next) = inner(node) else { return constant };
        node = next;
    }
}
