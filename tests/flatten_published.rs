//! What a module that takes the place of one of the target's promises to the target's other modules by its header.

mod flatten_support;

use flatten_support::{Change, Fake, Files};
use modgraft::changeset::Class;
use modgraft::flatten::{Error, TranslationUnit};

const THEIRS: &str = "\
#define X_WORDS 4

typedef struct x_thing x_thing;
typedef struct x_config {
    int first;
} x_config;

struct x_thing {
    const char *name;
    int words[X_WORDS];
    int (*of)(const x_thing *thing, apr_pool_t *pool);
};

typedef enum { X_ONE, X_TWO } x_mode;

int x_open(x_thing *thing, apr_pool_t *p, unsigned int flags);
void x_close(x_thing *thing);
";

fn module(source: &str) -> String {
    format!(
        "#include \"httpd.h\"\n#include \"mod_x.h\"\n{source}\n\
         module AP_MODULE_DECLARE_DATA x_module = {{ STANDARD20_MODULE_STUFF, x_open }};\n"
    )
}

fn grafted(ours: &str, source: &str, target: Fake) -> Result<TranslationUnit, Error> {
    let text = module(source);
    let change = Change::new().adds(Class::ModuleSource, "modules/x/mod_x.c", &text).adds(
        Class::PrivateHeader,
        "modules/x/mod_x.h",
        ours,
    );
    change.flatten(&target)
}

const SOURCE: &str = "int x_open(x_thing *thing, apr_pool_t *p, unsigned int flags) { return thing->words[0]; }\n\
                      void x_close(x_thing *thing) { thing->name = 0; }";

fn differs(from: &str, to: &str, source: &str) -> Option<(String, String)> {
    assert!(THEIRS.contains(from), "{from:?}");
    match grafted(&THEIRS.replace(from, to), source, Fake::new().header("mod_x.h", THEIRS)) {
        Ok(_) => None,
        Err(Error::PublishedDiffers { name, label, .. }) => Some((name, label)),
        Err(error) => panic!("{from:?}: {error}"),
    }
}

#[test]
fn what_others_call_make_and_read_is_as_they_know_it() {
    for (from, to, name, words) in [
        ("words[X_WORDS];", "words[X_WORDS];\n    int more;", "x_thing", "only here it has `more`"),
        ("    const char *name;\n", "", "x_thing", "here it has no `name`"),
        ("int words[", "long words[", "x_thing", "other types"),
        ("#define X_WORDS 4", "#define X_WORDS 8", "x_thing", "other types"),
        ("*thing, apr_pool_t *pool)", "*thing)", "x_thing", "other types"),
        ("X_ONE, X_TWO", "X_TWO, X_ONE", "x_mode", "other values"),
    ] {
        let source = SOURCE.replace("thing->name = 0;", "");
        let (named, label) = differs(from, to, &source).unwrap_or_else(|| panic!("{to:?} passes"));
        assert!(
            [name, "X_ONE", "X_TWO"].contains(&named.as_str()) && label.contains(words),
            "{to}: {named}: {label}"
        );
        assert!(label.contains("mod_x.h:"), "{label}");
    }
    let source = SOURCE.replace(", unsigned int flags)", ")");
    let (name, label) = differs(", unsigned int flags)", ")", &source).expect("it is called with more");
    assert_eq!(name, "x_open");
    assert!(label.contains("called with 2 arguments here, and with 3 there"), "{label}");
}

#[test]
fn what_is_said_in_other_words_or_in_addition_is_the_same() {
    for (from, to) in [
        ("apr_pool_t *p, unsigned int flags", "apr_pool_t *pool, unsigned flags /* none yet */"),
        ("void x_close(x_thing *thing);", "void x_close(const x_thing *thing);\nint x_new(void);\n"),
        ("X_ONE, X_TWO }", "X_ONE, X_TWO, X_THREE }"),
        ("#define X_WORDS 4\n", "#define X_SIZE 4\n#define X_WORDS X_SIZE\n"),
        // Nothing in the header speaks of it: only the module makes it.
        ("    int first;\n", "    int first;\n    int second;\n"),
    ] {
        let source = format!("{SOURCE}\nint x_new(void) {{ return 0; }}");
        assert_eq!(differs(from, to, &source), None, "{to}");
    }
    // A header that the target does not have says nothing to its modules.
    let other = THEIRS.replace("int words[", "long words[");
    grafted(&other, SOURCE, Fake::new()).unwrap();
}

/// The module of a tree, with a patch that changes its header.
fn patched(path: &str, before: &str, after: &str, source: &str, target: &Fake) -> Result<String, Error> {
    let text = format!(
        "#include \"httpd.h\"\n#include \"mod_x.h\"\n{source}\n\
         module AP_MODULE_DECLARE_DATA x_module = {{ STANDARD20_MODULE_STUFF, x_open }};\n"
    );
    let change = Change::new().changes(Class::ModuleSource, "modules/x/mod_x.c", "", &text);
    let change = change.changes(Class::SharedHeader, path, before, after);
    Ok(change.flatten(target)?.render(false))
}

const HEADER: &str = "modules/x/mod_x.h";

