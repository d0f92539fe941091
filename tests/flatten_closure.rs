//! What is pulled from the tree, and what is refused: each guard with a case that passes beside the one that does not.

mod flatten_support;

use std::collections::BTreeSet;

use flatten_support::{Change, Fake, Files, flatten, record, refused, shown};
use modgraft::changeset::Class::{ModuleSource, PrivateHeader};
use modgraft::flatten::{Error, Outcome, TranslationUnit, Upstream, awaited_module};

const PATH: &str = "modules/x/mod_x.c";

/// A module that includes httpd.h, mod_proxy.h and `includes`, and whose handler is `body`.
fn module_with(includes: &str, body: &str) -> Change {
    let text = format!(
        "#include \"httpd.h\"\n#include \"mod_proxy.h\"\n{includes}\nstatic int x_handler(request_rec *r)\n{{\n{body}\n}}\n\n\
         module AP_MODULE_DECLARE_DATA x_module = {{ STANDARD20_MODULE_STUFF, x_handler }};\n"
    );
    Change::new().adds(ModuleSource, PATH, &text)
}

fn module(body: &str) -> Change {
    module_with("", body)
}

/// httpd.h and proxy_util.c of a tree, with further lines.
fn tree(header: &str, source: &str) -> Files {
    Files::new()
        .with("include/httpd.h", &format!("#include \"ap_config.h\"\ntypedef struct request_rec request_rec;\n{header}"))
        .with("include/ap_config.h", "#define AP_DECLARE(type) type\n")
        .with("modules/proxy/mod_proxy.h", "#include \"httpd.h\"\nint ap_proxy_there(request_rec *r);\n")
        .with(
            "server/util.c",
            &format!(
                "#include \"httpd.h\"\n#include <ctype.h>\nAP_DECLARE(int) ap_old(void)\n{{\n    return 0;\n}}\n\n{source}"
            ),
        )
}

/// A target that has a function of util.c, so that the file is no part of httpd that it lacks altogether.
fn target() -> Fake {
    Fake::new().declares("ap_old", "httpd.h")
}

fn inlined(unit: &TranslationUnit) -> Vec<&str> {
    unit.inlined().map(|fate| fate.name.as_str()).collect()
}

#[test]
fn a_function_comes_with_all_it_needs_and_nothing_else() {
    let tree = tree(
        "#define AP_LIMIT 8\n#define AP_OTHER 9\ntypedef struct { char text[AP_LIMIT]; } ap_label_t;\n\
         AP_DECLARE(int) ap_label(request_rec *r, ap_label_t *label);\nAP_DECLARE(int) ap_unused(request_rec *r);\n",
        "#define FIRST 0\n\nstatic int helper(char letter)\n{\n    return toupper(letter);\n}\n\n\
         AP_DECLARE(int) ap_unused(request_rec *r)\n{\n    return 1;\n}\n\n\
         AP_DECLARE(int) ap_label(request_rec *r, ap_label_t *label)\n{\n    return helper(label->text[FIRST]);\n}\n",
    );
    let unit = flatten(module("    return ap_label(r, (void *)r);"), &target(), &tree).unwrap();
    insta::assert_snapshot!(unit.render(false));
    insta::assert_snapshot!(record(&unit));
}

#[test]
fn nothing_is_read_while_nothing_is_missing() {
    let tree = tree("int ap_known(request_rec *r);\n", "");
    let target =
        self::target().declares("ap_known", "httpd.h").declares("STANDARD20_MODULE_STUFF", "httpd.h");
    flatten(module("    return ap_known(r) + strlen(\"\");"), &target, &tree).unwrap();
    assert_eq!(*tree.read.borrow(), Vec::<String>::new());
}

