//! From a changeset to one C file: what is inlined, in which order, under which name, and what the record says.

mod flatten_support;

use flatten_support::{Change, Fake, Files, record};
use modgraft::changeset::Class::{ModuleSource, PrivateHeader, SharedHeader, SharedSource};
use modgraft::flatten::{Location, Outcome};

const MODULE: &str = include_str!("fixtures/flatten/x/mod_x.c");
const UTIL_BEFORE: &str = include_str!("fixtures/flatten/x/proxy_util.before.c");
const UTIL: &str = include_str!("fixtures/flatten/x/proxy_util.c");
const UTIL_HUNKS: &str = include_str!("fixtures/flatten/x/proxy_util.hunks");
const HEADER_BEFORE: &str = include_str!("fixtures/flatten/x/mod_proxy.before.h");
const HEADER: &str = include_str!("fixtures/flatten/x/mod_proxy.h");

const MODULE_PATH: &str = "modules/proxy/mod_x.c";
const UTIL_PATH: &str = "modules/proxy/proxy_util.c";
const HEADER_PATH: &str = "modules/proxy/mod_proxy.h";

fn whole() -> Change {
    Change::new()
        .changes(SharedHeader, HEADER_PATH, HEADER_BEFORE, HEADER)
        .adds(ModuleSource, MODULE_PATH, MODULE)
        .changes(SharedSource, UTIL_PATH, UTIL_BEFORE, UTIL)
}

fn target() -> Fake {
    Fake::new().declares("ap_proxy_old", "mod_proxy.h").exports("ap_proxy_old", "mod_proxy.so")
}

/// A module whose handler is `body`.
fn module(includes: &str, body: &str) -> String {
    format!(
        "{includes}\nstatic int x_handler(request_rec *r)\n{{\n{body}\n}}\n\n\
         module AP_MODULE_DECLARE_DATA x_module = {{ STANDARD20_MODULE_STUFF, x_handler }};\n"
    )
}

#[test]
fn what_is_reached_is_inlined_and_nothing_else() {
    let unit = whole().flatten(&target()).unwrap();
    insta::assert_snapshot!("inlined", unit.render(false));
    insta::assert_snapshot!("inlined_record", record(&unit));
}

#[test]
fn line_directives_name_each_origin() {
    let unit = whole().flatten(&target()).unwrap();
    insta::assert_snapshot!("inlined_lines", unit.render(true));
}

/// Every line that is upstream's own, unedited, is found where the unit says it comes from.
#[test]
fn every_line_is_found_where_it_comes_from() {
    let unit = whole().flatten(&target()).unwrap();
    for directives in [true, false] {
        let text = unit.render(directives);
        let mut upstream = 0;
        for (number, line) in (1u32..).zip(text.lines()) {
            let Some(Location::Upstream { file, line: origin }) = unit.locate(number, directives) else {
                continue;
            };
            let original = unit.source_line(&file, origin).unwrap();
            // Heads lose PROXY_DECLARE, and their parameters move with them.
            let edited =
                line.contains("ap_proxy_greet(") || line.trim_start().starts_with("const char *text)");
            // A generated prototype is a head with a semicolon.
            let prototype = line.strip_suffix(';') == Some(original);
            if !edited && !prototype {
                assert_eq!(line, original, "{file}:{origin}");
            }
            upstream += 1;
        }
        assert!(upstream > 40, "most lines are upstream's");
        assert!(unit.locate(u32::try_from(text.lines().count()).unwrap() + 1, directives).is_none());
    }
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let render = || whole().flatten(&target()).unwrap().render(true);
    assert_eq!(render(), render());
}

#[test]
fn hunks_alone_are_enough_for_what_they_show_whole() {
    let change =
        Change::new().adds(ModuleSource, MODULE_PATH, MODULE).hunks(SharedSource, UTIL_PATH, UTIL_HUNKS);
    let unit = change.flatten(&target()).unwrap();
    insta::assert_snapshot!("hunks", unit.render(true));
    insta::assert_snapshot!("hunks_record", record(&unit));
}

