//! What a module says to others at run time is refused, or told, where nobody in the target knows it.

mod flatten_support;

use flatten_support::{Change, Fake, Files, flatten, refused};
use modgraft::changeset::Class::{self, ModuleSource, SharedSource};
use modgraft::flatten::{Error, Outcome};

/// A module that includes httpd.h and `includes`, with `body` as its handler.
fn module_with(includes: &str, body: &str) -> Change {
    let text = format!(
        "#include \"httpd.h\"\n{includes}\nstatic int x_handler(request_rec *r)\n{{\n{body}\n}}\n\n\
         module AP_MODULE_DECLARE_DATA x_module = {{ STANDARD20_MODULE_STUFF, x_handler }};\n"
    );
    Change::new().adds(ModuleSource, "modules/x/mod_x.c", &text)
}

fn module(body: &str) -> Change {
    module_with("", body)
}

/// A tree whose httpd.h has further lines.
fn tree(header: &str) -> Files {
    Files::new().with("include/httpd.h", &format!("typedef struct request_rec request_rec;\n{header}"))
}

fn target() -> Fake {
    Fake::new().declares("ap_register_provider", "ap_provider.h").declares("apr_table_setn", "apr_tables.h")
}

#[test]
fn an_optional_function_must_be_registered_by_somebody() {
    let tree = tree("").with("modules/ssl/mod_ssl.h", "APR_DECLARE_OPTIONAL_FN(int, ssl_ask, (void *c));\n");
    let change = || {
        let body =
            "    APR_OPTIONAL_FN_TYPE(ssl_ask) *ask = APR_RETRIEVE_OPTIONAL_FN(ssl_ask);\n    return ask(r);";
        module_with("#include \"mod_ssl.h\"", body)
    };
    let older = || target().header("mod_ssl.h", "");
    let (error, text) = refused(change(), &older(), &tree);
    assert!(matches!(error, Error::NobodyRegisters { .. }), "{text}");
    assert_eq!(error.lacking(), Some("ssl_ask"));
    assert!(flatten(change(), &older().declares("ssl_ask", "mod_ssl.h"), &tree).is_ok());
    assert!(flatten(change(), &older().rule("ssl_ask", "null"), &tree).is_ok());
    // A function of a module's own source, which no header and no symbol tells of.
    let registers = ["ssl_ask", "apr_dynamic_fn_register"];
    assert!(flatten(change(), &older().file("mod_ssl.so", &registers), &tree).is_ok());
    // Another one that asks for it does not help, nor does the file that the target has of the module itself.
    let asks = ["ssl_ask", "apr_dynamic_fn_retrieve"];
    assert!(flatten(change(), &older().file("mod_y.so", &asks), &tree).is_err());
    assert!(flatten(change(), &older().file("mod_x.so", &registers), &tree).is_err());
}

/// The patch changes the function, in another module's source, and that module's state stands behind it.
#[test]
fn an_optional_function_is_not_taken_for_being_asked_for() {
    let tree = tree("").with("modules/ssl/mod_ssl.h", "APR_DECLARE_OPTIONAL_FN(int, ssl_ask, (void *c));\n");
    let source = |answer: &str| {
        format!(
            "#include \"mod_ssl.h\"\nextern module ssl_module;\nint ssl_ask(void *c)\n{{\n    \
             return get(c, &ssl_module) + {answer};\n}}\n"
        )
    };
    let body = "    APR_OPTIONAL_FN_TYPE(ssl_ask) *ask = APR_RETRIEVE_OPTIONAL_FN( ssl_ask );\n    \
                return ask ? ask(r) : 0;";
    let change = |body: &str| {
        let change = module_with("#include \"mod_ssl.h\"", body);
        change.changes(SharedSource, "modules/ssl/ssl_vars.c", &source("1"), &source("2"))
    };
    let target = || target().declares("ssl_ask", "mod_ssl.h").header("mod_ssl.h", "");
    let unit = flatten(change(body), &target(), &tree).unwrap();
    assert!(!unit.render(false).contains("get(c, &ssl_module)"), "{}", unit.render(false));
    // Who takes its address needs the function.
    let registers = format!("    APR_REGISTER_OPTIONAL_FN(ssl_ask);\n{body}");
    let (error, text) = refused(change(&registers), &target(), &tree);
    assert!(matches!(error, Error::OtherModulesState { .. }), "{text}");
}