#[test]
fn what_the_target_has_is_never_pulled() {
    let tree = tree("AP_DECLARE(int) ap_new(void);\n", "AP_DECLARE(int) ap_new(void)\n{\n    return 1;\n}\n");
    let change = || module("    return ap_new();");
    assert_eq!(inlined(&flatten(change(), &target(), &tree).unwrap()), ["ap_new"]);
    assert_eq!(
        inlined(&flatten(change(), &target().declares("ap_new", "httpd.h"), &tree).unwrap()),
        [] as [&str; 0]
    );
}

/// With the answer of another target, the same tree gives another unit: nothing of the first call is left.
#[test]
fn the_answer_depends_on_the_target_alone() {
    let tree = tree("AP_DECLARE(int) ap_new(void);\n", "AP_DECLARE(int) ap_new(void)\n{\n    return 1;\n}\n");
    let text = |target: &Fake| flatten(module("    return ap_new();"), target, &tree).unwrap().render(true);
    let (without, with) = (target(), target().declares("ap_new", "httpd.h"));
    let first = text(&without);
    assert_ne!(first, text(&with));
    assert_eq!(first, text(&without));
}

#[test]
fn a_rule_comes_before_the_tree() {
    let tree = tree("AP_DECLARE(int) ap_new(void);\n", "AP_DECLARE(int) ap_new(void)\n{\n    return 1;\n}\n");
    let unit = flatten(module("    return ap_new();"), &target().rule("ap_new", "shim.new"), &tree).unwrap();
    assert_eq!(inlined(&unit), [] as [&str; 0]);
    let fate = unit.record.iter().find(|fate| fate.name == "ap_new").unwrap();
    assert_eq!((fate.outcome, fate.line), (Outcome::Provided, 6));
    assert!(fate.reason.contains("shim.new"), "{}", fate.reason);
    // A rule never comes before the target.
    let target = self::target().rule("ap_new", "shim.new").declares("ap_new", "httpd.h");
    let unit = flatten(module("    return ap_new();"), &target, &tree).unwrap();
    assert!(unit.record.iter().all(|fate| fate.outcome != Outcome::Provided));
}

#[test]
fn what_is_exported_and_declared_nowhere_gets_its_prototype() {
    let tree = tree("AP_DECLARE(int) ap_new(void);\n", "AP_DECLARE(int) ap_new(void)\n{\n    return 1;\n}\n");
    let unit = flatten(module("    return ap_new();"), &target().exports("ap_new", "httpd"), &tree).unwrap();
    let text = unit.render(false);
    assert!(text.contains("\nAP_DECLARE(int) ap_new(void);\n") && !text.contains("return 1"), "{text}");
}

#[test]
fn a_name_means_what_a_header_in_sight_says() {
    // Another module's private macro of that name.
    let tree = tree("", "").with("modules/y/y.h", "#define LIMIT 4\n");
    assert_eq!(inlined(&flatten(module("    return LIMIT;"), &target(), &tree).unwrap()), [] as [&str; 0]);
    let tree = tree.with("include/httpd.h", "#include \"y.h\"\n");
    assert_eq!(inlined(&flatten(module("    return LIMIT;"), &target(), &tree).unwrap()), ["LIMIT"]);
}

#[test]
fn a_condition_asks_the_target() {
    let tree = tree("#define AP_HAS_NEW 1\n", "");
    let body = "#ifdef AP_HAS_NEW\n    return 1;\n#else\n    return 0;\n#endif";
    assert_eq!(inlined(&flatten(module(body), &target(), &tree).unwrap()), [] as [&str; 0]);
    // So does what stands under the question.
    let body = "#ifdef AP_HAS_NEW\n    return AP_HAS_NEW;\n#else\n    return 0;\n#endif";
    assert_eq!(inlined(&flatten(module(body), &target(), &tree).unwrap()), [] as [&str; 0]);
    // A use is another thing, and one under another question.
    let body = "#ifdef AP_HAS_OLD\n    return AP_HAS_NEW;\n#endif\n    return 0;";
    assert_eq!(inlined(&flatten(module(body), &target(), &tree).unwrap()), ["AP_HAS_NEW"]);
    let body = "#ifdef AP_HAS_OLD\n    return 1;\n#else\n    return 0;\n#endif\n    return AP_HAS_NEW;";
    assert_eq!(inlined(&flatten(module(body), &target(), &tree).unwrap()), ["AP_HAS_NEW"]);
}

