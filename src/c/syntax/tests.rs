use crate::c::{Declaration, DeclarationKind, Linkage, Role, declarations};

fn one(source: &str) -> Declaration {
    let solid = |declaration: &Declaration| declaration.kind != DeclarationKind::Comment;
    let mut all: Vec<_> = declarations(source).into_iter().filter(solid).collect();
    assert_eq!(all.len(), 1, "{source}: {all:?}");
    all.remove(0)
}

fn shown(source: &str) -> (DeclarationKind, Vec<String>, Linkage) {
    let declaration = one(source);
    (declaration.kind, declaration.names, declaration.linkage)
}

#[test]
fn kinds_names_and_linkage() {
    use DeclarationKind::*;
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    for (source, kind, expected, linkage) in [
        ("static int f(int a) { return a; }", Function, &["f"][..], Linkage::Internal),
        ("AP_DECLARE(const char *) f(void)\n{\n}\n", Function, &["f"], Linkage::External),
        ("static APR_OPTIONAL_FN_TYPE(g) *f(void) { }", Function, &["f"], Linkage::Internal),
        ("void (*f(int a))(int) { return 0; }", Function, &["f"], Linkage::External),
        ("PROXY_DECLARE(int) f(request_rec *r, int a);", Prototype, &["f"], Linkage::External),
        ("static int f(void), g(int);", Prototype, &["f", "g"], Linkage::Internal),
        ("typedef struct s s;", Type, &["s"], Linkage::None),
        ("typedef struct a { int m; } b;", Type, &["b", "a"], Linkage::None),
        ("typedef int (*handler)(request_rec *r);", Type, &["handler"], Linkage::None),
        ("typedef int handler(request_rec *r);", Type, &["handler"], Linkage::None),
        ("enum e { ONE, TWO = 2 };", Type, &["e", "ONE", "TWO"], Linkage::None),
        ("struct s { enum { IN } m; struct t { int n; } o; };", Type, &["s", "t", "IN"], Linkage::None),
        (
            "static const command_rec cmds[] = { AP_INIT_TAKE1(\"X\", f, NULL, 0, \"y\"), { NULL } };",
            Variable,
            &["cmds"],
            Linkage::Internal,
        ),
        (
            "module AP_MODULE_DECLARE_DATA x_module = { STANDARD20_MODULE_STUFF, NULL };",
            Variable,
            &["x_module"],
            Linkage::External,
        ),
        (
            "AP_DECLARE_MODULE(x) = { STANDARD20_MODULE_STUFF, NULL };",
            Variable,
            &["x_module"],
            Linkage::External,
        ),
        ("static int (*call)(void) = NULL;", Variable, &["call"], Linkage::Internal),
        ("APR_DECLARE_OPTIONAL_FN(int, f, (void));", Type, &["f", "apr_OFN_f_t"], Linkage::External),
        (
            "APR_DECLARE_OPTIONAL_FN(int, f, (pool *p,\n  request_rec *r))\n  AP_FN_ATTR_NONNULL((1, 2)) AP_FN_ATTR_WARN_UNUSED_RESULT;",
            Type,
            &["f", "apr_OFN_f_t"],
            Linkage::External,
        ),
        ("APLOG_USE_MODULE(x);", MacroCall, &[], Linkage::External),
        ("#define F(a) \\\n  g(a)\n", Macro, &["F"], Linkage::None),
        ("#include <a.h>\n", Include, &[], Linkage::None),
        ("int f(void)\n{\n", Partial, &["f"], Linkage::External),
    ] {
        assert_eq!(shown(source), (kind, names(expected), linkage), "{source}");
    }
}

#[test]
fn only_announced() {
    for source in
        ["typedef struct s s;", "struct s;", "extern int x;", "extern module AP_MODULE_DECLARE_DATA m;"]
    {
        assert!(one(source).forward, "{source}");
    }
    for source in
        ["typedef struct s t;", "typedef int i;", "struct s { int m; };", "int x;", "extern int x = 1;"]
    {
        assert!(!one(source).forward, "{source}");
    }
}

#[test]
fn what_can_be_written_to() {
    for source in ["static const int x = 1;", "static const char *const x[] = { 0 };", "int *const x = 0;"] {
        assert!(one(source).constant, "{source}");
    }
    for source in ["static const char *x = 0;", "static int x;", "const int *x, *y;", "int *volatile x;"] {
        assert!(!one(source).constant, "{source}");
    }
    assert_eq!(one("void f(void) { static int n; static const int m = 1; int k; }").state, ["n"]);
}