#[test]
fn what_the_target_has_is_never_inlined() {
    for target in [
        target().declares("ap_proxy_greet", "mod_proxy.h"),
        target().declares("ap_proxy_greet", "mod_proxy.h").exports("ap_proxy_greet", "mod_proxy.so"),
    ] {
        let unit = whole().flatten(&target).unwrap();
        assert_eq!(unit.inlined().count(), 0);
        assert!(!unit.render(false).contains("GREETING_MAX"));
        let fate =
            unit.record.iter().find(|fate| fate.name == "ap_proxy_greet" && fate.file == UTIL_PATH).unwrap();
        assert_eq!(fate.outcome, Outcome::Dropped);
        assert!(fate.reason.contains("mod_proxy.h"), "{}", fate.reason);
    }
}

#[test]
fn what_is_exported_and_not_declared_needs_its_prototype() {
    let unit = whole().flatten(&target().exports("ap_proxy_greet", "mod_proxy.so")).unwrap();
    let text = unit.render(false);
    assert!(!text.contains("GREETING_MAX"));
    assert!(
        text.contains("\nPROXY_DECLARE(int) ap_proxy_greet(request_rec *r, const char *text);\n"),
        "{text}"
    );
}

#[test]
fn a_clash_with_the_target_is_renamed_by_token() {
    // The target's headers have a `greeting` and a `greet_even` of their own.
    let target = target().declares("greeting", "httpd.h").declares("greet_even", "httpd.h");
    let unit = whole().flatten(&target).unwrap();
    insta::assert_snapshot!("renamed", unit.render(false));
    let renamed: Vec<_> = unit.inlined().flat_map(|fate| &fate.renamed).collect();
    assert!(renamed.contains(&&("greeting".to_owned(), "greeting_graft".to_owned())), "{renamed:?}");
}

#[test]
fn a_modified_function_is_copied_under_a_name_of_its_own() {
    let text = module("#include \"mod_proxy.h\"\n", "    return ap_proxy_old(r);");
    let change = Change::new().adds(ModuleSource, MODULE_PATH, &text).changes(
        SharedSource,
        UTIL_PATH,
        UTIL_BEFORE,
        UTIL,
    );
    let unit = change.flatten(&target()).unwrap();
    insta::assert_snapshot!("modified_copy", unit.render(false));
    insta::assert_snapshot!("modified_copy_record", record(&unit));
}

/// A fix of a module that is there: what it changes elsewhere is a part of it, and stays out.
#[test]
fn what_a_patch_changes_beside_the_module_is_told() {
    let text = |body: &str| module("#include \"mod_proxy.h\"\n", body);
    let change = Change::new()
        .changes(ModuleSource, MODULE_PATH, &text("    return 0;"), &text("    return 1;"))
        .changes(SharedSource, UTIL_PATH, UTIL_BEFORE, UTIL);
    let unit = change.flatten(&target()).unwrap();
    let warnings: Vec<_> = unit.warnings.iter().map(|warning| warning.text.as_str()).collect();
    let file = "modules/proxy/proxy_util.c (ap_proxy_old, ap_proxy_counted)";
    assert_eq!(
        warnings,
        [format!(
            "the patch also changes {file}, and the package does not have that: what the target has in its place stays as it is"
        )]
    );
    // Of one that brings the module it is how that was built into httpd.
    assert!(whole().flatten(&target()).unwrap().warnings.is_empty());
}

#[test]
fn several_sources_become_one() {
    let change = || {
        Change::new()
            .adds(ModuleSource, "modules/x/mod_x.c", include_str!("fixtures/flatten/multi/mod_x.c"))
            .adds(ModuleSource, "modules/x/x_util.c", include_str!("fixtures/flatten/multi/x_util.c"))
            .adds(PrivateHeader, "modules/x/x_util.h", include_str!("fixtures/flatten/multi/x_util.h"))
    };
    let unit = change().flatten(&Fake::new()).unwrap();
    insta::assert_snapshot!("several_sources", unit.render(false));
    insta::assert_snapshot!("several_sources_lines", unit.render(true));
    insta::assert_snapshot!("several_sources_record", record(&unit));
}