#[test]
fn what_a_patch_changes_in_the_modules_own_header_is_taken() {
    let target = || Fake::new().header("mod_x.h", THEIRS).exports("x_open", "mod_x.so");
    let source = format!(
        "{SOURCE}\nstatic int x_sum(void) {{ return X_LIMIT + X_FLAG + x_more(); }}\nint x_more(void) {{ return 0; }}"
    );
    let after = THEIRS
        .replace("    const char *name;\n", "#define X_FLAG 8\n    const char *name;\n")
        .replace("    int first;\n", "    int first;\n    int second;\n")
        + "#define X_LIMIT 2\nint x_more(void);\n";
    let before = format!("{THEIRS}#define X_LIMIT 1\n");
    for theirs in [&before, &format!("/* as it was shipped */\n{before}")] {
        // A rule that knows the target better than the header knows the module would be in the way.
        let target =
            target().header("mod_x.h", theirs).declares("X_LIMIT", "mod_x.h").rule("X_FLAG", "x/flag");
        let text = patched(HEADER, &before, &after, &source, &target).unwrap();
        assert!(!text.contains("#include \"mod_x.h\""), "{text}");
        for line in ["#define X_LIMIT 2\n", "#define X_FLAG 8\n", "int second;\n", "int x_more(void);\n"] {
            assert_eq!(text.matches(line).count(), 1, "{line}: {text}");
        }
    }
}

#[test]
fn the_targets_header_counts_where_the_module_or_the_tree_is_another() {
    let after = THEIRS.replace("X_WORDS 4", "X_WORDS 8");
    let target = || Fake::new().header("mod_x.h", THEIRS).exports("x_open", "mod_x.so");
    let kept = |path: &str, before: &str, source: &str, target: &Fake| {
        let text = patched(path, before, &after, source, target).unwrap();
        assert!(text.contains("#include \"mod_x.h\""), "{text}");
    };
    // Another module keeps what the header promises, or httpd itself does.
    kept(HEADER, THEIRS, "static int x_own(void) { return 1; }", &target());
    kept("include/mod_x.h", THEIRS, SOURCE, &target());
    // The tree is not the target's.
    let older = THEIRS.replace("    const char *name;\n", "");
    kept(HEADER, THEIRS, SOURCE, &target().header("mod_x.h", &older));
}

#[test]
fn a_patch_cannot_change_what_others_were_compiled_with() {
    let target = Fake::new().header("mod_x.h", THEIRS).exports("x_open", "mod_x.so");
    let after = THEIRS.replace("X_WORDS 4", "X_WORDS 8");
    let Err(Error::PublishedDiffers { name, help, .. }) = patched(HEADER, THEIRS, &after, SOURCE, &target)
    else {
        panic!("others have room for four");
    };
    assert_eq!(name, "x_thing");
    assert!(help.contains("the patch needs an httpd whose header says the same"), "{help}");
}

#[test]
fn what_another_file_takes_from_the_module_is_there() {
    let target = || {
        let target = Fake::new().header("mod_x.h", THEIRS).exports("x_close", "mod_x.so");
        target.exports("x_open", "mod_x.so").file("mod_x.so", &["x_open", "x_close"])
    };
    let (ours, source) =
        (THEIRS.replace("void x_close(x_thing *thing);\n", ""), &SOURCE[..SOURCE.find('\n').unwrap()]);
    match grafted(&ours, source, target().file("mod_y.so", &["x_close"])) {
        Err(Error::PublishedLost { name, user, .. }) => assert_eq!((&*name, &*user), ("x_close", "mod_y.so")),
        other => panic!("{other:?}"),
    }
    // Nobody takes it, or it is there.
    grafted(&ours, source, target()).unwrap();
    grafted(&format!("{THEIRS}\n"), SOURCE, target().file("mod_y.so", &["x_close"])).unwrap();
}

/// Of a patch that does not touch the header: its promises are the target's, for whose modules they were made.
#[test]
fn the_targets_header_is_the_modules_where_the_tree_has_it_beside() {
    let target = || {
        let target = Fake::new().header("mod_x.h", THEIRS).exports("x_close", "mod_x.so");
        target.exports("x_open", "mod_x.so").file("mod_y.so", &["x_close"])
    };
    let patched = |source: &str, tree: Option<&Files>| {
        let (before, after) = (module("static int old;"), module(source));
        let change = Change::new().changes(Class::ModuleSource, "modules/x/mod_x.c", &before, &after);
        change.flatten_on(&target(), tree)
    };
    let beside = Files::new().with("modules/x/mod_x.h", THEIRS);
    assert_eq!(*patched(SOURCE, Some(&beside)).unwrap().published, [THEIRS.into()]);
    let elsewhere = Files::new().with("include/mod_x.h", THEIRS);
    assert!(patched(SOURCE, Some(&elsewhere)).unwrap().published.is_empty());
    assert_eq!(*patched(SOURCE, None).unwrap().published, [THEIRS.into()]);
    match patched(&SOURCE[..SOURCE.find('\n').unwrap()], Some(&beside)) {
        Err(Error::PublishedLost { name, user, .. }) => assert_eq!((&*name, &*user), ("x_close", "mod_y.so")),
        other => panic!("{other:?}"),
    }
}
