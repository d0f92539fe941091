use std::collections::HashMap;

use super::*;

/// Shape and first code line of each piece that is not blank, with its conditions.
fn pieces(source: &str) -> Vec<(Shape, String, String)> {
    let chunks = split(source, 0..source.len());
    let whole: String = chunks.iter().filter_map(|chunk| source.get(chunk.range.clone())).collect();
    assert_eq!(whole, source, "the pieces cover every byte");
    let shown = chunks.iter().filter(|chunk| chunk.shape != Shape::Blank);
    shown
        .map(|chunk| {
            let text = source.get(chunk.code..chunk.range.end).unwrap_or_default();
            let shape = match chunk.shape {
                Shape::Function { .. } => Shape::Function { body: 0 },
                other => other,
            };
            (shape, text.lines().next().unwrap_or_default().to_owned(), chunk.conditions.join(" / "))
        })
        .collect()
}

fn shapes(source: &str) -> Vec<Shape> {
    pieces(source).into_iter().map(|(shape, ..)| shape).collect()
}

const FUNCTION: Shape = Shape::Function { body: 0 };

#[test]
fn bodies_types_and_initialisers_end_where_they_should() {
    use Shape::*;
    assert_eq!(
        shapes(
            "int f(void)\n{\n  if (x) { }\n}\nstruct s { int a; } *v;\nint t[] = { 1, 2 };\n\
             static const struct { int (*call)(void); } u[] = { { f } };\nstruct s *g(int a) { return 0; }\n\
             typedef int (*h)(int);\nAP_DECLARE(int) k(void);\nAP_DECLARE_MODULE(x) = { 1 };\nint f(void) {};\n"
        ),
        [FUNCTION, Code, Code, Code, FUNCTION, Code, Code, Code, FUNCTION]
    );
}

#[test]
fn both_heads_of_one_function_are_one_piece() {
    let source = "#if A\nint f(int a)\n#else\nint f(void)\n#endif\n{\n    return 1;\n}\nint g(void) { }\n";
    assert_eq!(
        pieces(source).into_iter().map(|(shape, head, _)| (shape, head)).collect::<Vec<_>>(),
        [(FUNCTION, "#if A".to_owned()), (FUNCTION, "int g(void) { }".to_owned())]
    );
    assert_eq!(
        shapes("#ifdef A\nint f(int a) {\n#else\nint f(void) {\n#endif\n}\nint x;\n"),
        [FUNCTION, Shape::Code]
    );
}

#[test]
fn the_first_branch_decides_unless_it_is_0() {
    assert_eq!(
        shapes("int f(void) {\n#if A\n  if (a) {\n#else\n  if (b) {\n#endif\n  }\n}\nint x;\n"),
        [FUNCTION, Shape::Code]
    );
    assert_eq!(
        shapes("int f(void) {\n#if 0\n  if (a) {\n#else\n  x();\n#endif\n}\nint x;\n"),
        [FUNCTION, Shape::Code]
    );
}

/// As in ssl_engine_dh.c, which is also a script in Perl.
#[test]
fn what_is_no_c_and_never_compiled_begins_nothing() {
    use Shape::*;
    assert_eq!(
        shapes("#if 0\n=pod\n#endif\n\n#include \"a.h\"\n\nstatic int a;\n"),
        [Condition, Condition, Include, Code]
    );
    assert_eq!(shapes("#if 0\nint f(int a)\n#else\nint f(void)\n#endif\n{\n}\nint x;\n"), [FUNCTION, Code]);
}

#[test]
fn a_brace_in_column_0_ends_what_never_ends() {
    let source = "int f(void)\n{\n#ifdef A\n    if (a) {\n#endif\n    x();\n}\n\nint g(void)\n{\n}\n";
    assert_eq!(shapes(source), [FUNCTION, FUNCTION]);
    // Where the count comes out right, column 0 means nothing.
    assert_eq!(shapes("int f(void)\n{\nif (a)\n{\n}\ng();\n}\nint x;\n"), [FUNCTION, Shape::Code]);
}

#[test]
fn conditions_are_expressions() {
    let source = "#ifdef A\nint a;\n#elif B || C\nint b;\n#else\n# if D\nint c;\n# endif\n#endif\nint d;\n";
    let code: Vec<_> = pieces(source).into_iter().filter(|(shape, ..)| *shape == Shape::Code).collect();
    let conditions: Vec<_> = code.iter().map(|(_, _, conditions)| conditions.as_str()).collect();
    assert_eq!(conditions, ["defined(A)", "!defined(A) && (B || C)", "!defined(A) && !(B || C) / D", ""]);
}

