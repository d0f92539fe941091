//! What cannot be grafted, and how it is said.

mod flatten_support;

use flatten_support::{Change, Fake, Files, shown};
use modgraft::Kind;
use modgraft::changeset::Class::{ModuleSource, PrivateHeader, SharedHeader, SharedSource};

const UTIL: &str = "modules/proxy/proxy_util.c";
const HEADER: &str = "modules/proxy/mod_proxy.h";

/// A change with a module whose handler is `body`, on line 5 of its file.
fn module(body: &str) -> Change {
    let text = format!(
        "#include \"mod_proxy.h\"\n\nstatic int x_handler(request_rec *r)\n{{\n    {body}\n}}\n\n\
         module AP_MODULE_DECLARE_DATA x_module = {{ STANDARD20_MODULE_STUFF, x_handler }};\n"
    );
    Change::new().adds(ModuleSource, "modules/proxy/mod_x.c", &text)
}

fn refused(change: Change, target: &Fake) -> String {
    let error = change.flatten(target).unwrap_err();
    assert_eq!(error.kind(), Kind::Refused, "{error}");
    shown(&error)
}

#[test]
fn a_modified_function_needs_the_base_tree() {
    let target = Fake::new().declares("ap_proxy_old", "mod_proxy.h");
    let change = module("return ap_proxy_old(r);").hunks(
        SharedSource,
        UTIL,
        "@10\n \n PROXY_DECLARE(int) ap_proxy_old(request_rec *r)\n {\n-    return 0;\n+    return 1;\n }\n",
    );
    insta::assert_snapshot!(refused(change, &target));
}

#[test]
fn a_function_that_is_cut_off_is_not_guessed() {
    let change = module("return ap_proxy_new(r);").hunks(
        SharedSource,
        UTIL,
        "@10\n }\n \n+PROXY_DECLARE(int) ap_proxy_new(request_rec *r)\n+{\n+    return 0;\n",
    );
    insta::assert_snapshot!(refused(change, &Fake::new()));
}

/// The hunk begins with a line of the head: there may be one before it.
#[test]
fn a_head_that_begins_before_the_hunk_is_not_guessed() {
    let hunk = "@10\n apr_status_t\n+ap_proxy_new(request_rec *r)\n+{\n+    return 0;\n+}\n";
    let text = refused(module("return ap_proxy_new(r);").hunks(SharedSource, UTIL, hunk), &Fake::new());
    assert!(text.contains("not_seen_whole"), "{text}");
    // Behind a blank line it is whole.
    let hunk = hunk.replacen("@10\n", "@9\n \n", 1);
    assert!(module("return ap_proxy_new(r);").hunks(SharedSource, UTIL, &hunk).flatten(&Fake::new()).is_ok());
}

#[test]
fn state_of_a_file_is_not_copied() {
    let before = "static int calls;\n\nstatic int helper(void)\n{\n    return ++calls;\n}\n";
    let after =
        format!("{before}\nPROXY_DECLARE(int) ap_proxy_new(request_rec *r)\n{{\n    return helper();\n}}\n");
    let change = module("return ap_proxy_new(r);").changes(SharedSource, UTIL, before, &after);
    insta::assert_snapshot!(refused(change, &Fake::new()));
}

#[test]
fn state_of_a_function_is_not_copied() {
    let before = "static int helper(void)\n{\n    static int calls;\n    return ++calls;\n}\n";
    let after =
        format!("{before}\nPROXY_DECLARE(int) ap_proxy_new(request_rec *r)\n{{\n    return helper();\n}}\n");
    let change = module("return ap_proxy_new(r);").changes(SharedSource, UTIL, before, &after);
    let text = refused(change, &Fake::new());
    assert!(text.contains("calls (static in helper)"), "{text}");
}