#[test]
fn an_optional_function_that_is_tested_first_is_no_need() {
    let declared = "APR_DECLARE_OPTIONAL_FN(int, y_ask, (void *c));\n";
    let tree = tree("")
        .with("modules/y/mod_y.h", declared)
        .with("modules/y/mod_y.c", "module AP_MODULE_DECLARE_DATA y_module = { 0 };\n");
    let made_with = |macros: &str, calls: &str| {
        let body = format!("    ask = APR_RETRIEVE_OPTIONAL_FN(y_ask);\n{calls}\n    return 0;");
        let variable = format!("#include \"mod_y.h\"\nstatic APR_OPTIONAL_FN_TYPE(y_ask) *ask;\n{macros}");
        flatten(module_with(&variable, &body), &target(), &tree)
    };
    let made = |calls: &str| made_with("", calls);
    for tested in [
        "    if (ask) { ask(r); }",
        "    if (!ask || !ask(r)) return 1;",
        "    if (ask != NULL && (*ask)(r)) return 1;",
        "    return ask ? ask(r) : 0;",
        "    if (r && ask) return ask(r);",
    ] {
        let unit = made(tested).unwrap_or_else(|error| panic!("{tested}: {error}"));
        let told = unit.record.iter().find(|fate| fate.name == "y_ask" && fate.outcome == Outcome::Noted);
        assert!(told.is_some(), "{tested}");
    }
    for untested in [
        "    return ask(r);",
        "    ask(r);\n    if (ask) return 1;",
        "    hand_on(ask);\n    return ask(r);",
        "    if (r->ask) return ask(r);",
        // Somebody else may call it.
        "    hand_on(ask);",
        // It says itself that it cannot do without.
        "    if (!ask) {\n        complain();\n        return !OK;\n    }\n    return ask(r);",
        "    if (r && (!ask || !ask(r))) return HTTP_INTERNAL_SERVER_ERROR;",
    ] {
        let error = made(untested).expect_err(untested);
        assert!(matches!(error, Error::NeedsModule { .. }), "{untested}: {error}");
    }
    // The same of macros, as that of mod_authn_file.
    let asks = made_with("#define ASK(r) \\\n    if (ask != NULL) \\\n        ask((r))\n", "    ASK(r);");
    assert!(asks.is_ok(), "{}", asks.unwrap_err());
    for untested in ["#define ASK(r) ask(r)\n", "#define ASK ask\n"] {
        let error = made_with(untested, "    if (ask) ask(r);\n    ASK(r);").expect_err(untested);
        assert!(matches!(error, Error::NeedsModule { .. }), "{untested}: {error}");
    }
}

#[test]
fn an_optional_function_of_the_modules_own_header_is_its_own_risk() {
    // The patch changes the module, and leaves its header alone.
    let text = |body: &str| {
        format!(
            "#include \"httpd.h\"\n#include \"mod_x.h\"\nAPR_OPTIONAL_FN_TYPE(x_key) *x_key;\n\
             static int x_handler(request_rec *r)\n{{\n    x_key = APR_RETRIEVE_OPTIONAL_FN(x_key);\n\
             if (!x_key) {{\n        x_key = x_key_default;\n    }}\n    return {body};\n}}\n\
             static int x_key_default(void *c)\n{{\n    return 0;\n}}\n\
             module AP_MODULE_DECLARE_DATA x_module = {{ STANDARD20_MODULE_STUFF, x_handler }};\n"
        )
    };
    let declared = "APR_DECLARE_OPTIONAL_FN(int, x_key, (void *c));\n";
    let tree = tree("").with("modules/x/mod_x.c", &text("0")).with("modules/x/mod_x.h", declared);
    let change = Change::new().changes(ModuleSource, "modules/x/mod_x.c", &text("0"), &text("1"));
    flatten(change, &target(), &tree).unwrap();
}