#[test]
fn macro_calls_need_no_semicolon() {
    use Shape::*;
    assert_eq!(
        shapes(
            "AP_IMPLEMENT_HOOK_RUN_ALL(int, x, (void), (), OK, DECLINED)\n/* a */\n  static int a;\n\
             AP_DECLARE(int)\nf(void)\n{\n}\nSOME_HOOK(x)\n\n/* c */\nint b;\nLAST(x)\n"
        ),
        [MacroCall, Code, FUNCTION, MacroCall, Code, MacroCall]
    );
}

#[test]
fn extern_c_is_looked_through() {
    use Shape::*;
    assert_eq!(
        shapes("#ifdef __cplusplus\nextern \"C\" {\n#endif\nint f(void);\n#ifdef __cplusplus\n}\n#endif\n"),
        [Condition, ExternC, Condition, Code, Condition, ExternC, Condition]
    );
}

#[test]
fn what_is_cut_off_is_partial() {
    assert_eq!(shapes("    x();\n}\n\nint f(void)\n{\n"), [Shape::Code, Shape::Partial, Shape::Partial]);
    assert_eq!(shapes("int f(void)\n#endif\nint x;\n"), [Shape::Partial, Shape::Condition, Shape::Code]);
}

#[test]
fn a_comment_belongs_to_what_follows_at_once() {
    let source = "/* Licence: Copyright */\n/* of x */\nint x; /* x */\n\n/* free */\n\nint y;\n";
    let chunks = split(source, 0..source.len());
    let texts: Vec<_> = chunks.iter().filter_map(|chunk| source.get(chunk.range.clone())).collect();
    assert_eq!(
        texts,
        ["/* Licence: Copyright */\n", "/* of x */\nint x; /* x */\n", "\n/* free */\n\n", "int y;\n"]
    );
}

#[test]
fn hostile_nesting_is_bounded() {
    let source = "#if A\nint f(\n".repeat(2_000) + &"#endif\n".repeat(2_000);
    assert!(!split(&source, 0..source.len()).is_empty());
    let source = "{\n{\n}\n".repeat(20_000);
    assert!(!split(&source, 0..source.len()).is_empty());
}

#[test]
fn hostile_conditions_are_bounded() {
    let deep = |count: usize| "#if A\n".repeat(count) + "int x;\n" + &"#endif\n".repeat(count);
    let long = "#if 0\n".to_owned() + &"#elif A\nint x;\n".repeat(20_000) + "#endif\n";
    let wide =
        format!("#if {}\n", "A ".repeat(8_000)) + &"#if B\nint x;\n#endif\n".repeat(5_000) + "#endif\n";
    let broad = "#if A\n".repeat(CONDITION_LIMIT - 1) + &"#if B\nint x;\n#endif\n".repeat(5_000);
    for source in [deep(100_000), long, wide, broad] {
        let chunks = split(&source, 0..source.len());
        assert_eq!(chunks.iter().map(|chunk| chunk.range.len()).sum::<usize>(), source.len());
        // Shared, and so counted once.
        let mut held: HashMap<*const u8, usize> = HashMap::new();
        let all = chunks.iter().flat_map(|chunk| chunk.conditions.iter());
        held.extend(all.map(|condition| (condition.as_ptr(), condition.len())));
        assert!(held.values().sum::<usize>() < 300 * source.len());
        assert!(chunks.iter().all(|chunk| chunk.conditions.len() <= CONDITION_LIMIT + 1));
    }
    let seen = |source: &str| {
        let chunks = split(source, 0..source.len());
        (
            chunks.iter().any(|chunk| chunk.shape == Shape::Code),
            chunks.iter().any(|chunk| chunk.shape == Shape::Partial),
        )
    };
    assert_eq!(seen(&deep(CONDITION_LIMIT)), (true, false));
    assert_eq!(seen(&deep(CONDITION_LIMIT + 1)), (false, true));
    // What is not cut is not read either: the grammar would need a stack as deep.
    assert!(crate::c::declarations(&deep(100_000)).iter().all(|declaration| declaration.names.is_empty()));
}