#[test]
fn a_static_function_is_found_from_its_own_file_alone() {
    let tree = tree("int helper(void);\n", "static int helper(void)\n{\n    return 1;\n}\n");
    let (error, text) = refused(module("    return helper();"), &target(), &tree);
    assert!(matches!(error, Error::NoProvider { .. }), "{text}");
    assert_eq!(error.lacking(), Some("helper"));
}

#[test]
fn of_two_definitions_none_is_taken() {
    let source = "AP_DECLARE(int) ap_new(void)\n{\n    return 1;\n}\n";
    let tree = tree("AP_DECLARE(int) ap_new(void);\n", source).with("server/util_other.c", source);
    let (error, text) = refused(module("    return ap_new();"), &target(), &tree);
    assert!(matches!(error, Error::NoProvider { .. }), "{text}");
}

#[test]
fn state_is_never_copied() {
    for source in [
        "static int calls;\n\nAP_DECLARE(int) ap_new(void)\n{\n    return ++calls;\n}\n",
        "AP_DECLARE(int) ap_new(void)\n{\n    static int calls;\n    return ++calls;\n}\n",
    ] {
        let tree = tree("AP_DECLARE(int) ap_new(void);\n", source);
        let (error, text) = refused(module("    return ap_new();"), &target(), &tree);
        assert!(matches!(error, Error::PrivateState { .. }), "{text}");
        assert_eq!(error.lacking(), Some("ap_new"));
    }
    // A variable of file scope itself.
    let tree = tree("extern int ap_count;\n", "int ap_count = 0;\n");
    let (error, text) = refused(module("    return ap_count;"), &target(), &tree);
    assert!(matches!(error, Error::PrivateState { .. }), "{text}");
    assert_eq!(error.lacking(), Some("ap_count"));
}

#[test]
fn a_constant_is_taken_unless_it_is_told_by_its_address() {
    let tree = tree(
        "extern const int ap_level;\n#define AP_IS_LEVEL(p) ((p) == &ap_level)\n",
        "const int ap_level = 3;\n",
    );
    assert_eq!(inlined(&flatten(module("    return ap_level;"), &target(), &tree).unwrap()), ["ap_level"]);
    // A comparison with what nobody else has is never true: that does no harm, and is on the record.
    let unit = flatten(module("    return AP_IS_LEVEL((int *)r);"), &target(), &tree).unwrap();
    let fate = unit.inlined().find(|fate| fate.name == "ap_level").unwrap();
    assert!(fate.reason.contains("only compared"), "{}", fate.reason);
    let (error, text) = refused(module("    return give(r, &ap_level);"), &target(), &tree);
    assert!(matches!(error, Error::Identity { .. }), "{text}");
    insta::assert_snapshot!(text);
}

/// A constant of which no header speaks is its file's own, `static` or not.
#[test]
fn a_constant_of_one_file_is_told_by_nobody() {
    let tree = tree(
        "AP_DECLARE(int) ap_new(void);\n",
        "const char nul = 0;\nstatic char *const empty = (char *)&nul;\nAP_DECLARE(int) ap_new(void)\n{\n    return *empty;\n}\n",
    );
    let unit = flatten(module("    return ap_new();"), &target(), &tree).unwrap();
    assert_eq!(inlined(&unit), ["nul", "empty", "ap_new"]);
}