/// The sources of a module and what they include, all beside each other.
fn files(all: &[(&str, &str)]) -> Change {
    all.iter().fold(Change::new(), |change, (path, text)| {
        let class = if path.ends_with(".c") { ModuleSource } else { PrivateHeader };
        change.adds(class, &format!("modules/x/{path}"), text)
    })
}

/// Each source includes it once, so that upstream never needed a guard.
#[test]
fn a_header_without_guard_stands_once_where_it_reads_the_same() {
    let main =
        module("#include \"httpd.h\"\n#include \"x.h\"\n", "    return x_value() + sizeof(struct box);");
    let header = "#define SIZE 4\nstruct box { char bytes[SIZE]; };\nint x_value(void);\n";
    let other = "#include \"x.h\"\nint x_value(void) { return sizeof(struct box); }\n";
    let unit = files(&[("mod_x.c", &main), ("x.c", other), ("x.h", header)]).flatten(&Fake::new()).unwrap();
    assert_eq!(unit.render(false).matches("struct box {").count(), 1, "{}", unit.render(false));
    let dropped = unit.record.iter().find(|fate| fate.file == "modules/x/x.c" && fate.name == "\"x.h\"");
    assert_eq!(dropped.map(|fate| fate.outcome), Some(Outcome::Dropped));
}

/// What is read again on purpose, or is another thing in each source, is left to the compiler.
#[test]
fn a_header_that_is_a_template_stands_each_time() {
    let main = module(
        "#include \"httpd.h\"\n#define X(name) int name(void);\n#include \"list.h\"\n#undef X\n\
         #define X(name) static int of_##name;\n#include \"list.h\"\n#undef X\n",
        "    return x_one() + of_x_one;",
    );
    let other = "#define X(name) static int of_##name;\n#include \"list.h\"\n#undef X\n\
                 int x_one(void) { return ++of_x_one; }\nint x_two(void) { return of_x_two; }\n";
    let list = "X(x_one)\nX(x_two)\n";
    let text = files(&[("mod_x.c", &main), ("x.c", other), ("list.h", list)]).flatten(&Fake::new()).unwrap();
    assert_eq!(text.render(false).matches("X(x_one)").count(), 3, "{}", text.render(false));
    for state in ["static int count;\n", "static int next(void) { static int count; return ++count; }\n"] {
        let main = module("#include \"httpd.h\"\n#include \"x.h\"\n", "    return 0;");
        let unit = files(&[("mod_x.c", &main), ("x.c", "#include \"x.h\"\n"), ("x.h", state)]);
        let text = unit.flatten(&Fake::new()).unwrap().render(false);
        assert_eq!(text.matches(state).count(), 2, "{text}");
    }
}

/// Includes stand before the guard, so that it is not around all of the header; and a source reads that more than once.
#[test]
fn a_header_with_a_guard_around_a_part_may_be_read_again_by_one_source() {
    let main = module("#include \"httpd.h\"\n#include \"part.h\"\n", "    return x_value();");
    let part = "#include \"httpd.h\"\n#ifndef PART_H\n#define PART_H\nstruct box { int one; };\nint x_value(void);\n#endif\n";
    let over = "#ifndef OVER_H\n#define OVER_H\n#include \"part.h\"\n#endif\n";
    let other = "#include \"over.h\"\n#include \"part.h\"\nint x_value(void) { return 1; }\n";
    let all = [("mod_x.c", main.as_str()), ("x.c", other), ("part.h", part), ("over.h", over)];
    files(&all).flatten(&Fake::new()).unwrap();
}

