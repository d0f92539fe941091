//! On texts as small as each question.

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
    reads("f(a) & r^->flags", "r");
    reads("(a | B) & r^->flags", "r");
    reads("(a[1]) && r^->flags", "r");
    writes("r^->ip = x;");
    writes("r^->part.of = x;");
    writes("(r^->ip) = x;");
    writes("r^->count++;");
    writes("--r^->count;");
    writes("r^->count += 2;");
    writes("r^->count <<= 2;");
    writes("f(&r^->ip);");
    writes("return &r^->ip;");
    writes("f((char **)&r^->ip, a);");
    writes("f((char **) &(r^->ip), a);");
    writes("p = (const struct part *)&r^->part.of;");
    writes("p = (int (*)(void))&r^->call;");
    writes("p = (part_t)&r^->part;");
    writes("return (void *)&r^->ip;");
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
fn a_statement_does_not_reach_over_a_preprocessor_line() {
    let both = |text: &str| {
        let code = Code::new(text);
        let offset = text.find("x").unwrap();
        let words = |range: Option<Range<usize>>| range.map(|range| text[range].to_owned());
        let range = offset..offset + 1;
        (words(code.statement(&range)), words(code.enclosing_statement(&range)))
    };
    let is = |text: &str, statement: &str| {
        let statement = Some(statement.to_owned());
        assert_eq!(both(text), (statement.clone(), statement), "{text}");
    };
    let none = |text: &str| assert_eq!(both(text), (None, None), "{text}");
    is("{\n#ifdef A\n a();\n#endif\n x->log = b;\n}", "x->log = b;");
    is("{\n#if defined(A) \\\n  && defined(B)\n x->log = b;\n#endif\n}", "x->log = b;");
    is("{ if (a)\n#ifdef A\n x->log = b;\n#else\n c;\n#endif\n}", "x->log = b;");
    is("#define SET(r, b) do { x->log = b; } while (0)\n", "x->log = b;");
    none("{ a = b +\n#ifdef A\n c +\n#endif\n x->log;\n}");
    none("{ a(b,\n#ifdef A\n c,\n#endif\n x->log);\n}");
    none("{ x->log =\n#ifdef A\n a;\n#else\n b;\n#endif\n}");
    none("#define SET(r, b) x->log = b\nint a;\n");
    none("#define SET(r, b) x->log = b;\n");
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
    let named = Code::new("module x_module = { STUFF, .register_hooks = f };");
    assert_eq!(named.initialiser("x_module"), None);
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
    let text =
        "int g(void) { return 1; }\nstatic int f(req *r) {\n  if (r) { y; }\n}\nint h(void) { z; }\nint i;\n";
    let code = Code::new(text);
    let start = |place: &str| code.function_start(text.find(place).unwrap());
    assert_eq!(start("return"), Some(0));
    assert_eq!(start("y;"), text.find("static int f"));
    assert_eq!(start("z;"), text.find("int h"));
    assert_eq!(start("i;"), None);
}

#[test]
fn the_elements_of_an_array_have_the_type_of_the_cast() {
    let all = |body: &str| {
        let text = format!(
            "int g(far_t *b)\n{{\n}}\nint f(near_t *b, const struct other_t **c, odd d)\n{{\n{body}\n}}\n"
        );
        let code = Code::new(&text);
        let shown = |one: Elements<'_>| {
            (code.text(&one.array.member).to_owned(), one.owner.unwrap_or_default().to_owned(), one.element)
        };
        code.elements().into_iter().map(shown).collect::<Vec<_>>()
    };
    let one = |body: &str, owner: &str, element: &str| {
        assert_eq!(all(body), [("list".to_owned(), owner.to_owned(), element.to_owned())], "{body}");
    };
    one("x = (part_t *)b->list->elts;", "near_t", "part_t");
    one("x = (part_t*) ( b->list->elts );", "near_t", "part_t");
    one("x = ((const struct part_t **)(*c)->list->elts)[i];", "other_t", "part_t *");
    one("x = (part_t *)d.list->elts;", "odd", "part_t");
    one("{ last_t *b; x = (part_t *)b->list->elts; }", "last_t", "part_t");
    one("x = (part_t *)b[i + 1].list->elts;", "near_t", "part_t");
    one("near_t *e = b; x = (unsigned int *)e->list->elts;", "near_t", "unsigned int");
    one("x = &APR_ARRAY_IDX(b->list, i, part_t *);", "near_t", "part_t *");
    one("x = (part_t *)b->to->list->elts;", "", "part_t");
    one("return b; x = (part_t *)h(b)->list->elts;", "", "part_t");
    assert!(all("x = b->list->elts;").is_empty());
    assert!(all("x = f(b)->list->elts; y = (a + 1)->elts; z = APR_ARRAY_IDX(list, i, part_t);").is_empty());
}