#[test]
fn a_type_of_which_the_target_has_a_part_is_never_pulled() {
    let tree = tree("typedef struct ap_conf { int a; int b; } ap_conf_t;\n", "");
    let change = || module("    ap_conf_t *c = (void *)r;\n    return c->b;");
    assert_eq!(inlined(&flatten(change(), &target(), &tree).unwrap()), ["ap_conf_t"]);
    let (error, text) = refused(change(), &target().declares("ap_conf", "httpd.h"), &tree);
    assert!(matches!(error, Error::TypeShared { .. }), "{text}");
    assert_eq!(error.lacking(), Some("ap_conf_t"));
    insta::assert_snapshot!(text);
}

#[test]
fn an_enumeration_is_never_extended() {
    let tree = tree("typedef enum { MODE_A, MODE_B } ap_mode_e;\n", "");
    let target = self::target().declares("MODE_A", "httpd.h").declares("ap_mode_e", "httpd.h");
    let (error, text) = refused(module("    return MODE_B;"), &target, &tree);
    assert!(matches!(error, Error::EnumerationGrown { .. }), "{text}");
    assert_eq!(error.lacking(), Some("MODE_B"));
}

#[test]
fn a_number_that_httpd_answers_to_is_never_made_up() {
    let tree = tree("#define AP_MPMQ_IS_THREADED 2\n#define AP_MPMQ_NEW 99\n#define AP_OTHER 5\n", "");
    let change = |name: &str| module(&format!("    return {name};"));
    // Where the whole family is upstream's, its copies are all that there is.
    assert_eq!(inlined(&flatten(change("AP_MPMQ_NEW"), &target(), &tree).unwrap()), ["AP_MPMQ_NEW"]);
    let target = target().declares("AP_MPMQ_IS_THREADED", "httpd.h");
    assert_eq!(inlined(&flatten(change("AP_OTHER"), &target, &tree).unwrap()), ["AP_OTHER"]);
    // A bit that another httpd has the other way round.
    let options = self::tree("#define OPT_INCLUDES 2\n#define OPT_INC_WITH_EXEC 32\n", "");
    let (error, text) = refused(
        change("OPT_INC_WITH_EXEC"),
        &self::target().declares("OPT_INCLUDES", "http_core.h"),
        &options,
    );
    assert!(matches!(error, Error::CodeUnknown { .. }), "{text}");
    let (error, text) = refused(change("AP_MPMQ_NEW"), &target, &tree);
    assert!(matches!(error, Error::CodeUnknown { .. }), "{text}");
    assert_eq!(error.lacking(), Some("AP_MPMQ_NEW"));
    insta::assert_snapshot!(text);
    // Code that may not be compiled is no reason to refuse.
    let body = "#ifdef AP_HAS_OLD\n    return AP_MPMQ_NEW;\n#endif\n    return 0;";
    assert_eq!(inlined(&flatten(module(body), &target, &tree).unwrap()), [] as [&str; 0]);
    assert!(flatten(change("AP_MPMQ_NEW"), &target.rule("AP_MPMQ_NEW", "shim.new"), &tree).is_ok());
}

#[test]
fn a_hook_is_never_pulled() {
    let tree = tree(
        "AP_DECLARE_HOOK(int, ready, (request_rec *r))\n",
        "AP_IMPLEMENT_HOOK_RUN_ALL(int, ready, (request_rec *r), (r), 0, -1)\n",
    );
    for body in ["    ap_hook_ready(0, 0, 0, 10);\n    return 0;", "    return ap_run_ready(r);"] {
        let (error, text) = refused(module(body), &target(), &tree);
        assert!(matches!(error, Error::HookMissing { .. }), "{text}");
    }
    let change = || module("    ap_hook_ready(0, 0, 0, 10);\n    return 0;");
    assert!(flatten(change(), &target().declares("ap_hook_ready", "httpd.h"), &tree).is_ok());
    assert!(flatten(change(), &target().rule("ap_hook_ready", "hook.dropped"), &tree).is_ok());
    insta::assert_snapshot!(refused(change(), &target(), &tree).1);
}