/// Macros may differ between sources, as long as nothing in a header that both read depends on it.
#[test]
fn a_header_with_guard_stands_once_where_it_reads_the_same() {
    let guarded = |text: &str| format!("#ifndef X_H\n#define X_H\n{text}int x_value(void);\n#endif\n");
    for (first, later, header) in [
        // Both end at the same value.
        ("", "#define DEPTH 3\n", "#ifndef DEPTH\n#define DEPTH 3\n#endif\nstruct box { char b[DEPTH]; };\n"),
        // The source's own value holds for it behind the header, too.
        ("", "#define DEPTH 7\n", "#ifndef DEPTH\n#define DEPTH 3\n#endif\n"),
        ("#define DEPTH 7\n", "", "#ifndef DEPTH\n#define DEPTH 3\n#endif\n"),
        // A macro is read where it is used.
        ("#define TAG 1\n", "#define TAG 2\n", "#define x_tag() (TAG + 1)\n"),
        // The branch that differs is compiled nowhere.
        ("#define TAG 1\n", "", "#if 0\nstruct box { char b[TAG]; };\n#endif\n"),
    ] {
        let main =
            module(&format!("#include \"httpd.h\"\n{first}#include \"x.h\"\n"), "    return x_value();");
        let other = format!("{later}#include \"x.h\"\nint x_value(void) {{ return 1; }}\n");
        let unit = files(&[("mod_x.c", &main), ("x.c", &other), ("x.h", &guarded(header))]);
        let text = unit.flatten(&Fake::new()).unwrap().render(false);
        assert_eq!(text.matches("int x_value(void);").count(), 1, "{text}");
    }
}

#[test]
fn a_header_behind_a_condition_keeps_its_guard() {
    let text = module(
        "#include \"httpd.h\"\n#ifdef DEBUG\n#include \"x.h\"\n#endif\n#include \"x.h\"\n",
        "    return X;",
    );
    let change = Change::new().adds(ModuleSource, "modules/x/mod_x.c", &text).adds(
        PrivateHeader,
        "modules/x/x.h",
        "#ifndef X_H\n#define X_H\n#define X 1\n#endif\n",
    );
    let text = change.flatten(&Fake::new()).unwrap().render(false);
    assert_eq!(text.matches("#ifndef X_H").count(), 2, "{text}");
}

#[test]
fn conditions_go_with_what_they_surround() {
    let before = "#include \"mod_proxy.h\"\n";
    let after = "#include \"mod_proxy.h\"\n\n#if HAVE_A && HAVE_B\nPROXY_DECLARE(int) ap_proxy_new(void)\n{\n    return 1;\n}\n\
                 #elif HAVE_C\nPROXY_DECLARE(int) ap_proxy_new(void)\n{\n    return 2;\n}\n#endif\n";
    let text = module("#include \"mod_proxy.h\"\n", "    return ap_proxy_new();");
    let change =
        Change::new().adds(ModuleSource, MODULE_PATH, &text).changes(SharedSource, UTIL_PATH, before, after);
    let text = change.flatten(&Fake::new()).unwrap().render(false);
    assert!(
        text.contains("#if HAVE_A && HAVE_B\nstatic int ap_proxy_new(void)\n{\n    return 1;\n}\n#endif\n"),
        "{text}"
    );
    assert!(text.contains("#if !(HAVE_A && HAVE_B) && HAVE_C\nstatic int ap_proxy_new(void)"), "{text}");
}

#[test]
fn inlined_code_brings_the_headers_it_needs() {
    let target = Fake::new()
        .header("mod_proxy.h", "#include \"httpd.h\"\n")
        .header("httpd.h", "typedef struct request_rec request_rec;\n")
        .header("ap_expr.h", "#include \"util_expr.h\"\n")
        .header("util_expr.h", "int ap_evaluate(int x);\n")
        .declares("ap_evaluate", "util_expr.h");
    let before = "#include \"mod_proxy.h\"\n#include \"ap_expr.h\"\n#include <locale.h>\n";
    let after = format!(
        "{before}\nPROXY_DECLARE(int) ap_proxy_new(void)\n{{\n    return ap_evaluate(toupper('a'));\n}}\n"
    );
    let text = module("#include \"mod_proxy.h\"\n", "    return ap_proxy_new();");
    let change =
        Change::new().adds(ModuleSource, MODULE_PATH, &text).changes(SharedSource, UTIL_PATH, before, &after);
    let unit = change.flatten(&target).unwrap();
    let text = unit.render(false);
    assert!(
        text.contains(
            "#include \"mod_proxy.h\"\n#include \"ap_expr.h\" /* ap_proxy_new uses ap_evaluate */\n"
        ),
        "{text}"
    );
    assert!(text.contains("#include <locale.h>"), "{text}");
    let unresolved: Vec<_> = unit.unresolved.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(unresolved, ["toupper"]);
}