#[test]
fn a_prototype_is_no_function() {
    let change = module("return ap_proxy_new(r);").changes(
        SharedHeader,
        HEADER,
        "int ap_proxy_old(void);\n",
        "int ap_proxy_old(void);\nPROXY_DECLARE(int) ap_proxy_new(request_rec *r);\n",
    );
    insta::assert_snapshot!(refused(change, &Fake::new()));
}

#[test]
fn a_prototype_that_is_not_used_is_left_out() {
    let change = module("return 0;").changes(
        SharedHeader,
        HEADER,
        "",
        "PROXY_DECLARE(int) ap_proxy_new(request_rec *r);\n",
    );
    let unit = change.flatten(&Fake::new()).unwrap();
    assert!(!unit.render(false).contains("ap_proxy_new"));
    assert!(
        unit.record
            .iter()
            .any(|fate| fate.name == "ap_proxy_new" && fate.reason.contains("does not reach it"))
    );
}

#[test]
fn a_private_header_may_not_promise_what_nobody_keeps() {
    let change = Change::new()
        .adds(
            ModuleSource,
            "modules/x/mod_x.c",
            "#include \"httpd.h\"\n#include \"x.h\"\nstatic int f(void)\n{\n    return x_load(1);\n}\n\
             module AP_MODULE_DECLARE_DATA x_module = { f };\n",
        )
        .adds(PrivateHeader, "modules/x/x.h", "int x_load(int a);\nint x_other(void);\n");
    insta::assert_snapshot!(refused(change, &Fake::new()));
}

#[test]
fn a_shared_structure_cannot_grow() {
    let before = "typedef struct proxy_worker {\n    int a;\n} proxy_worker;\n";
    let after = "typedef struct proxy_worker {\n    int a;\n    int flush_wait;\n} proxy_worker;\n";
    let target = Fake::new().declares("proxy_worker", "mod_proxy.h");
    let change = |body: &str| module(body).changes(SharedHeader, HEADER, before, after);
    insta::assert_snapshot!(refused(change("return ((proxy_worker *)r)->flush_wait;"), &target));
    // A member that was there, and a new one that the target has as well.
    assert!(change("return ((proxy_worker *)r)->a;").flatten(&target).is_ok());
    let newer = target.header("mod_proxy.h", after);
    assert!(change("return ((proxy_worker *)r)->flush_wait;").flatten(&newer).is_ok());
}

#[test]
fn a_shared_structure_cannot_grow_in_a_hunk_either() {
    let change = module("return r->flush_wait;").hunks(
        SharedHeader,
        HEADER,
        "@300\n     int a;\n     int b;\n+    unsigned int flush_wait; /* new */\n     int c;\n",
    );
    let text = refused(change, &Fake::new());
    assert!(text.contains("structure_grown") && text.contains("mod_x.c:5"), "{text}");
}

#[test]
fn an_enumeration_cannot_grow() {
    let target = Fake::new().declares("mode", "mod_proxy.h").declares("MODE_A", "mod_proxy.h");
    let change = module("return MODE_B;").changes(
        SharedHeader,
        HEADER,
        "typedef enum {\n    MODE_A\n} mode;\n",
        "typedef enum {\n    MODE_A,\n    MODE_B\n} mode;\n",
    );
    insta::assert_snapshot!(refused(change, &target));
}

#[test]
fn an_enumeration_cannot_grow_in_a_hunk_either() {
    let change = module("return MODE_B;").hunks(
        SharedHeader,
        HEADER,
        "@300\n     MODE_A,\n+    MODE_B,\n     MODE_C\n",
    );
    let text = refused(change, &Fake::new());
    assert!(text.contains("enumeration_grown"), "{text}");
}

#[test]
fn a_header_that_nobody_has_is_named() {
    let change = |includes: &str| {
        let text = format!("{includes}module AP_MODULE_DECLARE_DATA x_module = {{ 0 }};\n");
        Change::new().adds(ModuleSource, "modules/x/mod_x.c", &text)
    };
    insta::assert_snapshot!(refused(change("#include \"httpd.h\"\n#include \"mod_y.h\"\n"), &Fake::new()));
    // Behind a condition the compiler decides.
    let unit = change("#ifdef WIN32\n#include \"mod_y.h\"\n#endif\n").flatten(&Fake::new()).unwrap();
    assert!(unit.render(false).contains("#include \"mod_y.h\""));
}