/// mod_ssl declares its hooks by APR's macro.
#[test]
fn a_hook_of_mod_ssl_is_never_pulled() {
    let tree = tree("", "")
        .with("modules/ssl/mod_ssl.h", "APR_DECLARE_EXTERNAL_HOOK(ssl, SSL, int, init_server, (void *s))\n")
        .with("modules/ssl/mod_ssl.c", "module AP_MODULE_DECLARE_DATA ssl_module = { 0 };\n");
    let change =
        module_with("#include \"mod_ssl.h\"", "    ssl_hook_init_server(0, 0, 0, 10);\n    return 0;");
    let (error, text) = refused(change, &target().header("mod_ssl.h", ""), &tree);
    assert!(matches!(error, Error::HookMissing { .. }), "{text}");
    assert_eq!(error.lacking(), Some("ssl_hook_init_server"));
}

#[test]
fn inlined_code_may_not_read_another_modules_configuration() {
    let tree = tree(
        "AP_DECLARE(int) ap_new(request_rec *r);\n",
        "extern module AP_MODULE_DECLARE_DATA http_module;\nAP_DECLARE(int) ap_new(request_rec *r)\n{\n    \
         return *(int *)ap_get_module_config(r, &http_module);\n}\n",
    );
    let target =
        || self::target().declares("ap_get_module_config", "httpd.h").exports("http_module", "httpd");
    let (error, text) = refused(module("    return ap_new(r);"), &target(), &tree);
    assert!(matches!(error, Error::OtherModulesState { .. }), "{text}");
    insta::assert_snapshot!(text);
    // What a header of the target declares is no secret: the types that are kept there are declared beside it.
    let open = target().declares("http_module", "http_core.h");
    assert!(flatten(module("    return ap_new(r);"), &open, &tree).is_ok());
}

#[test]
fn an_error_of_the_modules_own_is_a_wall() {
    let change = |condition: &str| {
        let text = format!(
            "#include \"httpd.h\"\n#if {condition}\n#error \"needs a newer httpd\"\n#endif\n\
             module AP_MODULE_DECLARE_DATA x_module = {{ 0 }};\n"
        );
        Change::new().adds(ModuleSource, PATH, &text)
    };
    let numbers = "#define MODULE_MAGIC_NUMBER_MAJOR 20051115\n#define MODULE_MAGIC_NUMBER_MINOR 24\n";
    let target = self::target()
        .header("ap_mmn.h", numbers)
        .declares("MODULE_MAGIC_NUMBER_MAJOR", "ap_mmn.h")
        .declares("MODULE_MAGIC_NUMBER_MINOR", "ap_mmn.h");
    let error = change("!AP_MODULE_MAGIC_AT_LEAST(20120211, 1)").flatten(&target).unwrap_err();
    assert!(matches!(error, Error::SaysNo { .. }), "{error}");
    insta::assert_snapshot!(shown(&error));
    assert!(change("MODULE_MAGIC_NUMBER_MAJOR < 20051115").flatten(&target).is_ok());
    // What the headers do not tell is the compiler's to say.
    assert!(change("!defined(HAVE_SOMETHING)").flatten(&target).is_ok());
}

/// A module whose hooks and functions a second one uses.
fn sessions() -> Files {
    tree("", "")
        .with(
            "modules/session/mod_session.h",
            "#include \"httpd.h\"\ntypedef struct { int expiry; } session_rec;\nint ap_session_get(request_rec *r, session_rec **z);\n\
             APR_DECLARE_EXTERNAL_HOOK(ap, SESSION, int, session_load, (request_rec *r, session_rec **z))\n\
             APR_DECLARE_OPTIONAL_FN(int, ap_session_set, (request_rec *r));\n",
        )
        .with(
            "modules/session/mod_session.c",
            "#include \"mod_session.h\"\nint ap_session_get(request_rec *r, session_rec **z)\n{\n    return 0;\n}\n\
             APR_IMPLEMENT_EXTERNAL_HOOK_RUN_FIRST(ap, SESSION, int, session_load, (request_rec *r, session_rec **z), (r, z), -1)\n\
             static void hooks(void)\n{\n    APR_REGISTER_OPTIONAL_FN(ap_session_set);\n}\n\
             module AP_MODULE_DECLARE_DATA session_module = { hooks };\n",
        )
}