#[test]
fn a_group_of_providers_must_be_asked_by_somebody() {
    let tree = tree("#define AP_NEW_GROUP \"new\"\n#define AP_NEW_VERSION \"0\"\n");
    let registers = "    ap_register_provider(r, AP_NEW_GROUP, \"x\", AP_NEW_VERSION, r);\n    return 0;";
    let change = || module(registers);
    let (error, text) = refused(change(), &target(), &tree);
    assert!(matches!(error, Error::NobodyAsks { .. }), "{text}");
    assert_eq!(error.lacking(), Some("AP_NEW_GROUP"));
    assert!(flatten(change(), &target().declares("AP_NEW_GROUP", "httpd.h"), &tree).is_ok());
    assert!(flatten(change(), &target().file("mod_asks.so", &["new", "ap_lookup_provider"]), &tree).is_ok());
    assert!(flatten(change(), &target().file("mod_x.so", &["new", "ap_lookup_provider"]), &tree).is_err());
    assert!(flatten(change(), &target().required(), &tree).is_ok());
    // It may hand on to other providers of the group; somebody has to ask for it first.
    let both = format!("    ap_lookup_provider(AP_NEW_GROUP, \"y\", \"0\");\n{registers}");
    let (error, text) = refused(module(&both), &target(), &tree);
    assert!(matches!(error, Error::NobodyAsks { .. }), "{text}");
}

#[test]
fn what_is_said_on_a_condition_counts_where_the_condition_is_known_to_hold() {
    let tree = tree("#define AP_NEW_GROUP \"new\"\n");
    let is_refused = |defined: &str, condition: &str| {
        let version = "#define APU_MINOR_VERSION 6\n";
        let target = target().header("apu_version.h", version).declares("APU_MINOR_VERSION", "apu_version.h");
        let body = format!(
            "{condition}\n    ap_register_provider(r, AP_NEW_GROUP, \"x\", \"0\", r);\n#else\n    r = 0;\n#endif\n    return 0;"
        );
        match flatten(module_with(defined, &body), &target, &tree) {
            Ok(_) => false,
            Err(Error::NobodyAsks { .. }) => true,
            Err(error) => panic!("{error}"),
        }
    };
    let own = "#if APU_MINOR_VERSION > 5\n#define HAVE_IT 1\n#endif";
    assert!(is_refused(own, "#ifdef HAVE_IT"));
    assert!(is_refused(own, "#if !defined(HAVE_IT)\n#elif APU_MINOR_VERSION == 6"));
    assert!(is_refused("", "#if APU_MINOR_VERSION >= 6"));
    for (defined, condition) in [
        (own, "#ifndef HAVE_IT"),
        (own, "#ifdef HAVE_OTHER"),
        (own, "#ifdef HAVE_OTHER\n#elif APU_MINOR_VERSION == 6"),
        ("#ifdef HAVE_OTHER\n#define HAVE_IT 1\n#endif", "#ifdef HAVE_IT"),
        ("#define HAVE_IT 1\n#undef HAVE_IT", "#ifdef HAVE_IT"),
        ("#if APU_MINOR_VERSION > 6\n#define HAVE_IT 1\n#endif", "#ifdef HAVE_IT"),
    ] {
        assert!(!is_refused(defined, condition), "{defined} {condition}");
    }
}

#[test]
fn a_group_of_a_header_that_is_in_the_unit_from_end_to_end_counts_too() {
    let tree = tree("").with("include/ap_new.h", "#define AP_NEW_GROUP \"new\"\n");
    let change = || {
        let registers = "    ap_register_provider(r, AP_NEW_GROUP, \"x\", \"0\", r);\n    return 0;";
        module_with("#include \"ap_new.h\"", registers)
    };
    let (error, text) = refused(change(), &target(), &tree);
    assert!(matches!(error, Error::NobodyAsks { .. }), "{text}");
    assert!(flatten(change(), &target().file("httpd", &["new", "ap_list_provider_names"]), &tree).is_ok());
}

#[test]
fn a_group_that_nobody_registers_in_is_told_of() {
    let tree = tree("#define AP_NEW_GROUP \"new\"\n");
    let change = || module("    return ap_lookup_provider(AP_NEW_GROUP, \"y\", \"0\") != 0;");
    let warned = |target: &Fake| {
        let unit = flatten(change(), target, &tree).unwrap();
        unit.warnings.into_iter().map(|warning| warning.about).collect::<Vec<_>>()
    };
    assert_eq!(warned(&target()), ["AP_NEW_GROUP"]);
    assert_eq!(warned(&target().file("mod_y.so", &["new", "ap_register_auth_provider"])), [] as [&str; 0]);
}