#[test]
fn a_sum_has_its_operand_where_it_is_a_whole_expression() {
    let all = |text: &str| {
        let code = Code::new(text);
        let shown = |sum: super::Sum| {
            (code.text(&sum.constant).to_owned(), sum.operand.map(|operand| code.text(&operand).to_owned()))
        };
        code.sums().into_iter().map(shown).collect::<Vec<_>>()
    };
    let one = |text: &str, operand: Option<&str>| {
        assert_eq!(all(text), [("A_B".to_owned(), operand.map(str::to_owned))], "{text}");
    };
    one("f(x, A_B + level, 0);", Some("level"));
    one("f(A_B + g(1, 2) * r->n[i]);", Some("g(1, 2) * r->n[i]"));
    one("return A_B + 1;", Some("1"));
    one("x = A_B + (one ? 1 : 2);", Some("(one ? 1 : 2)"));
    one("#define X(n) A_B + (n)\nint i;\n", Some("(n)"));
    one("#define X A_B + 1\nint i;\n", Some("1"));
    one("f(1 + A_B);", None);
    one("f(A_B + level | FLAG);", None);
    one("f(A_B + level > 3 ? 1 : 2);", None);
    one("if (x && A_B + level) ;", None);
    assert!(all("f(A_B); A_B++; A_B += 1; s.A_B + 1; a_b + 1; A_B - 1;").is_empty());
}

#[test]
fn a_function_that_changes_nothing_is_plain_to_see() {
    let harmless = |name: &str| name == "log";
    let leaves = |body: &str| {
        let text = format!(
            "#define SET x = 1\nstatic int g;\nstatic void tell(req *r)\n{{\n  log(r);\n}}\n\
             static void set(req *r)\n{{\n  r->a = 1;\n}}\nstatic int f(req *r)\n{{\n{body}\n}}\n"
        );
        Code::new(&text).changes_nothing("f", &harmless)
    };
    for body in [
        "return DECLINED;",
        "int i; for (i = 0; i < 3; i++) { tell(r); } return DECLINED;",
        "const char *a, *b = r->c; a = r->b; log(r, &b, a == b, a != b, r->i <= 3 && r->j >= 2); return DECLINED;",
        "conf *c = get; int n = 0; --n; n += 2; log(&x_module, n & 1); f(r); return DECLINED;",
        "r = r->main; return DECLINED;",
    ] {
        assert!(leaves(body), "{body}");
    }
    for body in [
        "r->a = 1;",
        "r->a[0] = 1;",
        "*r = other;",
        "const char *a; a = 0, *r->b = 1;",
        "r->n++;",
        "++r->n;",
        "r->n |= 1;",
        "int i; i <<= 1;",
        "g = 1;",
        "g++;",
        "static int n; n = 1;",
        "extern int n; n = 1;",
        "set(r);",
        "unknown(r);",
        "r->call(r);",
        "(*r->call)(r);",
        "calls[1](r);",
        "log(&r->a);",
        "log(&g);",
        "SET;",
    ] {
        assert!(!leaves(body), "{body}");
    }
    assert!(!Code::new("int f(void);\n").changes_nothing("f", &harmless));
}

#[test]
fn a_pointer_in_scope_surely_points_at_something() {
    let pointer = |body: &str| {
        let text =
            format!("static int g(conf_t *far);\nstatic int f(conf_t *given, int n)\n{{\n{body}\n}}\n");
        let here = text.find("USE").unwrap();
        Code::new(&text).pointer_in_scope("conf_t", here).map(str::to_owned)
    };
    for (body, name) in [
        ("USE;", Some("given")),
        ("given->a = *given; *given = b; h(given, &given->b, n && given); USE;", Some("given")),
        ("conf_t *own = get(n); USE;", Some("own")),
        ("conf_t *own = get(n); if (n) { USE; } h(own);", Some("own")),
        ("conf_t *own; own = get(n); USE;", Some("own")),
        ("conf_t *own = NULL; if (n) { n = 1; } own = get(n); USE;", Some("own")),
        ("#if A\nif (n) {\n#else\nif (!n) {\n#endif\nUSE; }", Some("given")),
        // Not set yet, or NULL.
        ("conf_t *own; USE; own = get(n);", Some("given")),
        ("conf_t *own = NULL; USE;", Some("given")),
        ("conf_t *own = (conf_t *) 0; USE;", Some("given")),
        ("conf_t *own = n ? get(n) : NULL; USE;", Some("given")),
        // Not on each way there.
        ("conf_t *own; if (n) own = get(n); USE;", Some("given")),
        ("conf_t *own; if (n) { own = get(n); } USE;", Some("given")),
        ("conf_t *own; if (n) goto out; own = get(n); out: USE;", Some("given")),
        ("conf_t *own; h(&own); USE;", Some("given")),
        ("conf_t *own;\n#if A\nown = get(n);\n#endif\nUSE;", Some("given")),
        // Set otherwise, before or by a loop that leads back.
        ("given = next(n); USE;", Some("given")),
        ("given = NULL; USE;", None),
        ("while (n) { USE; given = given->next; }", None),
        ("for (; given; USE, given = given->next) ;", None),
        ("while (n) { USE; given++; }", None),
        ("USE; for (; given; given = given->next) { n++; }", Some("given")),
        ("for (; given; given = given->next) { n++; } USE;", None),
    ] {
        assert_eq!(pointer(body).as_deref(), name, "{body}");
    }
}