fn with_sessions() -> Change {
    module_with(
        "#include \"mod_session.h\"",
        "    session_rec *z;\n    ap_hook_session_load(0, 0, 0, 10);\n    APR_RETRIEVE_OPTIONAL_FN(ap_session_set);\n    \
         return ap_session_get(r, &z);",
    )
}

#[test]
fn another_module_must_be_there_first() {
    let (error, text) = refused(with_sessions(), &target(), &sessions());
    let Error::NeedsModule { module, file, names, .. } = &error else { panic!("{text}") };
    assert_eq!((module.as_str(), file.as_str()), ("mod_session", "modules/session/mod_session.c"));
    assert_eq!(*names, ["ap_hook_session_load", "ap_session_get"]);
    insta::assert_snapshot!(text);
    // Its types alone are nobody's to provide.
    let types = module_with("#include \"mod_session.h\"", "    session_rec z = { 0 };\n    return z.expiry;");
    assert!(flatten(types, &target(), &sessions()).is_ok());
}

/// Whether it is compiled, the compiler decides; the symbol that is missing then is told as that of its module.
#[test]
fn another_module_may_be_awaited_under_a_condition() {
    let change = module_with(
        "#include \"mod_session.h\"",
        "#if APU_HAVE_CRYPTO\n    ap_hook_session_load(0, 0, 0, 10);\n#endif\n    return 0;",
    );
    let unit = flatten(change, &target(), &sessions()).unwrap();
    assert!(awaited_module(&unit.awaited, &BTreeSet::from(["ap_other"])).is_none());
    let error = awaited_module(&unit.awaited, &BTreeSet::from(["ap_hook_session_load", "ap_other"])).unwrap();
    let Error::NeedsModule { module, names, .. } = &error else { panic!("{error}") };
    assert_eq!((module.as_str(), &names[..]), ("mod_session", &["ap_hook_session_load".to_owned()][..]));
    assert!(shown(&error).contains("ap_hook_session_load(0, 0, 0, 10);"), "{}", shown(&error));
}

#[test]
fn a_required_module_is_taken_as_given() {
    let (tree, mut given) = (sessions(), self::target());
    for name in ["ap_hook_session_load", "ap_session_get", "ap_session_set"] {
        given = given.exports(name, "mod_session.so");
    }
    let unit = with_sessions().flatten_for(&given, Some(&tree as &dyn Upstream)).unwrap();
    let text = unit.render(false);
    assert!(text.contains("} session_rec;") && !text.contains("#include \"mod_session.h\""), "{text}");
    assert!(!text.contains("return 0;"), "{text}");
}

/// The nearest wall is the one that the module's author can do something about.
#[test]
fn the_refusal_is_the_one_nearest_to_the_module() {
    let tree = tree(
        "AP_DECLARE(int) ap_far(void);\nextern int ap_state;\n",
        "static int calls;\nint ap_state;\nAP_DECLARE(int) ap_far(void)\n{\n    return calls;\n}\n",
    );
    for body in ["    return ap_far() + ap_state;", "    return ap_state + ap_far();"] {
        let (error, _) = refused(module(body), &target(), &tree);
        assert!(error.to_string().contains("ap_state"), "{error}");
    }
}

#[test]
fn code_that_may_not_be_compiled_refuses_nothing() {
    let tree = tree("extern int ap_state;\n", "int ap_state;\n");
    let body = "#ifdef HAVE_STATE\n    return ap_state;\n#else\n    return 0;\n#endif";
    assert!(flatten(module(body), &target(), &tree).is_ok());
}