#[test]
fn of_two_headers_of_a_name_none_is_guessed() {
    let text = "#include \"mod_y.h\"\nmodule AP_MODULE_DECLARE_DATA x_module = { 0 };\n";
    let change = || Change::new().adds(ModuleSource, "src/mod_x.c", text);
    let one = || Files::new().with("unix/mod_y.h", "int y;\n");
    assert!(change().flatten_on(&Fake::new(), Some(&one())).is_ok());
    let two = one().with("win32/mod_y.h", "long y;\n");
    let said = shown(&change().flatten_on(&Fake::new(), Some(&two)).unwrap_err());
    assert!(said.contains("add one of unix/mod_y.h, win32/mod_y.h to the recipe's files"), "{said}");
}

#[test]
fn a_header_that_includes_itself_is_no_endless_loop() {
    let change = Change::new()
        .adds(
            ModuleSource,
            "x/mod_x.c",
            "#include \"a.h\"\nmodule AP_MODULE_DECLARE_DATA x_module = { 0 };\n",
        )
        .adds(PrivateHeader, "x/a.h", "int a;\n#include \"b.h\"\n")
        .adds(PrivateHeader, "x/b.h", "#include \"a.h\"\n");
    let error = change.flatten(&Fake::new()).unwrap_err();
    assert_eq!(error.kind(), Kind::Input);
    insta::assert_snapshot!(shown(&error));
}

#[test]
fn a_module_file_in_parts_is_refused() {
    let change = Change::new().hunks(ModuleSource, "modules/x/mod_x.c", "@10\n int a;\n+int b;\n");
    insta::assert_snapshot!(refused(change, &Fake::new()));
}

#[test]
fn one_module_structure_is_wanted() {
    let define = |name: &str| format!("module AP_MODULE_DECLARE_DATA {name}_module = {{ 0 }};\n");
    let none = Change::new().adds(ModuleSource, "x/mod_x.c", &define("y")).flatten(&Fake::new()).unwrap_err();
    insta::assert_snapshot!("no_module_structure", shown(&none));
    assert_eq!(none.kind(), Kind::Input);
    let two = Change::new().adds(ModuleSource, "x/mod_x.c", &(define("x") + &define("y")));
    insta::assert_snapshot!("several_modules", refused(two, &Fake::new()));
    let nothing = Change::new().flatten(&Fake::new()).unwrap_err();
    assert_eq!(nothing.kind(), Kind::Input);
}

#[test]
fn a_call_that_would_be_misread_is_refused() {
    let target = Fake::new()
        .header("mod_proxy.h", "int ap_cookie(request_rec *r, const char *name, ...);\n")
        .declares("ap_cookie", "mod_proxy.h")
        .exports("ap_cookie", "httpd");
    let before = "int ap_cookie(request_rec *r, const char *name);\n";
    let change =
        |after: &str| module("return ap_cookie(r, \"a\");").changes(SharedHeader, HEADER, before, after);
    insta::assert_snapshot!(refused(
        change("int ap_cookie(request_rec *r, const char *name);\nint x;\n"),
        &target
    ));
    assert!(change("int ap_cookie(request_rec *r, const char *name, ...);\n").flatten(&target).is_ok());
}

#[test]
fn a_name_that_is_looked_up_is_not_renamed() {
    let target = Fake::new().declares("x_status", "httpd.h");
    let text = "#include \"httpd.h\"\nstatic int x_status(int a)\n{\n    return a;\n}\nstatic void hooks(apr_pool_t *p)\n{\n    \
                APR_REGISTER_OPTIONAL_FN(x_status);\n}\nmodule AP_MODULE_DECLARE_DATA x_module = { hooks };\n";
    let change = Change::new().adds(ModuleSource, "modules/x/mod_x.c", text);
    insta::assert_snapshot!(refused(change, &target));
}