#[test]
fn an_include_that_another_header_used_to_bring_is_added() {
    let target = Fake::new()
        .header("mod_proxy.h", "#include \"httpd.h\"\n")
        .header("httpd.h", "")
        .header("http_connection.h", "int ap_hook_pre(int x);\n")
        .declares("ap_hook_pre", "http_connection.h");
    let text = module("#include \"mod_proxy.h\"\n", "    return ap_hook_pre(1);");
    let text = Change::new().adds(ModuleSource, MODULE_PATH, &text).flatten(&target).unwrap().render(false);
    assert!(text.contains("#include \"http_connection.h\" /* x_handler uses ap_hook_pre */\n"), "{text}");
}

#[test]
fn a_header_of_the_base_tree_stands_in_for_one_that_the_target_does_not_ship() {
    let base = Files::new().with("modules/proxy/private.h", "#pragma once\n#define PRIVATE 7\n");
    let text = module(
        "#include \"httpd.h\"\n#include \"private.h\"\n#include \"private.h\"\n",
        "    return PRIVATE;",
    );
    let unit =
        Change::new().adds(ModuleSource, MODULE_PATH, &text).flatten_on(&Fake::new(), Some(&base)).unwrap();
    let text = unit.render(false);
    assert_eq!(text.matches("#define PRIVATE 7").count(), 1, "{text}");
    assert!(!text.contains("#pragma once"), "{text}");
}

/// The prototype of a function is what the binary was built with, not what it was when the module was written.
#[test]
fn a_header_of_the_target_counts_where_the_target_provides_its_functions() {
    let change = || {
        let text = module("#include \"httpd.h\"\n#include \"cookies.h\"\n", "    return ap_cookie(r);");
        Change::new().adds(ModuleSource, "modules/x/mod_x.c", &text).adds(
            PrivateHeader,
            "include/cookies.h",
            "int ap_cookie(request_rec *r);\n",
        )
    };
    let newer = || Fake::new().header("cookies.h", "int ap_cookie(request_rec *r);\n");
    let provided = change().flatten(&newer().exports("ap_cookie", "httpd")).unwrap();
    assert!(provided.render(false).contains("#include \"cookies.h\""));
    // A header that merely has the same name says nothing of a function that the module brings itself.
    let own = change().adds(
        ModuleSource,
        "modules/x/cookies.c",
        "int ap_cookie(request_rec *r)\n{\n    return 1;\n}\n",
    );
    let own = own.flatten(&newer().exports("ap_cookie", "httpd")).unwrap();
    assert!(own.render(false).contains("\nint ap_cookie(request_rec *r);\n"));
}

/// A target that has the module ships a copy of its header, too, and a type that the header only announces is found there.
#[test]
fn the_targets_copy_of_a_header_that_the_module_brings_is_not_added() {
    let header = "typedef struct x_stream x_stream;\nint ap_hook_pre(int x);\n";
    let target = Fake::new()
        .header("httpd.h", "")
        .header("x.h", header)
        .header("http_connection.h", "int ap_hook_post(int x);\n")
        .declares("x_stream", "x.h")
        .declares("ap_hook_post", "http_connection.h");
    let text = module(
        "#include \"httpd.h\"\n#include \"x.h\"\n",
        "    x_stream *stream = NULL;\n    return ap_hook_post(stream != NULL);",
    );
    let change = Change::new().adds(ModuleSource, "modules/x/mod_x.c", &text).adds(
        PrivateHeader,
        "modules/x/x.h",
        header,
    );
    let text = change.flatten(&target).unwrap().render(false);
    assert!(!text.contains("#include \"x.h\""), "{text}");
    assert!(text.contains("#include \"http_connection.h\" /* x_handler uses ap_hook_post */\n"), "{text}");
}