/// Upstream's own version of a function is used where the target's would read arguments that are not there.
#[test]
fn a_function_that_would_be_misread_is_copied_where_it_can_be() {
    let tree = |state: &str| {
        tree(
            "AP_DECLARE(int) ap_write(request_rec *r, const char *name);\n",
            &format!(
                "{state}AP_DECLARE(int) ap_write(request_rec *r, const char *name)\n{{\n    return note(name);\n}}\n"
            ),
        )
    };
    let target = || {
        self::target()
            .header("httpd.h", "int ap_write(request_rec *r, const char *name, ...);\n")
            .declares("ap_write", "httpd.h")
            .exports("ap_write", "httpd")
    };
    let change = || module("    return ap_write(r, \"a\");");
    let text =
        flatten(change(), &target(), &tree("static int note(const char *n)\n{\n    return !n;\n}\n\n"));
    let text = text.unwrap().render(false);
    assert!(text.contains("static int ap_write_graft(request_rec *r"), "{text}");
    assert!(text.contains("return ap_write_graft(r, \"a\");"), "{text}");
    let state = "static int last;\nstatic int note(const char *n)\n{\n    return ++last;\n}\n\n";
    let (error, text) = refused(change(), &target(), &tree(state));
    assert!(matches!(error, Error::Misread { .. }), "{text}");
    assert!(flatten(change(), &target().rule("ap_write", "write.null"), &tree(state)).is_ok());
}

#[test]
fn a_difference_that_does_no_harm_is_on_the_record() {
    let tree = tree("AP_DECLARE(int) ap_size(int n);\n", "");
    let target = self::target()
        .header("httpd.h", "apr_int64_t ap_size(apr_int64_t n);\n")
        .declares("ap_size", "httpd.h");
    let unit = flatten(module("    ap_size(1);\n    return 0;"), &target, &tree).unwrap();
    let fate = unit.record.iter().find(|fate| fate.outcome == Outcome::Noted).unwrap();
    assert_eq!(fate.name, "ap_size");
    assert!(fate.reason.contains("argument 1"), "{}", fate.reason);
    // Its result is cut where it is used.
    let (error, text) = refused(module("    return ap_size(1);"), &target, &tree);
    assert!(matches!(error, Error::Misread { .. }), "{text}");
}

#[test]
fn a_private_header_needs_a_provider() {
    let change = |header: &str| {
        module_with("#include \"x.h\"", "    return x_load(1);").adds(PrivateHeader, "modules/x/x.h", header)
    };
    let (error, text) = refused(change("int x_load(int a);\n"), &target(), &tree("", ""));
    assert!(matches!(error, Error::NoProvider { .. }), "{text}");
    // A source beside it in the tree provides it.
    let tree = tree("", "").with("modules/x/x_util.c", "int x_load(int a)\n{\n    return a;\n}\n");
    let unit = flatten(change("int x_load(int a);\n"), &target(), &tree).unwrap();
    assert_eq!(inlined(&unit).into_iter().filter(|name| *name == "x_load").count(), 1);
}