#[test]
fn a_hunk_a_million_lines_down_takes_no_memory() {
    let error = module("return 0;")
        .hunks(SharedSource, UTIL, "@4294967290\n+int x;\n")
        .flatten(&Fake::new())
        .unwrap_err();
    assert_eq!(error.kind(), Kind::Input);
    assert!(error.to_string().contains("4294967290"));
}

/// A refusal never rests on code that may not be compiled.
#[test]
fn what_stands_behind_a_condition_is_left_to_the_compiler() {
    let target = Fake::new().declares("MODE_A", "mod_proxy.h");
    let change = module("#ifdef WIN32\n    return MODE_B + ap_proxy_new(r);\n#else\n    return 0;\n#endif")
        .changes(
            SharedHeader,
            HEADER,
            "enum mode { MODE_A };\n",
            "enum mode { MODE_A, MODE_B };\nPROXY_DECLARE(int) ap_proxy_new(request_rec *r);\n",
        );
    assert!(change.flatten(&target).is_ok());
}

/// Compiled on its own, each source reads a header with the macros that it defines itself.
#[test]
fn a_header_that_differs_between_the_sources_is_refused() {
    let guarded = |text: &str| format!("#ifndef X_H\n#define X_H\n{text}#endif\n");
    let change = |first: &str, later: &str, header: &str| {
        let main = format!(
            "#include \"httpd.h\"\n{first}#include \"x.h\"\nstatic int x_handler(request_rec *r) {{ return 0; }}\n\
             module AP_MODULE_DECLARE_DATA x_module = {{ STANDARD20_MODULE_STUFF, x_handler }};\n"
        );
        let later = format!("{later}#include \"x.h\"\nint x_size(void) {{ return SIZE; }}\n");
        Change::new()
            .adds(ModuleSource, "modules/x/mod_x.c", &main)
            .adds(ModuleSource, "modules/x/x.c", &later)
            .adds(PrivateHeader, "modules/x/x.h", header)
    };
    let depth = guarded("#ifndef DEPTH\n#define DEPTH 3\n#endif\nstruct box { char bytes[DEPTH]; };\n");
    insta::assert_snapshot!(refused(change("", "#define DEPTH 7\n", &depth), &Fake::new()));
    let global =
        "#ifdef X_MAIN\n#define EXTERN\n#else\n#define EXTERN extern\n#endif\nEXTERN int x_global;\n";
    for (first, later, header, name) in [
        // The definition is in none of the two readings that would count.
        ("", "#define X_MAIN\n", guarded(global), "X_MAIN"),
        ("#define X_MAIN\n", "", guarded(global), "X_MAIN"),
        // By way of another macro.
        (
            "#define N 1\n",
            "#define N 2\n",
            guarded("#define SIZE (N * 2)\nstruct box { char b[SIZE]; };\n"),
            "N",
        ),
        // A macro that the header makes, and the later source uses.
        (
            "",
            "#define SMALL\n",
            guarded("#ifdef SMALL\n#define SIZE 1\n#else\n#define SIZE 2\n#endif\n"),
            "SMALL",
        ),
        // Only one of the two compiles it at all.
        ("", "#define WITH_BOX\n", guarded("#ifdef WITH_BOX\nstruct box { int x; };\n#endif\n"), "WITH_BOX"),
        // The guard stands around a part of the header.
        ("", "#define DEPTH 7\n", format!("{depth}int x_size(void);\n"), "DEPTH"),
        (
            "#define DEPTH 4\n",
            "#define DEPTH 7\n",
            format!("#pragma once\n{}", "struct box { char b[DEPTH]; };\n"),
            "DEPTH",
        ),
    ] {
        let text = refused(change(first, later, &header), &Fake::new());
        assert!(text.contains("header_differs") && text.contains(&format!("`{name}` differs")), "{text}");
    }
}
