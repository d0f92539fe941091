//! The scanner against small headers of our own.

use super::*;

fn found(text: &str) -> Vec<(String, NameKind)> {
    let mut found = Vec::new();
    names(text.as_bytes(), &mut |name, kind| found.push((String::from_utf8_lossy(name).into_owned(), kind)));
    found
}

fn only(text: &str, kind: NameKind) -> Vec<String> {
    found(text).into_iter().filter(|(_, found)| *found == kind).map(|(name, _)| name).collect()
}

#[test]
fn functions_are_found_behind_linkage_macros_and_before_attributes() {
    let text = "AP_DECLARE(int) ap_one(request_rec *r);\n\
         AP_DECLARE_NONSTD(const char *) ap_two(cmd_parms *cmd, ...) __attribute__((format(printf, 2, 3)));\n\
         extern AP_DECLARE(void) ap_three(void) AP_FN_ATTR_NONNULL((1));\n\
         static APR_INLINE int four(int x) { return helper(x); }\n\
         PROXY_DECLARE(struct thing *) five(struct other *o);\n\
         struct thing *six(void);\n\
         int seven (a *b), eight;\n";
    assert_eq!(
        only(text, NameKind::Object),
        ["ap_one", "ap_two", "ap_three", "four", "five", "six", "seven"]
    );
}

#[test]
fn variables_and_pointers_to_functions_are_found() {
    let text = "extern AP_DECLARE_DATA module core_module;\nAP_DECLARE_DATA extern const char *names[];\n\
         extern int (*hook)(request_rec *r);\nextern int a, *b;\nstatic const int table[] = { ONE, TWO };\n";
    assert_eq!(only(text, NameKind::Object), ["core_module", "names", "hook", "a", "b", "table"]);
}

#[test]
fn types_tags_and_constants_are_found() {
    let text = "typedef struct one_t one_t;\nstruct one_t { int member; enum { INNER } kind; struct nested { int x; } n; };\n\
         typedef enum { RED, GREEN = MAX(1, 2), BLUE } colour;\ntypedef int (*callback)(int, void *);\n\
         typedef void (APR_THREAD_FUNC *start_t)(void *);\ntypedef char buffer_t[16];\n\
         typedef int function_t(int);\nstruct forward;\nenum later { LATE };\n";
    assert_eq!(
        only(text, NameKind::Type),
        ["one_t", "colour", "callback", "start_t", "buffer_t", "function_t"]
    );
    assert_eq!(only(text, NameKind::Tag), ["one_t", "nested", "later"]);
    assert_eq!(only(text, NameKind::Constant), ["INNER", "RED", "GREEN", "BLUE", "LATE"]);
    assert_eq!(only(text, NameKind::Object), Vec::<String>::new());
}

#[test]
fn macros_that_declare_are_known_with_or_without_a_semicolon() {
    let text = "AP_DECLARE_HOOK(int,post_config,(apr_pool_t *p))\nAP_DECLARE(int) ap_next(void);\n\
         APR_DECLARE_EXTERNAL_HOOK(proxy, PROXY, int, canon_handler, (request_rec *r));\n\
         APR_DECLARE_OPTIONAL_FN(int, ssl_is_https, (conn_rec *));\n";
    let objects = only(text, NameKind::Object);
    for name in
        ["ap_hook_post_config", "ap_run_post_config", "ap_next", "proxy_hook_canon_handler", "ssl_is_https"]
    {
        assert!(objects.iter().any(|object| object == name), "{name}: {objects:?}");
    }
    assert!(!objects.iter().any(|object| object == "post_config"), "{objects:?}");
}

#[test]
fn a_mere_use_does_not_count() {
    let text = "/* int in_comment(void); */\n// int in_line_comment(void);\n\
         #define WRAP(x) wrapped_call(x) \\\n  second_line(x)\nextern const char *text; /* see other() */\n\
         int takes(struct param *p, int (*cb)(int)) ;\nstatic int body(void) { return used(1); }\n\
         #if 0\nint never(void);\n#else\nint always(void);\n#endif\n#ifdef WIN32\nint windows(void);\n#endif\n";
    let names: Vec<String> = found(text).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["WRAP", "text", "takes", "body", "always"]);
}

#[test]
fn linkage_blocks_and_branches_keep_the_brackets_in_step() {
    let text = "extern \"C\" {\nint one(void);\n#ifdef A\nstruct two {\n#else\nstruct three {\n#endif\n  int x;\n};\n}\n\
         int four(void);\n";
    let names: Vec<String> = found(text).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["one", "two", "three", "four"]);
}

#[test]
fn whatever_bytes_come_the_scanner_ends() {
    for text in [
        "\"",
        "#",
        "/*",
        "#define",
        "\\",
        "{{{{",
        "}}}}",
        "#if 0",
        "'\\",
        "AP_DECLARE_HOOK(",
        "enum {",
        "#define X \"\\",
    ] {
        found(text);
    }
    found(&"{(;#if\n".repeat(200));
}
