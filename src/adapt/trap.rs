//! What the compiler does not object to, and the module, or httpd with it, does not survive.

use std::ops::Range;

use super::finding::{Finding, Kind};
use super::pack::Rules;
use crate::c::expression::Code;

/// What is in the text of the module whose structure is `symbol`, and one of the rules is about: what is right for one httpd
/// may be wrong for another.
pub fn findings(text: &str, symbol: &str, rules: &Rules) -> Vec<Finding> {
    let code = Code::new(text);
    let mut found = structures(text, &code, symbol);
    found.extend(elements(&code));
    found.extend(sums(&code));
    found.extend(calls(&code, rules));
    found.retain(|finding| rules.fitting(finding).next().is_some());
    found
}

/// `const module NAME` is in memory that cannot be written, and httpd writes the module's number into it when it loads (seen
/// with modules of 2008); a structure that is defined as `NAME` where all code uses `NAME_module` leaves that one empty, and
/// each lookup finds the core's configuration (seen in a branch that upstream never compiles).
fn structures(text: &str, code: &Code<'_>, symbol: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    for at in code.uses("module") {
        let Some((head, _)) = text.get(at.end..).and_then(|rest| rest.split_once(['=', ';', '{', ')', '*']))
        else {
            continue;
        };
        let defines = text.get(at.end + head.len()..).is_some_and(|rest| rest.starts_with('='));
        let line = text.get(..at.start).and_then(|before| before.rsplit('\n').next()).unwrap_or_default();
        let Some(name) = head.split_whitespace().next_back().filter(|_| defines) else { continue };
        if line.trim() == "const" {
            let start = at.start - line.len() + line.find("const").unwrap_or_default();
            let words = "the module structure is const, and httpd writes into it";
            found.push(finding(Kind::ConstModule, "module", start..start + "const".len(), words));
        }
        if line.trim().is_empty() && symbol.strip_suffix("_module") == Some(name) {
            let end = at.end + head.trim_end().len();
            let words = "the module structure is not called as the module's code calls it";
            found.push(finding(Kind::ModuleName, name, end - name.len()..end, words));
        }
    }
    found
}

/// An array of structures may have become one of pointers to them, or the reverse (seen with balancers of 2007, which load and
/// crash with the first request).
fn elements(code: &Code<'_>) -> Vec<Finding> {
    let taken = code.elements().into_iter().map(|one| {
        let name = code.text(&one.array.member);
        let words = format!("the module takes the elements of `{name}` for `{}`", one.element);
        Finding {
            owners: one.owner.into_iter().map(str::to_owned).collect(),
            value: Some(one.element),
            ..finding(Kind::Elements, name, one.array.member.clone(), &words)
        }
    });
    taken.collect()
}

/// A constant may have had room behind it (seen with levels of the log, which httpd 2.2 cuts off behind debug: what was to be told
/// at a level beyond it was an emergency).
fn sums(code: &Code<'_>) -> Vec<Finding> {
    let added = code.sums().into_iter().map(|sum| {
        let name = code.text(&sum.constant);
        let words = format!("the module adds to `{name}`");
        let whole = sum.constant.start..sum.operand.as_ref().map_or(sum.constant.end, |operand| operand.end);
        Finding {
            value: sum.operand.map(|operand| code.text(&operand).to_owned()),
            ..finding(Kind::Sum, name, whole, &words)
        }
    });
    added.collect()
}

/// What a call does may depend on what httpd does around it (seen with mod_ratelimit, which waits for an end of the response
/// that older httpds do not pass to it). Only calls that a rule names: there is one in each line.
fn calls(code: &Code<'_>, rules: &Rules) -> Vec<Finding> {
    let mut found = Vec::new();
    for when in rules.of_kind(Kind::Call).map(|rule| &rule.when) {
        let (Some(number), Some(value)) = (when.argument, &when.value) else { continue };
        for name in when.name.all() {
            for call in code.calls(name) {
                let at = number.checked_sub(1).and_then(|at| call.arguments.get(at)).cloned();
                let Some(at) = at.filter(|at| value.fits(code.text(at))) else { continue };
                let written = code.text(&at);
                let words = format!("the module calls `{name}` with {written}");
                found.push(Finding {
                    value: Some(written.to_owned()),
                    argument: Some(number),
                    ..finding(Kind::Call, name, at, &words)
                });
            }
        }
    }
    found
}

fn finding(kind: Kind, name: &str, at: Range<usize>, words: &str) -> Finding {
    Finding {
        kind,
        name: name.to_owned(),
        owners: Vec::new(),
        access: None,
        value: None,
        argument: None,
        at: Some(at),
        message: words.to_owned(),
        place: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::Mmn;

    fn own(text: &str, symbol: &str) -> Vec<Finding> {
        findings(text, symbol, &Rules::of(&[], Mmn { major: 20120211, minor: 0 }))
    }

    #[test]
    fn a_const_module_structure_is_found() {
        let text = "extern const module AP_MODULE_DECLARE_DATA x_module;\nconst module *all;\n\
                    const module AP_MODULE_DECLARE_DATA x_module = {\n0 };\n";
        let found = own(text, "x_module");
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].at.clone().map(|at| at.start), text.rfind("const"));
    }

    #[test]
    fn a_structure_of_another_name_than_the_code_uses_is_found() {
        let text = "module AP_MODULE_DECLARE_DATA x_module;\nmodule AP_MODULE_DECLARE_DATA x =\n{ 0 };\nmodule y = { 0 };\n";
        let found = own(text, "x_module");
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].kind, found[0].at.clone().map(|at| &text[at])), (Kind::ModuleName, Some("x")));
    }

    #[test]
    fn elements_are_found_where_the_target_has_others() {
        let text = "static void f(proxy_balancer *b, proxy_server_conf *conf)\n{\n\
                    a = (proxy_worker *)b->workers->elts;\nc = (proxy_worker *)conf->workers->elts;\n\
                    d = (proxy_worker **)b->workers->elts;\n}\n";
        let places = |major: u32| {
            let found = findings(text, "x_module", &Rules::of(&[], Mmn { major, minor: 0 }));
            found.into_iter().map(|finding| finding.at.unwrap().start).collect::<Vec<_>>()
        };
        let of = |line: &str| text.find(line).unwrap() + line.find("workers").unwrap();
        assert_eq!(places(20120211), [of("(proxy_worker *)b->workers")]);
        assert_eq!(places(20051115), [of("(proxy_worker **)b->workers")]);
    }

    #[test]
    fn a_call_is_found_where_the_target_does_something_else_around_it() {
        let text = "static void f(ap_filter_t *f)\n{\na = apr_table_get(f->r->notes, \"limit\");\n\
                    b = apr_table_get(f->r->subprocess_env, \"rate-limit\");\n}\n";
        let places = |major: u32, minor: u32| {
            let found = findings(text, "x_module", &Rules::of(&[], Mmn { major, minor }));
            found.into_iter().map(|finding| finding.at.unwrap().start).collect::<Vec<_>>()
        };
        let at = text.find("\"rate-limit").unwrap();
        assert_eq!((places(20051115, 24), places(20120211, 83)), (vec![at], vec![at]));
        assert!(places(20120211, 88).is_empty());
    }
}