#[test]
fn uses_leave_out_what_is_local() {
    let uses = |source: &str| {
        let declaration = one(source);
        let uses = declaration.uses(source);
        uses.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(
        uses(
            "static int f(conn_rec *c, T t)\n{\n    int status = g(c->status);\n    { S s = { .k = v }; }\n    \
             return s.m ? status : h(t);\n}\n"
        ),
        ["S", "T", "conn_rec", "g", "h", "s", "v"]
    );
    assert_eq!(uses("typedef struct s { struct t *next; u (*call)(w *n); } s;"), ["t", "u", "w"]);
    assert_eq!(
        uses(
            "int f(void) { enum { A } a = A; struct l { int m; } x; struct l *y; goto out; out: return B; }"
        ),
        ["B"]
    );
    assert_eq!(uses("int f(void) { extern int g; int h(void); return g + h(); }"), ["g", "h"]);
    assert_eq!(
        uses("int f(int a)\n{\n#ifdef X\n  return a + Y;\n#else\n  return a + Z;\n#endif\n}\n"),
        ["X", "Y", "Z"]
    );
    // A type is meant where the variable of its name is declared.
    assert_eq!(uses("int f(void) { node node = g(); return node.n; }"), ["g", "node"]);
}

#[test]
fn members_are_told_apart() {
    let source =
        "typedef struct { int flag, *list[2]; struct { int deep; } in; union { int u; } ; int bits : 3; } s;";
    assert_eq!(one(source).members, ["flag", "list", "deep", "in", "u", "bits"]);
    let source = "int f(s *x) { return x->flag + x->in.deep; }";
    assert_eq!(one(source).members_used(source).into_iter().collect::<Vec<_>>(), ["deep", "flag", "in"]);
    assert!(one(source).members.is_empty());
    let roles: Vec<_> = one("int f(void) { l: goto l; }").identifiers.iter().map(|id| id.role).collect();
    assert_eq!(roles, [Role::Global, Role::Label, Role::Label]);
}

#[test]
fn deep_nesting_is_no_trouble() {
    let source = format!("int f(void) {{ return {}1{}; }}", "(".repeat(50_000), ")".repeat(50_000));
    assert_eq!(one(&source).kind, DeclarationKind::Partial);
    let source = format!("int f(void) {{ return {}1{}; }}", "(".repeat(250), ")".repeat(250));
    assert_eq!(one(&source).names, ["f"]);
    let source = "AP_DECLARE(".repeat(50_000);
    assert_eq!(one(&source).kind, DeclarationKind::Partial);
}

#[test]
fn a_guard_is_no_condition() {
    let source =
        "/* c */\n#ifndef A_H\n#define A_H\n\n#ifdef B\nint x;\n#endif\nint y;\n\n#endif /* A_H */\n";
    let conditions: Vec<_> = declarations(source)
        .into_iter()
        .filter(|declaration| declaration.kind == DeclarationKind::Variable)
        .map(|declaration| declaration.conditions)
        .collect();
    assert_eq!(conditions, [vec!["defined(B)".to_owned()], vec![]]);
}

/// Whatever a patch cuts off: no panic, and every byte is covered.
#[test]
fn any_part_of_a_file_can_be_read() {
    let source = include_str!("../../../tests/fixtures/flatten/x/proxy_util.c");
    let pieces = |text: &str| {
        let all = declarations(text);
        let ends: Vec<_> = all.iter().map(|one| one.range.clone()).collect();
        assert_eq!(ends.first().map_or(0, |range| range.start), 0);
        assert_eq!(ends.last().map_or(0, |range| range.end), text.len());
        assert!(ends.windows(2).all(|pair| pair[0].end == pair[1].start), "{text}");
    };
    for at in (0..source.len()).filter(|at| source.is_char_boundary(*at)) {
        pieces(&source[at..]);
        pieces(&source[..at]);
    }
    for odd in [
        "#",
        "#if",
        "\\",
        "\"",
        "'",
        "/*",
        "//",
        "}",
        "{",
        "(",
        ")",
        ";",
        "#else\n#endif\n#elif",
        "\u{0}é\r\n",
        "AP_DECLARE(",
    ] {
        pieces(odd);
        pieces(&format!("{odd}\nint x;\n{odd}"));
    }
}