/// The parser of expressions came to httpd whole: where it is missing, nothing in the target could share its state.
#[test]
fn a_part_of_httpd_that_is_missing_altogether_is_grafted_whole() {
    let tree = tree("", "")
        .with("include/ap_expr.h", "#ifndef AP_EXPR_H\n#define AP_EXPR_H\n#include \"httpd.h\"\nint ap_expr(const char *text);\n#endif\n")
        .with("server/util_expr_private.h", "int ap_expr_yyparse(void);\nint ap_expr_count(void);\n")
        .with(
            "server/util_expr_eval.c",
            "#include \"ap_expr.h\"\n#include \"util_expr_private.h\"\nstatic int helper(void)\n{\n    return 1;\n}\n\n\
             int ap_expr(const char *text)\n{\n    return ap_expr_yyparse() + ap_expr_count() + helper();\n}\n",
        )
        .with(
            "server/util_expr_parse.c",
            "#include \"util_expr_private.h\"\n#define yyparse ap_expr_yyparse\nstatic int depth;\nstatic int helper(void)\n{\n    \
             return ++depth;\n}\n\nint yyparse(void)\n{\n    return helper();\n}\n\nint ap_expr_count(void)\n{\n    return depth;\n}\n",
        );
    let change = || module_with("#include \"ap_expr.h\"", "    return ap_expr(\"true\");");
    let unit = flatten(change(), &target(), &tree).unwrap();
    insta::assert_snapshot!(unit.render(false));
    // The target has a part of it: then it has its own state as well.
    let part = target().declares("ap_expr_count", "util_expr.h").exports("ap_expr_count", "httpd");
    let (error, text) = refused(change(), &part, &tree);
    assert!(matches!(error, Error::NoProvider { .. }), "{text}");
    assert_eq!(error.lacking(), Some("ap_expr_yyparse"));
}

/// httpd 2.4.28 began to count a worker's share in hundredths; its sum and its fraction are the same in both.
#[test]
fn a_number_in_another_unit_is_refused() {
    let release = |patch: u32| {
        format!(
            "#define AP_SERVER_MAJORVERSION_NUMBER 2\n#define AP_SERVER_MINORVERSION_NUMBER 4\n\
             #define AP_SERVER_PATCHLEVEL_NUMBER {patch}\n"
        )
    };
    let on = |patch| target().header("ap_release.h", &release(patch));
    let tree = |patch| self::tree("", "").with("include/ap_release.h", &release(patch));
    let set = || module("    worker->s->lbfactor = 1;\n    return 0;");
    for (ours, theirs) in [(6, 37), (37, 6)] {
        let (error, text) = refused(set(), &on(theirs), &tree(ours));
        assert!(matches!(error, Error::UnitDiffers { .. }), "{text}");
    }
    let shown = || module("    return show(r, worker->s->lbfactor);");
    assert!(refused(shown(), &on(37), &tree(6)).1.contains("hundredths in httpd 2.4.37, and ones in 2.4.6"));
    assert!(flatten(set(), &on(27), &tree(6)).is_ok());
    assert!(flatten(set(), &on(28), &tree(62)).is_ok());
    let shared = "    total += (*worker)->s->lbfactor;\n    return read / worker->s->lbfactor;";
    assert!(flatten(module(shared), &on(37), &tree(6)).is_ok());
}

/// What a header announces itself, it needs nobody in front of it for: `struct ap_varbuf_info;` of util_varbuf.h.
#[test]
fn what_is_pulled_stands_behind_the_header_that_announces_it() {
    let header = "struct new_info;\nstruct new_buffer { int size; struct new_info *info; };\n\
                  void new_grow(struct new_buffer *buffer);\n";
    let source = "struct new_info { int number; };\n#define NEW_SIZE sizeof(struct new_info)\n\
                  static int new_free(void *info)\n{\n    struct new_info *own = info;\n    return own->number;\n}\n\
                  void new_grow(struct new_buffer *buffer)\n{\n    buffer->size = NEW_SIZE + new_free(buffer->info);\n}\n";
    let tree = tree("", source).with("include/util_new.h", header);
    let change = module_with("#include \"util_new.h\"", "    new_grow((void *) r);\n    return 0;");
    let text = flatten(change, &target(), &tree).unwrap_or_else(|error| panic!("{error}")).render(false);
    let at = |what: &str| text.find(what).unwrap_or_else(|| panic!("{what}: {text}"));
    assert!(at("struct new_buffer {") < at("struct new_info { int"), "{text}");
    assert!(at("struct new_info { int") < at("buffer->size ="), "{text}");
}