/// Types, macros and constants that a shared header gains are inlined before a header of the module that uses them.
#[test]
fn what_a_shared_header_gains_stands_before_its_first_use() {
    let before = "#ifndef H\n#define H\n#endif\n";
    let after = "#ifndef H\n#define H\n#define NEW_SIZE 4\ntypedef struct { char text[NEW_SIZE]; } new_text;\n#endif\n";
    let text = module(
        "#include \"httpd.h\"\n#include \"x.h\"\n",
        "    x_text t = { { 0 } };\n    return t.text.text[0];",
    );
    let change = Change::new()
        .adds(ModuleSource, MODULE_PATH, &text)
        .adds(PrivateHeader, "modules/proxy/x.h", "typedef struct { new_text text; } x_text;\n")
        .changes(SharedHeader, "include/util_new.h", before, after);
    let text = change.flatten(&Fake::new()).unwrap().render(false);
    let order: Vec<_> = ["#define NEW_SIZE", "} new_text;", "} x_text;"]
        .iter()
        .map(|part| text.find(part).unwrap())
        .collect();
    assert!(order.is_sorted(), "{text}");
}

/// What the compiler says is what counts: the fixtures' units compile with stand-ins for httpd's headers.
#[test]
fn the_units_compile() {
    let folder = tempfile::tempdir().unwrap();
    let stand_in = "#include <string.h>\n#include <stddef.h>\ntypedef struct { int trace; } request_rec;\n\
                    typedef struct apr_pool_t apr_pool_t;\ntypedef struct { int v; void *p[6]; } module;\n\
                    #define AP_MODULE_DECLARE_DATA\n#define STANDARD20_MODULE_STUFF 1\n#define PROXY_DECLARE(t) t\n\
                    #define APR_HOOK_MIDDLE 10\nvoid ap_hook_handler(int (*f)(request_rec *), void *, void *, int);\n\
                    int ap_proxy_old(request_rec *r);\n\
                    #define APLOG_USE_MODULE(m) extern module m##_module; static int *const index_of = &m##_module.v\n\
                    typedef struct { int of; } greeting_of_target;\n";
    for header in ["httpd.h", "mod_proxy.h"] {
        let text = format!("#ifndef STAND_IN\n#define STAND_IN\n{stand_in}#endif\n");
        fs_err::write(folder.path().join(header), text).unwrap();
    }
    let multi = Change::new()
        .adds(ModuleSource, "modules/x/mod_x.c", include_str!("fixtures/flatten/multi/mod_x.c"))
        .adds(ModuleSource, "modules/x/x_util.c", include_str!("fixtures/flatten/multi/x_util.c"))
        .adds(PrivateHeader, "modules/x/x_util.h", include_str!("fixtures/flatten/multi/x_util.h"));
    let copy = Change::new()
        .adds(ModuleSource, MODULE_PATH, &module("#include \"mod_proxy.h\"\n", "    return ap_proxy_old(r);"))
        .changes(SharedSource, UTIL_PATH, UTIL_BEFORE, UTIL);
    for (change, target) in [
        (whole(), target()),
        (whole(), target().declares("greeting", "httpd.h").declares("greet_even", "httpd.h")),
        (multi, Fake::new()),
        (copy, target()),
    ] {
        let unit = change.flatten(&target).unwrap();
        for directives in [true, false] {
            let file = folder.path().join(unit.file_name());
            fs_err::write(&file, unit.render(directives)).unwrap();
            let output = std::process::Command::new("cc")
                .args(["-fsyntax-only", "-Wall", "-Werror", "-Wno-unused", "-Wno-missing-braces", "-I"])
                .arg(folder.path())
                .arg(&file)
                .output()
                .expect("cc is installed");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
    }
}