#[test]
fn a_note_that_nobody_else_knows_is_refused() {
    let tree = tree("#define AP_PASSED_NOTE \"passed\"\n");
    let writes = "    apr_table_setn(r->notes, AP_PASSED_NOTE, \"N\");\n    return 0;";
    let (error, text) = refused(module(writes), &target(), &tree);
    assert!(matches!(error, Error::NoteUnknown { .. }), "{text}");
    assert_eq!(error.lacking(), Some("AP_PASSED_NOTE"));
    insta::assert_snapshot!(text);
    assert!(flatten(module(writes), &target().file("httpd", &["passed"]), &tree).is_ok());
    assert!(flatten(module(writes), &target().file("mod_x.so", &["passed"]), &tree).is_err());
    assert!(flatten(module(writes), &target().rule("AP_PASSED_NOTE", "text"), &tree).is_ok());
    let reads = "    return apr_table_get(r->notes, AP_PASSED_NOTE) != 0;";
    assert!(flatten(module(reads), &target(), &tree).is_err());
    // What it says to itself, and what it says to clients, nobody in httpd has to know.
    let both = format!("    apr_table_get(r->notes, AP_PASSED_NOTE);\n{writes}");
    assert!(flatten(module(&both), &target(), &tree).is_ok());
    let header = "    apr_table_setn(r->headers_out, AP_PASSED_NOTE, \"N\");\n    return 0;";
    assert!(flatten(module(header), &target(), &tree).is_ok());
}

#[test]
fn what_the_targets_configure_never_asked_is_told_of() {
    let tree = tree("int ap_load(request_rec *r);\n").with(
        "server/util.c",
        "#include \"httpd.h\"\nint ap_old(void)\n{\n    return 0;\n}\n\nint ap_load(request_rec *r)\n{\n\
         #if HAVE_GETLOADAVG\n    return 1;\n#else\n    return 0;\n#endif\n}\n",
    );
    let warned = |answers: &str| {
        let target = target().declares("ap_old", "httpd.h").header("apr.h", "");
        let target = target.header("ap_config_auto.h", answers);
        let unit = flatten(module("    return ap_load(r);"), &target, &tree).unwrap();
        unit.warnings.into_iter().map(|warning| warning.text).collect::<Vec<_>>()
    };
    let said = warned("#define HAVE_GETLOADAVG_NOW 1\n");
    assert!(
        said.len() == 1 && said[0].contains("`HAVE_GETLOADAVG` decides in ap_load of server/util.c"),
        "{said:?}"
    );
    assert_eq!(warned("/* #undef HAVE_GETLOADAVG */\n"), [] as [&str; 0]);
    assert_eq!(warned("#define HAVE_GETLOADAVG 1\n"), [] as [&str; 0]);
}

#[test]
fn what_the_patch_defines_for_httpds_build_alone_is_told() {
    let warned = |answers: &str, class: Class| {
        let target = target().header("apr.h", "").header("ap_config_auto.h", answers);
        let body = "#ifdef DEFAULT_X\n    return 1;\n#endif\n    return 0;";
        let change =
            module(body).hunks(class, "include/ap_layout.h.in", "@60\n #define OLD\n+#define DEFAULT_X 1\n");
        let unit = change.flatten(&target).unwrap();
        unit.warnings.into_iter().map(|warning| warning.text).collect::<Vec<_>>()
    };
    let said = warned("", Class::Other);
    let words = "`DEFAULT_X` decides in x_handler of modules/x/mod_x.c what is compiled, and the patch defines it in \
                 include/ap_layout.h.in";
    assert!(said.len() == 1 && said[0].contains(words), "{said:?}");
    assert_eq!(warned("/* #undef DEFAULT_X */\n", Class::Other), [] as [&str; 0]);
    // What a manual says of it defines nothing.
    assert_eq!(warned("", Class::Documentation), [] as [&str; 0]);
}
