//! Templates of rules: text with names in braces that stand for parts of the expression at hand.

use std::collections::BTreeMap;
use std::ops::Range;

use super::finding::Kind;
use crate::c::expression::{Call, Code, MemberAccess};

/// What the names of a template stand for.
pub type Values = BTreeMap<String, String>;

/// Fills a template; nothing where a name has no value, or no pointer of the type that surely points at something is in
/// scope at `offset`.
pub fn fill(template: &str, values: &Values, code: &Code<'_>, offset: usize) -> Option<String> {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let Some((name, behind)) = after.split_once('}').filter(|(name, _)| is_name(name)) else {
            text.push('{');
            rest = after;
            continue;
        };
        match name.strip_prefix("pointer ") {
            Some(type_name) => text.push_str(code.pointer_in_scope(type_name, offset)?),
            None => text.push_str(values.get(name)?),
        }
        rest = behind;
    }
    text.push_str(rest);
    Some(text)
}

/// The type that a template needs a pointer of in scope, if it does.
pub fn pointer_type(template: &str) -> Option<&str> {
    template.split_once("{pointer ")?.1.split_once('}').map(|(type_name, _)| type_name)
}

/// C has braces of its own: only these are names.
fn is_name(text: &str) -> bool {
    text.starts_with("pointer ")
        || (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()))
}

/// That a template for findings of `kind` names only what such a finding has.
pub fn check(template: &str, kind: Kind) -> Result<(), String> {
    let member = ["object", "operator", "member", "outer", "value", "request"];
    let mut rest = template;
    while let Some((_, after)) = rest.split_once('{') {
        rest = after;
        let Some((name, behind)) = after.split_once('}').filter(|(name, _)| is_name(name)) else { continue };
        rest = behind;
        let number = name.parse::<usize>().is_ok();
        let known = match kind {
            Kind::Member => member.contains(&name),
            Kind::Function | Kind::Identifier | Kind::Arity | Kind::Argument | Kind::Value | Kind::Call => {
                number || name == "arguments" || name == "name"
            }
            Kind::Sum => name == "name" || name == "value",
            _ => name == "name",
        };
        if !known && !name.starts_with("pointer ") {
            return Err(format!("nothing fills {{{name}}}"));
        }
    }
    Ok(())
}

/// The values of a member access.
pub fn of_access(access: &MemberAccess, code: &Code<'_>) -> Values {
    let mut values = Values::new();
    let mut put = |name: &str, text: &str| values.insert(name.to_owned(), text.to_owned());
    put("object", code.text(&access.object));
    put("operator", if access.arrow { "->" } else { "." });
    put("member", code.text(&access.member));
    if let Some(outer) = code.object_of(&access.object) {
        put("outer", code.text(&outer.object));
    }
    if let Some(value) = code.assigned(access) {
        put("value", code.text(&value));
    }
    if let Some(request) = code.owner_by_member(&access.object, "request_rec", "connection") {
        put("request", &request);
    }
    values
}

/// The values of a call of `name`.
pub fn of_call(name: &str, call: &Call, code: &Code<'_>) -> Values {
    let mut values = Values::new();
    values.insert("name".to_owned(), name.to_owned());
    for (number, argument) in call.arguments.iter().enumerate() {
        values.insert((number + 1).to_string(), code.text(argument).to_owned());
    }
    let all: Option<Range<usize>> =
        call.arguments.first().zip(call.arguments.last()).map(|(first, last)| first.start..last.end);
    values.insert("arguments".to_owned(), all.map_or("", |all| code.text(&all)).to_owned());
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_filled_and_c_keeps_its_braces() {
        let text = "int f(conf_t *conf)\n{\n  x = w->s->uri;\n}\n";
        let code = Code::new(text);
        let access = code.member_at(text.find("->uri").unwrap()).unwrap();
        let values = of_access(&access, &code);
        let fill = |template| super::fill(template, &values, &code, access.range.start);
        assert_eq!(fill("{outer}->{member}").as_deref(), Some("w->uri"));
        assert_eq!(fill("({ int a; } {object}{operator}x)").as_deref(), Some("({ int a; } w->s->x)"));
        assert_eq!(fill("{pointer conf_t}->a").as_deref(), Some("conf->a"));
        assert_eq!(fill("{pointer none_t}->a"), None);
        assert_eq!(fill("{value}"), None);
    }

    #[test]
    fn a_call_has_numbers() {
        let text = "f(a, g(b, c));";
        let code = Code::new(text);
        let call = code.call_at(0).unwrap();
        let values = of_call("f", &call, &code);
        assert_eq!(fill("h({2}, {1})", &values, &code, 0).as_deref(), Some("h(g(b, c), a)"));
        assert_eq!(fill("h({arguments})", &values, &code, 0).as_deref(), Some("h(a, g(b, c))"));
        assert_eq!(fill("h({3})", &values, &code, 0), None);
    }
}
